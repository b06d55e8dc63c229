/* SPDX-License-Identifier: BSD-3-Clause */
/* The keeper thread. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "journal_files.h"
#include "threads.h"

enum {
    RESTORED_POLL_MS = 20,
    RETRY_MS = 1000, /* after a failed journal */
    /* `sync` with nothing to write: the pause is some times what it took to see that, so that an
     * empty sweep over a large table costs a share of a core and not the whole of it. */
    IDLE_FACTOR = 4,
    IDLE_MIN_US = 100,
    IDLE_MAX_US = 5000,
    FILES_FEW = 16, /* in the directory; more are replaced by a snapshot */
    FILES_MANY = BD_JOURNAL_FILES_MAX / 4,
    CALM_MS = 60000,
    DIRECTORY_MODE = 0750
};

/* The name of a directory just made is on disk before anything in it can be. */
static void make_directory(const struct bd_journaling *j)
{
    char path[BD_JOURNAL_PATH_MAX];
    if (mkdir(j->path, DIRECTORY_MODE) < 0 || strlen(j->path) >= sizeof(path))
        return; /* the next open tells why */
    strcpy(path, j->path);
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fsync(fd) < 0)
        bd_log(BD_LOG_WARNING, "journal %s: its name may not be on disk: %s", j->path,
               strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* Two that write in one directory would remove each other's files. Where it cannot be opened, the
 * journal's open tells why; a file system that knows no locks is trusted. */
static int lock_directory(struct bd_journaling *j, struct bd_error *error)
{
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    j->lock_fd = open(j->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->lock_fd < 0 || flock(j->lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return 0;
    return bd_fail(error,
                   "journal %s: another bindery-control writes in it: give each appliance a "
                   "journal.directory of its own",
                   j->path);
}

/* Whether `restored` came before the end. */
static bool wait_for_restored(struct bd_journaling *j)
{
    const struct bd_dirty_shared *shared = bd_dirty_of(j->table->arena);
    pthread_mutex_lock(&j->mutex);
    /* Acquire pairs with the dataplane's release: the table is as the journal left it. */
    while (!j->stopping && !atomic_load_explicit(&shared->restored, memory_order_acquire))
        bd_journaling_wait_us(j, RESTORED_POLL_MS * 1000);
    bool restored = !j->stopping;
    j->numbers.restored = restored;
    pthread_mutex_unlock(&j->mutex);
    return restored;
}

static void note_size(struct bd_journaling *j)
{
    const struct bd_journal *journal = &j->keeper.journal;
    struct bd_journaling_numbers *n = &j->numbers;
    uint64_t number = journal->header.number, bytes = bd_journal_bytes(journal);
    if (n->journal != number)
        n->journal_bytes = 0;
    n->bytes += bytes - n->journal_bytes;
    n->journal = number;
    n->journal_bytes = bytes;
}

/* A journal was begun, at the start or after a failure: a snapshot that waited for it may go on. */
static void note_opened(struct bd_journaling *j)
{
    bd_log(BD_LOG_INFO, "journal %s: journal-%" PRIu64 " takes what changes", j->path,
           j->numbers.journal);
    j->retry_ms = 0;
    j->snapshot_due = j->snapshot_due || j->keeper.files > FILES_FEW;
    pthread_cond_broadcast(&j->changed);
}

static void note_success(struct bd_journaling *j, uint64_t records, uint64_t now_ms,
                         uint64_t took_us)
{
    struct bd_journaling_numbers *n = &j->numbers;
    n->failing = false;
    n->marks = 0;
    n->settled_ms = now_ms;
    if (records == 0)
        return;
    n->turns++;
    n->records += records;
    n->synced_ms = bd_clock_ms();
    n->sync_us = took_us;
    if (took_us > n->sync_max_us)
        n->sync_max_us = took_us;
}

/* What a failed file had is not trusted for long: a snapshot is due. */
static void note_failure(struct bd_journaling *j)
{
    j->numbers.failing = true;
    j->numbers.failures++;
    j->numbers.marks = j->keeper.found;
    j->snapshot_due = true;
    j->snapshot_first = j->snapshot_first || j->keeper.journal.no_room;
}

static void note_turn(struct bd_journaling *j, int64_t records, uint64_t now_ms, uint64_t took_us,
                      bool was_open, bool swept)
{
    pthread_mutex_lock(&j->mutex);
    note_size(j);
    j->open = records >= 0;
    if (records < 0)
        note_failure(j);
    else if (swept)
        note_success(j, (uint64_t)records, now_ms, took_us);
    if (records >= 0 && !was_open)
        note_opened(j);
    j->turn_began_ms = 0;
    if (took_us > BD_JOURNALING_SLOW_MS * 1000) {
        j->slow_ms = took_us / 1000;
        j->slow_at_ms = bd_clock_ms();
    }
    pthread_mutex_unlock(&j->mutex);
}

/* The one alarm is for both: without snapshots the journal grows until the disk is full. */
static void tell_alarm(struct bd_journaling *j, const struct bd_error *journal_error)
{
    struct bd_error error = {""};
    pthread_mutex_lock(&j->mutex);
    if (journal_error)
        error = *journal_error;
    else if (j->snapshots_failed)
        bd_fail(&error, "no snapshot: %s", j->snapshot_error.text);
    else if (j->snapshot_first)
        bd_fail(&error, "journal %s: its disk was full: a snapshot comes first", j->path);
    pthread_mutex_unlock(&j->mutex);
    if (*error.text)
        bd_alarm_raise(j->alarms, BD_ALARM_JOURNAL, "%s", error.text);
    else
        bd_alarm_clear(j->alarms, BD_ALARM_JOURNAL);
}

/* What a snapshot that failed was given, with nothing in it yet, is as good for the next try: else
 * each leaves a file. */
static bool is_fresh(const struct bd_keeper *keeper)
{
    return keeper->open && keeper->named && keeper->journal.seq == 0;
}

/* Gives the snapshot thread the next journal that it asked for. */
static void give_next(struct bd_journaling *j, const struct bd_journal_time *now, bool open,
                      const struct bd_error *why_not)
{
    pthread_mutex_lock(&j->mutex);
    uint64_t asked = j->rotate_asked;
    bool wanted = asked != j->rotate_given, failed = j->snapshots_failed;
    pthread_mutex_unlock(&j->mutex);
    if (!wanted)
        return;
    struct bd_error error = *why_not;
    bool given = open && ((failed && is_fresh(&j->keeper)) ||
                          bd_keeper_rotate(&j->keeper, now, &error) == 0);
    pthread_mutex_lock(&j->mutex);
    note_size(j);
    j->rotate_number = given ? (int64_t)j->numbers.journal : -1;
    j->rotate_error = error;
    j->rotate_given = asked;
    j->base_bytes = given ? j->numbers.bytes : j->base_bytes;
    j->base_records = given ? j->numbers.records : j->base_records;
    j->snapshot_due = !given;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->mutex);
}

static void turn(struct bd_journaling *j)
{
    struct bd_error error = {""};
    struct bd_journal_time now = bd_journaling_now(j);
    uint64_t began_us = bd_journaling_us();
    pthread_mutex_lock(&j->mutex);
    j->turn_began_ms = now.clock_ms;
    bool sweeps = !j->snapshot_first;
    pthread_mutex_unlock(&j->mutex);
    bool was_open = j->keeper.open;
    if (!was_open)
        make_directory(j);
    int64_t records = -1;
    if (was_open || lock_directory(j, &error) == 0)
        records = sweeps ? bd_keeper_turn(&j->keeper, &now, &error)
                         : bd_keeper_open(&j->keeper, &now, &error);
    uint64_t took_us = bd_journaling_us() - began_us;
    note_turn(j, records, now.clock_ms, took_us, was_open, sweeps);
    tell_alarm(j, records < 0 ? &error : NULL);
    give_next(j, &now, records >= 0, &error);
    j->turn_us = began_us;
    j->took_us = took_us;
    j->idle = records == 0;
}

/* When the next turn is due. The mutex is held. */
static uint64_t due_us(const struct bd_journaling *j)
{
    if (!j->open || j->snapshot_first)
        return j->turn_us + j->took_us + RETRY_MS * 1000;
    if (j->numbers.durability == BD_DURABILITY_ASYNC)
        return j->turn_us + j->fsync_ms * 1000ULL;
    uint64_t ended_us = j->turn_us + j->took_us, idle_us = IDLE_FACTOR * j->took_us;
    if (!j->idle)
        return ended_us;
    if (idle_us < IDLE_MIN_US)
        return ended_us + IDLE_MIN_US;
    return ended_us + (idle_us < IDLE_MAX_US ? idle_us : IDLE_MAX_US);
}

/* Until the next turn: an end and a snapshot's wish cut it short, but not while the disk fails. */
static bool pause_till_due(struct bd_journaling *j)
{
    uint64_t now_us, until_us;
    pthread_mutex_lock(&j->mutex);
    while (!j->stopping && (!j->open || j->rotate_asked == j->rotate_given) &&
           (now_us = bd_journaling_us()) < (until_us = due_us(j)))
        bd_journaling_wait_us(j, until_us - now_us);
    bool go_on = !j->stopping;
    pthread_mutex_unlock(&j->mutex);
    return go_on;
}

static bool has_many_files(struct bd_journaling *j)
{
    struct bd_journal_files files;
    struct bd_error error;
    if (bd_journal_files_list(&files, &j->dir, &error) < 0)
        return false; /* the first turn tells */
    bool many = files.cnt >= FILES_MANY;
    bd_journal_files_free(&files);
    if (many)
        bd_alarm_raise(j->alarms, BD_ALARM_JOURNAL,
                       "%s has more than %d files, as bindery-control was started again and again: "
                       "the next one is begun, and a snapshot taken in place of them all, when it "
                       "has run for %d s",
                       j->path, FILES_MANY, CALM_MS / 1000);
    return many;
}

/* A process that fails is started anew at once, for as long as it fails. Each leaves a journal, and
 * lives too short for the snapshot that would replace them: in half an hour there would be more
 * than anybody reads again. What changes meanwhile stays marked. False: stopped before it was over.
 */
static bool wait_for_calm(struct bd_journaling *j)
{
    if (!has_many_files(j))
        return true;
    uint64_t until_us = bd_journaling_us() + CALM_MS * 1000ULL, now_us;
    pthread_mutex_lock(&j->mutex);
    while (!j->stopping && (now_us = bd_journaling_us()) < until_us)
        bd_journaling_wait_us(j, until_us - now_us);
    bool calm = !j->stopping;
    pthread_mutex_unlock(&j->mutex);
    return calm;
}

static void keep(struct bd_journaling *j)
{
    if (!wait_for_calm(j))
        return;
    do
        turn(j);
    while (pause_till_due(j));
    struct bd_error error;
    struct bd_journal_time now = bd_journaling_now(j);
    if ((!j->keeper.open && lock_directory(j, &error) < 0) ||
        bd_keeper_close(&j->keeper, &now, &error) < 0)
        bd_log(BD_LOG_ERROR,
               "%s. What is not on disk stays marked in the arena: the next start writes it",
               error.text);
}

void *bd_journaling_keep(void *arg)
{
    struct bd_journaling *j = arg;
    if (wait_for_restored(j))
        keep(j);
    bd_journaling_end(j);
    return NULL;
}
