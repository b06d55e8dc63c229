/* SPDX-License-Identifier: BSD-3-Clause */
/* Two URIs, one a line: what each is made of, and what their equality must be. */
#include "fuzz.h"

#include "limits.h"
#include "message.h"

static void inside(struct bd_str all, struct bd_str s)
{
    fuzz_judge(!s.p || (s.p >= all.p && s.p + s.len <= all.p + all.len), "a slice lies outside");
}

static bool read(struct bd_str text, struct bd_uri *uri)
{
    if (!bd_uri_parse(text, uri))
        return false;
    const struct bd_str parts[] = {uri->text,     uri->scheme_text, uri->user,   uri->host,
                                   uri->password, uri->params,      uri->headers};
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        inside(text, parts[i]);
    fuzz_judge(uri->text.len == text.len, "a URI of a part of the text");
    fuzz_judge(bd_uri_equal(uri, uri), "%.*s is not itself", BD_STR_ARG(text));
    return true;
}

struct key {
    char text[BD_AOR_MAX];
    uint32_t len;
};

/* What a key is made of: the canonical form has no capitals, no NUL, and stays as it is when it is
 * read as a URI again, escapes apart. */
static struct key key_of(const struct bd_uri *uri)
{
    struct key key;
    key.len = bd_aor_canonical(uri, BD_STR_NULL, false, key.text, sizeof(key.text));
    fuzz_judge(key.len <= sizeof(key.text), "a key of %u bytes", key.len);
    for (uint32_t i = 0; i < key.len; i++) {
        char c = key.text[i];
        fuzz_judge((uint8_t)c >= 0x20 && c != 0x7f, "a control character in a key");
        /* Behind a percent sign stand digits. */
        fuzz_judge(i < 2 || !(c >= 'A' && c <= 'Z') || key.text[i - 1] == '%' ||
                       key.text[i - 2] == '%',
                   "a capital in the key %.*s", (int)key.len, key.text);
    }
    return key;
}

static void again(const struct key *key)
{
    char text[BD_AOR_MAX + 4] = "sip:";
    struct bd_uri uri;
    memcpy(text + 4, key->text, key->len);
    if (key->len == 0 || !bd_uri_parse((struct bd_str){text, key->len + 4}, &uri) || uri.params.p ||
        uri.headers.p || uri.password.p || uri.port)
        return;
    struct key back = key_of(&uri);
    fuzz_judge(back.len == key->len && memcmp(back.text, key->text, back.len) == 0,
               "%.*s becomes %.*s", (int)key->len, key->text, (int)back.len, back.text);
}

/* Two equal URIs are one address of record: else a phone could not find what it registered. */
static void pair(const struct bd_uri *a, const struct bd_uri *b)
{
    bool equal = bd_uri_equal(a, b);
    fuzz_judge(equal == bd_uri_equal(b, a), "%.*s and %.*s: not symmetric", BD_STR_ARG(a->text),
               BD_STR_ARG(b->text));
    if (!equal || a->scheme == BD_URI_OTHER)
        return;
    struct key x = key_of(a), y = key_of(b);
    fuzz_judge(x.len == y.len && memcmp(x.text, y.text, x.len) == 0,
               "%.*s and %.*s are equal, their keys %.*s and %.*s are not", BD_STR_ARG(a->text),
               BD_STR_ARG(b->text), (int)x.len, x.text, (int)y.len, y.text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    const uint8_t *p, *q;
    size_t n = fuzz_take_until(&in, '\n', &p), k = fuzz_take(&in, in.left, &q);
    struct bd_str first = {(const char *)p, (uint32_t)n}, second = {(const char *)q, (uint32_t)k};
    struct bd_uri a, b;
    bool has_a = read(first, &a), has_b = read(second, &b);
    bd_instance_equal(first, second);
    if (has_a) {
        struct key key = key_of(&a);
        again(&key);
    }
    if (has_a && has_b)
        pair(&a, &b);
    return has_a || has_b ? 0 : -1;
}
