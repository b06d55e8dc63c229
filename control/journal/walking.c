/* SPDX-License-Identifier: BSD-3-Clause */
/* The snapshot thread. */
#include <inttypes.h>

#include "clock.h"
#include "threads.h"

enum { LOOK_MS = 1000, ROTATE_WITHIN_MS = 10000 };

/* The number of a journal just begun; -1 with an error. */
static int64_t ask_for_next(struct bd_journaling *j, struct bd_error *error)
{
    pthread_mutex_lock(&j->mutex);
    uint64_t ticket = ++j->rotate_asked;
    uint64_t deadline_ms = bd_clock_ms() + ROTATE_WITHIN_MS;
    pthread_cond_broadcast(&j->changed);
    while (!j->stopping && j->rotate_given < ticket && bd_clock_ms() < deadline_ms)
        bd_journaling_wait_us(j, 100000);
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
    struct bd_journal_time now = bd_journaling_now(j);
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
    if (n->journal == 0 || !j->open || now_ms < j->retry_ms)
        return false;
    return j->snapshot_due ||
           atomic_load_explicit(&shared->snapshot_done, memory_order_relaxed) == 0 ||
           (bytes > j->limit_bytes && bytes > n->snapshot_bytes) ||
           (n->records > j->base_records && now_ms - n->snapshot_at_ms >= j->interval_s * 1000ULL);
}

uint64_t bd_journaling_retry_ms(unsigned failed, bool leaves_none)
{
    enum { FIRST_MS = 10000, DOUBLINGS_MAX = 8 };
    unsigned doublings = failed == 0 || leaves_none ? 0 : failed - 1;
    return (uint64_t)FIRST_MS << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
}

/* The mutex is held. */
static void note_snapshot(struct bd_journaling *j, bool complete, uint64_t began_ms)
{
    struct bd_journaling_numbers *n = &j->numbers;
    const struct bd_snapshot *snapshot = &j->snapshot;
    uint64_t now_ms = bd_clock_ms();
    j->snapshots_failed = complete ? 0 : j->snapshots_failed + 1;
    if (!complete) {
        n->snapshot_failures++;
        j->snapshot_due = true;
        j->retry_ms = now_ms + bd_journaling_retry_ms(j->snapshots_failed, j->snapshot_first);
        return;
    }
    j->snapshot_first = false;
    pthread_cond_broadcast(&j->changed);
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
        bd_log(BD_LOG_INFO,
               "journal %s: snapshot-%" PRIu64 " of %" PRIu64 " bindings in %" PRIu64 " ms",
               j->path, j->numbers.snapshot, j->numbers.snapshot_bindings, j->numbers.snapshot_ms);
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
            bd_journaling_wait_us(j, LOOK_MS * 1000);
    }
    pthread_mutex_unlock(&j->mutex);
    bd_journaling_end(j);
    return NULL;
}
