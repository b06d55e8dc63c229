/* SPDX-License-Identifier: BSD-3-Clause */
/* Who was registered within a day is known, others are not, however many there are. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "known.h"

enum { DAY_S = 86400, STEP_S = 1024, NOW_S = 100 * DAY_S };

static struct bd_known *known;

/* A good hash of a number. */
static uint64_t hash(uint64_t n)
{
    n = (n + 1) * 0x9e3779b97f4a7c15ULL;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ULL;
    n = (n ^ n >> 27) * 0x94d049bb133111ebULL;
    return n ^ n >> 31;
}

/* So many others in the line of hash(0), each with another tag. */
static uint64_t neighbour(unsigned i)
{
    return ((uint64_t)(i + 2) << 48) | (hash(0) & (BD_KNOWN_LINES - 1));
}

static int open_known(void **state)
{
    known = aligned_alloc(64, sizeof(*known));
    memset(known, 0, sizeof(*known));
    return 0;
}

static int close_known(void **state)
{
    free(known);
    return 0;
}

static void test_for_a_day(void **state)
{
    assert_false(bd_known_has(known, hash(0), NOW_S));
    bd_known_note(known, hash(0), NOW_S);
    assert_true(bd_known_has(known, hash(0), NOW_S));
    assert_true(bd_known_has(known, hash(0), NOW_S + DAY_S - STEP_S));
    assert_false(bd_known_has(known, hash(0), NOW_S + DAY_S + 2 * STEP_S));
    bd_known_note(known, hash(0), NOW_S + DAY_S);
    assert_true(bd_known_has(known, hash(0), NOW_S + 2 * DAY_S - 2 * STEP_S));
}

static void test_strangers_are_none(void **state)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < 100000; i++)
        bd_known_note(known, hash(i), NOW_S);
    for (unsigned i = 0; i < 100000; i++)
        assert_true(bd_known_has(known, hash(i), NOW_S));
    for (unsigned i = 100000; i < 1100000; i++)
        taken += bd_known_has(known, hash(i), NOW_S);
    assert_in_range(taken, 0, 100); /* 1.5 of a line's places are taken: 23 of a million */
}

/* Many who register now displace who was not seen since, never each other. */
static void test_oldest_gives_way(void **state)
{
    bd_known_note(known, hash(0), NOW_S);
    for (unsigned i = 0; i < BD_KNOWN_WAYS - 1; i++)
        bd_known_note(known, neighbour(i), NOW_S + STEP_S);
    assert_true(bd_known_has(known, hash(0), NOW_S + STEP_S));
    bd_known_note(known, neighbour(BD_KNOWN_WAYS), NOW_S + STEP_S);
    assert_false(bd_known_has(known, hash(0), NOW_S + STEP_S));
    bd_known_note(known, neighbour(BD_KNOWN_WAYS + 1), NOW_S + STEP_S);
    assert_false(bd_known_has(known, neighbour(BD_KNOWN_WAYS + 1), NOW_S + STEP_S));
    for (unsigned i = 0; i < BD_KNOWN_WAYS - 1; i++)
        assert_true(bd_known_has(known, neighbour(i), NOW_S + STEP_S));
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { THREADS = 3, ROUNDS = 20000 };

static atomic_uint writing;

/* One line, filled to its last place, through many steps. */
static void *note_neighbours(void *arg)
{
    unsigned first = (unsigned)(uintptr_t)arg * 5;
    for (unsigned i = 0; i < ROUNDS; i++)
        bd_known_note(known, neighbour((first + i) % BD_KNOWN_WAYS), NOW_S + i / 64 * STEP_S);
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

/* Workers that write one line may lose a note, and make nobody known who never came; in the next
 * step there is room for all again. */
static void test_threads(void **state)
{
    pthread_t thread[THREADS];
    unsigned last_s = NOW_S + ROUNDS / 64 * STEP_S, looks = 0, taken = 0;
    writing = THREADS;
    for (uintptr_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, note_neighbours, (void *)t), 0);
    for (; writing || looks == 0; looks++)
        taken += bd_known_has(known, neighbour(BD_KNOWN_WAYS + looks % 1000), last_s);
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    assert_int_equal(taken, 0);
    for (unsigned i = 0; i < BD_KNOWN_WAYS; i++)
        bd_known_note(known, neighbour(i), last_s + STEP_S);
    for (unsigned i = 0; i < BD_KNOWN_WAYS; i++)
        assert_true(bd_known_has(known, neighbour(i), last_s + STEP_S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_for_a_day, open_known, close_known),
        cmocka_unit_test_setup_teardown(test_strangers_are_none, open_known, close_known),
        cmocka_unit_test_setup_teardown(test_oldest_gives_way, open_known, close_known),
        cmocka_unit_test_setup_teardown(test_threads, open_known, close_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
