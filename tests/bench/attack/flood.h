/* SPDX-License-Identifier: BSD-3-Clause */
/* An attacker: frames of several kinds, from one source or from many that are forged, as fast as
 * told or as the ring takes them. What the ring does not take is lost, as where a NIC's queue is
 * full.
 *
 *   plain      REGISTER of eight makes of phones, without credentials
 *   forged     the same with credentials that nobody gave them a nonce for
 *   garbage    random bytes of random length
 *   truncated  a plain one that ends anywhere
 *   giant      one that fills a frame
 *   fragments  of datagrams of which the rest never comes
 *   torture    messages of RFC 4475 and RFC 5118
 *   ipv6       a plain one over IPv6: a source is a /64, and each frame comes from any host of it
 *   mix        each frame of another kind
 *
 * Sources are of 198.18.0.0/15 but for its first /24 and the phones' 198.18.100.0 to .199.255; of
 * IPv6 2001:db8:1::/64 and those after it. Those go to 2001:db8::1.
 * Addresses of record are among the first million numbers, those of the phones (crowd.h) with them.
 * No reply is looked at: the branch of an attacker's request is none of a phone's. Nothing here
 * reads a clock. */
#ifndef ATTACK_FLOOD_H
#define ATTACK_FLOOD_H

#include <phone.h>
#include <wire.h>

enum flood_kind {
    FLOOD_PLAIN,
    FLOOD_FORGED,
    FLOOD_GARBAGE,
    FLOOD_TRUNCATED,
    FLOOD_GIANT,
    FLOOD_FRAGMENTS,
    FLOOD_TORTURE,
    FLOOD_IPV6,
    FLOOD_KINDS,
    FLOOD_MIX = FLOOD_KINDS
};

enum { FLOOD_SOURCES_MAX = 105000, FLOOD_TORTURES_MAX = 128 };

extern const char *const flood_kind_name[FLOOD_KINDS + 1];

struct flood_options {
    struct phone_world world;
    enum flood_kind kind;
    double rate_per_s; /* 0: none */
    double rotate_s;   /* another kind each so many seconds; 0: always `kind` */
    uint32_t sources;
    const char *torture; /* folder of messages, or NULL: such frames are of another kind */
};

struct flood_counts {
    uint64_t taken[FLOOD_KINDS]; /* frames that the ring took */
    uint64_t lost;               /* that it did not */
    uint64_t skipped;            /* due, but not even made in time */
};

struct flood;

/* NULL, with a line on stderr: a request does not fit into a frame, or there is nothing to read. */
struct flood *flood_new(const struct flood_options *options, struct wire *wire);
void flood_free(struct flood *flood);

/* How many frames are to be sent by now: at most WIRE_BURST, what is more is skipped. */
unsigned flood_due(struct flood *flood, double now_s);
/* Sends so many, at most WIRE_BURST. */
void flood_send(struct flood *flood, unsigned cnt);

/* Writes one frame of a kind, and returns its length; for flood_send, and for a test. */
uint32_t flood_write(struct flood *flood, enum flood_kind kind, uint8_t frame[PHONE_FRAME_MAX]);

const struct flood_counts *flood_counts(const struct flood *flood);

#endif
