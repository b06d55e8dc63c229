/* SPDX-License-Identifier: BSD-3-Clause */
/* A phone's refresh repeats itself: all that makes up its binding is what it was the last time.
 *
 * The binding of a Contact that stood alone follows, by asks.c, from nothing but
 *
 *   the Contact header field, the scheme of the Request-URI           (RFC 5630 5.2)
 *   whether a reg-id counts: the domain's modes, the first hop        (RFC 5626, outbound.h)
 *   the URI of To, whether the domain has GRUUs                       (RFC 5627 5.1, commit.c)
 *   Call-ID, User-Agent, source, local endpoint, whether authenticated
 *   the interval that the domain grants now
 *
 * as long as the Contact has no bnc, no gr parameter, no reg-id of which Supported decides what it
 * draws, and no Path stands there: those take the policy and other fields into account (RFC 3327,
 * 5626, 5627, 6140), too, and the whole rules. The first three are compared by a keyed fingerprint
 * that the binding keeps in its repeat word, the fourth as stored byte for byte, and the last is
 * computed anew from the expires parameter in that word:
 *
 *   repeat word:  fingerprint:44 | expires parameter:20, all ones: none     0: no word
 *
 * What an instance's GRUUs want besides is asked of the set: life.h. So a request that repeats a
 * binding is a refresh by the whole rules, too, and nobody need parse its Contact to know. Whatever
 * else the rules make depend on must go into the fingerprint, be compared, or be refused here; and
 * as arenas outlive programs, a change of what these inputs lead to must raise BD_REPEAT_RULES. */
#ifndef BD_REPEAT_H
#define BD_REPEAT_H

#include "hash.h"
#include "message.h"
#include "policy.h"

#define BD_REPEAT_RULES 2

#define BD_REPEAT_EXPIRES_BITS 20
#define BD_REPEAT_NO_EXPIRES   ((1U << BD_REPEAT_EXPIRES_BITS) - 1)

/* Of a request's Contact under a domain's settings, the bits of the expires parameter clear. 0 when
 * the request repeats nothing: not exactly one Contact header field, or a Path. Several Contacts in
 * that field have a fingerprint, which no binding has. */
uint64_t bd_repeat_fingerprint(const struct bd_message *m, const struct bd_policy_domain *settings,
                               const struct bd_hash_key *key);

/* The word of the binding that a Contact asks for. 0 without a fingerprint, for a Contact that
 * takes the whole rules each time, and when the parameter is too large for it. */
uint64_t bd_repeat_word(uint64_t fingerprint, const struct bd_message *m,
                        const struct bd_policy_domain *settings, const struct bd_contact *contact);

#endif
