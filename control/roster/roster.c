/* SPDX-License-Identifier: BSD-3-Clause */
/* The roster itself, and reading all of the database into it. */
#include "roster_private.h"

#include <stdlib.h>

#include "identities.h"
#include "provisioned.h"
#include "recovery.h"

/* --- reading all ------------------------------------------------------------------------------ */

static void on_row(void *arg, const struct bd_subscriber *row)
{
    bd_roster_provision(arg, row);
}

static void abort_sync(struct bd_roster *roster)
{
    if (roster->sync)
        bd_map_sync_abort(roster->sync);
    if (roster->identities)
        bd_map_sync_abort(roster->identities);
    roster->sync = roster->identities = NULL;
}

static void tell_all(struct bd_roster *roster, const struct bd_error *error)
{
    struct bd_roster_waiter waiter[BD_ROSTER_WAITERS_MAX];
    unsigned cnt = roster->waiter_cnt;
    memcpy(waiter, roster->waiter, sizeof(waiter));
    roster->waiter_cnt = 0; /* they may ask again */
    for (unsigned i = 0; i < cnt; i++)
        waiter[i].done(waiter[i].arg, error);
}

static int begin(struct bd_roster *roster, struct bd_error *error)
{
    struct bd_control *control = roster->control;
    abort_sync(roster);
    if (bd_subscriber_reload_begin(roster->store, error) < 0)
        return -1;
    bool sets = bd_identities_enabled(&control->arena);
    roster->sync = bd_provisioned_sync_begin(&control->arena, control->table.epoch);
    if (sets)
        roster->identities = bd_identities_sync_begin(&control->arena, control->table.epoch);
    roster->refused = roster->strangers = roster->setless = 0;
    if (roster->sync && (roster->identities || !sets))
        return 0;
    abort_sync(roster);
    return bd_fail(error, "out of memory");
}

int bd_roster_begin(struct bd_roster *roster, struct bd_error *error)
{
    int rc = begin(roster, error);
    if (rc < 0)
        tell_all(roster, error);
    return rc;
}

/* One slice: 1 go on, 0 all is in force, -1 failed and the old content stays. */
static int step(struct bd_roster *roster, struct bd_error *error)
{
    int rc = bd_subscriber_reload_step(roster->store, roster->database, BD_ROSTER_SLICE, on_row,
                                       roster, error);
    if (rc > 0)
        return rc;
    if (rc == 0) {
        bd_map_sync_end(roster->sync);
        if (roster->identities)
            bd_map_sync_end(roster->identities);
        roster->sync = roster->identities = NULL;
        bd_next_turn(roster->timer); /* the former content is to be freed */
    }
    abort_sync(roster);
    roster->begun_anew = 0;
    roster->left_out = roster->refused;
    bd_roster_tell_refused(roster);
    if (rc < 0)
        bd_recovery_note(roster->control->recovery, error);
    return rc;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct bd_roster *roster = arg;
    if (!roster->sync)
        return;
    struct bd_error error;
    int rc = step(roster, &error);
    if (rc > 0)
        bd_next_turn(roster->again);
    else
        tell_all(roster, rc < 0 ? &error : NULL);
}

int bd_roster_reload(struct bd_roster *roster, bd_roster_done_fn done, void *arg,
                     struct bd_error *error)
{
    if (roster->waiter_cnt == BD_ROSTER_WAITERS_MAX)
        return bd_fail(error, "the subscribers are being read already; try again");
    if (bd_roster_begin(roster, error) < 0)
        return -1;
    roster->waiter[roster->waiter_cnt++] = (struct bd_roster_waiter){done, arg};
    bd_next_turn(roster->again);
    return 0;
}

/* --- the object ------------------------------------------------------------------------------- */

/* Each second, and turn after turn while there is something to free: no slower than it is read, or
 * frequent reloads would pile up what they replace. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval second = {.tv_sec = 1};
    struct bd_roster *roster = arg;
    if (bd_subscriber_store_reclaim(roster->store))
        bd_next_turn(roster->timer);
    else
        event_add(roster->timer, &second);
}

static int start(struct bd_roster *roster, struct bd_error *error)
{
    struct bd_control *control = roster->control;
    roster->again = event_new(control->base, -1, 0, on_turn, roster);
    roster->timer = event_new(control->base, -1, 0, on_timer, roster);
    if (!roster->again || !roster->timer)
        return bd_fail(error, "out of memory");
    roster->database = bd_subscribers_open(control->config->database, error);
    if (!roster->database)
        return -1;
    roster->store = bd_subscriber_store_new(control->table.epoch, error);
    if (!roster->store || bd_roster_begin(roster, error) < 0)
        return -1;
    int rc;
    do {
        rc = step(roster, error);
    } while (rc > 0);
    return rc;
}

struct bd_roster *bd_roster_open(struct bd_control *control, struct bd_error *error)
{
    struct bd_roster *roster = calloc(1, sizeof(*roster));
    if (!roster) {
        bd_fail(error, "out of memory");
        return NULL;
    }
    roster->control = control;
    if (start(roster, error) == 0)
        return roster;
    bd_roster_close(roster);
    return NULL;
}

void bd_roster_close(struct bd_roster *roster)
{
    if (!roster)
        return;
    struct bd_error error;
    bd_fail(&error, "bindery-control stops");
    tell_all(roster, &error);
    abort_sync(roster);
    if (roster->again)
        event_free(roster->again);
    if (roster->timer)
        event_free(roster->timer);
    if (roster->store)
        bd_subscriber_store_free(roster->store);
    if (roster->database)
        bd_subscribers_close(roster->database);
    free(roster);
}

struct bd_subscribers *bd_roster_database(const struct bd_roster *roster)
{
    return roster->database;
}

struct bd_subscriber_store *bd_roster_store(const struct bd_roster *roster)
{
    return roster->store;
}

uint64_t bd_roster_left_out(const struct bd_roster *roster)
{
    return roster->left_out;
}

uint64_t bd_roster_cnt(const struct bd_roster *roster)
{
    return bd_subscriber_store_cnt(roster->store);
}
