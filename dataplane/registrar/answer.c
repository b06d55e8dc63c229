/* SPDX-License-Identifier: BSD-3-Clause */
/* The reply: RFC 3261 8.2.6 and 10.3 (8). */
#include "hex.h"
#include "life.h"
#include "private.h"

/* Who has proved nothing may have forged his address, and the reply hit another: the bytes that are
 * sent there are as many as were spent on it, times a small factor. */
static void bound(struct bd_turn *turn, struct bd_wire *w)
{
    uint32_t factor = turn->request->policy->limits.reply_factor;
    uint64_t room = (uint64_t)factor * turn->m->text.len;
    turn->bounded = factor && !turn->verified && room < (uint64_t)(w->end - w->begin);
    if (turn->bounded)
        w->end = w->begin + room;
}

static void begin(const struct bd_turn *turn, struct bd_wire *w, unsigned status,
                  struct bd_str reason, uint32_t keep_s)
{
    /* 8.2.7, 19.3: the tag follows from the request, so a retransmission gets the same one. */
    char tag[2 * sizeof(turn->transaction)];
    bd_hex_encode((const uint8_t *)&turn->transaction, sizeof(turn->transaction), tag);
    struct bd_via_values values = {.keep_s = keep_s};
    if (turn->m->via.oc)
        values.oc = bd_shed_feedback(turn);
    bd_reply_begin_with(w, turn->m, status, reason, (struct bd_str){tag, sizeof(tag)},
                        &turn->request->source, &values);
}

static __attribute__((flatten)) void end(const struct bd_turn *turn, struct bd_wire *w)
{
    const struct bd_policy *policy = turn->request->policy;
    struct bd_wire out = *w;
    if (policy->server_len) {
        bd_wire_put(&out, BD_STR("Server: "));
        bd_wire_put(&out, bd_policy_text(policy, policy->server_off, policy->server_len));
        bd_wire_put(&out, BD_STR("\r\n"));
    }
    bd_wire_put(&out, BD_STR("Content-Length: 0\r\n\r\n"));
    *w = out;
}

static unsigned status_of(const struct bd_turn *turn, enum bd_verdict verdict)
{
    if (verdict == BD_SIP_TOO_MANY_CONTACTS && turn->domain->max_contacts_code)
        return turn->domain->max_contacts_code;
    if (verdict == BD_SIP_SCREEN_REJECT)
        return turn->request->reject_code;
    return bd_verdict_info[verdict].status;
}

bool bd_answer(struct bd_registrar *registrar, struct bd_turn *turn, struct bd_wire *reply,
               enum bd_verdict *verdict)
{
    unsigned status = status_of(turn, *verdict);
    if (status == 0)
        return false;
    bound(turn, reply);
    const struct bd_wire blank = *reply;
    bool worded = status == 400 && turn->reason;
    begin(turn, reply, status, worded ? bd_str_from(turn->reason) : bd_reason(status), 0);
    bd_answer_put_fields(registrar, turn, reply, *verdict);
    end(turn, reply);
    if (!reply->overflow)
        return true;
    *reply = blank;
    *verdict = bd_answer_too_large(turn);
    begin(turn, reply, 500, bd_reason(500), 0);
    bd_reply_end(reply);
    if (!reply->overflow)
        return true;
    *reply = blank;
    *verdict = BD_SIP_UNADDRESSABLE;
    return false;
}

/* --- the 200 of a REGISTER -------------------------------------------------------------------- */

/* RFC 5627 5.2: to a client that knows GRUUs. */
static void put_gruus(struct bd_registrar *r, struct bd_turn *turn, struct bd_wire *w,
                      const struct bd_binding *b)
{
    const struct bd_policy *policy = turn->request->policy;
    if (!bd_turn_supports(turn, BD_SUPPORTED_GRUU))
        return;
    uint64_t life = bd_gruu_life(b);
    bd_gruu_put_public(w, turn->identity, b);
    if (life && bd_gruu_seal_set_keys(r->seal, policy->nonce_key) == 0)
        bd_gruu_put_temporary(w, r->seal, turn->identity, b, bd_life_issue(&r->set, life));
}

/* 10.3 (8). The rest of a binding's time is rounded down, but 0 would say that it is gone. */
static __attribute__((flatten)) void put_binding(struct bd_registrar *r, struct bd_turn *turn,
                                                 struct bd_wire *w, const struct bd_binding *b)
{
    uint32_t left_s = bd_state_expires_at_s(b->state) - turn->grant_s;
    struct bd_wire out = *w;
    bd_wire_put(&out, BD_STR("Contact: <"));
    bd_wire_put(&out, b->text[BD_TEXT_URI]);
    if (b->text[BD_TEXT_PARAMS].len) {
        bd_wire_put(&out, BD_STR(">;"));
        bd_wire_put(&out, b->text[BD_TEXT_PARAMS]);
    } else {
        bd_wire_char(&out, '>');
    }
    if (b->q_milli != BD_Q_NONE) {
        bd_wire_put(&out, BD_STR(";q="));
        bd_wire_q(&out, b->q_milli);
    }
    if (bd_gruu_has(turn->domain, b)) {
        *w = out;
        put_gruus(r, turn, w, b);
        out = *w;
    }
    bd_wire_put(&out, BD_STR(";expires="));
    bd_wire_u32(&out, left_s ? left_s : 1);
    bd_wire_put(&out, BD_STR("\r\n"));
    *w = out;
}

/* RFC 5626 6: only for a flow that ends here. 0: none is sent. */
static uint32_t flow_timer_s(const struct bd_turn *turn)
{
    return turn->outbound && turn->direct ? turn->domain->flow_timer_s : 0;
}

/* RFC 6223 4.2.2, 5: each REGISTER negotiates anew; never another interval than Flow-Timer's. */
static uint32_t keep_s(const struct bd_turn *turn)
{
    uint32_t flow_s = flow_timer_s(turn);
    return turn->domain->keep_s && flow_s ? flow_s : turn->domain->keep_s;
}

/* RFC 5626 6: says that the reg-id counted. */
static void put_outbound(struct bd_wire *w, const struct bd_turn *turn)
{
    if (!turn->outbound)
        return;
    bd_reply_header(w, BD_STR("Require"), BD_STR("outbound"));
    uint32_t flow_s = flow_timer_s(turn);
    if (flow_s)
        bd_reply_header_u32(w, BD_STR("Flow-Timer"), flow_s);
}

bool bd_answer_bindings(struct bd_registrar *registrar, struct bd_turn *turn, struct bd_wire *reply)
{
    bool registered = false;
    bound(turn, reply);
    begin(turn, reply, 200, bd_reason(200), keep_s(turn));
    for (unsigned i = 0; i < registrar->set.cnt; i++) {
        const struct bd_entry *e = &registrar->set.entry[i];
        if (!bd_fate_lives(e->fate))
            continue;
        put_binding(registrar, turn, reply, &e->binding);
        registered = true;
    }
    if (turn->authinfo)
        bd_authinfo_write(registrar, turn, reply);
    if (turn->path_echoed) {
        bd_reply_header(reply, BD_STR("Supported"), BD_STR("path"));
        bd_reply_header(reply, BD_STR("Path"), turn->path);
    }
    put_outbound(reply, turn);
    bd_announce(registrar->deps.arena, turn, registered, reply);
    bd_wire_put(reply, bd_date_line(&registrar->date, turn->request->wall_ms));
    end(turn, reply);
    return !reply->overflow;
}
