/* SPDX-License-Identifier: BSD-3-Clause */
/* cmocka with what it needs, and comparison of slices with C strings. */
#ifndef BD_TEST_CHECK_H
#define BD_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "str.h"

/* NULL stands for an absent slice. */
static inline bool same_text(struct bd_str s, const char *z)
{
    return z ? s.p != NULL && bd_str_eq(s, bd_str_from(z)) : s.p == NULL;
}

/* Fails with both texts. */
static inline void check_text(struct bd_str s, const char *z, const char *what)
{
    if (!same_text(s, z))
        fail_msg("%s is '%.*s', not '%s'", what, BD_STR_ARG(s), z ? z : "(absent)");
}
#define assert_text(s, z) check_text((s), (z), #s)

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#endif
