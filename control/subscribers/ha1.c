/* SPDX-License-Identifier: BSD-3-Clause */
#include "ha1.h"

bool bd_ha1_make(struct bd_digest *digest, struct bd_str username, struct bd_str domain,
                 struct bd_str realm, struct bd_str password, struct bd_ha1_set *set)
{
    char with_domain[BD_USERNAME_MAX + 1 + BD_DOMAIN_NAME_MAX];
    if (username.len > BD_USERNAME_MAX || domain.len > BD_DOMAIN_NAME_MAX)
        return false;
    memcpy(with_domain, username.p, username.len);
    with_domain[username.len] = '@';
    memcpy(with_domain + username.len + 1, domain.p, domain.len);
    const struct bd_str name[BD_HA1_FORM_CNT] = {
        [BD_HA1_PLAIN] = username,
        [BD_HA1_WITH_DOMAIN] = {with_domain, username.len + 1 + domain.len},
    };
    bool ok = true;
    memset(set, 0, sizeof(*set));
    for (unsigned form = 0; form < BD_HA1_FORM_CNT; form++) {
        for (unsigned alg = 0; alg < BD_ALG_CNT; alg++) {
            const struct bd_str a1[] = {name[form], realm, password};
            uint8_t out[BD_DIGEST_MAX];
            ok = bd_digest_hash(digest, alg, a1, 3, out) && ok;
            memcpy(bd_ha1_place(set, form, alg), out, bd_digest_sz(alg));
            set->present |= (uint8_t)BD_HA1_BIT(form, alg);
        }
    }
    return ok;
}
