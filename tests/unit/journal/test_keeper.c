/* SPDX-License-Identifier: BSD-3-Clause */
/* The keeper and its snapshots over a real table that changes, on a disk in memory: power cuts at
 * every change of the directory, failures of every call, deaths of either process. */
#include <errno.h>

#include "keeper_world.h"

static void keeps_what_was_told_at_any_power_cut(void **state)
{
    uint64_t seed = fixture_seed("keeper, power");
    for (unsigned round = 0; round < 3; round++) {
        static struct world w;
        struct loaded loaded;
        begin(&w, seed + round);
        for (unsigned i = 0; i < 40; i++) {
            round_of(&w);
            if (i % 13 == 12) {
                control_dies(&w);
                control_starts(&w);
            }
        }
        assert_true(w.m.acks > 10);
        for (unsigned ops = 0; ops <= w.fs.ops; ops++) {
            for (int rest = MEMFS_LOSE; rest <= MEMFS_CHANCE; rest++)
                expect_after_cut(&w, ops, (enum memfs_rest)rest, &seed, &loaded);
        }
        expect_all(&w, &seed);
        end(&w);
    }
}

static void survives_a_failure_of_every_call(void **state)
{
    static const struct {
        int rc;
        unsigned cnt;
    } fault[] = {{-EIO, 1},  {-ENOSPC, 1},  {-EINTR, 1}, {1, 1000000},
                 {-EIO, 30}, {-ENOSPC, 60}, {-EROFS, 7}};
    uint64_t seed = fixture_seed("keeper, faults"), random = seed;
    for (unsigned f = 0; f < sizeof(fault) / sizeof(*fault); f++) {
        for (unsigned n = 0, calls = 1; n < calls; n++) {
            static struct world w;
            struct loaded loaded;
            begin(&w, seed);
            w.fs.fail_at = n;
            w.fs.fail_cnt = fault[f].cnt;
            w.fs.fail_rc = fault[f].rc;
            for (unsigned i = 0; i < 14; i++)
                round_of(&w);
            calls = w.fs.calls;
            w.fs.fail_rc = 0;
            for (unsigned ops = n % 11; ops < w.fs.ops; ops += 11)
                expect_after_cut(&w, ops, MEMFS_CHANCE, &random, &loaded);
            expect_all(&w, &random);
            end(&w);
        }
    }
}

/* A full disk for an hour: it is not filled further, and numbers stay few. */
static void leaves_no_files_behind_while_the_disk_is_full(void **state)
{
    static struct world w;
    uint64_t seed = fixture_seed("keeper, full");
    begin(&w, seed);
    for (unsigned i = 0; i < 4; i++)
        round_of(&w);
    change(&w);
    int names = w.fs.names;
    for (unsigned i = 0; i < 100; i++) {
        /* A new file gets its header, its directory entry, and nothing more. */
        w.fs.fail_at = w.fs.calls + (w.keeper.open ? 0 : 6);
        w.fs.fail_cnt = 1;
        w.fs.fail_rc = -ENOSPC;
        assert_int_equal(turn(&w), -1);
        w.fs.fail_rc = 0;
    }
    assert_true(w.fs.names <= names + 1);
    expect_all(&w, &seed);
    end(&w);
}

/* Loads what is on the disk after a power cut into another arena, as the dataplane does. */
static void move_to_new_arena(struct world *w, uint64_t *random)
{
    struct memfs after;
    struct loaded loaded;
    memfs_cut(&after, &w->fs, w->fs.ops, MEMFS_CHANCE, random);
    assert_int_equal(model_load(&w->m, &after, &loaded), 0);
    control_dies(w);
    fixture_close(&w->table);
    memfs_close(&w->fs);
    w->fs = after;
    w->fs.io.arg = &w->fs;
    w->fs.dir.io = &w->fs.io;
    w->fs.io.write = watched_write;
    w->fs.io.sync = watched_sync;
    memfs_settle(&w->fs);
    fixture_open(&w->table, BINDINGS_MAX, 1);
    for (int a = 0; a < MODEL_AORS; a++) {
        w->held[a] = 0;
        if (loaded.version[a] > 0)
            put(w, a, (uint16_t)loaded.version[a]);
    }
    bd_dirty_set_restored(&w->table.table);
    w->m.acks = 1;
    w->m.ack[0].ops = w->fs.ops;
    memcpy(w->m.ack[0].version, w->held, sizeof(w->held));
    control_starts(w);
}

static void goes_on_in_another_arena(void **state)
{
    uint64_t seed = fixture_seed("keeper, arenas");
    for (unsigned round = 0; round < 4; round++) {
        static struct world w;
        struct loaded loaded;
        begin(&w, seed + round);
        for (unsigned i = 0; i < 15; i++)
            round_of(&w);
        move_to_new_arena(&w, &seed);
        unsigned first = w.fs.ops;
        assert_int_equal(turn(&w) < 0, false);
        assert_int_equal(atomic_load(&shared(&w)->writing), 0); /* nothing is promised before */
        for (unsigned i = 0; i < 15; i++)
            round_of(&w);
        for (unsigned ops = first; ops <= w.fs.ops; ops++)
            expect_after_cut(&w, ops, MEMFS_CHANCE, &seed, &loaded);
        expect_all(&w, &seed);
        end(&w);
    }
}

/* Somebody emptied the directory, or named another, while control was away. */
static void begins_anew_in_an_empty_directory(void **state)
{
    static struct world w;
    uint64_t seed = fixture_seed("keeper, emptied");
    begin(&w, seed);
    for (unsigned i = 0; i < 20; i++)
        round_of(&w);
    expect_all(&w, &seed);
    control_dies(&w);
    while (w.fs.names > 0)
        memfs_remove(&w.fs, w.fs.name[0].name);
    memfs_settle(&w.fs);
    control_starts(&w);
    assert_false(w.snapshot_due);
    change(&w);
    turn(&w);
    assert_int_equal(atomic_load(&shared(&w)->snapshot_done), 0);
    expect_all(&w, &seed);
    end(&w);
}

/* Somebody emptied it while control writes: no promise is kept by a file that nobody finds. */
static void begins_anew_when_its_journal_is_removed(void **state)
{
    static struct world w;
    uint64_t seed = fixture_seed("keeper, removed");
    begin(&w, seed);
    for (unsigned i = 0; i < 20; i++)
        round_of(&w);
    assert_int_equal(atomic_load(&shared(&w)->snapshot_done), 1);
    while (w.fs.names > 0)
        memfs_remove(&w.fs, w.fs.name[0].name);
    memfs_settle(&w.fs);
    change(&w);
    turn(&w);
    assert_false(w.keeper.open);
    assert_int_equal(atomic_load(&shared(&w)->writing), 0);
    assert_int_equal(atomic_load(&shared(&w)->snapshot_done), 0);
    for (unsigned i = 0; i < 20; i++)
        round_of(&w);
    expect_all(&w, &seed);
    end(&w);
}

static void ends_in_order(void **state)
{
    static struct world w;
    struct loaded loaded;
    struct bd_error error;
    uint64_t seed = fixture_seed("keeper, end");
    begin(&w, seed);
    for (unsigned i = 0; i < 20; i++)
        round_of(&w);
    expect_all(&w, &seed);
    change(&w);
    assert_int_equal(bd_keeper_close(&w.keeper, &w.m.now, &error), 0);
    assert_int_equal(atomic_load(&shared(&w)->writing), 0);
    memcpy(w.m.ack[w.m.acks - 1].version, w.held, sizeof(w.held));
    expect_after_cut(&w, w.fs.ops, MEMFS_LOSE, &seed, &loaded);
    assert_int_equal(loaded.report.unended, 0);
    end(&w);
}

/* Nothing changes for long: the journal tells the time now and then, and not each turn. */
static void tells_the_time_when_idle(void **state)
{
    static struct world w;
    begin(&w, fixture_seed("keeper, idle"));
    assert_int_equal(turn(&w), 0);
    unsigned ops = w.fs.ops;
    w.m.now.clock_ms += BD_KEEPER_IDLE_MS - 1;
    assert_int_equal(turn(&w), 0);
    assert_int_equal(w.fs.ops, ops);
    w.m.now.clock_ms += 1;
    assert_int_equal(turn(&w), 0);
    assert_int_equal(w.fs.ops, ops + 2); /* a write and its sync */
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_told_at_any_power_cut),
        cmocka_unit_test(survives_a_failure_of_every_call),
        cmocka_unit_test(leaves_no_files_behind_while_the_disk_is_full),
        cmocka_unit_test(goes_on_in_another_arena),
        cmocka_unit_test(begins_anew_in_an_empty_directory),
        cmocka_unit_test(begins_anew_when_its_journal_is_removed),
        cmocka_unit_test(ends_in_order),
        cmocka_unit_test(tells_the_time_when_idle),
    };
    bd_log_init("test", BD_LOG_ERROR); /* warnings are expected by the thousand */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
