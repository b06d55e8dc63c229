/* SPDX-License-Identifier: BSD-3-Clause */
/* The nonce: stateless, keyed, the same on every node that has the secret (RFC 7616 3.3, 5.4).
 *
 *   32 bytes, in hexadecimal:  issued_ms:48 | key:16 | request:64 | tag:128
 *
 * `request` is a keyed hash of what makes the challenged request itself (Call-ID, CSeq, branch,
 * source), so a retransmission draws the same nonce and two phones never share one. `tag` is
 * the CBC-MAC with AES-128 of the realm and the first 16 bytes, under a key derived from the
 * secret. Compared in constant time.
 *
 * An object belongs to one thread (it owns OpenSSL contexts). Nothing but making it allocates. */
#ifndef BD_NONCE_H
#define BD_NONCE_H

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

/* Writes BD_NONCE_TEXT characters, no NUL. */
void bd_nonce_make(struct bd_nonce *nonce, uint64_t issued_wall_ms, uint64_t request,
                   struct bd_str realm, char out[BD_NONCE_TEXT]);

struct bd_nonce_fields {
    uint64_t issued_ms, request;
};
/* True when it was made with the current or the previous key for this realm. The age is the
 * caller's to judge. */
bool bd_nonce_check(struct bd_nonce *nonce, struct bd_str text, struct bd_str realm,
                    struct bd_nonce_fields *fields);

#endif
