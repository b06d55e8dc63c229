/* SPDX-License-Identifier: BSD-3-Clause */
/* A burst of datagrams: all of them parsed, all screened, all fetched, then decided one by one. */
#include "worker_private.h"

#include <rte_cycles.h>
#include <string.h>

#include "stun.h"

/* While one datagram is parsed, the payload of the one so many places behind is fetched: most of
 * its lines, as the port or the peer wrote them last. */
enum { PAYLOAD_AHEAD = 2, PAYLOAD_LINES = 10 };
/* Header fields that most messages have; letters of most addresses of record. */
enum { HEADERS_USUAL = 16, AOR_USUAL = 48 };

/* --- what the registrar is asked -------------------------------------------------------------- */

static enum bd_verdict parse(const struct bd_datagram *d, struct bd_message *m)
{
    /* Told apart by the first byte (RFC 5626 8): SIP pays for no more than that. */
    return bd_stun_is(d->payload, d->len) ? BD_SIP_STUN_BINDING
                                          : bd_message_parse(m, d->payload, d->len);
}

void bd_worker_make_request(struct bd_worker *w, unsigned place, bool waited)
{
    const struct bd_datagram *d = &w->datagram[place];
    struct bd_parsed *p = w->parsed[place];
    w->request[place] = (struct bd_request){
        .message = &p->message,
        .parsed = waited ? BD_VERDICT_NONE : parse(d, &p->message),
        .turn = &p->turn,
        .waited = waited,
        .source = d->source,
        .local = d->local,
        .now_ms = w->now_ms,
        .wall_ms = w->wall_ms,
        .undurable = bd_worker_is_undurable(w),
        .policy = w->policy,
        .shedding = &w->overload.shedding,
        .took_turn = !waited && w->took_turn[place],
    };
}

/* Then there is no message. */
static bool is_stun(const struct bd_request *r)
{
    return r->parsed == BD_SIP_STUN_BINDING;
}

/* Whether the registrar serves what stands at a place. */
static bool goes_on(const struct bd_worker *w, unsigned place)
{
    return !is_stun(&w->request[place]) && w->screened[place] == BD_VERDICT_NONE;
}

static void prefetch_payload(const struct bd_datagram *d)
{
    for (unsigned line = 0; line < PAYLOAD_LINES; line++)
        __builtin_prefetch(d->payload + (size_t)line * 64);
}

void bd_worker_prefetch_rest(const struct bd_worker *w, unsigned place, unsigned cnt)
{
    if (place < cnt && goes_on(w, place))
        bd_registrar_prefetch_rest(w->registrar, place);
}

/* What is read of it, but for what few have. */
static void prefetch_parsed(const struct bd_parsed *p)
{
    const char *end = &p->turn.aor_text[AOR_USUAL];
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

void bd_worker_parse_burst(struct bd_worker *w, unsigned cnt, bool waited)
{
    for (unsigned i = 0; i < PAYLOAD_AHEAD; i++)
        prefetch_request(w, i, cnt, waited);
    for (unsigned i = 0; i < cnt; i++) {
        prefetch_request(w, i + PAYLOAD_AHEAD, cnt, waited);
        bd_worker_make_request(w, i, waited);
        w->screened[i] = BD_VERDICT_NONE;
    }
}

/* Stage by stage, so that the cache misses of a burst's requests overlap. */
void bd_worker_prepare_burst(struct bd_worker *w, unsigned cnt)
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
        bd_worker_prefetch_rest(w, i, cnt);
}

/* --- screening -------------------------------------------------------------------------------- */

static uint32_t now_s(const struct bd_worker *w)
{
    return (uint32_t)(w->now_ms / 1000);
}

/* What denied, banned and too busy sources sent ends here, unread. Returns how many datagrams stay.
 */
static unsigned shut_out(struct bd_worker *w, unsigned cnt)
{
    unsigned kept = 0;
    memset(w->took_turn, 0, sizeof(w->took_turn));
    if (!bd_limiter_is_needed(w->limiter))
        return cnt;
    for (unsigned i = 0; i < cnt; i++)
        bd_limiter_prefetch(w->limiter, i, &w->datagram[i].source.ip);
    for (unsigned i = 0; i < cnt; i++) {
        const struct bd_datagram *d = &w->datagram[i];
        enum bd_verdict verdict = bd_limiter_admit(w->limiter, i, &d->source);
        if (verdict == BD_VERDICT_NONE) {
            w->took_turn[kept] = bd_limiter_took_turn(w->limiter, i);
            if (kept++ != i)
                w->datagram[kept - 1] = *d;
        } else {
            bd_worker_count(w, verdict);
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
static void end_screened(struct bd_worker *w, unsigned place, struct bd_outgoing *out,
                         uint64_t received_tsc)
{
    const struct bd_datagram *d = &w->datagram[place];
    const struct bd_request *r = &w->request[place];
    enum bd_verdict verdict = w->screened[place];
    if (verdict == BD_SIP_SCREEN_REJECT && r->message->method != BD_METHOD_ACK)
        bd_worker_refuse(w, d, r, verdict, out, received_tsc);
    else
        bd_worker_finish(w, d, r, BD_STEP_SILENT, verdict, out, received_tsc);
}

/* --- serving ---------------------------------------------------------------------------------- */

/* RFC 8489 6.3.1.2: back to where it came from, whatever. */
static void serve_stun(struct bd_worker *w, const struct bd_datagram *d, struct bd_outgoing *out,
                       uint64_t received_tsc)
{
    enum bd_verdict verdict = bd_stun_answer(d->payload, d->len, &d->source, &out->wire);
    bd_worker_count(w, verdict);
    if (verdict == BD_SIP_STUN_BINDING || verdict == BD_SIP_STUN_REFUSED)
        bd_nic_send(w->deps.queue, w->stats, out->mbuf, d, &d->source, bd_wire_len(&out->wire));
    else
        bd_nic_drop(out->mbuf);
    bd_nic_drop(d->mbuf);
    bd_worker_note_end(w, received_tsc);
}

static void serve(struct bd_worker *w, unsigned place, uint64_t received_tsc)
{
    const struct bd_datagram *d = &w->datagram[place];
    const struct bd_request *r = &w->request[place];
    struct bd_outgoing out;
    if (!bd_outgoing_begin(w, d, &out))
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
    struct bd_verify_job *job = bd_ring_reserve_ahead(w->channel.jobs, w->job_cnt);
    enum bd_verdict verdict = BD_VERDICT_NONE;
    enum bd_step step = bd_registrar_handle(w->registrar, place, &out.wire,
                                            job ? job : (struct bd_verify_job *)spare, &verdict);
    if (step == BD_STEP_VERIFY)
        bd_worker_hand_on(w, place, job, &out, received_tsc);
    else if (step == BD_STEP_CONTROL)
        bd_worker_pass_on(w, d, r, verdict, &out, received_tsc);
    else
        bd_worker_finish(w, d, r, step, verdict, &out, received_tsc);
}

/* A burst of frames, whatever they hold: the port may well have more. */
static bool is_full(const struct bd_worker *w, uint64_t frames_before)
{
    return bd_stat_read(&w->stats->counter[BD_CTR_RX_FRAMES]) - frames_before >= BD_BURST;
}

unsigned bd_worker_serve_burst(struct bd_worker *w)
{
    uint64_t received_tsc = rte_rdtsc();
    uint64_t frames_before = bd_stat_read(&w->stats->counter[BD_CTR_RX_FRAMES]);
    unsigned received = bd_nic_receive(w->deps.queue, w->stats, w->datagram);
    bd_worker_watch_load(w, received_tsc, is_full(w, frames_before));
    unsigned cnt = shut_out(w, received);
    bd_worker_parse_burst(w, cnt, false);
    screen_burst(w, cnt);
    bd_worker_prepare_burst(w, cnt);
    for (unsigned i = 0; i < cnt; i++) {
        bd_worker_prefetch_rest(w, i + BD_PREFETCH_AHEAD, cnt);
        serve(w, i, received_tsc);
    }
    bd_worker_publish_jobs(w);
    return received;
}
