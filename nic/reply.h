/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes headers in front of a payload, back to front: UDP, then IP, then Ethernet and tag.
 *
 * Pure functions of bytes. Each takes the first byte that is written already, writes its header
 * before it and returns the new first byte; the caller leaves BD_HEADERS_MAX bytes of room.
 *
 *   payload <- bd_reply_udp <- bd_reply_ip <- bd_reply_ether */
#ifndef BD_REPLY_H
#define BD_REPLY_H

#include "bytes.h"
#include "ip.h"

/* RFC 1700, as every host does: far enough for the Internet. RFC 4861 asks for 255 in its own. */
enum { BD_HOP_LIMIT = 64, BD_HOP_LIMIT_ND = 255 };

/* Between which stations and hosts a packet goes. Both addresses are of one family. */
struct bd_way {
    uint8_t mac_from[BD_MAC_SZ], mac_to[BD_MAC_SZ];
    uint16_t vlan; /* 0: no tag */
    struct bd_ip from, to;
};

/* What the port will fill in by itself. */
enum bd_reply_sums {
    BD_REPLY_SUMS_HERE, /* all sums are made here */
    BD_REPLY_SUMS_PORT  /* IPv4: zero; UDP: that of the pseudo header, as ports want it */
};

/* `len` is the payload's. A UDP sum that comes to zero is sent as all ones (RFC 768). */
uint8_t *bd_reply_udp(uint8_t *payload, uint32_t len, const struct bd_way *way, uint16_t from_port,
                      uint16_t to_port, enum bd_reply_sums sums);

/* `len` is the transport's. `id` is zero for a packet that goes in one piece: it is sent with
 * Don't Fragment (RFC 6864 4.1); otherwise the IPv4 identification of a packet that will be cut. */
uint8_t *bd_reply_ip(uint8_t *l4, uint32_t len, uint8_t protocol, uint8_t hop_limit, uint16_t id,
                     const struct bd_way *way, enum bd_reply_sums sums);

uint8_t *bd_reply_ether(uint8_t *ip, uint16_t ethertype, const struct bd_way *way);

/* Fills in the header checksum of an IPv4 header of 20 bytes or more. */
void bd_reply_ipv4_sum(uint8_t *ip);

static inline uint32_t bd_reply_ip_sz(const struct bd_way *way)
{
    return bd_ip_is_v4(&way->to) ? BD_IPV4_SZ : BD_IPV6_SZ;
}

static inline uint32_t bd_reply_ether_sz(const struct bd_way *way)
{
    return BD_ETHER_SZ + (way->vlan ? (uint32_t)BD_VLAN_SZ : 0U);
}

static inline uint16_t bd_reply_ethertype(const struct bd_way *way)
{
    return bd_ip_is_v4(&way->to) ? BD_ETHERTYPE_IPV4 : BD_ETHERTYPE_IPV6;
}

#endif
