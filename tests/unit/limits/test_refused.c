/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "refused.h"

static struct bd_refused *refused;
static struct bd_refused_times times;
static uint32_t now_s;

static int make(void **state)
{
    refused = aligned_alloc(64, sizeof(*refused));
    assert_non_null(refused);
    memset(refused, 0, sizeof(*refused));
    memset(&times, 0, sizeof(times));
    now_s = 100000;
    return 0;
}

static int drop(void **state)
{
    free(refused);
    return 0;
}

/* Each AoR is its key in decimal, several times over. */
static void note(uint64_t key)
{
    char text[80];
    snprintf(text, sizeof(text), "%08u@%08u-%08u.example", (unsigned)key, (unsigned)key,
             (unsigned)key);
    bd_refused_note(refused, &times, key, bd_str_from(text), now_s);
}

static bool is_whole(const char *text)
{
    return strlen(text) == strlen("00000001@00000001-00000001.example") &&
           memcmp(text, text + 9, 8) == 0 && memcmp(text, text + 18, 8) == 0;
}

static void test_rows(void **state)
{
    char text[BD_REFUSED_TEXT + 1], longest[200];
    uint64_t cnt;
    for (unsigned i = 0; i < BD_REFUSED_MAX; i++)
        assert_false(bd_refused_at(refused, i, &cnt, text));
    for (unsigned i = 0; i < 100; i++)
        note(1);
    for (uint64_t key = 2; key < 10 * BD_REFUSED_MAX; key++)
        note(key);
    unsigned heavy = 0, rows = 0;
    for (unsigned i = 0; i < BD_REFUSED_MAX; i++) {
        rows += bd_refused_at(refused, i, &cnt, text);
        assert_true(is_whole(text));
        heavy += cnt == 100 && memcmp(text, "00000001@", 9) == 0;
    }
    assert_int_equal(rows, BD_REFUSED_MAX);
    assert_int_equal(heavy, 1); /* who was refused often stays */
    memset(longest, 'a', sizeof(longest));
    bd_refused_note(refused, &times, 77777, (struct bd_str){longest, sizeof(longest)}, now_s);
    bool cut = false;
    for (unsigned i = 0; i < BD_REFUSED_MAX; i++)
        cut |= bd_refused_at(refused, i, &cnt, text) && strlen(text) == BD_REFUSED_TEXT;
    assert_true(cut);
}

static uint64_t count_of(uint64_t key)
{
    char text[BD_REFUSED_TEXT + 1];
    uint64_t cnt, of_key = 0;
    for (unsigned i = 0; i < BD_REFUSED_MAX; i++) {
        if (bd_refused_at(refused, i, &cnt, text) && (uint64_t)atoi(text) == key)
            of_key = cnt;
    }
    return of_key;
}

/* Rows full of the heaviest of former times, and some who are refused by turns now. */
static void test_former_times(void **state)
{
    enum { HEAVY = 1000, BY_TURNS = 5 };
    for (unsigned i = 0; i < HEAVY; i++) {
        for (uint64_t key = 1; key <= BD_REFUSED_MAX; key++)
            note(key);
    }
    now_s += BD_REFUSED_LATELY_S + 1;
    note(1); /* he is at it still */
    for (unsigned i = 0; i < 10; i++) {
        for (uint64_t key = 0; key < BY_TURNS; key++)
            note(100 + key);
    }
    for (uint64_t key = 0; key < BY_TURNS; key++)
        assert_int_equal(count_of(100 + key), 10);
    assert_int_equal(count_of(1), HEAVY + 1);
}

enum { NOTES = 200000 };

static atomic_bool done;

static void *write_names(void *arg)
{
    for (uint64_t i = 1; i < NOTES; i++)
        note(i);
    done = true;
    return NULL;
}

/* Whatever a reader is told was one AoR's name. */
static void test_threads(void **state)
{
    pthread_t thread;
    char text[BD_REFUSED_TEXT + 1];
    uint64_t cnt, read = 0, torn = 0;
    done = false;
    assert_int_equal(pthread_create(&thread, NULL, write_names, NULL), 0);
    while (!done || read == 0) {
        for (unsigned i = 0; i < BD_REFUSED_MAX; i++) {
            if (!bd_refused_at(refused, i, &cnt, text))
                continue;
            read++;
            torn += !is_whole(text);
        }
    }
    pthread_join(thread, NULL);
    assert_int_equal(torn, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, make, drop),
        cmocka_unit_test_setup_teardown(test_former_times, make, drop),
        cmocka_unit_test_setup_teardown(test_threads, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
