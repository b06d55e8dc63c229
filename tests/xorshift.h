/* SPDX-License-Identifier: BSD-3-Clause */
/* Chance that is the same in each run: xorshift64 (Marsaglia, "Xorshift RNGs", 2003). The state is
 * never 0; its low bits are the weakest. */
#ifndef BD_TEST_XORSHIFT_H
#define BD_TEST_XORSHIFT_H

#include <stdint.h>

static inline uint64_t xorshift64(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

#endif
