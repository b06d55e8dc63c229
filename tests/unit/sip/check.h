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
#define assert_text(s, z)                                                                          \
    do {                                                                                           \
        if (!same_text((s), (z)))                                                                  \
            fail_msg("%s is '%.*s', not '%s'", #s, BD_STR_ARG(s), (z) ? (z) : "(absent)");         \
    } while (0)

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#endif
