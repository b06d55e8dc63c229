/* SPDX-License-Identifier: BSD-3-Clause */
#include "epoch.h"

#define EPOCH_MASK ((1ULL << 48) - 1)

static uint64_t line_word(uint16_t generation, uint64_t epoch)
{
    return (uint64_t)generation << 48 | (epoch & EPOCH_MASK);
}

void bd_epoch_init(struct bd_epoch *epoch)
{
    atomic_store(&epoch->now, 1);
    for (unsigned i = 0; i < BD_EPOCH_LINES; i++)
        atomic_store(&epoch->line[i].seen, 0);
}

void bd_epoch_online(struct bd_epoch *epoch, unsigned line, uint16_t generation)
{
    /* seq_cst; pairs with the load in bd_epoch_oldest. Store buffering: if a retirer's scan missed
     * this store, the scan came first in the single order, hence its unlinking did too, and this
     * thread's slot loads (seq_cst, later) cannot find what it unlinked. A `now` that has grown
     * between load and store only makes this line look older than it is. */
    atomic_store(&epoch->line[line].seen, line_word(generation, atomic_load(&epoch->now)));
}

void bd_epoch_offline(struct bd_epoch *epoch, unsigned line)
{
    /* Release; pairs with bd_epoch_oldest: all reads of records happen before their reuse. */
    atomic_store_explicit(&epoch->line[line].seen, 0, memory_order_release);
}

void bd_epoch_quiescent(struct bd_epoch *epoch, unsigned line, uint16_t generation)
{
    /* Acquire; pairs with bd_epoch_advance: who sees epoch E sees everything unlinked before E, so
     * no later read can find it. Release: as in offline, for the reads before. */
    uint64_t now = atomic_load_explicit(&epoch->now, memory_order_acquire);
    atomic_store_explicit(&epoch->line[line].seen, line_word(generation, now),
                          memory_order_release);
}

uint64_t bd_epoch_advance(struct bd_epoch *epoch)
{
    /* seq_cst: between the unlinking and the scan, in every thread's eyes. */
    return atomic_fetch_add(&epoch->now, 1) + 1;
}

uint64_t bd_epoch_oldest(const struct bd_epoch *epoch)
{
    uint64_t oldest = atomic_load(&epoch->now);
    for (unsigned i = 0; i < BD_EPOCH_LINES; i++) {
        uint64_t word = atomic_load(&epoch->line[i].seen);
        if (word != 0 && (word & EPOCH_MASK) < oldest)
            oldest = word & EPOCH_MASK;
    }
    return oldest;
}

bool bd_epoch_passed(const struct bd_epoch *epoch, uint64_t target)
{
    return bd_epoch_oldest(epoch) >= target;
}

void bd_epoch_bury(struct bd_epoch *epoch, unsigned first, unsigned cnt, uint16_t generation)
{
    for (unsigned i = first; i < first + cnt; i++) {
        uint64_t word = atomic_load(&epoch->line[i].seen);
        /* A compare-and-swap: a successor that came in between keeps its line. */
        if (word != 0 && word >> 48 == generation)
            atomic_compare_exchange_strong(&epoch->line[i].seen, &word, 0);
    }
}
