/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071) over any bytes, at any alignment, of any length.
 *
 * Sums are of 16-bit words in memory order, so no byte is ever swapped: a folded sum is stored or
 * compared as it is. Tuned for datagrams of some hundred bytes. */
#ifndef BD_CHECKSUM_H
#define BD_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ip.h"

/* Two words of 64 bits; the compiler knows how a machine adds them at once. */
typedef uint64_t bd_sum_lanes __attribute__((vector_size(16)));

/* The last 15 bytes or fewer, in steps of fixed size: a header of 20 bytes is summed often. */
static inline uint64_t bd_sum_add_rest(uint64_t sum, const uint8_t *p, size_t len)
{
    uint32_t four[2] = {0, 0};
    uint16_t two = 0;
    if (len & 8) {
        memcpy(four, p, 8);
        sum += (uint64_t)four[0] + four[1];
        p += 8;
    }
    if (len & 4) {
        memcpy(four, p, 4);
        sum += four[0];
        p += 4;
    }
    if (len & 2) {
        memcpy(&two, p, 2);
        sum += two;
        p += 2;
    }
    if (len & 1) {
        two = 0;
        memcpy(&two, p, 1);
        sum += two;
    }
    return sum;
}

/* Adds bytes to a running sum; an odd last byte counts as the first of its word. Only the last
 * piece of several may have an odd length. Halves of 32 bits are summed in 64, so no carry is lost
 * below 16 GiB. */
static inline uint64_t bd_sum_add(uint64_t sum, const void *data, size_t len)
{
    const bd_sum_lanes half = {0xffffffffU, 0xffffffffU};
    const uint8_t *p = data;
    bd_sum_lanes low = {0, 0}, high = {0, 0}, word;
    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        low += word & half;
        high += word >> 32;
    }
    low += high;
    return bd_sum_add_rest(sum + low[0] + low[1], p, len);
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

/* The sum of the pseudo header (RFC 768, RFC 8200 8.1). For IPv4 the four address bytes at the end
 * of the mapped form count. */
static inline uint64_t bd_sum_pseudo(const struct bd_ip *source, const struct bd_ip *destination,
                                     uint8_t protocol, uint32_t len)
{
    size_t skip = bd_ip_is_v4(source) ? 12 : 0;
    uint8_t tail[8] = {(uint8_t)(len >> 24),
                       (uint8_t)(len >> 16),
                       (uint8_t)(len >> 8),
                       (uint8_t)len,
                       0,
                       0,
                       0,
                       protocol};
    uint64_t sum = bd_sum_add(0, source->b + skip, 16 - skip);
    sum = bd_sum_add(sum, destination->b + skip, 16 - skip);
    return bd_sum_add(sum, tail, sizeof(tail));
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
