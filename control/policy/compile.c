/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include <stdlib.h>

#include "bulk.h"
#include "message.h"
#include "profile.h"
#include "screen_compile.h"

/* The configuration knows neither SIP nor policy.h and has these values as plain numbers. */
_Static_assert(BD_AUTH_DIGEST == 0 && BD_AUTH_TRUSTED == 1 && BD_AUTH_OPEN == 2, "config/schema.c");
_Static_assert(BD_CONTACTS_REJECT == 0 && BD_CONTACTS_OLDEST == 1 && BD_CONTACTS_REPLACE == 2,
               "config/schema.c");
_Static_assert(BD_PATH_OFF == 0 && BD_PATH_LAZY == 1 && BD_PATH_STRICT == 2, "config/schema.c");
_Static_assert(BD_THIRD_PARTY_ALLOW == 0 && BD_THIRD_PARTY_DENY == 1, "config/schema.c");
_Static_assert(BD_QOP_BIT_AUTH == 1 && BD_QOP_BIT_AUTH_INT == 2, "config/schema.c");
_Static_assert(BD_ALG_MD5 == 0 && BD_ALG_SHA256 == 1 && BD_ALG_SHA512_256 == 2, "config/schema.c");

_Static_assert(BD_OUTBOUND_NONE == 0 && BD_OUTBOUND_SUPPORTED == 1 && BD_OUTBOUND_REQUIRED == 2,
               "config/schema.c");

static struct bd_policy_domain settings_of(const struct bd_config_domain *d)
{
    struct bd_policy_domain s = {
        .auth = (uint8_t)d->auth,
        .max_contacts_policy = (uint8_t)d->max_contacts_policy,
        .algorithm_cnt = (uint8_t)d->algorithm_cnt,
        .qop = (uint8_t)d->qop,
        .case_sensitive = d->case_sensitive,
        .userhash = d->userhash,
        .charset_utf8 = d->charset == 1,
        .add_authinfo_hdr = d->add_authinfo_hdr,
        .min_expires_mode = (uint8_t)d->min_expires_mode,
        .reg_event = d->reg_event,
        .redirect = d->redirect,
        .redirect_auth = d->redirect_auth,
        .redirect_path = d->redirect_path,
        .caller_preferences = d->caller_preferences,
        /* 0 is "no limit" in Kamailio; here the record is the limit. */
        .max_contacts = (uint16_t)(d->max_contacts ? d->max_contacts : BD_CONTACTS_PER_AOR_MAX),
        .max_contacts_code = (uint16_t)d->max_contacts_code,
        .default_expires_s = d->default_expires_s,
        .min_expires_s = d->min_expires_s,
        .max_expires_s = d->max_expires_s,
        .retry_after_s = d->retry_after_s,
        .nonce_expire_s = d->nonce_expire_s,
        .keep_s = (uint16_t)d->keep_s,
        .flow_timer_s = (uint16_t)d->flow_timer_s,
        .outbound_mode = (uint8_t)d->outbound_mode,
        .regid_mode = (uint8_t)d->regid_mode,
        .gruu_enabled = d->gruu_enabled,
        .use_path = d->use_path,
        .path_mode = (uint8_t)d->path_mode,
        .expires_range = (uint8_t)d->expires_range,
        .default_expires_range = (uint8_t)d->default_expires_range,
        .third_party = (uint8_t)d->third_party,
        .wildcard = strcmp(d->name, "*") == 0,
        .own_realm = !d->realm,
    };
    for (unsigned i = 0; i < d->algorithm_cnt; i++)
        s.algorithm[i] = (uint8_t)d->algorithm[i];
    return s;
}

/* Room for what the domains point to. */
struct parts {
    struct bd_policy_domain_in *domains;
    struct bd_str *aliases;
    struct bd_bulk_in *bulk;
};

static bool parts_make(const struct bd_config *config, struct parts *parts)
{
    size_t alias_cnt = 0, bulk_cnt = 0;
    for (unsigned d = 0; d < config->domain_cnt; d++) {
        alias_cnt += config->domains[d].alias_cnt;
        bulk_cnt += config->domains[d].bulk_cnt;
    }
    parts->domains = calloc(config->domain_cnt + 1U, sizeof(*parts->domains));
    parts->aliases = calloc(alias_cnt + 1, sizeof(*parts->aliases));
    parts->bulk = calloc(bulk_cnt + 1, sizeof(*parts->bulk));
    return parts->domains && parts->aliases && parts->bulk;
}

static void parts_free(struct parts *parts)
{
    free(parts->domains);
    free(parts->aliases);
    free(parts->bulk);
}

static void bulk_in(const struct bd_config_domain *d, struct bd_bulk_in *out)
{
    for (unsigned i = 0; i < d->bulk_cnt; i++)
        out[i] = (struct bd_bulk_in){.user = {d->bulk[i].text, d->bulk[i].user_len},
                                     .sets = d->bulk[i].sets,
                                     .set_cnt = d->bulk[i].set_cnt};
}

/* Fills one domain; its aliases and PBXs go where there is room for them. */
static void domain_in(const struct bd_config_domain *d, struct bd_str *aliases,
                      struct bd_bulk_in *bulk, struct bd_policy_domain_in *out)
{
    bulk_in(d, bulk);
    for (unsigned i = 0; i < d->alias_cnt; i++)
        aliases[i] = bd_str_from(d->aliases[i]);
    *out = (struct bd_policy_domain_in){
        .name = bd_str_from(d->name),
        .realm = bd_str_from(d->realm),
        .aliases = aliases,
        .alias_cnt = d->alias_cnt,
        .prefixes = d->trusted_prefixes,
        .prefix_cnt = d->trusted_prefix_cnt,
        .bulk = bulk,
        .bulk_cnt = d->bulk_cnt,
        .service_route = {d->service_route, d->service_route_cnt},
        .associated_uris = {d->associated_uris, d->associated_uri_cnt},
        .registrants = {d->registrants, d->registrant_cnt},
        .settings = settings_of(d),
    };
}

static int default_domain_of(const struct bd_config *config)
{
    for (unsigned d = 0; d < config->domain_cnt; d++) {
        if (config->domains[d].is_default)
            return (int)d;
    }
    return -1;
}

static struct bd_policy_profile_in profile_in(const struct bd_config_profile *p)
{
    return (struct bd_policy_profile_in){
        .name = bd_str_from(p->name),
        .service_route = {p->service_route, p->service_route_cnt},
        .associated_uris = {p->associated_uris, p->associated_uri_cnt},
        .settings = {.max_contacts = (uint16_t)p->max_contacts,
                     .max_contacts_policy = (uint8_t)p->max_contacts_policy,
                     .default_expires_s = p->default_expires_s,
                     .min_expires_s = p->min_expires_s,
                     .max_expires_s = p->max_expires_s},
    };
}

/* A number that is free in both policies, so that entries of the provisioned set that still have
 * the former meaning get no other one; else one that is free in the new. */
static unsigned free_number(const struct bd_policy *former, const struct bd_policy_profile_in *in)
{
    const struct bd_policy_profile *old =
        former ? (const void *)((const uint8_t *)former + former->profiles_off) : NULL;
    unsigned second = 0;
    for (unsigned i = 1; i <= BD_PROFILES_MAX; i++) {
        if (in[i].name.len)
            continue;
        if (!old || i >= former->profile_cnt || old[i].name_len == 0)
            return i;
        second = second ? second : i;
    }
    return second;
}

/* Numbers the profiles: a name that the former policy has keeps its number. Returns how many
 * numbers are in use, 0 counted. */
static unsigned profiles_in(const struct bd_config *config, const struct bd_policy *former,
                            struct bd_policy_profile_in in[BD_PROFILES_MAX + 1])
{
    unsigned cnt = 1;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned p = 0; p < config->profile_cnt; p++) {
            const struct bd_config_profile *profile = &config->profiles[p];
            unsigned kept = former ? bd_profile_find(former, bd_str_from(profile->name)) : 0;
            if ((kept == 0) != (round == 1))
                continue;
            unsigned number = kept ? kept : free_number(former, in);
            in[number] = profile_in(profile);
            cnt = number >= cnt ? number + 1 : cnt;
        }
    }
    return cnt;
}

static void *build(const struct bd_policy_in *in, uint32_t *size, struct bd_error *error)
{
    void *blob = malloc(BD_POLICY_BLOB_MAX);
    if (!blob) {
        bd_fail(error, "policy: out of memory");
        return NULL;
    }
    struct bd_str twice;
    *size = bd_policy_build(blob, BD_POLICY_BLOB_MAX, in, &twice);
    if (*size)
        return blob;
    if (twice.p)
        bd_fail(error, "policy: the name or alias %.*s is served twice", BD_STR_ARG(twice));
    else
        bd_fail(error,
                "policy: domains, aliases, prefixes and bulk take more than %u MiB; use fewer",
                BD_POLICY_PLAIN_MAX >> 20);
    free(blob);
    return NULL;
}

void *bd_policy_compile(const struct bd_arena *arena, const struct bd_config *config,
                        uint32_t *size, struct bd_error *error)
{
    struct bd_policy_profile_in profiles[BD_PROFILES_MAX + 1] = {0};
    struct bd_policy_in in = {
        .profiles = profiles,
        .profile_cnt = profiles_in(config, bd_policy_current(arena), profiles),
        .domain_cnt = config->domain_cnt,
        .default_domain = default_domain_of(config),
        .addresses = config->listen,
        .address_cnt = config->listen_cnt,
        .server = bd_str_from(config->server_header),
        .verdict_timeout_ms = config->verdict_timeout_ms,
        .overload_target_us = config->overload_target_us,
        .overload_silence_ms = config->overload_silence_ms,
        .never_ban = config->never_ban,
        .never_ban_cnt = config->never_ban_cnt,
        .bans_enforced = config->bans_enforced,
        .hash_seed = arena->header->hash_seed,
    };
    void *screen;
    struct bd_prefix_map *map;
    if (bd_nonce_keys_make(config, bd_policy_current(arena), in.nonce_key, error) < 0 ||
        bd_limits_compile(config, &in.limits, &map, error) < 0)
        return NULL;
    if (bd_screen_compile(arena, config, &screen, &in.screen_sz, error) < 0) {
        free(map);
        return NULL;
    }
    in.prefix_map = map;
    in.screen = screen;
    struct parts parts;
    void *blob = NULL;
    if (parts_make(config, &parts)) {
        struct bd_str *aliases = parts.aliases;
        struct bd_bulk_in *bulk = parts.bulk;
        for (unsigned d = 0; d < config->domain_cnt; d++) {
            domain_in(&config->domains[d], aliases, bulk, &parts.domains[d]);
            aliases += config->domains[d].alias_cnt;
            bulk += config->domains[d].bulk_cnt;
        }
        in.domains = parts.domains;
        blob = build(&in, size, error);
    } else {
        bd_fail(error, "policy: out of memory");
    }
    parts_free(&parts);
    free(map);
    free(screen);
    return blob;
}
