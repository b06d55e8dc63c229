/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the roster share: roster.c reads all of the database, change.c changes one row
 * of it, and provision.c puts each row in force for the workers. */
#ifndef BD_ROSTER_PRIVATE_H
#define BD_ROSTER_PRIVATE_H

#include "roster.h"

struct bd_roster_waiter {
    bd_roster_done_fn done;
    void *arg;
};

struct bd_roster {
    struct bd_control *control;
    struct bd_subscribers *database;
    struct bd_subscriber_store *store;
    struct bd_map_sync *sync;       /* NULL: no reload runs */
    struct bd_map_sync *identities; /* of the same reload; NULL: also when the feature is off */
    uint64_t refused;               /* rows the provisioned set had no room for */
    uint64_t strangers;             /* rows with a profile that the configuration does not have */
    uint64_t setless;               /* rows whose set is not in force */
    uint64_t left_out;              /* refused, of the last reading of all */
    unsigned begun_anew;            /* how often the reading under way was */
    struct bd_roster_waiter waiter[BD_ROSTER_WAITERS_MAX];
    unsigned waiter_cnt;
    struct event *again, *timer;
};

/* Longer than any that can be registered. */
enum { BD_ROSTER_AOR_MAX = BD_AOR_MAX + 3 * BD_USERNAME_MAX };

/* roster.c */
/* Begins to read all; what was being read is dropped. -1 with an error, of which those who wait for
 * a reading are told: the old content stays. */
int bd_roster_begin(struct bd_roster *roster, struct bd_error *error);

/* provision.c */
/* The canonical AoR of a row, in `aor`. Empty: too long. */
struct bd_str bd_roster_aor(const struct bd_roster *roster, const struct bd_subscriber *row,
                            char aor[BD_ROSTER_AOR_MAX]);
/* Puts a row in force, or into what is being read; counts in the roster what is not as it asks. */
void bd_roster_provision(struct bd_roster *roster, const struct bd_subscriber *row);
/* Logs those counts and clears them. */
void bd_roster_tell_refused(struct bd_roster *roster);

#endif
