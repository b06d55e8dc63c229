/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071) over any bytes, at any alignment, of any length.
 *
 * Sums are of 16-bit words in memory order, so no byte is ever swapped: a folded sum is stored or
 * compared as it is. Tuned for datagrams of some hundred bytes: 8 bytes an addition. */
#ifndef BD_CHECKSUM_H
#define BD_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ip.h"

/* Adds bytes to a running sum; an odd last byte counts as the first of its word. Only the last
 * piece of several may have an odd length. */
static inline uint64_t bd_sum_add(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        sum += word;
        sum += sum < word; /* the carry that left at the top comes in at the bottom */
    }
    uint64_t rest = 0;
    memcpy(&rest, p, len);
    sum += rest;
    return sum + (sum < rest);
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
