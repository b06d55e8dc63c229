/* SPDX-License-Identifier: BSD-3-Clause */
#include "journaling.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "threads.h"

enum {
    WATCH_MS = 1000,
    THREADS = 2,
    SLOW_FOR_MS = 60000, /* how long the alarm stays after a slow turn */
    /* The last of control's epoch lines (task.h). */
    KEEPER_LINE = BD_EPOCH_CONTROL_MAX - 2,
    SNAPSHOT_LINE = BD_EPOCH_CONTROL_MAX - 1
};

static bool writes(const struct bd_journaling *j)
{
    return j->numbers.durability != BD_DURABILITY_NONE;
}

/* --- in the loop ------------------------------------------------------------------------------ */

/* Tells those whose ticket has been answered; with an error that is not of a snapshot: all. */
static void tell_askers(struct bd_journaling *j, const struct bd_error *stopped)
{
    struct bd_journaling_numbers numbers;
    struct bd_journaling_asker *asker;
    pthread_mutex_lock(&j->mutex);
    numbers = j->numbers;
    uint64_t answered = j->answered;
    bool failed = j->snapshots_failed;
    struct bd_error error = j->snapshot_error;
    pthread_mutex_unlock(&j->mutex);
    while ((asker = STAILQ_FIRST(&j->askers)) && (stopped || asker->ticket <= answered)) {
        STAILQ_REMOVE_HEAD(&j->askers, link);
        asker->told(asker->arg, &numbers, stopped ? stopped : failed ? &error : NULL);
        free(asker);
    }
}

static void on_woken(evutil_socket_t fd, short what, void *arg)
{
    tell_askers(arg, NULL);
}

/* A turn that does not end at all is seen from here alone. */
static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    struct bd_journaling *j = arg;
    uint64_t now_ms = bd_clock_ms();
    pthread_mutex_lock(&j->mutex);
    uint64_t hangs_ms = j->turn_began_ms ? now_ms - j->turn_began_ms : 0;
    uint64_t slow_ms = j->slow_ms;
    bool was_slow = j->slow_at_ms && now_ms - j->slow_at_ms < SLOW_FOR_MS;
    pthread_mutex_unlock(&j->mutex);
    if (hangs_ms > BD_JOURNALING_SLOW_MS)
        bd_alarm_raise(j->alarms, BD_ALARM_JOURNAL_SLOW,
                       "%s has not answered for %" PRIu64 " s: look at the load of its disk",
                       j->path, hangs_ms / 1000);
    else if (was_slow)
        bd_alarm_raise(j->alarms, BD_ALARM_JOURNAL_SLOW,
                       "%s took %" PRIu64 " ms for what should take a few: look at the load of its "
                       "disk, or give the journal one of its own",
                       j->path, slow_ms);
    else
        bd_alarm_clear(j->alarms, BD_ALARM_JOURNAL_SLOW);
}

void bd_journaling_reload(struct bd_journaling *j, const struct bd_config *config)
{
    pthread_mutex_lock(&j->mutex);
    j->fsync_ms = config->journal_fsync_ms;
    j->limit_bytes = (uint64_t)config->journal_snapshot_mb << 20;
    j->interval_s = config->snapshot_interval_s;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->mutex);
}

void bd_journaling_read(struct bd_journaling *j, struct bd_journaling_numbers *numbers)
{
    const struct bd_dirty_shared *shared = bd_dirty_of(j->table->arena);
    pthread_mutex_lock(&j->mutex);
    *numbers = j->numbers;
    pthread_mutex_unlock(&j->mutex);
    numbers->load_problems = atomic_load_explicit(&shared->load_problems, memory_order_relaxed);
    numbers->load_lost = atomic_load_explicit(&shared->load_lost, memory_order_relaxed);
    /* Relaxed, all of them: numbers for people. */
    numbers->snapshot_done =
        atomic_load_explicit(&shared->snapshot_done, memory_order_relaxed) != 0;
}

const char *bd_journaling_path(const struct bd_journaling *j)
{
    return j->path;
}

static int refuse(const struct bd_journaling_numbers *numbers, struct bd_error *error)
{
    if (numbers->durability == BD_DURABILITY_NONE)
        return bd_fail(error, "there is no journal: journal.durability is none");
    if (!numbers->restored)
        return bd_fail(error, "the dataplane has not loaded the journal yet: does it run?");
    return 0;
}

void bd_journaling_snapshot(struct bd_journaling *j, bd_journaling_told_fn told, void *arg)
{
    struct bd_journaling_numbers numbers;
    struct bd_error error;
    bd_journaling_read(j, &numbers);
    struct bd_journaling_asker *asker = NULL;
    if (refuse(&numbers, &error) == 0 && !(asker = calloc(1, sizeof(*asker))))
        bd_fail(&error, "out of memory");
    if (!asker) {
        told(arg, &numbers, &error);
        return;
    }
    asker->told = told;
    asker->arg = arg;
    STAILQ_INSERT_TAIL(&j->askers, asker, link);
    pthread_mutex_lock(&j->mutex);
    asker->ticket = ++j->asked;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->mutex);
}

/* --- start and stop --------------------------------------------------------------------------- */

/* Nothing follows the table any more: the next start with a journal begins with a snapshot. */
static void forget(const struct bd_journaling *j)
{
    struct bd_dirty_shared *shared = bd_dirty_of(j->table->arena);
    /* Relaxed: read by control's own threads, of which there are none. */
    atomic_store_explicit(&shared->snapshot_done, 0, memory_order_relaxed);
    atomic_store_explicit(&shared->writing, 0, memory_order_relaxed);
}

static int start_threads(struct bd_journaling *j, struct bd_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    int rc = pthread_create(&j->keeper_thread, NULL, bd_journaling_keep, j);
    if (rc == 0 && (rc = pthread_create(&j->snapshot_thread, NULL, bd_journaling_walk, j)) != 0) {
        pthread_mutex_lock(&j->mutex);
        j->stopping = true;
        pthread_cond_broadcast(&j->changed);
        pthread_mutex_unlock(&j->mutex);
        pthread_join(j->keeper_thread, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return bd_fail(error, "cannot start a thread: %s", strerror(rc));
    j->running = true;
    return 0;
}

static void init(struct bd_journaling *j, struct bd_control *control)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&j->mutex, NULL);
    STAILQ_INIT(&j->askers);
    j->lock_fd = -1;
    j->alarms = control->alarms;
    j->table = &control->table;
    j->boot = bd_journal_time_read().boot;
    j->numbers.durability = control->config->durability;
    j->numbers.snapshot_at_ms = bd_clock_ms(); /* an interval counts from here on */
    bd_journaling_reload(j, control->config);
}

static void release(struct bd_journaling *j)
{
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    if (j->woken)
        event_free(j->woken);
    if (j->watch)
        event_free(j->watch);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->mutex);
    free(j->path);
    free(j);
}

struct bd_journaling *bd_journaling_start(struct bd_control *control, struct bd_error *error)
{
    struct bd_journaling *j = calloc(1, sizeof(*j));
    struct timeval watch = {.tv_sec = WATCH_MS / 1000};
    if (!j) {
        bd_fail(error, "out of memory");
        return NULL;
    }
    init(j, control);
    j->path = strdup(control->config->journal_dir);
    j->dir = (struct bd_journal_dir){.io = &bd_journal_io_posix, .path = j->path};
    j->woken = event_new(control->base, -1, 0, on_woken, j);
    j->watch = event_new(control->base, -1, EV_PERSIST, on_watch, j);
    int rc = j->path && j->woken && j->watch ? 0 : bd_fail(error, "out of memory");
    bd_keeper_init(&j->keeper, j->table, &j->dir, bd_epoch_control(KEEPER_LINE),
                   control->generation);
    j->snapshot.line = bd_epoch_control(SNAPSHOT_LINE);
    j->snapshot.generation = control->generation;
    if (!writes(j))
        forget(j);
    else if (rc == 0)
        rc = event_add(j->watch, &watch) < 0 ? bd_fail(error, "out of memory")
                                             : start_threads(j, error);
    if (rc == 0)
        return j;
    release(j);
    return NULL;
}

/* Waits for both threads together, and not longer than it may. The mutex is held. */
static bool have_ended(struct bd_journaling *j)
{
    uint64_t until_us = bd_journaling_us() + BD_JOURNALING_STOP_MS * 1000, now_us;
    while (j->ended < THREADS && (now_us = bd_journaling_us()) < until_us)
        bd_journaling_wait_us(j, until_us - now_us);
    return j->ended == THREADS;
}

bool bd_journaling_stop(struct bd_journaling *j)
{
    struct bd_error stops;
    if (!j)
        return true;
    pthread_mutex_lock(&j->mutex);
    j->stopping = true;
    pthread_cond_broadcast(&j->changed);
    bool ended = !j->running || have_ended(j);
    pthread_mutex_unlock(&j->mutex);
    bd_fail(&stops, "bindery-control stops");
    tell_askers(j, &stops);
    if (!ended) {
        bd_log(BD_LOG_ERROR,
               "journal %s: its disk has not answered for %d s, so the last changes may not be on "
               "it; they stay marked in the arena, and the next start writes them",
               j->path, BD_JOURNALING_STOP_MS / 1000);
        return false;
    }
    if (j->running) {
        pthread_join(j->keeper_thread, NULL);
        pthread_join(j->snapshot_thread, NULL);
    }
    release(j);
    return true;
}
