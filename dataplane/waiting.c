/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that wait for a verifier: the job, the verdict, the end of those that get none. */
#include "worker_private.h"

/* So many jobs ahead the ring is fetched for writing. */
enum { JOBS_AHEAD = 2 };

/* --- jobs ------------------------------------------------------------------------------------- */

void bd_worker_hand_on(struct bd_worker *w, unsigned place, struct bd_verify_job *job,
                       struct bd_outgoing *out, uint64_t received_tsc)
{
    const struct bd_datagram *d = &w->datagram[place];
    const struct bd_request *r = &w->request[place];
    if (w->control_generation == 0) {
        bd_worker_refuse(w, d, r, BD_SIP_VERIFIER_GONE, out, received_tsc);
        return;
    }
    uint64_t deadline_ms = w->now_ms + w->policy->verdict_timeout_ms;
    uint16_t slot = BD_PENDING_NONE;
    if (job)
        slot = bd_pending_take(&w->pending, d, &w->parsed[place], received_tsc, deadline_ms);
    if (slot == BD_PENDING_NONE) {
        bd_worker_refuse(w, d, r, BD_SIP_VERIFIER_BUSY, out, received_tsc);
        return;
    }
    job->slot = slot;
    job->sequence = w->pending.entry[slot].sequence;
    job->dataplane_generation = w->generation;
    job->control_generation = w->control_generation;
    w->job_cnt++;
    bd_job_prefetch(bd_ring_later(w->channel.jobs, w->job_cnt + JOBS_AHEAD));
    bd_stat_add(&w->stats->counter[BD_CTR_VERIFY_JOBS], 1);
    bd_nic_drop(out->mbuf);
}

void bd_worker_publish_jobs(struct bd_worker *w)
{
    if (w->job_cnt)
        bd_ring_publish_many(w->channel.jobs, w->job_cnt);
    w->job_cnt = 0;
}

/* --- verdicts --------------------------------------------------------------------------------- */

static void resume(struct bd_worker *w, unsigned place)
{
    const struct bd_datagram *d = &w->datagram[place];
    const struct bd_request *r = &w->request[place];
    struct bd_outgoing out;
    if (!bd_outgoing_begin(w, d, &out))
        return;
    enum bd_verdict verdict = BD_VERDICT_NONE;
    enum bd_step step =
        bd_registrar_resume(w->registrar, place, &w->result[place], &out.wire, &verdict);
    if (step == BD_STEP_CONTROL)
        bd_worker_pass_on(w, d, r, verdict, &out, w->received_tsc[place]);
    else
        bd_worker_finish(w, d, r, step, verdict, &out, w->received_tsc[place]);
}

/* The verifier wrote them last: their lines come from the cache of that core. */
static void prefetch_verdicts(const struct bd_worker *w)
{
    uint32_t ready = bd_ring_ready(w->channel.verdicts);
    for (unsigned i = 0; i < ready && i < BD_BURST; i++)
        __builtin_prefetch(bd_ring_ahead(w->channel.verdicts, i));
}

/* Takes verdicts from the ring until they make a burst of requests that waited for them. */
static unsigned claim_burst(struct bd_worker *w, unsigned *taken)
{
    prefetch_verdicts(w);
    unsigned cnt = 0;
    const struct bd_verify_result *shared;
    while (cnt < BD_BURST && *taken < VERDICTS_PER_TURN &&
           (shared = bd_ring_peek(w->channel.verdicts))) {
        struct bd_verify_result *result = &w->result[cnt];
        *result = *shared;
        bd_ring_release(w->channel.verdicts);
        ++*taken;
        struct bd_pending_entry e;
        if (result->dataplane_generation == w->generation &&
            bd_pending_claim(&w->pending, result->slot, result->sequence, &w->parsed[cnt], &e)) {
            w->datagram[cnt] = e.datagram;
            w->received_tsc[cnt++] = e.received_tsc;
        } else {
            bd_stat_add(&w->stats->counter[BD_CTR_VERIFY_LATE], 1);
        }
    }
    return cnt;
}

unsigned bd_worker_take_verdicts(struct bd_worker *w)
{
    unsigned taken = 0, cnt;
    while ((cnt = claim_burst(w, &taken)) > 0) {
        bd_worker_parse_burst(w, cnt, true); /* screened before they waited */
        bd_worker_prepare_burst(w, cnt);
        for (unsigned i = 0; i < cnt; i++) {
            bd_worker_prefetch_rest(w, i + BD_PREFETCH_AHEAD, cnt);
            resume(w, i);
        }
    }
    return taken;
}

/* --- those that get none ---------------------------------------------------------------------- */

static void refuse_entry(struct bd_worker *w, const struct bd_pending_entry *e,
                         enum bd_verdict verdict)
{
    w->datagram[0] = e->datagram;
    bd_worker_make_request(w, 0, true);
    struct bd_outgoing out;
    if (!bd_outgoing_begin(w, &e->datagram, &out))
        return;
    bd_worker_refuse(w, &e->datagram, &w->request[0], verdict, &out, e->received_tsc);
}

unsigned bd_worker_refuse_waiting(struct bd_worker *w)
{
    uint32_t control =
        atomic_load_explicit(&w->deps.signals->control_generation, memory_order_relaxed);
    bool gone = control != w->control_generation;
    unsigned cnt = 0;
    struct bd_pending_entry e;
    while (cnt < OVERDUE_PER_TURN &&
           bd_pending_next_overdue(&w->pending, gone ? UINT64_MAX : w->now_ms, &w->parsed[0], &e)) {
        refuse_entry(w, &e, gone ? BD_SIP_VERIFIER_GONE : BD_SIP_VERIFIER_BUSY);
        cnt++;
    }
    if (w->pending.oldest == BD_PENDING_NONE)
        w->control_generation = control;
    return cnt;
}

void bd_worker_refuse_all(struct bd_worker *w)
{
    struct bd_pending_entry e;
    while (bd_pending_next_overdue(&w->pending, UINT64_MAX, &w->parsed[0], &e))
        refuse_entry(w, &e, BD_SIP_VERIFIER_GONE);
}
