/* SPDX-License-Identifier: BSD-3-Clause */
/* The notifier of the registration event package (RFC 3680, RFC 6665).
 *
 *   worker --inbound ring--> SUBSCRIBE --> reply, subscription --outbound ring--> worker
 *                            response  --> NOTIFY answered
 *   table  --each 100 ms, each watched AoR--> difference to what was told --> NOTIFY
 *
 * Workers authenticate; who may watch is decided here: a user his own AoR, `reg_event_watchers` all
 * of their domain (3680 4.6). Subscriptions live in this process alone: its end ends them without a
 * NOTIFY, and a refresh then draws 481, after which a subscriber subscribes anew.
 *
 * Event loop only. Time comes in as an argument; bd_events_start puts it on the loop's clock. */
#ifndef BD_EVENTS_H
#define BD_EVENTS_H

#include "state.h"
#include "subscription.h"

/* How often a watched AoR is looked at, and how often the rings are while the package is served. */
#define BD_EVENTS_LOOK_MS 100
#define BD_EVENTS_POLL_MS 5
/* Subscriptions looked at in one turn: some milliseconds. More are seen in the next one. */
#define BD_EVENTS_LOOK_SLICE 2048

/* X(name, help) */
#define BD_EVENTS_NUMBERS(X)                                                                       \
    X(accepted, "SUBSCRIBE requests that made a subscription or polled")                           \
    X(refreshed, "SUBSCRIBE requests that refreshed or ended one")                                 \
    X(refused, "SUBSCRIBE requests refused by the notifier")                                       \
    X(notifies, "NOTIFY requests made")                                                            \
    X(retransmissions, "NOTIFY requests sent again")                                               \
    X(held_back, "times that a NOTIFY was not sent, as nobody has answered there yet")             \
    X(answered, "NOTIFY requests that were answered with 2xx")                                     \
    X(failed, "NOTIFY requests that were answered with an error")                                  \
    X(timeouts, "NOTIFY requests that nobody answered")                                            \
    X(strays, "responses to no NOTIFY under way")                                                  \
    X(unsent, "datagrams that the outbound ring had no room for at the time")

struct bd_events_numbers {
#define X(name, help) uint64_t name;
    BD_EVENTS_NUMBERS(X)
#undef X
};

struct bd_events;

/* NULL with an error: no memory. Does nothing by itself: bd_events_start, or bd_events_turn. */
struct bd_events *bd_events_new(struct bd_control *control, struct bd_error *error);
void bd_events_free(struct bd_events *events);
int bd_events_start(struct bd_events *events, struct bd_error *error);

/* Reads the rings; when BD_EVENTS_LOOK_MS have passed also looks at timers and watched AoRs. */
void bd_events_turn(struct bd_events *events, uint64_t now_ms);
/* An operator removes bindings of an AoR: they will be told as deactivated. */
void bd_events_operator_removes(struct bd_events *events, struct bd_str aor, uint64_t now_ms);

const struct bd_events_numbers *bd_events_numbers(const struct bd_events *events);
/* Subscriptions, those over but kept for retransmissions not counted. */
unsigned bd_events_cnt(const struct bd_events *events);
/* The next subscription from slot *cursor on, NULL at the end; over ones are left out. */
const struct bd_subscription *bd_events_next(const struct bd_events *events, unsigned *cursor);

#endif
