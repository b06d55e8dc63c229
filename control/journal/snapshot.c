/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include "journal_files.h"

/* Buckets walked while the epoch line is held, and bytes between two syncs. */
enum { SLICE = 512, STEP_SZ = 4 << 20 };

int bd_snapshot_open(struct bd_snapshot *snapshot, const struct bd_table *table,
                     const struct bd_journal_dir *dir, uint64_t number,
                     const struct bd_journal_time *now, struct bd_error *error)
{
    struct bd_journal_begin begin = {.number = number,
                                     .geometry = bd_dirty_geometry(table),
                                     .slots = bd_dirty_slots(table),
                                     .now = *now};
    snapshot->table = table;
    snapshot->dir = dir;
    snapshot->now = *now;
    snapshot->cursor = 0;
    snapshot->aors = snapshot->bindings = snapshot->bytes = 0;
    snapshot->failed = false;
    return bd_snapshot_begin(&snapshot->file, dir, &begin, error);
}

static void append(void *arg, uint64_t slot, const struct bd_record *record)
{
    struct bd_snapshot *snapshot = arg;
    snapshot->aors++;
    snapshot->bindings += bd_record_cnt(record);
    if (!snapshot->failed &&
        bd_keeper_append(&snapshot->file, slot, BD_DIRTY_CONTENT, record, &snapshot->error) < 0)
        snapshot->failed = true;
}

/* Bucket by bucket, as the next one may need all the room there is. Whether there is more. */
static bool walk_slice(struct bd_snapshot *snapshot)
{
    struct bd_epoch *epoch = snapshot->table->epoch;
    bool more = true;
    bd_epoch_online(epoch, snapshot->line, snapshot->generation);
    for (unsigned i = 0; i < SLICE && more && !snapshot->failed; i++) {
        if (!bd_journal_has_room(&snapshot->file, BD_TABLE_SLOTS))
            break;
        more = bd_table_walk(snapshot->table, &snapshot->cursor, 1, append, snapshot);
    }
    bd_epoch_offline(epoch, snapshot->line);
    return more;
}

static int complete(struct bd_snapshot *snapshot, struct bd_error *error)
{
    uint64_t number = snapshot->file.header.number;
    snapshot->bytes = bd_journal_bytes(&snapshot->file);
    if (bd_snapshot_finish(&snapshot->file, &snapshot->now, error) < 0)
        return -1;
    /* Release: nobody must see it before the file has its name; pairs with the keeper's load, which
     * then lets workers promise. */
    struct bd_dirty_shared *shared = bd_dirty_of(snapshot->table->arena);
    atomic_store_explicit(&shared->snapshot_done, 1, memory_order_release);
    struct bd_error left;
    if (bd_journal_prune(snapshot->dir, number, &left) < 0)
        bd_log(BD_LOG_WARNING, "%s", left.text);
    return 0;
}

int bd_snapshot_step(struct bd_snapshot *snapshot, struct bd_error *error)
{
    uint64_t until = bd_journal_bytes(&snapshot->file) + STEP_SZ;
    bool more = true;
    while (more && bd_journal_bytes(&snapshot->file) < until) {
        more = walk_slice(snapshot);
        if (snapshot->failed) {
            *error = snapshot->error;
            bd_snapshot_close(snapshot);
            return -1;
        }
        if (more && !bd_journal_has_room(&snapshot->file, BD_TABLE_SLOTS) &&
            bd_journal_flush(&snapshot->file, error) < 0) {
            bd_snapshot_close(snapshot);
            return -1;
        }
    }
    if (!more)
        return complete(snapshot, error);
    if (bd_journal_sync(&snapshot->file, error) == 0)
        return 1;
    bd_snapshot_close(snapshot);
    return -1;
}

void bd_snapshot_close(struct bd_snapshot *snapshot)
{
    bd_journal_abandon(&snapshot->file);
}
