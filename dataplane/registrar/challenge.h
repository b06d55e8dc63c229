/* SPDX-License-Identifier: BSD-3-Clause */
/* Challenges on the wire: RFC 7616 3.3, RFC 8760 2.3. */
#ifndef BD_CHALLENGE_H
#define BD_CHALLENGE_H

#include "policy.h"
#include "wire.h"

/* Writes one WWW-Authenticate for each algorithm of the domain, in its order, with qop always
 * (RFC 3261 22.4 (8)). */
void bd_challenge_write(struct bd_wire *w, const struct bd_policy_domain *domain,
                        struct bd_str realm, struct bd_str nonce, bool stale);

#endif
