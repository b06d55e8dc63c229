/* SPDX-License-Identifier: BSD-3-Clause */
/* Which slots of a bucket may hold a key: the seven tags compared at once, with what vector unit
 * the build has, or one after another. Private to this folder.
 *
 * Tag and state of a slot are its upper 30 bits, so they lie in one aligned half of the word. What
 * is compared of a slot is therefore always what it held at one time, whatever the width in which a
 * processor reads a vector. It is a hint: who follows it loads the word anew. */
#ifndef BD_LOCATION_BUCKET_H
#define BD_LOCATION_BUCKET_H

#include "layout.h"

/* The thread sanitizer knows no vector loads of atomics. */
#if defined(__AVX512F__) && !defined(__SANITIZE_THREAD__)
#define BD_BUCKET_AVX512 1
#include <immintrin.h>
#elif defined(__AVX2__) && !defined(__SANITIZE_THREAD__)
#define BD_BUCKET_AVX2 1
#include <immintrin.h>
#endif

#define BD_BUCKET_ALL_SLOTS ((1U << BD_TABLE_SLOTS) - 1)

/* What a LIVE slot with this tag has in its upper bits. */
static inline uint64_t bd_bucket_wanted(uint64_t hash)
{
    return (hash & BD_SLOT_TAG_MASK) << (BD_SLOT_TAG_SHIFT - BD_SLOT_OFF_BITS) | BD_SLOT_LIVE;
}

/* Without a branch a slot, as no predictor guesses which one it is. */
static inline unsigned bd_bucket_match_scalar(const struct bd_bucket *bucket, uint64_t hash)
{
    uint64_t want = bd_bucket_wanted(hash);
    unsigned match = 0;
    for (unsigned s = 0; s < BD_TABLE_SLOTS; s++)
        match |= (unsigned)(atomic_load(&bucket->slot[s]) >> BD_SLOT_OFF_BITS == want) << s;
    return match;
}

#ifdef BD_BUCKET_AVX512
static inline unsigned bd_bucket_compare(const struct bd_bucket *bucket, uint64_t hash)
{
    __m512i slots = _mm512_load_si512((const void *)bucket);
    __m512i want = _mm512_set1_epi64((long long)bd_bucket_wanted(hash));
    return _mm512_cmpeq_epi64_mask(_mm512_srli_epi64(slots, BD_SLOT_OFF_BITS), want);
}
#elif defined(BD_BUCKET_AVX2)
static inline unsigned bd_bucket_compare(const struct bd_bucket *bucket, uint64_t hash)
{
    const __m256i *half = (const __m256i *)(const void *)bucket;
    __m256i want = _mm256_set1_epi64x((long long)bd_bucket_wanted(hash));
    unsigned match = 0;
    for (unsigned h = 0; h < 2; h++) {
        __m256i slots = _mm256_srli_epi64(_mm256_load_si256(half + h), BD_SLOT_OFF_BITS);
        __m256d same = _mm256_castsi256_pd(_mm256_cmpeq_epi64(slots, want));
        match |= (unsigned)_mm256_movemask_pd(same) << (4 * h);
    }
    return match;
}
#endif

/* Bit s: slot s was LIVE with this tag. The order of the vector load is that of the seq_cst loads
 * it stands for: x86 keeps loads in order and puts none before an earlier locked instruction, and
 * the fences keep the compiler to it. */
static inline unsigned bd_bucket_match(const struct bd_bucket *bucket, uint64_t hash)
{
#if defined(BD_BUCKET_AVX512) || defined(BD_BUCKET_AVX2)
    atomic_signal_fence(memory_order_seq_cst);
    unsigned match = bd_bucket_compare(bucket, hash) & BD_BUCKET_ALL_SLOTS;
    atomic_signal_fence(memory_order_seq_cst);
    return match;
#else
    return bd_bucket_match_scalar(bucket, hash);
#endif
}

/* The begin of each LIVE record of a bucket: header, and state and txn of contact 0. */
static inline void bd_bucket_prefetch_records(const struct bd_table *table, uint32_t bucket)
{
    for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
        uint64_t word = atomic_load_explicit(&table->buckets[bucket].slot[s], memory_order_relaxed);
        if (bd_slot_state(word) == BD_SLOT_LIVE)
            __builtin_prefetch(bd_slot_record(table, word));
    }
}

#endif
