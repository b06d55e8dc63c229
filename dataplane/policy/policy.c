/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_key.h"

#define XXH_INLINE_ALL /* host names are short: the call would cost as much as the hash */
#include <xxhash.h>

/* An address in the index is ':' and its 16 bytes; no host name has a colon. */
static void key_from_ip(struct bd_host_key *key)
{
    key->p[0] = ':';
    memcpy(key->p + 1, key->ip.b, sizeof(key->ip.b));
    key->len = 1 + sizeof(key->ip.b);
}

/* The last label of a name begins with a letter (RFC 3261 25.1), so most names are told from an
 * IPv4 address by their last character alone. */
static bool may_be_ip(struct bd_str host)
{
    char last = host.p[host.len - 1];
    return host.p[0] == '[' || (last >= '0' && last <= '9') || memchr(host.p, ':', host.len);
}

bool bd_host_key_make(struct bd_str host, struct bd_host_key *key)
{
    if (host.len > 1 && host.p[host.len - 1] == '.')
        host.len--;
    if (host.len == 0 || host.len > BD_DOMAIN_NAME_MAX)
        return false;
    key->is_ip = may_be_ip(host) && bd_ip_parse(host, &key->ip);
    if (key->is_ip) {
        key_from_ip(key);
        return true;
    }
    for (uint32_t i = 0; i < host.len; i++)
        key->p[i] = bd_lower(host.p[i]);
    key->len = host.len;
    return true;
}

uint64_t bd_host_key_hash(const struct bd_host_key *key, uint64_t seed)
{
    return XXH3_64bits_withSeed(key->p, key->len, seed);
}

struct bd_policy_index *bd_policy_index_find(const struct bd_policy *policy,
                                             const struct bd_host_key *key)
{
    struct bd_policy_index *rows = bd_policy_at(policy, policy->indexes_off);
    uint64_t hash = bd_host_key_hash(key, policy->hash_seed);
    uint32_t mask = policy->index_cnt - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        struct bd_policy_index *row = &rows[i];
        if (row->domain == UINT32_MAX)
            return row;
        if (row->hash == (uint32_t)(hash >> 32) && row->name_len == key->len &&
            memcmp(bd_policy_at(policy, row->name_off), key->p, key->len) == 0)
            return row;
    }
}

static const struct bd_policy_domain *domain_at(const struct bd_policy *policy, uint32_t i)
{
    const struct bd_policy_domain *domains = bd_policy_at(policy, policy->domains_off);
    return i == UINT32_MAX ? NULL : &domains[i];
}

const struct bd_policy_domain *bd_policy_find(const struct bd_policy *policy, struct bd_str host,
                                              bool *is_default)
{
    struct bd_host_key key;
    uint32_t found = UINT32_MAX;
    if (bd_host_key_make(host, &key))
        found = bd_policy_index_find(policy, &key)->domain;
    uint32_t rest =
        policy->wildcard_domain != UINT32_MAX ? policy->wildcard_domain : policy->default_domain;
    *is_default = found == UINT32_MAX && rest != UINT32_MAX;
    return domain_at(policy, found == UINT32_MAX ? rest : found);
}

const struct bd_policy_domain *bd_policy_find_memo(struct bd_policy_memo *memo,
                                                   const struct bd_policy *policy,
                                                   struct bd_str host, bool *is_default)
{
    bool hit = memo->policy == policy && memo->sequence == policy->sequence &&
               bd_str_eq(host, (struct bd_str){memo->host, memo->host_len});
    if (hit) {
        *is_default = memo->is_default;
        return memo->domain;
    }
    const struct bd_policy_domain *domain = bd_policy_find(policy, host, is_default);
    if (host.len == 0 || host.len > sizeof(memo->host))
        return domain;
    memo->policy = policy;
    memo->sequence = policy->sequence;
    memo->domain = domain;
    memo->is_default = *is_default;
    memo->host_len = host.len;
    memcpy(memo->host, host.p, host.len);
    return domain;
}

bool bd_policy_is_self(const struct bd_policy *policy, struct bd_str host, uint16_t port)
{
    struct bd_host_key key;
    if (!bd_host_key_make(host, &key))
        return false;
    bool named = bd_policy_index_find(policy, &key)->domain != UINT32_MAX;
    if (!named && !key.is_ip)
        return false;
    const struct bd_endpoint *addresses = bd_policy_at(policy, policy->addresses_off);
    for (uint32_t i = 0; i < policy->address_cnt; i++) {
        bool same_port = port == 0 || port == addresses[i].port;
        if (same_port && (named || (key.is_ip && bd_ip_eq(&key.ip, &addresses[i].ip))))
            return true;
    }
    return false;
}

struct bd_str bd_policy_text(const struct bd_policy *policy, uint32_t off, uint32_t len)
{
    return (struct bd_str){bd_policy_at(policy, off), len};
}

bool bd_policy_list_next(const struct bd_policy *policy, struct bd_policy_list *list,
                         struct bd_str *text)
{
    if (list->cnt == 0)
        return false;
    uint16_t len;
    memcpy(&len, bd_policy_at(policy, list->off), sizeof(len));
    *text = bd_policy_text(policy, list->off + (uint32_t)sizeof(len), len);
    list->off += (uint32_t)sizeof(len) + len;
    list->cnt--;
    return true;
}

struct bd_str bd_policy_aor_host(const struct bd_policy *policy,
                                 const struct bd_policy_domain *domain, struct bd_str host)
{
    return domain->wildcard ? host : bd_policy_text(policy, domain->name_off, domain->name_len);
}

static bool covered(const struct bd_policy *policy, uint32_t first, uint32_t cnt,
                    const struct bd_ip *source)
{
    const struct bd_prefix *prefixes = bd_policy_at(policy, policy->prefixes_off);
    for (uint32_t i = first; i < first + cnt; i++) {
        if (bd_prefix_covers(&prefixes[i], source))
            return true;
    }
    return false;
}

bool bd_policy_trusts(const struct bd_policy *policy, const struct bd_policy_domain *domain,
                      const struct bd_ip *source)
{
    return covered(policy, domain->prefix_first, domain->prefix_cnt, source);
}

bool bd_policy_may_ban(const struct bd_policy *policy, const struct bd_ip *source)
{
    return !covered(policy, policy->never_ban_first, policy->never_ban_cnt, source) &&
           bd_policy_list_of(policy, source) != BD_PREFIX_ALLOW;
}

bool bd_policy_follows_maddr(const struct bd_policy *policy, const struct bd_ip *source)
{
    return policy->limits.maddr_followed || !bd_policy_may_ban(policy, source);
}
