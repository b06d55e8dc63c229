/* SPDX-License-Identifier: BSD-3-Clause */
/* Failed authentications: a token bucket by key, in a table that all workers share.
 *
 *   line (64 bytes):  8 x { until:32 | level:4 | tag:28 }
 *
 * Unlike rates (rate.h) they are few, as each has cost a verifier, and a guesser is to gain nothing
 * by coming through several workers; so there is one table for all. An entry is one word, which is
 * whole whoever is killed where, and is changed by compare-and-swap alone.
 *
 * A key is a keyed hash of what it stands for; an entry keeps its line and 28 bits of it. That two
 * of a line have the same is one in thirty million, and nobody outside can bring it about.
 *
 * `until` is when all failures of the key are forgiven, in steps of 128 ms: each adds the interval
 * of its terms. A key that finds no place takes that of its line that is forgiven first. `level`
 * counts the bans that a key has earned; it goes with the entry, or when there was nothing for as
 * long as the caller says. Relaxed throughout: nothing is published by a word. */
#ifndef BD_FAILURES_H
#define BD_FAILURES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

enum { BD_FAILURES_WAYS = 8, BD_FAILURES_LINES = BD_FAILURES_MAX / BD_FAILURES_WAYS };
_Static_assert((BD_FAILURES_LINES & (BD_FAILURES_LINES - 1)) == 0, "a mask chooses the line");

struct bd_failures {
    /* The latest `until` there has been. Only grows; 0: nobody has failed yet. */
    _Alignas(64) _Atomic uint32_t latest;
    struct bd_failures_line {
        _Alignas(64) _Atomic uint64_t word[BD_FAILURES_WAYS];
    } line[BD_FAILURES_LINES];
};

/* bd_clock_ms() in steps. */
static inline uint32_t bd_failures_now(uint64_t now_ms)
{
    return (uint32_t)(now_ms >> 7);
}
/* Of a time; one that is not 0 is not less than a step. */
static inline uint32_t bd_failures_steps(uint64_t ms)
{
    return (uint32_t)((ms + 127) >> 7);
}

/* So many failures at once, and one more each interval. */
struct bd_failure_terms {
    uint32_t interval, tolerance; /* steps; tolerance: (burst - 1) intervals */
    uint32_t forget;              /* steps after all was forgiven, until the level is, too */
};

struct bd_failure_state {
    bool found;     /* it has failed before, and is not displaced */
    uint32_t until; /* now, when all is forgiven */
    uint32_t since; /* steps since then; 0 before */
    bool over;      /* no failure is left to it */
};

/* Looks only. */
struct bd_failure_state bd_failures_look(const struct bd_failures *failures, uint64_t key,
                                         uint32_t now, const struct bd_failure_terms *terms);
/* Counts one failure; the state is that of before. One that is over is not charged further. */
struct bd_failure_state bd_failures_add(struct bd_failures *failures, uint64_t key, uint32_t now,
                                        const struct bd_failure_terms *terms);
/* Raises the level of a key that has just failed, and returns what it was: 0..15. */
unsigned bd_failures_raise(struct bd_failures *failures, uint64_t key);
/* Forgets a key, its level too. */
void bd_failures_forgive(struct bd_failures *failures, uint64_t key);
/* Whether any key has failures that are not forgiven, or were but `more` steps ago. */
bool bd_failures_any(const struct bd_failures *failures, uint32_t now, uint32_t more);

#endif
