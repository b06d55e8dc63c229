/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane's main thread: signals, heartbeat, and watching the control process.
 *
 * SIGTERM and SIGINT stop the workers. A pidfd tells the death of control at once; the role lock of
 * the arena, tried every 100 ms, tells its coming. When control is dead its epoch lines are buried,
 * so that reclamation goes on, and the workers are told, so that they answer 503 without waiting.
 */
#ifndef BD_SUPERVISOR_H
#define BD_SUPERVISOR_H

#include "worker.h"

struct bd_supervisor {
    struct bd_arena *arena;
    struct bd_worker_signals *signals;
    int signal_fd;
    int control_fd; /* pidfd of the living control process, or -1 */
};

/* Blocks the signals in this thread and all that come after it: call before any thread is made. */
int bd_supervisor_init(struct bd_supervisor *supervisor, struct bd_arena *arena,
                       struct bd_worker_signals *signals, struct bd_error *error);
void bd_supervisor_close(struct bd_supervisor *supervisor);
/* Waits until control has published a policy. False when told to stop before. */
bool bd_supervisor_wait_policy(struct bd_supervisor *supervisor);
/* Watches control and the ports' links until told to stop; then sets signals->stop. */
void bd_supervisor_run(struct bd_supervisor *supervisor, struct bd_table *table,
                       struct bd_nic *nic);

#endif
