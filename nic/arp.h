/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP (RFC 826) for a station that only answers: we never need to ask, as replies go to the
 * link-layer source of their request. Pure functions of bytes. */
#ifndef BD_ARP_H
#define BD_ARP_H

#include "frame.h"

/* Judges the ARP packet of a frame of kind ARP. BD_FRAME_ARP: it asks for an own address, and
 * out[BD_ARP_SZ] holds the answer for frame->mac_source; else BD_FRAME_ARP_IGNORED or
 * BD_FRAME_SHORT. A probe from 0.0.0.0 is answered like any request: that defends the address
 * (RFC 5227 2.1.1). */
enum bd_verdict bd_arp_answer(const struct bd_station *station, const uint8_t *bytes,
                              const struct bd_frame *frame, uint8_t out[BD_ARP_SZ]);

/* Writes the announcement of an own IPv4 address (RFC 5227 2.3), to be sent to all stations. */
void bd_arp_announce(const struct bd_station *station, const struct bd_ip *own,
                     uint8_t out[BD_ARP_SZ]);

#endif
