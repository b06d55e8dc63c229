/* SPDX-License-Identifier: BSD-3-Clause */
/* The nonce: stateless, keyed, the same on every node that has the secret (RFC 7616 3.3, 5.4).
 *
 *   32 bytes, in hexadecimal:  issued_ms:48 | key:16 | request:48 | mark:16 | tag:128
 *
 * `request` is a keyed hash of what makes the challenged request itself (Call-ID, CSeq, branch,
 * source), so a retransmission draws the same nonce and two phones never share one. `mark` is a
 * keyed hash of the source's address alone (of IPv6 the /64): who answers from another one has not
 * necessarily seen the challenge. That makes the nonce no less good (a phone moves, two proxies
 * take turns), but a failure with it is not the source's (limiter.h). `tag` is the CBC-MAC with
 * AES-128 of the realm and the first 16 bytes, under a key derived from the secret. Compared in
 * constant time.
 *
 * An object belongs to one thread (it owns OpenSSL contexts). Nothing but making it allocates. */
#ifndef BD_NONCE_H
#define BD_NONCE_H

#include "ip.h"
#include "limits.h"
#include "log.h"
#include "str.h"

struct bd_nonce; /* private: EVP contexts of the current and the previous key */

/* NULL with an error when OpenSSL has no AES. */
struct bd_nonce *bd_nonce_new(struct bd_error *error);
void bd_nonce_free(struct bd_nonce *nonce);
/* Sets the keys (32 bytes each: current, previous; all zero: there is none). Cheap when unchanged.
 * -1 when there is no current key or OpenSSL fails; then nothing may be made. */
int bd_nonce_set_keys(struct bd_nonce *nonce, const uint8_t keys[2][32]);

/* What bd_nonce_make takes as the request, from its keyed hash and its source. */
uint64_t bd_nonce_request(const struct bd_nonce *nonce, uint64_t request,
                          const struct bd_ip *source);
/* Writes BD_NONCE_TEXT characters, no NUL. */
void bd_nonce_make(struct bd_nonce *nonce, uint64_t issued_wall_ms, uint64_t request,
                   struct bd_str realm, char out[BD_NONCE_TEXT]);

struct bd_nonce_fields {
    uint64_t issued_ms, request;
    unsigned key; /* it was made with */
};
/* True when it was made with the current or the previous key for this realm. The age is the
 * caller's to judge. */
bool bd_nonce_check(struct bd_nonce *nonce, struct bd_str text, struct bd_str realm,
                    struct bd_nonce_fields *fields);
/* Whether a nonce that is good was given to this source, or to one of the 65,536th part of all that
 * share its mark. */
bool bd_nonce_is_of(const struct bd_nonce *nonce, const struct bd_nonce_fields *fields,
                    const struct bd_ip *source);

#endif
