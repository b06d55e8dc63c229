/* SPDX-License-Identifier: BSD-3-Clause */
/* Who sends now and then is heard, whoever else sends all the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "strangers.h"

static struct bd_turns turns_taken;

/* A good hash of a number. */
static uint64_t hash(uint64_t n)
{
    n = (n + 1) * 0x9e3779b97f4a7c15ULL;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ULL;
    n = (n ^ n >> 27) * 0x94d049bb133111ebULL;
    return n ^ n >> 31;
}

static bool heard(uint64_t source, uint64_t ms)
{
    return bd_turn_take(&turns_taken, hash(source), ms);
}

static void test_two_turns(void **state)
{
    unsigned turns = 0;
    memset(&turns_taken, 0, sizeof(turns_taken));
    for (uint64_t ms = 100 * BD_TURN_MS; ms < 110 * BD_TURN_MS; ms++)
        turns += heard(1, ms);
    assert_in_range(turns, 10 * BD_TURNS_EACH, 11 * BD_TURNS_EACH);
}

/* 100,000 sources, two million datagrams a second. */
static void test_phones_get_through(void **state)
{
    enum { SOURCES = 100000, PER_MS = 2000, PHONES = 1000, PHONE = 1 << 30, SECONDS = 4 };
    static bool done[PHONES];
    uint64_t turns = 0, sent = 0;
    unsigned done_cnt = 0;
    memset(&turns_taken, 0, sizeof(turns_taken));
    for (uint64_t ms = 0; ms < SECONDS * 1000; ms++) {
        for (unsigned i = 0; i < PER_MS; i++)
            turns += heard(hash(sent++) % SOURCES, 1000000 + ms);
        /* Each phone tries once in half a second, both messages in one millisecond. */
        for (unsigned i = (unsigned)(ms % 500); i < PHONES; i += 500) {
            bool both =
                !done[i] && heard(PHONE + i, 1000000 + ms) && heard(PHONE + i, 1000000 + ms);
            done_cnt += both;
            done[i] |= both;
        }
    }
    assert_int_equal(done_cnt, PHONES);
    assert_true(turns < (uint64_t)SOURCES * BD_TURNS_EACH * (2 * SECONDS + 1));
}

/* Each datagram from another source, two million a second: turns are for a million. A phone that
 * comes again by T1 and T2 is heard all the same. */
static void test_all_together(void **state)
{
    enum { PER_MS = 2000, PHONES = 1000, PHONE = 1 << 30, MS = 25 * BD_TURN_MS };
    static bool done[PHONES];
    uint64_t turns = 0, sent = 0;
    unsigned done_cnt = 0;
    memset(&turns_taken, 0, sizeof(turns_taken));
    for (uint64_t ms = 0; ms < MS; ms++) {
        for (unsigned i = 0; i < PER_MS; i++)
            turns += heard(sent++, 1000000 + ms);
        for (unsigned i = 0; i < PHONES && i <= ms; i++) {
            uint64_t age = ms - i;
            bool sends =
                age == 0 || age == 500 || age == 1500 || age == 3500 || age == 7500 || age == 11500;
            done[i] |= sends && heard(PHONE + i, 1000000 + ms);
        }
    }
    for (unsigned i = 0; i < PHONES; i++)
        done_cnt += done[i];
    assert_true(turns <= (uint64_t)BD_TURNS_ALL * (MS / BD_TURN_MS + 1));
    assert_true(turns >= (uint64_t)BD_TURNS_ALL * (MS / BD_TURN_MS - 1));
    assert_in_range(done_cnt, PHONES * 98 / 100, PHONES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_turns),
        cmocka_unit_test(test_phones_get_through),
        cmocka_unit_test(test_all_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
