/* SPDX-License-Identifier: BSD-3-Clause */
#include "roster.h"

#include <stdlib.h>

#include "profile.h"
#include "provisioned.h"
#include "uri.h"

struct waiter {
    bd_roster_done_fn done;
    void *arg;
};

struct bd_roster {
    struct bd_control *control;
    struct bd_subscribers *database;
    struct bd_subscriber_store *store;
    struct bd_provisioned_sync *sync; /* NULL: no reload runs */
    uint64_t refused;                 /* rows the provisioned set had no room for */
    uint64_t strangers;               /* rows with a profile that the configuration does not have */
    struct waiter waiter[BD_ROSTER_WAITERS_MAX];
    unsigned waiter_cnt;
    struct event *again, *timer;
};

/* --- the provisioned set
 * -------------------------------------------------------------------------- */

/* The canonical AoR of a subscriber is that of sip:USERNAME@DOMAIN. A username is plain text: the
 * one character that would mean something else in a URI is the percent sign. */
static bool aor_hash(const struct bd_roster *roster, const struct bd_subscriber *row,
                     struct bd_hash128 *hash)
{
    char user[3 * BD_USERNAME_MAX], aor[BD_AOR_MAX + 3 * BD_USERNAME_MAX];
    uint32_t len = 0;
    for (const char *p = row->username; *p; p++) {
        user[len++] = *p;
        if (*p == '%') {
            user[len++] = '2';
            user[len++] = '5';
        }
    }
    const struct bd_arena *arena = &roster->control->arena;
    const struct bd_policy *policy = bd_policy_current(arena);
    struct bd_str domain = bd_str_from(row->domain);
    bool by_default;
    const struct bd_policy_domain *served =
        policy ? bd_policy_find(policy, domain, &by_default) : NULL;
    struct bd_uri uri = {.scheme = BD_URI_SIP, .user = {user, len}, .host = domain};
    uint32_t aor_len =
        bd_aor_canonical(&uri, domain, served && served->case_sensitive, aor, sizeof(aor));
    if (aor_len > 0)
        *hash = bd_hash128(&arena->hash_key, aor, aor_len);
    return aor_len > 0;
}

/* Its number. A name that the configuration does not have counts as none. */
static uint8_t profile_of(struct bd_roster *roster, const struct bd_subscriber *row)
{
    const struct bd_policy *policy = bd_policy_current(&roster->control->arena);
    uint8_t number = policy ? bd_profile_find(policy, bd_str_from(row->profile)) : 0;
    roster->strangers += *row->profile && number == 0;
    return number;
}

static void provision(struct bd_roster *roster, const struct bd_subscriber *row)
{
    struct bd_control *control = roster->control;
    struct bd_provision entry = {
        .has_prefix = row->has_prefix, .prefix = row->prefix, .profile = profile_of(roster, row)};
    struct bd_hash128 hash;
    if (!aor_hash(roster, row, &hash))
        return;
    enum bd_provision_rc rc =
        roster->sync ? bd_provisioned_sync_put(roster->sync, hash, &entry)
                     : bd_provisioned_put(&control->arena, control->table.epoch, hash, &entry);
    roster->refused += rc != BD_PROVISION_OK;
}

static void on_row(void *arg, const struct bd_subscriber *row)
{
    provision(arg, row);
}

static void tell_refused(struct bd_roster *roster)
{
    if (roster->refused > 0)
        bd_log(
            BD_LOG_ERROR,
            "%llu subscribers are not provisioned: raise arena.subscribers_max (%llu) and restart",
            (unsigned long long)roster->refused,
            (unsigned long long)roster->control->started->subscribers_max);
    if (roster->strangers > 0)
        bd_log(BD_LOG_WARNING,
               "%llu subscribers have a profile that is not in the configuration: their domain's "
               "settings apply; add it to profiles and reload",
               (unsigned long long)roster->strangers);
    roster->refused = roster->strangers = 0;
}

/* --- reading all --------------------------------------------------------------------------------
 */

static int begin(struct bd_roster *roster, struct bd_error *error)
{
    struct bd_control *control = roster->control;
    if (bd_subscriber_reload_begin(roster->store, error) < 0)
        return -1;
    if (roster->sync)
        bd_provisioned_sync_abort(roster->sync);
    roster->sync = bd_provisioned_sync_begin(&control->arena, control->table.epoch);
    roster->refused = roster->strangers = 0;
    return roster->sync ? 0 : bd_fail(error, "out of memory");
}

/* One slice: 1 go on, 0 all is in force, -1 failed and the old content stays. */
static int step(struct bd_roster *roster, struct bd_error *error)
{
    int rc = bd_subscriber_reload_step(roster->store, roster->database, BD_ROSTER_SLICE, on_row,
                                       roster, error);
    if (rc > 0)
        return rc;
    if (rc == 0)
        bd_provisioned_sync_end(roster->sync);
    else
        bd_provisioned_sync_abort(roster->sync);
    roster->sync = NULL;
    tell_refused(roster);
    return rc;
}

static void tell_all(struct bd_roster *roster, const struct bd_error *error)
{
    struct waiter waiter[BD_ROSTER_WAITERS_MAX];
    unsigned cnt = roster->waiter_cnt;
    memcpy(waiter, roster->waiter, sizeof(waiter));
    roster->waiter_cnt = 0; /* they may ask again */
    for (unsigned i = 0; i < cnt; i++)
        waiter[i].done(waiter[i].arg, error);
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
    if (begin(roster, error) < 0)
        return -1;
    roster->waiter[roster->waiter_cnt++] = (struct waiter){done, arg};
    bd_next_turn(roster->again);
    return 0;
}

/* --- the object ----------------------------------------------------------------------------------
 */

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct bd_roster *roster = arg;
    bd_subscriber_store_reclaim(roster->store);
}

static int start(struct bd_roster *roster, struct bd_error *error)
{
    struct bd_control *control = roster->control;
    struct timeval second = {.tv_sec = 1};
    roster->again = event_new(control->base, -1, 0, on_turn, roster);
    roster->timer = event_new(control->base, -1, EV_PERSIST, on_second, roster);
    if (!roster->again || !roster->timer || event_add(roster->timer, &second) < 0)
        return bd_fail(error, "out of memory");
    roster->database = bd_subscribers_open(control->config->database, error);
    if (!roster->database)
        return -1;
    roster->store = bd_subscriber_store_new(control->table.epoch, error);
    if (!roster->store || begin(roster, error) < 0)
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
    if (roster->sync)
        bd_provisioned_sync_abort(roster->sync);
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

/* --- one by one ----------------------------------------------------------------------------------
 */

/* The realm that the domain challenges with: an HA1 is good for one realm only. */
static void fill_realm(const struct bd_roster *roster, struct bd_subscriber_change *change)
{
    const struct bd_policy *policy = bd_policy_current(&roster->control->arena);
    bool by_default;
    const struct bd_policy_domain *domain =
        policy ? bd_policy_find(policy, change->domain, &by_default) : NULL;
    if (domain && !domain->own_realm)
        change->realm = bd_policy_text(policy, domain->realm_off, domain->realm_len);
}

static int put_in_force(struct bd_roster *roster, const struct bd_subscriber *row,
                        struct bd_error *error)
{
    provision(roster, row);
    if (roster->refused == 0)
        return bd_subscriber_store_put(roster->store, row, error);
    roster->refused = 0;
    return bd_fail(error,
                   "stored, but not in force: raise arena.subscribers_max (%llu) and restart",
                   (unsigned long long)roster->control->started->subscribers_max);
}

int bd_roster_add(struct bd_roster *roster, struct bd_subscriber_change *change,
                  struct bd_error *error)
{
    struct bd_subscriber row;
    fill_realm(roster, change);
    int rc = bd_subscribers_add(roster->database, change, &row, error);
    return rc == 0 ? put_in_force(roster, &row, error) : rc;
}

int bd_roster_set(struct bd_roster *roster, struct bd_subscriber_change *change,
                  struct bd_error *error)
{
    struct bd_subscriber row;
    fill_realm(roster, change);
    int rc = bd_subscribers_set(roster->database, change, &row, error);
    return rc == 0 ? put_in_force(roster, &row, error) : rc;
}

int bd_roster_remove(struct bd_roster *roster, struct bd_str username, struct bd_str domain,
                     struct bd_error *error)
{
    struct bd_control *control = roster->control;
    struct bd_subscriber row;
    int rc = bd_subscribers_remove(roster->database, username, domain, &row, error);
    if (rc != 0)
        return rc;
    bd_subscriber_store_remove(roster->store, bd_str_from(row.username), bd_str_from(row.domain));
    struct bd_hash128 hash;
    if (aor_hash(roster, &row, &hash))
        bd_provisioned_remove(&control->arena, control->table.epoch, hash);
    return 0;
}

struct bd_subscribers *bd_roster_database(const struct bd_roster *roster)
{
    return roster->database;
}

struct bd_subscriber_store *bd_roster_store(const struct bd_roster *roster)
{
    return roster->store;
}

uint64_t bd_roster_cnt(const struct bd_roster *roster)
{
    return bd_subscriber_store_cnt(roster->store);
}
