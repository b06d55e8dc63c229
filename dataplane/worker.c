/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <rte_cycles.h>
#include <rte_pause.h>
#include <stdlib.h>

#include "ban.h"
#include "clock.h"
#include "dirty.h"
#include "held.h"
#include "pending.h"
#include "screener.h"
#include "stun.h"

/* Upper bounds of the side work of one turn, so that a flood of it cannot starve the port. */
enum { VERDICTS_PER_TURN = 64, SWEEPS_PER_TURN = 8, OVERDUE_PER_TURN = 64, OUTBOUND_PER_TURN = 32 };
enum { HELD_PER_TURN = 256 };
/* Requests that may end in one turn: of its burst, answered by verifiers, refused while waiting, on
 * disk. */
enum { ENDS_PER_TURN = BD_BURST + VERDICTS_PER_TURN + OVERDUE_PER_TURN + HELD_PER_TURN };
/* How long a worker that stops waits for the disk. */
enum { STOP_HELD_MS = 100 };
/* While one datagram is parsed, the payload of the one so many places behind is fetched: most of
 * its lines, as the port or the peer wrote them last. */
enum { PAYLOAD_AHEAD = 2, PAYLOAD_LINES = 10 };
/* Header fields that most messages have; so many jobs ahead the ring is fetched for writing. */
enum { HEADERS_USUAL = 16, JOBS_AHEAD = 2 };
/* Turns without work before an adaptive worker naps, and how long it naps at most. */
enum { IDLE_TURNS_BEFORE_NAP = 256, NAP_MAX_US = 500 };

struct bd_worker {
    struct bd_worker_deps deps;
    struct bd_registrar *registrar;
    struct bd_screener *screener;
    struct bd_worker_stats *stats;
    struct bd_channel channel;
    uint32_t generation;         /* of this dataplane process */
    uint32_t control_generation; /* that the pending jobs were meant for */
    uint64_t ns_per_tick_q32;    /* TSC ticks to ns, 32 fractional bits: no division per packet */
    uint64_t now_ms, wall_ms;    /* of this turn */
    uint64_t wall_ahead_ms;      /* of now_ms; may wrap */
    const struct bd_policy *policy;
    struct bd_pending pending;
    struct bd_held held;           /* durability sync */
    struct bd_dirty_shared *dirty; /* what is on disk */
    struct bd_datagram datagram[BD_BURST];
    struct bd_parsed room[BD_BURST];
    struct bd_parsed *parsed[BD_BURST]; /* each in room[] or in pending */
    struct bd_request request[BD_BURST];
    enum bd_verdict screened[BD_BURST]; /* BD_VERDICT_NONE: goes on */
    /* Of requests that waited for a verifier, by their place in the burst, too. */
    struct bd_verify_result result[BD_BURST];
    uint64_t received_tsc[BD_BURST];
    /* When the requests that this turn ended were received; told to the histogram when their
     * replies have left. */
    unsigned end_cnt;
    uint64_t end_received_tsc[ENDS_PER_TURN];
};

struct bd_worker *bd_worker_new(const struct bd_worker_deps *deps, struct bd_error *error)
{
    struct bd_worker *w = calloc(1, sizeof(*w));
    if (!w) {
        bd_fail(error, "worker %u: out of memory", deps->id);
        return NULL;
    }
    w->deps = *deps;
    w->stats = (struct bd_worker_stats *)bd_arena_region(deps->arena, BD_REGION_STATS) + deps->id;
    w->channel = bd_channel_of(deps->arena, deps->id);
    w->generation = atomic_load(&deps->arena->header->role[BD_ROLE_DATAPLANE].generation);
    w->ns_per_tick_q32 = (1000000000ULL << 32) / rte_get_tsc_hz();
    w->dirty = bd_dirty_of(deps->arena);
    bd_pending_init(&w->pending);
    for (unsigned i = 0; i < BD_BURST; i++)
        w->parsed[i] = &w->room[i];
    struct bd_registrar_deps registrar = {
        .arena = deps->arena, .table = deps->table, .writer = deps->writer, .stats = w->stats};
    w->registrar = bd_registrar_new(&registrar, error);
    if (w->registrar)
        w->screener = bd_screener_new(deps->arena, w->stats, deps->phones, error);
    bool holds = deps->held_max == 0 || bd_held_init(&w->held, deps->held_max);
    if (w->screener && holds)
        return w;
    if (!holds)
        bd_fail(error, "worker %u: out of memory", deps->id);
    bd_worker_free(w);
    return NULL;
}

void bd_worker_free(struct bd_worker *worker)
{
    if (!worker)
        return;
    bd_screener_free(worker->screener);
    bd_registrar_free(worker->registrar);
    bd_held_free(&worker->held);
    free(worker);
}

static void count_verdict(struct bd_worker *w, enum bd_verdict verdict)
{
    bd_stat_add(&w->stats->verdict[verdict], 1);
}

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

static void note_end(struct bd_worker *w, uint64_t received_tsc)
{
    if (w->end_cnt == ENDS_PER_TURN) /* only when a worker stops */
        count_latencies(w);
    w->end_received_tsc[w->end_cnt++] = received_tsc;
}

static void flush(struct bd_worker *w)
{
    bd_nic_flush(w->deps.queue, w->stats);
    count_latencies(w);
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

static enum bd_verdict parse(const struct bd_datagram *d, struct bd_message *m)
{
    /* Told apart by the first byte (RFC 5626 8): SIP pays for no more than that. */
    return bd_stun_is(d->payload, d->len) ? BD_SIP_STUN_BINDING
                                          : bd_message_parse(m, d->payload, d->len);
}

/* Only what parsed has waited. */
static void make_request(struct bd_worker *w, unsigned place, bool waited)
{
    const struct bd_datagram *d = &w->datagram[place];
    struct bd_parsed *p = w->parsed[place];
    w->request[place] = (struct bd_request){
        .message = &p->message,
        .parsed = waited ? BD_VERDICT_NONE : parse(d, &p->message),
        .waited = waited,
        .notes = &p->notes,
        .source = d->source,
        .local = d->local,
        .now_ms = w->now_ms,
        .wall_ms = w->wall_ms,
        .undurable = is_sync(w) && !can_promise(w),
        .policy = w->policy,
    };
}

/* Then there is no message. */
static bool is_stun(const struct bd_request *r)
{
    return r->parsed == BD_SIP_STUN_BINDING;
}

/* --- replies -------------------------------------------------------------------------------- */

/* A reply under way: the buffer it is written to, and where it will go. */
struct outgoing {
    struct rte_mbuf *mbuf;
    struct bd_wire wire;
};

/* False when there is no buffer: the datagram has found its end then. */
static bool outgoing_begin(struct bd_worker *w, const struct bd_datagram *d, struct outgoing *out)
{
    char *payload;
    uint32_t cap;
    out->mbuf = bd_nic_reply(w->deps.queue, d, &payload, &cap);
    if (!out->mbuf) {
        count_verdict(w, BD_FRAME_NO_MBUF);
        bd_nic_drop(d->mbuf);
        return false;
    }
    out->wire = bd_wire_init(payload, cap);
    return true;
}

static void outgoing_send(struct bd_worker *w, const struct bd_datagram *d,
                          const struct bd_request *r, struct outgoing *out)
{
    struct bd_endpoint destination = bd_reply_destination(r->message, &d->source);
    bd_nic_send(w->deps.queue, w->stats, out->mbuf, d, &destination, bd_wire_len(&out->wire));
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
                 const struct outgoing *out, uint64_t received_tsc)
{
    struct bd_held_reply held = {.way = *d,
                                 .destination = bd_reply_destination(r->message, &d->source),
                                 .len = bd_wire_len(&out->wire),
                                 .deadline_ms = w->now_ms + w->policy->verdict_timeout_ms,
                                 .received_tsc = received_tsc};
    held.way.mbuf = out->mbuf;
    bd_held_put(&w->held, &held);
    bd_stat_add(&w->stats->counter[BD_CTR_REPLIES_HELD], 1);
}

/* Ends a request: counts its verdict, sends what was written, lets the datagram go. */
static void finish(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                   enum bd_step step, enum bd_verdict verdict, struct outgoing *out,
                   uint64_t received_tsc)
{
    count_verdict(w, verdict);
    bool held = step == BD_STEP_REPLY && must_be_held(w, r, verdict);
    if (held)
        hold(w, d, r, out, received_tsc);
    else if (step == BD_STEP_REPLY)
        outgoing_send(w, d, r, out);
    else
        bd_nic_drop(out->mbuf);
    bd_nic_drop(d->mbuf);
    if (!held)
        note_end(w, received_tsc);
}

static void refuse(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                   enum bd_verdict verdict, struct outgoing *out, uint64_t received_tsc)
{
    bd_registrar_refuse(w->registrar, r, verdict, &out->wire);
    finish(w, d, r, BD_STEP_REPLY, verdict, out, received_tsc);
}

/* --- screening -------------------------------------------------------------------------------- */

static uint32_t now_s(const struct bd_worker *w)
{
    return (uint32_t)(w->now_ms / 1000);
}

/* What banned sources sent ends here, unread. Returns how many datagrams stay. */
static unsigned shut_out(struct bd_worker *w, unsigned cnt)
{
    unsigned kept = 0;
    if (!bd_bans_any(w->deps.arena, now_s(w)))
        return cnt;
    for (unsigned i = 0; i < cnt; i++) {
        const struct bd_datagram *d = &w->datagram[i];
        if (bd_screener_admits(w->screener, &d->source.ip, now_s(w))) {
            w->datagram[kept++] = *d;
        } else {
            count_verdict(w, BD_FRAME_BANNED);
            bd_nic_drop(d->mbuf);
        }
    }
    return kept;
}

static void screen_burst(struct bd_worker *w, unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++)
        bd_screener_begin(w->screener, i, is_stun(&w->request[i]) ? NULL : w->request[i].message,
                          w->request[i].parsed);
    for (unsigned i = 0; i < cnt; i++)
        w->screened[i] = bd_screener_judge(w->screener, i, &w->datagram[i].source.ip, now_s(w),
                                           &w->request[i].reject_code);
}

/* An ACK draws no answer, whatever a rule says (RFC 3261 17.1.1.3). */
static void end_screened(struct bd_worker *w, unsigned place, struct outgoing *out,
                         uint64_t received_tsc)
{
    const struct bd_datagram *d = &w->datagram[place];
    const struct bd_request *r = &w->request[place];
    enum bd_verdict verdict = w->screened[place];
    if (verdict == BD_SIP_SCREEN_REJECT && r->message->method != BD_METHOD_ACK)
        refuse(w, d, r, verdict, out, received_tsc);
    else
        finish(w, d, r, BD_STEP_SILENT, verdict, out, received_tsc);
}

/* --- requests --------------------------------------------------------------------------------- */

/* Hands a job to the verifiers and lets the datagram wait; 503 at once when that cannot be. */
static void hand_on(struct bd_worker *w, unsigned place, struct bd_verify_job *job,
                    struct outgoing *out, uint64_t received_tsc)
{
    const struct bd_datagram *d = &w->datagram[place];
    const struct bd_request *r = &w->request[place];
    if (w->control_generation == 0) {
        refuse(w, d, r, BD_SIP_VERIFIER_GONE, out, received_tsc);
        return;
    }
    uint64_t deadline_ms = w->now_ms + w->policy->verdict_timeout_ms;
    uint16_t slot = BD_PENDING_NONE;
    if (job)
        slot = bd_pending_take(&w->pending, d, &w->parsed[place], received_tsc, deadline_ms);
    if (slot == BD_PENDING_NONE) {
        refuse(w, d, r, BD_SIP_VERIFIER_BUSY, out, received_tsc);
        return;
    }
    job->slot = slot;
    job->sequence = w->pending.entry[slot].sequence;
    job->dataplane_generation = w->generation;
    job->control_generation = w->control_generation;
    bd_ring_publish(w->channel.jobs);
    bd_job_prefetch(bd_ring_later(w->channel.jobs, JOBS_AHEAD));
    bd_stat_add(&w->stats->counter[BD_CTR_VERIFY_JOBS], 1);
    bd_nic_drop(out->mbuf);
}

/* RFC 8489 6.3.1.2: back to where it came from, whatever. */
static void serve_stun(struct bd_worker *w, const struct bd_datagram *d, struct outgoing *out,
                       uint64_t received_tsc)
{
    enum bd_verdict verdict = bd_stun_answer(d->payload, d->len, &d->source, &out->wire);
    count_verdict(w, verdict);
    if (verdict == BD_SIP_STUN_BINDING || verdict == BD_SIP_STUN_REFUSED)
        bd_nic_send(w->deps.queue, w->stats, out->mbuf, d, &d->source, bd_wire_len(&out->wire));
    else
        bd_nic_drop(out->mbuf);
    bd_nic_drop(d->mbuf);
    note_end(w, received_tsc);
}

/* Whether control got the datagram, which it answers itself. */
static bool give_control(struct bd_worker *w, const struct bd_datagram *d,
                         const struct bd_request *r, enum bd_verdict *verdict)
{
    const struct bd_handed *handed = bd_registrar_handed(w->registrar);
    struct bd_inbound *in = w->control_generation ? bd_ring_reserve(w->channel.inbound) : NULL;
    if (!in) {
        *verdict = r->message->is_request ? BD_SIP_NOTIFIER_BUSY : BD_SIP_RESPONSE;
        return false;
    }
    in->transaction = handed->transaction;
    in->control_generation = w->control_generation;
    in->way = (struct bd_way_back){
        .peer = d->source, .local = d->local, .port = d->port, .vlan = d->vlan};
    memcpy(in->way.mac, d->mac_source, sizeof(in->way.mac));
    if (!bd_inbound_put(in, handed->watcher, handed->resource,
                        (struct bd_str){d->payload, d->len})) {
        *verdict = r->message->is_request ? BD_SIP_TOO_LARGE : BD_SIP_RESPONSE;
        return false;
    }
    bd_ring_publish(w->channel.inbound);
    return true;
}

/* Hands the datagram to control, which answers; refuses it when that cannot be. */
static void pass_on(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                    enum bd_verdict verdict, struct outgoing *out, uint64_t received_tsc)
{
    if (!give_control(w, d, r, &verdict) && r->message->is_request)
        refuse(w, d, r, verdict, out, received_tsc);
    else
        finish(w, d, r, BD_STEP_SILENT, verdict, out, received_tsc);
}

static void serve(struct bd_worker *w, unsigned place, uint64_t received_tsc)
{
    const struct bd_datagram *d = &w->datagram[place];
    const struct bd_request *r = &w->request[place];
    struct outgoing out;
    if (!outgoing_begin(w, d, &out))
        return;
    if (is_stun(r)) {
        serve_stun(w, d, &out, received_tsc);
        return;
    }
    if (w->screened[place] != BD_VERDICT_NONE) {
        end_screened(w, place, &out, received_tsc);
        return;
    }
    /* The job is written straight into the ring; with the ring full into a spare place, as the
     * registrar must still be asked whether this request wants a verifier at all. */
    _Alignas(8) char spare[BD_JOB_SZ];
    struct bd_verify_job *job = bd_ring_reserve(w->channel.jobs);
    enum bd_verdict verdict = BD_VERDICT_NONE;
    enum bd_step step = bd_registrar_handle(w->registrar, place, &out.wire,
                                            job ? job : (struct bd_verify_job *)spare, &verdict);
    if (step == BD_STEP_VERIFY)
        hand_on(w, place, job, &out, received_tsc);
    else if (step == BD_STEP_CONTROL)
        pass_on(w, d, r, verdict, &out, received_tsc);
    else
        finish(w, d, r, step, verdict, &out, received_tsc);
}

static void prefetch_payload(const struct bd_datagram *d)
{
    for (unsigned line = 0; line < PAYLOAD_LINES; line++)
        __builtin_prefetch(d->payload + (size_t)line * 64);
}

/* Whether the registrar serves what stands at a place. */
static bool goes_on(const struct bd_worker *w, unsigned place)
{
    return !is_stun(&w->request[place]) && w->screened[place] == BD_VERDICT_NONE;
}

/* The rest of a request's record, while those before it are served. */
static void prefetch_rest(const struct bd_worker *w, unsigned place, unsigned cnt)
{
    if (place < cnt && goes_on(w, place))
        bd_registrar_prefetch_rest(w->registrar, place);
}

/* What is read of it, but for more header fields than usual. */
static void prefetch_parsed(const struct bd_parsed *p)
{
    const char *end = (const char *)(p + 1);
    for (const char *at = (const char *)p; at < (const char *)&p->message.header[HEADERS_USUAL];
         at += 64)
        __builtin_prefetch(at);
    for (const char *at = (const char *)&p->message.via; at < end; at += 64)
        __builtin_prefetch(at);
}

static void prefetch_request(const struct bd_worker *w, unsigned place, unsigned cnt, bool waited)
{
    if (place >= cnt)
        return;
    prefetch_payload(&w->datagram[place]);
    if (waited)
        prefetch_parsed(w->parsed[place]);
}

static void parse_burst(struct bd_worker *w, unsigned cnt, bool waited)
{
    for (unsigned i = 0; i < PAYLOAD_AHEAD; i++)
        prefetch_request(w, i, cnt, waited);
    for (unsigned i = 0; i < cnt; i++) {
        prefetch_request(w, i + PAYLOAD_AHEAD, cnt, waited);
        make_request(w, i, waited);
        w->screened[i] = BD_VERDICT_NONE;
    }
}

/* Stage by stage, so that the cache misses of a burst's requests overlap. */
static void prepare_burst(struct bd_worker *w, unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++) {
        if (goes_on(w, i))
            bd_registrar_prepare(w->registrar, i, &w->request[i]);
    }
    for (unsigned i = 0; i < cnt; i++) {
        if (goes_on(w, i))
            bd_registrar_prefetch(w->registrar, i);
    }
    for (unsigned i = 0; i < BD_PREFETCH_AHEAD; i++)
        prefetch_rest(w, i, cnt);
}

static unsigned serve_burst(struct bd_worker *w)
{
    uint64_t received_tsc = rte_rdtsc();
    unsigned received = bd_nic_receive(w->deps.queue, w->stats, w->datagram);
    unsigned cnt = shut_out(w, received);
    parse_burst(w, cnt, false);
    screen_burst(w, cnt);
    prepare_burst(w, cnt);
    for (unsigned i = 0; i < cnt; i++) {
        prefetch_rest(w, i + BD_PREFETCH_AHEAD, cnt);
        serve(w, i, received_tsc);
    }
    return received;
}

/* --- verdicts ----------------------------------------------------------------------------------
 */

static void resume(struct bd_worker *w, unsigned place)
{
    const struct bd_datagram *d = &w->datagram[place];
    const struct bd_request *r = &w->request[place];
    struct outgoing out;
    if (!outgoing_begin(w, d, &out))
        return;
    enum bd_verdict verdict = BD_VERDICT_NONE;
    enum bd_step step =
        bd_registrar_resume(w->registrar, place, &w->result[place], &out.wire, &verdict);
    if (step == BD_STEP_CONTROL)
        pass_on(w, d, r, verdict, &out, w->received_tsc[place]);
    else
        finish(w, d, r, step, verdict, &out, w->received_tsc[place]);
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

static unsigned take_verdicts(struct bd_worker *w)
{
    unsigned taken = 0, cnt;
    while ((cnt = claim_burst(w, &taken)) > 0) {
        parse_burst(w, cnt, true); /* screened before they waited */
        prepare_burst(w, cnt);
        for (unsigned i = 0; i < cnt; i++) {
            prefetch_rest(w, i + BD_PREFETCH_AHEAD, cnt);
            resume(w, i);
        }
    }
    return taken;
}

static void refuse_entry(struct bd_worker *w, const struct bd_pending_entry *e,
                         enum bd_verdict verdict)
{
    w->datagram[0] = e->datagram;
    make_request(w, 0, true);
    struct outgoing out;
    if (!outgoing_begin(w, &e->datagram, &out))
        return;
    refuse(w, &e->datagram, &w->request[0], verdict, &out, e->received_tsc);
}

/* Refuses requests that waited too long, or all of them when their verifiers died. */
static unsigned refuse_waiting(struct bd_worker *w)
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

/* --- replies that wait for the disk -----------------------------------------------------------
 */

static void send_held(struct bd_worker *w, const struct bd_held_reply *reply)
{
    bd_nic_send(w->deps.queue, w->stats, reply->way.mbuf, &reply->way, &reply->destination,
                reply->len);
    note_end(w, reply->received_tsc);
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

static unsigned release_held(struct bd_worker *w)
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
static void settle_held(struct bd_worker *w)
{
    uint64_t until_ms = bd_clock_ms() + STOP_HELD_MS;
    while (!bd_held_is_empty(&w->held) && (w->now_ms = bd_clock_ms()) < until_ms) {
        release_held(w);
        flush(w);
        rte_pause();
    }
    drop_overdue(w, UINT64_MAX);
}

/* --- work for control
 * ----------------------------------------------------------------------------- */

static unsigned take_commands(struct bd_worker *w)
{
    const struct bd_command *command = bd_ring_peek(w->channel.commands);
    if (!command)
        return 0;
    struct bd_report *report = bd_ring_reserve(w->channel.reports);
    if (!report)
        return 0; /* control is slow to read: the command waits in its ring */
    struct bd_str aor = {command->text, command->aor_len};
    struct bd_str contact = {command->text + command->aor_len, command->contact_len};
    if ((uint32_t)command->aor_len + command->contact_len <= sizeof(command->text)) {
        report->id = command->id;
        report->control_generation = command->control_generation;
        report->removed = bd_registrar_unregister(w->registrar, aor, contact, w->now_ms);
        bd_ring_publish(w->channel.reports);
    }
    bd_ring_release(w->channel.commands);
    return 1;
}

static unsigned take_sweeps(struct bd_worker *w)
{
    unsigned cnt = 0;
    const uint64_t *bucket;
    while (cnt < SWEEPS_PER_TURN && (bucket = bd_ring_peek(w->channel.sweeps))) {
        bd_registrar_expire(w->registrar, (uint32_t)*bucket, w->now_ms);
        bd_ring_release(w->channel.sweeps);
        cnt++;
    }
    return cnt;
}

static bool send_outbound(struct bd_worker *w, const struct bd_outbound *o)
{
    struct bd_datagram way = {.local = o->way.local, .port = o->way.port, .vlan = o->way.vlan};
    memcpy(way.mac_source, o->way.mac, sizeof(way.mac_source));
    if (o->dataplane_generation != w->generation || o->len > BD_OUTBOUND_MAX ||
        !bd_nic_can_send(w->deps.queue, &way, &o->way.peer))
        return false;
    char *payload;
    uint32_t cap;
    struct rte_mbuf *mbuf = bd_nic_reply(w->deps.queue, &way, &payload, &cap);
    if (!mbuf)
        return false;
    memcpy(payload, o->payload, o->len);
    bd_nic_send(w->deps.queue, w->stats, mbuf, &way, &o->way.peer, o->len);
    return true;
}

static unsigned take_outbound(struct bd_worker *w)
{
    unsigned cnt = 0;
    const struct bd_outbound *o;
    while (cnt < OUTBOUND_PER_TURN && (o = bd_ring_peek(w->channel.outbound))) {
        bool sent = send_outbound(w, o);
        bd_stat_add(&w->stats->counter[sent ? BD_CTR_CONTROL_SENT : BD_CTR_CONTROL_UNSENT], 1);
        bd_ring_release(w->channel.outbound);
        cnt++;
    }
    return cnt;
}

/* --- the loop -----------------------------------------------------------------------------------
 */

/* The wall clock goes as the other one does but where it steps, or is slewed by more than their
 * milliseconds may be out of phase: what is told of a request is the same when it comes again. */
static void read_clocks(struct bd_worker *w)
{
    w->now_ms = bd_clock_ms();
    uint64_t ahead_ms = bd_wall_ms() - w->now_ms;
    if (ahead_ms - w->wall_ahead_ms + 1 > 2)
        w->wall_ahead_ms = ahead_ms;
    w->wall_ms = w->now_ms + w->wall_ahead_ms;
}

static bool turn(struct bd_worker *w)
{
    read_clocks(w);
    w->policy = bd_policy_current(w->deps.arena);
    bd_screener_use(w->screener, w->policy);
    unsigned work = refuse_waiting(w);
    work += serve_burst(w);
    work += take_verdicts(w);
    work += take_commands(w);
    work += take_sweeps(w);
    work += take_outbound(w);
    work += release_held(w);
    flush(w);
    bd_writer_quiescent(w->deps.writer);
    bd_stat_add(&w->stats->counter[BD_CTR_POLLS], 1);
    return work > 0;
}

static void nap(struct bd_worker *w)
{
    bd_stat_add(&w->stats->counter[BD_CTR_SLEEPS], 1);
    bd_writer_offline(w->deps.writer);
    bd_nic_wait(w->deps.queue, NAP_MAX_US);
    bd_writer_online(w->deps.writer);
}

void bd_worker_run(struct bd_worker *w)
{
    unsigned idle = 0;
    bd_writer_online(w->deps.writer);
    while (!atomic_load_explicit(&w->deps.signals->stop, memory_order_relaxed)) {
        if (turn(w)) {
            idle = 0;
            continue;
        }
        bd_stat_add(&w->stats->counter[BD_CTR_POLLS_IDLE], 1);
        /* While a verifier works for us, or the disk, the answer is near: no nap then. */
        if (w->deps.poll == BD_POLL_ADAPTIVE && ++idle > IDLE_TURNS_BEFORE_NAP &&
            w->pending.oldest == BD_PENDING_NONE && bd_held_is_empty(&w->held))
            nap(w);
    }
    struct bd_pending_entry e;
    while (bd_pending_next_overdue(&w->pending, UINT64_MAX, &w->parsed[0], &e))
        refuse_entry(w, &e, BD_SIP_VERIFIER_GONE);
    flush(w);
    bd_writer_offline(w->deps.writer);
    settle_held(w);
}
