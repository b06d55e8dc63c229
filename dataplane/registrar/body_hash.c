/* SPDX-License-Identifier: BSD-3-Clause */
/* By OpenSSL's functions of old, which OpenSSL 3 wants nobody to use: its EVP allocates whenever a
 * hash begins, and a worker does not. Whether the algorithms may be used at all, the control
 * process asks of the providers at its start. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "body_hash.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

static uint32_t md5(struct bd_str body, uint8_t out[BD_BODY_HASH_MAX])
{
    MD5_CTX ctx;
    MD5_Init(&ctx);
    MD5_Update(&ctx, body.p, body.len);
    MD5_Final(out, &ctx);
    return MD5_DIGEST_LENGTH;
}

static uint32_t sha256(struct bd_str body, uint8_t out[BD_BODY_HASH_MAX])
{
    SHA256_CTX ctx;
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, body.p, body.len);
    SHA256_Final(out, &ctx);
    return SHA256_DIGEST_LENGTH;
}

/* FIPS 180-4 5.3.6.2: SHA-512 with a beginning of its own, cut to the left 256 bits. */
static uint32_t sha512_256(struct bd_str body, uint8_t out[BD_BODY_HASH_MAX])
{
    static const SHA_LONG64 beginning[8] = {
        0x22312194fc2bf72c, 0x9f555fa3c84c64c2, 0x2393b86b6f53b151, 0x963877195940eabd,
        0x96283ee2a88effe3, 0xbe5e1e2553863992, 0x2b0199fc2c85b8aa, 0x0eb72ddc81c52ca2};
    SHA512_CTX ctx;
    uint8_t whole[SHA512_DIGEST_LENGTH];
    SHA512_Init(&ctx);
    memcpy(ctx.h, beginning, sizeof(beginning));
    SHA512_Update(&ctx, body.p, body.len);
    SHA512_Final(whole, &ctx);
    memcpy(out, whole, SHA256_DIGEST_LENGTH);
    return SHA256_DIGEST_LENGTH;
}

uint32_t bd_body_hash(enum bd_digest_alg algorithm, struct bd_str body,
                      uint8_t out[BD_BODY_HASH_MAX])
{
    static uint32_t (*const hash[BD_ALG_CNT])(struct bd_str, uint8_t *) = {
        [BD_ALG_MD5] = md5, [BD_ALG_SHA256] = sha256, [BD_ALG_SHA512_256] = sha512_256};
    return hash[algorithm](body, out);
}
