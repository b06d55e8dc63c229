/* SPDX-License-Identifier: BSD-3-Clause */
#include "identities.h"
#include "notifier.h"
#include "provisioned.h"

enum { BRIEF_BELOW_S = 3600 };

/* --- on which terms --------------------------------------------------------------------------- */

/* 3680 4.5: an Accept must name our type; without one it is the default. */
static bool accepts_reginfo(const struct bd_message *m)
{
    static const struct bd_str type[] = {
        {"application/reginfo+xml", 23}, {"application/*", 13}, {"*/*", 3}};
    if (!bd_header_first(m, BD_HDR_ACCEPT))
        return true;
    struct bd_list list = bd_list_begin(m, BD_HDR_ACCEPT);
    struct bd_str element;
    while (bd_list_next(&list, &element)) {
        uint32_t len = 0;
        while (len < element.len && !strchr("; \t\r\n", element.p[len]))
            len++;
        for (unsigned i = 0; i < sizeof(type) / sizeof(type[0]); i++) {
            if (bd_str_eq_nocase((struct bd_str){element.p, len}, type[i]))
                return true;
        }
    }
    return false;
}

/* 6665 4.2.1.1: shortened, never lengthened. 423 when that is too brief. */
static unsigned grant(const struct bd_config *config, const struct bd_message *m,
                      uint32_t *expires_s)
{
    uint32_t s = m->has_expires ? m->expires_s : config->reg_event_default_expires_s;
    *expires_s = s < config->reg_event_max_expires_s ? s : config->reg_event_max_expires_s;
    bool brief =
        m->has_expires && s > 0 && s < BRIEF_BELOW_S && s < config->reg_event_min_expires_s;
    return brief ? 423 : 0;
}

unsigned bd_permit_terms(const struct bd_config *config, const struct bd_message *m,
                         uint32_t *expires_s)
{
    return accepts_reginfo(m) ? grant(config, m, expires_s) : 406;
}

/* --- who -------------------------------------------------------------------------------------- */

static bool is_wildcard(const struct bd_config_domain *domain)
{
    return strcmp(domain->name, "*") == 0;
}

/* Its own, or else the wildcard domain. */
static const struct bd_config_domain *domain_of(const struct bd_config *config, struct bd_str aor)
{
    struct bd_str host = bd_aor_host(aor);
    const struct bd_config_domain *found = NULL;
    for (unsigned d = 0; d < config->domain_cnt; d++) {
        const struct bd_config_domain *domain = &config->domains[d];
        if (bd_str_eq_nocase(bd_str_from(domain->name), host))
            return domain;
        if (is_wildcard(domain))
            found = domain;
    }
    return found;
}

static bool is_listed(const struct bd_config_domain *domain, struct bd_str watcher)
{
    for (unsigned i = 0; i < domain->reg_event_watcher_cnt; i++) {
        struct bd_str listed = bd_str_from(domain->reg_event_watchers[i]);
        if (domain->case_sensitive ? bd_str_eq(listed, watcher) : bd_str_eq_nocase(listed, watcher))
            return true;
    }
    return false;
}

/* All identities of an implicit registration set are one user's. */
static bool is_own(const struct bd_arena *arena, struct bd_str watcher, struct bd_str resource)
{
    return bd_str_eq(bd_identities_bound(arena, watcher), bd_identities_bound(arena, resource));
}

unsigned bd_permit_watcher(const struct bd_events *e, struct bd_str watcher, struct bd_str resource)
{
    const struct bd_arena *arena = &e->control->arena;
    const struct bd_config_domain *domain = domain_of(e->control->config, resource);
    if (!domain || !domain->reg_event)
        return 403;
    /* The wildcard domain is as many domains as there are names. */
    bool stranger = is_wildcard(domain) && !bd_str_eq(bd_aor_host(watcher), bd_aor_host(resource));
    if (!is_own(arena, watcher, resource) && (stranger || !is_listed(domain, watcher)))
        return 403;
    struct bd_provision ignored;
    bool known = domain->auth == BD_AUTH_OPEN ||
                 bd_provisioned_find(arena, bd_hash128(&arena->hash_key, resource.p, resource.len),
                                     &ignored);
    return known ? 0 : 404;
}

/* --- how much --------------------------------------------------------------------------------- */

void bd_permit_room(const struct bd_events *e, const struct bd_subscribe *ask,
                    struct bd_subscription *s)
{
    const struct bd_config *config = e->control->config;
    const struct bd_config_domain *domain = domain_of(config, bd_subscription_resource(s));
    bool open = domain && domain->auth == BD_AUTH_OPEN && config->reply_factor > 0;
    s->room = open ? config->reply_factor * ask->m->text.len : BD_ROOM_ANY;
}
