/* SPDX-License-Identifier: BSD-3-Clause */
#include "aes.h"

#include <assert.h>
#include <openssl/crypto.h>

#ifdef __AES__
#include <immintrin.h>
#endif

static EVP_CIPHER_CTX *context_new(const char *cipher)
{
    static const uint8_t zeros[BD_AES_SECRET];
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, cipher, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = fetched && ctx && EVP_EncryptInit_ex2(ctx, fetched, zeros, NULL, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1;
    EVP_CIPHER_free(fetched); /* the context holds it */
    if (ok)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static bool context_set(EVP_CIPHER_CTX *ctx, const uint8_t *key)
{
    return EVP_EncryptInit_ex2(ctx, NULL, key, NULL, NULL) == 1;
}

static bool context_run(EVP_CIPHER_CTX *ctx, const uint8_t *in, uint32_t len, uint8_t *out)
{
    int n = 0;
    return EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1 && n == (int)len;
}

/* --- AES-128 on blocks ------------------------------------------------------------------------ */

#ifdef __AES__

bool bd_aes_open(struct bd_aes *aes)
{
    static const uint8_t zeros[BD_AES_BLOCK];
    aes->openssl = NULL;
    return bd_aes_set(aes, zeros);
}

void bd_aes_close(struct bd_aes *aes)
{
    OPENSSL_cleanse(aes, sizeof(*aes));
}

static __m128i load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static void store(uint8_t *p, __m128i block)
{
    _mm_storeu_si128((__m128i *)(void *)p, block);
}

/* FIPS 197 5.2: each word is the sum of the one before it and the one four before; `helped` is what
 * the first of the four takes instead, in its last word. */
static __m128i next_key(__m128i key, __m128i helped)
{
    for (unsigned i = 0; i < 3; i++)
        key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, _mm_shuffle_epi32(helped, 0xff));
}

bool bd_aes_set(struct bd_aes *aes, const uint8_t key[BD_AES_BLOCK])
{
    __m128i k = load(key);
    store(aes->round_key[0], k);
    /* The round's constant is part of the instruction. */
#define ROUND(i, constant)                                                                         \
    k = next_key(k, _mm_aeskeygenassist_si128(k, constant));                                       \
    store(aes->round_key[i], k)
    ROUND(1, 0x01);
    ROUND(2, 0x02);
    ROUND(3, 0x04);
    ROUND(4, 0x08);
    ROUND(5, 0x10);
    ROUND(6, 0x20);
    ROUND(7, 0x40);
    ROUND(8, 0x80);
    ROUND(9, 0x1b);
    ROUND(10, 0x36);
#undef ROUND
    return true;
}

bool bd_aes_run(const struct bd_aes *aes, const uint8_t *in, uint32_t blocks, uint8_t *out)
{
    for (; blocks > 0; blocks--, in += BD_AES_BLOCK, out += BD_AES_BLOCK) {
        __m128i block = _mm_xor_si128(load(in), load(aes->round_key[0]));
        for (unsigned i = 1; i < BD_AES_ROUNDS; i++)
            block = _mm_aesenc_si128(block, load(aes->round_key[i]));
        store(out, _mm_aesenclast_si128(block, load(aes->round_key[BD_AES_ROUNDS])));
    }
    return true;
}

#else

bool bd_aes_open(struct bd_aes *aes)
{
    return (aes->openssl = context_new("AES-128-ECB")) != NULL;
}

void bd_aes_close(struct bd_aes *aes)
{
    EVP_CIPHER_CTX_free(aes->openssl);
    aes->openssl = NULL;
}

bool bd_aes_set(struct bd_aes *aes, const uint8_t key[BD_AES_BLOCK])
{
    return context_set(aes->openssl, key);
}

bool bd_aes_run(const struct bd_aes *aes, const uint8_t *in, uint32_t blocks, uint8_t *out)
{
    return context_run(aes->openssl, in, blocks * BD_AES_BLOCK, out);
}

#endif

/* --- what is built of them ------------------------------------------------------------------- */

bool bd_aes_mac(const struct bd_aes *aes, const uint8_t *in, uint32_t blocks,
                uint8_t tag[BD_AES_BLOCK])
{
    uint8_t chain[BD_AES_BLOCK] = {0};
    bool ok = true;
    for (uint32_t i = 0; i < blocks; i++) {
        bd_aes_add(chain, in + (size_t)i * BD_AES_BLOCK, chain);
        ok = bd_aes_run(aes, chain, 1, chain) && ok;
    }
    memcpy(tag, chain, BD_AES_BLOCK);
    return ok;
}

/* Adds n to a block that is one big-endian number. */
static void count_up(const uint8_t first[BD_AES_BLOCK], uint64_t n, uint8_t out[BD_AES_BLOCK])
{
    uint64_t hi, lo;
    memcpy(&hi, first, sizeof(hi));
    memcpy(&lo, first + sizeof(hi), sizeof(lo));
    uint64_t sum = __builtin_bswap64(lo) + n;
    hi = __builtin_bswap64(__builtin_bswap64(hi) + (sum < n));
    bd_aes_put(out, hi, __builtin_bswap64(sum));
}

bool bd_aes_counter(const struct bd_aes *aes, const uint8_t first[BD_AES_BLOCK], const uint8_t *in,
                    uint32_t blocks, uint8_t *out)
{
    enum { AT_ONCE = 4 };
    uint8_t stream[AT_ONCE * BD_AES_BLOCK];
    bool ok = true;
    for (uint32_t done = 0; done < blocks; done += AT_ONCE) {
        uint32_t cnt = blocks - done < AT_ONCE ? blocks - done : AT_ONCE;
        for (uint32_t i = 0; i < cnt; i++)
            count_up(first, done + i, stream + (size_t)i * BD_AES_BLOCK);
        ok = bd_aes_run(aes, stream, cnt, stream) && ok;
        for (uint32_t i = 0; i < cnt; i++) {
            size_t at = (size_t)(done + i) * BD_AES_BLOCK;
            bd_aes_add(in + at, stream + (size_t)i * BD_AES_BLOCK, out + at);
        }
    }
    return ok;
}

/* --- keys ------------------------------------------------------------------------------------- */

EVP_CIPHER_CTX *bd_aes256_new(void)
{
    return context_new("AES-256-ECB");
}

bool bd_aes_derive(EVP_CIPHER_CTX *aes256, const uint8_t secret[BD_AES_SECRET],
                   struct bd_str purpose, uint8_t out[2 * BD_AES_BLOCK])
{
    uint8_t block[2 * BD_AES_BLOCK] = {0};
    assert(purpose.len < BD_AES_BLOCK);
    memcpy(block, purpose.p, purpose.len);
    memcpy(block + BD_AES_BLOCK, purpose.p, purpose.len);
    block[BD_AES_BLOCK - 1] = 1;
    block[2 * BD_AES_BLOCK - 1] = 2;
    return context_set(aes256, secret) && context_run(aes256, block, sizeof(block), out);
}
