/* SPDX-License-Identifier: BSD-3-Clause */
/* Profiles: what a domain grants to some of its subscribers only.
 *
 *   subscriber --name--> profile --number--> provisioned entry --> worker
 *
 * A name keeps its number from one policy to the next, so an entry that was written under the
 * former policy means the same under this one. */
#ifndef BD_PROFILE_H
#define BD_PROFILE_H

#include "policy.h"

/* The number of a profile, 1..BD_PROFILES_MAX; 0 when there is none of that name. */
uint8_t bd_profile_find(const struct bd_policy *policy, struct bd_str name);

/* Fills `out` with the domain's settings and what the profile says otherwise. False when nobody has
 * the number. Where the bounds of both do not fit together the profile's win, and default_expires
 * stays between them. */
bool bd_profile_apply(const struct bd_policy *policy, uint8_t number,
                      const struct bd_policy_domain *domain, struct bd_policy_domain *out);

#endif
