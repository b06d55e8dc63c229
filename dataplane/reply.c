/* SPDX-License-Identifier: BSD-3-Clause */
/* How requests end: the reply leaves, or waits for the disk (durability sync), or there is none;
 * and how long that took. */
#include "worker_private.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include "clock.h"

/* How long a worker that stops waits for the disk. */
enum { STOP_HELD_MS = 100 };

/* --- replies ---------------------------------------------------------------------------------- */

bool bd_outgoing_begin(struct bd_worker *w, const struct bd_datagram *d, struct bd_outgoing *out)
{
    char *payload;
    uint32_t cap;
    out->mbuf = bd_nic_reply(w->deps.queue, d, &payload, &cap);
    if (!out->mbuf) {
        bd_worker_count(w, BD_FRAME_NO_MBUF);
        bd_nic_drop(d->mbuf);
        return false;
    }
    out->wire = bd_wire_init(payload, cap);
    return true;
}

static struct bd_endpoint destination_of(const struct bd_datagram *d, const struct bd_request *r)
{
    bool follow = r->message->via.maddr.p && bd_policy_follows_maddr(r->policy, &d->source.ip);
    return bd_reply_destination(r->message, &d->source, follow);
}

static void outgoing_send(struct bd_worker *w, const struct bd_datagram *d,
                          const struct bd_request *r, struct bd_outgoing *out)
{
    struct bd_endpoint destination = destination_of(d, r);
    bd_nic_send(w->deps.queue, w->stats, out->mbuf, d, &destination, bd_wire_len(&out->wire));
}

static bool is_sync(const struct bd_worker *w)
{
    return w->deps.held_max > 0;
}

static uint64_t durable(const struct bd_worker *w)
{
    /* Acquire; pairs with bd_dirty_settle: what it counts is on disk. */
    return atomic_load_explicit(&w->dirty->durable, memory_order_acquire);
}

/* Whether this burst's changes may be promised. Relaxed: a hint; a reply leaves by `durable`. */
static bool can_promise(struct bd_worker *w)
{
    return atomic_load_explicit(&w->dirty->writing, memory_order_relaxed) &&
           atomic_load_explicit(&w->deps.signals->control_generation, memory_order_relaxed) &&
           bd_held_takes_burst(&w->held, durable(w));
}

bool bd_worker_is_undurable(struct bd_worker *w)
{
    return is_sync(w) && !can_promise(w);
}

/* Whether the reply says that something is registered, or no longer is. A query's says what is in
 * the table; it waits like the others, but is not refused when it cannot. */
static bool must_be_held(const struct bd_worker *w, const struct bd_request *r,
                         enum bd_verdict verdict)
{
    return is_sync(w) && bd_verdict_info[verdict].status == 200 &&
           r->message->method == BD_METHOD_REGISTER && !r->undurable;
}

static void hold(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                 const struct bd_outgoing *out, uint64_t received_tsc)
{
    struct bd_held_reply held = {.way = *d,
                                 .destination = destination_of(d, r),
                                 .len = bd_wire_len(&out->wire),
                                 .deadline_ms = w->now_ms + w->policy->verdict_timeout_ms,
                                 .received_tsc = received_tsc};
    held.way.mbuf = out->mbuf;
    bd_held_put(&w->held, &held);
    bd_stat_add(&w->stats->counter[BD_CTR_REPLIES_HELD], 1);
}

/* RFC 6076 4.2: 401, 402 and 407 are no failures; the last two are never sent. Of the requests that
 * BD_CTR_REGISTER_REQUESTS counts, which are not the malformed and screened ones. */
static bool is_ineffective(const struct bd_request *r, enum bd_verdict verdict)
{
    unsigned status = bd_verdict_info[verdict].status;
    return status >= 400 && status != 401 && r->parsed == BD_VERDICT_NONE &&
           verdict != BD_SIP_SCREEN_REJECT && r->message->method == BD_METHOD_REGISTER;
}

void bd_worker_finish(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                      enum bd_step step, enum bd_verdict verdict, struct bd_outgoing *out,
                      uint64_t received_tsc)
{
    bd_worker_count(w, verdict);
    if (verdict == BD_SIP_REGISTERED || verdict == BD_SIP_REFRESHED)
        bd_limiter_know(w->limiter, &d->source.ip);
    else if (step == BD_STEP_REPLY && is_ineffective(r, verdict))
        bd_stat_add(&w->stats->counter[BD_CTR_REGISTER_FAILED], 1);
    bool held = step == BD_STEP_REPLY && must_be_held(w, r, verdict);
    if (held)
        hold(w, d, r, out, received_tsc);
    else if (step == BD_STEP_REPLY)
        outgoing_send(w, d, r, out);
    else
        bd_nic_drop(out->mbuf);
    bd_nic_drop(d->mbuf);
    if (!held)
        bd_worker_note_end(w, received_tsc);
}

void bd_worker_refuse(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                      enum bd_verdict verdict, struct bd_outgoing *out, uint64_t received_tsc)
{
    bool sends = bd_registrar_refuse(w->registrar, r, &verdict, &out->wire);
    bd_worker_finish(w, d, r, sends ? BD_STEP_REPLY : BD_STEP_SILENT, verdict, out, received_tsc);
}

/* --- those that wait for the disk ------------------------------------------------------------- */

static void send_held(struct bd_worker *w, const struct bd_held_reply *reply)
{
    bd_nic_send(w->deps.queue, w->stats, reply->way.mbuf, &reply->way, &reply->destination,
                reply->len);
    bd_worker_note_end(w, reply->received_tsc);
}

/* The client sends its request again, and is told what is so by then. */
static void drop_overdue(struct bd_worker *w, uint64_t now_ms)
{
    const struct bd_held_reply *reply;
    while ((reply = bd_held_next_overdue(&w->held, now_ms))) {
        bd_nic_drop(reply->way.mbuf);
        bd_stat_add(&w->stats->counter[BD_CTR_REPLIES_UNDURABLE], 1);
    }
}

unsigned bd_worker_release_held(struct bd_worker *w)
{
    if (bd_held_is_empty(&w->held))
        return 0;
    if (bd_held_wants_ticket(&w->held))
        bd_held_seal(&w->held, bd_dirty_ticket(w->deps.table));
    uint64_t on_disk = durable(w);
    const struct bd_held_reply *reply;
    unsigned cnt = 0;
    while (cnt < HELD_PER_TURN && (reply = bd_held_next_durable(&w->held, on_disk))) {
        send_held(w, reply);
        cnt++;
    }
    drop_overdue(w, w->now_ms);
    return cnt;
}

/* Control goes on a little longer than the workers, so what they changed is on disk soon. */
void bd_worker_settle_held(struct bd_worker *w)
{
    uint64_t until_ms = bd_clock_ms() + STOP_HELD_MS;
    while (!bd_held_is_empty(&w->held) && (w->now_ms = bd_clock_ms()) < until_ms) {
        bd_worker_release_held(w);
        bd_worker_flush(w);
        rte_pause();
    }
    drop_overdue(w, UINT64_MAX);
}

/* --- how long it took ------------------------------------------------------------------------- */

/* The requests of one burst were received together: one calculation for each run of them. */
static void count_latencies(struct bd_worker *w)
{
    uint64_t now_tsc = w->end_cnt ? rte_rdtsc() : 0;
    for (unsigned i = 0, begin; i < w->end_cnt;) {
        uint64_t received_tsc = w->end_received_tsc[begin = i];
        while (i < w->end_cnt && w->end_received_tsc[i] == received_tsc)
            i++;
        unsigned __int128 ticks = now_tsc - received_tsc;
        uint64_t ns = (uint64_t)((ticks * w->ns_per_tick_q32) >> 32);
        bd_stat_add(&w->stats->latency[bd_latency_bucket(ns)], i - begin);
        bd_stat_add(&w->stats->latency_sum_ns, (i - begin) * ns);
    }
    w->end_cnt = 0;
}

void bd_worker_note_end(struct bd_worker *w, uint64_t received_tsc)
{
    if (w->end_cnt == ENDS_PER_TURN) /* only when a worker stops */
        count_latencies(w);
    w->end_received_tsc[w->end_cnt++] = received_tsc;
}

void bd_worker_flush(struct bd_worker *w)
{
    bd_nic_flush(w->deps.queue, w->stats);
    count_latencies(w);
}
