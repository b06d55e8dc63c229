/* SPDX-License-Identifier: BSD-3-Clause */
/* Strangers take turns: how often a source that nobody knows is heard while its worker is behind.
 *
 * Each has two turns within T1 (RFC 3261 17.1.1.1, half a second): to be challenged, and to answer.
 * So whoever forges a hundred thousand sources and sends all the time is heard no more often than a
 * phone that sends now and then. Turns are counted in a byte that a keyed hash of source and half
 * second chooses: a phone whose byte others have used up, one of twelve under such a flood, has
 * another one when it sends again. Sixteen groups of sources begin their half seconds one after the
 * other, so not all come at once; each has so many turns that all together are heard a million
 * times a second. A phone that comes when its group's are gone comes at another point of the half
 * second next time: T1 and T2 are no multiples of it.
 *
 * Sources that are known (known.h) have turns of their own, which no flood of strangers uses up,
 * and each port of them has its own: behind one address there may be an office full of phones. They
 * are read beyond that; but what came by a turn is not shed for the worker's sake, as a phone that
 * has to register anew may be one whose refreshes the flood took.
 *
 * A worker's own, 1 MiB each; no allocation, a byte read and written a datagram. */
#ifndef BD_STRANGERS_H
#define BD_STRANGERS_H

#include <stdbool.h>
#include <stdint.h>

enum { BD_TURN_MS = 512, BD_TURNS_EACH = 2, BD_TURNS = 1 << 20, BD_TURN_GROUPS = 16 };
/* Of all sources within half a second. */
enum { BD_TURNS_ALL = 1 << 19 };
/* They still take turns so long after the last interval of overload: else what it spares would end
 * it each time. */
enum { BD_GUARD_MS = 1000 };

struct bd_turns {
    /* Six bits of the half second, two count its turns that are taken. */
    _Alignas(64) uint8_t turn[BD_TURNS];
    struct {
        uint32_t half, taken;
    } group[BD_TURN_GROUPS];
};

struct bd_strangers {
    uint64_t guarded_until_ms;
    struct bd_turns strange, known;
};

/* All of its memory is there from the start: none is left to the first flood. Freed by free();
 * NULL: no memory. */
struct bd_strangers *bd_strangers_new(void);

static inline bool bd_strangers_wait(const struct bd_strangers *strangers, uint64_t now_ms)
{
    return now_ms < strangers->guarded_until_ms;
}

/* `hash`: a keyed one of the source. False: it has had its turns. */
bool bd_turn_take(struct bd_turns *turns, uint64_t hash, uint64_t now_ms);

#endif
