/* SPDX-License-Identifier: BSD-3-Clause */
/* Subscribers one by one: a change to the database, then put in force. */
#include "roster_private.h"

#include "identities.h"
#include "provisioned.h"
#include "recovery.h"

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

/* A reading that has begun anew so often comes to its end before sets change again. */
enum { BEGUN_ANEW_MAX = 5 };

/* A set that changes while all is read: what was read of it before may be wrong now, so the reading
 * begins anew. */
static int read_anew(struct bd_roster *roster, struct bd_error *error)
{
    if (!roster->identities)
        return 0;
    roster->begun_anew++;
    return bd_roster_begin(roster, error);
}

/* Whether a change that may be one of a set has to wait for the reading. 0, or -1 with an error. */
static int may_change(const struct bd_roster *roster, struct bd_str username, struct bd_str domain,
                      bool of_set, struct bd_error *error)
{
    struct bd_subscriber row;
    struct bd_error ignored;
    if (!roster->identities || roster->begun_anew < BEGUN_ANEW_MAX)
        return 0;
    if (!of_set && (bd_subscribers_find(roster->database, username, domain, &row, &ignored) != 0 ||
                    !*row.implicit_of))
        return 0;
    return bd_fail(error, "all subscribers are being read, which changes of sets have held up: "
                          "try again in a moment");
}

static int may_make(const struct bd_roster *roster, const struct bd_subscriber_change *change,
                    struct bd_error *error)
{
    return may_change(roster, change->username, change->domain, change->implicit_of.p != NULL,
                      error);
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
    char text[BD_ROSTER_AOR_MAX];
    struct bd_str aor = bd_roster_aor(roster, row, text);
    bool in_set = *row->implicit_of || bd_identities_primary(&roster->control->arena, aor).len;
    const uint64_t refused = roster->refused, setless = roster->setless; /* of what is being read */
    bd_roster_provision(roster, row);
    bool no_room = roster->refused > refused, no_set = roster->setless > setless;
    roster->refused = refused;
    roster->setless = setless;
    if (no_room)
        return bd_fail(error,
                       "stored, but not in force: raise arena.subscribers_max (%llu) and restart",
                       (unsigned long long)config->subscribers_max);
    if (bd_subscriber_store_put(roster->store, row, error) < 0)
        return -1;
    if (no_set)
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
    if (may_make(roster, change, error) < 0)
        return -1;
    fill_realm(roster, change);
    int rc = changed(roster, bd_subscribers_add(roster->database, change, &row, error), error);
    return rc == 0 ? put_in_force(roster, &row, error) : rc;
}

int bd_roster_set(struct bd_roster *roster, struct bd_subscriber_change *change,
                  struct bd_error *error)
{
    struct bd_subscriber row;
    if (may_make(roster, change, error) < 0)
        return -1;
    fill_realm(roster, change);
    int rc = changed(roster, bd_subscribers_set(roster->database, change, &row, error), error);
    return rc == 0 ? put_in_force(roster, &row, error) : rc;
}

int bd_roster_remove(struct bd_roster *roster, struct bd_str username, struct bd_str domain,
                     struct bd_error *error)
{
    struct bd_control *control = roster->control;
    struct bd_subscriber row;
    if (may_change(roster, username, domain, false, error) < 0)
        return -1;
    int rc = changed(roster, bd_subscribers_remove(roster->database, username, domain, &row, error),
                     error);
    if (rc != 0)
        return rc;
    bd_subscriber_store_remove(roster->store, bd_str_from(row.username), bd_str_from(row.domain));
    char text[BD_ROSTER_AOR_MAX];
    struct bd_str aor = bd_roster_aor(roster, &row, text);
    if (aor.len == 0)
        return 0;
    struct bd_hash128 hash = bd_hash128(&control->arena.hash_key, aor.p, aor.len);
    if (roster->sync)
        bd_map_sync_remove(roster->sync, hash);
    else
        bd_provisioned_remove(&control->arena, control->table.epoch, hash);
    bool was_in_set = bd_identities_remove(&control->arena, control->table.epoch, aor);
    return was_in_set ? read_anew(roster, error) : 0;
}
