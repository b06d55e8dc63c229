/* SPDX-License-Identifier: BSD-3-Clause */
/* Digest computation (RFC 7616 3.4, RFC 3261 22.4, RFC 8760): MD5, SHA-256, SHA-512-256.
 *
 * An object holds prefetched algorithms and contexts and belongs to one thread. After bd_digest_new
 * nothing here allocates (but for SHA, OpenSSL 3.0 itself takes and gives back one context of about
 * 200 bytes a hash, which malloc serves from its cache of the thread). */
#ifndef BD_DIGEST_H
#define BD_DIGEST_H

#include "log.h"
#include "message.h"

/* Bytes of the longest digest, and its text without NUL. */
#define BD_DIGEST_MAX      32
#define BD_DIGEST_TEXT_MAX (2 * BD_DIGEST_MAX)

struct bd_digest;

/* NULL with an error that names the algorithm OpenSSL does not offer (a FIPS provider has no MD5).
 */
struct bd_digest *bd_digest_new(struct bd_error *error);
void bd_digest_free(struct bd_digest *digest);

/* Bytes of an algorithm's digest: 16 or 32. */
static inline uint32_t bd_digest_sz(enum bd_digest_alg alg)
{
    return alg == BD_ALG_MD5 ? 16 : 32;
}

/* H(part ":" part ":" ...), the shape of everything the RFC hashes: A1 is {username, realm,
 * password}, A2 {method, uri}, a userhash {username, realm}. Writes bd_digest_sz(alg) bytes.
 * False only when OpenSSL fails. */
bool bd_digest_hash(struct bd_digest *digest, enum bd_digest_alg alg, const struct bd_str *parts,
                    unsigned cnt, uint8_t out[BD_DIGEST_MAX]);

/* What a response is made of beside H(A1). For BD_QOP_NONE nc and cnonce are not used (RFC 2069);
 * body_hash, H(entity-body) in hexadecimal, is used for BD_QOP_AUTH_INT only. */
struct bd_digest_input {
    enum bd_digest_alg alg;
    enum bd_qop qop;
    struct bd_str nonce, nc, cnonce, method, uri, body_hash;
};

/* Computes the response that a holder of ha1 (bd_digest_sz bytes) would send, as bytes.
 * False when qop or algorithm is none that we know, or OpenSSL fails. */
bool bd_digest_response(struct bd_digest *digest, const struct bd_digest_input *in,
                        const uint8_t *ha1, uint8_t out[BD_DIGEST_MAX]);

/* Whether `response` (hexadecimal, lower case) is that. Compares in constant time; the time depends
 * on public lengths only. */
bool bd_digest_check(struct bd_digest *digest, const struct bd_digest_input *in, const uint8_t *ha1,
                     struct bd_str response);

#endif
