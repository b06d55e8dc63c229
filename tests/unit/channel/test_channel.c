/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "channel.h"
#include "notify_branch.h"

enum { WORKERS = 3, RINGS = 7 };

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
    } want[RINGS] = {
        {BD_JOBS_CNT, BD_JOB_SZ},         {BD_VERDICTS_CNT, 32}, {BD_SWEEPS_CNT, 8},
        {BD_COMMANDS_CNT, 1024},          {BD_COMMANDS_CNT, 64}, {BD_INBOUND_CNT, BD_INBOUND_SZ},
        {BD_OUTBOUND_CNT, BD_OUTBOUND_SZ}};
    const uint8_t *end = bd_arena_region(&arena, BD_REGION_CHANNELS);
    for (unsigned w = 0; w < WORKERS; w++) {
        struct bd_channel c = bd_channel_of(&arena, w);
        struct bd_ring *ring[RINGS] = {c.jobs,    c.verdicts, c.sweeps,  c.commands,
                                       c.reports, c.inbound,  c.outbound};
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
    struct bd_job_writer w = bd_job_begin(&u.job);
    for (unsigned t = 0; t < BD_JOB_TEXT_CNT; t++)
        bd_job_put(&w, t, (struct bd_str){text, t == BD_JOB_CNONCE ? 0 : t + 5});
    assert_false(w.overflow);
    for (unsigned t = 0; t < BD_JOB_TEXT_CNT; t++)
        assert_int_equal(bd_job_get(&u.job, t).len, t == BD_JOB_CNONCE ? 0 : t + 5);
    assert_true(bd_str_eq(bd_job_get(&u.job, BD_JOB_REALM), (struct bd_str){text, 6}));
}

static void a_job_ends_where_its_element_ends(void **state)
{
    union {
        struct bd_verify_job job;
        char bytes[BD_JOB_SZ + 64]; /* of which the last are behind it */
    } u = {0};
    static char text[BD_JOB_SZ];
    memset(text, 'x', sizeof(text));
    struct bd_job_writer w = bd_job_begin(&u.job);
    bd_job_put(&w, 0, (struct bd_str){text, BD_JOB_TEXT_MAX + 1});
    assert_true(w.overflow);
    w = bd_job_begin(&u.job);
    bd_job_put(&w, 0, (struct bd_str){text, UINT32_MAX});
    assert_true(w.overflow);
    for (uint32_t len = BD_JOB_TEXT_MAX - 2 * 64; len <= BD_JOB_TEXT_MAX; len++) {
        w = bd_job_begin(&u.job);
        u.bytes[BD_JOB_SZ] = 'b';
        bd_job_put(&w, 0, (struct bd_str){text, len});
        bd_job_put(&w, 1, BD_STR_NULL);
        bd_job_put(&w, 2, (struct bd_str){text, (uint32_t)(BD_JOB_TEXT_MAX - len)});
        assert_false(w.overflow);
        assert_int_equal(u.bytes[BD_JOB_SZ], 'b');
        assert_memory_equal(u.job.text, text, BD_JOB_TEXT_MAX);
        bd_job_put(&w, 3, BD_STR("x"));
        assert_true(w.overflow);
    }
    /* Lengths that another process might have written. */
    u.job.text_len[0] = UINT16_MAX;
    assert_null(bd_job_get(&u.job, 0).p);
    assert_null(bd_job_get(&u.job, 5).p);
}

static void an_inbound_datagram_has_its_names(void **state)
{
    union {
        struct bd_inbound in;
        char bytes[BD_INBOUND_SZ];
    } u = {0};
    static char text[BD_INBOUND_SZ];
    struct bd_str watcher = BD_STR("a@b"), none = BD_STR_NULL;
    struct bd_str most = {text, BD_INBOUND_TEXT_MAX - watcher.len};
    assert_true(bd_inbound_put(&u.in, watcher, none, most));
    assert_true(bd_str_eq(bd_inbound_get(&u.in).watcher, watcher));
    assert_int_equal(bd_inbound_get(&u.in).resource.len, 0);
    assert_int_equal(bd_inbound_get(&u.in).datagram.len, most.len);
    most.len++;
    assert_false(bd_inbound_put(&u.in, watcher, none, most));
    u.in.resource_len = UINT16_MAX; /* that another process might have written */
    assert_null(bd_inbound_get(&u.in).datagram.p);
}

static void a_notify_branch_cannot_be_guessed(void **state)
{
    struct bd_hash_key key, other;
    bd_hash_key_init(&key, 1);
    bd_hash_key_init(&other, 2);
    char text[BD_NOTIFY_BRANCH_LEN];
    struct bd_str branch = {text, sizeof(text)};
    uint64_t id;
    bd_notify_branch_make(&key, 0x1122334455667788, text);
    assert_true(bd_notify_branch_read(&key, branch, &id));
    assert_true(id == 0x1122334455667788);
    assert_false(bd_notify_branch_read(&other, branch, &id));
    for (uint32_t i = 0; i < branch.len; i++) {
        text[i] ^= 1;
        assert_false(bd_notify_branch_read(&key, branch, &id));
        text[i] ^= 1;
    }
    branch.len--;
    assert_false(bd_notify_branch_read(&key, branch, &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_has_rings_of_its_own),
        cmocka_unit_test(a_job_carries_its_texts),
        cmocka_unit_test(a_job_ends_where_its_element_ends),
        cmocka_unit_test(an_inbound_datagram_has_its_names),
        cmocka_unit_test(a_notify_branch_cannot_be_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
