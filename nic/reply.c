/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply.h"

#include "checksum.h"

/* Headers are composed in words, turned round to the order of memory at once, and summed before
 * they are stored: reading back what was just written in smaller pieces would cost more than all
 * the rest. */
static inline uint64_t word64(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint64_t high = (a & 0xffff) << 16 | (b & 0xffff), low = (c & 0xffff) << 16 | (d & 0xffff);
    return __builtin_bswap64(high << 32 | low);
}

uint8_t *bd_reply_udp(uint8_t *payload, uint32_t len, const struct bd_way *way, uint16_t from_port,
                      uint16_t to_port, enum bd_reply_sums sums)
{
    uint32_t whole = len + BD_UDP_SZ;
    uint64_t header = word64(from_port, to_port, whole, 0);
    uint64_t pseudo = bd_sum_pseudo(&way->from, &way->to, BD_PROTO_UDP, whole);
    uint16_t sum = bd_sum_fold(pseudo);
    if (sums == BD_REPLY_SUMS_HERE) {
        sum = bd_sum_finish(pseudo + bd_sum_halves(header), payload, len);
        if (sum == 0)
            sum = 0xffff;
    }
    header |= (uint64_t)sum << 48;
    memcpy(payload - BD_UDP_SZ, &header, BD_UDP_SZ);
    return payload - BD_UDP_SZ;
}

void bd_reply_ipv4_sum(uint8_t *ip)
{
    bd_put16(ip + 10, 0);
    uint16_t sum = bd_sum_finish(0, ip, (ip[0] & 0x0fU) * 4);
    memcpy(ip + 10, &sum, sizeof(sum));
}

static uint8_t *push_ipv4(uint8_t *l4, uint32_t len, uint8_t protocol, uint8_t hop_limit,
                          uint16_t id, const struct bd_way *way, enum bd_reply_sums sums)
{
    uint32_t from, to;
    memcpy(&from, way->from.b + 12, sizeof(from));
    memcpy(&to, way->to.b + 12, sizeof(to));
    uint64_t word[2] = {word64(0x4500, len + BD_IPV4_SZ, id, id == 0 ? 0x4000 : 0),
                        hop_limit | (uint32_t)protocol << 8 | (uint64_t)from << 32};
    uint64_t sum = bd_sum_halves(word[0]) + bd_sum_halves(word[1]) + to;
    if (sums == BD_REPLY_SUMS_HERE)
        word[1] |= (uint64_t)(uint16_t)~bd_sum_fold(sum) << 16;
    memcpy(l4 - 20, &word[0], 8);
    memcpy(l4 - 12, &word[1], 8);
    memcpy(l4 - 4, &to, 4);
    return l4 - BD_IPV4_SZ;
}

uint8_t *bd_reply_ip(uint8_t *l4, uint32_t len, uint8_t protocol, uint8_t hop_limit, uint16_t id,
                     const struct bd_way *way, enum bd_reply_sums sums)
{
    if (bd_ip_is_v4(&way->to))
        return push_ipv4(l4, len, protocol, hop_limit, id, way, sums);
    uint8_t *ip = l4 - BD_IPV6_SZ;
    bd_put32(ip, 0x60000000U);
    bd_put16(ip + 4, len);
    ip[6] = protocol;
    ip[7] = hop_limit;
    memcpy(ip + 8, way->from.b, 16);
    memcpy(ip + 24, way->to.b, 16);
    return ip;
}

uint8_t *bd_reply_ether(uint8_t *ip, uint16_t ethertype, const struct bd_way *way)
{
    uint8_t *ether = ip - bd_reply_ether_sz(way);
    memcpy(ether, way->mac_to, BD_MAC_SZ);
    memcpy(ether + BD_MAC_SZ, way->mac_from, BD_MAC_SZ);
    if (way->vlan) {
        bd_put16(ether + 12, BD_ETHERTYPE_VLAN);
        bd_put16(ether + 14, way->vlan);
    }
    bd_put16(ip - 2, ethertype);
    return ether;
}
