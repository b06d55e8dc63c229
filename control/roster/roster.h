/* SPDX-License-Identifier: BSD-3-Clause */
/* The subscribers in force: the database, and the three things made from it.
 *
 *   SQLite --pages--> subscriber store   HA1s, for the verifiers (private memory)
 *                |--> provisioned set    AoRs and prefixes, for the workers (arena)
 *                \--> identities         implicit registration sets, for the workers (arena)
 *
 * Loaded whole at the start; read again in slices of the event loop, and changed row by row after
 * a command. Readers see the old content or the new one. Event loop only. */
#ifndef BD_ROSTER_H
#define BD_ROSTER_H

#include "state.h"
#include "store.h"
#include "subscribers.h"

/* Rows of one slice: about a millisecond. */
#define BD_ROSTER_SLICE 500
/* Reloads that may be asked for while one runs. */
#define BD_ROSTER_WAITERS_MAX 8

struct bd_roster;

/* Opens config->database and loads all (a million take a few seconds). Needs a published policy, as
 * domains say how an AoR is spelled. NULL with an error. */
struct bd_roster *bd_roster_open(struct bd_control *control, struct bd_error *error);
void bd_roster_close(struct bd_roster *roster);

/* Reads the database again. `done` is called in the loop: error is NULL when all is in force, else
 * it says why nothing was changed. One asked for while another runs begins it anew; both are told.
 * -1 with an error: too many wait. */
typedef void (*bd_roster_done_fn)(void *arg, const struct bd_error *error);
int bd_roster_reload(struct bd_roster *roster, bd_roster_done_fn done, void *arg,
                     struct bd_error *error);

/* One subscriber, in the database and in force. Return as bd_subscribers_add and its siblings.
 * The realm is that of the domain. */
int bd_roster_add(struct bd_roster *roster, struct bd_subscriber_change *change,
                  struct bd_error *error);
int bd_roster_set(struct bd_roster *roster, struct bd_subscriber_change *change,
                  struct bd_error *error);
int bd_roster_remove(struct bd_roster *roster, struct bd_str username, struct bd_str domain,
                     struct bd_error *error);

/* The database, for reading. */
struct bd_subscribers *bd_roster_database(const struct bd_roster *roster);
struct bd_subscriber_store *bd_roster_store(const struct bd_roster *roster);
uint64_t bd_roster_cnt(const struct bd_roster *roster);
/* Those that the last reading of all found no room for in the arena: their phones are nobody's. */
uint64_t bd_roster_left_out(const struct bd_roster *roster);

#endif
