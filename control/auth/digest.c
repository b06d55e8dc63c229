/* SPDX-License-Identifier: BSD-3-Clause */
#include "digest.h"

#include "hex.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct bd_digest {
    struct {
        EVP_MD *md;
        EVP_MD_CTX *ctx;
    } alg[BD_ALG_CNT];
};

static const char *const openssl_name[BD_ALG_CNT] = {
    [BD_ALG_MD5] = "MD5",
    [BD_ALG_SHA256] = "SHA2-256",
    [BD_ALG_SHA512_256] = "SHA2-512/256",
};

struct bd_digest *bd_digest_new(struct bd_error *error)
{
    struct bd_digest *digest = calloc(1, sizeof(*digest));
    for (unsigned i = 0; digest && i < BD_ALG_CNT; i++) {
        digest->alg[i].md = EVP_MD_fetch(NULL, openssl_name[i], NULL);
        digest->alg[i].ctx = EVP_MD_CTX_new();
        if (digest->alg[i].md && digest->alg[i].ctx &&
            EVP_DigestInit_ex2(digest->alg[i].ctx, digest->alg[i].md, NULL))
            continue;
        bd_digest_free(digest);
        bd_fail(error,
                "OpenSSL offers no %s: digest authentication needs the default provider "
                "(see openssl.cnf and `openssl list -providers`)",
                openssl_name[i]);
        return NULL;
    }
    if (!digest)
        bd_fail(error, "no memory for the digest contexts");
    return digest;
}

void bd_digest_free(struct bd_digest *digest)
{
    if (!digest)
        return;
    for (unsigned i = 0; i < BD_ALG_CNT; i++) {
        EVP_MD_CTX_free(digest->alg[i].ctx);
        EVP_MD_free(digest->alg[i].md);
    }
    free(digest);
}

/* Gathers short parts before it calls OpenSSL: a call costs more than the copy. */
struct sink {
    EVP_MD_CTX *ctx;
    uint32_t used;
    bool ok;
    char buf[512];
};

static void sink_flush(struct sink *sink)
{
    sink->ok = sink->ok && EVP_DigestUpdate(sink->ctx, sink->buf, sink->used);
    sink->used = 0;
}

static void sink_put(struct sink *sink, struct bd_str s)
{
    while (s.len > 0) {
        if (sink->used == sizeof(sink->buf))
            sink_flush(sink);
        uint32_t room = (uint32_t)sizeof(sink->buf) - sink->used;
        uint32_t n = s.len < room ? s.len : room;
        memcpy(sink->buf + sink->used, s.p, n);
        sink->used += n;
        s = (struct bd_str){s.p + n, s.len - n};
    }
}

bool bd_digest_hash(struct bd_digest *digest, enum bd_digest_alg alg, const struct bd_str *parts,
                    unsigned cnt, uint8_t out[BD_DIGEST_MAX])
{
    struct sink sink;
    sink.ctx = digest->alg[alg].ctx;
    sink.used = 0;
    sink.ok = EVP_DigestInit_ex2(sink.ctx, NULL, NULL) == 1;
    for (unsigned i = 0; i < cnt; i++) {
        if (i > 0)
            sink_put(&sink, BD_STR(":"));
        sink_put(&sink, parts[i]);
    }
    sink_flush(&sink);
    return sink.ok && EVP_DigestFinal_ex(sink.ctx, out, NULL) == 1;
}

static bool hash_a2(struct bd_digest *digest, const struct bd_digest_input *in,
                    uint8_t out[BD_DIGEST_MAX])
{
    const struct bd_str parts[] = {in->method, in->uri, in->body_hash};
    return bd_digest_hash(digest, in->alg, parts, in->qop == BD_QOP_AUTH_INT ? 3 : 2, out);
}

bool bd_digest_response(struct bd_digest *digest, const struct bd_digest_input *in,
                        const uint8_t *ha1, uint8_t out[BD_DIGEST_MAX])
{
    if (in->alg >= BD_ALG_CNT || in->qop >= BD_QOP_UNKNOWN)
        return false;
    uint8_t ha2[BD_DIGEST_MAX];
    if (!hash_a2(digest, in, ha2))
        return false;
    char ha1_text[BD_DIGEST_TEXT_MAX], ha2_text[BD_DIGEST_TEXT_MAX];
    uint32_t sz = bd_digest_sz(in->alg);
    bd_hex_encode(ha1, sz, ha1_text);
    bd_hex_encode(ha2, sz, ha2_text);
    const struct bd_str a1 = {ha1_text, 2 * sz}, a2 = {ha2_text, 2 * sz};
    if (in->qop == BD_QOP_NONE) {
        const struct bd_str parts[] = {a1, in->nonce, a2};
        return bd_digest_hash(digest, in->alg, parts, 3, out);
    }
    const struct bd_str qop = in->qop == BD_QOP_AUTH ? BD_STR("auth") : BD_STR("auth-int");
    const struct bd_str parts[] = {a1, in->nonce, in->nc, in->cnonce, qop, a2};
    return bd_digest_hash(digest, in->alg, parts, 6, out);
}

bool bd_digest_check(struct bd_digest *digest, const struct bd_digest_input *in, const uint8_t *ha1,
                     struct bd_str response)
{
    uint8_t expected[BD_DIGEST_MAX], given[BD_DIGEST_MAX];
    uint32_t sz = bd_digest_sz(in->alg);
    return bd_digest_response(digest, in, ha1, expected) && bd_hex_decode(response, given, sz) &&
           CRYPTO_memcmp(expected, given, sz) == 0;
}
