/* SPDX-License-Identifier: BSD-3-Clause */
/* URIs as they are compared (RFC 3261 19.1.4, RFC 3966 4): for uri_equal.c and uri_key.c alone. */
#ifndef BD_URI_TEXT_H
#define BD_URI_TEXT_H

#include "parse.h"
#include "scan.h"
#include "uri.h"

/* How two components are compared. */
enum bd_uri_compare { BD_URI_EXACT, BD_URI_NOCASE, BD_URI_NO_SEPARATORS /* and without case */ };

/* Takes one character off s. An escape stands for its character, but a reserved one keeps apart
 * from its escape (19.1.4): that is then above 0xff. */
static inline unsigned bd_uri_next_char(struct bd_str *s, enum bd_uri_compare how)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): NULL has length 0 */
    unsigned c = (uint8_t)s->p[0];
    uint32_t used = 1;
    if (c == '%' && s->len >= 3 && bd_is(s->p[1], BD_C_HEX) && bd_is(s->p[2], BD_C_HEX)) {
        c = bd_hex_value(s->p[1]) * 16 + bd_hex_value(s->p[2]);
        used = 3;
    }
    s->p += used;
    s->len -= used;
    if (used == 3 && bd_is((char)c, BD_C_RESERVED))
        return c | 0x100;
    return how == BD_URI_EXACT ? c : (uint8_t)bd_lower((char)c);
}

static inline void bd_uri_skip_separators(struct bd_str *s, enum bd_uri_compare how)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): NULL has length 0 */
    while (how == BD_URI_NO_SEPARATORS && s->len > 0 && bd_is(s->p[0], BD_C_VISUAL)) {
        s->p++;
        s->len--;
    }
}

/* One "name=value" off a list whose elements `separator` divides; validated when it was parsed. */
bool bd_uri_next_pair(struct bd_str *list, char separator, struct bd_str *name,
                      struct bd_str *value);
/* Parameters whose absence is a value of its own. */
bool bd_uri_must_be_in_both(struct bd_str name);
/* How a parameter's value is compared in a tel URI. */
static inline enum bd_uri_compare bd_uri_tel_compare(struct bd_str name, struct bd_str value)
{
    bool number = bd_str_eq_nocase(name, BD_STR("ext")) || (value.len > 0 && *value.p == '+');
    return number ? BD_URI_NO_SEPARATORS : BD_URI_NOCASE;
}

#endif
