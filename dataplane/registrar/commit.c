/* SPDX-License-Identifier: BSD-3-Clause */
/* One commit, or none: find, decide, write the reply, commit (RFC 3261 10.3 (7), last paragraph).
 *
 * The reply is written before the commit: a set of bindings whose 200 would not fit is refused
 * while nothing has changed yet. Another worker may be first; then everything begins again from
 * what stands there now. */
#include "private.h"

#include "outbound.h"
#include "profile.h"

enum { ROUNDS_MAX = 16 };

static unsigned survivors(struct bd_registrar *r)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < r->set.cnt; i++) {
        if (bd_fate_lives(r->set.entry[i].fate))
            r->binding[cnt++] = r->set.entry[i].binding;
    }
    return cnt;
}

/* Makes the set's living entries the content of the AoR. */
static enum bd_table_rc put(struct bd_registrar *r, const struct bd_slot_ref *ref,
                            struct bd_str aor)
{
    unsigned cnt = survivors(r);
    return bd_table_put(r->deps.writer, ref, aor, r->set.seen, r->binding, cnt);
}

static void count_changes(struct bd_registrar *r)
{
    static const enum bd_counter counter_of[] = {
        [BD_FATE_REFRESHED] = BD_CTR_BINDINGS_REFRESHED,
        [BD_FATE_CHANGED] = BD_CTR_BINDINGS_REFRESHED,
        [BD_FATE_ADDED] = BD_CTR_BINDINGS_ADDED,
        [BD_FATE_REMOVED] = BD_CTR_BINDINGS_REMOVED,
        [BD_FATE_DISPLACED] = BD_CTR_BINDINGS_DISPLACED,
        [BD_FATE_EXPIRED] = BD_CTR_BINDINGS_EXPIRED,
    };
    const struct bd_set *set = &r->set;
    bool left = false;
    for (unsigned i = 0; i < set->cnt; i++) {
        enum bd_fate fate = set->entry[i].fate;
        left |= bd_fate_lives(fate);
        /* An entry that one request both adds and removes never was a binding. */
        bool never = i >= set->old_cnt && !bd_fate_lives(fate);
        if (fate != BD_FATE_KEPT && !never)
            bd_registrar_count(r, counter_of[fate], 1);
    }
    if (left && set->old_cnt == 0)
        bd_registrar_count(r, BD_CTR_AORS_ADDED, 1);
    if (!left && set->old_cnt > 0)
        bd_registrar_count(r, BD_CTR_AORS_REMOVED, 1);
}

/* Whether the request changed anything. Expired bindings alone are the sweeper's work. */
static bool set_changed(const struct bd_set *set)
{
    for (unsigned i = 0; i < set->cnt; i++) {
        enum bd_fate fate = set->entry[i].fate;
        bool old = i < set->old_cnt;
        if (old ? fate != BD_FATE_KEPT && fate != BD_FATE_EXPIRED : bd_fate_lives(fate))
            return true;
    }
    return false;
}

static enum bd_verdict commit_set(struct bd_registrar *r, const struct bd_slot_ref *ref,
                                  struct bd_str aor, bool *conflict)
{
    if (!set_changed(&r->set))
        return BD_VERDICT_NONE;
    switch (put(r, ref, aor)) {
    case BD_TABLE_OK:
        count_changes(r);
        return BD_VERDICT_NONE;
    case BD_TABLE_CONFLICT:
        *conflict = true;
        return BD_VERDICT_NONE;
    case BD_TABLE_WINDOW_FULL:
    case BD_TABLE_NO_MEMORY:
        break;
    }
    return BD_SIP_TABLE_FULL;
}

/* --- REGISTER ------------------------------------------------------------------------------- */

/* What is in force for this AoR: the domain's settings, but for a subscriber with a profile. */
static void settle(struct bd_registrar *r, struct bd_turn *turn)
{
    const struct bd_policy *policy = turn->request->policy;
    const struct bd_arena *arena = r->deps.arena;
    if (policy->profile_cnt <= 1)
        return;
    struct bd_provision provision;
    struct bd_hash128 hash = bd_hash128(&arena->hash_key, turn->aor.p, turn->aor.len);
    if (bd_provisioned_find(arena, hash, &provision) &&
        bd_profile_apply(policy, provision.profile, turn->domain, &r->own))
        turn->settings = &r->own;
}

static struct bd_terms terms_of(const struct bd_registrar *r, const struct bd_policy_domain *d)
{
    unsigned max = d->max_contacts; /* Kamailio's max_contacts: 0 is no limit of its own */
    if (max == 0 || max > BD_CONTACTS_PER_AOR_MAX)
        max = BD_CONTACTS_PER_AOR_MAX;
    return (struct bd_terms){
        .contacts_max = max,
        .policy = (enum bd_contacts_policy)d->max_contacts_policy,
        .draining =
            atomic_load_explicit(&r->deps.arena->header->draining, memory_order_relaxed) != 0,
    };
}

/* With durability sync: whether a 200 of this verdict would promise what cannot be kept. That of a
 * retransmission would, too: the first one's may never have been sent. */
static bool overpromises(const struct bd_turn *turn, enum bd_verdict verdict)
{
    return turn->request->undurable && verdict != BD_SIP_QUERIED;
}

/* Nothing new but CSeq and expiry. */
static enum bd_verdict commit_refresh(struct bd_registrar *r, struct bd_turn *turn, int at,
                                      uint32_t expires_at_s, const struct bd_slot_ref *ref,
                                      struct bd_wire *reply, bool *conflict)
{
    if (overpromises(turn, BD_SIP_REFRESHED))
        return BD_SIP_NOT_DURABLE;
    struct bd_binding *b = &r->set.entry[at].binding;
    uint64_t expected = b->state;
    uint32_t cseq = turn->m->cseq;
    b->state = bd_state_make(cseq, expires_at_s);
    b->txn = turn->txn;
    r->set.entry[at].fate = BD_FATE_REFRESHED;
    if (!bd_answer_bindings(r, turn, reply))
        return bd_answer_too_large(turn);
    enum bd_table_rc rc = bd_table_refresh(r->deps.writer, ref, (unsigned)at, expected, cseq,
                                           expires_at_s, turn->txn);
    *conflict = rc != BD_TABLE_OK;
    bd_registrar_count(r, BD_CTR_BINDINGS_REFRESHED, !*conflict);
    return BD_SIP_REFRESHED;
}

static enum bd_verdict commit_decision(struct bd_registrar *r, struct bd_turn *turn,
                                       const struct bd_slot_ref *ref, struct bd_wire *reply,
                                       bool *conflict)
{
    struct bd_terms terms = terms_of(r, turn->settings);
    enum bd_verdict verdict =
        turn->again ? BD_SIP_RETRANSMISSION : bd_decide(&r->set, &r->asks, &terms);
    if (bd_verdict_info[verdict].status != 200)
        return verdict;
    if (overpromises(turn, verdict))
        return BD_SIP_NOT_DURABLE;
    if (!bd_answer_bindings(r, turn, reply))
        return bd_answer_too_large(turn);
    enum bd_verdict failed = commit_set(r, ref, turn->aor, conflict);
    return failed == BD_VERDICT_NONE ? verdict : failed;
}

/* RFC 5627 5.1: a Contact with an instance must be a SIP URI, and neither the AoR nor a GRUU of it.
 */
static bool leads_back(struct bd_registrar *r, const struct bd_turn *turn)
{
    for (unsigned i = 0; i < r->asks.cnt; i++) {
        const struct bd_ask *ask = &r->asks.ask[i];
        if (ask->expires_s == 0 || ask->binding.text[BD_TEXT_INSTANCE].len == 0)
            continue;
        bool sip = ask->contact.addr.uri.scheme == BD_URI_SIP ||
                   ask->contact.addr.uri.scheme == BD_URI_SIPS;
        if (!sip || bd_uri_equal(&ask->contact.addr.uri, &turn->m->to.uri))
            return true;
        enum bd_gruu_kind kind =
            bd_gruu_resolve(r->seal, turn->request->policy, &ask->contact.addr.uri, &r->gruu);
        if ((kind == BD_GRUU_PUBLIC || kind == BD_GRUU_TEMPORARY) &&
            bd_str_eq(
                bd_identities_bound(r->deps.arena, (struct bd_str){r->gruu.aor, r->gruu.aor_len}),
                turn->aor))
            return true;
    }
    return false;
}

static enum bd_verdict read_asks(struct bd_registrar *r, struct bd_turn *turn)
{
    struct bd_asks_context context = {
        .domain = turn->settings,
        .transaction = turn->transaction,
        .key = &r->deps.arena->hash_key,
        .fingerprint = turn->fingerprint,
        .txn = turn->txn,
        .source = turn->request->source,
        .local = turn->request->local,
        .now_s = turn->now_s,
        .grant_s = turn->grant_s,
        .flags = turn->binding_flags,
    };
    enum bd_verdict verdict = bd_asks_read(&r->asks, turn->m, &context, &turn->reason);
    /* RFC 6140 5.2: the numbers are those associated with the PBX. Who has none registers none; a
     * PBX that lost its numbers may still remove its Contact. */
    if (verdict == BD_VERDICT_NONE && r->asks.bulk &&
        !bd_bulk_is_pbx(turn->request->policy, turn->domain, turn->aor))
        verdict = BD_SIP_NOT_BULK;
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    if (r->asks.has_instance && turn->domain->gruu_enabled && leads_back(r, turn))
        return BD_SIP_CONTACT_LOOP;
    turn->path = r->asks.path;
    turn->outbound = r->asks.outbound;
    turn->direct = r->asks.direct;
    return BD_VERDICT_NONE;
}

/* The whole rules. A refresh by them is one to recognize the next time. */
static enum bd_verdict try_rules(struct bd_registrar *r, struct bd_turn *turn,
                                 const struct bd_slot_ref *ref, struct bd_wire *reply,
                                 bool *conflict)
{
    enum bd_verdict verdict = read_asks(r, turn);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    int at = turn->again ? -1 : bd_decide_refresh(&r->set, &r->asks);
    if (at < 0)
        return commit_decision(r, turn, ref, reply, conflict);
    const struct bd_binding *asked = &r->asks.ask[0].binding;
    if (asked->repeat)
        bd_table_note_repeat(ref, (unsigned)at, asked->repeat);
    return commit_refresh(r, turn, at, bd_state_expires_at_s(asked->state), ref, reply, conflict);
}

static enum bd_verdict try_once(struct bd_registrar *r, struct bd_turn *turn, struct bd_wire *reply,
                                bool *conflict)
{
    struct bd_slot_ref ref;
    uint32_t expires_at_s;
    bd_table_find(r->deps.table, turn->hash, turn->aor, &ref);
    bd_set_load(&r->set, ref.record, turn->now_s);
    int at = r->whole_rules ? -1 : bd_repeat_find(turn, &r->set, &expires_at_s);
    if (at < 0)
        return try_rules(r, turn, &ref, reply, conflict);
    turn->outbound =
        r->set.entry[at].binding.reg_id && bd_turn_supports(turn, BD_SUPPORTED_OUTBOUND);
    turn->direct = turn->outbound && bd_outbound_is_direct(turn->m);
    return commit_refresh(r, turn, at, expires_at_s, &ref, reply, conflict);
}

static void look_at(const struct bd_registrar *r, struct bd_turn *turn)
{
    const struct bd_hash_key *key = &r->deps.arena->hash_key;
    const struct bd_message *m = turn->m;
    /* 17.2.3: branch and sent-by name a transaction. All of the Via is hashed: that serves clients
     * of RFC 2543, whose branch need not be unique, as well as can be. Not with the arena's key:
     * the journal brings records into other arenas, where a request that was carried out and not
     * yet answered when the power failed must still be known for the same. Nothing is looked up by
     * it. */
    turn->txn = bd_txn_make(m->cseq, bd_hash64(&r->txn_key, m->via.text.p, m->via.text.len));
    turn->fingerprint = bd_repeat_fingerprint(m, turn->settings, key);
    turn->again = bd_header_first(m, BD_HDR_CONTACT) &&
                  bd_recent_is_done(&r->recent, turn->transaction, turn->request->now_ms);
}

enum bd_verdict bd_register(struct bd_registrar *registrar, struct bd_turn *turn,
                            struct bd_wire *reply)
{
    struct bd_registrar *r = registrar;
    enum bd_verdict verdict = bd_third_party_target(r, turn);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    settle(r, turn);
    look_at(r, turn);
    const struct bd_wire blank = *reply;
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        bool conflict = false;
        verdict = try_once(r, turn, reply, &conflict);
        turn->written = !conflict && bd_verdict_info[verdict].status == 200;
        if (turn->written && verdict != BD_SIP_QUERIED && verdict != BD_SIP_RETRANSMISSION)
            bd_recent_set_done(&r->recent, turn->transaction, turn->request->now_ms);
        if (turn->written)
            return verdict;
        *reply = blank;
        if (!conflict)
            return verdict;
        bd_registrar_count(r, BD_CTR_TABLE_RETRIES, 1);
    }
    return BD_SIP_INTERNAL;
}

/* --- by command and by time ------------------------------------------------------------------- */

/* Marks what the operator names; returns how many. */
static int mark_removed(struct bd_set *set, const struct bd_uri *uri)
{
    int removed = 0;
    for (unsigned i = 0; i < set->cnt; i++) {
        struct bd_entry *e = &set->entry[i];
        if (e->fate != BD_FATE_KEPT || (uri && !bd_binding_matches(e, uri)))
            continue;
        e->fate = BD_FATE_REMOVED;
        removed++;
    }
    return removed;
}

int bd_registrar_unregister(struct bd_registrar *registrar, struct bd_str aor,
                            struct bd_str contact, uint64_t now_ms)
{
    struct bd_registrar *r = registrar;
    struct bd_uri uri;
    if (contact.len && !bd_uri_parse(contact, &uri))
        return 0;
    uint64_t hash = bd_table_hash(r->deps.table, aor);
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        struct bd_slot_ref ref;
        if (!bd_table_find(r->deps.table, hash, aor, &ref))
            return 0;
        bd_set_load(&r->set, ref.record, (uint32_t)(now_ms / 1000));
        int removed = mark_removed(&r->set, contact.len ? &uri : NULL);
        bool conflict = false;
        enum bd_verdict failed = commit_set(r, &ref, aor, &conflict);
        if (failed != BD_VERDICT_NONE)
            return -1;
        if (!conflict)
            return removed;
        bd_registrar_count(r, BD_CTR_TABLE_RETRIES, 1);
    }
    return -1;
}

void bd_registrar_expire(struct bd_registrar *registrar, uint32_t bucket, uint64_t now_ms)
{
    unsigned aors = 0;
    unsigned bindings = bd_table_expire(registrar->deps.writer, bucket, (uint32_t)(now_ms / 1000),
                                        NULL, NULL, &aors);
    bd_registrar_count(registrar, BD_CTR_BINDINGS_EXPIRED, bindings);
    bd_registrar_count(registrar, BD_CTR_AORS_REMOVED, aors);
}
