/* SPDX-License-Identifier: BSD-3-Clause */
/* The branch of a NOTIFY of ours: control makes it, a worker knows a response to it again.
 *
 *   z9hG4bK-bdn- | id, 16 hexadecimal digits | keyed hash of the id, 16 digits
 *
 * The hash is keyed with the arena's secret, so a stranger who never saw a NOTIFY cannot make
 * responses that would reach control. May be called from anywhere. */
#ifndef BD_NOTIFY_BRANCH_H
#define BD_NOTIFY_BRANCH_H

#include "hash.h"

#define BD_NOTIFY_BRANCH_LEN 44

void bd_notify_branch_make(const struct bd_hash_key *key, uint64_t id,
                           char out[BD_NOTIFY_BRANCH_LEN]);
/* False when it is no branch that the function above made with this key. */
bool bd_notify_branch_read(const struct bd_hash_key *key, struct bd_str branch, uint64_t *id);

#endif
