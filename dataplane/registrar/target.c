/* SPDX-License-Identifier: BSD-3-Clause */
/* Which domain and which address of record a request is about: RFC 3261 8.2.2.1, 10.3 (1) and (5).
 */
#include "private.h"

static const struct bd_policy_domain *domains(const struct bd_policy *policy)
{
    return (const void *)((const uint8_t *)policy + policy->domains_off);
}

static const struct bd_policy_domain *default_domain(const struct bd_policy *policy)
{
    return policy->default_domain == UINT32_MAX ? NULL : domains(policy) + policy->default_domain;
}

/* The domain that To names. A tel URI names none: it belongs to the one that was asked. */
static const struct bd_policy_domain *to_domain(struct bd_policy_memo *memo,
                                                const struct bd_message *m,
                                                const struct bd_policy *policy,
                                                const struct bd_policy_domain *asked)
{
    bool by_default;
    switch (m->to.uri.scheme) {
    case BD_URI_SIP:
    case BD_URI_SIPS:
        return bd_policy_find_memo(memo, policy, m->to.uri.host, &by_default);
    case BD_URI_TEL:
        return asked;
    default:
        return NULL;
    }
}

const struct bd_policy_domain *bd_target_domain_memo(struct bd_policy_memo *memo,
                                                     const struct bd_message *m,
                                                     const struct bd_policy *policy,
                                                     const struct bd_uri *uri)
{
    if (uri->scheme == BD_URI_TEL)
        return default_domain(policy);
    if (uri->scheme != BD_URI_SIP && uri->scheme != BD_URI_SIPS)
        return NULL;
    bool by_default = false;
    const struct bd_policy_domain *d = bd_policy_find_memo(memo, policy, uri->host, &by_default);
    if (d && !by_default)
        return d;
    /* An own address that no domain claims as an alias stands for whatever domain To names. */
    return bd_policy_is_self(policy, uri->host, uri->port) ? to_domain(memo, m, policy, d) : d;
}

const struct bd_policy_domain *bd_target_domain(const struct bd_message *m,
                                                const struct bd_policy *policy,
                                                const struct bd_uri *uri)
{
    struct bd_policy_memo none;
    none.policy = NULL;
    return bd_target_domain_memo(&none, m, policy, uri);
}

/* A wildcard domain is as many domains as there are names: Request-URI and To must mean the same.
 */
static bool same_name(const struct bd_turn *turn)
{
    const struct bd_uri *asked = &turn->m->request_uri, *to = &turn->m->to.uri;
    return to->scheme == BD_URI_TEL || bd_str_eq_nocase(asked->host, to->host) ||
           bd_policy_is_self(turn->request->policy, asked->host, asked->port);
}

static enum bd_verdict canonical_aor(struct bd_turn *turn, const struct bd_uri *uri)
{
    const struct bd_policy *policy = turn->request->policy;
    const struct bd_policy_domain *domain = turn->domain;
    turn->settings = domain;
    /* An address of record without a user is nobody's in any domain (10.3 (5)). */
    if (uri->user.len == 0)
        return BD_SIP_NOT_FOUND;
    struct bd_str own = uri->scheme == BD_URI_TEL ? turn->m->request_uri.host : BD_STR_NULL;
    uint32_t len = bd_aor_canonical(uri, bd_policy_aor_host(policy, domain, own),
                                    domain->case_sensitive, turn->aor_text, BD_AOR_MAX);
    turn->identity = turn->aor = turn->claimed = (struct bd_str){turn->aor_text, len};
    turn->realm = domain->own_realm ? bd_aor_host(turn->aor)
                                    : bd_policy_text(policy, domain->realm_off, domain->realm_len);
    bool nowhere = domain->wildcard && uri->scheme == BD_URI_TEL && !own.len;
    if (nowhere || turn->realm.len > BD_REALM_MAX)
        return BD_SIP_NOT_FOUND;
    if (len)
        return BD_VERDICT_NONE;
    turn->reason = "Address of record too long";
    return BD_SIP_MALFORMED;
}

void bd_target_bind(const struct bd_arena *arena, struct bd_turn *turn)
{
    turn->aor = bd_identities_bound(arena, turn->identity);
}

/* A temporary GRUU tells its AoR to redirect.c only: here the host is what counts. */
static enum bd_verdict called_aor(struct bd_turn *turn)
{
    struct bd_uri called = turn->m->request_uri;
    if (turn->domain->gruu_enabled && bd_gruu_is_temporary(&called))
        called.user.len = 1;
    return canonical_aor(turn, &called);
}

/* The Request-URI of a REGISTER must not have a user part (10.2); some phones send one, and it is
 * ignored. A foreign Request-URI should be forwarded (10.3 (1)): no proxy is here, so 404
 * (8.2.2.1). OPTIONS with Max-Forwards 0 is answered whatever it addresses (11). */
enum bd_verdict bd_target_find(struct bd_registrar *registrar, struct bd_turn *turn)
{
    struct bd_policy_memo *memo = &registrar->host;
    const struct bd_message *m = turn->m;
    const struct bd_policy *policy = turn->request->policy;
    if (turn->redirect)
        return called_aor(turn);
    turn->domain = bd_target_domain_memo(memo, m, policy, &m->request_uri);
    turn->settings = turn->domain;
    if (m->method == BD_METHOD_OPTIONS) {
        bool ours = turn->domain || m->max_forwards == 0 ||
                    bd_policy_is_self(policy, m->request_uri.host, m->request_uri.port);
        return ours ? BD_SIP_OPTIONS : BD_SIP_NOT_FOUND;
    }
    if (!turn->domain || to_domain(memo, m, policy, turn->domain) != turn->domain)
        return BD_SIP_NOT_FOUND;
    if (turn->domain->wildcard && !same_name(turn))
        return BD_SIP_NOT_FOUND;
    return canonical_aor(turn, &m->to.uri);
}
