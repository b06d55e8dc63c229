/* SPDX-License-Identifier: BSD-3-Clause */
/* SUBSCRIBE at the notifier: RFC 6665 4.2.1, RFC 3680 4.2 to 4.6, dialogs by RFC 3261 12.2.2. */
#include <stdlib.h>

#include "hex.h"
#include "notifier.h"

enum { RETRY_AFTER_S = 5 };

/* --- replies ---------------------------------------------------------------------------------- */

static struct bd_str server_of(const struct bd_events *e)
{
    return bd_str_from(e->control->config->server_header);
}

static struct bd_endpoint destination_of(const struct bd_events *e, const struct bd_subscribe *ask)
{
    const struct bd_endpoint *source = &ask->in->way.peer;
    const struct bd_policy *policy = bd_policy_current(&e->control->arena);
    bool follow = policy && bd_policy_follows_maddr(policy, &source->ip);
    return bd_reply_destination(ask->m, source, follow);
}

/* text empty: it did not fit. */
static void send_reply(struct bd_events *e, const struct bd_subscribe *ask, struct bd_str text)
{
    struct bd_endpoint to = destination_of(e, ask);
    if (text.len)
        bd_events_send(e, ask->worker, &ask->in->way, &to, text);
}

/* Writes it into e->text. RFC 3261 8.2.6.2: the tag follows from the request, so a retransmission
 * gets the same. */
static struct bd_str write_refusal(struct bd_events *e, const struct bd_subscribe *ask,
                                   unsigned status)
{
    char text[2 * sizeof(ask->in->transaction)];
    struct bd_wire tag = bd_wire_init(text, sizeof(text));
    bd_wire_hex(&tag, &ask->in->transaction, sizeof(ask->in->transaction));
    struct bd_wire w = bd_wire_init(e->text, sizeof(e->text));
    bd_reply_begin(&w, ask->m, status, bd_reason(status), (struct bd_str){text, sizeof(text)},
                   &ask->in->way.peer);
    if (status == 423)
        bd_reply_header_u32(&w, BD_STR("Min-Expires"), e->control->config->reg_event_min_expires_s);
    if (status == 503)
        bd_reply_header_u32(&w, BD_STR("Retry-After"), RETRY_AFTER_S);
    if (status == 406)
        bd_reply_header(&w, BD_STR("Accept"), BD_STR("application/reginfo+xml"));
    if (server_of(e).len)
        bd_reply_header(&w, BD_STR("Server"), server_of(e));
    bd_reply_end(&w);
    return (struct bd_str){e->text, w.overflow ? 0 : bd_wire_len(&w)};
}

static void refuse(struct bd_events *e, const struct bd_subscribe *ask, unsigned status)
{
    e->numbers.refused++;
    send_reply(e, ask, write_refusal(e, ask, status));
}

/* Keeps a reply for retransmissions of its request, and sends it. */
static void reply(struct bd_events *e, const struct bd_subscribe *ask, struct bd_subscription *s,
                  struct bd_str text)
{
    free(s->reply);
    s->reply = malloc(text.len + 1U);
    s->reply_len = s->reply ? text.len : 0;
    if (s->reply)
        memcpy(s->reply, text.p, text.len);
    s->transaction = ask->in->transaction;
    s->over_ms = ask->now_ms + BD_TIMEOUT_MS;
    send_reply(e, ask, text);
}

static void approve(struct bd_events *e, const struct bd_subscribe *ask, struct bd_subscription *s,
                    uint32_t expires_s)
{
    struct bd_wire w = bd_wire_init(e->text, sizeof(e->text));
    bd_dialog_accept(&s->dialog, &w, ask->m, expires_s, server_of(e));
    reply(e, ask, s, (struct bd_str){e->text, w.overflow ? 0 : bd_wire_len(&w)});
}

static void repeat(struct bd_events *e, const struct bd_subscribe *ask,
                   const struct bd_subscription *s)
{
    if (s->reply)
        send_reply(e, ask, (struct bd_str){s->reply, s->reply_len});
}

/* --- within a dialog -------------------------------------------------------------------------- */

static struct bd_subscription *find_by_tag(const struct bd_events *e, const struct bd_message *m)
{
    uint32_t slot;
    struct bd_str text = {m->to_tag.p, 2 * sizeof(slot)};
    if (m->to_tag.len != BD_LOCAL_TAG_LEN || !bd_hex_decode(text, (uint8_t *)&slot, sizeof(slot)) ||
        slot >= e->top || !e->slot[slot] || !bd_dialog_has(&e->slot[slot]->dialog, m))
        return NULL;
    return e->slot[slot];
}

/* It ends, or goes on for expires_s; either way the whole state is told at once (6665 4.2.1.2). */
static void set_expiry(struct bd_events *e, struct bd_subscription *s, uint32_t expires_s,
                       uint64_t now_ms)
{
    s->expires_ms = now_ms + (uint64_t)expires_s * 1000;
    if (expires_s == 0)
        s->ending = "timeout";
    s->urgent = s->full = true;
    bd_notify_look(e, s, now_ms);
}

static void refuse_refresh(struct bd_events *e, const struct bd_subscribe *ask,
                           struct bd_subscription *s, unsigned status)
{
    e->numbers.refused++;
    reply(e, ask, s, write_refusal(e, ask, status));
}

static void refresh(struct bd_events *e, const struct bd_subscribe *ask, struct bd_subscription *s)
{
    const struct bd_message *m = ask->m;
    const struct bd_endpoint told = s->dialog.next_hop;
    uint32_t expires_s;
    unsigned status = bd_permit_watcher(e, ask->texts.watcher, bd_subscription_resource(s));
    s->dialog.remote_cseq = m->cseq; /* 3261 12.2.2: whatever becomes of it */
    if (status) {                    /* the list has changed since */
        refuse_refresh(e, ask, s, status);
        s->ending = "rejected";
        s->urgent = s->full = true;
        return;
    }
    status = bd_permit_terms(e->control->config, m, &expires_s);
    if (status == 0)
        status = bd_dialog_refresh(&s->dialog, m, &ask->in->way);
    if (status) {
        refuse_refresh(e, ask, s, status);
        return;
    }
    s->worker = ask->worker;
    bool moved =
        !bd_ip_eq(&told.ip, &s->dialog.next_hop.ip) || told.port != s->dialog.next_hop.port;
    if (s->room != BD_ROOM_ANY || moved)
        bd_permit_room(e, ask, s);
    e->numbers.refreshed++;
    approve(e, ask, s, expires_s);
    set_expiry(e, s, expires_s, ask->now_ms);
}

static void subscribe_again(struct bd_events *e, const struct bd_subscribe *ask)
{
    const struct bd_message *m = ask->m;
    struct bd_subscription *s = find_by_tag(e, m);
    if (s && s->transaction == ask->in->transaction)
        repeat(e, ask, s);
    else if (!s || s->over || s->ending || !bd_dialog_has_event(&s->dialog, m))
        refuse(e, ask, 481); /* 6665 4.1.2.3 */
    else if (!bd_str_eq(ask->texts.watcher, bd_subscription_watcher(s)))
        refuse(e, ask, 403);
    else if (m->cseq <= s->dialog.remote_cseq)
        refuse(e, ask, 500); /* 3261 12.2.2 */
    else
        refresh(e, ask, s);
}

/* --- outside of one --------------------------------------------------------------------------- */

static uint64_t origin_of(const struct bd_events *e, const struct bd_message *m)
{
    const struct bd_hash_key *key = &e->control->arena.hash_key;
    const uint64_t part[] = {bd_hash64(key, m->call_id.p, m->call_id.len),
                             bd_hash64(key, m->from_tag.p ? m->from_tag.p : "", m->from_tag.len)};
    uint64_t hash = bd_hash64(key, part, sizeof(part));
    return hash ? hash : 1;
}

/* Whether a request without To tag has made a subscription already, and has got its answer here: it
 * is a retransmission, or a copy that a proxy forked (3261 8.2.2.2: 482). */
static bool seen_before(struct bd_events *e, const struct bd_subscribe *ask, uint64_t origin)
{
    for (unsigned i = 0; i < e->top; i++) {
        const struct bd_subscription *s = e->slot[i];
        if (e->origin[i] != origin || !bd_dialog_has(&s->dialog, ask->m))
            continue;
        if (s->transaction == ask->in->transaction) {
            repeat(e, ask, s);
            return true;
        }
        if (s->dialog.remote_cseq == ask->m->cseq && !s->over) {
            refuse(e, ask, 482);
            return true;
        }
    }
    return false;
}

static bool is_crowded(const struct bd_events *e, struct bd_str resource)
{
    unsigned cursor = 0, cnt = 0;
    const struct bd_subscription *s;
    while ((s = bd_events_next(e, &cursor)))
        cnt += bd_str_eq(bd_subscription_resource(s), resource);
    return cnt >= BD_SUBSCRIPTIONS_PER_AOR_MAX;
}

static void keep_names(const struct bd_subscribe *ask, struct bd_subscription *s)
{
    struct bd_str watcher = ask->texts.watcher, resource = ask->texts.resource;
    memcpy(s->watcher, watcher.p, watcher.len);
    memcpy(s->resource, resource.p, resource.len);
    s->watcher_len = watcher.len;
    s->resource_len = resource.len;
}

static void subscribe_first(struct bd_events *e, const struct bd_subscribe *ask, uint64_t origin)
{
    uint32_t expires_s;
    unsigned status = bd_permit_watcher(e, ask->texts.watcher, ask->texts.resource);
    if (status == 0)
        status = bd_permit_terms(e->control->config, ask->m, &expires_s);
    if (status == 0 && is_crowded(e, ask->texts.resource))
        status = 503;
    struct bd_subscription *s = status == 0 ? bd_subscription_new(e, origin, ask->now_ms) : NULL;
    if (status == 0)
        status = s ? bd_dialog_open(&s->dialog, ask->m, &ask->in->way) : 503;
    if (status) {
        if (s)
            bd_subscription_free(e, s);
        refuse(e, ask, status);
        return;
    }
    s->worker = ask->worker;
    keep_names(ask, s);
    bd_permit_room(e, ask, s);
    e->numbers.accepted++;
    approve(e, ask, s, expires_s);
    set_expiry(e, s, expires_s, ask->now_ms);
}

void bd_subscribe(struct bd_events *e, const struct bd_subscribe *ask)
{
    if (ask->texts.watcher.len == 0 || ask->texts.watcher.len > BD_AOR_MAX ||
        ask->texts.resource.len > BD_AOR_MAX)
        return; /* no worker has written this */
    if (ask->m->to_tag.p) {
        subscribe_again(e, ask);
        return;
    }
    uint64_t origin = origin_of(e, ask->m);
    if (ask->texts.resource.len > 0 && !seen_before(e, ask, origin))
        subscribe_first(e, ask, origin);
}
