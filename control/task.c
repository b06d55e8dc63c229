/* SPDX-License-Identifier: BSD-3-Clause */
#include "task.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct task {
    struct bd_tasks *tasks;
    pthread_t thread;
    bool busy;         /* loop only */
    _Atomic bool over; /* the thread's last word; pairs with the loop's acquire */
    bd_task_run_fn run;
    bd_task_done_fn done;
    void *arg;
};

struct bd_tasks {
    struct event *woken;
    struct task task[BD_TASKS_MAX];
};

static void collect(struct task *task)
{
    pthread_join(task->thread, NULL);
    task->busy = false;
    task->done(task->arg);
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

void bd_tasks_free(struct bd_tasks *tasks)
{
    if (!tasks)
        return;
    for (unsigned i = 0; i < BD_TASKS_MAX; i++) {
        if (tasks->task[i].busy)
            collect(&tasks->task[i]);
    }
    event_free(tasks->woken);
    free(tasks);
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
                   struct bd_error *error)
{
    struct task *task = free_task(tasks);
    if (!task)
        return bd_fail(error, "busy: %d long commands run already, try again", BD_TASKS_MAX);
    task->tasks = tasks;
    task->run = run;
    task->done = done;
    task->arg = arg;
    atomic_store(&task->over, false);
    int rc = start_thread(task);
    if (rc != 0)
        return bd_fail(error, "cannot start a thread: %s", strerror(rc));
    task->busy = true;
    return 0;
}
