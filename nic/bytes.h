/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers in network order at any alignment, and the constants of the headers this folder reads and
 * writes. */
#ifndef BD_BYTES_H
#define BD_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t bd_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t bd_get32(const uint8_t *p)
{
    return (uint32_t)bd_get16(p) << 16 | bd_get16(p + 2);
}

static inline void bd_put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void bd_put32(uint8_t *p, uint32_t v)
{
    bd_put16(p, v >> 16);
    bd_put16(p + 2, v);
}

enum {
    BD_MAC_SZ = 6,
    BD_ETHER_SZ = 14,
    BD_VLAN_SZ = 4,
    BD_IPV4_SZ = 20,
    BD_IPV6_SZ = 40,
    BD_IPV6_FRAGMENT_SZ = 8,
    BD_UDP_SZ = 8,
    BD_ICMP_SZ = 8,
    BD_ARP_SZ = 28,
    /* What precedes a payload at most: Ethernet, one tag, IPv6, UDP. */
    BD_HEADERS_MAX = BD_ETHER_SZ + BD_VLAN_SZ + BD_IPV6_SZ + BD_UDP_SZ,
};

enum {
    BD_ETHERTYPE_IPV4 = 0x0800,
    BD_ETHERTYPE_ARP = 0x0806,
    BD_ETHERTYPE_VLAN = 0x8100,
    BD_ETHERTYPE_IPV6 = 0x86dd,
};

enum {
    BD_PROTO_HOPOPTS = 0,
    BD_PROTO_ICMP = 1,
    BD_PROTO_UDP = 17,
    BD_PROTO_ROUTING = 43,
    BD_PROTO_FRAGMENT = 44,
    BD_PROTO_ICMPV6 = 58,
    BD_PROTO_DSTOPTS = 60,
};

#endif
