/* SPDX-License-Identifier: BSD-3-Clause */
/* Challenges: the same one for the same request (RFC 3261 8.2.7: a stateless UAS answers a
 * retransmission as it answered the first).
 *
 * The nonce carries its time of issue, so this time must not move when a request comes again. A
 * direct-mapped array remembers it: index by 16 bits of the transaction's hash, 24 others as a tag.
 *
 *   word:  tag:24 | issued_ms:40 (wall clock, modulo 2^40)
 *
 * An entry counts for 32 s, Timer F of the client's transaction (17.1.2.2); a collision costs no
 * more than a second valid nonce. One object a worker thread; 512 KiB. */
#ifndef BD_CHALLENGE_H
#define BD_CHALLENGE_H

#include "nonce.h"
#include "policy.h"
#include "wire.h"

#define BD_CHALLENGES_CNT        65536
#define BD_CHALLENGE_LIFETIME_MS 32000

struct bd_challenges {
    uint64_t word[BD_CHALLENGES_CNT];
};

/* When the challenge for a transaction was first issued: now, or less than 32 s ago. */
uint64_t bd_challenge_issued_ms(struct bd_challenges *challenges, uint64_t transaction,
                                uint64_t wall_ms);

/* Writes one WWW-Authenticate for each algorithm of the domain, in its order (RFC 8760 2.3): RFC
 * 7616 3.3, with qop always (RFC 3261 22.4 (8)). */
void bd_challenge_write(struct bd_wire *w, const struct bd_policy_domain *domain,
                        struct bd_str realm, struct bd_str nonce, bool stale);

#endif
