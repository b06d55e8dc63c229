/* SPDX-License-Identifier: BSD-3-Clause */
/* What the phones know for digest authentication (RFC 7616, MD5, qop auth): each has a nonce of its
 * own from its last challenge, and the password "secret-" and its eight digits. */
#ifndef LOAD_DIGEST_H
#define LOAD_DIGEST_H

#include "phone.h"

enum { DIGEST_NONCE_MAX = 64 };

struct digest;

/* For phones 0 to cnt-1, and nonces of nonce_sz characters, at most DIGEST_NONCE_MAX. Never NULL.
 */
struct digest *digest_new(const char *domain, uint32_t cnt, uint32_t nonce_sz);
void digest_free(struct digest *digest);

/* Takes the nonce out of a challenge. False: there is none of that length. */
bool digest_learn(struct digest *digest, uint32_t phone, const uint8_t *frame, uint32_t len);

/* Fills in nonce and response of up to 16 requests that have their nonce count already. */
void digest_answer(const struct digest *digest, struct phone_request *request,
                   const uint32_t *phone, unsigned cnt);

#endif
