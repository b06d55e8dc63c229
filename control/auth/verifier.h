/* SPDX-License-Identifier: BSD-3-Clause */
/* Verifier threads: they serve the workers' verify jobs.
 *
 *   worker i --jobs--> thread i % N --verdicts--> worker i
 *
 * A ring has one reader and one writer, so no lock is needed, and a worker's jobs are judged in
 * order. A thread is online in the epoch while it works: it reads the policy block and the
 * subscriber store. Without work it spins for some tens of microseconds, then sleeps up to half a
 * millisecond at a time. We allocate nothing for a job (see digest.h).
 *
 * Jobs of another generation of either process are dropped: nobody waits for them. A worker that
 * does not take its verdicts loses them after a short wait; it has a time-out of its own. */
#ifndef BD_VERIFIER_H
#define BD_VERIFIER_H

#include "arena.h"
#include "channel.h"
#include "epoch.h"
#include "replay.h"
#include "store.h"

struct bd_verifiers;

struct bd_verifiers_deps {
    struct bd_arena *arena; /* joined in the role of control: its generation is ours */
    struct bd_epoch *epoch;
    const struct bd_subscriber_store *store; /* filled; its epoch is the same */
    struct bd_replay *replay;
    unsigned workers; /* channels 0 .. workers - 1 */
    unsigned threads; /* 1 .. BD_VERIFIERS_MAX */
};

/* Starts the threads; all of deps must live until stop. NULL with an error, and no thread left. */
struct bd_verifiers *bd_verifiers_start(const struct bd_verifiers_deps *deps,
                                        struct bd_error *error);
/* Lets each thread finish the few jobs it is at, and waits for all. */
void bd_verifiers_stop(struct bd_verifiers *verifiers);

#define BD_VERIFY_RC_CNT (BD_VERIFY_BAD_NONCE + 1)

struct bd_verifier_stats {
    uint64_t jobs;                     /* judged */
    uint64_t result[BD_VERIFY_RC_CNT]; /* by enum bd_verify_rc */
    uint64_t outdated;                 /* of another generation */
    uint64_t verdicts_lost;            /* the worker did not take them */
    uint64_t heartbeat_ms; /* bd_clock_ms() of its last turn: a thread that is alive makes
                              one at least every millisecond or so */
};
/* Copies one thread's counters. Any thread. */
void bd_verifiers_stats(const struct bd_verifiers *verifiers, unsigned thread,
                        struct bd_verifier_stats *stats);

/* Label of a result: lower case, underscores. */
extern const char *const bd_verify_rc_text[BD_VERIFY_RC_CNT];

#endif
