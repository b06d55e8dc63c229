/* SPDX-License-Identifier: BSD-3-Clause */
/* The sweeper: finds the buckets in which a binding's time is over and tells the workers.
 *
 *   due words --walk, a fifth of the table each 100 ms--> sweep ring of worker (bucket % workers)
 *
 * An expired binding is absent to every reader at once; what is late here is only its removal, its
 * count and its memory. A round takes BD_SWEEP_ROUND_MS, which leaves the workers half of the
 * second they have. The walk reads one word of each 64-byte bucket, in order: a million bindings
 * cost about 5 ms a round. When a ring is full the walk waits where it is, so nothing is forgotten.
 *
 * Event loop only. Time comes in as an argument. */
#ifndef BD_SWEEPER_H
#define BD_SWEEPER_H

#include "state.h"

#define BD_SWEEP_TICK_MS  100
#define BD_SWEEP_ROUND_MS 500
/* The loop is given back after this many buckets (4 MiB of them, about a millisecond). */
#define BD_SWEEP_SLICE 65536

struct bd_sweeper;

struct bd_sweeper_numbers {
    uint64_t rounds;   /* walks of the whole table */
    uint64_t sent;     /* due buckets handed to workers */
    uint64_t waits;    /* times a full ring stopped the walk */
    uint64_t round_ms; /* how long the last round took: a due bucket waits no longer than that */
    uint64_t lag_ms; /* time since the running or last round began: grows when something is stuck */
};

/* NULL with an error: no memory. Does nothing by itself: bd_sweeper_start, or bd_sweeper_tick. */
struct bd_sweeper *bd_sweeper_new(struct bd_control *control, struct bd_error *error);
void bd_sweeper_free(struct bd_sweeper *sweeper);
/* From now on the event loop calls it. */
int bd_sweeper_start(struct bd_sweeper *sweeper, struct bd_error *error);

/* Walks this tick's share, or BD_SWEEP_SLICE buckets of it: true when some is left and another call
 * should follow at once. */
bool bd_sweeper_tick(struct bd_sweeper *sweeper, uint64_t now_ms);
/* The walk stands still while no dataplane serves: nobody would empty the rings. */
void bd_sweeper_pause(struct bd_sweeper *sweeper, bool pause);
void bd_sweeper_read(const struct bd_sweeper *sweeper, uint64_t now_ms,
                     struct bd_sweeper_numbers *numbers);

#endif
