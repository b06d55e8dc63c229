/* SPDX-License-Identifier: BSD-3-Clause */
/* Who comes next: each number below `cnt` once a pass, in an order that differs from pass to pass,
 * without memory. A bijection of the next power of two is walked, and what lies beyond is skipped.
 */
#ifndef LOAD_ORDER_H
#define LOAD_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct order {
    uint64_t cnt, mask, at; /* `at` counts over all passes */
    uint32_t pass;          /* of the number that order_next returned last */
    unsigned shift;
    bool random;
};

static inline struct order order_of(uint64_t cnt, bool random)
{
    unsigned bits = cnt > 2 ? 64U - (unsigned)__builtin_clzll(cnt - 1) : 1;
    return (struct order){
        .cnt = cnt, .mask = (1ULL << bits) - 1, .shift = (bits + 1) / 2, .random = random};
}

/* Odd factors and shifts by half the width: each step can be undone, so no two numbers meet. */
static inline uint64_t order_shuffle(const struct order *o, uint64_t number)
{
    uint64_t key = (number & ~o->mask) * 0x9e3779b97f4a7c15ULL; /* the pass */
    number = (number ^ key >> 32) & o->mask;
    for (unsigned round = 0; round < 3; round++) {
        number = (number * 0xd6e8feb86659fd93ULL + (key >> 17)) & o->mask;
        number ^= number >> o->shift;
    }
    return number;
}

static inline uint64_t order_next(struct order *o)
{
    for (;;) {
        uint64_t number = o->random ? order_shuffle(o, o->at) : o->at & o->mask;
        o->pass = (uint32_t)((o->at & ~o->mask) >> __builtin_ctzll(o->mask + 1));
        o->at++;
        if (number < o->cnt)
            return number;
    }
}

#endif
