/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that wait for a verifier: a fixed pool of datagrams, one pool a worker. Each waits with
 * its message as it was parsed and what the registrar found out about it, so that nobody need do it
 * again: 5 KiB a slot, of which as much is touched as were ever waiting at once.
 *
 *   free --take--> waiting --claim (verdict) / next_overdue / next_any--> free
 *
 * A verdict names (slot, sequence); the sequence grows with each use of a slot, so a late verdict
 * never meets another request. Deadlines are taken in order, as all entries wait equally long: the
 * list of waiting entries is a queue by time. Single thread, no allocation after init. */
#ifndef BD_PENDING_H
#define BD_PENDING_H

#include "limits.h"
#include "nic.h"
#include "registrar.h"

struct bd_parsed {
    struct bd_message message;
    struct bd_turn turn;
};

struct bd_pending_entry {
    struct bd_datagram datagram;
    struct bd_parsed *parsed; /* of the datagram; of a free entry: one that nobody uses */
    uint64_t deadline_ms;
    uint64_t received_tsc;
    uint32_t sequence;
    bool waiting;
    uint16_t older, newer; /* queue by time, or BD_PENDING_NONE */
};
#define BD_PENDING_NONE 0xffff
_Static_assert(BD_PENDING_MAX < BD_PENDING_NONE, "indices are 16 bits");

struct bd_pending {
    struct bd_pending_entry entry[BD_PENDING_MAX];
    uint16_t free[BD_PENDING_MAX];
    uint16_t free_cnt;
    uint16_t oldest, newest;
    struct bd_parsed spare[BD_PENDING_MAX];
};

void bd_pending_init(struct bd_pending *pending);
/* Puts a datagram to wait; returns its slot, or BD_PENDING_NONE when the pool is full. *parsed
 * waits with it, and becomes one that nobody uses. */
uint16_t bd_pending_take(struct bd_pending *pending, const struct bd_datagram *datagram,
                         struct bd_parsed **parsed, uint64_t received_tsc, uint64_t deadline_ms);
/* The entry a verdict is for, taken out of the pool; false when it no longer waits. *parsed, which
 * nobody uses, becomes that of the datagram. */
bool bd_pending_claim(struct bd_pending *pending, uint32_t slot, uint32_t sequence,
                      struct bd_parsed **parsed, struct bd_pending_entry *out);
/* Takes out the oldest entry likewise if its deadline is at or before now_ms (UINT64_MAX: any
 * entry). */
bool bd_pending_next_overdue(struct bd_pending *pending, uint64_t now_ms, struct bd_parsed **parsed,
                             struct bd_pending_entry *out);

#endif
