/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to journaling.c, keeping.c and walking.c: what the threads and the loop share. */
#ifndef BD_JOURNALING_THREADS_H
#define BD_JOURNALING_THREADS_H

#include <pthread.h>
#include <sys/queue.h>

#include "alarm.h"
#include "clock.h"
#include "journaling.h"
#include "snapshot.h"

/* Somebody waits for a snapshot. Loop only. */
struct bd_journaling_asker {
    STAILQ_ENTRY(bd_journaling_asker) link;
    uint64_t ticket;
    bd_journaling_told_fn told;
    void *arg;
};

struct bd_journaling {
    struct bd_alarms *alarms;
    struct bd_table *table;
    char *path;
    struct bd_journal_dir dir;
    int lock_fd; /* the keeper thread's: the directory, locked; -1: not open */
    uint64_t boot;
    bool running;
    pthread_t keeper_thread, snapshot_thread;
    struct bd_keeper keeper;     /* its thread's, as are: */
    uint64_t turn_us, took_us;   /* when its last turn began, and what it took */
    bool idle;                   /* that found nothing */
    struct bd_snapshot snapshot; /* its thread's */

    /* The mutex guards all that follows, up to the loop's; never held while a disk is waited for.
     * `changed` is told of whatever a thread may wait for. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    unsigned ended;    /* threads that have nothing left to do */
    bool snapshot_due; /* until one has begun: a journal failed, or there are many files */
    bool open;         /* a journal can be written */
    /* The disk was full: a snapshot, which replaces all that is there, comes before anything else.
     * What has changed meanwhile might take the room that it needs, and then none is left ever. */
    bool snapshot_first;
    uint32_t fsync_ms, interval_s;
    uint64_t limit_bytes;
    uint64_t turn_began_ms;              /* of the one under way; 0: none */
    uint64_t slow_ms, slow_at_ms;        /* the last turn that was slow; 0: none */
    uint64_t rotate_asked, rotate_given; /* next journals for snapshots, counted */
    int64_t rotate_number;               /* what came of the last: its number, or -1 */
    struct bd_error rotate_error;
    uint64_t base_bytes, base_records; /* written when the last snapshot began */
    uint64_t retry_ms;                 /* no snapshot of its own accord before */
    uint64_t asked, answered;          /* tickets of commands */
    unsigned snapshots_failed;         /* in a row; the last one: */
    struct bd_error snapshot_error;
    struct bd_journaling_numbers numbers;

    /* Loop only. */
    struct event *woken, *watch;
    STAILQ_HEAD(, bd_journaling_asker) askers;
};

/* A turn that takes longer is an alarm. */
#define BD_JOURNALING_SLOW_MS 1000

static inline uint64_t bd_journaling_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static inline struct bd_journal_time bd_journaling_now(const struct bd_journaling *j)
{
    return (struct bd_journal_time){bd_wall_ms(), bd_clock_ms(), j->boot};
}

/* Until something changed, or so long. The mutex is held. */
static inline void bd_journaling_wait_us(struct bd_journaling *j, uint64_t us)
{
    uint64_t until_us = bd_journaling_us() + us;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000 * 1000)};
    pthread_cond_timedwait(&j->changed, &j->mutex, &until);
}

/* A thread's last word. */
static inline void bd_journaling_end(struct bd_journaling *j)
{
    pthread_mutex_lock(&j->mutex);
    j->ended++;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->mutex);
}

/* When the next snapshot is tried after so many in a row that failed. Each try leaves a journal,
 * unless the disk was full, and there is an end to the files that a load reads. */
uint64_t bd_journaling_retry_ms(unsigned failed, bool leaves_none);

void *bd_journaling_keep(void *journaling);
void *bd_journaling_walk(void *journaling);

#endif
