/* SPDX-License-Identifier: BSD-3-Clause */
/* Work that would hold the event loop: a thread each, and its end told in the loop.
 *
 *   start --thread--> run(arg, line) --event--> done(arg) in the loop
 *
 * Each running task has an epoch line of control's own (the rest of the lines after the loop's and
 * the verifiers', but for the last two, which are the journal's), so a walk of the table may take
 * its time. */
#ifndef BD_TASK_H
#define BD_TASK_H

#include <event2/event.h>

#include "epoch.h"
#include "log.h"

#define BD_TASKS_LEAVE_MS 1000
#define BD_TASKS_MAX      (BD_EPOCH_CONTROL_MAX - 3 - BD_VERIFIERS_MAX)

struct bd_tasks;

/* `line` is the epoch line the thread may use; it leaves it offline. */
typedef void (*bd_task_run_fn)(void *arg, unsigned line);
typedef void (*bd_task_done_fn)(void *arg);

/* NULL with an error: no memory. */
struct bd_tasks *bd_tasks_new(struct event_base *base, struct bd_error *error);
/* Waits for all that run and calls their `done`. False: some that may be left still run after
 * BD_TASKS_LEAVE_MS. Then nothing is freed, neither may be what they use, and the process is to end
 * by _exit(). */
bool bd_tasks_stop(struct bd_tasks *tasks);
/* Set when that begins: a task that can end early looks at it. */
const _Atomic bool *bd_tasks_stopping(const struct bd_tasks *tasks);

/* `may_be_left`: it makes nothing that outlives the process, and nothing can cut it off.
 * Event loop only. -1 with an error when BD_TASKS_MAX run already or there is no thread to be had;
 * then neither function is called. */
int bd_tasks_start(struct bd_tasks *tasks, bd_task_run_fn run, bd_task_done_fn done, void *arg,
                   bool may_be_left, struct bd_error *error);

#endif
