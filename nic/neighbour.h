/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery (RFC 4861) for a host that only answers: solicitation in, advertisement out.
 * Pure functions of bytes. */
#ifndef BD_NEIGHBOUR_H
#define BD_NEIGHBOUR_H

#include "frame.h"
#include "reply.h"

/* An advertisement with one option, our link-layer address. */
#define BD_NEIGHBOUR_SZ 32

/* Judges a frame of kind ICMPV6. BD_FRAME_ND: it solicits an own address, out holds the
 * advertisement's ICMPv6 message and *way the way it goes, checksum made, hop limit to be 255.
 * Else BD_FRAME_ICMP_IGNORED. All of RFC 4861 7.1.1 is checked; a solicitation from :: (duplicate
 * address detection, RFC 4862 5.4) is answered to all nodes. */
enum bd_verdict bd_neighbour_answer(const struct bd_station *station, const uint8_t *bytes,
                                    const struct bd_frame *frame, struct bd_way *way,
                                    uint8_t out[BD_NEIGHBOUR_SZ]);

/* Writes the unsolicited advertisement (RFC 4861 7.2.6) of an own address and its way. */
void bd_neighbour_announce(const struct bd_station *station, const struct bd_ip *own,
                           struct bd_way *way, uint8_t out[BD_NEIGHBOUR_SZ]);

#endif
