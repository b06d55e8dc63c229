/* SPDX-License-Identifier: BSD-3-Clause */
/* Removes bindings on behalf of an operator, by the dataplane's hand: only it changes the table.
 *
 *   ask --command ring--> worker --report ring--> told
 *    \-- 2 s without a report --> told that nobody answered
 *
 * Event loop only. */
#ifndef BD_REMOVER_H
#define BD_REMOVER_H

#include "state.h"

#define BD_REMOVER_TIMEOUT_MS 2000

struct bd_remover;

struct bd_remover *bd_remover_new(struct bd_control *control, struct bd_error *error);
/* Tells all that wait, then frees. */
void bd_remover_free(struct bd_remover *remover);

/* removed >= 0: so many bindings; -1: error says why it is not done, or not known to be. */
typedef void (*bd_removed_fn)(void *arg, int removed, const struct bd_error *error);
/* contact.len 0: all contacts. -1 with an error (and nothing will be told) when no dataplane
 * serves, its ring is full, or the texts are too long. */
int bd_remover_ask(struct bd_remover *remover, struct bd_str aor, struct bd_str contact,
                   bd_removed_fn told, void *arg, struct bd_error *error);

#endif
