/* SPDX-License-Identifier: BSD-3-Clause */
/* Third-party registration: From is who asks, To is who is registered (RFC 3261 10.2).
 *
 *   From and To are one AoR   its owner must be asking
 *   From is a registrant      the registrant must be asking, with credentials or an address of his
 *                             own, and To must be a subscriber
 *   anybody else              third_party: deny refuses; allow: To's owner must be asking
 *
 * Where credentials are wanted, deny refuses who has shown them (10.3 (3) before (4)): a 403 at
 * once would tell strangers which names are not registrants', and so which are.
 *
 * AoRs are compared in canonical form: display names, parameters, ports and alias hosts are no
 * difference. */
#include "private.h"

static bool same_bytes(const struct bd_uri *a, const struct bd_uri *b)
{
    return a->scheme == b->scheme && bd_str_eq(a->user, b->user) && bd_str_eq(a->host, b->host);
}

/* The host that a From stands for: that of the domain it names. NULL: its own. */
static struct bd_str from_host(const struct bd_turn *turn, const struct bd_uri *from)
{
    const struct bd_policy *policy = turn->request->policy;
    struct bd_str to_host = bd_aor_host(turn->identity);
    if (from->scheme == BD_URI_TEL)
        return to_host;
    bool by_default;
    const struct bd_policy_domain *d = bd_policy_find(policy, from->host, &by_default);
    if ((!d || by_default) && bd_policy_is_self(policy, from->host, 0))
        return to_host; /* an own address stands for the domain that To names, as in target.c */
    return d ? bd_policy_aor_host(policy, d, BD_STR_NULL) : BD_STR_NULL;
}

static bool user_eq(const struct bd_policy_domain *domain, struct bd_str a, struct bd_str b)
{
    return domain->case_sensitive ? bd_str_eq(a, b) : bd_str_eq_nocase(a, b);
}

/* A registrant is written as user@host, or as user of the domain itself. */
static bool is_registrant(const struct bd_turn *turn, struct bd_str aor)
{
    const struct bd_policy *policy = turn->request->policy;
    struct bd_str host = bd_aor_host(aor), listed;
    if (host.len == aor.len)
        return false;
    struct bd_str user = {aor.p, aor.len - host.len - 1};
    bool at_home = bd_str_eq(host, bd_aor_host(turn->identity));
    struct bd_policy_list list = turn->domain->registrants;
    while (bd_policy_list_next(policy, &list, &listed)) {
        bool named = listed.len == aor.len && listed.p[user.len] == '@' &&
                     bd_str_eq_nocase((struct bd_str){listed.p + user.len + 1, host.len}, host);
        bool short_named = at_home && listed.len == user.len;
        if ((named || short_named) &&
            user_eq(turn->domain, (struct bd_str){listed.p, user.len}, user))
            return true;
    }
    return false;
}

enum bd_verdict bd_third_party_check(struct bd_registrar *registrar, struct bd_turn *turn)
{
    const struct bd_policy_domain *domain = turn->domain;
    const struct bd_uri *from = &turn->m->from.uri;
    bool open_to_all = domain->third_party == BD_THIRD_PARTY_ALLOW && domain->registrants.cnt == 0;
    if (open_to_all || same_bytes(from, &turn->m->to.uri))
        return BD_VERDICT_NONE;
    struct bd_str aor = {registrar->caller_text, 0};
    if (from->scheme != BD_URI_OTHER)
        aor.len = bd_aor_canonical(from, from_host(turn, from), domain->case_sensitive,
                                   registrar->caller_text, sizeof(registrar->caller_text));
    if (aor.len && bd_str_eq(aor, turn->identity))
        return BD_VERDICT_NONE;
    if (aor.len && is_registrant(turn, aor)) {
        turn->claimed = aor;
        return BD_VERDICT_NONE;
    }
    turn->stranger = domain->third_party != BD_THIRD_PARTY_ALLOW;
    return turn->stranger && domain->auth != BD_AUTH_DIGEST ? BD_SIP_THIRD_PARTY : BD_VERDICT_NONE;
}

enum bd_verdict bd_third_party_target(const struct bd_registrar *registrar,
                                      const struct bd_turn *turn)
{
    const struct bd_arena *arena = registrar->deps.arena;
    if (turn->stranger)
        return BD_SIP_THIRD_PARTY;
    if (turn->claimed.p == turn->identity.p || turn->domain->auth == BD_AUTH_OPEN)
        return BD_VERDICT_NONE;
    struct bd_provision provision;
    struct bd_hash128 hash = bd_hash128(&arena->hash_key, turn->aor.p, turn->aor.len);
    return bd_provisioned_find(arena, hash, &provision) ? BD_VERDICT_NONE : BD_SIP_NOT_FOUND;
}
