/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes as lower-case hexadecimal and back: digests, HA1s, nonces. May be called from anywhere. */
#ifndef BD_HEX_H
#define BD_HEX_H

#include "str.h"

/* Writes 2 * n characters, no NUL. */
static inline void bd_hex_encode(const uint8_t *in, uint32_t n, char *out)
{
    for (uint32_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[in[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[in[i] & 15];
    }
}

static inline int bd_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads exactly 2 * n characters into n bytes. False for another length, and for upper case: LHEX
 * (RFC 3261 25.1) has one spelling only, so that no two texts mean one value. */
static inline bool bd_hex_decode(struct bd_str text, uint8_t *out, uint32_t n)
{
    if (text.len != 2 * n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        int hi = bd_hex_value(text.p[2 * i]), lo = bd_hex_value(text.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

#endif
