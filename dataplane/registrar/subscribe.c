/* SPDX-License-Identifier: BSD-3-Clause */
/* SUBSCRIBE to the registration event package (RFC 6665 4.2.1.1, RFC 3680 4.6): what a worker can
 * decide about it. Whoever passes here and authentication is handed to the control process, which
 * keeps the subscriptions.
 *
 * The watcher is who From names: its AoR, in the domain that is watched, is what the credentials
 * must be for. SUBSCRIBEs to other packages are left to redirect.c, where the domain redirects.
 * Within a dialog (a To tag) the Request-URI is our own Contact, and only the control process knows
 * what is watched; it compares the watcher with the one that it knows. */
#include "bulk.h"
#include "notify_branch.h"
#include "private.h"

static const struct bd_policy_domain *domain_of(const struct bd_turn *turn,
                                                const struct bd_uri *uri)
{
    return bd_target_domain(turn->m, turn->request->policy, uri);
}

/* 4.2.3: without Event it might mean PINT, which is not served here. */
static bool is_reg(const struct bd_message *m)
{
    const struct bd_header *h = bd_header_first(m, BD_HDR_EVENT);
    if (!h || h->next != BD_HDR_NONE)
        return false;
    uint32_t len = 0;
    while (len < h->value.len && !strchr("; \t\r\n", h->value.p[len]))
        len++;
    /* RFC 3261 7.3.1 has tokens without case, RFC 6665 8.4 event types by bytes. */
    return bd_str_eq((struct bd_str){h->value.p, len}, BD_STR("reg"));
}

static const struct bd_policy_domain *asked_domain(const struct bd_turn *turn)
{
    const struct bd_message *m = turn->m;
    return domain_of(turn, m->to_tag.p ? &m->from.uri : &m->request_uri);
}

bool bd_subscribe_offered(const struct bd_turn *turn)
{
    const struct bd_policy_domain *domain = asked_domain(turn);
    return domain && domain->reg_event;
}

static struct bd_str canonical(const struct bd_turn *turn, const struct bd_uri *uri, char *text)
{
    if (uri->user.len == 0)
        return (struct bd_str){text, 0};
    struct bd_str host = bd_policy_aor_host(turn->request->policy, turn->domain, BD_STR_NULL);
    return (struct bd_str){
        text, bd_aor_canonical(uri, host, turn->domain->case_sensitive, text, BD_AOR_MAX)};
}

/* RFC 6140 7.2.2: only the PBX knows which phones a number of it has, so a SUBSCRIBE goes where a
 * call would go, as far as a redirect can take it. */
static bool is_bulk_number(const struct bd_turn *turn)
{
    if (!turn->domain->bulk_off || !turn->domain->redirect)
        return false;
    char text[BD_AOR_MAX];
    struct bd_str aor = canonical(turn, &turn->m->request_uri, text);
    const char *at = aor.len ? memrchr(aor.p, '@', aor.len) : NULL;
    struct bd_bulk_hit hit;
    return at && bd_bulk_find(turn->request->policy, turn->domain,
                              (struct bd_str){aor.p, (uint32_t)(at - aor.p)}, &hit);
}

bool bd_subscribe_claims(struct bd_turn *turn)
{
    if (turn->m->method != BD_METHOD_SUBSCRIBE || !is_reg(turn->m) || !bd_subscribe_offered(turn))
        return false;
    turn->domain = turn->settings = asked_domain(turn);
    return turn->m->to_tag.p || !is_bulk_number(turn);
}

enum bd_verdict bd_subscribe_find(struct bd_registrar *registrar, struct bd_turn *turn)
{
    const struct bd_message *m = turn->m;
    struct bd_handed *handed = &registrar->handed;
    *handed = (struct bd_handed){.transaction = turn->transaction};
    if (!m->to_tag.p) {
        handed->resource = canonical(turn, &m->request_uri, registrar->resource_text);
        if (handed->resource.len == 0)
            return BD_SIP_NOT_FOUND;
    }
    if (domain_of(turn, &m->from.uri) != turn->domain)
        return BD_SIP_FORBIDDEN;
    turn->aor = turn->claimed = canonical(turn, &m->from.uri, registrar->watcher_text);
    handed->watcher = turn->aor;
    const struct bd_policy *policy = turn->request->policy;
    turn->realm = turn->domain->own_realm
                      ? bd_aor_host(turn->aor)
                      : bd_policy_text(policy, turn->domain->realm_off, turn->domain->realm_len);
    if (turn->realm.len > BD_REALM_MAX)
        return BD_SIP_FORBIDDEN;
    return turn->aor.len ? BD_VERDICT_NONE : BD_SIP_FORBIDDEN;
}

bool bd_subscribe_answered(struct bd_registrar *registrar, const struct bd_turn *turn)
{
    uint64_t id;
    registrar->handed = (struct bd_handed){.transaction = turn->transaction};
    return turn->m->via.branch.p &&
           bd_notify_branch_read(&registrar->deps.arena->hash_key, turn->m->via.branch, &id);
}
