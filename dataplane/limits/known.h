/* SPDX-License-Identifier: BSD-3-Clause */
/* Sources from which somebody was registered within a day: who is heard while not all can be.
 *
 *   line (64 bytes):  16 x { seen:16 | tag:16 }
 *
 * Under overload a worker asks before it reads a datagram whether its source is one of these; of
 * all others it reads a part. A phone's registration notes its source; `seen` is when, in steps of
 * 17 minutes, so a line is written at most so often for a phone that refreshes, and read by workers
 * that share it without being taken from each other. A source that finds no place takes that of its
 * line that was not seen for longest; among such as have all been seen in this step it is not
 * noted. So whoever registers from many addresses displaces nobody who was here since the step
 * began.
 *
 * A keyed hash chooses line and tag: a stranger is taken for known by chance, once in 4,096 at
 * most, where a line is full, and nobody outside can tell who. One word an entry, whole whoever is
 * killed where; relaxed throughout, as nothing is published by it: two workers that write one word
 * lose a note, which the next registration makes. In the arena, so that a restart under attack
 * knows its phones. Workers and tests. */
#ifndef BD_KNOWN_H
#define BD_KNOWN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

enum { BD_KNOWN_WAYS = 16, BD_KNOWN_LINES = BD_KNOWN_MAX / BD_KNOWN_WAYS };
_Static_assert((BD_KNOWN_LINES & (BD_KNOWN_LINES - 1)) == 0, "a mask chooses the line");

struct bd_known {
    struct bd_known_line {
        _Alignas(64) _Atomic uint32_t word[BD_KNOWN_WAYS];
    } line[BD_KNOWN_LINES];
};

static inline struct bd_known_line *bd_known_line_of(struct bd_known *known, uint64_t hash)
{
    return &known->line[hash & (BD_KNOWN_LINES - 1)];
}

/* `hash`: a keyed one of the source. */
void bd_known_note(struct bd_known *known, uint64_t hash, uint32_t now_s);
bool bd_known_has(struct bd_known *known, uint64_t hash, uint32_t now_s);
/* How many there are, for people: reads all of it, a few ms. Any process. */
uint32_t bd_known_cnt(const struct bd_known *known, uint32_t now_s);

#endif
