/* SPDX-License-Identifier: BSD-3-Clause */
/* The flattened lists against a search through all prefixes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "limits.h"
#include "prefix_map.h"

enum { PREFIXES = 300 };

static struct bd_prefix prefix(const char *text)
{
    struct bd_prefix p;
    assert_true(bd_prefix_parse(bd_str_from(text), &p));
    return p;
}

static struct bd_ip ip(const char *text)
{
    struct bd_ip address;
    assert_true(bd_ip_parse(bd_str_from(text), &address));
    return address;
}

static struct bd_prefix_map *make(const struct bd_prefix *allow, unsigned allow_cnt,
                                  const struct bd_prefix *deny, unsigned deny_cnt)
{
    const struct bd_prefixes a = {allow, allow_cnt}, d = {deny, deny_cnt};
    struct bd_prefix_map *map = bd_prefix_map_make(&a, 1, &d, 1);
    assert_non_null(map);
    return map;
}

static enum bd_prefix_list find(const struct bd_prefix_map *map, const char *text)
{
    struct bd_ip address = ip(text);
    return bd_prefix_map_find(map, &address);
}

static void test_longest_wins(void **state)
{
    const struct bd_prefix allow[] = {prefix("192.0.2.0/24"), prefix("2001:db8:1::/48")};
    const struct bd_prefix deny[] = {prefix("0.0.0.0/0"), prefix("192.0.2.128/25"),
                                     prefix("2001:db8::/32")};
    struct bd_prefix_map *map = make(allow, 2, deny, 3);
    assert_int_equal(find(map, "192.0.2.1"), BD_PREFIX_ALLOW);
    assert_int_equal(find(map, "192.0.2.128"), BD_PREFIX_DENY);
    assert_int_equal(find(map, "192.0.2.255"), BD_PREFIX_DENY);
    assert_int_equal(find(map, "192.0.3.0"), BD_PREFIX_DENY);
    assert_int_equal(find(map, "0.0.0.0"), BD_PREFIX_DENY);
    assert_int_equal(find(map, "255.255.255.255"), BD_PREFIX_DENY);
    assert_int_equal(find(map, "2001:db8::1"), BD_PREFIX_DENY);
    assert_int_equal(find(map, "2001:db8:1::1"), BD_PREFIX_ALLOW);
    assert_int_equal(find(map, "2001:db9::"), BD_PREFIX_NONE);
    assert_int_equal(find(map, "::1"), BD_PREFIX_NONE);
    free(map);
}

/* All of IPv6 is none of IPv4. */
static void test_families(void **state)
{
    const struct bd_prefix all6 = prefix("::/0"), host = prefix("ffff::1");
    struct bd_prefix_map *map = make(&host, 1, &all6, 1);
    assert_int_equal(find(map, "192.0.2.1"), BD_PREFIX_NONE);
    assert_int_equal(find(map, "::"), BD_PREFIX_DENY);
    assert_int_equal(find(map, "ffff::1"), BD_PREFIX_ALLOW);
    assert_int_equal(find(map, "ffff::2"), BD_PREFIX_DENY);
    assert_int_equal(find(map, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), BD_PREFIX_DENY);
    free(map);
}

/* --- against a model -------------------------------------------------------------------------- */

/* Few different bits, so that prefixes enclose and touch each other. */
static struct bd_prefix random_prefix(bool v4)
{
    struct bd_prefix p = {.len = (uint8_t)(v4 ? 96 + rand() % 33 : rand() % 129)};
    for (unsigned i = 0; i < sizeof(p.ip.b); i++)
        p.ip.b[i] = (uint8_t)(rand() % 3 ? 0 : rand() % 2 ? 0xff : 1 << rand() % 8);
    if (v4)
        memcpy(p.ip.b, ip("0.0.0.0").b, 12);
    for (unsigned bit = p.len; bit < 128; bit++)
        p.ip.b[bit / 8] &= (uint8_t)(0xffU ^ 0x80U >> bit % 8);
    return p;
}

static enum bd_prefix_list model(const struct bd_prefix *all, unsigned cnt, const struct bd_ip *at)
{
    int longest = -1;
    enum bd_prefix_list list = BD_PREFIX_NONE;
    for (unsigned i = 0; i < cnt; i++) {
        bool family = bd_ip_is_v4(&all[i].ip) == bd_ip_is_v4(at);
        if (!family || !bd_prefix_covers(&all[i], at) || all[i].len <= longest)
            continue;
        longest = all[i].len;
        list = i < cnt / 2 ? BD_PREFIX_ALLOW : BD_PREFIX_DENY;
    }
    return list;
}

/* One on each list is on none. */
static bool is_twice(const struct bd_prefix *all, unsigned cnt, const struct bd_prefix *p)
{
    for (unsigned i = 0; i < cnt; i++) {
        if (bd_ip_eq(&all[i].ip, &p->ip) && all[i].len == p->len)
            return true;
    }
    return false;
}

static void step(struct bd_ip *at, int by)
{
    for (unsigned i = 16; i-- > 0 && by;) {
        int sum = at->b[i] + by;
        at->b[i] = (uint8_t)sum;
        by = sum < 0 ? -1 : sum > 255;
    }
}

/* Where a prefix begins and ends, and beside it. */
static void check_edges(const struct bd_prefix_map *map, const struct bd_prefix *all, unsigned cnt,
                        const struct bd_prefix *p)
{
    struct bd_ip end = p->ip;
    for (unsigned bit = p->len; bit < 128; bit++)
        end.b[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
    for (int by = -1; by <= 1; by++) {
        struct bd_ip first = p->ip, last = end;
        step(&first, by);
        step(&last, by);
        assert_int_equal(bd_prefix_map_find(map, &first), model(all, cnt, &first));
        assert_int_equal(bd_prefix_map_find(map, &last), model(all, cnt, &last));
    }
}

static void test_model(void **state)
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        struct bd_prefix all[PREFIXES];
        unsigned cnt = 0, wanted = seed == 1 ? 0 : seed * 7 % PREFIXES & ~1U;
        srand(seed);
        while (cnt < wanted) {
            struct bd_prefix p = random_prefix(seed % 3 > 0 && rand() % 4);
            if (!is_twice(all, cnt, &p))
                all[cnt++] = p;
        }
        struct bd_prefix_map *map = make(all, cnt / 2, all + cnt / 2, cnt - cnt / 2);
        for (unsigned i = 0; i < cnt; i++)
            check_edges(map, all, cnt, &all[i]);
        for (unsigned i = 0; i < 1000; i++) {
            struct bd_ip at = random_prefix(i % 2).ip;
            assert_int_equal(bd_prefix_map_find(map, &at), model(all, cnt, &at));
        }
        free(map);
    }
}

/* As many as a configuration may have, none of which can be joined. */
static void test_largest(void **state)
{
    static struct bd_prefix list[2][BD_LIMIT_PREFIXES_MAX];
    for (uint32_t i = 0; i < 2 * BD_LIMIT_PREFIXES_MAX; i++) {
        uint32_t network = __builtin_bswap32(i << 9);
        list[i % 2][i / 2] = (struct bd_prefix){bd_ip_from_v4(&network), 120};
    }
    const struct bd_prefixes a = {list[0], BD_LIMIT_PREFIXES_MAX},
                             d = {list[1], BD_LIMIT_PREFIXES_MAX};
    struct bd_prefix_map *map = bd_prefix_map_make(&a, 1, &d, 1);
    assert_int_equal(map->v4_cnt, 4 * BD_LIMIT_PREFIXES_MAX);
    for (uint32_t i = 0; i < 2 * BD_LIMIT_PREFIXES_MAX; i++) {
        uint32_t in = __builtin_bswap32((i << 9) + i % 256), out = in | __builtin_bswap32(256);
        struct bd_ip inside = bd_ip_from_v4(&in), outside = bd_ip_from_v4(&out);
        assert_int_equal(bd_prefix_map_find(map, &inside),
                         i % 2 ? BD_PREFIX_DENY : BD_PREFIX_ALLOW);
        assert_int_equal(bd_prefix_map_find(map, &outside), BD_PREFIX_NONE);
    }
    free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_wins),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
