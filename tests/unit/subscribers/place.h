/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder for a test's database. */
#ifndef BD_TEST_PLACE_H
#define BD_TEST_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subscribers.h"

struct place {
    char dir[64], file[96]; /* no file is there yet */
    struct bd_error error;
};

static inline void place_make(struct place *p)
{
    strcpy(p->dir, "/tmp/bd-subscribers-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->file, sizeof(p->file), "%s/s.db", p->dir);
}

static inline void place_remove(const struct place *p)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", p->dir);
    assert_int_equal(system(command), 0);
}

/* For tests that have nothing else. */
static inline int place_setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    place_make(p);
    *state = p;
    return 0;
}

static inline int place_teardown(void **state)
{
    place_remove(*state);
    free(*state);
    return 0;
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

#endif
