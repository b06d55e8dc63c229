/* SPDX-License-Identifier: BSD-3-Clause */
#include "uri_text.h"

/* Absent equals absent only. */
static bool text_equal(struct bd_str a, struct bd_str b, enum bd_uri_compare how)
{
    if (!a.p || !b.p)
        return a.p == b.p;
    for (;;) {
        bd_uri_skip_separators(&a, how);
        bd_uri_skip_separators(&b, how);
        if (a.len == 0 || b.len == 0)
            return a.len == b.len;
        if (bd_uri_next_char(&a, how) != bd_uri_next_char(&b, how))
            return false;
    }
}

/* Addresses are compared as addresses, not as text (RFC 5954 4.2). */
static bool host_equal(const struct bd_uri *a, const struct bd_uri *b)
{
    if (a->host_type != b->host_type)
        return false;
    if (a->host_type == BD_HOST_NAME)
        return bd_str_eq_nocase(a->host, b->host);
    return bd_ip_eq(&a->ip, &b->ip);
}

bool bd_uri_next_pair(struct bd_str *list, char separator, struct bd_str *name,
                      struct bd_str *value)
{
    if (!list->p)
        return false;
    const char *end = bd_str_end(*list);
    const char *stop = list->len ? memchr(list->p, separator, list->len) : NULL;
    struct bd_str pair = bd_slice(list->p, stop ? stop : end);
    *list = stop ? bd_slice(stop + 1, end) : BD_STR_NULL;
    const char *equal = pair.len ? memchr(pair.p, '=', pair.len) : NULL;
    *name = equal ? bd_slice(pair.p, equal) : pair;
    *value = equal ? bd_slice(equal + 1, bd_str_end(pair)) : BD_STR_NULL;
    return true;
}

/* What a list says of a parameter. One that has it twice (19.1.1 forbids that; phones do it) says
 * each of the values: so it equals itself. */
enum said { NOTHING, ANOTHER, THE_SAME };

static enum said look_up(struct bd_str list, struct bd_str name, struct bd_str value,
                         enum bd_uri_compare how)
{
    struct bd_str other_name, other;
    enum said said = NOTHING;
    while (said != THE_SAME && bd_uri_next_pair(&list, ';', &other_name, &other)) {
        if (text_equal(name, other_name, BD_URI_NOCASE))
            said = text_equal(value, other, how) ? THE_SAME : ANOTHER;
    }
    return said;
}

bool bd_uri_must_be_in_both(struct bd_str name)
{
    static const struct bd_str names[] = {
        {"user", 4}, {"ttl", 3}, {"method", 6}, {"maddr", 5}, {"transport", 9}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (text_equal(name, names[i], BD_URI_NOCASE))
            return true;
    }
    return false;
}

/* Every parameter of a that is in b has the same value there, and none is missing that must not. */
static bool sip_params_covered(struct bd_str a, struct bd_str b)
{
    struct bd_str name, value;
    while (bd_uri_next_pair(&a, ';', &name, &value)) {
        enum said said = look_up(b, name, value, BD_URI_NOCASE);
        if (said == ANOTHER || (said == NOTHING && bd_uri_must_be_in_both(name)))
            return false;
    }
    return true;
}

static bool headers_covered(struct bd_str a, struct bd_str b)
{
    struct bd_str name, value;
    while (bd_uri_next_pair(&a, '&', &name, &value)) {
        struct bd_str rest = b, other_name, other_value;
        bool found = false;
        while (!found && bd_uri_next_pair(&rest, '&', &other_name, &other_value))
            found = text_equal(name, other_name, BD_URI_NOCASE) &&
                    text_equal(value, other_value, BD_URI_NOCASE);
        if (!found)
            return false;
    }
    return true;
}

static bool sip_equal(const struct bd_uri *a, const struct bd_uri *b)
{
    return a->port == b->port && host_equal(a, b) && text_equal(a->user, b->user, BD_URI_EXACT) &&
           text_equal(a->password, b->password, BD_URI_EXACT) &&
           sip_params_covered(a->params, b->params) && sip_params_covered(b->params, a->params) &&
           headers_covered(a->headers, b->headers) && headers_covered(b->headers, a->headers);
}

/* RFC 3966 4: every parameter must be in both; numbers are compared without their separators. */
static bool tel_params_covered(struct bd_str a, struct bd_str b)
{
    struct bd_str name, value;
    while (bd_uri_next_pair(&a, ';', &name, &value)) {
        if (look_up(b, name, value, bd_uri_tel_compare(name, value)) != THE_SAME)
            return false;
    }
    return true;
}

static bool tel_equal(const struct bd_uri *a, const struct bd_uri *b)
{
    return text_equal(a->user, b->user, BD_URI_NO_SEPARATORS) &&
           tel_params_covered(a->params, b->params) && tel_params_covered(b->params, a->params);
}

bool bd_uri_equal(const struct bd_uri *a, const struct bd_uri *b)
{
    if (a->scheme != b->scheme)
        return false;
    switch (a->scheme) {
    case BD_URI_SIP:
    case BD_URI_SIPS:
        return sip_equal(a, b);
    case BD_URI_TEL:
        return tel_equal(a, b);
    case BD_URI_OTHER:
        break;
    }
    return bd_str_eq(a->text, b->text);
}
