/* SPDX-License-Identifier: BSD-3-Clause */
#include "keeper.h"

#include "journal_files.h"
#include "journal_reader.h"

/* Buckets looked at while the epoch line is held. */
enum { SLICE = 4096 };
/* What append tells the sweep: the buffer is full, and a disk is not waited for in here. */
enum { FULL = -2 };

/* Written by control alone, read by workers before they promise anything: relaxed, as what a reply
 * waits for is `durable` (dirty.h), which a worker reads later. */
static void set_writing(const struct bd_keeper *keeper, bool writing)
{
    struct bd_dirty_shared *shared = bd_dirty_of(keeper->table->arena);
    atomic_store_explicit(&shared->writing, writing, memory_order_relaxed);
}

/* Relaxed: written by control's own threads, and a worker only reads `writing`, which follows it.
 */
static bool snapshot_done(const struct bd_keeper *keeper)
{
    struct bd_dirty_shared *shared = bd_dirty_of(keeper->table->arena);
    return atomic_load_explicit(&shared->snapshot_done, memory_order_relaxed) != 0;
}

void bd_keeper_init(struct bd_keeper *keeper, const struct bd_table *table,
                    const struct bd_journal_dir *dir, unsigned line, uint16_t generation)
{
    *keeper = (struct bd_keeper){
        .table = table, .dir = dir, .line = line, .generation = generation, .journal = {.fd = -1}};
    set_writing(keeper, false);
}

/* --- files ------------------------------------------------------------------------------------ */

/* Whether the newest snapshot is one of this arena. */
static bool has_snapshot(const struct bd_keeper *keeper, const struct bd_journal_files *files)
{
    for (unsigned i = files->cnt; i-- > 0;) {
        const struct bd_journal_file *file = &files->file[i];
        if (file->tmp || file->kind != BD_JOURNAL_FILE_SNAPSHOT)
            continue;
        struct bd_journal_reader reader;
        struct bd_journal_problem problem;
        struct bd_error ignored;
        if (bd_journal_reader_open(&reader, keeper->dir, file->name, &problem, &ignored) != 0)
            return false;
        uint64_t geometry = reader.header.geometry;
        bd_journal_reader_close(&reader);
        return geometry == bd_dirty_geometry(keeper->table);
    }
    return false;
}

/* The arena may say that its snapshot is on disk, and somebody has emptied the directory or named
 * another one. */
static void look_around(struct bd_keeper *keeper, const struct bd_journal_files *files)
{
    if (keeper->looked)
        return;
    keeper->looked = true;
    struct bd_dirty_shared *shared = bd_dirty_of(keeper->table->arena);
    if (snapshot_done(keeper) && !has_snapshot(keeper, files))
        atomic_store_explicit(&shared->snapshot_done, 0, memory_order_relaxed);
}

static uint64_t newest_journal(const struct bd_journal_files *files)
{
    for (unsigned i = files->cnt; i-- > 0;) {
        const struct bd_journal_file *file = &files->file[i];
        if (file->kind == BD_JOURNAL_FILE_JOURNAL)
            return file->number;
    }
    return 0;
}

static int begin_next(struct bd_keeper *keeper, struct bd_journal *journal,
                      const struct bd_journal_time *now, struct bd_error *error)
{
    struct bd_journal_files files;
    uint64_t number = bd_journal_next_number(keeper->dir, error);
    if (number == 0 || bd_journal_files_list(&files, keeper->dir, error) < 0)
        return -1;
    look_around(keeper, &files);
    keeper->files = files.cnt;
    /* One that was removed again keeps its number. */
    struct bd_journal_begin begin = {.number = number > keeper->given ? number : keeper->given + 1,
                                     .previous = newest_journal(&files),
                                     .geometry = bd_dirty_geometry(keeper->table),
                                     .slots = bd_dirty_slots(keeper->table),
                                     .now = *now};
    bd_journal_files_free(&files);
    keeper->given = begin.number;
    return bd_journal_begin(journal, keeper->dir, &begin, error);
}

int bd_keeper_open(struct bd_keeper *keeper, const struct bd_journal_time *now,
                   struct bd_error *error)
{
    if (keeper->open)
        return 0;
    if (begin_next(keeper, &keeper->journal, now, error) < 0)
        return -1;
    keeper->open = true;
    keeper->named = false;
    keeper->committed_ms = now->clock_ms;
    return 0;
}

/* Gives a failed journal up. One that nothing is known to be on disk of is removed, so that a disk
 * that stays full for hours is not filled with them; unless another names it, and its absence would
 * look like a loss. */
static void give_up(struct bd_keeper *keeper)
{
    set_writing(keeper, false);
    if (!keeper->open)
        return;
    bd_journal_abandon(&keeper->journal);
    keeper->open = false;
    if (bd_journal_durable(&keeper->journal) == 0 && !keeper->named)
        bd_journal_unlink(keeper->dir, keeper->journal.name);
}

/* --- a turn ----------------------------------------------------------------------------------- */

int bd_keeper_append(struct bd_journal *journal, uint64_t slot, enum bd_dirty_kind kind,
                     const struct bd_record *record, struct bd_error *error)
{
    if (!record)
        return bd_journal_empty(journal, slot, error);
    struct bd_binding bindings[BD_CONTACTS_PER_AOR_MAX];
    unsigned cnt = bd_record_cnt(record);
    for (unsigned i = 0; i < cnt; i++)
        bd_record_view(record, i, &bindings[i]);
    return (kind == BD_DIRTY_CONTENT ? bd_journal_put : bd_journal_state)(
        journal, slot, bd_record_aor(record), bindings, cnt, error);
}

struct sweep {
    struct bd_keeper *keeper;
    bool must; /* the same place was FULL with an empty buffer before */
    struct bd_error *error;
};

static int append(void *arg, uint64_t slot, enum bd_dirty_kind kind, const struct bd_record *record)
{
    struct sweep *sweep = arg;
    struct bd_keeper *keeper = sweep->keeper;
    if (!sweep->must && !bd_journal_has_room(&keeper->journal, 1))
        return FULL;
    keeper->found++;
    return bd_keeper_append(&keeper->journal, slot, kind, record, sweep->error);
}

/* What the buffer had no room for is gone through again, and fits into an empty one; but for some
 * neighbours of the largest records, for which the disk is waited for with the line held. */
static int sweep_all(struct sweep *sweep)
{
    struct bd_keeper *keeper = sweep->keeper;
    struct bd_epoch *epoch = keeper->table->epoch;
    uint32_t cursor = 0, full_at = UINT32_MAX;
    int rc;
    bd_dirty_begin(keeper->table);
    do {
        bd_epoch_online(epoch, keeper->line, keeper->generation);
        rc = bd_dirty_sweep(keeper->table, &cursor, SLICE, append, sweep);
        bd_epoch_offline(epoch, keeper->line);
        sweep->must = rc == FULL && cursor == full_at;
        if (rc != FULL)
            continue;
        full_at = cursor;
        rc = bd_journal_flush(&keeper->journal, sweep->error) < 0 ? -1 : 1;
    } while (rc > 0);
    return rc;
}

/* All that a journal without a name had is lost, so there is no whole set on disk until the next
 * snapshot. Relaxed as in look_around(). */
static int check_place(struct bd_keeper *keeper, struct bd_error *error)
{
    if (bd_journal_in_place(&keeper->journal, error) == 0)
        return 0;
    struct bd_dirty_shared *shared = bd_dirty_of(keeper->table->arena);
    atomic_store_explicit(&shared->snapshot_done, 0, memory_order_relaxed);
    return -1;
}

static int commit(struct bd_keeper *keeper, const struct bd_journal_time *now,
                  struct bd_error *error)
{
    if (keeper->found == 0 && now->clock_ms - keeper->committed_ms < BD_KEEPER_IDLE_MS)
        return 0;
    keeper->committed_ms = now->clock_ms;
    if (bd_journal_commit(&keeper->journal, now, error) < 0)
        return -1;
    if (bd_journal_sync(&keeper->journal, error) < 0)
        return -1;
    return check_place(keeper, error);
}

int64_t bd_keeper_turn(struct bd_keeper *keeper, const struct bd_journal_time *now,
                       struct bd_error *error)
{
    struct sweep sweep = {.keeper = keeper, .error = error};
    if (bd_keeper_open(keeper, now, error) < 0)
        return -1;
    keeper->found = 0;
    if (sweep_all(&sweep) < 0 || commit(keeper, now, error) < 0) {
        give_up(keeper);
        return -1;
    }
    bd_dirty_settle(keeper->table);
    uint64_t written = keeper->found;
    keeper->found = 0;
    set_writing(keeper, !keeper->closing && snapshot_done(keeper));
    return (int64_t)written;
}

/* --- the next journal, and the end ------------------------------------------------------------ */

int bd_keeper_rotate(struct bd_keeper *keeper, const struct bd_journal_time *now,
                     struct bd_error *error)
{
    struct bd_journal next;
    if (begin_next(keeper, &next, now, error) < 0)
        return -1;
    /* All that the former was told is on disk already: without its END it is as good. */
    struct bd_error ended;
    if (bd_journal_finish(&keeper->journal, now, next.header.number, &ended) < 0)
        bd_log(BD_LOG_WARNING, "%s", ended.text);
    keeper->journal = next;
    keeper->named = true;
    keeper->committed_ms = now->clock_ms;
    return 0;
}

int bd_keeper_close(struct bd_keeper *keeper, const struct bd_journal_time *now,
                    struct bd_error *error)
{
    keeper->closing = true;
    set_writing(keeper, false);
    if (bd_keeper_turn(keeper, now, error) < 0)
        return -1;
    keeper->open = false;
    return bd_journal_finish(&keeper->journal, now, 0, error);
}
