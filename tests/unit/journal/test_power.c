/* SPDX-License-Identifier: BSD-3-Clause */
/* Power cuts at every change of the directory, and failures of every call. */
#include <errno.h>

#include "journal_fixture.h"

static void run(struct model *m, unsigned turns)
{
    assert_int_equal(model_begin(m), 0);
    for (unsigned i = 0; i < turns; i++) {
        for (unsigned n = 0; n < 1 + fixture_random(&m->random) % 5; n++)
            model_step(m);
        assert_int_equal(model_sweep(m), 0);
        if (fixture_random(&m->random) % 2 == 0)
            assert_int_equal(model_sync(m), 0);
        if (fixture_random(&m->random) % 6 == 0)
            assert_int_equal(model_snapshot(m, true), 0);
    }
}

static const uint16_t *acknowledged_at(const struct model *m, unsigned ops)
{
    static const uint16_t none[MODEL_AORS];
    const uint16_t *version = none;
    for (unsigned i = 0; i < m->acks && m->ack[i].ops <= ops; i++)
        version = m->ack[i].version;
    return version;
}

static void expect_after_cut(const struct model *m, unsigned ops, enum memfs_rest rest,
                             uint64_t *random)
{
    struct memfs after;
    struct loaded loaded;
    memfs_cut(&after, m->fs, ops, rest, random);
    if (model_load(m, &after, &loaded) < 0)
        fail_msg("after change %u: %s", ops, loaded.error.text);
    model_expect(m, &loaded, acknowledged_at(m, ops));
    memfs_close(&after);
}

static void keeps_what_was_synced_at_any_power_cut(void **state)
{
    uint64_t seed = fixture_seed("power");
    for (unsigned round = 0; round < 3; round++) {
        struct memfs fs;
        struct model m;
        memfs_open(&fs);
        model_open(&m, &fs, seed + round);
        run(&m, 25);
        assert_true(m.acks > 3);
        for (unsigned ops = 0; ops <= fs.ops; ops++) {
            for (int rest = MEMFS_LOSE; rest <= MEMFS_CHANCE; rest++)
                expect_after_cut(&m, ops, (enum memfs_rest)rest, &seed);
            expect_after_cut(&m, ops, MEMFS_CHANCE, &seed);
        }
        bd_journal_abandon(&m.journal);
        memfs_close(&fs);
    }
}

/* What control does when a call failed: the next journal and a snapshot, until it works. */
static bool recover(struct model *m, unsigned tries)
{
    while (tries-- > 0) {
        if (m->journal.fd < 0 && m->journal.header.number == 0) {
            if (model_begin(m) == 0)
                return true;
        } else if (model_snapshot(m, false) == 0) {
            return true;
        }
    }
    return false;
}

static void run_with_faults(struct model *m)
{
    if (model_begin(m) < 0) {
        assert_true(strlen(m->error.text) > 0);
        m->journal = (struct bd_journal){.fd = -1};
        recover(m, 1);
    }
    for (unsigned i = 0; i < 8; i++) {
        model_step(m);
        model_step(m);
        m->error.text[0] = '\0';
        int rc = m->journal.fd < 0 ? -1 : model_sweep(m);
        rc = rc < 0 || model_sync(m) < 0 || (i % 4 == 3 && model_snapshot(m, true) < 0) ? -1 : 0;
        if (rc < 0)
            m->degraded = true;
        if (rc < 0 && m->fs->fail_rc < 0 && m->journal.fd >= 0)
            assert_true(strlen(m->error.text) > 0);
        if (m->degraded)
            recover(m, 1);
    }
}

static void expect_whole_in_the_end(struct model *m, uint64_t *random)
{
    struct memfs after;
    struct loaded loaded;
    m->fs->fail_rc = 0;
    if (m->degraded || m->journal.failed)
        assert_true(recover(m, 1));
    assert_int_equal(model_sweep(m), 0);
    assert_int_equal(model_sync(m), 0);
    memfs_cut(&after, m->fs, m->fs->ops, MEMFS_CHANCE, random);
    assert_int_equal(model_load(m, &after, &loaded), 0);
    model_expect_all(m, &loaded);
    memfs_close(&after);
}

static void survives_a_failure_of_every_call(void **state)
{
    static const struct {
        int rc;
        unsigned cnt;
    } fault[] = {{-EIO, 1},     {-ENOSPC, 1}, {-EINTR, 1},    {1, 1},       {-ENOSPC, 7},
                 {-EROFS, 200}, {-EIO, 3},    {-EINTR, 1000}, {1, 1000000}, {-EDQUOT, 40}};
    uint64_t seed = fixture_seed("faults");
    for (unsigned f = 0; f < sizeof(fault) / sizeof(*fault); f++) {
        for (unsigned n = 0, calls = 1; n < calls; n++) {
            struct memfs fs;
            struct model m;
            memfs_open(&fs);
            model_open(&m, &fs, seed);
            fs.fail_at = n;
            fs.fail_cnt = fault[f].cnt;
            fs.fail_rc = fault[f].rc;
            run_with_faults(&m);
            calls = fs.calls;
            /* A power cut at any moment of it. */
            for (unsigned ops = n % 7; ops < fs.ops; ops += 7)
                expect_after_cut(&m, ops, MEMFS_CHANCE, &seed);
            expect_whole_in_the_end(&m, &seed);
            bd_journal_abandon(&m.journal);
            memfs_close(&fs);
        }
    }
}

static void loads_over_a_failure_of_every_call(void **state)
{
    static const int fault[] = {-EIO, -EINTR, 1, -ENOSPC};
    uint64_t seed = fixture_seed("load");
    struct memfs fs;
    struct model m;
    struct loaded loaded;
    memfs_open(&fs);
    model_open(&m, &fs, seed);
    run(&m, 12);
    assert_int_equal(model_sync(&m), 0);
    bd_journal_abandon(&m.journal);
    for (unsigned f = 0; f < 4; f++) {
        for (unsigned cnt = 1; cnt < 100000; cnt *= 20) {
            for (unsigned n = 0, calls = 1; n < calls; n++) {
                fs.fail_rc = 0;
                fs.calls = 0;
                if (fault[f] == -EINTR && cnt > 1000)
                    continue;
                fs.fail_rc = fault[f];
                fs.fail_at = n;
                fs.fail_cnt = cnt;
                if (model_load(&m, &fs, &loaded) < 0)
                    assert_true(strlen(loaded.error.text) > 0);
                else if (loaded.report.problems == 0)
                    model_expect_all(&m, &loaded);
                calls = fs.calls;
            }
        }
    }
    memfs_close(&fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_synced_at_any_power_cut),
        cmocka_unit_test(survives_a_failure_of_every_call),
        cmocka_unit_test(loads_over_a_failure_of_every_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
