/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a blob: room for every part is laid out first, then the parts are filled in order. */
#include "bulk.h"
#include "host_key.h"
#include "screen.h"

struct builder {
    struct bd_policy *policy;
    uint32_t text_used, prefix_used, bulk_next;
};

static uint64_t align8(uint64_t n)
{
    return (n + 7) & ~7ULL;
}

/* Names and aliases, and an upper bound of the bytes of all texts: an address takes 17 in the
 * index. */
static uint64_t texts_bytes(const struct bd_policy_texts *texts)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < texts->cnt; i++)
        bytes += sizeof(uint16_t) + strlen(texts->text[i]);
    return bytes;
}

static uint64_t profile_bytes(const struct bd_policy_profile_in *profile)
{
    return profile->name.len + texts_bytes(&profile->service_route) +
           texts_bytes(&profile->associated_uris);
}

static void count(const struct bd_policy_in *in, uint64_t *names, uint64_t *prefixes,
                  uint64_t *text)
{
    *names = 0;
    *prefixes = in->never_ban_cnt;
    *text = in->server.len;
    for (unsigned d = 0; d < in->domain_cnt; d++) {
        const struct bd_policy_domain_in *domain = &in->domains[d];
        *names += 1 + domain->alias_cnt;
        *prefixes += domain->prefix_cnt;
        *text += domain->name.len + 17ULL + domain->name.len + domain->realm.len;
        *text += texts_bytes(&domain->service_route) + texts_bytes(&domain->associated_uris) +
                 texts_bytes(&domain->registrants);
        for (unsigned a = 0; a < domain->alias_cnt; a++)
            *text += domain->aliases[a].len + 17ULL;
    }
    for (unsigned i = 1; i < in->profile_cnt; i++)
        *text += profile_bytes(&in->profiles[i]);
}

/* At least twice as many rows as names: a search ends after a row or two. */
static uint64_t index_rows(uint64_t names)
{
    uint64_t rows = 4;
    while (rows < 2 * names)
        rows *= 2;
    return rows;
}

static uint64_t lay_out(struct bd_policy *p, const struct bd_policy_in *in)
{
    uint64_t names, prefixes, text;
    count(in, &names, &prefixes, &text);
    uint64_t rows = index_rows(names);
    uint64_t domains_off = align8(sizeof(struct bd_policy));
    uint64_t profiles_off = align8(domains_off + in->domain_cnt * sizeof(struct bd_policy_domain));
    uint64_t indexes_off =
        align8(profiles_off + in->profile_cnt * sizeof(struct bd_policy_profile));
    uint64_t prefixes_off = align8(indexes_off + rows * sizeof(struct bd_policy_index));
    uint64_t addresses_off = align8(prefixes_off + prefixes * sizeof(struct bd_prefix));
    uint64_t text_off = align8(addresses_off + in->address_cnt * sizeof(struct bd_endpoint));
    uint64_t size = align8(text_off + text);
    for (unsigned d = 0; d < in->domain_cnt; d++)
        size += bd_bulk_footprint(&in->domains[d]);
    uint64_t map_off = (size + 15) & ~15ULL;
    if (in->prefix_map)
        size = map_off + in->prefix_map->size;
    if (size > BD_POLICY_PLAIN_MAX || in->screen_sz > BD_SCREEN_MAX - BD_SCREEN_ALIGN)
        return 0;
    uint64_t screen_off = bd_screen_align(size);
    size = in->screen ? screen_off + in->screen_sz : size;
    *p = (struct bd_policy){.hash_seed = in->hash_seed,
                            .size = (uint32_t)size,
                            .domain_cnt = in->domain_cnt,
                            .domains_off = (uint32_t)domains_off,
                            .index_cnt = (uint32_t)rows,
                            .indexes_off = (uint32_t)indexes_off,
                            .prefix_cnt = (uint32_t)prefixes,
                            .prefixes_off = (uint32_t)prefixes_off,
                            .address_cnt = in->address_cnt,
                            .addresses_off = (uint32_t)addresses_off,
                            .default_domain = UINT32_MAX,
                            .wildcard_domain = UINT32_MAX,
                            .profile_cnt = in->profile_cnt,
                            .profiles_off = (uint32_t)profiles_off,
                            .text_off = (uint32_t)text_off,
                            .text_len = (uint32_t)text,
                            .prefix_map_off = in->prefix_map ? (uint32_t)map_off : 0,
                            .limits = in->limits,
                            .screen_off = in->screen ? (uint32_t)screen_off : 0,
                            .bans_enforced = in->bans_enforced,
                            .verdict_timeout_ms = in->verdict_timeout_ms,
                            .overload_target_us = in->overload_target_us,
                            .overload_silence_ms = in->overload_silence_ms};
    return size;
}

static uint32_t put_text(struct builder *b, const void *bytes, uint32_t len)
{
    uint32_t off = b->policy->text_off + b->text_used;
    if (len)
        memcpy(bd_policy_at(b->policy, off), bytes, len);
    b->text_used += len;
    return off;
}

/* False when the name is empty, too long, or another domain has it. */
static bool put_name(struct builder *b, struct bd_str name, uint32_t domain)
{
    struct bd_host_key key;
    if (!bd_host_key_make(name, &key))
        return false;
    struct bd_policy_index *row = bd_policy_index_find(b->policy, &key);
    if (row->domain != UINT32_MAX)
        return false;
    row->hash = (uint32_t)(bd_host_key_hash(&key, b->policy->hash_seed) >> 32);
    row->domain = domain;
    row->name_off = put_text(b, key.p, key.len);
    row->name_len = key.len;
    return true;
}

/* The canonical host of the domain's AoRs: lower case. */
static uint32_t put_lower(struct builder *b, struct bd_str name)
{
    uint32_t off = put_text(b, name.p, name.len);
    char *p = bd_policy_at(b->policy, off);
    for (uint32_t i = 0; i < name.len; i++)
        p[i] = bd_lower(p[i]);
    return off;
}

/* Behind the texts, in the order of the domains. */
static uint32_t put_bulk(struct builder *b, const struct bd_policy_domain_in *in)
{
    uint32_t off = b->bulk_next;
    if (in->bulk_cnt == 0)
        return 0;
    bd_bulk_build(bd_policy_at(b->policy, off), in);
    b->bulk_next += (uint32_t)bd_bulk_footprint(in);
    return off;
}

static struct bd_policy_list put_texts(struct builder *b, const struct bd_policy_texts *texts)
{
    struct bd_policy_list list = {b->policy->text_off + b->text_used, texts->cnt};
    for (unsigned i = 0; i < texts->cnt; i++) {
        uint16_t len = (uint16_t)strlen(texts->text[i]);
        put_text(b, &len, sizeof(len));
        put_text(b, texts->text[i], len);
    }
    return list;
}

static void put_profile(struct builder *b, const struct bd_policy_profile_in *in, uint32_t i)
{
    struct bd_policy_profile *profiles = bd_policy_at(b->policy, b->policy->profiles_off);
    profiles[i] = in->settings;
    profiles[i].name_off = put_text(b, in->name.p, in->name.len);
    profiles[i].name_len = (uint16_t)in->name.len;
    profiles[i].service_route = put_texts(b, &in->service_route);
    profiles[i].associated_uris = put_texts(b, &in->associated_uris);
}

/* Behind those of the domains. */
static void put_never_ban(struct builder *b, const struct bd_policy_in *in)
{
    struct bd_prefix *prefixes = bd_policy_at(b->policy, b->policy->prefixes_off);
    b->policy->never_ban_first = b->prefix_used;
    b->policy->never_ban_cnt = in->never_ban_cnt;
    if (in->never_ban_cnt)
        memcpy(prefixes + b->prefix_used, in->never_ban, in->never_ban_cnt * sizeof(*prefixes));
}

static bool put_domain(struct builder *b, const struct bd_policy_domain_in *in, uint32_t d,
                       struct bd_str *twice)
{
    struct bd_policy_domain *domains = bd_policy_at(b->policy, b->policy->domains_off);
    struct bd_prefix *prefixes = bd_policy_at(b->policy, b->policy->prefixes_off);
    struct bd_policy_domain *out = &domains[d];
    *out = in->settings;
    out->name_off = put_lower(b, in->name);
    out->name_len = (uint16_t)in->name.len;
    out->realm_off = put_text(b, in->realm.p, in->realm.len);
    out->realm_len = (uint16_t)in->realm.len;
    out->prefix_first = b->prefix_used;
    out->prefix_cnt = in->prefix_cnt;
    if (in->prefix_cnt)
        memcpy(prefixes + b->prefix_used, in->prefixes, in->prefix_cnt * sizeof(*prefixes));
    b->prefix_used += in->prefix_cnt;
    out->bulk_off = put_bulk(b, in);
    out->service_route = put_texts(b, &in->service_route);
    out->associated_uris = put_texts(b, &in->associated_uris);
    out->registrants = put_texts(b, &in->registrants);
    *twice = in->name;
    if (out->wildcard && b->policy->wildcard_domain != UINT32_MAX)
        return false;
    if (out->wildcard)
        b->policy->wildcard_domain = d;
    else if (!put_name(b, in->name, d))
        return false;
    for (unsigned a = 0; a < in->alias_cnt; a++) {
        *twice = in->aliases[a];
        if (!put_name(b, in->aliases[a], d))
            return false;
    }
    return true;
}

uint32_t bd_policy_build(void *out, uint32_t cap, const struct bd_policy_in *in,
                         struct bd_str *twice)
{
    struct bd_policy head;
    struct bd_str ignored;
    uint64_t size = lay_out(&head, in);
    if (!twice)
        twice = &ignored;
    *twice = BD_STR_NULL;
    if (size == 0 || size > cap)
        return 0;
    memset(out, 0, size);
    struct builder b = {.policy = out};
    *b.policy = head;
    b.bulk_next = (uint32_t)align8(head.text_off + head.text_len);
    struct bd_policy_index *rows = bd_policy_at(b.policy, head.indexes_off);
    for (uint32_t i = 0; i < head.index_cnt; i++)
        rows[i].domain = UINT32_MAX;
    for (uint32_t d = 0; d < in->domain_cnt; d++) {
        if (!put_domain(&b, &in->domains[d], d, twice))
            return 0;
    }
    *twice = BD_STR_NULL;
    put_never_ban(&b, in);
    if (in->prefix_map)
        memcpy(bd_policy_at(b.policy, head.prefix_map_off), in->prefix_map, in->prefix_map->size);
    if (in->screen)
        memcpy(bd_policy_at(b.policy, head.screen_off), in->screen, in->screen_sz);
    for (uint32_t i = 1; i < in->profile_cnt; i++)
        put_profile(&b, &in->profiles[i], i);
    if (in->default_domain >= 0)
        b.policy->default_domain = (uint32_t)in->default_domain;
    if (in->address_cnt)
        memcpy(bd_policy_at(b.policy, head.addresses_off), in->addresses,
               in->address_cnt * sizeof(*in->addresses));
    b.policy->server_off = put_text(&b, in->server.p, in->server.len);
    b.policy->server_len = in->server.len;
    memcpy(b.policy->nonce_key, in->nonce_key, sizeof(in->nonce_key));
    return (uint32_t)size;
}
