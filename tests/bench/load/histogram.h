/* SPDX-License-Identifier: BSD-3-Clause */
/* Times, log-linear: exact below 64 ns, then 64 steps to each power of two, so that no value is off
 * by more than 1.6 %. Recording is an index and an increment. */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_SUB = 64, HISTOGRAM_BUCKETS = HISTOGRAM_SUB * 36 };

struct histogram {
    uint64_t cnt, max;
    uint64_t bucket[HISTOGRAM_BUCKETS];
};

static inline unsigned histogram_bucket(uint64_t ns)
{
    if (ns < HISTOGRAM_SUB)
        return (unsigned)ns;
    unsigned exponent = 63U - (unsigned)__builtin_clzll(ns) - 6;
    unsigned bucket = (exponent + 1) * HISTOGRAM_SUB + (unsigned)(ns >> exponent) - HISTOGRAM_SUB;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
    h->cnt++;
    h->bucket[histogram_bucket(ns)]++;
    if (ns > h->max)
        h->max = ns;
}

/* The least value, rounded up to the end of its step, that `share` (0..1) of all do not exceed. */
uint64_t histogram_quantile(const struct histogram *h, double share);

#endif
