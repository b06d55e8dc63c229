/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker: the loop that runs a lcore to completion.
 *
 *   receive burst > drop the banned > parse all > screen all > find AoRs and fetch buckets > fetch
 *   records > decide, commit, reply > verdicts > commands > due buckets > control's datagrams >
 *   replies that are on disk by now > overdue requests > flush > quiescent
 *
 * Everything it touches is its own or lock-free; it never blocks but for the nap of `poll:
 * adaptive`, which it takes only when a turn found nothing to do. */
#ifndef BD_WORKER_H
#define BD_WORKER_H

#include "channel.h"
#include "config.h"
#include "nic.h"
#include "registrar.h"

/* What main tells all workers; one writer (main), relaxed reads. */
struct bd_worker_signals {
    _Atomic bool stop;
    /* Generation of the living control process, 0 while there is none. Release by main after it
     * has buried a dead one; workers read it once a turn. */
    _Atomic uint32_t control_generation;
};

struct bd_worker;

struct bd_worker_deps {
    unsigned id;
    struct bd_arena *arena;
    struct bd_table *table;
    struct bd_writer *writer;
    struct bd_nic_queue *queue;
    const struct bd_worker_signals *signals;
    enum bd_poll_mode poll;
    uint64_t phones;   /* that this worker may serve: its share of arena.bindings_max */
    uint32_t held_max; /* replies that may wait for the disk; 0: none ever waits (not sync) */
};

/* NULL with an error when memory or OpenSSL is not to be had. */
struct bd_worker *bd_worker_new(const struct bd_worker_deps *deps, struct bd_error *error);
void bd_worker_free(struct bd_worker *worker);
/* Runs until signals->stop. Replies 503 to what still waits for a verifier, gives
 * the disk a moment for the replies that wait for it, then returns. The arena must hold a
 * policy already. */
void bd_worker_run(struct bd_worker *worker);

#endif
