/* SPDX-License-Identifier: BSD-3-Clause */
#include "decide.h"

#include "life.h"

void bd_set_load(struct bd_set *set, const struct bd_record *record, uint32_t now_s)
{
    unsigned cnt = record ? bd_record_cnt(record) : 0;
    set->old_cnt = set->cnt = cnt < BD_CONTACTS_PER_AOR_MAX ? cnt : BD_CONTACTS_PER_AOR_MAX;
    for (unsigned i = 0; i < set->cnt; i++) {
        struct bd_entry *e = &set->entry[i];
        bd_record_view(record, i, &e->binding);
        set->seen[i] = e->binding.state;
        e->parsed = e->keyed = false;
        bool there = now_s < bd_state_expires_at_s(e->binding.state);
        e->fate = there ? BD_FATE_KEPT : BD_FATE_EXPIRED;
    }
}

static bool parse(struct bd_entry *entry)
{
    if (!entry->parsed)
        entry->parsed = bd_uri_parse(entry->binding.text[BD_TEXT_URI], &entry->uri);
    return entry->parsed;
}

bool bd_binding_matches(struct bd_entry *entry, const struct bd_uri *uri)
{
    return parse(entry) && bd_uri_equal(&entry->uri, uri);
}

/* Whether an entry's URI equals the one that this is the key of. */
static bool meets(struct bd_set *set, unsigned at, const struct bd_uri_key *key)
{
    struct bd_entry *e = &set->entry[at];
    if (!parse(e))
        return false;
    if (!e->keyed)
        bd_uri_key_make(set->hash, &e->uri, &set->key[at]);
    e->keyed = true;
    return bd_uri_key_meets(&set->key[at], key);
}

static int find_equal(struct bd_set *set, const struct bd_uri *uri)
{
    struct bd_uri_key key;
    bool made = false;
    for (unsigned i = 0; i < set->cnt; i++) {
        struct bd_entry *e = &set->entry[i];
        if (!bd_fate_lives(e->fate) || e->binding.reg_id != 0)
            continue;
        if (!made)
            bd_uri_key_make(set->hash, uri, &key);
        made = true;
        if (meets(set, i, &key))
            return (int)i;
    }
    return -1;
}

static int find_flow(const struct bd_set *set, const struct bd_binding *asked)
{
    for (unsigned i = 0; i < set->cnt; i++) {
        const struct bd_binding *b = &set->entry[i].binding;
        if (bd_fate_lives(set->entry[i].fate) && b->reg_id == asked->reg_id &&
            bd_instance_equal(b->text[BD_TEXT_INSTANCE], asked->text[BD_TEXT_INSTANCE]))
            return (int)i;
    }
    return -1;
}

int bd_set_find(struct bd_set *set, const struct bd_ask *ask)
{
    if (ask->binding.reg_id)
        return find_flow(set, &ask->binding);
    for (unsigned i = 0; i < set->cnt; i++) {
        struct bd_entry *e = &set->entry[i];
        if (bd_fate_lives(e->fate) && e->binding.reg_id == 0 &&
            bd_str_eq(e->binding.text[BD_TEXT_URI], ask->contact.addr.uri.text))
            return (int)i;
    }
    return find_equal(set, &ask->contact.addr.uri);
}

/* Everything but state, txn, the time of the first registration, and the life of GRUUs, which no
 * request brings. */
static bool same_content(const struct bd_binding *a, const struct bd_binding *b)
{
    for (unsigned i = 0; i < BD_TEXT_GRUU; i++) {
        if (!bd_str_eq(a->text[i], b->text[i]))
            return false;
    }
    return bd_ip_eq(&a->source.ip, &b->source.ip) && a->source.port == b->source.port &&
           bd_ip_eq(&a->local.ip, &b->local.ip) && a->local.port == b->local.port &&
           a->reg_id == b->reg_id && a->q_milli == b->q_milli && a->flags == b->flags;
}

/* 10.3 (7): CSeq orders the requests of one Call-ID. */
static enum bd_verdict check_order(const struct bd_binding *b, const struct bd_asks *asks)
{
    if (!bd_str_eq(b->text[BD_TEXT_CALL_ID], asks->call_id) || asks->cseq > bd_state_cseq(b->state))
        return BD_VERDICT_NONE;
    bool same = asks->cseq == bd_state_cseq(b->state) && asks->txn == b->txn;
    return same ? BD_SIP_RETRANSMISSION : BD_SIP_OUT_OF_ORDER;
}

int bd_decide_refresh(const struct bd_set *set, const struct bd_asks *asks)
{
    const struct bd_ask *ask = &asks->ask[0];
    if (asks->star || asks->cnt != 1 || ask->expires_s == 0)
        return -1;
    for (unsigned i = 0; i < set->cnt; i++) {
        const struct bd_entry *e = &set->entry[i];
        const struct bd_binding *b = &e->binding;
        if (!bd_fate_lives(e->fate) || !same_content(b, &ask->binding))
            continue;
        bool fits = !(b->state & BD_STATE_SEALED) && asks->cseq > bd_state_cseq(b->state) &&
                    bd_state_expires_at_s(ask->binding.state) >= bd_state_expires_at_s(b->state) &&
                    !bd_life_is_due(set, i, asks->gruu);
        return fits ? (int)i : -1;
    }
    return -1;
}

/* One binding that knows this transaction shows that the whole request was processed, even when a
 * later request has moved on another of its Contacts. */
static enum bd_verdict check_all(struct bd_set *set, const struct bd_asks *asks)
{
    enum bd_verdict verdict = BD_VERDICT_NONE;
    unsigned cnt = asks->star ? set->cnt : asks->cnt;
    for (unsigned i = 0; i < cnt && verdict != BD_SIP_RETRANSMISSION; i++) {
        int at = asks->star ? (int)i : bd_set_find(set, &asks->ask[i]);
        if (at < 0 || !bd_fate_lives(set->entry[at].fate))
            continue;
        enum bd_verdict one = check_order(&set->entry[at].binding, asks);
        if (one != BD_VERDICT_NONE)
            verdict = one;
    }
    return verdict;
}

static void update(struct bd_entry *e, const struct bd_ask *ask)
{
    bool same = same_content(&e->binding, &ask->binding);
    uint32_t created_at_s = e->binding.created_at_s;
    e->binding = ask->binding;
    e->binding.created_at_s = created_at_s;
    e->uri = ask->contact.addr.uri;
    e->parsed = true;
    e->keyed = false;
    if (e->fate == BD_FATE_KEPT || e->fate == BD_FATE_REFRESHED)
        e->fate = same ? BD_FATE_REFRESHED : BD_FATE_CHANGED;
}

static void add(struct bd_set *set, const struct bd_ask *ask)
{
    set->entry[set->cnt++] = (struct bd_entry){.binding = ask->binding,
                                               .uri = ask->contact.addr.uri,
                                               .parsed = true,
                                               .fate = BD_FATE_ADDED};
}

static void apply(struct bd_set *set, const struct bd_ask *ask)
{
    int at = bd_set_find(set, ask);
    if (at < 0 && ask->expires_s)
        add(set, ask);
    else if (at >= 0 && ask->expires_s)
        update(&set->entry[at], ask);
    else if (at >= 0)
        set->entry[at].fate = BD_FATE_REMOVED;
}

static void remove_all(struct bd_set *set)
{
    for (unsigned i = 0; i < set->cnt; i++) {
        if (bd_fate_lives(set->entry[i].fate))
            set->entry[i].fate = BD_FATE_REMOVED;
    }
}

static unsigned count(const struct bd_set *set, enum bd_fate fate)
{
    unsigned n = 0;
    for (unsigned i = 0; i < set->cnt; i++)
        n += set->entry[i].fate == fate;
    return n;
}

static bool goes_before(const struct bd_binding *a, const struct bd_binding *b)
{
    uint32_t at_a = bd_state_expires_at_s(a->state), at_b = bd_state_expires_at_s(b->state);
    return at_a != at_b ? at_a < at_b : a->created_at_s < b->created_at_s;
}

static void displace_oldest(struct bd_set *set)
{
    struct bd_entry *oldest = NULL;
    for (unsigned i = 0; i < set->cnt; i++) {
        struct bd_entry *e = &set->entry[i];
        if (e->fate == BD_FATE_KEPT && (!oldest || goes_before(&e->binding, &oldest->binding)))
            oldest = e;
    }
    if (oldest)
        oldest->fate = BD_FATE_DISPLACED;
}

static enum bd_verdict limit(struct bd_set *set, const struct bd_terms *terms)
{
    unsigned kept = count(set, BD_FATE_KEPT);
    unsigned touched =
        count(set, BD_FATE_ADDED) + count(set, BD_FATE_CHANGED) + count(set, BD_FATE_REFRESHED);
    if (kept + touched <= terms->contacts_max)
        return BD_VERDICT_NONE;
    if (terms->policy == BD_CONTACTS_REJECT || touched > terms->contacts_max)
        return BD_SIP_TOO_MANY_CONTACTS;
    unsigned surplus =
        terms->policy == BD_CONTACTS_REPLACE ? kept : kept + touched - terms->contacts_max;
    while (surplus-- > 0)
        displace_oldest(set);
    return BD_VERDICT_NONE;
}

enum bd_verdict bd_decide(struct bd_set *set, struct bd_asks *asks, const struct bd_terms *terms)
{
    if (!asks->star && asks->cnt == 0)
        return BD_SIP_QUERIED;
    enum bd_verdict verdict = check_all(set, asks);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    if (asks->star)
        remove_all(set);
    bd_lives_settle(set, asks);
    for (unsigned i = 0; i < asks->cnt; i++)
        apply(set, &asks->ask[i]);
    if (count(set, BD_FATE_ADDED)) {
        verdict = terms->draining ? BD_SIP_DRAINING : limit(set, terms);
        return verdict == BD_VERDICT_NONE ? BD_SIP_REGISTERED : verdict;
    }
    if (count(set, BD_FATE_CHANGED))
        return BD_SIP_REGISTERED;
    return count(set, BD_FATE_REFRESHED) ? BD_SIP_REFRESHED : BD_SIP_REMOVED;
}
