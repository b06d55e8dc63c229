/* SPDX-License-Identifier: BSD-3-Clause */
#include "uri.h"

#include "scan.h"

static struct bd_str strip_brackets(struct bd_str s)
{
    bool bracketed = s.len >= 2 && s.p[0] == '<' && s.p[s.len - 1] == '>';
    return bracketed ? (struct bd_str){s.p + 1, s.len - 2} : s;
}

/* How many bytes of "urn:" NID ":" a URN begins with, 0 when it is none. */
static uint32_t prefix_len(struct bd_str urn)
{
    if (urn.len < 4 || !bd_str_eq_nocase((struct bd_str){urn.p, 4}, BD_STR("urn:")))
        return 0;
    const char *colon = memchr(urn.p + 4, ':', urn.len - 4);
    return colon ? (uint32_t)(colon + 1 - urn.p) : 0;
}

/* RFC 2141 5: the case of the digits of an escape means nothing. */
static bool nss_equal(struct bd_str a, struct bd_str b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++) {
        bool digit = (i >= 1 && a.p[i - 1] == '%') || (i >= 2 && a.p[i - 2] == '%');
        if (a.p[i] != b.p[i] && !(digit && bd_lower(a.p[i]) == bd_lower(b.p[i])))
            return false;
    }
    return true;
}

bool bd_instance_equal(struct bd_str a, struct bd_str b)
{
    if (bd_str_eq(a, b))
        return true;
    a = strip_brackets(a);
    b = strip_brackets(b);
    uint32_t len = prefix_len(a);
    struct bd_str prefix = {a.p, len};
    if (len == 0 || prefix_len(b) != len || !bd_str_eq_nocase(prefix, (struct bd_str){b.p, len}))
        return bd_str_eq(a, b);
    struct bd_str x = {a.p + len, a.len - len}, y = {b.p + len, b.len - len};
    /* RFC 4122 3: hexadecimal digits in either case. */
    return bd_str_eq_nocase(prefix, BD_STR("urn:uuid:")) ? bd_str_eq_nocase(x, y) : nss_equal(x, y);
}
