/* SPDX-License-Identifier: BSD-3-Clause */
/* H(entity-body) of auth-int (RFC 7616 3.4.3, RFC 8760 2.6), which the worker that has the body
 * gives to the verifier that has not. */
#ifndef BD_BODY_HASH_H
#define BD_BODY_HASH_H

#include "message.h"

enum { BD_BODY_HASH_MAX = 32 };

/* Hashes without an allocation; returns the length of the hash. */
uint32_t bd_body_hash(enum bd_digest_alg algorithm, struct bd_str body,
                      uint8_t out[BD_BODY_HASH_MAX]);

#endif
