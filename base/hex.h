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

/* Writes 2 * n characters, no NUL. */
static inline void bd_hex_encode(const uint8_t *in, uint32_t n, char *out)
{
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t four;
        memcpy(&four, in + i, sizeof(four));
        uint64_t digits = bd_hex_of_four(four);
        memcpy(out + 2 * i, &digits, sizeof(digits));
    }
    for (; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[in[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[in[i] & 15];
    }
}

/* -1 for anything but a lower-case digit. A table, as the branch between digit and letter is a coin
 * toss. */
static inline int bd_hex_value(char c)
{
    static const int8_t value_plus_1[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    };
    return value_plus_1[(uint8_t)c] - 1;
}

/* Reads exactly 2 * n characters into n bytes. False for another length, and for upper case: LHEX
 * (RFC 3261 25.1) has one spelling only, so that no two texts mean one value. */
static inline bool bd_hex_decode(struct bd_str text, uint8_t *out, uint32_t n)
{
    if (text.len != 2 * n)
        return false;
    int bad = 0;
    for (uint32_t i = 0; i < n; i++) {
        int hi = bd_hex_value(text.p[2 * i]), lo = bd_hex_value(text.p[2 * i + 1]);
        bad |= hi | lo; /* negative once one was */
        out[i] = (uint8_t)((unsigned)hi << 4 | (unsigned)lo);
    }
    return bad >= 0;
}

#endif
