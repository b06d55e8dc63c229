/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is served while not all can be. */
#include "private.h"

/* A request's own keyed hash chooses, another way within each T1: it comes again no sooner. */
static uint32_t lot(const struct bd_turn *turn)
{
    enum { T1_LOG2 = 9 };
    uint64_t hash = turn->transaction ^ (turn->request->now_ms >> T1_LOG2) * 0x9e3779b97f4a7c15ULL;
    return (uint32_t)((hash ^ hash >> 32) * 0x2545f4914f6cdd1dULL >> 48);
}

static bool is_answered(const struct bd_turn *turn)
{
    return (turn->transaction >> 32 & (BD_FLOOD_ANSWERED - 1)) == 0;
}

bool bd_neighbour(const struct bd_turn *turn)
{
    const struct bd_ip *source = &turn->request->source.ip;
    return (turn->domain && bd_policy_trusts(turn->request->policy, turn->domain, source)) ||
           !bd_policy_may_ban(turn->request->policy, source);
}

/* Whether what it brings speaks for its source: a nonce of ours that is not stale, or what a
 * trusted domain asks for. */
static bool is_proven(struct bd_registrar *r, struct bd_turn *turn)
{
    bool verify;
    switch (bd_auth_needed(turn)) {
    case BD_AUTH_TRUSTED:
        return bd_authorize(r, turn, NULL, &verify) == BD_VERDICT_NONE;
    case BD_AUTH_DIGEST:
        return bd_header_first(turn->m, BD_HDR_AUTHORIZATION) &&
               bd_credentials_check(r, turn) == BD_VERDICT_NONE &&
               turn->request->wall_ms - turn->issued_ms <= turn->domain->nonce_expire_s * 1000ULL;
    case BD_AUTH_OPEN:
        break;
    }
    return false;
}

/* Whether the AoR has a live binding that was registered from this address; whatever the port, as
 * NATs change it. */
static bool is_refresh(const struct bd_registrar *r, const struct bd_turn *turn)
{
    struct bd_slot_ref ref;
    if (!bd_table_find(r->deps.table, turn->hash, turn->aor, &ref))
        return false;
    unsigned cnt = bd_record_cnt(ref.record);
    for (unsigned i = 0; i < cnt; i++) {
        struct bd_binding b;
        bd_record_view(ref.record, i, &b);
        if (turn->now_s < bd_state_expires_at_s(b.state) &&
            bd_ip_eq(&b.source.ip, &turn->request->source.ip))
            return true;
    }
    return false;
}

/* outcome: what the request is to be refused with anyway, or BD_VERDICT_NONE. */
static enum bd_class class_of(struct bd_registrar *r, struct bd_turn *turn, enum bd_verdict outcome)
{
    bool goes_on = outcome == BD_VERDICT_NONE;
    /* Pings by which neighbours choose where to send calls and registrations. */
    if (outcome == BD_SIP_OPTIONS)
        return bd_neighbour(turn) ? BD_CLASS_REFRESH : BD_CLASS_UNKNOWN;
    if (goes_on && !turn->subscribe && !turn->redirect && is_refresh(r, turn))
        return BD_CLASS_REFRESH;
    if (bd_neighbour(turn) || (goes_on && is_proven(r, turn)))
        return BD_CLASS_NEW;
    return BD_CLASS_UNKNOWN;
}

static enum bd_need need_of(const struct bd_turn *turn, enum bd_verdict outcome)
{
    bool verifier = outcome == BD_VERDICT_NONE && bd_auth_needed(turn) == BD_AUTH_DIGEST;
    return verifier ? BD_NEED_VERIFIER : BD_NEED_WORKER;
}

/* Whether a refusal may be no answer at all: to a phone that is no proxy, and no neighbour's. */
static bool is_silent(const struct bd_turn *turn)
{
    return turn->request->shedding->silent && !bd_is_proxied(turn->m) && !bd_neighbour(turn);
}

static bool asks_for_feedback(const struct bd_turn *turn)
{
    return turn->m->via.oc && bd_neighbour(turn);
}

struct bd_str bd_shed_feedback(const struct bd_turn *turn)
{
    const struct bd_shedding *shedding = turn->request->shedding;
    return shedding && asks_for_feedback(turn) ? shedding->oc : BD_STR_NULL;
}

enum bd_verdict bd_shed(struct bd_registrar *registrar, struct bd_turn *turn,
                        enum bd_verdict outcome)
{
    static const enum bd_verdict shed[] = {[BD_CLASS_UNKNOWN] = BD_SIP_SHED_UNKNOWN,
                                           [BD_CLASS_NEW] = BD_SIP_SHED_NEW,
                                           [BD_CLASS_REFRESH] = BD_SIP_SHED_REFRESH};
    struct bd_shedding *shedding = turn->request->shedding;
    /* What draws no reply costs no more than a refusal. */
    if (outcome != BD_VERDICT_NONE && bd_verdict_info[outcome].status == 0)
        return outcome;
    enum bd_class class_ = class_of(registrar, turn, outcome);
    enum bd_need need = need_of(turn, outcome);
    if (asks_for_feedback(turn))
        shedding->asked[need][class_]++;
    const uint32_t(*admit)[BD_CLASS_CNT] =
        turn->request->took_turn ? shedding->turns : shedding->admit;
    if (lot(turn) < admit[need][class_])
        return outcome;
    if (class_ == BD_CLASS_UNKNOWN && shedding->flood && !is_answered(turn))
        return BD_SIP_SHED_SILENT;
    return is_silent(turn) ? BD_SIP_SHED_SILENT : shed[class_];
}
