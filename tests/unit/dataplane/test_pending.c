/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pending.h"

static struct bd_pending pool;
static struct bd_parsed room, *parsed;

static struct bd_datagram datagram(uint32_t len)
{
    return (struct bd_datagram){.len = len};
}

static int setup(void **state)
{
    bd_pending_init(&pool);
    parsed = &room;
    return 0;
}

static void test_verdict_finds_its_request(void **state)
{
    struct bd_datagram a = datagram(1), b = datagram(2);
    uint16_t sa = bd_pending_take(&pool, &a, &parsed, 10, 100);
    uint16_t sb = bd_pending_take(&pool, &b, &parsed, 11, 101);
    struct bd_pending_entry e;
    assert_true(bd_pending_claim(&pool, sb, pool.entry[sb].sequence, &parsed, &e));
    assert_int_equal(e.datagram.len, 2);
    assert_true(bd_pending_claim(&pool, sa, pool.entry[sa].sequence, &parsed, &e));
    assert_int_equal(e.datagram.len, 1);
    assert_false(bd_pending_next_overdue(&pool, UINT64_MAX, &parsed, &e));
}

static void test_late_verdict_meets_nobody(void **state)
{
    struct bd_datagram d = datagram(1);
    uint16_t slot = bd_pending_take(&pool, &d, &parsed, 0, 100);
    uint32_t sequence = pool.entry[slot].sequence;
    struct bd_pending_entry e;
    assert_false(bd_pending_next_overdue(&pool, 99, &parsed, &e));
    assert_true(bd_pending_next_overdue(&pool, 100, &parsed, &e));
    assert_false(bd_pending_claim(&pool, slot, sequence, &parsed, &e));
    /* The slot is used again: the old sequence does not reach the new request. */
    assert_int_equal(bd_pending_take(&pool, &d, &parsed, 0, 200), slot);
    assert_false(bd_pending_claim(&pool, slot, sequence, &parsed, &e));
    assert_true(bd_pending_claim(&pool, slot, sequence + 1, &parsed, &e));
    assert_false(bd_pending_claim(&pool, BD_PENDING_MAX, 1, &parsed, &e));
}

static void test_full_pool_refuses_and_recovers(void **state)
{
    struct bd_pending_entry e;
    for (unsigned i = 0; i < BD_PENDING_MAX; i++) {
        struct bd_datagram d = datagram(i);
        assert_int_not_equal(bd_pending_take(&pool, &d, &parsed, 0, i), BD_PENDING_NONE);
    }
    struct bd_datagram d = datagram(0);
    assert_int_equal(bd_pending_take(&pool, &d, &parsed, 0, 0), BD_PENDING_NONE);
    for (unsigned i = 0; i < BD_PENDING_MAX; i++) {
        assert_true(bd_pending_next_overdue(&pool, UINT64_MAX, &parsed, &e));
        assert_int_equal(e.datagram.len, i); /* oldest first */
    }
    assert_int_equal(pool.free_cnt, BD_PENDING_MAX);
    assert_int_equal(pool.oldest, BD_PENDING_NONE);
    assert_int_equal(pool.newest, BD_PENDING_NONE);
}

/* Each is somewhere once, and a request gets back the one that it came with. */
static void test_parsed_waits_too(void **state)
{
    struct bd_pending_entry e;
    struct bd_parsed *first = parsed;
    uint16_t slot[3];
    for (unsigned i = 0; i < 3; i++) {
        struct bd_datagram d = datagram(i);
        parsed->turn.transaction = i;
        slot[i] = bd_pending_take(&pool, &d, &parsed, 0, i);
        assert_ptr_not_equal(parsed, first);
    }
    assert_true(bd_pending_claim(&pool, slot[1], pool.entry[slot[1]].sequence, &parsed, &e));
    assert_int_equal(parsed->turn.transaction, 1);
    assert_true(bd_pending_next_overdue(&pool, UINT64_MAX, &parsed, &e));
    assert_ptr_equal(parsed, first);
    assert_true(bd_pending_claim(&pool, slot[2], pool.entry[slot[2]].sequence, &parsed, &e));
    assert_int_equal(parsed->turn.transaction, 2);
    assert_false(bd_pending_claim(&pool, slot[2], pool.entry[slot[2]].sequence, &parsed, &e));
    assert_int_equal(parsed->turn.transaction, 2);
    for (unsigned i = 0; i < BD_PENDING_MAX; i++) {
        assert_ptr_not_equal(pool.entry[i].parsed, parsed);
        for (unsigned j = 0; j < i; j++)
            assert_ptr_not_equal(pool.entry[i].parsed, pool.entry[j].parsed);
    }
}

/* Random takes, claims and time-outs against a plain array. */
static void test_random_order(void **state)
{
    static struct {
        bool waiting;
        uint32_t sequence, len;
    } model[BD_PENDING_MAX];
    unsigned waiting = 0;
    srand(7);
    for (uint32_t step = 1; step < 200000; step++) {
        struct bd_pending_entry e;
        unsigned slot = (unsigned)rand() % BD_PENDING_MAX;
        switch (rand() % 3) {
        case 0: {
            struct bd_datagram d = datagram(step);
            uint16_t s = bd_pending_take(&pool, &d, &parsed, 0, step);
            assert_true((s == BD_PENDING_NONE) == (waiting == BD_PENDING_MAX));
            if (s == BD_PENDING_NONE)
                break;
            assert_false(model[s].waiting);
            model[s].waiting = true;
            model[s].sequence = pool.entry[s].sequence;
            model[s].len = step;
            waiting++;
            break;
        }
        case 1:
            assert_true(bd_pending_claim(&pool, slot, model[slot].sequence, &parsed, &e) ==
                        model[slot].waiting);
            waiting -= model[slot].waiting;
            model[slot].waiting = false;
            break;
        default:
            if (bd_pending_next_overdue(&pool, step - 3000, &parsed, &e)) {
                assert_true(e.datagram.len <= step - 3000);
                waiting--;
                for (unsigned i = 0; i < BD_PENDING_MAX; i++) {
                    if (model[i].waiting && model[i].len == e.datagram.len)
                        model[i].waiting = false;
                }
            }
        }
        assert_int_equal(pool.free_cnt + waiting, BD_PENDING_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_verdict_finds_its_request, setup),
        cmocka_unit_test_setup(test_late_verdict_meets_nobody, setup),
        cmocka_unit_test_setup(test_parsed_waits_too, setup),
        cmocka_unit_test_setup(test_full_pool_refuses_and_recovers, setup),
        cmocka_unit_test_setup(test_random_order, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
