/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as text of fixed width, eight characters to a word, in the order of memory: what is
 * patched into a request and looked for in its reply is one load or store. No division. */
#ifndef LOAD_DIGITS_H
#define LOAD_DIGITS_H

#include <stdint.h>

/* Eight decimal digits of a number below 10^8. Halves, then pairs, then single digits are parted
 * in all lanes of the word at once; the constants are reciprocals that are exact in their range. */
static inline uint64_t digits_decimal8(uint32_t number)
{
    uint64_t high = number / 10000, word = high | (uint64_t)(number - high * 10000) << 32;
    uint64_t hundreds = ((word * 10486) >> 20) & 0x0000007f0000007fULL;
    word = hundreds | (word - hundreds * 100) << 16;
    uint64_t tens = ((word * 103) >> 10) & 0x000f000f000f000fULL;
    return (tens | (word - tens * 10) << 8) + 0x3030303030303030ULL;
}

static inline uint32_t digits_undecimal8(uint64_t text)
{
    uint64_t word = text & 0x0f0f0f0f0f0f0f0fULL;
    word = (word * 10 + (word >> 8)) & 0x00ff00ff00ff00ffULL;
    word = (word * 100 + (word >> 16)) & 0x0000ffff0000ffffULL;
    return (uint32_t)(word * 10000 + (word >> 32));
}

/* Eight hexadecimal digits, lower case. */
static inline uint64_t digits_hex8(uint32_t number)
{
    uint64_t word = __builtin_bswap32(number);
    word = (word | word << 16) & 0x0000ffff0000ffffULL;
    word = (word | word << 8) & 0x00ff00ff00ff00ffULL;
    word = ((word >> 4) & 0x000f000f000f000fULL) | (word & 0x000f000f000f000fULL) << 8;
    uint64_t letters = ((word + 0x0606060606060606ULL) >> 4) & 0x0101010101010101ULL;
    return word + 0x3030303030303030ULL + letters * ('a' - '0' - 10);
}

/* The number whose digits these are; any number when they are none: compare with digits_hex8. */
static inline uint32_t digits_unhex8(uint64_t text)
{
    uint64_t word = (text & 0x0f0f0f0f0f0f0f0fULL) + 9 * ((text >> 6) & 0x0101010101010101ULL);
    word = (word << 4 | word >> 8) & 0x00ff00ff00ff00ffULL;
    word = (word | word >> 8) & 0x0000ffff0000ffffULL;
    return __builtin_bswap32((uint32_t)(word | word >> 16));
}

#endif
