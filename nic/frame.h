/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a frame: Ethernet, 802.1Q, IPv4 with options, IPv6 with extension headers, UDP.
 *
 * Pure functions of bytes: no EAL, no state, no allocation. A frame is read once, front to back;
 * each step checks what is left, reads, advances, then judges. Tuned for a UDP datagram of some
 * hundred bytes to one of a few own addresses. May be called from anywhere.
 *
 *   Ethernet > tag > MAC > IP header > checksum > source > destination > fragment? > transport
 *
 * Stricter than the RFCs ask: source routes (IPv4 LSRR and SSRR, IPv6 routing headers with segments
 * left) are refused, and so is an IPv6 source that spells an IPv4-mapped address, as it would pass
 * for that IPv4 address. */
#ifndef BD_FRAME_H
#define BD_FRAME_H

#include "bytes.h"
#include "station.h"
#include "verdict.h"

/* What somebody else did already, or must be let pass. */
enum {
    BD_FRAME_IP_SUM_GOOD = 1,  /* IPv4 header checksum verified */
    BD_FRAME_UDP_SUM_GOOD = 2, /* UDP checksum verified */
    /* The sender may be a kernel on this very machine that leaves the checksum to hardware which
     * there is none of (veth): the field holds the sum of the pseudo header alone. Taking that
     * value too lets one more wrong sum in 65,536 pass: no weaker than the checksum itself. */
    BD_FRAME_SUM_PARTIAL = 4,
    BD_FRAME_TAG_STRIPPED = 8, /* the tag is in bd_frame_hint.tci, no longer in the frame */
};

struct bd_frame_hint {
    unsigned flags;
    uint16_t tci;
};

enum bd_frame_kind {
    BD_FRAME_IS_ARP,
    BD_FRAME_IS_UDP,
    BD_FRAME_IS_ICMP,
    BD_FRAME_IS_ICMPV6,
    BD_FRAME_IS_FRAGMENT
};

/* Offsets count from the frame's first byte and lie inside it. */
struct bd_frame {
    enum bd_frame_kind kind;
    bool v6;
    bool to_group; /* the link-layer destination is a multicast address */
    uint8_t mac_source[BD_MAC_SZ];
    uint8_t hop_limit;
    uint16_t ip_off;       /* the IP header; for ARP, the ARP packet */
    uint16_t fragment_off; /* the IPv6 fragment header (kind FRAGMENT) */
    uint16_t l4_off;       /* the transport header; payload of a fragment */
    uint32_t l4_len;       /* transport header and payload; padding excluded */
    uint32_t end;          /* where IP says the packet ends */
    struct bd_endpoint source, destination;
    uint32_t payload_off, payload_len; /* kind UDP */
};

/* Judges a frame of `len` bytes and fills *out.
 *
 * Returns BD_VERDICT_NONE when out->kind says who goes on with it; else the verdict that ends it.
 * With BD_FRAME_UDP_PORT *out is filled too, so that an ICMP error can be sent. Never reads beyond
 * frame + len. Bound: one pass over the headers and, for the checksum, the datagram. */
enum bd_verdict bd_frame_read(const struct bd_station *station, const uint8_t *frame, uint32_t len,
                              struct bd_frame_hint hint, struct bd_frame *out);

/* Takes the extension headers that stand between the IPv6 header and the fragment header out of a
 * frame of kind FRAGMENT, by moving what is before them up, so that the fragment header follows the
 * IPv6 header as rte_ip_frag expects it. They were judged already and say nothing that a host acts
 * on. Returns how many bytes the frame became shorter at its front and corrects *frame; the caller
 * lets the packet begin that much later. */
uint32_t bd_frame_strip_extensions(uint8_t *bytes, struct bd_frame *frame);

#endif
