/* SPDX-License-Identifier: BSD-3-Clause */
#include "uri.h"

#include "scan.h"

#include <arpa/inet.h>

/* Where the key is written; the first byte that does not fit makes the whole fail. */
struct key {
    char *out;
    uint32_t len, cap;
    bool overflow;
};

static void put(struct key *key, char c)
{
    if (key->len < key->cap)
        key->out[key->len++] = c;
    else
        key->overflow = true;
}

/* Control characters keep their escape, so that no key has a NUL in it; "%" keeps its own, so that
 * "%2500" does not become what "%00" is. */
static void put_unescaped(struct key *key, char c, bool lower)
{
    static const char hex[] = "0123456789ABCDEF";
    uint8_t byte = (uint8_t)c;
    if (byte >= 0x20 && byte != 0x7f && byte != '%') {
        put(key, lower ? bd_lower(c) : c);
        return;
    }
    put(key, '%');
    put(key, hex[byte >> 4]);
    put(key, hex[byte & 15]);
}

/* RFC 3261 10.3 (5): escaped characters are converted to their unescaped form. */
static char next_unescaped(const char **p, const char *end)
{
    const char *at = *p;
    bool escape = *at == '%' && end - at >= 3 && bd_is(at[1], BD_C_HEX) && bd_is(at[2], BD_C_HEX);
    *p += escape ? 3 : 1;
    return escape ? (char)(bd_hex_value(at[1]) * 16 + bd_hex_value(at[2])) : *at;
}

static void put_user(struct key *key, struct bd_str user, bool lower)
{
    const char *p = user.p, *end = bd_str_end(user);
    while (p < end) {
        uint32_t room = key->cap - key->len, left = (uint32_t)(end - p);
        uint32_t plain = bd_copy_plain(key->out + key->len,
                                       (struct bd_str){p, left < room ? left : room}, lower);
        key->len += plain;
        p += plain;
        if (p < end)
            put_unescaped(key, next_unescaped(&p, end), lower);
    }
}

/* RFC 3966 4: separators mean nothing, nor does the case of a local number's digits. */
static void put_tel_number(struct key *key, struct bd_str number)
{
    for (uint32_t i = 0; i < number.len; i++) {
        if (!bd_is(number.p[i], BD_C_VISUAL))
            put(key, bd_lower(number.p[i]));
    }
}

/* What telephone-subscriber is made of before its parameters (RFC 3966 3), '+' aside. */
static bool is_phone_digit(char c, bool global)
{
    return bd_is(c, BD_C_DIGIT | BD_C_VISUAL) ||
           (!global && (bd_is(c, BD_C_HEX) || c == '*' || c == '#'));
}

/* RFC 3261 19.1.6: with user=phone the user part is a telephone-subscriber, which means the number
 * that a tel URI has. False when it is none after all: phones write user=phone behind names too. */
static bool put_phone_user(struct key *key, struct bd_str user)
{
    const char *p = user.p, *end = bd_str_end(user);
    const struct key before = *key;
    char c = next_unescaped(&p, end);
    bool global = c == '+', digits = false;
    if (global) {
        put(key, c);
        c = p < end ? next_unescaped(&p, end) : ';';
    }
    while (is_phone_digit(c, global)) {
        if (!bd_is(c, BD_C_VISUAL)) {
            put(key, bd_lower(c));
            digits = true;
        }
        c = p < end ? next_unescaped(&p, end) : ';';
    }
    if (digits && c == ';')
        return true;
    *key = before;
    return false;
}

static bool is_phone(const struct bd_uri *uri)
{
    struct bd_str value;
    return uri->params.p && bd_param_find(uri->params, BD_STR("user"), &value) &&
           bd_str_eq_nocase(value, BD_STR("phone"));
}

static void put_lower(struct key *key, struct bd_str s)
{
    uint32_t room = key->cap - key->len;
    uint32_t plain =
        bd_copy_plain(key->out + key->len, (struct bd_str){s.p, s.len < room ? s.len : room}, true);
    key->len += plain;
    for (uint32_t i = plain; i < s.len; i++)
        put(key, bd_lower(s.p[i]));
}

/* One text for each address (RFC 5952), as equality is of addresses (RFC 5954 4.2). */
static void put_own_host(struct key *key, const struct bd_uri *uri)
{
    struct bd_str host = uri->host;
    char text[BD_IP_TEXT_MAX];
    if (uri->host_type == BD_HOST_IPV6 && inet_ntop(AF_INET6, uri->ip.b, text, sizeof(text))) {
        put(key, '[');
        put_lower(key, bd_str_from(text));
        put(key, ']');
        return;
    }
    if (uri->host_type == BD_HOST_IPV4) /* which may have come with leading zeros */
        host = (struct bd_str){text, bd_ip_format(&uri->ip, text)};
    else if (host.len > 1 && host.p[host.len - 1] == '.')
        host.len--;
    put_lower(key, host);
}

uint32_t bd_aor_canonical(const struct bd_uri *uri, struct bd_str host, bool case_sensitive,
                          char *out, uint32_t cap)
{
    struct key key = {.out = out, .cap = cap};
    bool has_host = host.p || uri->host.p;
    if (uri->scheme == BD_URI_TEL)
        put_tel_number(&key, uri->user);
    else if (uri->user.p && !(is_phone(uri) && put_phone_user(&key, uri->user)))
        put_user(&key, uri->user, !case_sensitive);
    if (uri->user.p && has_host)
        put(&key, '@');
    if (host.p)
        put_lower(&key, host);
    else if (uri->host.p)
        put_own_host(&key, uri);
    return key.overflow ? 0 : key.len;
}
