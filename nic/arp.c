/* SPDX-License-Identifier: BSD-3-Clause */
#include "arp.h"

enum { REQUEST = 1, REPLY = 2 };

static void write_arp(uint8_t *out, unsigned operation, const uint8_t *mac, const uint8_t *ip,
                      const uint8_t *to_mac, const uint8_t *to_ip)
{
    static const uint8_t ethernet_ipv4[6] = {0, 1, 8, 0, 6, 4};
    memcpy(out, ethernet_ipv4, sizeof(ethernet_ipv4));
    bd_put16(out + 6, operation);
    memcpy(out + 8, mac, BD_MAC_SZ);
    memcpy(out + 14, ip, 4);
    memcpy(out + 18, to_mac, BD_MAC_SZ);
    memcpy(out + 24, to_ip, 4);
}

enum bd_verdict bd_arp_answer(const struct bd_station *station, const uint8_t *bytes,
                              const struct bd_frame *frame, uint8_t out[BD_ARP_SZ])
{
    if (frame->end - frame->ip_off < BD_ARP_SZ)
        return BD_FRAME_SHORT;
    const uint8_t *arp = bytes + frame->ip_off;
    static const uint8_t request[8] = {0, 1, 8, 0, 6, 4, 0, REQUEST};
    if (memcmp(arp, request, sizeof(request)) != 0)
        return BD_FRAME_ARP_IGNORED;
    struct bd_ip target = bd_ip_from_v4(arp + 24), sender = bd_ip_from_v4(arp + 14);
    /* Somebody who claims an address of ours: answering would not mend that. */
    if (!bd_station_owns(station, &target) || bd_station_owns(station, &sender))
        return BD_FRAME_ARP_IGNORED;
    write_arp(out, REPLY, station->mac, arp + 24, arp + 8, arp + 14);
    return BD_FRAME_ARP;
}

void bd_arp_announce(const struct bd_station *station, const struct bd_ip *own,
                     uint8_t out[BD_ARP_SZ])
{
    static const uint8_t nobody[BD_MAC_SZ];
    write_arp(out, REQUEST, station->mac, own->b + 12, nobody, own->b + 12);
}
