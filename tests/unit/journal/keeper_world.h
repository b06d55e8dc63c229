/* SPDX-License-Identifier: BSD-3-Clause */
/* A table that changes, the keeper and its snapshots over it, and a disk in memory: a whole world
 * to cut the power of. What a load may give is held against every version that each AoR ever had.
 */
#ifndef BD_TEST_KEEPER_WORLD_H
#define BD_TEST_KEEPER_WORLD_H

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

static inline struct bd_dirty_shared *shared(const struct world *w)
{
    return bd_dirty_of(w->table.table.arena);
}

/* --- the disk: nobody waits for it while he holds up the workers' memory ---------------------- */

static struct world *now_in;

static inline void expect_offline(void)
{
    const struct bd_epoch *epoch = now_in->table.table.epoch;
    assert_int_equal(atomic_load(&epoch->line[bd_epoch_control(KEEPER_LINE)].seen), 0);
    assert_int_equal(atomic_load(&epoch->line[bd_epoch_control(SNAPSHOT_LINE)].seen), 0);
}

static inline int64_t watched_write(void *arg, int fd, const void *bytes, size_t len)
{
    expect_offline();
    return now_in->io.write(arg, fd, bytes, len);
}

static inline int watched_sync(void *arg, int fd)
{
    expect_offline();
    return now_in->io.sync(arg, fd);
}

/* --- the table -------------------------------------------------------------------------------- */

static inline void key_of(const struct world *w, int aor, struct fixture_aor *key)
{
    key->s = model_aor(aor, key->text);
    key->hash = bd_table_hash(&w->table.table, key->s);
}

static inline struct bd_writer *writer(const struct world *w)
{
    return bd_memory_writer(w->table.memory, 0);
}

/* Makes the AoR's content that of a version. */
static inline void put(struct world *w, int aor, uint16_t version)
{
    struct bd_binding bindings[BD_CONTACTS_PER_AOR_MAX];
    struct fixture_aor key;
    key_of(w, aor, &key);
    unsigned cnt = model_bindings(&w->m, aor, version, bindings);
    assert_int_equal(fixture_put(&w->table.table, writer(w), &key, bindings, cnt), BD_TABLE_OK);
    w->held[aor] = version;
}

static inline void refresh(struct world *w, int aor, uint16_t version)
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

static inline uint16_t new_version(struct world *w, int aor, uint16_t made, unsigned cnt)
{
    uint16_t version = ++w->m.version[aor];
    assert_true(version < MODEL_VERSIONS_MAX);
    w->m.history[aor][version] = (struct model_version){made ? made : version, (uint8_t)cnt};
    return version;
}

static inline void change(struct world *w)
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

/* --- control ---------------------------------------------------------------------------------- */

static inline void control_starts(struct world *w)
{
    bd_keeper_init(&w->keeper, &w->table.table, &w->fs.dir, bd_epoch_control(KEEPER_LINE), 1);
    w->snapshot = (struct bd_snapshot){
        .line = bd_epoch_control(SNAPSHOT_LINE), .generation = 1, .file = {.fd = -1}};
    w->snapshotting = false;
    w->snapshot_due = !atomic_load(&shared(w)->snapshot_done);
}

static inline void control_dies(struct world *w)
{
    bd_journal_abandon(&w->keeper.journal);
    bd_snapshot_close(&w->snapshot);
}

/* What was in the table when the turn began may be told to the world after it. */
static inline int64_t turn(struct world *w)
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

static inline void snapshot_begins(struct world *w)
{
    if (!w->keeper.open || bd_keeper_rotate(&w->keeper, &w->m.now, &w->m.error) < 0)
        return;
    w->snapshotting =
        bd_snapshot_open(&w->snapshot, &w->table.table, &w->fs.dir, w->keeper.journal.header.number,
                         &w->m.now, &w->m.error) == 0;
    w->snapshot_due = !w->snapshotting;
}

static inline void snapshot_goes_on(struct world *w)
{
    int rc = bd_snapshot_step(&w->snapshot, &w->m.error);
    w->snapshotting = rc > 0;
    w->snapshot_due = w->snapshot_due || rc < 0;
}

/* Some changes, a turn, and what of a snapshot is due. */
static inline void round_of(struct world *w)
{
    for (uint64_t n = fixture_random(&w->m.random) % 5; n > 0; n--)
        change(w);
    w->m.now.clock_ms += ROUND_MS;
    w->m.now.wall_ms += ROUND_MS;
    if (turn(w) < 0 && fixture_random(&w->m.random) % 3 == 0) {
        /* As if killed between the sweep and its settling. */
        control_dies(w);
        control_starts(w);
    }
    if (fixture_random(&w->m.random) % 6 == 0)
        w->snapshot_due = true;
    if (w->snapshotting)
        snapshot_goes_on(w);
    else if (w->snapshot_due)
        snapshot_begins(w);
}

/* --- worlds ----------------------------------------------------------------------------------- */

static inline void begin(struct world *w, uint64_t seed)
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

static inline void end(struct world *w)
{
    control_dies(w);
    assert_int_equal(w->fs.open_files, 0);
    fixture_close(&w->table);
    memfs_close(&w->fs);
}

static inline const uint16_t *acknowledged_at(const struct world *w, unsigned ops)
{
    static const uint16_t none[MODEL_AORS];
    const uint16_t *version = none;
    for (unsigned i = 0; i < w->m.acks && w->m.ack[i].ops <= ops; i++)
        version = w->m.ack[i].version;
    return version;
}

static inline void expect_after_cut(const struct world *w, unsigned ops, enum memfs_rest rest,
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
static inline void expect_all(struct world *w, uint64_t *random)
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

#endif
