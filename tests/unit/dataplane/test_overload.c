/* SPDX-License-Identifier: BSD-3-Clause */
/* Overload control turn by turn: what counts as overload, what levels mean, what is told to
 * proxies. test_overload_model.c has the law at work. A nanosecond is a tick. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overload.h"

#define MS 1000000ULL
#define S  1000000000ULL

/* A few requests wait for a verifier that hangs: not the worker's to judge. */
static void test_a_few_that_wait_are_none(void **state)
{
    (void)state;
    struct bd_overload o;
    bd_overload_init(&o, S);
    bd_overload_aim(&o, 10000, BD_SILENCE_MAX_MS);
    struct bd_load load = {.now_tsc = S, .waiting = BD_OVERLOAD_WAITING_MIN - 1, .oldest_tsc = 1};
    for (unsigned i = 0; i < 10000; i++, load.now_tsc += MS / 10)
        bd_overload_turn(&o, &load);
    assert_false(o.shedding.active);
    load.waiting++;
    for (unsigned i = 0; i < 1000; i++, load.now_tsc += MS / 10)
        bd_overload_turn(&o, &load);
    assert_true(o.shedding.active);
    /* Domains without digest want no verifier. */
    assert_int_equal(o.shedding.admit[BD_NEED_WORKER][BD_CLASS_UNKNOWN], BD_ADMIT_ALL);
    assert_true(o.shedding.admit[BD_NEED_VERIFIER][BD_CLASS_UNKNOWN] < BD_ADMIT_ALL);
    bd_overload_aim(&o, 0, 0); /* switched off */
    assert_false(o.shedding.active);
    assert_false(bd_overload_turn(&o, &load));
    assert_int_equal(o.shedding.admit[BD_NEED_VERIFIER][BD_CLASS_UNKNOWN], BD_ADMIT_ALL);
}

/* A queue that is worked off before it has stood for the target, however often one does. */
static void test_a_short_queue_is_none(void **state)
{
    (void)state;
    struct bd_overload o;
    bd_overload_init(&o, S);
    bd_overload_aim(&o, 20000, BD_SILENCE_MAX_MS);
    struct bd_load load = {.now_tsc = S};
    for (unsigned i = 0; i < 20000; i++, load.now_tsc += MS / 10) {
        load.burst_full = i % 210 != 0; /* 21 ms: no interval is all above 20 */
        bd_overload_turn(&o, &load);
        assert_false(o.shedding.active);
    }
    load.burst_full = true;
    for (unsigned i = 0; i < 400; i++, load.now_tsc += MS / 10)
        bd_overload_turn(&o, &load);
    assert_true(o.shedding.active);
}

/* The last quarter of the room is for refreshes, before any level could have moved. */
static void test_room_for_refreshes(void **state)
{
    (void)state;
    struct bd_overload o;
    bd_overload_init(&o, S);
    bd_overload_aim(&o, 10000, BD_SILENCE_MAX_MS);
    struct bd_load load = {
        .now_tsc = S, .waiting = BD_OVERLOAD_WAITING_TIGHT, .oldest_tsc = S - 1000};
    bd_overload_turn(&o, &load);
    assert_true(o.shedding.active);
    assert_int_equal(o.shedding.admit[BD_NEED_VERIFIER][BD_CLASS_NEW], 0);
    assert_int_equal(o.shedding.admit[BD_NEED_VERIFIER][BD_CLASS_REFRESH], BD_ADMIT_ALL);
    assert_int_equal(o.shedding.admit[BD_NEED_WORKER][BD_CLASS_UNKNOWN], BD_ADMIT_ALL);
    load.waiting--;
    bd_overload_turn(&o, &load);
    assert_false(o.shedding.active);
}

/* In order, and never more of a class than of the one before it. */
static void test_levels(void **state)
{
    (void)state;
    for (uint32_t level = 0; level <= BD_LEVEL_VERIFIER_MAX; level++) {
        for (unsigned c = 0; c < BD_CLASS_CNT; c++) {
            uint32_t admit = bd_overload_admits(level, (enum bd_class)c);
            double exact = 65536 * pow(2, -((double)level - 128.0 * c) / 16);
            if (level <= 128 * c)
                assert_int_equal(admit, BD_ADMIT_ALL);
            else if (level >= 128 * (c + 1))
                assert_int_equal(admit, 0);
            else
                assert_true(fabs(admit - exact) < 1.01);
        }
    }
    assert_true(bd_overload_admits(BD_LEVEL_VERIFIER_MAX, BD_CLASS_REFRESH) > 0);
}

/* A port that always has more: half of the unknown is shed, and turns are not. */
static void test_turns_are_not_for_the_worker(void **state)
{
    (void)state;
    struct bd_overload o;
    bd_overload_init(&o, S);
    bd_overload_aim(&o, 10000, BD_SILENCE_MAX_MS);
    struct bd_load load = {.now_tsc = S, .burst_full = true};
    assert_false(o.shedding.guard);
    for (unsigned i = 0; i < 20000; i++, load.now_tsc += MS / 10)
        bd_overload_turn(&o, &load);
    const struct bd_shedding *s = &o.shedding;
    assert_true(s->guard);
    assert_int_equal(o.loop[BD_NEED_WORKER].level, BD_LEVEL_WORKER_MAX);
    for (unsigned n = 0; n < BD_NEED_CNT; n++) {
        assert_int_equal(s->admit[n][BD_CLASS_UNKNOWN], BD_ADMIT_ALL / 2);
        assert_int_equal(s->admit[n][BD_CLASS_NEW], BD_ADMIT_ALL);
        assert_int_equal(s->admit[n][BD_CLASS_REFRESH], BD_ADMIT_ALL);
        for (unsigned c = 0; c < BD_CLASS_CNT; c++)
            assert_int_equal(s->turns[n][c], BD_ADMIT_ALL);
    }
    /* Verifiers that have no room but for refreshes. */
    load.waiting = BD_OVERLOAD_WAITING_TIGHT;
    load.oldest_tsc = load.now_tsc;
    bd_overload_turn(&o, &load);
    assert_int_equal(s->turns[BD_NEED_WORKER][BD_CLASS_UNKNOWN], BD_ADMIT_ALL);
    assert_int_equal(s->turns[BD_NEED_VERIFIER][BD_CLASS_NEW], 0);
    assert_int_equal(s->turns[BD_NEED_VERIFIER][BD_CLASS_REFRESH], BD_ADMIT_ALL);
}

/* A millisecond at a time; requests have waited so long for a verifier. */
static void pass(struct bd_overload *o, struct bd_load *load, unsigned ms, unsigned waited_ms)
{
    for (unsigned i = 0; i < ms; i++) {
        load->now_tsc += MS;
        load->oldest_tsc = load->now_tsc - waited_ms * MS;
        bd_overload_turn(o, load);
    }
}

/* An overload is silent while it is young and work gets done; a later one is young again. */
static void test_silence(void **state)
{
    (void)state;
    struct bd_overload o;
    bd_overload_init(&o, S);
    bd_overload_aim(&o, 10000, BD_SILENCE_MAX_MS);
    struct bd_load load = {.now_tsc = S, .waiting = 100};
    assert_true(o.shedding.silent);
    for (unsigned storm = 0; storm < 2; storm++) {
        pass(&o, &load, 1000, 100);
        assert_true(o.shedding.active && o.shedding.silent);
        pass(&o, &load, 1000, BD_T1_MS + 20);
        assert_false(o.shedding.silent);
        pass(&o, &load, BD_SILENCE_MAX_MS - 2100, BD_T1_MS - 20);
        assert_true(o.shedding.silent);
        pass(&o, &load, 200, 100);
        assert_true(o.shedding.active);
        assert_false(o.shedding.silent);
        load.waiting = 0;
        pass(&o, &load, 3000, 0);
        assert_false(o.shedding.active);
        load.waiting = 100;
    }
    /* The same for a worker that is behind: its port holds no more than some milliseconds. */
    load.waiting = 0;
    load.burst_full = true;
    pass(&o, &load, BD_SILENCE_MAX_MS - 100, 0);
    assert_true(o.shedding.active && o.shedding.silent);
    pass(&o, &load, 300, 0);
    assert_false(o.shedding.silent);
}

/* As long as it is told to; 0: never. */
static void test_silence_configured(void **state)
{
    (void)state;
    static const uint32_t row[] = {0, 500, 2000};
    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bd_overload o;
        bd_overload_init(&o, S);
        bd_overload_aim(&o, 10000, row[i]);
        struct bd_load load = {.now_tsc = S, .burst_full = true};
        assert_int_equal(o.shedding.silent, row[i] > 0);
        if (row[i] > 0) {
            pass(&o, &load, row[i] - 100, 0);
            assert_true(o.shedding.active && o.shedding.silent);
        }
        pass(&o, &load, 300, 0);
        assert_true(o.shedding.active && !o.shedding.silent);
        bd_overload_aim(&o, 10000, 0);
        assert_false(o.shedding.silent);
    }
}

static bool oc_is(const struct bd_overload *o, const char *text)
{
    return bd_str_eq(o->shedding.oc, bd_str_from(text));
}

static void turns(struct bd_overload *o, struct bd_load *load, unsigned ms)
{
    for (unsigned i = 0; i < 10 * ms; i++) {
        load->now_tsc += MS / 10;
        load->wall_ms = load->now_tsc / MS;
        bd_overload_turn(o, load);
    }
}

/* RFC 7339: what those who ask are told follows from what of theirs is shed. */
static void test_feedback(void **state)
{
    (void)state;
    struct bd_overload o;
    bd_overload_init(&o, S);
    bd_overload_aim(&o, 10000, BD_SILENCE_MAX_MS);
    struct bd_load load = {.now_tsc = 1282321615ULL * S, .waiting = 0};
    turns(&o, &load, 11);
    assert_true(oc_is(&o, "oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=1282321615.001") ||
                oc_is(&o, "oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=1282321615.010"));
    load.waiting = 100;
    load.oldest_tsc = load.now_tsc;
    uint64_t sequence = o.oc_sequence_ms;
    for (unsigned i = 0; o.loop[BD_NEED_VERIFIER].level < BD_LEVELS_PER_CLASS && i < 100; i++)
        turns(&o, &load, 10);
    assert_true(o.oc_sequence_ms > sequence);
    /* Strangers may be shed as they will: those who ask send refreshes and are told nothing. */
    o.shedding.asked[BD_NEED_VERIFIER][BD_CLASS_REFRESH] = 1000;
    turns(&o, &load, 10);
    assert_int_equal(bd_overload_loss(&o), 0);
    memset(o.asked, 0, sizeof(o.asked));
    o.shedding.asked[BD_NEED_VERIFIER][BD_CLASS_REFRESH] = 600;
    o.shedding.asked[BD_NEED_VERIFIER][BD_CLASS_UNKNOWN] = 400;
    turns(&o, &load, 10);
    assert_int_equal(bd_overload_loss(&o), 40);
    assert_memory_equal(o.oc_text, "oc=40;oc-algo=\"loss\";oc-validity=500;oc-seq=", 44);
    /* The clock steps back: the sequence does not. */
    sequence = o.oc_sequence_ms;
    load.wall_ms = 5;
    for (unsigned i = 0; i < 200; i++) {
        load.now_tsc += MS / 10;
        bd_overload_turn(&o, &load);
    }
    assert_in_range(o.oc_sequence_ms, sequence + 1, sequence + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_few_that_wait_are_none),
        cmocka_unit_test(test_a_short_queue_is_none),
        cmocka_unit_test(test_room_for_refreshes),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_turns_are_not_for_the_worker),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_silence_configured),
        cmocka_unit_test(test_feedback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
