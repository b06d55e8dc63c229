/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks at the end of the process: who is waited for, and who is left. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/thread.h>
#include <pthread.h>

#include "clock.h"
#include "task.h"

struct job {
    _Atomic bool begun, let_go, ended;
    bool done;
};

static struct event_base *base;
static struct bd_tasks *tasks;

static int open_tasks(void **state)
{
    struct bd_error error;
    evthread_use_pthreads();
    base = event_base_new();
    tasks = bd_tasks_new(base, &error);
    assert_non_null(tasks);
    return 0;
}

static void run(void *arg, unsigned line)
{
    struct job *job = arg;
    job->begun = true;
    while (!job->let_go)
        usleep(1000);
    job->ended = true;
}

static void done(void *arg)
{
    ((struct job *)arg)->done = true;
}

static void start(struct job *job, bool may_be_left)
{
    struct bd_error error;
    assert_int_equal(bd_tasks_start(tasks, run, done, job, may_be_left, &error), 0);
    while (!job->begun)
        usleep(100);
}

static void *let_go_later(void *arg)
{
    poll(NULL, 0, BD_TASKS_LEAVE_MS * 3 / 2);
    ((struct job *)arg)->let_go = true;
    return NULL;
}

static void those_that_end_are_waited_for(void **state)
{
    struct job job = {.let_go = true};
    start(&job, true);
    assert_true(bd_tasks_stop(tasks));
    assert_true(job.ended && job.done);
    event_base_free(base);
}

static void one_that_may_be_left_is(void **state)
{
    struct job job = {.let_go = false};
    start(&job, true);
    uint64_t begun_ms = bd_clock_ms();
    assert_false(bd_tasks_stop(tasks));
    assert_true(bd_clock_ms() - begun_ms >= BD_TASKS_LEAVE_MS);
    assert_false(job.ended || job.done);
    job.let_go = true; /* what it uses was not freed */
    assert_true(bd_tasks_stop(tasks));
    assert_true(job.ended && job.done);
    event_base_free(base);
}

/* An import, say, is not cut off, whatever it takes. */
static void others_are_not_left(void **state)
{
    struct job job = {.let_go = false};
    pthread_t thread;
    start(&job, false);
    assert_int_equal(pthread_create(&thread, NULL, let_go_later, &job), 0);
    assert_true(bd_tasks_stop(tasks));
    assert_true(job.ended && job.done);
    pthread_join(thread, NULL);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(those_that_end_are_waited_for, open_tasks),
        cmocka_unit_test_setup(one_that_may_be_left_is, open_tasks),
        cmocka_unit_test_setup(others_are_not_left, open_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
