/* SPDX-License-Identifier: BSD-3-Clause */
/* Words in shared memory that several threads and processes change, each whole in itself: it
 * publishes nothing, so all of it is relaxed and paired with nothing. Who reads one late acts a
 * moment later. */
#ifndef BD_WORD_H
#define BD_WORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline uint64_t bd_word_get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* False: another was first. */
static inline bool bd_word_swap(_Atomic uint64_t *word, uint64_t seen, uint64_t wanted)
{
    return atomic_compare_exchange_strong_explicit(word, &seen, wanted, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* The largest that anybody gives stays. */
static inline void bd_word_raise(_Atomic uint32_t *word, uint32_t to)
{
    uint32_t now = atomic_load_explicit(word, memory_order_relaxed);
    while (now < to && !atomic_compare_exchange_weak_explicit(word, &now, to, memory_order_relaxed,
                                                              memory_order_relaxed))
        continue;
}

#endif
