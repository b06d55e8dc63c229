/* SPDX-License-Identifier: BSD-3-Clause */
/* The value of an Authorization field: what of it is handed to a verifier. */
#include "fuzz.h"

#include "message.h"

static void inside(struct bd_str all, struct bd_str s, uint32_t max)
{
    fuzz_judge(!s.p || (s.p >= all.p && s.p + s.len <= all.p + all.len), "a slice lies outside");
    fuzz_judge(s.len <= max, "%u bytes, above its limit of %u", s.len, max);
}

/* Escapes undone, texts never grow, and stay within the room given. */
static void unescape(struct bd_str s)
{
    char out[BD_SIP_MESSAGE_MAX];
    uint32_t n = bd_unquote(s, out, sizeof(out));
    fuzz_judge(n == UINT32_MAX || n <= s.len, "unquoted, %u bytes are %u", s.len, n);
    if (n != UINT32_MAX && n > 0)
        fuzz_judge(bd_unquote(s, out, n - 1) == UINT32_MAX, "%u bytes in a room for %u", n, n - 1);
    n = bd_ext_value_decode(s, out, sizeof(out));
    /* ISO-8859-1 grows: one byte becomes two. */
    fuzz_judge(n == UINT32_MAX || n <= 2 * s.len, "decoded, %u bytes are %u", s.len, n);
}

static void nonce_count(const struct bd_credentials *c)
{
    char text[9];
    if (!c->has_nc)
        return;
    snprintf(text, sizeof(text), "%08x", c->nc);
    fuzz_judge(c->nc_text.len == 8 && strncasecmp(text, c->nc_text.p, 8) == 0,
               "nc %.*s was read as %s", BD_STR_ARG(c->nc_text), text);
}

static void fields(struct bd_str value)
{
    struct bd_credentials c;
    if (bd_credentials_parse(value, &c) != BD_CREDENTIALS_OK)
        return;
    /* An ext-value and a userhash may be longer than the name that they stand for. */
    inside(value, c.username, c.username_ext ? value.len : 2 * BD_USERNAME_MAX);
    inside(value, c.realm, 2 * BD_REALM_MAX);
    inside(value, c.nonce, value.len);
    inside(value, c.uri, value.len);
    inside(value, c.response, value.len);
    inside(value, c.cnonce, 2 * BD_CNONCE_MAX);
    inside(value, c.opaque, value.len);
    inside(value, c.nc_text, 8);
    fuzz_judge(c.username.p && c.realm.p && c.nonce.p && c.uri.p && c.response.p,
               "taken without all its fields");
    bool counts = c.qop == BD_QOP_AUTH || c.qop == BD_QOP_AUTH_INT;
    fuzz_judge(!counts || (c.has_nc && c.cnonce.p), "qop without nc and cnonce");
    nonce_count(&c);
    const struct bd_str texts[] = {c.username, c.realm, c.nonce, c.uri, c.response, c.cnonce};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].p)
            unescape(texts[i]);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > BD_SIP_MESSAGE_MAX)
        return -1;
    const struct bd_str value = {(const char *)data, (uint32_t)size};
    fields(value);
    unescape(value);
    return 0;
}
