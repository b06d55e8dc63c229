/* SPDX-License-Identifier: BSD-3-Clause */
/* MD5 by OpenSSL's functions of old, which OpenSSL 3 wants nobody to use: its EVP takes and gives
 * back a context a hash, which costs as much as two of the three or four blocks that are hashed
 * here, and MD5 is what most phones speak. Whether MD5 may be used at all is still asked of the
 * providers, at start. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "digest.h"

#include "hex.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <stdlib.h>

enum { A2_TEXT = 64, A2_CNT = 16 };

/* H(A2) is the same for all phones of a domain: method and digest-uri are public and few. */
struct a2_memo {
    uint32_t len; /* 0: empty */
    char text[A2_TEXT];
    uint8_t hash[BD_DIGEST_MAX];
};

struct bd_digest {
    struct {
        EVP_MD *md;
        EVP_MD_CTX *ctx;
        struct a2_memo a2[A2_CNT]; /* direct-mapped; many domains only make it miss */
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
    EVP_MD_CTX *ctx; /* NULL: md5 */
    MD5_CTX md5;
    uint32_t used;
    bool ok;
    char buf[512];
};

static void sink_begin(struct sink *sink, struct bd_digest *digest, enum bd_digest_alg alg)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no caller is without a digest */
    sink->ctx = alg == BD_ALG_MD5 ? NULL : digest->alg[alg].ctx;
    sink->used = 0;
    sink->ok = (sink->ctx ? EVP_DigestInit_ex2(sink->ctx, NULL, NULL) : MD5_Init(&sink->md5)) == 1;
}

static void sink_flush(struct sink *sink)
{
    int rc = sink->ctx ? EVP_DigestUpdate(sink->ctx, sink->buf, sink->used)
                       : MD5_Update(&sink->md5, sink->buf, sink->used);
    sink->ok = sink->ok && rc == 1;
    sink->used = 0;
}

static bool sink_end(struct sink *sink, uint8_t out[BD_DIGEST_MAX])
{
    sink_flush(sink);
    int rc = sink->ctx ? EVP_DigestFinal_ex(sink->ctx, out, NULL) : MD5_Final(out, &sink->md5);
    return sink->ok && rc == 1;
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
    sink_begin(&sink, digest, alg);
    for (unsigned i = 0; i < cnt; i++) {
        if (i > 0)
            sink_put(&sink, BD_STR(":"));
        sink_put(&sink, parts[i]);
    }
    return sink_end(&sink, out);
}

/* A text that is absent has no place to copy from. */
static char *append(char *p, struct bd_str s)
{
    if (s.len)
        memcpy(p, s.p, s.len);
    return p + s.len;
}

/* NULL when A2 is too long or too short to be kept. */
static struct a2_memo *a2_memo_of(struct bd_digest *digest, const struct bd_digest_input *in,
                                  char text[A2_TEXT], uint32_t *len)
{
    uint64_t end;
    *len = in->method.len + 1 + in->uri.len;
    if (in->method.len > A2_TEXT || in->uri.len > A2_TEXT || *len > A2_TEXT || *len < sizeof(end))
        return NULL;
    char *p = append(text, in->method);
    *p++ = ':';
    append(p, in->uri);
    memcpy(&end, text + *len - sizeof(end), sizeof(end));
    return &digest->alg[in->alg].a2[end * 0x9e3779b97f4a7c15ULL >> 60];
}

static bool hash_a2(struct bd_digest *digest, const struct bd_digest_input *in,
                    uint8_t out[BD_DIGEST_MAX])
{
    const struct bd_str parts[] = {in->method, in->uri, in->body_hash};
    if (in->qop == BD_QOP_AUTH_INT)
        return bd_digest_hash(digest, in->alg, parts, 3, out);
    char text[A2_TEXT];
    uint32_t len;
    struct a2_memo *memo = a2_memo_of(digest, in, text, &len);
    if (!memo)
        return bd_digest_hash(digest, in->alg, parts, 2, out);
    if (!bd_str_eq((struct bd_str){text, len}, (struct bd_str){memo->text, memo->len})) {
        memo->len = 0;
        if (!bd_digest_hash(digest, in->alg, parts, 2, memo->hash))
            return false;
        memcpy(memo->text, text, len);
        memo->len = len;
    }
    memcpy(out, memo->hash, BD_DIGEST_MAX);
    return true;
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
