/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <stdio.h>

static const struct {
    const char *text;
    int id;
} pool[POOL_CNT] = {
    {"sip:a@192.0.2.1", 0},
    {"sip:%61@192.0.2.1", 0},
    {"sip:b@Host.example;x=1", 1},
    {"sip:b@hOST.example;X=1", 1},
    {"sip:b@host.example:5060", 2},
    {"sip:b@host.example;transport=tcp", 3},
    {"SIP:b@host.example;TRANSPORT=TCP", 3},
    {"sip:C@192.0.2.3", 4},
    {"sip:c@192.0.2.3", 5},
    {"mailto:a@example.com", 6},
};

/* Spellings of instances: UUIDs have no case, other URNs have (RFC 5626 4.1, RFC 8141). */
static const struct {
    const char *text;
    int id;
} instances[INSTANCE_CNT] = {
    {"<urn:uuid:00000000-0000-1000-8000-00000000000a>", 0},
    {"<URN:UUID:00000000-0000-1000-8000-00000000000A>", 0},
    {"<urn:uuid:00000000-0000-1000-8000-00000000000b>", 1},
};

static void drop(struct model *m, unsigned i)
{
    memmove(&m->held[i], &m->held[i + 1], (m->cnt - i - 1) * sizeof(m->held[0]));
    m->cnt--;
}

void model_forget_expired(struct model *m)
{
    for (unsigned i = 0; i < m->cnt;) {
        if (m->held[i].expires_at <= m->now)
            drop(m, i);
        else
            i++;
    }
}

static bool is_flow(const struct wish *w)
{
    return w->instance != NONE && w->reg_id != 0;
}

/* One number for what makes a binding the same one: the URI, or instance and reg-id. */
static int identity_of(const struct wish *w)
{
    return is_flow(w) ? 1000 + 10 * instances[w->instance].id + (int)w->reg_id : pool[w->text].id;
}

static int lookup(const struct model *m, int identity)
{
    for (unsigned i = 0; i < m->cnt; i++) {
        if (m->held[i].identity == identity)
            return (int)i;
    }
    return NONE;
}

static int64_t wanted(const struct model *m, const struct ask *a, const struct wish *w)
{
    if (w->expires != NONE)
        return w->expires;
    return a->expires != NONE ? a->expires : (int64_t)m->settings->default_expires_s;
}

static uint64_t granted(const struct model *m, int64_t s)
{
    if (s < (int64_t)m->settings->min_expires_s)
        s = m->settings->min_expires_s;
    return (uint64_t)(s > (int64_t)m->settings->max_expires_s ? m->settings->max_expires_s : s);
}

static bool too_brief(const struct model *m, const struct ask *a)
{
    for (unsigned i = 0; i < a->cnt && m->settings->min_expires_mode == 1; i++) {
        int64_t s = wanted(m, a, &a->wish[i]);
        if (s > 0 && s < 3600 && s < (int64_t)m->settings->min_expires_s)
            return true;
    }
    return false;
}

/* 0: in order. 200: seen before. 500: out of order. */
static unsigned order(const struct model *m, const struct ask *a)
{
    unsigned outcome = 0;
    for (unsigned i = 0; i < m->cnt; i++) {
        const struct held *h = &m->held[i];
        bool meant = a->star;
        for (unsigned k = 0; k < a->cnt; k++)
            meant |= identity_of(&a->wish[k]) == h->identity;
        if (!meant || h->call != a->call || h->cseq < a->cseq)
            continue;
        if (h->cseq == a->cseq && h->branch == a->branch)
            return 200;
        outcome = 500;
    }
    return outcome;
}

static void fulfil(struct model *m, const struct ask *a, const struct wish *w)
{
    int identity = identity_of(w), at = lookup(m, identity);
    int64_t s = wanted(m, a, w);
    if (s == 0) {
        if (at != NONE)
            drop(m, (unsigned)at);
        return;
    }
    if (at == NONE) {
        at = (int)m->cnt++;
        m->held[at].created = m->now;
        m->held[at].added = true;
    }
    struct held *h = &m->held[at];
    *h = (struct held){.wish = *w,
                       .identity = identity,
                       .call = a->call,
                       .cseq = a->cseq,
                       .branch = a->branch,
                       .expires_at = m->now + granted(m, s),
                       .created = h->created,
                       .added = h->added,
                       .mine = true};
}

static int soonest(const struct model *m)
{
    int best = NONE;
    for (unsigned i = 0; i < m->cnt; i++) {
        const struct held *h = &m->held[i], *b = best == NONE ? NULL : &m->held[best];
        if (!h->mine && (!b || h->expires_at < b->expires_at ||
                         (h->expires_at == b->expires_at && h->created < b->created)))
            best = (int)i;
    }
    return best;
}

/* Whether the request added a binding: one that it removed first was none any more. */
static bool grew(const struct model *m)
{
    for (unsigned i = 0; i < m->cnt; i++) {
        if (m->held[i].added)
            return true;
    }
    return false;
}

static bool make_room(struct model *m)
{
    unsigned mine = 0, max = m->settings->max_contacts;
    for (unsigned i = 0; i < m->cnt; i++)
        mine += m->held[i].mine;
    if (m->cnt <= max)
        return true;
    if (m->settings->max_contacts_policy == BD_CONTACTS_REJECT || mine > max)
        return false;
    unsigned leave = m->settings->max_contacts_policy == BD_CONTACTS_REPLACE ? mine : max;
    while (m->cnt > leave)
        drop(m, (unsigned)soonest(m));
    return true;
}

/* Timer J: a transaction that has changed something is not taken twice. */
static bool seen_lately(const struct model *m, const struct ask *a)
{
    for (unsigned i = 0; i < m->done_cnt; i++) {
        const struct done *d = &m->done[i];
        if (d->call == a->call && d->cseq == a->cseq && d->branch == a->branch &&
            m->now - d->at < 32)
            return true;
    }
    return false;
}

/* RFC 5626 6: a flow is set up by a Contact alone; removals beside it are no Contacts set up. */
static bool crowds_a_flow(const struct model *m, const struct ask *a)
{
    unsigned flows = 0, set_up = 0;
    for (unsigned i = 0; i < a->cnt; i++) {
        flows += is_flow(&a->wish[i]);
        set_up += wanted(m, a, &a->wish[i]) != 0;
    }
    return flows > 0 && set_up > 1;
}

unsigned model_register(struct model *m, const struct ask *a)
{
    if ((a->star && (a->cnt || a->expires != 0)) || crowds_a_flow(m, a))
        return 400;
    model_forget_expired(m);
    if (too_brief(m, a))
        return 423;
    if (seen_lately(m, a))
        return 200;
    unsigned outcome = order(m, a);
    if (outcome)
        return outcome;
    struct model after = *m;
    for (unsigned i = 0; i < after.cnt; i++)
        after.held[i].mine = after.held[i].added = false;
    if (a->star)
        after.cnt = 0;
    for (unsigned i = 0; i < a->cnt; i++)
        fulfil(&after, a, &a->wish[i]);
    if (grew(&after) && !make_room(&after))
        return m->settings->max_contacts_code;
    if (a->cnt || a->star)
        after.done[after.done_cnt++] = (struct done){a->call, a->cseq, a->branch, m->now};
    *m = after;
    return 200;
}

size_t model_contact(char *out, size_t out_sz, const struct wish *w)
{
    size_t used = (size_t)snprintf(out, out_sz, "<%s>", pool[w->text].text);
    if (w->reg_id)
        used += (size_t)snprintf(out + used, out_sz - used, ";reg-id=%u", w->reg_id);
    if (w->instance != NONE)
        used += (size_t)snprintf(out + used, out_sz - used, ";+sip.instance=\"%s\"",
                                 instances[w->instance].text);
    return used;
}

void model_contacts(const struct model *m, char *out, size_t out_sz)
{
    size_t used = 0;
    out[0] = 0;
    for (unsigned i = 0; i < m->cnt; i++) {
        const struct held *h = &m->held[i];
        if (i)
            used += (size_t)snprintf(out + used, out_sz - used, "|");
        used += model_contact(out + used, out_sz - used, &h->wish);
        used += (size_t)snprintf(out + used, out_sz - used, ";expires=%lu",
                                 (unsigned long)(h->expires_at - m->now));
    }
}
