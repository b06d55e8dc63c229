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

/* Equality of n bytes, in place: most of what is compared is short, and then a call costs more than
 * the comparison. The last step overlaps the one before, so no byte outside is read. */
static inline bool bd_bytes_eq(const char *a, const char *b, size_t n)
{
    if (n >= 16) {
        for (size_t i = 0; i + 16 < n; i += 16) {
            if (memcmp(a + i, b + i, 16) != 0)
                return false;
        }
        return memcmp(a + n - 16, b + n - 16, 16) == 0;
    }
    if (n >= 8)
        return memcmp(a, b, 8) == 0 && memcmp(a + n - 8, b + n - 8, 8) == 0;
    if (n >= 4)
        return memcmp(a, b, 4) == 0 && memcmp(a + n - 4, b + n - 4, 4) == 0;
    for (size_t i = 0; i < n; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): NULL has length 0 */
        if (a[i] != b[i])
            return false;
    }
    return true;
}

static inline bool bd_str_eq(struct bd_str a, struct bd_str b)
{
    return a.len == b.len && bd_bytes_eq(a.p, b.p, a.len);
}

/* Equality without regard to ASCII case (RFC 3261 7.3.1: tokens are case-insensitive). */
static inline bool bd_str_eq_nocase(struct bd_str a, struct bd_str b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): NULL has length 0 */
        if (bd_lower(a.p[i]) != bd_lower(b.p[i]))
            return false;
    }
    return true;
}

#endif
