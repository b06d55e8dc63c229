/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates by key: a token bucket each, in a table of fixed size.
 *
 *   line (64 bytes):  key:64 x 3 | at:64 x 3 | over:32 x 3
 *
 * A bucket is one word (the virtual scheduling of ITU-T I.371): `at` is when it would be full
 * again. Taking one moves it on by the interval of the rate; one that would begin later than the
 * burst allows is refused, and moves nothing. A bucket that is full, `at` in the past, is as good
 * as none, so a table need not hold who comes now and then: it holds those who came within the last
 * interval, and those who spend their burst. A key that finds no place takes the one of its line
 * that is nearest to full. So a flood of forged sources, each with one interval to its name, fills
 * the table but for those who are at their limit; they would have to be outnumbered three to one,
 * by sources at their own limit, in a line that nobody outside can know: the hash is keyed. Who is
 * displaced begins anew; nobody is refused for what another did.
 *
 * One table a worker, and no more: receive-side scaling spreads a source with many ports over the
 * workers, so such a one has up to its rate at each. What a limit protects is a worker's core, and
 * for that it is exact. A table for all would make each datagram of each phone a write to a line
 * that another core wrote last. In the arena, so that it outlives a restart and control can show
 * it; one writer, the worker; relaxed, as nothing is published by it.
 *
 * No division, no system call: control has turned a rate into an interval. */
#ifndef BD_RATE_H
#define BD_RATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "limits.h"
#include "policy.h"

enum { BD_RATE_WAYS = 3, BD_RATE_LINES = BD_RATES_MAX / BD_RATE_WAYS };
_Static_assert((BD_RATE_LINES & (BD_RATE_LINES - 1)) == 0, "a mask chooses the line");

struct bd_rate_line {
    _Alignas(64) _Atomic uint64_t key[BD_RATE_WAYS];
    _Atomic uint64_t at[BD_RATE_WAYS];
    _Atomic uint32_t over[BD_RATE_WAYS]; /* refused since the key came in */
    uint32_t unused;
};
_Static_assert(sizeof(struct bd_rate_line) == 64, "kept in shared memory");

struct bd_rates {
    struct bd_rate_line line[BD_RATE_LINES];
};

/* bd_clock_ms() in the units of rates, some microseconds. */
#define BD_RATE_UNITS_PER_MS 1024
static inline uint64_t bd_rate_now(uint64_t now_ms)
{
    return now_ms * BD_RATE_UNITS_PER_MS;
}

/* What a policy says by `per_s` and `burst`, both from 1 on; 0 a second: no limit. */
static inline struct bd_rate_terms bd_rate_terms_of(uint32_t per_s, uint32_t burst)
{
    uint64_t interval = per_s ? 1000 * BD_RATE_UNITS_PER_MS / per_s : 0;
    return (struct bd_rate_terms){.interval = interval, .tolerance = (burst - 1) * interval};
}

static inline struct bd_rate_line *bd_rate_line_of(struct bd_rates *rates, uint64_t hash)
{
    return &rates->line[hash & (BD_RATE_LINES - 1)];
}

static inline void bd_rate_prefetch(struct bd_rates *rates, uint64_t hash)
{
    __builtin_prefetch(bd_rate_line_of(rates, hash), 1);
}

/* Takes one of a key's; false: there is none left, which is counted. `hash` is a keyed one of the
 * key. A clock that went back, or terms that became stricter, cost a key no more than its burst. */
bool bd_rate_take(struct bd_rates *rates, uint64_t hash, uint64_t key, uint64_t now,
                  const struct bd_rate_terms *terms);

/* One place after the other, i < BD_RATES_MAX: a key that was refused, and came since `since`; how
 * often. Any process; what it reads may be a moment old. */
bool bd_rate_refused_at(const struct bd_rates *rates, unsigned i, uint64_t since, uint64_t *key,
                        uint32_t *over);

#endif
