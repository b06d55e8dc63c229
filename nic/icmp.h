/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP (RFC 792) and ICMPv6 (RFC 4443): echo and port unreachable. Pure functions of bytes. */
#ifndef BD_ICMP_H
#define BD_ICMP_H

#include "frame.h"
#include "reply.h"

/* Room for an error message: the packet it carries is cut so that it fits into what every link
 * takes (RFC 1812 4.3.2.3: 576 bytes; RFC 4443 2.4 (c): 1,280 bytes), IP header included. */
#define BD_ICMP_ERROR_MAX (1280 - BD_IPV6_SZ)

/* Turns an echo request in place into its answer. `icmp` is the transport of a frame of kind ICMP
 * or ICMPV6. Returns BD_FRAME_ICMP_ECHO, or BD_FRAME_ICMP_IGNORED for all else and a wrong
 * checksum. */
enum bd_verdict bd_icmp_echo(uint8_t *icmp, const struct bd_frame *frame);

/* Writes "port unreachable" about the datagram of `frame` to out[BD_ICMP_ERROR_MAX]; `way` is the
 * way back. Returns its length. */
uint32_t bd_icmp_unreachable(const uint8_t *bytes, const struct bd_frame *frame,
                             const struct bd_way *way, uint8_t *out);

/* Fills in the checksum of an ICMPv6 message. */
void bd_icmpv6_sum(uint8_t *icmp, uint32_t len, const struct bd_ip *from, const struct bd_ip *to);

#endif
