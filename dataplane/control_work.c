/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker does with control, verdicts apart: hands it the requests that it answers, and does
 * what it has for the worker: commands, buckets to sweep, datagrams to send. */
#include "worker_private.h"

/* --- requests that control answers ------------------------------------------------------------ */

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

void bd_worker_pass_on(struct bd_worker *w, const struct bd_datagram *d, const struct bd_request *r,
                       enum bd_verdict verdict, struct bd_outgoing *out, uint64_t received_tsc)
{
    if (!give_control(w, d, r, &verdict) && r->message->is_request)
        bd_worker_refuse(w, d, r, verdict, out, received_tsc);
    else
        bd_worker_finish(w, d, r, BD_STEP_SILENT, verdict, out, received_tsc);
}

/* --- what control has for the worker ---------------------------------------------------------- */

unsigned bd_worker_take_commands(struct bd_worker *w)
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

unsigned bd_worker_take_sweeps(struct bd_worker *w)
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

unsigned bd_worker_take_outbound(struct bd_worker *w)
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
