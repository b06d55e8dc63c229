/* SPDX-License-Identifier: BSD-3-Clause */
/* When the temporary GRUUs of an instance live on, and when they end (RFC 5627 5.1); see gruu.h. */
#ifndef BD_LIFE_H
#define BD_LIFE_H

#include "decide.h"

/* Before a request is applied to a set: gives each of its Contacts that has an instance the life of
 * that instance, and the instance's other bindings a new one when the Call-ID has changed. */
void bd_lives_settle(struct bd_set *set, struct bd_asks *asks);

/* Whether a refresh of an entry that changes nothing else would have to settle a life; `wanted`: it
 * asks for GRUUs, which are switched on. */
bool bd_life_is_due(const struct bd_set *set, unsigned at, bool wanted);

/* What the most recent GRUU of a life was made of: the transaction of the binding that was
 * registered last. */
uint64_t bd_life_issue(const struct bd_set *set, uint64_t life);

#endif
