/* SPDX-License-Identifier: BSD-3-Clause */
#include "histogram.h"

static uint64_t upper_end(unsigned bucket)
{
    unsigned exponent = bucket / HISTOGRAM_SUB;
    if (exponent == 0)
        return bucket;
    return ((uint64_t)(bucket % HISTOGRAM_SUB + HISTOGRAM_SUB + 1) << (exponent - 1)) - 1;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)h->cnt + 0.999999), seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen >= wanted && seen > 0)
            return upper_end(i) < h->max ? upper_end(i) : h->max;
    }
    return h->max;
}
