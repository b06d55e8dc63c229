/* SPDX-License-Identifier: BSD-3-Clause */
/* H(A1) of one subscriber in every form that a phone may use (RFC 7616 3.4.2, RFC 8760).
 *
 * Plain: the phone's username is "1000"; with domain: it is "1000@example.com". These are
 * Kamailio's ha1 and ha1b. An HA1 is as good as the password within its realm: treat it so. */
#ifndef BD_HA1_H
#define BD_HA1_H

#include "digest.h"

enum bd_ha1_form { BD_HA1_PLAIN, BD_HA1_WITH_DOMAIN, BD_HA1_FORM_CNT };

#define BD_HA1_BIT(form, alg) (1U << ((form)*BD_ALG_CNT + (alg)))

struct bd_ha1_set {
    uint8_t md5[BD_HA1_FORM_CNT][16];
    uint8_t sha256[BD_HA1_FORM_CNT][32];
    uint8_t sha512_256[BD_HA1_FORM_CNT][32];
    uint8_t present; /* BD_HA1_BIT of those that are known */
};
_Static_assert(sizeof(struct bd_ha1_set) == 161, "one a subscriber: no padding");

/* Where the HA1 of a form and algorithm stands, known or not: bd_digest_sz(alg) bytes. */
static inline uint8_t *bd_ha1_place(struct bd_ha1_set *set, enum bd_ha1_form form,
                                    enum bd_digest_alg alg)
{
    return alg == BD_ALG_MD5      ? set->md5[form]
           : alg == BD_ALG_SHA256 ? set->sha256[form]
                                  : set->sha512_256[form];
}

/* The HA1 of a form and algorithm, or NULL when it is not known. */
static inline const uint8_t *bd_ha1_get(const struct bd_ha1_set *set, enum bd_ha1_form form,
                                        enum bd_digest_alg alg)
{
    return set->present & BD_HA1_BIT(form, alg) ? bd_ha1_place((struct bd_ha1_set *)set, form, alg)
                                                : NULL;
}

/* Makes all of them from a password. False only when OpenSSL fails. */
bool bd_ha1_make(struct bd_digest *digest, struct bd_str username, struct bd_str domain,
                 struct bd_str realm, struct bd_str password, struct bd_ha1_set *set);

#endif
