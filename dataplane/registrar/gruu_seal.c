/* SPDX-License-Identifier: BSD-3-Clause */
#include "gruu_seal.h"

#include "aes.h"
#include "copy.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#ifdef __AVX512VBMI__
#include <immintrin.h>
#endif

enum {
    BLOCK = BD_AES_BLOCK,
    SECRET = BD_AES_SECRET,
    KEYS = 2,
    HEAD = 18, /* AoR length, issue, life */
    BODY_MIN = 64,
    BODY_STEP = 32,
    BODY_MAX = 288, /* all three are whole blocks */
    SEALED_MAX = BLOCK + BODY_MAX,
    ENCODE_SLACK = 64
};
_Static_assert(HEAD + BD_AOR_MAX <= BODY_MAX, "the longest AoR fits");
_Static_assert((SEALED_MAX * 8 + 5) / 6 == BD_GRUU_SEALED_MAX, "gruu_seal.h");

struct key {
    uint8_t secret[SECRET];
    struct bd_aes mac, ctr;
    bool usable;
};

struct bd_gruu_seal {
    EVP_CIPHER_CTX *derive;
    struct key key[KEYS];
};

struct bd_gruu_seal *bd_gruu_seal_new(struct bd_error *error)
{
    struct bd_gruu_seal *seal = calloc(1, sizeof(*seal));
    bool ok = seal != NULL;
    if (ok) {
        ok = (seal->derive = bd_aes256_new()) != NULL;
        for (unsigned k = 0; k < KEYS; k++) {
            ok = bd_aes_open(&seal->key[k].mac) && ok;
            ok = bd_aes_open(&seal->key[k].ctr) && ok;
        }
    }
    if (ok)
        return seal;
    bd_gruu_seal_free(seal);
    bd_fail(error, "OpenSSL offers no AES-128 or AES-256, or memory is short: check openssl.cnf "
                   "and `openssl list -providers`");
    return NULL;
}

void bd_gruu_seal_free(struct bd_gruu_seal *seal)
{
    if (!seal)
        return;
    for (unsigned k = 0; k < KEYS; k++) {
        bd_aes_close(&seal->key[k].mac);
        bd_aes_close(&seal->key[k].ctr);
    }
    EVP_CIPHER_CTX_free(seal->derive);
    OPENSSL_cleanse(seal, sizeof(*seal));
    free(seal);
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool key_set(struct bd_gruu_seal *seal, struct key *key, const uint8_t secret[SECRET])
{
    static const uint8_t none[SECRET];
    memcpy(key->secret, secret, SECRET);
    key->usable = false;
    if (CRYPTO_memcmp(secret, none, SECRET) == 0)
        return true;
    uint8_t derived[2 * BLOCK];
    key->usable = bd_aes_derive(seal->derive, secret, BD_STR("bindery gruu"), derived) &&
                  bd_aes_set(&key->mac, derived) && bd_aes_set(&key->ctr, derived + BLOCK);
    OPENSSL_cleanse(derived, sizeof(derived));
    return key->usable;
}

int bd_gruu_seal_set_keys(struct bd_gruu_seal *seal, const uint8_t keys[2][32])
{
    bool same = seal->key[0].usable, ok = true;
    for (unsigned k = 0; k < KEYS; k++) /* both are ours: nobody learns from the time it takes */
        same = same && memcmp(seal->key[k].secret, keys[k], SECRET) == 0;
    for (unsigned k = 0; k < KEYS && !same; k++)
        ok = key_set(seal, &seal->key[k], keys[k]) && ok;
    return ok && seal->key[0].usable ? 0 : -1;
}

static uint32_t body_len(uint32_t aor_len)
{
    uint32_t len = HEAD + aor_len;
    return len <= BODY_MIN ? BODY_MIN : (len + BODY_STEP - 1) / BODY_STEP * BODY_STEP;
}

/* --- base64url (RFC 4648 5), without padding -------------------------------------------------- */

static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* As many bytes as make whole digits, and those. */
#ifdef __AVX512VBMI__
enum { ENCODE_BYTES = 48, ENCODE_DIGITS = 64 };

/* Of three bytes a, b, c a half of each word becomes b, a, c, b: in the lower two bytes of it lie
 * the first two digits as they stand, from bits 10 and 4 on, in the upper two the others. */
static void encode_step(const uint8_t *in, char *out)
{
    static const uint8_t place[64] = {
        1,  0,  2,  1,  4,  3,  5,  4,  7,  6,  8,  7,  10, 9,  11, 10, 13, 12, 14, 13, 16, 15,
        17, 16, 19, 18, 20, 19, 22, 21, 23, 22, 25, 24, 26, 25, 28, 27, 29, 28, 31, 30, 32, 31,
        34, 33, 35, 34, 37, 36, 38, 37, 40, 39, 41, 40, 43, 42, 44, 43, 46, 45, 47, 46};
    const __m512i shifts = _mm512_set1_epi64(0x3036242a1016040a);
    __m512i words = _mm512_permutexvar_epi8(_mm512_loadu_si512(place), _mm512_loadu_si512(in));
    __m512i values = _mm512_multishift_epi64_epi8(shifts, words); /* the low six bits count */
    _mm512_storeu_si512(out, _mm512_permutexvar_epi8(values, _mm512_loadu_si512(digit)));
}
#else
enum { ENCODE_BYTES = 6, ENCODE_DIGITS = 8 };

static void encode_step(const uint8_t *in, char *out)
{
    uint64_t bits;
    memcpy(&bits, in, sizeof(bits));
    bits = __builtin_bswap64(bits);
    for (unsigned i = 0; i < ENCODE_DIGITS; i++, bits <<= 6)
        out[i] = digit[bits >> 58];
}
#endif

/* Reads and writes beyond both ends, less than ENCODE_SLACK; what is written there is zeros or what
 * stood behind the bytes. */
static uint32_t encode(const uint8_t *in, uint32_t len, char *out)
{
    for (uint32_t at = 0; at < len; at += ENCODE_BYTES, out += ENCODE_DIGITS)
        encode_step(in + at, out);
    return (8 * len + 5) / 6;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Returns the length, 0 for what encode() never writes: one text for one value. */
static uint32_t decode(struct bd_str text, uint8_t out[SEALED_MAX])
{
    uint32_t bits = 0, held = 0, n = 0;
    if (text.len > BD_GRUU_SEALED_MAX)
        return 0;
    for (uint32_t i = 0; i < text.len; i++) {
        int value = value_of(text.p[i]);
        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[n++] = (uint8_t)(bits >> held);
        }
    }
    bool exact = held < 6 && (bits & ((1U << held) - 1)) == 0;
    return exact ? n : 0;
}

/* --- sealing ---------------------------------------------------------------------------------- */

/* The first block is written as one (aes.h): all others wait for it. Returns the length. */
static uint32_t put_body(uint8_t *plain, uint64_t issue, uint64_t life, struct bd_str aor)
{
    uint32_t len = body_len(aor.len);
    uint64_t len_be = (aor.len >> 8 & 0xff) | (aor.len & 0xff) << 8;
    memset(plain + BLOCK, 0, BODY_MIN - BLOCK);
    if (len > BODY_MIN)
        memset(plain + BODY_MIN, 0, len - BODY_MIN);
    bd_copy((char *)plain + HEAD, aor.p, aor.len);
    bd_aes_put(plain, len_be | issue << 16, issue >> 48 | life << 16);
    uint16_t life_end = (uint16_t)(life >> 48);
    memcpy(plain + BLOCK, &life_end, sizeof(life_end));
    return len;
}

uint32_t bd_gruu_seal_close(struct bd_gruu_seal *seal, uint64_t issue, uint64_t life,
                            struct bd_str aor, char *out)
{
    struct key *key = &seal->key[0];
    uint8_t plain[BODY_MAX + BD_COPY_SLACK], sealed[SEALED_MAX + ENCODE_SLACK];
    char text[BD_GRUU_SEALED_MAX + ENCODE_SLACK];
    if (!key->usable || aor.len > BD_AOR_MAX)
        return 0;
    uint32_t len = put_body(plain, issue, life, aor);
    uint32_t blocks = len / BLOCK;
    if (!bd_aes_mac(&key->mac, plain, blocks, sealed) ||
        !bd_aes_counter(&key->ctr, sealed, plain, blocks, sealed + BLOCK))
        return 0;
    memset(sealed + BLOCK + len, 0, ENCODE_SLACK); /* the spare bits of the last digit */
    uint32_t text_len = encode(sealed, BLOCK + len, text);
    memcpy(out, text, text_len);
    return text_len;
}

static bool open_with(struct key *key, const uint8_t *sealed, uint32_t len,
                      struct bd_gruu_sealed *out)
{
    uint8_t plain[BODY_MAX], tag[BLOCK];
    uint32_t blocks = len / BLOCK;
    if (!key->usable || !bd_aes_counter(&key->ctr, sealed, sealed + BLOCK, blocks, plain) ||
        !bd_aes_mac(&key->mac, plain, blocks, tag) || !bd_aes_block_eq(tag, sealed))
        return false;
    out->aor_len = (uint32_t)plain[0] << 8 | plain[1];
    if (out->aor_len > BD_AOR_MAX || body_len(out->aor_len) != len)
        return false;
    memcpy(&out->issue, plain + 2, sizeof(out->issue));
    memcpy(&out->life, plain + 10, sizeof(out->life));
    memcpy(out->aor, plain + HEAD, out->aor_len);
    return true;
}

bool bd_gruu_seal_open(struct bd_gruu_seal *seal, struct bd_str text, struct bd_gruu_sealed *out)
{
    uint8_t sealed[SEALED_MAX];
    uint32_t len = decode(text, sealed);
    if (len < BLOCK + BODY_MIN || (len - BLOCK) % BODY_STEP != 0)
        return false;
    return open_with(&seal->key[0], sealed, len - BLOCK, out) ||
           open_with(&seal->key[1], sealed, len - BLOCK, out);
}
