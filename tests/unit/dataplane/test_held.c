/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "held.h"

enum { ROOM = 3 * BD_BURST };
static struct bd_held held;

static int setup(void **state)
{
    return bd_held_init(&held, ROOM) ? 0 : -1;
}

static int teardown(void **state)
{
    bd_held_free(&held);
    return 0;
}

static void put(uint32_t len, uint64_t deadline_ms)
{
    struct bd_held_reply reply = {.len = len, .deadline_ms = deadline_ms};
    bd_held_put(&held, &reply);
}

static uint32_t durable(uint64_t n)
{
    const struct bd_held_reply *reply = bd_held_next_durable(&held, n);
    return reply ? reply->len : 0;
}

static uint32_t overdue(uint64_t now_ms)
{
    const struct bd_held_reply *reply = bd_held_next_overdue(&held, now_ms);
    return reply ? reply->len : 0;
}

static void test_leaves_in_order_when_on_disk(void **state)
{
    assert_true(bd_held_is_empty(&held));
    put(1, 100);
    assert_true(bd_held_wants_ticket(&held));
    assert_int_equal(durable(UINT64_MAX), 0); /* without a ticket nothing leaves */
    assert_int_equal(overdue(UINT64_MAX), 0);
    bd_held_seal(&held, 7);
    put(2, 101);
    put(3, 101);
    bd_held_seal(&held, 8);
    assert_false(bd_held_wants_ticket(&held));
    assert_int_equal(durable(7), 0); /* that sweep began before the change */
    assert_int_equal(durable(8), 1);
    assert_int_equal(durable(8), 0);
    assert_int_equal(durable(9), 2);
    assert_int_equal(durable(9), 3);
    assert_true(bd_held_is_empty(&held));
}

static void test_overdue_ones_stop_the_intake(void **state)
{
    put(1, 100);
    bd_held_seal(&held, 7);
    put(2, 200);
    bd_held_seal(&held, 9);
    assert_int_equal(overdue(99), 0);
    assert_true(bd_held_takes_burst(&held, 7));
    assert_int_equal(overdue(100), 1);
    assert_int_equal(overdue(100), 0);
    assert_false(bd_held_takes_burst(&held, 7));
    assert_true(bd_held_takes_burst(&held, 8)); /* the disk goes on */
    assert_true(bd_held_takes_burst(&held, 8));
    assert_int_equal(durable(10), 2);
}

static void test_takes_whole_bursts(void **state)
{
    for (unsigned round = 0; round < 3 * BD_HELD_MAX / ROOM; round++) {
        unsigned cnt = 0;
        while (bd_held_takes_burst(&held, round)) {
            for (unsigned i = 0; i < BD_BURST; i++)
                put(++cnt, 100);
        }
        assert_int_equal(cnt, ROOM);
        bd_held_seal(&held, round);
        for (unsigned i = 1; i <= cnt; i++)
            assert_int_equal(durable(round + 1), i);
        assert_true(bd_held_is_empty(&held));
    }
}

/* Positions are 32 bits and wrap: after some hours of a million registrations a second. */
static void test_positions_wrap(void **state)
{
    held.head = held.sealed = held.tail = UINT32_MAX - ROOM / 2;
    test_takes_whole_bursts(state);
    assert_in_range(held.tail, 0, UINT32_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_leaves_in_order_when_on_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overdue_ones_stop_the_intake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_takes_whole_bursts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_positions_wrap, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
