/* SPDX-License-Identifier: BSD-3-Clause */
/* The keeper and its snapshots over a real table that changes, on a disk in memory: power cuts at
 * every change of the directory, failures of every call, deaths of either process. */
#include <errno.h>

#include "journal_fixture.h"
#include "snapshot.h"

enum { BINDINGS_MAX = 1024, KEEPER_LINE = 3, SNAPSHOT_LINE = 4, ROUND_MS = 200 };

struct world {
    struct memfs fs;
    struct model m; /* every version that each AoR had; what a load gives is held against it */
    struct fixture table;
    struct bd_journal_io io; /* of fs */
    struct bd_keeper keeper;
    struct bd_snapshot snapshot;
    bool snapshotting, snapshot_due;
    uint16_t held[MODEL_AORS]; /* version in the table */
    unsigned kept;             /* turns that reached the disk */
};

static struct bd_dirty_shared *shared(const struct world *w)
{
    return bd_dirty_of(w->table.table.arena);
}

/* --- the disk: nobody waits for it while he holds up the workers' memory -----------------------
 */

static struct world *now_in;

static void expect_offline(void)
{
    const struct bd_epoch *epoch = now_in->table.table.epoch;
    assert_int_equal(atomic_load(&epoch->line[bd_epoch_control(KEEPER_LINE)].seen), 0);
    assert_int_equal(atomic_load(&epoch->line[bd_epoch_control(SNAPSHOT_LINE)].seen), 0);
}

static int64_t watched_write(void *arg, int fd, const void *bytes, size_t len)
{
    expect_offline();
    return now_in->io.write(arg, fd, bytes, len);
}

static int watched_sync(void *arg, int fd)
{
    expect_offline();
    return now_in->io.sync(arg, fd);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static void key_of(const struct world *w, int aor, struct fixture_aor *key)
{
    key->s = model_aor(aor, key->text);
    key->hash = bd_table_hash(&w->table.table, key->s);
}

static struct bd_writer *writer(const struct world *w)
{
    return bd_memory_writer(w->table.memory, 0);
}

/* Makes the AoR's content that of a version. */
static void put(struct world *w, int aor, uint16_t version)
{
    struct bd_binding bindings[BD_CONTACTS_PER_AOR_MAX];
    struct fixture_aor key;
    key_of(w, aor, &key);
    unsigned cnt = model_bindings(&w->m, aor, version, bindings);
    assert_int_equal(fixture_put(&w->table.table, writer(w), &key, bindings, cnt), BD_TABLE_OK);
    w->held[aor] = version;
}

static void refresh(struct world *w, int aor, uint16_t version)
{
    struct bd_binding bindings[BD_CONTACTS_PER_AOR_MAX];
    struct fixture_aor key;
    struct bd_slot_ref ref;
    key_of(w, aor, &key);
    model_bindings(&w->m, aor, version, bindings);
    assert_true(bd_table_find(&w->table.table, key.hash, key.s, &ref));
    uint64_t seen = bd_record_state(ref.record, 0);
    assert_int_equal(bd_table_refresh(writer(w), &ref, 0, seen, bd_state_cseq(bindings[0].state),
                                      bd_state_expires_at_s(bindings[0].state), bindings[0].txn),
                     BD_TABLE_OK);
    w->held[aor] = version;
}

static uint16_t new_version(struct world *w, int aor, uint16_t made, unsigned cnt)
{
    uint16_t version = ++w->m.version[aor];
    assert_true(version < MODEL_VERSIONS_MAX);
    w->m.history[aor][version] = (struct model_version){made ? made : version, (uint8_t)cnt};
    return version;
}

static void change(struct world *w)
{
    int aor = (int)(fixture_random(&w->m.random) % MODEL_AORS);
    unsigned cnt = 1 + (unsigned)(fixture_random(&w->m.random) % 8 == 0);
    const struct model_version *held = &w->m.history[aor][w->held[aor]];
    uint64_t kind = fixture_random(&w->m.random) % 6;
    if (held->cnt == 0 || kind == 1)
        put(w, aor, new_version(w, aor, 0, cnt));
    else if (kind == 0)
        put(w, aor, new_version(w, aor, 0, 0));
    else
        refresh(w, aor, new_version(w, aor, held->put, held->cnt));
    bd_writer_quiescent(writer(w));
}

/* --- control -----------------------------------------------------------------------------------
 */

static void control_starts(struct world *w)
{
    bd_keeper_init(&w->keeper, &w->table.table, &w->fs.dir, bd_epoch_control(KEEPER_LINE), 1);
    w->snapshot = (struct bd_snapshot){
        .line = bd_epoch_control(SNAPSHOT_LINE), .generation = 1, .file = {.fd = -1}};
    w->snapshotting = false;
    w->snapshot_due = !atomic_load(&shared(w)->snapshot_done);
}

static void control_dies(struct world *w)
{
    bd_journal_abandon(&w->keeper.journal);
    bd_snapshot_close(&w->snapshot);
}

/* What was in the table when the turn began may be told to the world after it. */
static int64_t turn(struct world *w)
{
    struct bd_error error = {""};
    uint16_t held[MODEL_AORS];
    memcpy(held, w->held, sizeof(held));
    uint64_t durable = atomic_load(&shared(w)->durable);
    int64_t records = bd_keeper_turn(&w->keeper, &w->m.now, &error);
    if (records < 0) {
        assert_true(strlen(error.text) > 0);
        assert_int_equal(atomic_load(&shared(w)->writing), 0);
        assert_int_equal(atomic_load(&shared(w)->durable), durable);
        w->snapshot_due = true;
        return records;
    }
    assert_int_equal(atomic_load(&shared(w)->durable), atomic_load(&shared(w)->begun));
    assert_int_equal(atomic_load(&shared(w)->writing), atomic_load(&shared(w)->snapshot_done));
    if (atomic_load(&shared(w)->writing)) {
        assert_true(w->m.acks < MODEL_ACKS_MAX);
        w->m.ack[w->m.acks].ops = w->fs.ops;
        memcpy(w->m.ack[w->m.acks++].version, held, sizeof(held));
    }
    w->kept++;
    return records;
}

static void snapshot_begins(struct world *w)
{
    if (!w->keeper.open || bd_keeper_rotate(&w->keeper, &w->m.now, &w->m.error) < 0)
        return;
    w->snapshotting =
        bd_snapshot_open(&w->snapshot, &w->table.table, &w->fs.dir, w->keeper.journal.header.number,
                         &w->m.now, &w->m.error) == 0;
    w->snapshot_due = !w->snapshotting;
}

static void snapshot_goes_on(struct world *w)
{
    int rc = bd_snapshot_step(&w->snapshot, &w->m.error);
    w->snapshotting = rc > 0;
    w->snapshot_due = w->snapshot_due || rc < 0;
}

/* Some changes, a turn, and what of a snapshot is due. */
static void round_of(struct world *w)
{
    for (uint64_t n = fixture_random(&w->m.random) % 5; n > 0; n--)
        change(w);
    w->m.now.clock_ms += ROUND_MS;
    w->m.now.wall_ms += ROUND_MS;
    turn(w);
    if (fixture_random(&w->m.random) % 6 == 0)
        w->snapshot_due = true;
    if (w->snapshotting)
        snapshot_goes_on(w);
    else if (w->snapshot_due)
        snapshot_begins(w);
}

/* --- worlds ------------------------------------------------------------------------------------
 */

static void begin(struct world *w, uint64_t seed)
{
    memfs_open(&w->fs);
    model_open(&w->m, &w->fs, seed);
    w->io = w->fs.io;
    w->fs.io.write = watched_write;
    w->fs.io.sync = watched_sync;
    now_in = w;
    fixture_open(&w->table, BINDINGS_MAX, 1);
    bd_dirty_set_restored(&w->table.table);
    memset(w->held, 0, sizeof(w->held));
    w->kept = 0;
    control_starts(w);
}

static void end(struct world *w)
{
    control_dies(w);
    assert_int_equal(w->fs.open_files, 0);
    fixture_close(&w->table);
    memfs_close(&w->fs);
}

static const uint16_t *acknowledged_at(const struct world *w, unsigned ops)
{
    static const uint16_t none[MODEL_AORS];
    const uint16_t *version = none;
    for (unsigned i = 0; i < w->m.acks && w->m.ack[i].ops <= ops; i++)
        version = w->m.ack[i].version;
    return version;
}

static void expect_after_cut(const struct world *w, unsigned ops, enum memfs_rest rest,
                             uint64_t *random, struct loaded *loaded)
{
    struct memfs after;
    memfs_cut(&after, &w->fs, ops, rest, random);
    if (model_load(&w->m, &after, loaded) < 0)
        fail_msg("after change %u: %s", ops, loaded->error.text);
    model_expect(&w->m, loaded, acknowledged_at(w, ops));
    for (unsigned i = 0; i < loaded->problems; i++) { /* no false alarm of a lost file */
        assert_int_not_equal(loaded->problem[i].trouble, BD_JOURNAL_MISSING_TROUBLE);
        assert_int_not_equal(loaded->problem[i].trouble, BD_JOURNAL_MISSING_NEXT_TROUBLE);
    }
    memfs_close(&after);
}

/* Whatever happened: once the disk is well, all that the table holds is on it. */
static void expect_all(struct world *w, uint64_t *random)
{
    struct loaded loaded;
    for (unsigned i = 0; i < 3 && (turn(w) < 0 || !atomic_load(&shared(w)->writing)); i++) {
        assert_true(w->keeper.open);
        snapshot_begins(w);
        while (w->snapshotting)
            snapshot_goes_on(w);
    }
    assert_int_equal(atomic_load(&shared(w)->writing), 1);
    expect_after_cut(w, w->fs.ops, MEMFS_LOSE, random, &loaded);
    for (int a = 0; a < MODEL_AORS; a++)
        assert_int_equal(loaded.version[a] < 0, w->m.history[a][w->held[a]].cnt == 0);
}

/* --- tests -------------------------------------------------------------------------------------
 */

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
        cmocka_unit_test(ends_in_order),
        cmocka_unit_test(tells_the_time_when_idle),
    };
    bd_log_init("test", BD_LOG_ERROR); /* warnings are expected by the thousand */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
