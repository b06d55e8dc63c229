/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

const char *const bd_digest_alg_name[BD_ALG_CNT] = {
    [BD_ALG_MD5] = "MD5",
    [BD_ALG_SHA256] = "SHA-256",
    [BD_ALG_SHA512_256] = "SHA-512-256",
};

/* Parameters that are no text of their own, each seen at most once. */
enum { SEEN_QOP = 1, SEEN_ALGORITHM = 2, SEEN_NC = 4, SEEN_USERHASH = 8 };

static bool once(unsigned *seen, unsigned what)
{
    bool first = !(*seen & what);
    *seen |= what;
    return first;
}

static enum bd_qop qop_id(struct bd_str text)
{
    if (bd_str_eq_nocase(text, BD_STR("auth")))
        return BD_QOP_AUTH;
    return bd_str_eq_nocase(text, BD_STR("auth-int")) ? BD_QOP_AUTH_INT : BD_QOP_UNKNOWN;
}

static enum bd_digest_alg algorithm_id(struct bd_str text)
{
    if (bd_str_eq(text, BD_STR("MD5")))
        return BD_ALG_MD5;
    for (int i = 0; i < BD_ALG_CNT; i++) {
        if (bd_str_eq_nocase(text, bd_str_from(bd_digest_alg_name[i])))
            return (enum bd_digest_alg)i;
    }
    return BD_ALG_UNKNOWN;
}

/* nc-value = 8LHEX; looser: upper case too. */
static bool nc_parse(struct bd_credentials *c, struct bd_str text)
{
    if (text.len != 8 || bd_skip(text.p, bd_str_end(text), BD_C_HEX) != bd_str_end(text))
        return false;
    for (uint32_t i = 0; i < 8; i++)
        c->nc = c->nc << 4 | bd_hex_value(text.p[i]);
    c->has_nc = true;
    c->nc_text = text;
    return true;
}

static bool userhash_parse(struct bd_credentials *c, struct bd_str text)
{
    c->userhash = bd_str_eq_nocase(text, BD_STR("true"));
    return c->userhash || bd_str_eq_nocase(text, BD_STR("false"));
}

static bool is_username_ext(struct bd_str name)
{
    return bd_str_eq_nocase(name, BD_STR("username*"));
}

/* A text, seen once, of at most so many bytes. */
static bool take_text(struct bd_str *slot, struct bd_str text, uint32_t max)
{
    if (slot->p || text.len > max)
        return false;
    *slot = text;
    return true;
}

/* RFC 7616 3.4: never beside username, never hashed. Three characters a byte, and the charset. */
static bool take_username_ext(struct bd_credentials *c, struct bd_str text)
{
    char decoded[BD_USERNAME_MAX];
    c->username_ext = true;
    return take_text(&c->username, text, 3 * BD_USERNAME_MAX + 32) &&
           bd_ext_value_decode(text, decoded, sizeof(decoded)) != UINT32_MAX;
}

/* Those whose name is longer than a word. */
static bool take_longer(struct bd_credentials *c, unsigned *seen, struct bd_str name,
                        struct bd_str text)
{
    if (is_username_ext(name))
        return take_username_ext(c, text);
    if (bd_str_eq_nocase(name, BD_STR("algorithm"))) {
        c->algorithm = algorithm_id(text);
        return once(seen, SEEN_ALGORITHM);
    }
    return true;
}

/* Where a text is kept, and how long it may be; NULL: the name is none of theirs. A nonce or
 * response that is too long is not malformed: it is wrong, and found to be so. */
static struct bd_str *slot_of(struct bd_credentials *c, uint64_t name, uint32_t *max)
{
    *max = UINT32_MAX;
    if (name == BD_WORD("nonce"))
        return &c->nonce;
    if (name == BD_WORD("response"))
        return &c->response;
    if (name == BD_WORD("opaque"))
        return &c->opaque;
    *max = BD_DIGEST_URI_MAX;
    if (name == BD_WORD("uri"))
        return &c->uri;
    *max = BD_USERNAME_MAX;
    if (name == BD_WORD("username"))
        return &c->username;
    *max = BD_REALM_MAX;
    if (name == BD_WORD("realm"))
        return &c->realm;
    *max = BD_CNONCE_MAX;
    return name == BD_WORD("cnonce") ? &c->cnonce : NULL;
}

/* False when the parameter is malformed or was there before. Unknown ones are auth-param: let be.
 */
static bool take_param(struct bd_credentials *c, unsigned *seen, struct bd_str name,
                       struct bd_str text)
{
    if (name.len > sizeof(uint64_t))
        return take_longer(c, seen, name, text);
    uint64_t word = bd_word(name);
    uint32_t max;
    struct bd_str *slot = slot_of(c, word, &max);
    if (slot)
        return take_text(slot, text, max);
    if (word == BD_WORD("qop")) {
        c->qop = qop_id(text);
        return once(seen, SEEN_QOP);
    }
    if (word == BD_WORD("nc"))
        return once(seen, SEEN_NC) && nc_parse(c, text);
    if (word == BD_WORD("userhash"))
        return once(seen, SEEN_USERHASH) && userhash_parse(c, text);
    return true;
}

static bool complete(const struct bd_credentials *c)
{
    if (!c->username.p || !c->realm.p || !c->nonce.p || !c->uri.p || !c->response.p)
        return false;
    if (c->username_ext && c->userhash)
        return false;
    bool with_count = c->qop == BD_QOP_AUTH || c->qop == BD_QOP_AUTH_INT;
    return !with_count || (c->cnonce.p && c->has_nc);
}

/* As most are: "name=value", with or without quotes, and a comma or the end behind it. NULL when it
 * is not, which says nothing about its being right. */
static inline const char *read_plain(const struct bd_scan *scan, const char *p, const char *end,
                                     struct bd_str *name, struct bd_str *text)
{
    const char *equal = bd_scan_leap(scan, p, BD_C_TOKEN), *value = equal + 1, *stop;
    if (equal == p || value >= end || *equal != '=')
        return NULL;
    if (*value != '"') {
        stop = bd_scan_leap(scan, value, BD_C_TOKEN | BD_C_PARAM);
    } else {
        stop = bd_scan_find(scan, value + 1, end, BD_C_QUOTED);
        if (stop == end || *stop++ != '"')
            return NULL;
    }
    if (stop == value || stop > end || (stop < end && *stop != ','))
        return NULL;
    *name = bd_slice(p, equal);
    *text = bd_slice(value, stop);
    return stop;
}

/* Reads one parameter. An ext-value has characters (RFC 5987 3.2) that no other value has bare. */
static const char *read_param(const struct bd_scan *scan, const char *p, const char *end,
                              struct bd_str *name, struct bd_str *text)
{
    static const char marks[] = "#$&^|";
    p = bd_skip_lws(p, end);
    const char *stop = scan ? read_plain(scan, p, end, name, text) : NULL;
    if (stop)
        return stop;
    stop = bd_param_read(scan, p, end, BD_C_TOKEN, name, text);
    if (!stop || !text->p || !is_username_ext(*name))
        return stop;
    for (p = bd_str_end(*text); p < end; p++) {
        if (!bd_is(*p, BD_C_TOKEN) && !memchr(marks, *p, sizeof(marks) - 1))
            break;
    }
    *text = bd_slice(text->p, p);
    return bd_skip_lws(p, end);
}

/* credentials = "Digest" LWS dig-resp *( COMMA dig-resp ). Looser: any value may stand with or
 * without quotes, as clients differ in that for algorithm, qop and nc. */
__attribute__((flatten)) enum bd_credentials_rc bd_credentials_parse(struct bd_str value,
                                                                     struct bd_credentials *c)
{
    struct bd_scan_room room;
    const struct bd_scan *scan = bd_scan_text(&room, value);
    bd_clear(c, sizeof(*c));
    const char *p = value.p, *end = bd_str_end(value);
    const char *stop = bd_skip(p, end, BD_C_TOKEN);
    if (stop == p)
        return BD_CREDENTIALS_MALFORMED;
    if (!bd_str_eq_nocase(bd_slice(p, stop), BD_STR("Digest")))
        return BD_CREDENTIALS_OTHER_SCHEME;
    p = bd_skip_lws(stop, end);
    if (p == stop)
        return BD_CREDENTIALS_MALFORMED;
    unsigned seen = 0;
    for (;;) {
        struct bd_str name, text;
        p = read_param(scan, p, end, &name, &text);
        if (!p || !text.p || !take_param(c, &seen, name, bd_strip_quotes(text)))
            return BD_CREDENTIALS_MALFORMED;
        if (p == end)
            return complete(c) ? BD_CREDENTIALS_OK : BD_CREDENTIALS_MALFORMED;
        if (*p++ != ',')
            return BD_CREDENTIALS_MALFORMED;
    }
}

uint32_t bd_unquote(struct bd_str s, char *out, uint32_t cap)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\\' && i + 1 < s.len)
            i++;
        if (len == cap)
            return UINT32_MAX;
        out[len++] = s.p[i];
    }
    return len;
}
