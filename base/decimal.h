/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as decimal text without a loop over digits: all of them at once, one a byte of a word,
 * by multiplications. Pure; may be called from anywhere. */
#ifndef BD_DECIMAL_H
#define BD_DECIMAL_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first digit is the lowest byte");

/* Above this the digits do not fit into one word. */
#define BD_DECIMAL_MAX 99999999U

/* Eight digits of n <= BD_DECIMAL_MAX as values 0..9, the first one in the lowest byte: halves of
 * four digits in two lanes, then pairs in four, then digits in eight. A lane's quotient is exact,
 * and what a shift brings in from the lane above is masked off. */
static inline uint64_t bd_decimal_digits(uint32_t n)
{
    uint64_t x = n / 10000 | (uint64_t)(n % 10000) << 32;
    uint64_t hundreds = (x * 10486 >> 20) & 0x0000007f0000007fULL;
    x = hundreds | (x - 100 * hundreds) << 16;
    uint64_t tens = (x * 103 >> 10) & 0x000f000f000f000fULL;
    return tens | (x - 10 * tens) << 8;
}

/* Writes n <= BD_DECIMAL_MAX; always eight bytes. Returns how many of them are the number. */
static inline uint32_t bd_decimal_put(char to[8], uint32_t n)
{
    uint64_t digits = bd_decimal_digits(n);
    unsigned zeros = (unsigned)__builtin_ctzll(digits | 1ULL << 56) / 8; /* the last digit stays */
    digits = (digits | 0x3030303030303030ULL) >> 8 * zeros;
    memcpy(to, &digits, sizeof(digits));
    return 8 - zeros;
}

/* Writes an octet and a dot; always four bytes. Returns how many of them count. */
static inline uint32_t bd_decimal_put_octet(char to[4], uint8_t n)
{
    uint32_t hundreds = n * 41U >> 12, rest = n - 100 * hundreds;
    uint32_t tens = rest * 103 >> 10, ones = rest - 10 * tens;
    uint32_t zeros = (n < 100) + (n < 10);
    uint32_t text = (0x2e303030U | hundreds | tens << 8 | ones << 16) >> 8 * zeros;
    memcpy(to, &text, sizeof(text));
    return 4 - zeros;
}

#endif
