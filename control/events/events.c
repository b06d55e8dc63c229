/* SPDX-License-Identifier: BSD-3-Clause */
#include <event2/util.h>
#include <stdlib.h>

#include "clock.h"
#include "hex.h"
#include "notifier.h"
#include "peer.h"

enum { INBOUND_PER_TURN = 64, OPERATOR_MS = 3000 };

/* --- sending ---------------------------------------------------------------------------------- */

bool bd_events_send(struct bd_events *e, unsigned worker, const struct bd_way_back *way,
                    const struct bd_endpoint *to, struct bd_str text)
{
    struct bd_control *control = e->control;
    struct bd_outbound *out = NULL;
    if (bd_peer_serving(control->peer) && worker < bd_control_workers(control))
        out = bd_ring_reserve(bd_channel_of(&control->arena, worker).outbound);
    if (!out || text.len > BD_OUTBOUND_MAX) {
        e->numbers.unsent++;
        return false;
    }
    out->dataplane_generation =
        atomic_load(&bd_control_line(control, BD_ROLE_DATAPLANE)->generation);
    out->len = text.len;
    out->way = *way;
    out->way.peer = *to;
    memcpy(out->payload, text.p, text.len);
    bd_ring_publish(bd_channel_of(&control->arena, worker).outbound);
    return true;
}

/* --- slots ------------------------------------------------------------------------------------ */

static int find_slot(struct bd_events *e)
{
    int over = -1;
    for (unsigned i = 0; i < e->top; i++) {
        if (!e->slot[i])
            return (int)i;
        if (e->slot[i]->over && (over < 0 || e->slot[i]->over_ms < e->slot[over]->over_ms))
            over = (int)i;
    }
    if (e->top < e->max)
        return (int)e->top++;
    if (over >= 0)
        bd_subscription_free(e, e->slot[over]);
    return over;
}

/* 19.3: at least 32 bits of randomness, so that nobody guesses his way into a dialog. */
static void make_tag(struct bd_subscription *s)
{
    uint64_t random;
    evutil_secure_rng_get_bytes(&random, sizeof(random));
    bd_hex_encode((const uint8_t *)&s->slot, sizeof(s->slot), s->dialog.local_tag);
    bd_hex_encode((const uint8_t *)&random, sizeof(random),
                  s->dialog.local_tag + 2 * sizeof(s->slot));
}

struct bd_subscription *bd_subscription_new(struct bd_events *e, uint64_t origin, uint64_t now_ms)
{
    int i = find_slot(e);
    struct bd_subscription *s = i < 0 ? NULL : calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->slot = (uint32_t)i;
    s->began_ms = now_ms;
    make_tag(s);
    e->slot[i] = s;
    e->origin[i] = origin;
    return s;
}

void bd_subscription_free(struct bd_events *e, struct bd_subscription *s)
{
    e->slot[s->slot] = NULL;
    e->origin[s->slot] = 0;
    bd_transaction_end(&s->notify);
    bd_told_clear(&s->told);
    free(s->reply);
    free(s);
}

void bd_subscription_over(struct bd_subscription *s)
{
    s->over = true;
    bd_transaction_end(&s->notify);
    bd_told_clear(&s->told);
}

/* --- the turn --------------------------------------------------------------------------------- */

static void take(struct bd_events *e, unsigned worker, const struct bd_inbound *in, uint64_t now_ms)
{
    struct bd_control *control = e->control;
    struct bd_subscribe ask = {.in = in,
                               .texts = bd_inbound_get(in),
                               .m = &e->message,
                               .worker = worker,
                               .now_ms = now_ms};
    struct bd_str datagram = ask.texts.datagram;
    if (in->control_generation != bd_control_line(control, BD_ROLE_CONTROL)->generation ||
        !datagram.p || bd_message_parse(&e->message, datagram.p, datagram.len) != BD_VERDICT_NONE)
        return; /* a predecessor's, or no message that a worker would have passed on */
    if (e->message.is_request)
        bd_subscribe(e, &ask);
    else
        bd_notify_answer(e, &e->message, now_ms);
}

static void take_inbound(struct bd_events *e, uint64_t now_ms)
{
    for (unsigned w = 0; w < bd_control_workers(e->control); w++) {
        struct bd_ring *ring = bd_channel_of(&e->control->arena, w).inbound;
        const struct bd_inbound *in;
        for (unsigned n = 0; n < INBOUND_PER_TURN && (in = bd_ring_peek(ring)); n++) {
            take(e, w, in, now_ms);
            bd_ring_release(ring);
        }
    }
}

static void look(struct bd_events *e, uint64_t now_ms)
{
    for (unsigned n = 0; n < BD_EVENTS_LOOK_SLICE && e->cursor < e->top; n++, e->cursor++) {
        struct bd_subscription *s = e->slot[e->cursor];
        if (s)
            bd_notify_look(e, s, now_ms);
    }
    if (e->cursor < e->top)
        return; /* the rest in the next turn */
    e->cursor = 0;
    e->look_ms = now_ms + BD_EVENTS_LOOK_MS;
}

void bd_events_turn(struct bd_events *events, uint64_t now_ms)
{
    bd_control_reading(events->control);
    take_inbound(events, now_ms);
    if (now_ms >= events->look_ms)
        look(events, now_ms);
    bd_control_done_reading(events->control);
}

void bd_events_operator_removes(struct bd_events *events, struct bd_str aor, uint64_t now_ms)
{
    for (unsigned i = 0; i < events->top; i++) {
        struct bd_subscription *s = events->slot[i];
        if (s && bd_str_eq(bd_subscription_bound(s), aor))
            s->operator_ms = now_ms + OPERATOR_MS;
    }
}

/* --- looking in ------------------------------------------------------------------------------- */

const struct bd_events_numbers *bd_events_numbers(const struct bd_events *events)
{
    return &events->numbers;
}

const struct bd_subscription *bd_events_next(const struct bd_events *events, unsigned *cursor)
{
    while (*cursor < events->top) {
        const struct bd_subscription *s = events->slot[(*cursor)++];
        if (s && !s->over)
            return s;
    }
    return NULL;
}

unsigned bd_events_cnt(const struct bd_events *events)
{
    unsigned cursor = 0, cnt = 0;
    while (bd_events_next(events, &cursor))
        cnt++;
    return cnt;
}

/* --- in the event loop ------------------------------------------------------------------------ */

static bool is_served(const struct bd_events *e)
{
    const struct bd_config *config = e->control->config;
    for (unsigned d = 0; d < config->domain_cnt; d++) {
        if (config->domains[d].reg_event)
            return true;
    }
    return false;
}

/* A process that serves no events looks rarely: only for the last words of those it did serve. */
static void arm(struct bd_events *e)
{
    unsigned ms = is_served(e) ? BD_EVENTS_POLL_MS : BD_EVENTS_LOOK_MS;
    struct timeval soon = {.tv_usec = (suseconds_t)ms * 1000};
    event_add(e->timer, &soon);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    bd_events_turn(arg, bd_clock_ms());
    arm(arg);
}

struct bd_events *bd_events_new(struct bd_control *control, struct bd_error *error)
{
    struct bd_events *e = calloc(1, sizeof(*e));
    if (e) {
        e->control = control;
        e->max = control->started->reg_event_max_subscriptions;
        e->slot = calloc(e->max, sizeof(struct bd_subscription *));
        e->origin = calloc(e->max, sizeof(uint64_t));
    }
    if (!e || !e->slot || !e->origin)
        bd_fail(error, "out of memory");
    else if ((e->seal = bd_gruu_seal_new(error)))
        return e;
    bd_events_free(e);
    return NULL;
}

int bd_events_start(struct bd_events *events, struct bd_error *error)
{
    events->timer = event_new(events->control->base, -1, 0, on_timer, events);
    if (!events->timer)
        return bd_fail(error, "out of memory");
    arm(events);
    return 0;
}

void bd_events_free(struct bd_events *events)
{
    if (!events)
        return;
    for (unsigned i = 0; i < events->top; i++) {
        if (events->slot[i])
            bd_subscription_free(events, events->slot[i]);
    }
    if (events->timer)
        event_free(events->timer);
    bd_gruu_seal_free(events->seal);
    free(events->slot);
    free(events->origin);
    free(events);
}
