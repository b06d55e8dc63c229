/* SPDX-License-Identifier: BSD-3-Clause */
/* Who we are on one port. Set up before the workers run; read by all of them.
 *
 * Only frames to this MAC, in this VLAN, to one of these addresses are ours (the strong host model
 * of RFC 1122 3.3.4.2). */
#ifndef BD_STATION_H
#define BD_STATION_H

#include "bytes.h"
#include "ip.h"
#include "limits.h"

struct bd_station {
    uint8_t mac[BD_MAC_SZ];
    uint16_t vlan; /* 0: untagged (or tagged for priority only) */
    uint16_t address_cnt, listen_cnt;
    struct bd_prefix address[BD_ADDRESSES_MAX]; /* own address and its on-link prefix length */
    struct bd_endpoint listen[BD_LISTEN_MAX];   /* of all ports: own addresses, no wildcards */
};

/* True for one of the station's own addresses. */
bool bd_station_owns(const struct bd_station *station, const struct bd_ip *ip);
/* True if `ip` is the solicited-node multicast address (RFC 4291 2.7.1) of an own address. */
bool bd_station_solicited(const struct bd_station *station, const struct bd_ip *ip);
/* True for an endpoint that requests are taken at. */
bool bd_station_serves(const struct bd_station *station, const struct bd_endpoint *destination);

#endif
