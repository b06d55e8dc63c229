/* SPDX-License-Identifier: BSD-3-Clause */
/* A host as the name index knows it: names in lower case without a trailing dot, addresses by
 * value, so [2001:DB8::1] and 2001:db8:0::1 are one. Private to this folder. */
#ifndef BD_POLICY_HOST_KEY_H
#define BD_POLICY_HOST_KEY_H

#include "policy.h"

struct bd_host_key {
    char p[BD_DOMAIN_NAME_MAX + 1];
    uint32_t len;
    bool is_ip;
    struct bd_ip ip; /* valid when is_ip */
};

/* False when the text is empty or longer than any name. No allocation. */
bool bd_host_key_make(struct bd_str host, struct bd_host_key *key);

/* Where the key's search begins, and what its index row must hold. */
uint64_t bd_host_key_hash(const struct bd_host_key *key, uint64_t seed);

static inline void *bd_policy_at(const struct bd_policy *policy, uint32_t off)
{
    return (char *)(uintptr_t)policy + off;
}

/* The row that holds the key, or the empty row where it would go. Rows are never all taken. */
struct bd_policy_index *bd_policy_index_find(const struct bd_policy *policy,
                                             const struct bd_host_key *key);

#endif
