/* SPDX-License-Identifier: BSD-3-Clause */
/* What the workers know of a subscriber: his entry in the provisioned set, and the implicit
 * registration set that he belongs to. */
#include "roster_private.h"

#include "identities.h"
#include "profile.h"
#include "provisioned.h"
#include "uri.h"

/* The canonical AoR of a subscriber is that of sip:USERNAME@DOMAIN. A username is plain text: the
 * one character that would mean something else in a URI is the percent sign. Empty: too long. */
static struct bd_str canonical(const struct bd_roster *roster, struct bd_str username,
                               struct bd_str domain, char aor[BD_ROSTER_AOR_MAX])
{
    char user[3 * BD_USERNAME_MAX];
    uint32_t len = 0;
    for (uint32_t i = 0; i < username.len; i++) {
        user[len++] = username.p[i];
        if (username.p[i] == '%') {
            user[len++] = '2';
            user[len++] = '5';
        }
    }
    const struct bd_policy *policy = bd_policy_current(&roster->control->arena);
    bool by_default;
    const struct bd_policy_domain *served =
        policy ? bd_policy_find(policy, domain, &by_default) : NULL;
    struct bd_uri uri = {.scheme = BD_URI_SIP, .user = {user, len}, .host = domain};
    return (struct bd_str){aor, bd_aor_canonical(&uri, domain, served && served->case_sensitive,
                                                 aor, BD_ROSTER_AOR_MAX)};
}

struct bd_str bd_roster_aor(const struct bd_roster *roster, const struct bd_subscriber *row,
                            char aor[BD_ROSTER_AOR_MAX])
{
    return canonical(roster, bd_str_from(row->username), bd_str_from(row->domain), aor);
}

/* Its number. A name that the configuration does not have counts as none. */
static uint8_t profile_of(struct bd_roster *roster, const struct bd_subscriber *row)
{
    const struct bd_policy *policy = bd_policy_current(&roster->control->arena);
    uint8_t number = policy ? bd_profile_find(policy, bd_str_from(row->profile)) : 0;
    roster->strangers += *row->profile && number == 0;
    return number;
}

/* The implicit registration set of a row, if any. */
static enum bd_identities_rc join_set(struct bd_roster *roster, const struct bd_subscriber *row,
                                      struct bd_str aor)
{
    struct bd_control *control = roster->control;
    const char *at = strrchr(row->implicit_of, '@');
    if (!at) {
        if (!roster->identities)
            bd_identities_remove(&control->arena, control->table.epoch, aor);
        return BD_IDENTITIES_OK;
    }
    char text[BD_ROSTER_AOR_MAX];
    struct bd_str user = {row->implicit_of, (uint32_t)(at - row->implicit_of)};
    struct bd_str primary = canonical(roster, user, bd_str_from(row->domain), text);
    if (aor.len > BD_AOR_MAX || primary.len == 0 || primary.len > BD_AOR_MAX)
        return BD_IDENTITIES_OK; /* nobody can register it */
    return roster->identities
               ? bd_identities_sync_put(&control->arena, roster->identities, aor, primary)
               : bd_identities_put(&control->arena, control->table.epoch, aor, primary);
}

void bd_roster_provision(struct bd_roster *roster, const struct bd_subscriber *row)
{
    struct bd_control *control = roster->control;
    const struct bd_arena *arena = &control->arena;
    struct bd_provision entry = {
        .has_prefix = row->has_prefix, .prefix = row->prefix, .profile = profile_of(roster, row)};
    char text[BD_ROSTER_AOR_MAX];
    struct bd_str aor = bd_roster_aor(roster, row, text);
    if (aor.len == 0)
        return;
    struct bd_hash128 hash = bd_hash128(&arena->hash_key, aor.p, aor.len);
    enum bd_provision_rc rc =
        roster->sync ? bd_provisioned_sync_put(roster->sync, hash, &entry)
                     : bd_provisioned_put(&control->arena, control->table.epoch, hash, &entry);
    roster->refused += rc != BD_PROVISION_OK;
    roster->setless += join_set(roster, row, aor) != BD_IDENTITIES_OK;
}

void bd_roster_tell_refused(struct bd_roster *roster)
{
    if (roster->refused > 0)
        bd_log(
            BD_LOG_ERROR,
            "%llu subscribers are not provisioned: raise arena.subscribers_max (%llu) and restart",
            (unsigned long long)roster->refused,
            (unsigned long long)roster->control->started->subscribers_max);
    if (roster->strangers > 0)
        bd_log(BD_LOG_WARNING,
               "%llu subscribers have a profile that is not in the configuration: their domain's "
               "settings apply; add it to profiles and reload",
               (unsigned long long)roster->strangers);
    if (roster->setless > 0)
        bd_log(BD_LOG_ERROR,
               "%llu subscribers are registered for themselves only, not with the set they belong "
               "to: raise arena.identities_max (%llu) and restart",
               (unsigned long long)roster->setless,
               (unsigned long long)roster->control->started->identities_max);
    roster->refused = roster->strangers = roster->setless = 0;
}
