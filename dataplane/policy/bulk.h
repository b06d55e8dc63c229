/* SPDX-License-Identifier: BSD-3-Clause */
/* Which PBX a number belongs to (RFC 6140): the number ranges of a domain, in its policy blob.
 *
 *   +---------+-----------------------------+------------------------+-----------------+
 *   | bd_bulk | set[]: first, last, PBX     | pbx[]: where its AoR   | texts of the    |
 *   |         | sorted by first, disjoint   | stands, sorted by AoR  | AoRs            |
 *   +---------+-----------------------------+------------------------+-----------------+
 *
 * A set is an interval of keys. The key of a number among those of its length is its value; among
 * prefixes it is its digits filled up to 15 with zeros, then its length, and above all values: so a
 * number is looked up with at most two binary searches, and a prefix of any length costs one row of
 * 24 bytes. A domain without bulk entries has no block: bulk_off is 0.
 *
 * bd_bulk_find and bd_bulk_is_pbx: anybody who holds a policy; no allocation. */
#ifndef BD_BULK_H
#define BD_BULK_H

#include "e164.h"
#include "policy.h"

/* What the compiler hands over: a PBX and numbers of its. A PBX may stand in several. */
struct bd_bulk_in {
    struct bd_str user; /* of the PBX's AoR */
    const struct bd_e164_set *sets;
    unsigned set_cnt;
};

/* A number that belongs to a PBX. */
struct bd_bulk_hit {
    struct bd_e164 number;
    struct bd_str pbx; /* canonical AoR; in the policy */
};

/* Finds the PBX of a number of this domain. `user` is the user part of an AoR, as "+4930555123";
 * visual separators mean nothing. False when it is no E.164 number or nobody's. O(log n) in the
 * domain's sets. */
bool bd_bulk_find(const struct bd_policy *policy, const struct bd_policy_domain *domain,
                  struct bd_str user, struct bd_bulk_hit *hit);

/* Whether a canonical AoR of this domain may register numbers. O(log n) in its PBXs. */
bool bd_bulk_is_pbx(const struct bd_policy *policy, const struct bd_policy_domain *domain,
                    struct bd_str aor);

/* For bd_policy_build. Bytes of a domain's block, a multiple of 8, 0 without entries; and the block
 * itself, into zeroed memory. Assumes sets that do not overlap (the configuration's check). */
uint64_t bd_bulk_footprint(const struct bd_policy_domain_in *domain);
void bd_bulk_build(void *out, const struct bd_policy_domain_in *domain);

#endif
