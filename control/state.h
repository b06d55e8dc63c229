/* SPDX-License-Identifier: BSD-3-Clause */
/* What the modules of the control process share: one struct, made by main, read by all.
 *
 *   main thread      event loop: everything here but what is named below
 *   task threads     long walks and imports; they get what they need as arguments
 *   verifier threads the subscriber store and the policy, through epoch lines of their own
 *
 * A module's handle is NULL until it is started; modules are started in the order of the fields and
 * stopped in the reverse, but that clients go first, then tasks. */
#ifndef BD_STATE_H
#define BD_STATE_H

#include <event2/event.h>

#include "alarm.h"
#include "arena.h"
#include "channel.h"
#include "config.h"
#include "policy.h"
#include "stats.h"
#include "table.h"
#include "task.h"
#include "uri.h"

struct bd_control {
    struct event_base *base;
    const char *config_file;
    struct bd_config *config;  /* in force */
    struct bd_config *started; /* as read at the start: what needs a restart still is as it says */
    const struct bd_privileges *privileges; /* NULL: nothing is given up */

    struct bd_alarms *alarms;
    struct bd_arena arena;
    struct bd_table table;
    uint16_t generation; /* of this process, for its epoch lines */

    struct bd_journaling *journaling;
    struct bd_tasks *tasks;
    struct bd_peer *peer;
    struct bd_roster *roster;
    struct bd_replay *replay;
    struct bd_verifiers *verifiers;
    struct bd_recovery *recovery;
    struct bd_sweeper *sweeper;
    struct bd_census *census;
    struct bd_remover *remover;
    struct bd_events *events;
    struct bd_health *health;
    struct bd_server *server;
    struct bd_metrics_http *metrics_http;
    struct bd_reload *reload; /* one under way, or NULL */
};

/* The event loop holds references into the table, the policy or the store between these two and at
 * no other time: it may sleep long, and what it could hold nobody reuses. They do not nest. */
void bd_control_reading(struct bd_control *control);
void bd_control_done_reading(struct bd_control *control);

/* Calls the event's function in the next turn of the loop, after everybody else had theirs. (An
 * event that activates itself would be called again within the same turn, before any input.) */
static inline void bd_next_turn(struct event *event)
{
    static const struct timeval at_once = {0};
    event_add(event, &at_once);
}

/* Workers of the arena in use (a change of dataplane.workers needs a restart). */
unsigned bd_control_workers(const struct bd_control *control);
const struct bd_worker_stats *bd_control_stats(const struct bd_control *control, unsigned worker);
/* Over all of them: an enum bd_counter, an enum bd_verdict. */
uint64_t bd_control_counted(const struct bd_control *control, unsigned counter);
uint64_t bd_control_judged(const struct bd_control *control, unsigned verdict);
static inline struct bd_role_line *bd_control_line(const struct bd_control *control,
                                                   enum bd_role role)
{
    return &control->arena.header->role[role];
}

/* An AoR as an operator writes it: "sip:1000@example.com", "1000@example.com", an alias for the
 * host, "tel:+49...". Writes the canonical text that the registrar uses, and resolves the domain as
 * it does (the default domain takes hosts that nobody names); what is left of a domain that is
 * served no more is found as it was spelled. */
struct bd_control_aor {
    char text[BD_AOR_MAX];
    uint32_t len;
    bool by_default; /* no domain has this host: the default domain took it */
};
/* Parses what an operator writes for one; without a scheme it is the rest of a SIP URI, put
 * together in scratch. False when it is none. */
#define BD_CONTROL_GIVEN_MAX 1024
bool bd_control_uri(struct bd_str given, char scratch[BD_CONTROL_GIVEN_MAX], struct bd_uri *uri);
/* Puts the AoR under which its bindings stand in place of an identity of an implicit registration
 * set. Call as bd_control_aor, which has done it. */
void bd_control_bind(const struct bd_control *control, char text[BD_AOR_MAX], uint32_t *len);
/* -1 with an error: no URI, too long, or a domain that is not served. Call between
 * bd_control_reading and bd_control_done_reading. */
int bd_control_aor(const struct bd_control *control, struct bd_str given,
                   struct bd_control_aor *aor, struct bd_error *error);

#endif
