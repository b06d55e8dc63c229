/* SPDX-License-Identifier: BSD-3-Clause */
#include "profile.h"

static const struct bd_policy_profile *profiles_of(const struct bd_policy *policy)
{
    return (const void *)((const uint8_t *)policy + policy->profiles_off);
}

uint8_t bd_profile_find(const struct bd_policy *policy, struct bd_str name)
{
    const struct bd_policy_profile *profiles = profiles_of(policy);
    for (uint32_t i = 1; name.len && i < policy->profile_cnt; i++) {
        if (bd_str_eq(bd_policy_text(policy, profiles[i].name_off, profiles[i].name_len), name))
            return (uint8_t)i;
    }
    return 0;
}

static void apply_expires(const struct bd_policy_profile *profile, struct bd_policy_domain *out)
{
    if (profile->min_expires_s)
        out->min_expires_s = profile->min_expires_s;
    if (profile->max_expires_s)
        out->max_expires_s = profile->max_expires_s;
    if (profile->default_expires_s)
        out->default_expires_s = profile->default_expires_s;
    if (out->max_expires_s && out->min_expires_s > out->max_expires_s) {
        if (profile->max_expires_s)
            out->min_expires_s = out->max_expires_s;
        else
            out->max_expires_s = out->min_expires_s;
    }
    if (out->default_expires_s < out->min_expires_s)
        out->default_expires_s = out->min_expires_s;
}

bool bd_profile_apply(const struct bd_policy *policy, uint8_t number,
                      const struct bd_policy_domain *domain, struct bd_policy_domain *out)
{
    const struct bd_policy_profile *profile = profiles_of(policy) + number;
    if (number == 0 || number >= policy->profile_cnt || profile->name_len == 0)
        return false;
    *out = *domain;
    if (profile->max_contacts)
        out->max_contacts = profile->max_contacts;
    if (profile->max_contacts_policy)
        out->max_contacts_policy = profile->max_contacts_policy - 1;
    apply_expires(profile, out);
    if (profile->service_route.cnt)
        out->service_route = profile->service_route;
    if (profile->associated_uris.cnt)
        out->associated_uris = profile->associated_uris;
    return true;
}
