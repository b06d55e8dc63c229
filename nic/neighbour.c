/* SPDX-License-Identifier: BSD-3-Clause */
#include "neighbour.h"

#include "checksum.h"
#include "icmp.h"

enum {
    SOLICITATION = 135,
    ADVERTISEMENT = 136,
    SOLICITATION_SZ = 24,
    OPTION_SOURCE_MAC = 1,
    OPTION_TARGET_MAC = 2,
    FLAG_SOLICITED = 0x40,
    FLAG_OVERRIDE = 0x20
};

static void write_advertisement(const struct bd_station *station, const struct bd_ip *own,
                                unsigned flags, const struct bd_way *way, uint8_t *out)
{
    memset(out, 0, BD_NEIGHBOUR_SZ);
    out[0] = ADVERTISEMENT;
    out[4] = (uint8_t)flags;
    memcpy(out + 8, own->b, 16);
    out[24] = OPTION_TARGET_MAC;
    out[25] = 1; /* in units of 8 bytes */
    memcpy(out + 26, station->mac, BD_MAC_SZ);
    bd_icmpv6_sum(out, BD_NEIGHBOUR_SZ, &way->from, &way->to);
}

static void way_to_all(const struct bd_station *station, const struct bd_ip *own,
                       struct bd_way *way)
{
    static const uint8_t all_nodes_mac[BD_MAC_SZ] = {0x33, 0x33, 0, 0, 0, 1};
    *way = (struct bd_way){.vlan = station->vlan,
                           .from = *own,
                           .to = {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
    memcpy(way->mac_from, station->mac, BD_MAC_SZ);
    memcpy(way->mac_to, all_nodes_mac, BD_MAC_SZ);
}

/* Finds the source link-layer address option. False if an option has a wrong length. */
static bool read_options(const uint8_t *p, uint32_t len, const uint8_t **source_mac)
{
    *source_mac = NULL;
    while (len > 0) {
        if (len < 8 || p[1] == 0 || p[1] * 8U > len)
            return false;
        if (p[0] == OPTION_SOURCE_MAC)
            *source_mac = p + 2;
        len -= p[1] * 8U;
        p += (size_t)p[1] * 8;
    }
    return true;
}

enum bd_verdict bd_neighbour_answer(const struct bd_station *station, const uint8_t *bytes,
                                    const struct bd_frame *frame, struct bd_way *way,
                                    uint8_t out[BD_NEIGHBOUR_SZ])
{
    const uint8_t *icmp = bytes + frame->l4_off;
    uint32_t len = frame->l4_len;
    const struct bd_ip *us = &frame->destination.ip, *them = &frame->source.ip;
    if (len < SOLICITATION_SZ || icmp[0] != SOLICITATION || icmp[1] != 0 ||
        frame->hop_limit != BD_HOP_LIMIT_ND ||
        !bd_sum_right(bd_sum_pseudo(them, us, BD_PROTO_ICMPV6, len), icmp, len))
        return BD_FRAME_ICMP_IGNORED;
    struct bd_ip target;
    memcpy(target.b, icmp + 8, 16);
    const uint8_t *source_mac;
    if (!bd_station_owns(station, &target) || bd_ip_is_v4(&target) ||
        !read_options(icmp + SOLICITATION_SZ, len - SOLICITATION_SZ, &source_mac))
        return BD_FRAME_ICMP_IGNORED;
    if (bd_ip_is_unspecified(them)) {
        if (us->b[0] != 0xff || source_mac)
            return BD_FRAME_ICMP_IGNORED;
        way_to_all(station, &target, way);
        write_advertisement(station, &target, FLAG_OVERRIDE, way, out);
        return BD_FRAME_ND;
    }
    *way = (struct bd_way){.vlan = station->vlan, .from = target, .to = *them};
    memcpy(way->mac_from, station->mac, BD_MAC_SZ);
    memcpy(way->mac_to, source_mac ? source_mac : frame->mac_source, BD_MAC_SZ);
    write_advertisement(station, &target, FLAG_SOLICITED | FLAG_OVERRIDE, way, out);
    return BD_FRAME_ND;
}

void bd_neighbour_announce(const struct bd_station *station, const struct bd_ip *own,
                           struct bd_way *way, uint8_t out[BD_NEIGHBOUR_SZ])
{
    way_to_all(station, own, way);
    write_advertisement(station, own, FLAG_OVERRIDE, way, out);
}
