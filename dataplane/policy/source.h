/* SPDX-License-Identifier: BSD-3-Clause */
/* A source as bans and limits know it, in one word: an IPv4 address, or the /64 of an IPv6 address.
 */
#ifndef BD_SOURCE_H
#define BD_SOURCE_H

#include "ip.h"

/* The upper half of an IPv6 address; of an IPv4 address the lower one, whose first two bytes are
 * zero and the next two are not: as an upper half that would be an address of ::/16, which nobody
 * sends from. */
static inline uint64_t bd_source_key(const struct bd_ip *ip)
{
    uint64_t half;
    memcpy(&half, ip->b + (bd_ip_is_v4(ip) ? 8 : 0), sizeof(half));
    return half;
}

static inline bool bd_source_is_v4(uint64_t key)
{
    struct bd_ip ip = {{0}};
    memcpy(ip.b + 8, &key, sizeof(key));
    return bd_ip_is_v4(&ip);
}

/* The key as an address again. */
static inline struct bd_ip bd_source_ip(uint64_t key)
{
    struct bd_ip ip = {{0}};
    memcpy(ip.b + (bd_source_is_v4(key) ? 8 : 0), &key, sizeof(key));
    if (bd_source_is_v4(key))
        ip.b[10] = ip.b[11] = 0xff;
    return ip;
}

/* The source whole: /32 or /64. */
static inline struct bd_prefix bd_source_prefix(uint64_t key)
{
    return (struct bd_prefix){.ip = bd_source_ip(key), .len = bd_source_is_v4(key) ? 128 : 64};
}

/* What keeps the first so many bits of a key: of an IPv4 address (0..32), of an IPv6 address
 * (0..64). */
static inline uint64_t bd_source_mask(unsigned bits)
{
    return __builtin_bswap64(bits ? ~0ULL << (64 - bits) : 0);
}
static inline uint64_t bd_source_mask_v4(unsigned bits)
{
    return bd_source_mask(32 + bits);
}

#endif
