/* SPDX-License-Identifier: BSD-3-Clause */
#include "task.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct task {
    struct bd_tasks *tasks;
    pthread_t thread;
    bool busy;         /* loop only */
    bool may_be_left;  /* likewise */
    _Atomic bool over; /* the thread's last word; pairs with the loop's acquire */
    bd_task_run_fn run;
    bd_task_done_fn done;
    void *arg;
};

struct bd_tasks {
    struct event *woken;
    _Atomic bool stopping; /* relaxed: a hint, nothing else is read by it */
    struct task task[BD_TASKS_MAX];
};

static void joined(struct task *task)
{
    task->busy = false;
    task->done(task->arg);
}

static void collect(struct task *task)
{
    pthread_join(task->thread, NULL);
    joined(task);
}

static void on_woken(evutil_socket_t fd, short what, void *arg)
{
    struct bd_tasks *tasks = arg;
    for (unsigned i = 0; i < BD_TASKS_MAX; i++) {
        struct task *task = &tasks->task[i];
        if (task->busy && atomic_load_explicit(&task->over, memory_order_acquire))
            collect(task);
    }
}

struct bd_tasks *bd_tasks_new(struct event_base *base, struct bd_error *error)
{
    struct bd_tasks *tasks = calloc(1, sizeof(*tasks));
    if (tasks)
        tasks->woken = event_new(base, -1, EV_PERSIST, on_woken, tasks);
    if (tasks && tasks->woken)
        return tasks;
    free(tasks);
    bd_fail(error, "out of memory");
    return NULL;
}

static bool collect_by(struct task *task, const struct timespec *deadline)
{
    if (pthread_clockjoin_np(task->thread, NULL, CLOCK_MONOTONIC, deadline) != 0)
        return false;
    joined(task);
    return true;
}

bool bd_tasks_stop(struct bd_tasks *tasks)
{
    struct timespec deadline;
    bool all = true;
    if (!tasks)
        return true;
    atomic_store_explicit(&tasks->stopping, true, memory_order_relaxed);
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += BD_TASKS_LEAVE_MS / 1000;
    for (unsigned i = 0; i < BD_TASKS_MAX; i++) {
        struct task *task = &tasks->task[i];
        if (task->busy && task->may_be_left)
            all &= collect_by(task, &deadline);
        else if (task->busy)
            collect(task);
    }
    if (!all)
        return false;
    event_free(tasks->woken);
    free(tasks);
    return true;
}

const _Atomic bool *bd_tasks_stopping(const struct bd_tasks *tasks)
{
    return &tasks->stopping;
}

static void *thread_main(void *arg)
{
    struct task *task = arg;
    struct event *woken = task->tasks->woken;
    unsigned index = (unsigned)(task - task->tasks->task);
    task->run(task->arg, bd_epoch_control(1 + BD_VERIFIERS_MAX + index));
    atomic_store_explicit(&task->over, true, memory_order_release);
    event_active(woken, 0, 0);
    return NULL;
}

static struct task *free_task(struct bd_tasks *tasks)
{
    for (unsigned i = 0; i < BD_TASKS_MAX; i++) {
        if (!tasks->task[i].busy)
            return &tasks->task[i];
    }
    return NULL;
}

/* Signals are the main thread's. */
static int start_thread(struct task *task)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&task->thread, NULL, thread_main, task);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int bd_tasks_start(struct bd_tasks *tasks, bd_task_run_fn run, bd_task_done_fn done, void *arg,
                   bool may_be_left, struct bd_error *error)
{
    struct task *task = free_task(tasks);
    if (!task)
        return bd_fail(error, "busy: %d long commands run already, try again", BD_TASKS_MAX);
    task->tasks = tasks;
    task->run = run;
    task->done = done;
    task->arg = arg;
    task->may_be_left = may_be_left;
    atomic_store(&task->over, false);
    int rc = start_thread(task);
    if (rc != 0)
        return bd_fail(error, "cannot start a thread: %s", strerror(rc));
    task->busy = true;
    return 0;
}
