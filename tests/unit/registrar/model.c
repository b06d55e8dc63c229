/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

enum { DEVICES = 4, CONTACTS_MAX = 3, LIST_MAX = 16, NONE = -1 };

static const struct {
    const char *text;
    int id;
} pool[] = {
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
enum { POOL_CNT = sizeof(pool) / sizeof(pool[0]) };

/* Spellings of instances: UUIDs have no case, other URNs have (RFC 5626 4.1, RFC 8141). */
static const struct {
    const char *text;
    int id;
} instances[] = {
    {"<urn:uuid:00000000-0000-1000-8000-00000000000a>", 0},
    {"<URN:UUID:00000000-0000-1000-8000-00000000000A>", 0},
    {"<urn:uuid:00000000-0000-1000-8000-00000000000b>", 1},
};
enum { INSTANCE_CNT = sizeof(instances) / sizeof(instances[0]), REG_ID_MAX = 2 };

struct wish {
    int text;        /* index in the pool */
    int instance;    /* in instances, or NONE */
    unsigned reg_id; /* 0: not given */
    int64_t expires; /* NONE: not given */
};
struct ask {
    unsigned call, cseq, branch, cnt;
    bool star;
    int64_t expires;
    struct wish wish[CONTACTS_MAX];
};
struct held {
    struct wish wish; /* that it comes from */
    int identity;     /* see identity_of */
    unsigned call, cseq, branch;
    uint64_t expires_at, created;
    bool mine; /* touched by the request at hand */
};
struct done {
    unsigned call, cseq, branch;
    uint64_t at;
};
struct model {
    const struct bd_policy_domain *settings;
    uint64_t now;
    unsigned done_cnt;
    struct done done[CONVERSATION_STEPS_MAX];
    unsigned cnt;
    struct held held[LIST_MAX];
};

/* --- the model -------------------------------------------------------------------------------- */

static void drop(struct model *m, unsigned i)
{
    memmove(&m->held[i], &m->held[i + 1], (m->cnt - i - 1) * sizeof(m->held[0]));
    m->cnt--;
}

static void forget_expired(struct model *m)
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
    }
    struct held *h = &m->held[at];
    *h = (struct held){.wish = *w,
                       .identity = identity,
                       .call = a->call,
                       .cseq = a->cseq,
                       .branch = a->branch,
                       .expires_at = m->now + granted(m, s),
                       .created = h->created,
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

static bool grew(const struct model *before, const struct model *after)
{
    for (unsigned i = 0; i < after->cnt; i++) {
        if (lookup(before, after->held[i].identity) == NONE)
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

static unsigned model_register(struct model *m, const struct ask *a)
{
    if ((a->star && (a->cnt || a->expires != 0)) || crowds_a_flow(m, a))
        return 400;
    forget_expired(m);
    if (too_brief(m, a))
        return 423;
    if (seen_lately(m, a))
        return 200;
    unsigned outcome = order(m, a);
    if (outcome)
        return outcome;
    struct model after = *m;
    for (unsigned i = 0; i < after.cnt; i++)
        after.held[i].mine = false;
    if (a->star)
        after.cnt = 0;
    for (unsigned i = 0; i < a->cnt; i++)
        fulfil(&after, a, &a->wish[i]);
    if (grew(m, &after) && !make_room(&after))
        return m->settings->max_contacts_code;
    if (a->cnt || a->star)
        after.done[after.done_cnt++] = (struct done){a->call, a->cseq, a->branch, m->now};
    *m = after;
    return 200;
}

/* The parameters that are given back. */
static size_t write_params(char *out, size_t out_sz, const struct wish *w)
{
    size_t used = 0;
    if (w->reg_id)
        used += (size_t)snprintf(out, out_sz, ";reg-id=%u", w->reg_id);
    if (w->instance != NONE)
        used += (size_t)snprintf(out + used, out_sz - used, ";+sip.instance=\"%s\"",
                                 instances[w->instance].text);
    return used;
}

static void model_contacts(const struct model *m, char *out, size_t out_sz)
{
    size_t used = 0;
    out[0] = 0;
    for (unsigned i = 0; i < m->cnt; i++) {
        const struct held *h = &m->held[i];
        used += (size_t)snprintf(out + used, out_sz - used, "%s<%s>", i ? "|" : "",
                                 pool[h->wish.text].text);
        used += write_params(out + used, out_sz - used, &h->wish);
        used += (size_t)snprintf(out + used, out_sz - used, ";expires=%lu",
                                 (unsigned long)(h->expires_at - m->now));
    }
}

/* --- the conversation ------------------------------------------------------------------------- */

unsigned (*model_roll)(unsigned n);

static unsigned roll(unsigned n)
{
    return model_roll(n);
}

static int64_t roll_expires(void)
{
    static const int64_t values[] = {NONE, NONE, NONE, 0, 30, 59, 60, 600, 5000, 9999};
    return values[roll(sizeof(values) / sizeof(values[0]))];
}

static struct wish roll_wish(bool flows)
{
    struct wish w = {.text = (int)roll(POOL_CNT), .instance = NONE};
    if (flows && roll(4))
        w.instance = (int)roll(INSTANCE_CNT);
    if (flows && roll(4))
        w.reg_id = roll(REG_ID_MAX + 1);
    if (w.instance != NONE) /* RFC 5627 5.1: those are SIP URIs */
        w.text = (int)roll(POOL_CNT - 1);
    w.expires = roll_expires();
    return w;
}

/* Each request has a branch of its own (8.1.1.7): two that drew the same one by chance, with the
 * same CSeq, would be one transaction to the model and two to the registrar. */
static unsigned branches;

static struct ask roll_ask(unsigned *cseq, bool flows)
{
    unsigned call = roll(DEVICES);
    cseq[call] += roll(8) ? 1 : 0;
    struct ask a = {.call = call,
                    .cseq = roll(10) ? cseq[call] : roll(cseq[call] + 1),
                    .branch = ++branches,
                    .expires = roll_expires(),
                    .star = roll(12) == 0};
    a.cnt = a.star && roll(4) ? 0 : roll(CONTACTS_MAX + 1);
    if (flows && a.cnt > 1 && roll(2)) /* most are refused else */
        a.cnt = 1;
    if (a.star && roll(4))
        a.expires = 0;
    for (unsigned i = 0; i < a.cnt; i++)
        a.wish[i] = roll_wish(flows);
    return a;
}

static size_t write_contact(char *out, size_t out_sz, const struct wish *w)
{
    size_t used = (size_t)snprintf(out, out_sz, "Contact: <%s>", pool[w->text].text);
    used += write_params(out + used, out_sz - used, w);
    if (w->expires != NONE)
        used += (size_t)snprintf(out + used, out_sz - used, ";expires=%ld", (long)w->expires);
    return used + (size_t)snprintf(out + used, out_sz - used, "\r\n");
}

static void write_request(char *out, size_t out_sz, unsigned user, const struct ask *a)
{
    size_t used = (size_t)snprintf(
        out, out_sz,
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
        "From: <sip:x@example.com>;tag=f\r\nTo: <sip:user%u@example.com>\r\nCall-ID: call%u\r\n"
        "CSeq: %u REGISTER\r\n",
        a->branch, user, a->call, a->cseq);
    if (a->star)
        used += (size_t)snprintf(out + used, out_sz - used, "Contact: *\r\n");
    for (unsigned i = 0; i < a->cnt; i++)
        used += write_contact(out + used, out_sz - used, &a->wish[i]);
    if (a->expires != NONE)
        used += (size_t)snprintf(out + used, out_sz - used, "Expires: %ld\r\n", (long)a->expires);
    snprintf(out + used, out_sz - used, "Content-Length: 0\r\n\r\n");
}

/* What the registrar holds must be what the model holds: by the 200's own list, or after a failure
 * by a query, as a request that fails changes nothing. */
static void compare(struct lab *lab, struct model *m, unsigned user, unsigned status,
                    unsigned expected)
{
    static const struct ask query = {.call = DEVICES, .cseq = 1, .branch = 1, .expires = NONE};
    char asked[LAB_REPLY_MAX], text[2048], got[4096], wanted_text[4096];
    strcpy(asked, lab->request);
    if (status != expected)
        fail_msg("user %u: %u instead of %u to\n%s", user, status, expected, asked);
    if (status != 200) {
        write_request(text, sizeof(text), user, &query);
        assert_int_equal(lab_send(lab, text), 200);
    }
    forget_expired(m);
    lab_contacts(lab, got, sizeof(got));
    model_contacts(m, wanted_text, sizeof(wanted_text));
    if (strcmp(got, wanted_text) != 0)
        fail_msg("user %u: %s\ninstead of %s after\n%s", user, got, wanted_text, asked);
}

struct conversation {
    struct lab *lab;
    unsigned user;
    struct bd_policy_domain settings;
    struct model m;
    bool flows;
    unsigned steps;
    struct ask past[CONVERSATION_STEPS_MAX];
    unsigned cseq[DEVICES];
};

void conversation_settle(struct conversation *c)
{
    c->settings = lab_settings;
    c->settings.max_contacts = (uint16_t)(1 + roll(4));
    c->settings.max_contacts_policy = (uint8_t)roll(3);
    c->settings.max_contacts_code = 403;
    c->settings.min_expires_mode = (uint8_t)roll(2);
    c->settings.outbound_mode = BD_OUTBOUND_SUPPORTED;
    lab_policy(c->lab, &c->settings, true);
}

struct conversation *conversation_begin(struct lab *lab, unsigned user)
{
    struct conversation *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->lab = lab;
    c->user = user;
    conversation_settle(c);
    c->flows = roll(2);
    c->m.settings = &c->settings;
    for (unsigned i = 0; i < DEVICES; i++)
        c->cseq[i] = 1;
    return c;
}

void conversation_end(struct conversation *c)
{
    free(c);
}

void conversation_step(struct conversation *c)
{
    static const unsigned jumps[] = {0, 0, 1, 29, 60, 599, 3600};
    unsigned jump_ms = jumps[roll(sizeof(jumps) / sizeof(jumps[0]))] * 1000;
    struct lab *lab = c->lab;
    char text[4096];
    assert_true(c->steps < CONVERSATION_STEPS_MAX);
    struct ask *ask = &c->past[c->steps];
    lab->now_ms += jump_ms;
    lab->wall_ms += jump_ms;
    c->m.now = lab->now_ms / 1000;
    bool again = c->steps > 0 && roll(6) == 0;
    *ask = again ? c->past[roll(c->steps)] : roll_ask(c->cseq, c->flows);
    c->steps++;
    write_request(text, sizeof(text), c->user, ask);
    unsigned status = lab_send(lab, text);
    compare(lab, &c->m, c->user, status, model_register(&c->m, ask));
}

void conversation_kill(struct conversation *c)
{
    lab_kill(c->lab);
    c->m.done_cnt = 0;
}

void conversation_unregister(struct conversation *c)
{
    char aor[64];
    int len = snprintf(aor, sizeof(aor), "user%u@example.com", c->user);
    forget_expired(&c->m);
    int removed = bd_registrar_unregister(c->lab->registrar, (struct bd_str){aor, (uint32_t)len},
                                          BD_STR(""), c->lab->now_ms);
    assert_int_equal(removed, c->m.cnt);
    c->m.cnt = 0;
}
