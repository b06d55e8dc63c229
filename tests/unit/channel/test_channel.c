/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "channel.h"

enum { WORKERS = 3, RINGS = 5 };

static void format(struct bd_arena *arena, const void *arg)
{
    bd_channels_format(arena, WORKERS);
}

static void every_worker_has_rings_of_its_own(void **state)
{
    struct bd_arena arena;
    struct bd_error error = {""};
    struct bd_arena_params params = {
        .region_sz = {[BD_REGION_CHANNELS] = bd_channels_footprint(WORKERS)}, .format = format};
    assert_int_equal(bd_channels_footprint(BD_WORKERS_MAX + 1), 0);
    assert_int_equal(bd_arena_create_private(&arena, &params, &error), 0);
    static const struct {
        uint32_t cnt, sz;
    } want[RINGS] = {{BD_JOBS_CNT, BD_JOB_SZ},
                     {BD_VERDICTS_CNT, 32},
                     {BD_SWEEPS_CNT, 8},
                     {BD_COMMANDS_CNT, 1024},
                     {BD_COMMANDS_CNT, 64}};
    const uint8_t *end = bd_arena_region(&arena, BD_REGION_CHANNELS);
    for (unsigned w = 0; w < WORKERS; w++) {
        struct bd_channel c = bd_channel_of(&arena, w);
        struct bd_ring *ring[RINGS] = {c.jobs, c.verdicts, c.sweeps, c.commands, c.reports};
        for (unsigned r = 0; r < RINGS; r++) {
            assert_true((const uint8_t *)ring[r] >= end);
            assert_int_equal(bd_ring_size(ring[r]), want[r].cnt);
            assert_int_equal(bd_ring_used(ring[r]), 0);
            end = (const uint8_t *)ring[r] + bd_ring_footprint(want[r].cnt, want[r].sz);
            memset(bd_ring_reserve(ring[r]), 0xff, want[r].sz);
        }
    }
    assert_true(end <= (const uint8_t *)bd_arena_region(&arena, BD_REGION_CHANNELS) +
                           params.region_sz[BD_REGION_CHANNELS]);
    bd_arena_leave(&arena);
}

static void a_job_carries_its_texts(void **state)
{
    union {
        struct bd_verify_job job;
        char bytes[BD_JOB_SZ];
    } u = {0};
    static char text[BD_JOB_SZ];
    memset(text, 'x', sizeof(text));
    for (unsigned t = 0; t < BD_JOB_TEXT_CNT; t++)
        assert_true(bd_job_put(&u.job, t, (struct bd_str){text, t == BD_JOB_CNONCE ? 0 : t + 5}));
    for (unsigned t = 0; t < BD_JOB_TEXT_CNT; t++)
        assert_int_equal(bd_job_get(&u.job, t).len, t == BD_JOB_CNONCE ? 0 : t + 5);
    assert_true(bd_str_eq(bd_job_get(&u.job, BD_JOB_REALM), (struct bd_str){text, 6}));
}

static void a_job_ends_where_its_element_ends(void **state)
{
    union {
        struct bd_verify_job job;
        char bytes[BD_JOB_SZ];
    } u = {0};
    static char text[BD_JOB_SZ];
    assert_false(bd_job_put(&u.job, 0, (struct bd_str){text, BD_JOB_TEXT_MAX + 1}));
    assert_true(bd_job_put(&u.job, 0, (struct bd_str){text, BD_JOB_TEXT_MAX}));
    assert_true(bd_job_put(&u.job, 1, BD_STR_NULL));
    assert_false(bd_job_put(&u.job, 2, BD_STR("x")));
    /* Lengths that another process might have written. */
    u.job.text_len[0] = UINT16_MAX;
    assert_null(bd_job_get(&u.job, 0).p);
    assert_null(bd_job_get(&u.job, 5).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_has_rings_of_its_own),
        cmocka_unit_test(a_job_carries_its_texts),
        cmocka_unit_test(a_job_ends_where_its_element_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
