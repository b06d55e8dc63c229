/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of a worker share. A datagram goes through them in this order:
 *
 *   worker.c        the turn of the loop, which calls all others
 *   load.c          how long requests wait, hence how many are served
 *   burst.c         received, parsed, screened, decided; or it ends there
 *   waiting.c       waits for a verifier, and is decided with its verdict
 *   control_work.c  or is handed to control, which answers by the worker's port
 *   reply.c         the reply leaves, at once or when the change is on disk
 *
 * All of it is the worker's own thread's. */
#ifndef BD_WORKER_PRIVATE_H
#define BD_WORKER_PRIVATE_H

#include "dirty.h"
#include "held.h"
#include "limiter.h"
#include "overload.h"
#include "pending.h"
#include "screener.h"
#include "worker.h"

/* Upper bounds of the side work of one turn, so that a flood of it cannot starve the port. */
enum { VERDICTS_PER_TURN = 64, SWEEPS_PER_TURN = 8, OVERDUE_PER_TURN = 64, OUTBOUND_PER_TURN = 32 };
enum { HELD_PER_TURN = 256 };
/* Requests that may end in one turn: of its burst, answered by verifiers, refused while waiting, on
 * disk. */
enum { ENDS_PER_TURN = BD_BURST + VERDICTS_PER_TURN + OVERDUE_PER_TURN + HELD_PER_TURN };

struct bd_worker {
    struct bd_worker_deps deps;
    struct bd_registrar *registrar;
    struct bd_limiter *limiter;
    struct bd_screener *screener;
    struct bd_worker_stats *stats;
    struct bd_channel channel;
    uint32_t generation;         /* of this dataplane process */
    uint32_t control_generation; /* that the pending jobs were meant for */
    uint64_t ns_per_tick_q32;    /* TSC ticks to ns, 32 fractional bits: no division per packet */
    uint64_t now_ms, wall_ms;    /* of this turn */
    uint64_t wall_ahead_ms;      /* of now_ms; may wrap */
    const struct bd_policy *policy;
    struct bd_overload overload;
    struct bd_pending pending;
    uint32_t job_cnt;              /* of this burst: written to the ring, not published yet */
    struct bd_held held;           /* durability sync */
    struct bd_dirty_shared *dirty; /* what is on disk */
    struct bd_datagram datagram[BD_BURST];
    struct bd_parsed room[BD_BURST];
    struct bd_parsed *parsed[BD_BURST]; /* each in room[] or in pending */
    struct bd_request request[BD_BURST];
    bool took_turn[BD_BURST];           /* while strangers wait */
    enum bd_verdict screened[BD_BURST]; /* BD_VERDICT_NONE: goes on */
    /* Of requests that waited for a verifier, by their place in the burst, too. */
    struct bd_verify_result result[BD_BURST];
    uint64_t received_tsc[BD_BURST];
    /* When the requests that this turn ended were received; told to the histogram when their
     * replies have left. */
    unsigned end_cnt;
    uint64_t end_received_tsc[ENDS_PER_TURN];
};

/* A reply under way: the buffer it is written to, and where it will go. */
struct bd_outgoing {
    struct rte_mbuf *mbuf;
    struct bd_wire wire;
};

/* What returns a count did so much; 0: there was nothing to do. */

/* burst.c */
unsigned bd_worker_serve_burst(struct bd_worker *w);
/* Makes requests of the datagrams at the places below cnt. `waited`: for a verifier, so they have
 * been parsed and screened already. */
void bd_worker_parse_burst(struct bd_worker *w, unsigned cnt, bool waited);
/* Lets the registrar fetch what it will read of those requests that go on. */
void bd_worker_prepare_burst(struct bd_worker *w, unsigned cnt);
/* The rest of a request's record, while those before it are served; beyond cnt nothing. */
void bd_worker_prefetch_rest(const struct bd_worker *w, unsigned place, unsigned cnt);
/* One request alone. Only what parsed has waited. */
void bd_worker_make_request(struct bd_worker *w, unsigned place, bool waited);

/* load.c */
/* Once a turn, between receiving and serving. */
void bd_worker_watch_load(struct bd_worker *w, uint64_t now_tsc, bool burst_full);

/* waiting.c */
/* Hands a job to the verifiers and lets the datagram wait; 503 at once when that cannot be. `job`
 * is reserved in the ring, or NULL when that is full. */
void bd_worker_hand_on(struct bd_worker *w, unsigned place, struct bd_verify_job *job,
                       struct bd_outgoing *out, uint64_t received_tsc);
/* The burst is served: lets the verifiers see its jobs. */
void bd_worker_publish_jobs(struct bd_worker *w);
unsigned bd_worker_take_verdicts(struct bd_worker *w);
/* Refuses requests that waited too long, or all of them when their verifiers died. */
unsigned bd_worker_refuse_waiting(struct bd_worker *w);
/* Refuses all that wait: the worker stops. */
void bd_worker_refuse_all(struct bd_worker *w);

/* control_work.c */
/* Hands the datagram to control, which answers; refuses it when that cannot be. */
void bd_worker_pass_on(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                       enum bd_verdict verdict, struct bd_outgoing *out, uint64_t received_tsc);
unsigned bd_worker_take_commands(struct bd_worker *w);
unsigned bd_worker_take_sweeps(struct bd_worker *w);
unsigned bd_worker_take_outbound(struct bd_worker *w);

/* reply.c */
/* False when there is no buffer: the datagram has found its end then. */
bool bd_outgoing_begin(struct bd_worker *w, const struct bd_datagram *d, struct bd_outgoing *out);
/* Ends a request: counts its verdict, sends what was written, lets the datagram go. */
void bd_worker_finish(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                      enum bd_step step, enum bd_verdict verdict, struct bd_outgoing *out,
                      uint64_t received_tsc);
/* The same with the reply that a verdict draws. */
void bd_worker_refuse(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                      enum bd_verdict verdict, struct bd_outgoing *out, uint64_t received_tsc);
/* Notes that a request has its reply; the histogram hears of it with the flush. */
void bd_worker_note_end(struct bd_worker *w, uint64_t received_tsc);
void bd_worker_flush(struct bd_worker *w);
/* Whether a change made now could not be promised to last, and should be. */
bool bd_worker_is_undurable(struct bd_worker *w);
unsigned bd_worker_release_held(struct bd_worker *w);
/* The worker stops: gives the disk a moment for the replies that wait for it. */
void bd_worker_settle_held(struct bd_worker *w);

static inline void bd_worker_count(struct bd_worker *w, enum bd_verdict verdict)
{
    bd_stat_add(&w->stats->verdict[verdict], 1);
}

#endif
