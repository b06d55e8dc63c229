/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failures.h"
#include "hash.h"

static struct bd_failures *failures;
static struct bd_hash_key hash_key;
/* Five at once, one more each hundred steps. */
static const struct bd_failure_terms terms = {.interval = 100, .tolerance = 400, .forget = 1000};

static int make(void **state)
{
    failures = aligned_alloc(64, sizeof(*failures));
    assert_non_null(failures);
    memset(failures, 0, sizeof(*failures));
    bd_hash_key_init(&hash_key, 42);
    return 0;
}

static int drop(void **state)
{
    free(failures);
    return 0;
}

static uint64_t nth(uint64_t i)
{
    return bd_hash64(&hash_key, &i, sizeof(i));
}

static struct bd_failure_state add(uint64_t i, uint32_t now)
{
    return bd_failures_add(failures, nth(i), now, &terms);
}

static struct bd_failure_state look(uint64_t i, uint32_t now)
{
    return bd_failures_look(failures, nth(i), now, &terms);
}

static void test_bucket(void **state)
{
    assert_false(bd_failures_any(failures, 0, 1000));
    assert_false(add(1, 10000).found);
    assert_true(bd_failures_any(failures, 10099, 0));
    assert_false(bd_failures_any(failures, 10100, 0));
    assert_true(bd_failures_any(failures, 10100, 1));
    for (unsigned i = 1; i < 5; i++) {
        struct bd_failure_state s = add(1, 10000);
        assert_true(s.found && !s.over);
    }
    assert_true(look(1, 10000).over);
    assert_true(add(1, 10000).over);
    assert_true(look(1, 10099).over);
    assert_false(look(1, 10100).over); /* what was over has cost nothing */
    assert_false(add(1, 10100).over);
    assert_true(look(1, 10100).over);
    assert_false(look(2, 10000).found);
    struct bd_failure_state later = look(1, 11000);
    assert_true(later.found && !later.over);
    assert_int_equal(later.since, 11000 - 10600);
}

static void test_time_goes_back(void **state)
{
    for (unsigned i = 0; i < 9; i++)
        add(1, 1000000);
    assert_true(look(1, 500).over);
    assert_true(add(1, 500).over);
    assert_false(look(1, 500 + 200).over); /* as from a spent burst */
}

static void test_level(void **state)
{
    add(1, 1000);
    for (unsigned level = 0; level < 20; level++)
        assert_int_equal(bd_failures_raise(failures, nth(1)), level < 15 ? level : 15);
    add(1, 1100 + 1000); /* all was forgiven at 1100: just not forgotten */
    assert_int_equal(bd_failures_raise(failures, nth(1)), 15);
    add(1, 2200 + 1001);
    assert_int_equal(bd_failures_raise(failures, nth(1)), 0);
    assert_int_equal(bd_failures_raise(failures, nth(2)), 0); /* whom nobody knows */
    assert_false(look(2, 1000).found);
}

static void test_forgive(void **state)
{
    for (unsigned i = 0; i < 9; i++)
        add(1, 1000);
    bd_failures_raise(failures, nth(1));
    bd_failures_forgive(failures, nth(1));
    assert_false(look(1, 1000).found);
    add(1, 1000);
    assert_int_equal(bd_failures_raise(failures, nth(1)), 0);
    bd_failures_forgive(failures, nth(2)); /* whom nobody knows */
}

/* Many times the room: those that have most to be forgiven stay. */
static void test_flood(void **state)
{
    for (unsigned i = 0; i < 5; i++)
        add(1, 1000);
    for (uint64_t i = 0; i < 4 * BD_FAILURES_MAX; i++)
        assert_false(add(100 + i, 1000).over);
    assert_true(look(1, 1000).over);
    unsigned kept = 0;
    for (uint64_t i = 0; i < 4 * BD_FAILURES_MAX; i++)
        kept += look(100 + i, 1000).found;
    assert_in_range(kept, BD_FAILURES_MAX / 100 * 95, BD_FAILURES_MAX);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { THREADS = 4, KEYS = 64, ROUNDS = 20000 };

static atomic_uint borne[KEYS];

static void *fail_often(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned k = (i + (unsigned)(uintptr_t)arg * 7) % KEYS;
        atomic_fetch_add(&borne[k], !add(k, 1000).over);
        if (i % 64 == 0)
            bd_failures_raise(failures, nth(k));
    }
    return NULL;
}

/* However many workers they come by, no key is borne more often than its burst. */
static void test_threads(void **state)
{
    pthread_t thread[THREADS];
    for (uintptr_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, fail_often, (void *)t), 0);
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    for (unsigned k = 0; k < KEYS; k++)
        assert_int_equal(borne[k], 5);
    assert_int_equal(atomic_load(&failures->latest), 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bucket, make, drop),
        cmocka_unit_test_setup_teardown(test_time_goes_back, make, drop),
        cmocka_unit_test_setup_teardown(test_level, make, drop),
        cmocka_unit_test_setup_teardown(test_forgive, make, drop),
        cmocka_unit_test_setup_teardown(test_flood, make, drop),
        cmocka_unit_test_setup_teardown(test_threads, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
