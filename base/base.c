/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"
#include "screen_words.h"
#include "stats.h"
#include "verdict.h"

/* Compiled in here, so that it uses the vector units this build is for; the values are the same. */
#define XXH_INLINE_ALL
#include <xxhash.h>

const struct bd_verdict_info bd_verdict_info[BD_VERDICT_CNT] = {
#define X(name, code, label) [BD_##name] = {.text = label, .status = code},
    BD_VERDICTS(X)
#undef X
};

const struct bd_counter_info bd_counter_info[BD_COUNTER_CNT] = {
#define X(name, label, about) [BD_CTR_##name] = {.text = label, .help = about},
    BD_COUNTERS(X)
#undef X
};

const char *const bd_screen_field_word[BD_SCREEN_FIELD_CNT] = {
#define X(name, word) [BD_SCREEN_##name] = word,
    BD_SCREEN_FIELDS(X)
#undef X
};

const char *const bd_screen_action_word[BD_SCREEN_ACTION_CNT] = {
#define X(name, word) [BD_SCREEN_##name] = word,
    BD_SCREEN_ACTIONS(X)
#undef X
};

_Static_assert(BD_HASH_SECRET_SZ >= XXH3_SECRET_SIZE_MIN, "XXH3 needs this much");

void bd_hash_key_init(struct bd_hash_key *key, uint64_t seed)
{
    /* Each 16 bytes of the secret are a keyed hash of their own position. */
    for (uint32_t i = 0; i < BD_HASH_SECRET_SZ / 16; i++) {
        XXH128_hash_t h = XXH3_128bits_withSeed(&i, sizeof(i), seed);
        memcpy(key->secret + (size_t)i * 16, &h, 16);
    }
}

uint64_t bd_hash64(const struct bd_hash_key *key, const void *data, size_t len)
{
    return XXH3_64bits_withSecret(data, len, key->secret, BD_HASH_SECRET_SZ);
}

struct bd_hash128 bd_hash128(const struct bd_hash_key *key, const void *data, size_t len)
{
    XXH128_hash_t h = XXH3_128bits_withSecret(data, len, key->secret, BD_HASH_SECRET_SZ);
    return (struct bd_hash128){.lo = h.low64, .hi = h.high64};
}

enum { LATENCY_FIRST_LOG2 = 8 };

unsigned bd_latency_bucket(uint64_t ns)
{
    if (ns < (1U << LATENCY_FIRST_LOG2))
        return 0;
    unsigned log2 = 63U - (unsigned)__builtin_clzll(ns);
    unsigned sub = (unsigned)(ns >> (log2 - 2)) & (BD_LATENCY_SUB - 1);
    unsigned bucket = 1 + (log2 - LATENCY_FIRST_LOG2) * BD_LATENCY_SUB + sub;
    return bucket < BD_LATENCY_BUCKETS ? bucket : BD_LATENCY_BUCKETS - 1;
}

uint64_t bd_latency_lower_ns(unsigned bucket)
{
    if (bucket == 0)
        return 0;
    unsigned log2 = LATENCY_FIRST_LOG2 + (bucket - 1) / BD_LATENCY_SUB;
    uint64_t sub = (bucket - 1) % BD_LATENCY_SUB;
    return (BD_LATENCY_SUB + sub) << (log2 - 2);
}

uint64_t bd_latency_upper_ns(unsigned bucket)
{
    return bucket + 1 < BD_LATENCY_BUCKETS ? bd_latency_lower_ns(bucket + 1) : UINT64_MAX;
}
