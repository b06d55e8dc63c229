/* SPDX-License-Identifier: BSD-3-Clause */
/* Client-initiated connections, the registrar's part (RFC 5626 6): which reg-ids of a request
 * count.
 *
 *   reg-id with +sip.instance, first hop good    the binding is of (AoR, instance, reg-id)
 *   reg-id without +sip.instance                 as if no reg-id were there
 *   first hop not good                           439, or as if no reg-id were there
 *
 * The first hop is good when it is this registrar (one Via), or when the edge proxy put itself
 * first into Path with an `ob` parameter. decide.c then matches by what is left in binding.reg_id.
 */
#ifndef BD_OUTBOUND_H
#define BD_OUTBOUND_H

#include "asks.h"

/* Whether the domain refuses what the request's Supported does not name: BD_SIP_EXTENSION_REQUIRED
 * (421) with outbound_mode 2, else BD_VERDICT_NONE. */
enum bd_verdict bd_outbound_demand(const struct bd_message *m,
                                   const struct bd_policy_domain *domain);

/* Whether a request comes straight from its client (RFC 5626 6): it has one Via. */
bool bd_outbound_is_direct(const struct bd_message *m);

/* What becomes of a reg-id in a request without a Path. */
enum bd_reg_id {
    BD_REG_ID_IGNORED,
    BD_REG_ID_COUNTS,
    BD_REG_ID_DOUBTFUL /* ignored, or refused if the client names the extension */
};
enum bd_reg_id bd_outbound_reg_id(const struct bd_message *m,
                                  const struct bd_policy_domain *domain);

/* For a request with a reg-id: clears those that do not count, and sets asks->outbound when one
 * does and the client names the extension, asks->direct when no proxy is between. Returns
 *   BD_SIP_FIRST_HOP_LACKS_OUTBOUND   439 (11.6)
 *   BD_SIP_BAD_CONTACT                a reg-id beside another Contact that is to live; *reason set
 *   BD_VERDICT_NONE                   go on */
enum bd_verdict bd_outbound_apply(struct bd_asks *asks, const struct bd_message *m,
                                  const struct bd_policy_domain *domain, const char **reason);

#endif
