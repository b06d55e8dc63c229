/* SPDX-License-Identifier: BSD-3-Clause */
/* A text slice: a pointer into somebody else's bytes and a length.
 *
 * Nothing here owns, copies or ends memory with NUL. A slice of an absent thing has p == NULL;
 * a slice of an empty thing has p != NULL and len == 0. May be called from anywhere. */
#ifndef BD_STR_H
#define BD_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bd_str {
    const char *p;
    uint32_t len;
};

#define BD_STR(literal) ((struct bd_str){(literal), (uint32_t)sizeof(literal) - 1})
#define BD_STR_NULL     ((struct bd_str){NULL, 0})
/* For printf("%.*s", BD_STR_ARG(s)). */
#define BD_STR_ARG(s) (int)(s).len, (s).p

static inline struct bd_str bd_str_from(const char *z)
{
    return (struct bd_str){z, z ? (uint32_t)strlen(z) : 0};
}

static inline char bd_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c | 0x20) : c;
}

static inline bool bd_str_eq(struct bd_str a, struct bd_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Equality without regard to ASCII case (RFC 3261 7.3.1: tokens are case-insensitive). */
static inline bool bd_str_eq_nocase(struct bd_str a, struct bd_str b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++) {
        if (bd_lower(a.p[i]) != bd_lower(b.p[i]))
            return false;
    }
    return true;
}

#endif
