/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071) over any bytes, at any alignment, of any length.
 *
 * Sums are of 16-bit words in memory order, so no byte is ever swapped: a folded sum is stored or
 * compared as it is. Tuned for datagrams of some hundred bytes; AVX-512 where it is compiled for.
 */
#ifndef BD_CHECKSUM_H
#define BD_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ip.h"

#ifdef __AVX512BW__
#include <immintrin.h>
#endif

/* Adds bytes to a running sum: the halves of 32 bits of each word, so no carry is lost below 16
 * GiB. The rest goes down in steps of fixed size. The twin of bd_sum_add, for any processor. */
static inline uint64_t bd_sum_add_plain(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t word;
    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        sum += (word & 0xffffffffU) + (word >> 32);
    }
    word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)p[i] << (i * 8);
    return sum + (word & 0xffffffffU) + (word >> 32);
}

/* Adds bytes to a running sum; an odd last byte counts as the first of its word. Only the last
 * piece of several may have an odd length. */
static inline uint64_t bd_sum_add(uint64_t sum, const void *data, size_t len)
{
#ifdef __AVX512BW__
    const uint8_t *p = data;
    /* `all` wraps at 64 bits. What its low halves come to is what is left of it without the high
     * ones, which are summed apart. */
    __m512i all = _mm512_setzero_si512(), high = all, word;
    for (; len > 64; p += 64, len -= 64) {
        word = _mm512_loadu_si512(p);
        all = _mm512_add_epi64(all, word);
        high = _mm512_add_epi64(high, _mm512_srli_epi64(word, 32));
    }
    /* The rest by a mask: no branch depends on how much it is. */
    word = _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, (unsigned)len), p);
    all = _mm512_add_epi64(all, word);
    high = _mm512_add_epi64(high, _mm512_srli_epi64(word, 32));
    __m512i low = _mm512_sub_epi64(all, _mm512_slli_epi64(high, 32));
    return sum + (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(low, high));
#else
    return bd_sum_add_plain(sum, data, len);
#endif
}

/* Folds to 16 bits in memory order. */
static inline uint16_t bd_sum_fold(uint64_t sum)
{
    sum = (sum >> 32) + (sum & 0xffffffffU);
    sum = (sum >> 32) + (sum & 0xffffffffU);
    sum = (sum >> 16) + (sum & 0xffffU);
    sum = (sum >> 16) + (sum & 0xffffU);
    return (uint16_t)sum;
}

static inline uint64_t bd_sum_halves(uint64_t word)
{
    return (word & 0xffffffffU) + (word >> 32);
}

/* The header of an IPv4 packet without options, its checksum field included. */
static inline uint64_t bd_sum_ipv4(const uint8_t *ip)
{
    uint64_t a, b;
    uint32_t c;
    memcpy(&a, ip, sizeof(a));
    memcpy(&b, ip + 8, sizeof(b));
    memcpy(&c, ip + 16, sizeof(c));
    return bd_sum_halves(a) + bd_sum_halves(b) + c;
}

/* The sum of the pseudo header (RFC 768, RFC 8200 8.1). For IPv4 the four address bytes at the end
 * of the mapped form count. */
static inline uint64_t bd_sum_pseudo(const struct bd_ip *source, const struct bd_ip *destination,
                                     uint8_t protocol, uint32_t len)
{
    uint64_t a[2], b[2];
    memcpy(a, source, sizeof(a));
    memcpy(b, destination, sizeof(b));
    uint64_t sum = (uint64_t)__builtin_bswap32(len) + __builtin_bswap32(protocol);
    if (bd_ip_is_v4(source))
        return sum + (a[1] >> 32) + (b[1] >> 32);
    return sum + bd_sum_halves(a[0]) + bd_sum_halves(a[1]) + bd_sum_halves(b[0]) +
           bd_sum_halves(b[1]);
}

/* True if data, its checksum field included, sums up right behind `sum`. */
static inline bool bd_sum_right(uint64_t sum, const void *data, size_t len)
{
    return bd_sum_fold(bd_sum_add(sum, data, len)) == 0xffff;
}

/* The value for a checksum field that was zero in `data`. */
static inline uint16_t bd_sum_finish(uint64_t sum, const void *data, size_t len)
{
    return (uint16_t)~bd_sum_fold(bd_sum_add(sum, data, len));
}

#endif
