/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes as lower-case hexadecimal and back: digests, HA1s, nonces. May be called from anywhere. */
#ifndef BD_HEX_H
#define BD_HEX_H

#include "str.h"

/* The eight digits of four bytes at once, one a byte of the word. Little endian on both sides, as
 * the files of this folder are anyway. */
static inline uint64_t bd_hex_of_four(uint32_t four)
{
    uint64_t x = (four | (uint64_t)four << 16) & 0x0000ffff0000ffffULL;
    x = (x | x << 8) & 0x00ff00ff00ff00ffULL;
    x = (x >> 4 | x << 8) & 0x0f0f0f0f0f0f0f0fULL;
    uint64_t letters = (x + 0x0606060606060606ULL) >> 4 & 0x0101010101010101ULL;
    return x + 0x3030303030303030ULL + letters * ('a' - '0' - 10);
}

/* The four bytes of eight digits, in the low half. What is no lower-case digit in one of the eight
 * leaves a bit in *bad. */
static inline uint64_t bd_hex_to_four(uint64_t digits, uint64_t *bad)
{
    uint64_t x = (digits & 0x0f0f0f0f0f0f0f0fULL) + 9 * (digits >> 6 & 0x0101010101010101ULL);
    x &= 0x0f0f0f0f0f0f0f0fULL;
    x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ffULL;
    x = (x | x >> 8) & 0x0000ffff0000ffffULL;
    x = (x | x >> 16) & UINT32_MAX;
    *bad |= bd_hex_of_four((uint32_t)x) ^ digits;
    return x;
}

/* Without tables or branches on what is written: digits are as good as random, and a guess at each
 * would fail at every third. */

static inline char bd_hex_digit(uint8_t nibble)
{
    return (char)(nibble + (nibble > 9 ? 'a' - 10 : '0'));
}

/* Writes 2 * n characters, no NUL. */
static inline void bd_hex_encode(const uint8_t *in, uint32_t n, char *out)
{
    for (uint32_t i = 0; i < n; i++) {
        out[2 * i] = bd_hex_digit(in[i] >> 4);
        out[2 * i + 1] = bd_hex_digit(in[i] & 15);
    }
}

/* Reads exactly 2 * n characters into n bytes. False for another length, and for upper case: LHEX
 * (RFC 3261 25.1) has one spelling only, so that no two texts mean one value. */
static inline bool bd_hex_decode(struct bd_str text, uint8_t *out, uint32_t n)
{
    if (text.len != 2 * n)
        return false;
    uint64_t bad = 0, digits;
    /* Sizes that the compiler knows, so that it does all of a nonce at once, by vectors. */
    for (uint32_t i = 0; i < n / 4; i++) {
        memcpy(&digits, text.p + 8 * i, sizeof(digits));
        uint32_t four = (uint32_t)bd_hex_to_four(digits, &bad);
        memcpy(out + 4 * i, &four, sizeof(four));
    }
    uint32_t rest = n % 4;
    if (rest) {
        digits = 0x3030303030303030ULL;
        memcpy(&digits, text.p + 2 * (n - rest), 2 * rest);
        uint64_t four = bd_hex_to_four(digits, &bad);
        memcpy(out + n - rest, &four, rest);
    }
    return bad == 0;
}

#endif
