/* SPDX-License-Identifier: BSD-3-Clause */
#include "threads.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

enum {
    RESTORED_POLL_MS = 20,
    RETRY_MS = 1000,           /* after a failed journal */
    SNAPSHOT_RETRY_MS = 10000, /* after a failed snapshot */
    SNAPSHOT_LOOK_MS = 1000,
    ROTATE_WITHIN_MS = 10000,
    /* `sync` with nothing to write: the pause is some times what it took to see that, so that an
     * empty sweep over a large table costs a share of a core and not the whole of it. */
    IDLE_FACTOR = 4,
    IDLE_MIN_US = 100,
    IDLE_MAX_US = 5000,
    FILES_FEW = 16, /* in the directory; more are replaced by a snapshot */
    DIRECTORY_MODE = 0750
};

static uint64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static struct bd_journal_time moment(const struct bd_journaling *j)
{
    return (struct bd_journal_time){bd_wall_ms(), bd_clock_ms(), j->boot};
}

/* Until something changed, or so long. The mutex is held. */
static void wait_us(struct bd_journaling *j, uint64_t us)
{
    uint64_t until_us = monotonic_us() + us;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000 * 1000)};
    pthread_cond_timedwait(&j->changed, &j->mutex, &until);
}

/* --- keeper thread ---------------------------------------------------------------------------- */

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

/* Whether `restored` came before the end. */
static bool wait_for_restored(struct bd_journaling *j)
{
    const struct bd_dirty_shared *shared = bd_dirty_of(j->table->arena);
    pthread_mutex_lock(&j->mutex);
    /* Acquire pairs with the dataplane's release: the table is as the journal left it. */
    while (!j->stopping && !atomic_load_explicit(&shared->restored, memory_order_acquire))
        wait_us(j, RESTORED_POLL_MS * 1000);
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

static void note_success(struct bd_journaling *j, uint64_t records, uint64_t now_ms,
                         uint64_t took_us)
{
    struct bd_journaling_numbers *n = &j->numbers;
    if (n->failing)
        bd_log(BD_LOG_NOTICE, "journal %s: journal-%" PRIu64 " goes on", j->path, n->journal);
    n->failing = false;
    n->marks = 0;
    n->settled_ms = now_ms;
    j->snapshot_due = j->snapshot_due || j->keeper.files > FILES_FEW;
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
}

static void note_turn(struct bd_journaling *j, int64_t records, uint64_t now_ms, uint64_t took_us)
{
    pthread_mutex_lock(&j->mutex);
    note_size(j);
    if (records < 0)
        note_failure(j);
    else
        note_success(j, (uint64_t)records, now_ms, took_us);
    j->turn_began_ms = 0;
    if (took_us > BD_JOURNALING_SLOW_MS * 1000) {
        j->slow_ms = took_us / 1000;
        j->slow_at_ms = bd_clock_ms();
    }
    pthread_mutex_unlock(&j->mutex);
}

/* Gives the snapshot thread the next journal that it asked for. */
static void give_next(struct bd_journaling *j, const struct bd_journal_time *now, bool open,
                      const struct bd_error *why_not)
{
    pthread_mutex_lock(&j->mutex);
    uint64_t asked = j->rotate_asked;
    bool wanted = asked != j->rotate_given;
    pthread_mutex_unlock(&j->mutex);
    if (!wanted)
        return;
    struct bd_error error = *why_not;
    bool given = open && bd_keeper_rotate(&j->keeper, now, &error) == 0;
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

/* Returns how long to pause, in us. */
static uint64_t turn(struct bd_journaling *j)
{
    struct bd_error error = {""};
    struct bd_journal_time now = moment(j);
    uint64_t began_us = monotonic_us();
    pthread_mutex_lock(&j->mutex);
    j->turn_began_ms = now.clock_ms;
    uint64_t interval_us = j->fsync_ms * 1000ULL;
    pthread_mutex_unlock(&j->mutex);
    if (!j->keeper.open)
        make_directory(j);
    int64_t records = bd_keeper_turn(&j->keeper, &now, &error);
    uint64_t took_us = monotonic_us() - began_us;
    note_turn(j, records, now.clock_ms, took_us);
    if (records < 0)
        bd_alarm_raise(j->alarms, BD_ALARM_JOURNAL, "%s", error.text);
    else
        bd_alarm_clear(j->alarms, BD_ALARM_JOURNAL);
    give_next(j, &now, records >= 0, &error);
    if (records < 0)
        return RETRY_MS * 1000;
    if (j->numbers.durability == BD_DURABILITY_ASYNC)
        return interval_us > took_us ? interval_us - took_us : 0;
    uint64_t idle_us = IDLE_FACTOR * took_us;
    idle_us = idle_us < IDLE_MIN_US ? IDLE_MIN_US : idle_us;
    return records > 0 ? 0 : idle_us < IDLE_MAX_US ? idle_us : IDLE_MAX_US;
}

/* Until the next turn: an end and a snapshot's wish cut it short, but not while the disk fails. */
static bool pause_us(struct bd_journaling *j, uint64_t us)
{
    uint64_t until_us = monotonic_us() + us, now_us;
    pthread_mutex_lock(&j->mutex);
    while (!j->stopping && (j->numbers.failing || j->rotate_asked == j->rotate_given) &&
           (now_us = monotonic_us()) < until_us)
        wait_us(j, until_us - now_us);
    bool go_on = !j->stopping;
    pthread_mutex_unlock(&j->mutex);
    return go_on;
}

void *bd_journaling_keep(void *arg)
{
    struct bd_journaling *j = arg;
    if (!wait_for_restored(j))
        return NULL;
    while (pause_us(j, turn(j))) {
    }
    struct bd_error error;
    struct bd_journal_time now = moment(j);
    if (bd_keeper_close(&j->keeper, &now, &error) < 0)
        bd_log(BD_LOG_ERROR,
               "%s. What is not on disk stays marked in the arena: the next start writes it",
               error.text);
    return NULL;
}

/* --- snapshot thread -------------------------------------------------------------------------- */

/* The number of a journal just begun; -1 with an error. */
static int64_t ask_for_next(struct bd_journaling *j, struct bd_error *error)
{
    pthread_mutex_lock(&j->mutex);
    uint64_t ticket = ++j->rotate_asked;
    uint64_t deadline_ms = bd_clock_ms() + ROTATE_WITHIN_MS;
    pthread_cond_broadcast(&j->changed);
    while (!j->stopping && j->rotate_given < ticket && bd_clock_ms() < deadline_ms)
        wait_us(j, 100000);
    int64_t number = j->rotate_given < ticket ? -1 : j->rotate_number;
    if (j->rotate_given < ticket)
        bd_fail(error, j->stopping ? "bindery-control stops" : "journal %s: no answer for %d s",
                j->path, ROTATE_WITHIN_MS / 1000);
    else
        *error = j->rotate_error;
    pthread_mutex_unlock(&j->mutex);
    return number;
}

static bool is_stopping(struct bd_journaling *j)
{
    pthread_mutex_lock(&j->mutex);
    bool stopping = j->stopping;
    pthread_mutex_unlock(&j->mutex);
    return stopping;
}

static int take(struct bd_journaling *j, struct bd_error *error)
{
    int64_t number = ask_for_next(j, error);
    struct bd_journal_time now = moment(j);
    if (number < 0 ||
        bd_snapshot_open(&j->snapshot, j->table, &j->dir, (uint64_t)number, &now, error) < 0)
        return -1;
    int rc;
    while ((rc = bd_snapshot_step(&j->snapshot, error)) > 0) {
        if (!is_stopping(j))
            continue;
        bd_snapshot_close(&j->snapshot);
        return bd_fail(error, "bindery-control stops");
    }
    return rc;
}

/* The mutex is held. */
static bool is_due(const struct bd_journaling *j)
{
    const struct bd_journaling_numbers *n = &j->numbers;
    const struct bd_dirty_shared *shared = bd_dirty_of(j->table->arena);
    uint64_t now_ms = bd_clock_ms(), bytes = n->bytes - j->base_bytes;
    if (j->asked > j->answered)
        return true;
    if (n->journal == 0 || n->failing || now_ms < j->retry_ms)
        return false;
    return j->snapshot_due ||
           atomic_load_explicit(&shared->snapshot_done, memory_order_relaxed) == 0 ||
           (bytes > j->limit_bytes && bytes > n->snapshot_bytes) ||
           (n->records > j->base_records &&
            now_ms - n->snapshot_at_ms >= j->interval_s * 1000ULL);
}

/* The mutex is held. */
static void note_snapshot(struct bd_journaling *j, bool complete, uint64_t began_ms)
{
    struct bd_journaling_numbers *n = &j->numbers;
    const struct bd_snapshot *snapshot = &j->snapshot;
    uint64_t now_ms = bd_clock_ms();
    j->snapshot_failed = !complete;
    if (!complete) {
        n->snapshot_failures++;
        j->snapshot_due = true;
        j->retry_ms = now_ms + SNAPSHOT_RETRY_MS;
        return;
    }
    n->snapshots++;
    n->snapshot = snapshot->file.header.number;
    n->snapshot_aors = snapshot->aors;
    n->snapshot_bindings = snapshot->bindings;
    n->snapshot_bytes = snapshot->bytes;
    n->snapshot_ms = now_ms - began_ms;
    n->snapshot_at_ms = now_ms;
}

static void snapshot(struct bd_journaling *j)
{
    uint64_t began_ms = bd_clock_ms(), ticket = j->asked;
    struct bd_error error;
    j->numbers.snapshotting = true;
    pthread_mutex_unlock(&j->mutex);
    bool complete = take(j, &error) == 0;
    pthread_mutex_lock(&j->mutex);
    j->numbers.snapshotting = false;
    note_snapshot(j, complete, began_ms);
    if (complete)
        bd_log(BD_LOG_INFO, "journal %s: snapshot-%" PRIu64 " of %" PRIu64 " bindings in %" PRIu64
               " ms", j->path, j->numbers.snapshot, j->numbers.snapshot_bindings,
               j->numbers.snapshot_ms);
    else if (!j->stopping)
        bd_log(BD_LOG_ERROR, "snapshot: %s", error.text);
    j->snapshot_error = error;
    j->answered = ticket;
    event_active(j->woken, 0, 0);
}

void *bd_journaling_walk(void *arg)
{
    struct bd_journaling *j = arg;
    pthread_mutex_lock(&j->mutex);
    while (!j->stopping) {
        if (is_due(j))
            snapshot(j);
        else
            wait_us(j, SNAPSHOT_LOOK_MS * 1000);
    }
    pthread_mutex_unlock(&j->mutex);
    return NULL;
}
