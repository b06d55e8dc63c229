/* SPDX-License-Identifier: BSD-3-Clause */
/* Globally routable user agent URIs (RFC 5627): writing them, and finding whose one is.
 *
 *   public      sip:USER@DOMAIN;gr=INSTANCE   the AoR and the instance ID: needs nothing kept
 *   temporary   sip:tgruu.SEALED@DOMAIN;gr    gruu_seal.h: the AoR, a life, and what makes it new
 *
 * A life is 8 bytes, cseq:31 | unique:33, that all bindings of an instance share (BD_TEXT_GRUU). It
 * begins with the first binding of the instance, a further flow inherits it, and a REGISTER of
 * another Call-ID puts a new one in its place (5.1). So all temporary GRUUs that were handed out
 * are good as long as any binding of the instance lives, and all of them die together, without a
 * table.
 *
 * To serve a request for a GRUU: bd_gruu_resolve() its Request-URI; look the AoR up; serve only
 * those of its bindings that are bd_gruu_owns(). None: 480 for a public one, 404 for a temporary
 * one. */
#ifndef BD_GRUU_H
#define BD_GRUU_H

#include "gruu_seal.h"
#include "policy.h"
#include "record.h"
#include "wire.h"

#define BD_GRUU_LIFE_SZ 8

enum bd_gruu_kind {
    BD_GRUU_NONE, /* no gr parameter, or another's domain: a URI like any other */
    BD_GRUU_PUBLIC,
    BD_GRUU_TEMPORARY,
    BD_GRUU_INVALID /* 404 (6.1): not made here, too old a secret, or gruu_enabled is off */
};

struct bd_gruu {
    const struct bd_policy_domain *domain;
    uint64_t life; /* of a temporary one */
    uint32_t aor_len, instance_len;
    char aor[BD_AOR_MAX];                 /* canonical */
    char instance[BD_CONTACT_PARAMS_MAX]; /* of a public one, without brackets */
};

/* What a URI is. Sets the seal's keys from the policy; fills *gruu when it is PUBLIC or TEMPORARY.
 * Any thread with a seal of its own; allocates nothing; linear in the URI. */
enum bd_gruu_kind bd_gruu_resolve(struct bd_gruu_seal *seal, const struct bd_policy *policy,
                                  const struct bd_uri *uri, struct bd_gruu *gruu);

/* Whether a URI looks like a temporary GRUU: then its user part is a sealed text, longer than any
 * AoR may be, and nobody's name. */
bool bd_gruu_is_temporary(const struct bd_uri *uri);

/* Whether one of the AoR's bindings is of the GRUU's instance and, for a temporary one, still of
 * the life in which it was handed out. The caller sorts out expired bindings. */
bool bd_gruu_owns(const struct bd_gruu *gruu, const struct bd_binding *binding);

/* A life that began with a request of this CSeq. Not 0; differs from any that the instance had
 * before when `unique` does. */
uint64_t bd_gruu_life_make(uint32_t cseq, uint64_t unique);
/* The life of a binding; 0: none. */
uint64_t bd_gruu_life(const struct bd_binding *binding);
/* The CSeq of the REGISTER that began it (RFC 5628 5: first-cseq). */
uint32_t bd_gruu_life_cseq(uint64_t life);

/* Whether a binding has GRUUs. A bulk one has none: RFC 6140 7.1.1 wants one with bnc and without a
 * user for it, which is optional. */
bool bd_gruu_has(const struct bd_policy_domain *domain, const struct bd_binding *binding);

/* Write the URI alone. The scheme is that of the Contact (RFC 5630 5.2.1). A temporary one that
 * cannot be made is left out: false. */
void bd_gruu_write_public(struct bd_wire *w, struct bd_str aor, const struct bd_binding *binding);
bool bd_gruu_write_temporary(struct bd_wire *w, struct bd_gruu_seal *seal, struct bd_str aor,
                             const struct bd_binding *binding, uint64_t issue);

/* Write the Contact parameters, semicolon first (5.2). */
void bd_gruu_put_public(struct bd_wire *w, struct bd_str aor, const struct bd_binding *binding);
void bd_gruu_put_temporary(struct bd_wire *w, struct bd_gruu_seal *seal, struct bd_str aor,
                           const struct bd_binding *binding, uint64_t issue);

#endif
