/* SPDX-License-Identifier: BSD-3-Clause */
#include "md5.h"

#include <math.h>
#include <string.h>

typedef uint32_t lanes __attribute__((vector_size(64)));

enum { BLOCK = 64, STEPS = 64 };

/* RFC 1321 3.4: T[i] is the integer part of 4294967296 times abs(sin(i)). */
static uint32_t sine[STEPS];

__attribute__((constructor)) static void make_sines(void)
{
    for (unsigned i = 0; i < STEPS; i++)
        sine[i] = (uint32_t)(fabs(sin(i + 1.0)) * 4294967296.0);
}

static lanes rotate(lanes x, unsigned by)
{
    return x << by | x >> (32 - by);
}

/* One step of a round: a = b + ((a + f + X[k] + T[i]) <<< s), and the four words change places. */
static void step(lanes s[4], lanes f, lanes word, unsigned i, unsigned by)
{
    lanes b = s[1] + rotate(s[0] + f + word + sine[i], by);
    s[0] = s[3];
    s[3] = s[2];
    s[2] = s[1];
    s[1] = b;
}

static void block(lanes state[4], const lanes word[16])
{
    static const uint8_t by[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    lanes s[4];
    memcpy(s, state, sizeof(s));
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i++)
        step(s, (s[1] & s[2]) | (~s[1] & s[3]), word[i], i, by[0][i % 4]);
#pragma GCC unroll 16
    for (unsigned i = 16; i < 32; i++)
        step(s, (s[1] & s[3]) | (s[2] & ~s[3]), word[(5 * i + 1) % 16], i, by[1][i % 4]);
#pragma GCC unroll 16
    for (unsigned i = 32; i < 48; i++)
        step(s, s[1] ^ s[2] ^ s[3], word[(3 * i + 5) % 16], i, by[2][i % 4]);
#pragma GCC unroll 16
    for (unsigned i = 48; i < 64; i++)
        step(s, s[2] ^ (s[1] | ~s[3]), word[(7 * i) % 16], i, by[3][i % 4]);
    for (unsigned i = 0; i < 4; i++)
        state[i] += s[i];
}

/* RFC 1321 3.1, 3.2: a bit, zeros, and the length in bits. */
static uint32_t pad(uint8_t text[MD5_ROOM], uint32_t len)
{
    uint32_t whole = (len + 9 + BLOCK - 1) / BLOCK * BLOCK, bits = len * 8;
    memset(text + len, 0, whole - len);
    text[len] = 0x80;
    memcpy(text + whole - 8, &bits, sizeof(bits));
    return whole;
}

void md5_lanes(uint8_t text[MD5_LANES][MD5_ROOM], uint32_t len, uint8_t out[MD5_LANES][MD5_SZ])
{
    static const uint32_t first[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    lanes state[4], word[16];
    uint32_t whole = 0;
    for (unsigned lane = 0; lane < MD5_LANES; lane++)
        whole = pad(text[lane], len);
    for (unsigned i = 0; i < 4; i++)
        state[i] = (lanes){0} + first[i];
    for (uint32_t off = 0; off < whole; off += BLOCK) {
        uint32_t turned[16][MD5_LANES];
        for (unsigned lane = 0; lane < MD5_LANES; lane++) {
            uint32_t row[16];
            memcpy(row, text[lane] + off, sizeof(row));
            for (unsigned i = 0; i < 16; i++)
                turned[i][lane] = row[i];
        }
        memcpy(word, turned, sizeof(word));
        block(state, word);
    }
    for (unsigned lane = 0; lane < MD5_LANES; lane++) {
        for (unsigned i = 0; i < 4; i++) {
            uint32_t part = state[i][lane];
            memcpy(out[lane] + 4 * i, &part, sizeof(part));
        }
    }
}
