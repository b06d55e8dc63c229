/* SPDX-License-Identifier: BSD-3-Clause */
/* The sweeper with a clock of the test's own. */
#include "lab.h"

#include "sweeper.h"

enum { AORS = 2000, START_S = 1000000 };

static int open_lab(void **state)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    lab_open(lab);
    lab_dataplane(lab);
    for (unsigned i = 0; i < AORS; i++) {
        char aor[64];
        snprintf(aor, sizeof(aor), "user%u@example.com", i);
        lab_put(lab, aor, 1, START_S + (i < 100 ? 10 : 1000));
    }
    *state = lab;
    return 0;
}

static int close_lab(void **state)
{
    lab_close(*state);
    free(*state);
    return 0;
}

static struct bd_sweeper *new_sweeper(struct lab *lab)
{
    struct bd_error error;
    struct bd_sweeper *sweeper = bd_sweeper_new(&lab->control, &error);
    assert_non_null(sweeper);
    return sweeper;
}

static struct bd_sweeper_numbers read_numbers(struct bd_sweeper *sweeper, uint64_t now_ms)
{
    struct bd_sweeper_numbers numbers;
    bd_sweeper_read(sweeper, now_ms, &numbers);
    return numbers;
}

/* One second of ticks. */
static void run_second(struct bd_sweeper *sweeper, uint64_t from_ms)
{
    for (uint64_t ms = from_ms; ms < from_ms + 1000; ms += BD_SWEEP_TICK_MS) {
        while (bd_sweeper_tick(sweeper, ms))
            ;
    }
}

/* Empties the rings as the workers do; checks that each bucket came to its own worker. */
static unsigned take_sweeps(struct lab *lab, uint64_t now_ms, bool expire)
{
    unsigned cnt = 0;
    bd_writer_online(lab->writer);
    for (unsigned w = 0; w < 2; w++) {
        struct bd_ring *ring = bd_channel_of(&lab->arena, w).sweeps;
        const uint64_t *bucket;
        while ((bucket = bd_ring_peek(ring))) {
            unsigned aors;
            assert_int_equal(*bucket % 2, w);
            if (expire)
                cnt += bd_table_expire(lab->writer, (uint32_t)*bucket, (uint32_t)(now_ms / 1000),
                                       NULL, NULL, &aors);
            else
                cnt++;
            bd_ring_release(ring);
        }
    }
    bd_writer_offline(lab->writer);
    return cnt;
}

static void nothing_is_sent_before_its_time(void **state)
{
    struct bd_sweeper *sweeper = new_sweeper(*state);
    uint64_t now_ms = (uint64_t)(START_S + 9) * 1000;
    run_second(sweeper, now_ms);
    struct bd_sweeper_numbers numbers = read_numbers(sweeper, now_ms + 1000);
    assert_int_equal(numbers.sent, 0);
    assert_true(numbers.rounds >= 2); /* twice a second */
    assert_int_equal(take_sweeps(*state, now_ms, false), 0);
    bd_sweeper_free(sweeper);
}

static void a_full_ring_holds_the_walk_and_loses_nothing(void **state)
{
    struct lab *lab = *state;
    struct bd_sweeper *sweeper = new_sweeper(lab);
    struct bd_ring *ring = bd_channel_of(&lab->arena, 0).sweeps;
    uint32_t filled = 0;
    while (bd_ring_reserve(ring)) {
        bd_ring_publish(ring);
        filled++;
    }
    uint64_t now_ms = (uint64_t)(START_S + 11) * 1000;
    run_second(sweeper, now_ms);
    struct bd_sweeper_numbers numbers = read_numbers(sweeper, now_ms + 1000);
    assert_true(numbers.waits >= 5);
    assert_int_equal(numbers.rounds, 0);
    for (uint32_t i = 0; i < filled; i++) {
        bd_ring_peek(ring);
        bd_ring_release(ring);
    }
    run_second(sweeper, now_ms + 1000);
    assert_true(read_numbers(sweeper, now_ms + 2000).rounds >= 1);
    assert_int_equal(take_sweeps(lab, now_ms, true), 100);
    bd_sweeper_free(sweeper);
}

static void what_is_due_is_gone_within_a_second(void **state)
{
    struct lab *lab = *state;
    struct bd_sweeper *sweeper = new_sweeper(lab);
    uint64_t now_ms = (uint64_t)(START_S + 1000) * 1000;
    run_second(sweeper, now_ms);
    assert_int_equal(take_sweeps(lab, now_ms, true), AORS - 100);
    run_second(sweeper, now_ms + 1000);
    assert_int_equal(take_sweeps(lab, now_ms, true), 0);
    assert_true(read_numbers(sweeper, now_ms + 2000).round_ms <= BD_SWEEP_ROUND_MS);
    bd_sweeper_free(sweeper);
}

static void a_pause_stands_still(void **state)
{
    struct bd_sweeper *sweeper = new_sweeper(*state);
    bd_sweeper_pause(sweeper, true);
    run_second(sweeper, 5000000000ULL);
    assert_int_equal(read_numbers(sweeper, 5000001000ULL).rounds, 0);
    assert_int_equal(read_numbers(sweeper, 5000001000ULL).lag_ms, 0);
    bd_sweeper_free(sweeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_before_its_time),
        cmocka_unit_test(a_full_ring_holds_the_walk_and_loses_nothing),
        cmocka_unit_test(what_is_due_is_gone_within_a_second),
        cmocka_unit_test(a_pause_stands_still),
    };
    return cmocka_run_group_tests(tests, open_lab, close_lab);
}
