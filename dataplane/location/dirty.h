/* SPDX-License-Identifier: BSD-3-Clause */
/* What changed in the table since it was put on disk: marks a bucket, not a queue of events.
 *
 *   worker    change a slot  -->  mark it in `dirty`          STATE: a refresh; CONTENT: all else
 *   control   dirty  -->  pending  -->  records in the journal, on disk  -->  pending cleared
 *
 *   region:   bd_dirty_shared | dirty, 16 bits a bucket | pending, 16 bits a bucket
 *   16 bits:  bit s: CONTENT of slot s | bit 8 + s: STATE of slot s
 *
 * Invariant: a LIVE slot whose record or states are not what the disk gives, and an EMPTY one that
 * the disk has something for, has a mark in `dirty` or in `pending`, or is named by a worker's
 * intent. So nothing can overflow, and whoever dies where loses nothing:
 * - a worker names the slot in its intent, changes it, marks it, takes the intent back. The rebuild
 *   of its successor marks what an intent names;
 * - control copies marks to `pending` before it takes them out of `dirty`, and takes them out of
 *   `pending` when their records are on disk. Its successor goes on with what is in `pending`, and
 *   so does a new journal after one that failed.
 *
 * A mark may be set without need. One change is never without its mark: mark.h and dirty.c have the
 * order.
 *
 * Sweeps are numbered. Whoever has seen a change in the table, his own or another's, takes the
 * number of the sweep under way as his ticket; when `durable` is above it, the change is on disk:
 * at the begin of the next sweep it was marked, or still named by an intent, and a sweep begins
 * with those. So a retransmission that finds all done already waits like the request it repeats,
 * and has nothing to mark. */
#ifndef BD_DIRTY_H
#define BD_DIRTY_H

#include "table.h"

enum bd_dirty_kind { BD_DIRTY_STATE, BD_DIRTY_CONTENT };

/* At the begin of BD_REGION_DIRTY. */
struct bd_dirty_shared {
    /* Written by control. */
    _Alignas(64) _Atomic uint64_t begun; /* number of the last sweep that began */
    _Atomic uint64_t durable;            /* what sweeps up to this one found is on disk */
    _Atomic uint32_t writing;            /* 1: sweeps reach the disk. 0: no journal, or it fails */
    _Atomic uint32_t snapshot_done;      /* 1: a snapshot of this arena is complete (from then on
                                            every slot that the disk knows is of this arena) */
    /* Written by the dataplane: 1 when the arena holds what the journal held at its making, or was
     * not to be filled. Control neither writes nor prunes before. */
    _Alignas(64) _Atomic uint32_t restored;
    _Atomic uint64_t load_problems, load_lost; /* damaged places met then, records known lost */
    /* One a worker: number + 1 of the slot that it changes now; 0: none. Written by it. */
    struct {
        _Alignas(64) _Atomic uint64_t slot;
    } intent[BD_WORKERS_MAX];
};
_Static_assert(sizeof(struct bd_dirty_shared) == 64 * (2 + BD_WORKERS_MAX),
               "kept in shared memory");

/* Bytes of the region; 0 for an invalid parameter. It begins as zeros. */
uint64_t bd_dirty_footprint(uint64_t bindings_max);

static inline struct bd_dirty_shared *bd_dirty_of(const struct bd_arena *arena)
{
    return bd_arena_region(arena, BD_REGION_DIRTY);
}

/* --- dataplane ---------------------------------------------------------------------------------
 * Changes mark by themselves (table.h). */

/* The ticket for all changes that the caller has seen by now; see above. One locked instruction on
 * a line of all workers: once a burst. */
uint64_t bd_dirty_ticket(const struct bd_table *table);

static inline bool bd_dirty_is_durable(const struct bd_dirty_shared *shared, uint64_t ticket)
{
    /* Acquire; pairs with bd_dirty_settle: what `durable` says was done is done. */
    return atomic_load_explicit(&shared->durable, memory_order_acquire) > ticket;
}

/* The arena holds what the journal held: forgets all marks, sets `restored`. Before workers run. */
void bd_dirty_set_restored(const struct bd_table *table);

/* --- control: one thread ---------------------------------------------------------------------- */

/* Slot numbers of a table are below it; slot = bucket * BD_TABLE_SLOTS + place in it. */
uint64_t bd_dirty_slots(const struct bd_table *table);
/* Names the slots: differs for every arena ever made. For the journal's `geometry`. */
uint64_t bd_dirty_geometry(const struct bd_table *table);

/* What a marked slot holds now; record NULL: nothing. It lives while the caller's epoch line is not
 * quiescent. kind STATE: the record is the one that was there when the slot was last CONTENT (never
 * before the first snapshot of this arena is complete: the disk may lack its content). */
typedef int (*bd_dirty_fn)(void *arg, uint64_t slot, enum bd_dirty_kind kind,
                           const struct bd_record *record);

/* Begins a sweep: +1 to `begun`, then notes in `pending` what workers' intents name. */
void bd_dirty_begin(const struct bd_table *table);
/* Goes on with it: buckets [*cursor, ...), at most max_buckets. Moves marks to `pending` and calls
 * fn for each slot with a mark there, those of former sweeps that never reached the disk included.
 * 1: more to come; 0: the sweep is over; negative: what fn returned to stop it (then *cursor stands
 * before the bucket, and nothing is forgotten). */
int bd_dirty_sweep(const struct bd_table *table, uint32_t *cursor, uint32_t max_buckets,
                   bd_dirty_fn fn, void *arg);
/* All that the sweep found is on disk: clears `pending`, `durable` = `begun`. Not called when the
 * write failed: the next sweep finds everything again. */
void bd_dirty_settle(const struct bd_table *table);

#endif
