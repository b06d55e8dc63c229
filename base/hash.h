/* SPDX-License-Identifier: BSD-3-Clause */
/* Keyed hashing: XXH3 with a secret made from the arena's random seed, so that nobody outside can
 * choose keys that collide. One seed per arena; both processes derive the same secret from it. */
#ifndef BD_HASH_H
#define BD_HASH_H

#include "str.h"

#define BD_HASH_SECRET_SZ 192

struct bd_hash_key {
    uint8_t secret[BD_HASH_SECRET_SZ];
};

struct bd_hash128 {
    uint64_t lo, hi;
};

/* Derives the secret from a seed. */
void bd_hash_key_init(struct bd_hash_key *key, uint64_t seed);

uint64_t bd_hash64(const struct bd_hash_key *key, const void *data, size_t len);
struct bd_hash128 bd_hash128(const struct bd_hash_key *key, const void *data, size_t len);

#endif
