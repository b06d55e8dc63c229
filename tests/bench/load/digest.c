/* SPDX-License-Identifier: BSD-3-Clause */
#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "md5.h"

struct digest {
    uint32_t cnt, nonce_sz;
    char domain[64];
    char ha2[33];
    char nonce[][DIGEST_NONCE_MAX];
};

/* Text of one lane, put together piece by piece. */
struct line {
    uint8_t *p;
    uint32_t len;
};

static void add(struct line *line, const void *text, size_t len)
{
    memcpy(line->p + line->len, text, len);
    line->len += (uint32_t)len;
}

static void hex_of(const uint8_t sum[MD5_SZ], uint64_t out[4])
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t part;
        memcpy(&part, sum + 4 * i, sizeof(part));
        out[i] = digits_hex8(__builtin_bswap32(part));
    }
}

struct digest *digest_new(const char *domain, uint32_t cnt, uint32_t nonce_sz)
{
    struct digest *digest = calloc(1, sizeof(*digest) + (size_t)cnt * DIGEST_NONCE_MAX);
    if (!digest)
        abort();
    digest->cnt = cnt;
    digest->nonce_sz = nonce_sz;
    snprintf(digest->domain, sizeof(digest->domain), "%s", domain);
    uint8_t text[MD5_LANES][MD5_ROOM], sum[MD5_LANES][MD5_SZ];
    uint64_t hex[4];
    int len = snprintf((char *)text[0], MD5_ROOM, "REGISTER:sip:%s", digest->domain);
    md5_lanes(text, (uint32_t)len, sum);
    hex_of(sum[0], hex);
    memcpy(digest->ha2, hex, sizeof(hex));
    return digest;
}

void digest_free(struct digest *digest)
{
    free(digest);
}

bool digest_learn(struct digest *digest, uint32_t phone, const uint8_t *frame, uint32_t len)
{
    static const char name[] = "nonce=\"";
    const uint8_t *at = memmem(frame, len, name, sizeof(name) - 1);
    if (!at || phone >= digest->cnt)
        return false;
    at += sizeof(name) - 1;
    if ((size_t)(frame + len - at) <= digest->nonce_sz || at[digest->nonce_sz] != '"')
        return false;
    memcpy(digest->nonce[phone], at, digest->nonce_sz);
    return true;
}

/* user:realm:password */
static uint32_t write_secret(const struct digest *digest, uint64_t user, uint8_t text[MD5_ROOM])
{
    struct line line = {text, 0};
    add(&line, "4930", 4);
    add(&line, &user, 8);
    add(&line, ":", 1);
    add(&line, digest->domain, strlen(digest->domain));
    add(&line, ":secret-", 8);
    add(&line, &user, 8);
    return line.len;
}

/* HA1:nonce:nc:cnonce:qop:HA2 */
static uint32_t write_response(const struct digest *digest, const struct phone_request *request,
                               const uint8_t ha1[MD5_SZ], uint8_t text[MD5_ROOM])
{
    struct line line = {text, 0};
    uint64_t hex[4];
    hex_of(ha1, hex);
    add(&line, hex, sizeof(hex));
    add(&line, ":", 1);
    add(&line, &request->field[PHONE_NONCE], digest->nonce_sz);
    add(&line, ":", 1);
    add(&line, &request->field[PHONE_NC], 8);
    add(&line, ":" PHONE_CNONCE ":auth:", sizeof(":" PHONE_CNONCE ":auth:") - 1);
    add(&line, digest->ha2, 32);
    return line.len;
}

void digest_answer(const struct digest *digest, struct phone_request *request,
                   const uint32_t *phone, unsigned cnt)
{
    uint8_t text[MD5_LANES][MD5_ROOM], sum[MD5_LANES][MD5_SZ];
    uint32_t len = 0;
    for (unsigned i = 0; i < cnt; i++) {
        memcpy(&request[i].field[PHONE_NONCE], digest->nonce[phone[i]], DIGEST_NONCE_MAX);
        len = write_secret(digest, request[i].field[PHONE_USER], text[i]);
    }
    md5_lanes(text, len, sum);
    for (unsigned i = 0; i < cnt; i++)
        len = write_response(digest, &request[i], sum[i], text[i]);
    md5_lanes(text, len, sum);
    for (unsigned i = 0; i < cnt; i++)
        hex_of(sum[i], &request[i].field[PHONE_RESPONSE]);
}
