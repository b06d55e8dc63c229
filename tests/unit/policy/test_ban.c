/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_arena.h"

#include <pthread.h>
#include <stdio.h>

#include "ban.h"

static struct bd_arena arena;

static int make_arena(void **state)
{
    test_arena_make(&arena, 64);
    return 0;
}

static int leave_arena(void **state)
{
    bd_arena_leave(&arena);
    return 0;
}

static struct bd_ip ip(const char *text)
{
    struct bd_ip address;
    assert_true(bd_ip_parse(bd_str_from(text), &address));
    return address;
}

/* Any IPv4 address. */
static struct bd_ip nth(uint32_t i)
{
    uint32_t network = __builtin_bswap32(0x0a000000 + i);
    return bd_ip_from_v4(&network);
}

static bool holds(const char *text, uint32_t now_s)
{
    struct bd_ip address = ip(text);
    return bd_ban_holds(&arena, &address, now_s);
}

static enum bd_ban_rc put(const char *text, uint32_t now_s, uint32_t seconds)
{
    struct bd_ip address = ip(text);
    return bd_ban_put(&arena, &address, now_s, seconds, 7);
}

static bool unban(const char *text, uint32_t now_s)
{
    struct bd_ip address = ip(text);
    return bd_ban_remove(&arena, &address, now_s);
}

static unsigned list(uint32_t now_s, struct bd_ban *last)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < BD_BANS_MAX; i++)
        cnt += bd_ban_at(&arena, i, now_s, last);
    return cnt;
}

static void test_time(void **state)
{
    struct bd_ban ban;
    assert_false(bd_bans_any(&arena, 0));
    assert_int_equal(put("192.0.2.1", 1000, 60), BD_BAN_ADDED);
    assert_true(bd_bans_any(&arena, 1059));
    assert_true(holds("192.0.2.1", 1000));
    assert_true(holds("192.0.2.1", 1059));
    assert_false(holds("192.0.2.1", 1060));
    assert_false(bd_bans_any(&arena, 1060));
    assert_false(holds("192.0.2.2", 1000));
    /* Never shortened. */
    assert_int_equal(put("192.0.2.1", 1001, 5), BD_BAN_KNOWN);
    assert_true(holds("192.0.2.1", 1059));
    assert_int_equal(put("192.0.2.1", 1001, 100), BD_BAN_KNOWN);
    assert_true(holds("192.0.2.1", 1100));
    assert_int_equal(list(1001, &ban), 1);
    assert_int_equal(ban.left_s, 100);
    assert_int_equal(ban.cause, 7);
    assert_int_equal(ban.source.len, 128);
    assert_int_equal(list(1101, &ban), 0);
}

static void test_prefixes(void **state)
{
    struct bd_ban ban;
    assert_int_equal(put("2001:db8:0:1::5", 1, 100), BD_BAN_ADDED);
    assert_true(holds("2001:db8:0:1::5", 1));
    assert_true(holds("2001:db8:0:1:ffff::9", 1));
    assert_false(holds("2001:db8:0:2::5", 1));
    assert_int_equal(list(1, &ban), 1);
    char text[BD_ENDPOINT_TEXT_MAX];
    bd_prefix_format(&ban.source, text);
    assert_string_equal(text, "2001:db8:0:1::/64");
    put("192.0.2.1", 1, 100);
    assert_true(holds("::ffff:192.0.2.1", 1));
    assert_false(holds("::ffff:192.0.2.2", 1));
}

static void test_remove(void **state)
{
    assert_false(unban("192.0.2.1", 1));
    put("192.0.2.1", 1, 100);
    put("192.0.2.2", 1, 100);
    assert_true(unban("192.0.2.1", 1));
    assert_false(holds("192.0.2.1", 1));
    assert_true(holds("192.0.2.2", 1));
    assert_false(unban("192.0.2.1", 1));
    assert_false(unban("192.0.2.2", 101)); /* over */
}

/* Any number of sources: the table does not grow, and those with the longest bans stay. */
static void test_flood(void **state)
{
    struct bd_ban ban;
    put("192.0.2.1", 1, 100000);
    unsigned displaced = 0;
    for (uint32_t i = 0; i < 4 * BD_BANS_MAX; i++) {
        struct bd_ip source = nth(i);
        displaced += bd_ban_put(&arena, &source, 1, 100 + i % 7, 1) == BD_BAN_DISPLACED;
        assert_true(bd_ban_holds(&arena, &source, 1));
    }
    assert_true(displaced > 2 * BD_BANS_MAX);
    assert_true(list(1, &ban) > BD_BANS_MAX / 100 * 99);
    assert_true(holds("192.0.2.1", 1));
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { THREADS = 4, SOURCES = 64, ROUNDS = 20000 };

static atomic_uint wrong;

/* Each bans its own sources and some that others ban, and unbans its own, all in few buckets'
 * reach; nobody else's source may ever look banned. */
static void *fight(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t now_s = 1 + i / 100;
        struct bd_ip own = nth(me * SOURCES + i % SOURCES), shared = nth(1000 + i % SOURCES);
        struct bd_ip innocent = nth(5000 + i % 1000);
        bd_ban_put(&arena, &own, now_s, 1 + i % 3, 1);
        bd_ban_put(&arena, &shared, now_s, 1 + i % 3, 2);
        if (bd_ban_holds(&arena, &innocent, now_s))
            wrong++;
        if (i % 5 == 0)
            bd_ban_remove(&arena, &own, now_s);
        if (i % 5 == 0 && bd_ban_holds(&arena, &own, now_s))
            wrong++;
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t thread[THREADS];
    struct bd_ban ban;
    for (uintptr_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, fight, (void *)t), 0);
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    assert_int_equal(wrong, 0);
    for (unsigned i = 0; i < BD_BANS_MAX; i++) {
        if (bd_ban_at(&arena, i, 1, &ban))
            assert_int_equal(ban.source.ip.b[12], 10);
    }
    uint32_t end_s = 1 + ROUNDS / 100 + 10;
    assert_int_equal(list(end_s, &ban), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_time, make_arena, leave_arena),
        cmocka_unit_test_setup_teardown(test_prefixes, make_arena, leave_arena),
        cmocka_unit_test_setup_teardown(test_remove, make_arena, leave_arena),
        cmocka_unit_test_setup_teardown(test_flood, make_arena, leave_arena),
        cmocka_unit_test_setup_teardown(test_threads, make_arena, leave_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
