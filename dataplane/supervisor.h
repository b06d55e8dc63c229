/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane's main thread: signals, heartbeat, and watching the control process.
 *
 *   absent --lock held, serving--> present --pidfd readable--> absent
 *                                  present --heartbeat stands still--> hung --it moves--> present
 *                                  hung --pidfd readable--> absent
 *
 * SIGTERM and SIGINT stop the workers. A pidfd tells the death of control at once; the role lock of
 * the arena, tried every 100 ms, tells its coming. When control is dead its epoch lines are buried,
 * so that reclamation goes on; of one that hangs they are not, as it may still read. Unless control
 * is present the workers are told that nobody is there, so that they answer 503 without waiting to
 * what needs it, and serve the rest.
 *
 * A hang is counted in turns of this thread, not in time: when both processes were stopped together
 * (a virtual machine that was moved, say), neither takes the other for hung. */
#ifndef BD_SUPERVISOR_H
#define BD_SUPERVISOR_H

#include "worker.h"

struct bd_supervisor {
    struct bd_arena *arena;
    struct bd_worker_signals *signals;
    int signal_fd;
    int control_fd;              /* pidfd of the living control process, or -1 */
    uint32_t control_generation; /* of that one */
    uint64_t beat_ms;            /* its last heartbeat seen */
    unsigned silent_ticks, control_timeout_ms;
    bool hung;
};

/* Blocks the signals in this thread and all that come after it: call before any thread is made.
 * Control counts as hung when its heartbeat has stood still for control_timeout_ms. */
int bd_supervisor_init(struct bd_supervisor *supervisor, struct bd_arena *arena,
                       struct bd_worker_signals *signals, uint32_t control_timeout_ms,
                       struct bd_error *error);
void bd_supervisor_close(struct bd_supervisor *supervisor);
/* Waits until control has published a policy. False when told to stop before. */
bool bd_supervisor_wait_policy(struct bd_supervisor *supervisor);
/* Watches control and the ports' links until told to stop; then sets signals->stop. */
void bd_supervisor_run(struct bd_supervisor *supervisor, struct bd_table *table,
                       struct bd_nic *nic);

#endif
