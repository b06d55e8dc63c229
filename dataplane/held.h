/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies that wait for the disk (`durability: sync`): a queue, one a worker.
 *
 *   reply written --put--> no ticket --seal, once a turn--> ticket --next_durable--> sent
 *                                                               \---next_overdue---> dropped
 *
 * Tickets (dirty.h) only grow, and all wait equally long, so what is to be looked at is always at
 * the front. A full queue is known before a request is served: then it is refused while nothing has
 * changed yet. Single thread, no allocation after init. */
#ifndef BD_HELD_H
#define BD_HELD_H

#include "nic.h"

/* Replies a worker holds at most: a million a second for 4 ms of the disk. Each has a packet
 * buffer. */
#define BD_HELD_MAX 4096

struct bd_held_reply {
    struct bd_datagram way; /* the request's way back; mbuf: the reply's buffer */
    struct bd_endpoint destination;
    uint32_t len;
    uint64_t ticket;
    uint64_t deadline_ms;
    uint64_t received_tsc;
};

struct bd_held {
    struct bd_held_reply *reply; /* BD_HELD_MAX of them, by position modulo that */
    uint32_t max;
    uint32_t head, sealed, tail; /* positions; they only grow, and wrap */
    /* The youngest ticket that was dropped: until the disk is beyond it, it stands still. */
    uint64_t dropped;
    bool stuck;
};

/* max: at most BD_HELD_MAX. False: no memory. */
bool bd_held_init(struct bd_held *held, uint32_t max);
void bd_held_free(struct bd_held *held);

static inline bool bd_held_is_empty(const struct bd_held *held)
{
    return held->head == held->tail;
}
/* Whether a burst's replies fit, and the disk has got on since one was dropped. */
bool bd_held_takes_burst(struct bd_held *held, uint64_t durable);
/* Assumes room. ticket is not looked at. */
void bd_held_put(struct bd_held *held, const struct bd_held_reply *reply);

static inline bool bd_held_wants_ticket(const struct bd_held *held)
{
    return held->sealed != held->tail;
}
/* Gives those without a ticket this one, which was taken after their changes. */
void bd_held_seal(struct bd_held *held, uint64_t ticket);

/* The oldest reply, taken out, if it is on disk; if its deadline is at or before now_ms
 * (UINT64_MAX: any). Valid until the next put. NULL: none. */
const struct bd_held_reply *bd_held_next_durable(struct bd_held *held, uint64_t durable);
const struct bd_held_reply *bd_held_next_overdue(struct bd_held *held, uint64_t now_ms);

#endif
