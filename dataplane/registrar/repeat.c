/* SPDX-License-Identifier: BSD-3-Clause */
#include "repeat.h"

#include "life.h"
#include "outbound.h"
#include "private.h"

/* RFC 5627 5.1 compares a Contact that has an instance with To, where there are GRUUs. */
static uint64_t hash_of_to(const struct bd_message *m, const struct bd_policy_domain *settings,
                           const struct bd_hash_key *key)
{
    struct bd_str uri = m->to.uri.text;
    return settings->gruu_enabled ? bd_hash64(key, uri.p, uri.len) : 0;
}

uint64_t bd_repeat_fingerprint(const struct bd_message *m, const struct bd_policy_domain *settings,
                               const struct bd_hash_key *key)
{
    const struct bd_header *contact = bd_header_first(m, BD_HDR_CONTACT);
    if (!contact || contact->next != BD_HDR_NONE || bd_header_first(m, BD_HDR_PATH))
        return 0;
    const uint64_t part[] = {bd_hash64(key, contact->value.p, contact->value.len),
                             hash_of_to(m, settings, key),
                             m->request_uri.scheme,
                             bd_outbound_reg_id(m, settings),
                             settings->gruu_enabled != 0,
                             BD_REPEAT_RULES};
    return bd_hash64(key, part, sizeof(part)) & ~(uint64_t)BD_REPEAT_NO_EXPIRES;
}

static bool takes_whole_rules(const struct bd_message *m, const struct bd_policy_domain *settings,
                              const struct bd_contact *contact)
{
    const struct bd_uri *uri = &contact->addr.uri;
    struct bd_str value;
    bool doubtful = contact->reg_id && bd_outbound_reg_id(m, settings) == BD_REG_ID_DOUBTFUL;
    return doubtful || uri->bnc ||
           (contact->instance.p && bd_param_find(uri->params, BD_STR("gr"), &value));
}

uint64_t bd_repeat_word(uint64_t fingerprint, const struct bd_message *m,
                        const struct bd_policy_domain *settings, const struct bd_contact *contact)
{
    if (!fingerprint || takes_whole_rules(m, settings, contact))
        return 0;
    uint32_t expires_s = contact->has_expires ? contact->expires_s : BD_REPEAT_NO_EXPIRES;
    bool fits = expires_s < BD_REPEAT_NO_EXPIRES || !contact->has_expires;
    return fits ? fingerprint | expires_s : 0;
}

/* A User-Agent is stored as it came, but for one that is cut, which is so here, too, and one with a
 * fold, which never equals its own text without. */
static bool same_user_agent(const struct bd_message *m, struct bd_str stored)
{
    const struct bd_header *h = bd_header_first(m, BD_HDR_USER_AGENT);
    struct bd_str s = h ? h->value : BD_STR_NULL;
    if (s.len > BD_USER_AGENT_MAX)
        s.len = BD_USER_AGENT_MAX;
    return bd_str_eq(s, stored);
}

static bool same_endpoint(const struct bd_endpoint *a, const struct bd_endpoint *b)
{
    return bd_ip_eq(&a->ip, &b->ip) && a->port == b->port;
}

static bool is_content_of(const struct bd_turn *turn, const struct bd_binding *b)
{
    const struct bd_request *request = turn->request;
    return (b->repeat & ~(uint64_t)BD_REPEAT_NO_EXPIRES) == turn->fingerprint &&
           bd_str_eq(turn->m->call_id, b->text[BD_TEXT_CALL_ID]) &&
           same_user_agent(turn->m, b->text[BD_TEXT_USER_AGENT]) &&
           same_endpoint(&request->source, &b->source) &&
           same_endpoint(&request->local, &b->local) &&
           (b->flags & ~BD_BINDING_SECURE) == turn->binding_flags;
}

/* The expiry it draws; 0: it is removed, refused as too brief, or shortened. */
static uint32_t renewed_s(const struct bd_turn *turn, const struct bd_binding *b)
{
    uint32_t asked_s = b->repeat & BD_REPEAT_NO_EXPIRES;
    bool brief = false;
    uint32_t interval_s = bd_asks_interval(turn->settings, turn->m, asked_s != BD_REPEAT_NO_EXPIRES,
                                           asked_s, turn->transaction, &brief);
    uint32_t expires_at_s = bd_asks_expires_at_s(turn->grant_s, interval_s);
    bool longer = expires_at_s >= bd_state_expires_at_s(b->state);
    return interval_s && !brief && longer ? expires_at_s : 0;
}

static bool is_life_due(struct bd_turn *turn, const struct bd_set *set, unsigned at)
{
    const struct bd_binding *b = &set->entry[at].binding;
    return b->text[BD_TEXT_INSTANCE].len &&
           bd_life_is_due(
               set, at, turn->settings->gruu_enabled && bd_turn_supports(turn, BD_SUPPORTED_GRUU));
}

int bd_repeat_find(struct bd_turn *turn, const struct bd_set *set, uint32_t *expires_at_s)
{
    if (!turn->fingerprint || turn->again ||
        bd_outbound_demand(turn->m, turn->settings) != BD_VERDICT_NONE)
        return -1;
    for (unsigned i = 0; i < set->cnt; i++) {
        const struct bd_binding *b = &set->entry[i].binding;
        if (!bd_fate_lives(set->entry[i].fate) || !is_content_of(turn, b))
            continue;
        *expires_at_s = renewed_s(turn, b);
        bool fits = *expires_at_s && !(b->state & BD_STATE_SEALED) &&
                    turn->m->cseq > bd_state_cseq(b->state) && !is_life_due(turn, set, i);
        return fits ? (int)i : -1;
    }
    return -1;
}
