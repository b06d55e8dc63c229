/* SPDX-License-Identifier: BSD-3-Clause */
#include "roster.h"

#include <stdlib.h>

#include "identities.h"
#include "profile.h"
#include "provisioned.h"
#include "recovery.h"
#include "uri.h"

struct waiter {
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
    struct waiter waiter[BD_ROSTER_WAITERS_MAX];
    unsigned waiter_cnt;
    struct event *again, *timer;
};

/* --- the provisioned set
 * -------------------------------------------------------------------------- */

/* Longer than any that can be registered. */
enum { CANONICAL_MAX = BD_AOR_MAX + 3 * BD_USERNAME_MAX };

/* The canonical AoR of a subscriber is that of sip:USERNAME@DOMAIN. A username is plain text: the
 * one character that would mean something else in a URI is the percent sign. Empty: too long. */
static struct bd_str canonical(const struct bd_roster *roster, struct bd_str username,
                               struct bd_str domain, char aor[CANONICAL_MAX])
{
    char user[3 * BD_USERNAME_MAX];
    uint32_t len = 0;
    for (uint32_t i = 0; i < username.len; i++) {
        user[len++] = username.p[i];
        if (username.p[i] == '%') {
            user[len++] = '2';
            user[len++] = '5';
        }
    }
    const struct bd_policy *policy = bd_policy_current(&roster->control->arena);
    bool by_default;
    const struct bd_policy_domain *served =
        policy ? bd_policy_find(policy, domain, &by_default) : NULL;
    struct bd_uri uri = {.scheme = BD_URI_SIP, .user = {user, len}, .host = domain};
    return (struct bd_str){
        aor, bd_aor_canonical(&uri, domain, served && served->case_sensitive, aor, CANONICAL_MAX)};
}

static struct bd_str aor_of(const struct bd_roster *roster, const struct bd_subscriber *row,
                            char aor[CANONICAL_MAX])
{
    return canonical(roster, bd_str_from(row->username), bd_str_from(row->domain), aor);
}

/* Its number. A name that the configuration does not have counts as none. */
static uint8_t profile_of(struct bd_roster *roster, const struct bd_subscriber *row)
{
    const struct bd_policy *policy = bd_policy_current(&roster->control->arena);
    uint8_t number = policy ? bd_profile_find(policy, bd_str_from(row->profile)) : 0;
    roster->strangers += *row->profile && number == 0;
    return number;
}

/* The implicit registration set of a row, if any. */
static enum bd_identities_rc join_set(struct bd_roster *roster, const struct bd_subscriber *row,
                                      struct bd_str aor)
{
    struct bd_control *control = roster->control;
    const char *at = strrchr(row->implicit_of, '@');
    if (!at) {
        if (!roster->identities)
            bd_identities_remove(&control->arena, control->table.epoch, aor);
        return BD_IDENTITIES_OK;
    }
    char text[CANONICAL_MAX];
    struct bd_str user = {row->implicit_of, (uint32_t)(at - row->implicit_of)};
    struct bd_str primary = canonical(roster, user, bd_str_from(row->domain), text);
    if (aor.len > BD_AOR_MAX || primary.len == 0 || primary.len > BD_AOR_MAX)
        return BD_IDENTITIES_OK; /* nobody can register it */
    return roster->identities
               ? bd_identities_sync_put(&control->arena, roster->identities, aor, primary)
               : bd_identities_put(&control->arena, control->table.epoch, aor, primary);
}

static void provision(struct bd_roster *roster, const struct bd_subscriber *row)
{
    struct bd_control *control = roster->control;
    const struct bd_arena *arena = &control->arena;
    struct bd_provision entry = {
        .has_prefix = row->has_prefix, .prefix = row->prefix, .profile = profile_of(roster, row)};
    char text[CANONICAL_MAX];
    struct bd_str aor = aor_of(roster, row, text);
    if (aor.len == 0)
        return;
    struct bd_hash128 hash = bd_hash128(&arena->hash_key, aor.p, aor.len);
    enum bd_provision_rc rc =
        roster->sync ? bd_provisioned_sync_put(roster->sync, hash, &entry)
                     : bd_provisioned_put(&control->arena, control->table.epoch, hash, &entry);
    roster->refused += rc != BD_PROVISION_OK;
    roster->setless += join_set(roster, row, aor) != BD_IDENTITIES_OK;
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
    if (roster->setless > 0)
        bd_log(BD_LOG_ERROR,
               "%llu subscribers are registered for themselves only, not with the set they belong "
               "to: raise arena.identities_max (%llu) and restart",
               (unsigned long long)roster->setless,
               (unsigned long long)roster->control->started->identities_max);
    roster->refused = roster->strangers = roster->setless = 0;
}

static void abort_sync(struct bd_roster *roster)
{
    if (roster->sync)
        bd_map_sync_abort(roster->sync);
    if (roster->identities)
        bd_map_sync_abort(roster->identities);
    roster->sync = roster->identities = NULL;
}

/* --- reading all --------------------------------------------------------------------------------
 */

static int begin(struct bd_roster *roster, struct bd_error *error)
{
    struct bd_control *control = roster->control;
    if (bd_subscriber_reload_begin(roster->store, error) < 0)
        return -1;
    abort_sync(roster);
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
    }
    abort_sync(roster);
    tell_refused(roster);
    if (rc < 0)
        bd_recovery_note(roster->control->recovery, error);
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

/* A set that changes while all is read: what was read of it before may be wrong now, so the reading
 * begins anew. */
static int read_anew(struct bd_roster *roster, struct bd_error *error)
{
    return roster->identities ? begin(roster, error) : 0;
}

/* rc is what the database said to a change. */
static int changed(struct bd_roster *roster, int rc, const struct bd_error *error)
{
    if (rc < 0)
        bd_recovery_note(roster->control->recovery, error);
    return rc;
}

static int put_in_force(struct bd_roster *roster, const struct bd_subscriber *row,
                        struct bd_error *error)
{
    const struct bd_config *config = roster->control->started;
    char text[CANONICAL_MAX];
    struct bd_str aor = aor_of(roster, row, text);
    bool in_set = *row->implicit_of || bd_identities_primary(&roster->control->arena, aor).len;
    provision(roster, row);
    bool refused = roster->refused > 0, setless = roster->setless > 0;
    roster->refused = roster->setless = 0;
    if (refused)
        return bd_fail(error,
                       "stored, but not in force: raise arena.subscribers_max (%llu) and restart",
                       (unsigned long long)config->subscribers_max);
    if (bd_subscriber_store_put(roster->store, row, error) < 0)
        return -1;
    if (setless)
        return bd_fail(error,
                       "stored, but the set is not in force: raise arena.identities_max (%llu) and "
                       "restart",
                       (unsigned long long)config->identities_max);
    return in_set ? read_anew(roster, error) : 0;
}

int bd_roster_add(struct bd_roster *roster, struct bd_subscriber_change *change,
                  struct bd_error *error)
{
    struct bd_subscriber row;
    fill_realm(roster, change);
    int rc = changed(roster, bd_subscribers_add(roster->database, change, &row, error), error);
    return rc == 0 ? put_in_force(roster, &row, error) : rc;
}

int bd_roster_set(struct bd_roster *roster, struct bd_subscriber_change *change,
                  struct bd_error *error)
{
    struct bd_subscriber row;
    fill_realm(roster, change);
    int rc = changed(roster, bd_subscribers_set(roster->database, change, &row, error), error);
    return rc == 0 ? put_in_force(roster, &row, error) : rc;
}

int bd_roster_remove(struct bd_roster *roster, struct bd_str username, struct bd_str domain,
                     struct bd_error *error)
{
    struct bd_control *control = roster->control;
    struct bd_subscriber row;
    int rc = changed(roster, bd_subscribers_remove(roster->database, username, domain, &row, error),
                     error);
    if (rc != 0)
        return rc;
    bd_subscriber_store_remove(roster->store, bd_str_from(row.username), bd_str_from(row.domain));
    char text[CANONICAL_MAX];
    struct bd_str aor = aor_of(roster, &row, text);
    if (aor.len == 0)
        return 0;
    struct bd_hash128 hash = bd_hash128(&control->arena.hash_key, aor.p, aor.len);
    bd_provisioned_remove(&control->arena, control->table.epoch, hash);
    bool was_in_set = bd_identities_remove(&control->arena, control->table.epoch, aor);
    return was_in_set ? read_anew(roster, error) : 0;
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
