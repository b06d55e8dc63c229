/* SPDX-License-Identifier: BSD-3-Clause */
#include "nonce.h"

#include "aes.h"
#include "hash.h"
#include "hex.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { BLOCK = BD_AES_BLOCK, SECRET = BD_AES_SECRET, KEYS = 2, REALMS = 16 };

struct key {
    uint8_t secret[SECRET]; /* as given; all zero: no such key */
    struct bd_aes aes;
    uint16_t id;             /* in the nonce, so that the right key is tried first and alone */
    struct bd_hash_key mark; /* for nothing else, so that marks tell nothing of the key */
    bool usable;
};

/* Under each key the CBC-MAC, so far, of the realm: its length in a block of its own, then its text
 * in blocks filled up with zeros. The tag goes on with the nonce's first block. No such message
 * begins another, as the length says how many blocks there are: so CBC-MAC is a pseudo-random
 * function of them. */
struct realm_mask {
    char realm[BD_REALM_MAX];
    uint32_t len; /* 0: empty */
    uint8_t mask[KEYS][BLOCK];
};

struct bd_nonce {
    EVP_CIPHER_CTX *derive;
    struct key key[KEYS];
    struct realm_mask cache[REALMS]; /* direct-mapped; many domains only make it miss */
    struct realm_mask *last;         /* the one used last: mostly the next one, too */
};

struct bd_nonce *bd_nonce_new(struct bd_error *error)
{
    struct bd_nonce *nonce = calloc(1, sizeof(*nonce));
    bool ok = nonce != NULL;
    if (ok) {
        ok = (nonce->derive = bd_aes256_new()) != NULL;
        for (unsigned k = 0; k < KEYS; k++)
            ok = bd_aes_open(&nonce->key[k].aes) && ok;
    }
    if (ok)
        return nonce;
    bd_nonce_free(nonce);
    bd_fail(error, "OpenSSL offers no AES-128 or AES-256, or memory is short: check openssl.cnf "
                   "and `openssl list -providers`");
    return NULL;
}

void bd_nonce_free(struct bd_nonce *nonce)
{
    if (!nonce)
        return;
    for (unsigned k = 0; k < KEYS; k++)
        bd_aes_close(&nonce->key[k].aes);
    EVP_CIPHER_CTX_free(nonce->derive);
    OPENSSL_cleanse(nonce, sizeof(*nonce));
    free(nonce);
}

static bool key_set(struct bd_nonce *nonce, struct key *key, const uint8_t secret[SECRET])
{
    static const uint8_t none[SECRET];
    memcpy(key->secret, secret, SECRET);
    key->usable = false;
    if (CRYPTO_memcmp(secret, none, SECRET) == 0)
        return true;
    uint8_t derived[2 * BLOCK];
    bool ok = bd_aes_derive(nonce->derive, secret, BD_STR("bindery nonce"), derived) &&
              bd_aes_set(&key->aes, derived);
    key->id = (uint16_t)(derived[BLOCK] << 8 | derived[BLOCK + 1]);
    uint64_t seed;
    memcpy(&seed, derived + BLOCK + sizeof(key->id), sizeof(seed));
    bd_hash_key_init(&key->mark, seed);
    key->usable = ok;
    OPENSSL_cleanse(derived, sizeof(derived));
    return ok;
}

int bd_nonce_set_keys(struct bd_nonce *nonce, const uint8_t keys[2][32])
{
    bool same = nonce->key[0].usable;
    for (unsigned k = 0; k < KEYS; k++) /* both are ours: nobody learns from the time it takes */
        same = same && memcmp(nonce->key[k].secret, keys[k], SECRET) == 0;
    if (same)
        return 0;
    memset(nonce->cache, 0, sizeof(nonce->cache));
    nonce->last = nonce->cache;
    bool ok = true;
    for (unsigned k = 0; k < KEYS; k++)
        ok = key_set(nonce, &nonce->key[k], keys[k]) && ok;
    return ok && nonce->key[0].usable ? 0 : -1;
}

static struct realm_mask *realm_slot(struct bd_nonce *nonce, struct bd_str realm)
{
    /* FNV-1a: with realms of a wildcard domain one can make it miss, no more. */
    uint32_t h = 2166136261U;
    for (uint32_t i = 0; i < realm.len; i++)
        h = (h ^ (uint8_t)realm.p[i]) * 16777619U;
    return &nonce->cache[(h >> 16 ^ h) % REALMS];
}

static bool mac_realm(const struct key *key, struct bd_str realm, uint8_t chain[BLOCK])
{
    uint8_t text[BLOCK + BD_REALM_MAX] = {(uint8_t)(realm.len >> 8), (uint8_t)realm.len};
    _Static_assert(BD_REALM_MAX % BLOCK == 0, "the longest is filled up, too");
    memcpy(text + BLOCK, realm.p, realm.len);
    return bd_aes_mac(&key->aes, text, 1 + (realm.len + BLOCK - 1) / BLOCK, chain);
}

static bool is_of(const struct realm_mask *mask, struct bd_str realm)
{
    return bd_str_eq(realm, (struct bd_str){mask->realm, mask->len});
}

/* NULL when the realm is beyond its bound (then no nonce can be ours) or OpenSSL fails. */
static const struct realm_mask *realm_mask(struct bd_nonce *nonce, struct bd_str realm)
{
    if (realm.len == 0 || realm.len > BD_REALM_MAX)
        return NULL;
    if (is_of(nonce->last, realm))
        return nonce->last;
    struct realm_mask *slot = nonce->last = realm_slot(nonce, realm);
    if (is_of(slot, realm))
        return slot;
    slot->len = 0;
    bool ok = true;
    for (unsigned k = 0; k < KEYS && ok; k++)
        ok = !nonce->key[k].usable || mac_realm(&nonce->key[k], realm, slot->mask[k]);
    if (!ok)
        return NULL;
    memcpy(slot->realm, realm.p, realm.len);
    slot->len = realm.len;
    return slot;
}

static bool make_tag(struct bd_nonce *nonce, unsigned k, struct bd_str realm,
                     const uint8_t head[BLOCK], uint8_t tag[BLOCK])
{
    const struct realm_mask *mask = realm_mask(nonce, realm);
    if (!mask)
        return false;
    uint8_t block[BLOCK];
    bd_aes_add(head, mask->mask[k], block);
    return bd_aes_run(&nonce->key[k].aes, block, 1, tag);
}

/* The first two words, big endian: issued_ms:48 | key:16, and request. */
static uint64_t get_be(const uint8_t *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof(value));
    return __builtin_bswap64(value);
}

static uint16_t mark_of(const struct key *key, const struct bd_ip *source)
{
    return (uint16_t)bd_hash64(&key->mark, source->b, bd_ip_is_v4(source) ? 16 : 8);
}

uint64_t bd_nonce_request(const struct bd_nonce *nonce, uint64_t request,
                          const struct bd_ip *source)
{
    return request << 16 | mark_of(&nonce->key[0], source);
}

bool bd_nonce_is_of(const struct bd_nonce *nonce, const struct bd_nonce_fields *fields,
                    const struct bd_ip *source)
{
    return (uint16_t)fields->request == mark_of(&nonce->key[fields->key], source);
}

void bd_nonce_make(struct bd_nonce *nonce, uint64_t issued_wall_ms, uint64_t request,
                   struct bd_str realm, char out[BD_NONCE_TEXT])
{
    assert(nonce->key[0].usable);
    uint8_t bytes[2 * BLOCK];
    bd_aes_put(bytes, __builtin_bswap64(issued_wall_ms << 16 | nonce->key[0].id),
               __builtin_bswap64(request));
    /* If OpenSSL fails the tag stays zero: a nonce nobody accepts, hence another challenge. */
    if (!make_tag(nonce, 0, realm, bytes, bytes + BLOCK))
        memset(bytes + BLOCK, 0, BLOCK);
    bd_hex_encode(bytes, sizeof(bytes), out);
}

bool bd_nonce_check(struct bd_nonce *nonce, struct bd_str text, struct bd_str realm,
                    struct bd_nonce_fields *fields)
{
    uint8_t bytes[2 * BLOCK];
    _Static_assert(2 * sizeof(bytes) == BD_NONCE_TEXT, "the text is all of it");
    if (!bd_hex_decode(text, bytes, sizeof(bytes)))
        return false;
    fields->issued_ms = get_be(bytes) >> 16;
    fields->request = get_be(bytes + 8);
    uint16_t id = (uint16_t)get_be(bytes);
    for (unsigned k = 0; k < KEYS; k++) {
        uint8_t tag[BLOCK];
        if (nonce->key[k].usable && nonce->key[k].id == id &&
            make_tag(nonce, k, realm, bytes, tag) && bd_aes_block_eq(tag, bytes + BLOCK)) {
            fields->key = k;
            return true;
        }
    }
    return false;
}
