/* SPDX-License-Identifier: BSD-3-Clause */
/* STUN on the SIP port (RFC 5626 8, RFC 8489): the Binding method and nothing else, no credentials.
 *
 *   0        2        4            8                          20
 *   +--------+--------+------------+--------------------------+----------------------------+
 *   | 0x0001 | length | 0x2112a442 | transaction ID: 12 bytes | attributes: type, length,  |
 *   |        |        |            |                          | value, padding             |
 *   +--------+--------+------------+--------------------------+----------------------------+
 *
 * A pure codec: it reads one datagram and writes its answer, without memory of what came before, as
 * Binding is idempotent (RFC 8489 6.3.1). No answer is more than 32 bytes longer than its request,
 * so it is of little use to amplify. May be called from anywhere. */
#ifndef BD_STUN_H
#define BD_STUN_H

#include "wire.h"

#define BD_STUN_HEADER 20

/* Whether a datagram is STUN's: no SIP message begins with an octet of 0 or 1 (RFC 5626 8), and the
 * magic cookie rules out the rest. */
static inline bool bd_stun_is(const char *buf, uint32_t len)
{
    return len >= BD_STUN_HEADER && (uint8_t)buf[0] <= 1 &&
           memcmp(buf + 4, "\x21\x12\xa4\x42", 4) == 0;
}

/* Answers a datagram that bd_stun_is(). Returns
 *   BD_SIP_STUN_BINDING   a success response with XOR-MAPPED-ADDRESS stands in reply
 *   BD_SIP_STUN_REFUSED   an error response 420 with UNKNOWN-ATTRIBUTES stands in reply
 *   BD_SIP_KEEPALIVE      a Binding indication: it has done its work by arriving
 *   BD_SIP_STUN_BAD       malformed, a wrong FINGERPRINT, another method or a response: silence
 *
 * The response has a FINGERPRINT when the request has one. */
enum bd_verdict bd_stun_answer(const char *buf, uint32_t len, const struct bd_endpoint *source,
                               struct bd_wire *reply);

#endif
