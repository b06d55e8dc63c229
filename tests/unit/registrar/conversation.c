/* SPDX-License-Identifier: BSD-3-Clause */
#include "conversation.h"

#include "model.h"

enum { DEVICES = 4 };
_Static_assert((int)CONVERSATION_STEPS_MAX <= (int)MODEL_DONE_MAX, "the model remembers each step");

unsigned (*conversation_roll)(unsigned n);

static unsigned roll(unsigned n)
{
    return conversation_roll(n);
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
    size_t used = (size_t)snprintf(out, out_sz, "Contact: ");
    used += model_contact(out + used, out_sz - used, w);
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
    model_forget_expired(m);
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
    model_forget_expired(&c->m);
    int removed = bd_registrar_unregister(c->lab->registrar, (struct bd_str){aor, (uint32_t)len},
                                          BD_STR(""), c->lab->now_ms);
    assert_int_equal(removed, c->m.cnt);
    c->m.cnt = 0;
}
