/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply.h"

#include "checksum.h"

uint8_t *bd_reply_udp(uint8_t *payload, uint32_t len, const struct bd_way *way, uint16_t from_port,
                      uint16_t to_port, enum bd_reply_sums sums)
{
    uint8_t *udp = payload - BD_UDP_SZ;
    len += BD_UDP_SZ;
    bd_put16(udp, from_port);
    bd_put16(udp + 2, to_port);
    bd_put16(udp + 4, len);
    bd_put16(udp + 6, 0);
    uint64_t pseudo = bd_sum_pseudo(&way->from, &way->to, BD_PROTO_UDP, len);
    uint16_t sum = bd_sum_fold(pseudo);
    if (sums == BD_REPLY_SUMS_HERE) {
        sum = bd_sum_finish(pseudo, udp, len);
        if (sum == 0)
            sum = 0xffff;
    }
    memcpy(udp + 6, &sum, sizeof(sum));
    return udp;
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
    uint8_t *ip = l4 - BD_IPV4_SZ;
    ip[0] = 0x45;
    ip[1] = 0;
    bd_put16(ip + 2, len + BD_IPV4_SZ);
    bd_put16(ip + 4, id);
    bd_put16(ip + 6, id == 0 ? 0x4000 : 0);
    ip[8] = hop_limit;
    ip[9] = protocol;
    bd_put16(ip + 10, 0);
    memcpy(ip + 12, way->from.b + 12, 4);
    memcpy(ip + 16, way->to.b + 12, 4);
    if (sums == BD_REPLY_SUMS_HERE)
        bd_reply_ipv4_sum(ip);
    return ip;
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
