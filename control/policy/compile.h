/* SPDX-License-Identifier: BSD-3-Clause */
/* The policy compiler: a checked configuration becomes a policy blob (policy.h). Control's main
 * calls it at start and at each reload, then publishes the blob until a slot takes it. */
#ifndef BD_COMPILE_H
#define BD_COMPILE_H

#include "config.h"
#include "policy.h"

/* Compiles for this arena, whose seed and current nonce keys it uses. Returns a blob that the
 * caller frees, and its size. NULL: the policy is larger than BD_POLICY_PLAIN_MAX, a name stands
 * twice, Hyperscan does not take a screening rule, no memory, OpenSSL has no SHA-256. */
void *bd_policy_compile(const struct bd_arena *arena, const struct bd_config *config,
                        uint32_t *size, struct bd_error *error);

/* What `limits` says, and its lists flattened: *map is freed by the caller; NULL: both are empty.
 * -1: out of memory. */
int bd_limits_compile(const struct bd_config *config, struct bd_policy_limits *limits,
                      struct bd_prefix_map **map, struct bd_error *error);

/* The nonce keys of a configuration: [0] makes nonces, both are good. Derived from the secrets by
 * HMAC-SHA-256, so every node with the same secret has the same keys. Without a secret those of
 * `running` (NULL: none) go on; else they are random and a warning says so. Without a previous
 * secret both are equal: an unused key of zeros would be everybody's.
 * -1: OpenSSL fails. */
int bd_nonce_keys_make(const struct bd_config *config, const struct bd_policy *running,
                       uint8_t keys[2][32], struct bd_error *error);

#endif
