/* SPDX-License-Identifier: BSD-3-Clause */
/* How a worker marks what it changes (dirty.h). Private to this folder.
 *
 *   intend  -->  change (compare-and-swap)  -->  mark  -->  record marked  -->  intent back
 *
 * `unmarked` of a record: it was published and its slot has no CONTENT mark yet. Somebody refreshes
 * it meanwhile and marks STATE, or the mark of a refresh of its predecessor comes late: then what
 * the disk has for the slot is another record still, and a STATE would fit nothing there. */
#ifndef BD_LOCATION_MARK_H
#define BD_LOCATION_MARK_H

#include "dirty.h"
#include "layout.h"

/* Four buckets share a word of 64 bits. */
#define BD_MARK_BUCKETS 4
#define BD_MARK_BITS    16

static inline uint64_t bd_mark_content(unsigned slot)
{
    return 1ULL << slot;
}
static inline uint64_t bd_mark_state(unsigned slot)
{
    return 1ULL << (8 + slot);
}
static inline unsigned bd_mark_shift(uint32_t bucket)
{
    return bucket % BD_MARK_BUCKETS * BD_MARK_BITS;
}
static inline uint64_t bd_slot_number(uint32_t bucket, unsigned slot)
{
    return (uint64_t)bucket * BD_TABLE_SLOTS + slot;
}
static inline uint32_t bd_slot_bucket(uint64_t number)
{
    return (uint32_t)(number / BD_TABLE_SLOTS);
}
static inline unsigned bd_slot_place(uint64_t number)
{
    return (unsigned)(number % BD_TABLE_SLOTS);
}
/* Words of either array. */
static inline uint32_t bd_mark_words(uint32_t bucket_cnt)
{
    return (bucket_cnt + BD_MARK_BUCKETS - 1) / BD_MARK_BUCKETS;
}

static inline void bd_mark_prefetch(const struct bd_table *table, uint32_t bucket)
{
    __builtin_prefetch(&table->dirty[bucket / BD_MARK_BUCKETS], 1);
}

/* Marks a slot after its change. seq_cst, as the change is. A mark that is there already serves:
 * this load follows the change in S, and the sweep that takes the mark out does so after this load
 * and reads the slot after that, so it sees the change. A CONTENT mark serves a refresh too: states
 * are read with the content. Pairs with take() in dirty.c. */
static inline void bd_mark(const struct bd_table *table, uint32_t bucket, unsigned slot,
                           enum bd_dirty_kind kind)
{
    _Atomic uint64_t *word = &table->dirty[bucket / BD_MARK_BUCKETS];
    uint64_t content = bd_mark_content(slot) << bd_mark_shift(bucket);
    uint64_t state = bd_mark_state(slot) << bd_mark_shift(bucket);
    uint64_t serves = kind == BD_DIRTY_CONTENT ? content : content | state;
    if (!(atomic_load(word) & serves))
        atomic_fetch_or(word, kind == BD_DIRTY_CONTENT ? content : state);
}

/* Names the slot that is about to change. Relaxed, as the compare-and-swap of the change is a
 * release and comes after it. Pairs with bd_dirty_begin: who saw the change and took a ticket has
 * synchronized with both; and with the rebuild, which has the lock that the kernel took from this
 * process after all of its stores. */
static inline void bd_intend(_Atomic uint64_t *intent, uint64_t slot)
{
    atomic_store_explicit(intent, slot + 1, memory_order_relaxed);
}

/* Release: after the mark. Who sees this (acquire) sees the mark; pairs as above. */
static inline void bd_intend_nothing(_Atomic uint64_t *intent)
{
    atomic_store_explicit(intent, 0, memory_order_release);
}

/* Release: after the CONTENT mark of its slot. Pairs with the load in dirty.c. The record may have
 * been replaced by now, but not reclaimed, as this thread is online. */
static inline void bd_record_set_marked(struct bd_record *record)
{
    atomic_store_explicit(&record->unmarked, 0, memory_order_release);
}

#endif
