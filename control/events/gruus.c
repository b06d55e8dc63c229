/* SPDX-License-Identifier: BSD-3-Clause */
/* The GRUUs of a contact in a registration event (RFC 5628 5).
 *
 *   public      to every watcher
 *   temporary   to who may register the AoR himself: its owner, a registrant. It hides who somebody
 *               is, so no other watcher gets it (section 11)
 *
 * Nothing is kept for them: a temporary one is sealed anew from the binding, and comes out as in
 * the 200 of the REGISTER that made the binding what it is (gruu.h). */
#include "notifier.h"

/* A registrant is written as user@host, or as user of the domain itself. */
static bool may_register(const struct bd_policy *policy, const struct bd_policy_domain *domain,
                         const struct bd_subscription *s)
{
    struct bd_str watcher = bd_subscription_watcher(s), resource = bd_subscription_resource(s);
    if (bd_str_eq(watcher, resource))
        return true;
    struct bd_str host = bd_aor_host(watcher), listed, user = {watcher.p, 0};
    if (host.len < watcher.len && bd_str_eq(host, bd_aor_host(resource)))
        user.len = watcher.len - host.len - 1;
    struct bd_policy_list list = domain->registrants;
    while (bd_policy_list_next(policy, &list, &listed)) {
        struct bd_str mine = memrchr(listed.p, '@', listed.len) ? watcher : user;
        if (domain->case_sensitive ? bd_str_eq(listed, mine) : bd_str_eq_nocase(listed, mine))
            return true;
    }
    return false;
}

/* What was registered since the last document is the most recent; else what goes on longest. */
static bool is_newer(const struct bd_change *a, const struct bd_change *b)
{
    if (a->changed != b->changed)
        return a->changed;
    return bd_state_expires_at_s(a->binding.state) > bd_state_expires_at_s(b->binding.state);
}

/* All contacts of an instance are told the GRUU that was assigned last. */
static uint64_t issue_of(const struct bd_difference *difference, uint64_t life)
{
    const struct bd_change *newest = NULL;
    for (unsigned i = 0; i < difference->cnt; i++) {
        const struct bd_change *row = &difference->row[i];
        if (row->there && bd_gruu_life(&row->binding) == life && (!newest || is_newer(row, newest)))
            newest = row;
    }
    return newest ? newest->binding.txn : 0;
}

static void fill_temporary(struct bd_events *e, const struct bd_subscription *s,
                           const struct bd_binding *b, struct bd_reginfo_contact *contact)
{
    uint64_t life = bd_gruu_life(b);
    struct bd_wire w = bd_wire_init(e->temp_gruu, sizeof(e->temp_gruu));
    if (!life || !bd_gruu_write_temporary(&w, e->seal, bd_subscription_resource(s), b,
                                          issue_of(&e->difference, life)))
        return;
    if (w.overflow)
        return;
    contact->temp_gruu = (struct bd_str){e->temp_gruu, bd_wire_len(&w)};
    contact->temp_gruu_first_cseq = bd_gruu_life_cseq(life);
}

void bd_gruus_fill(struct bd_events *e, const struct bd_subscription *s,
                   const struct bd_change *row, struct bd_reginfo_contact *contact)
{
    const struct bd_binding *b = &row->binding;
    struct bd_str aor = bd_subscription_resource(s);
    if (!row->there)
        return;
    const struct bd_policy *policy = bd_policy_current(&e->control->arena);
    bool by_default;
    const struct bd_policy_domain *domain =
        policy ? bd_policy_find(policy, bd_aor_host(aor), &by_default) : NULL;
    if (!domain || !bd_gruu_has(domain, b))
        return;
    struct bd_wire w = bd_wire_init(e->pub_gruu, sizeof(e->pub_gruu));
    bd_gruu_write_public(&w, aor, b);
    if (!w.overflow)
        contact->pub_gruu = (struct bd_str){e->pub_gruu, bd_wire_len(&w)};
    if (may_register(policy, domain, s) && bd_gruu_seal_set_keys(e->seal, policy->nonce_key) == 0)
        fill_temporary(e, s, b, contact);
}
