/* SPDX-License-Identifier: BSD-3-Clause */
#include "gauges.h"

#include "clock.h"
#include "events.h"
#include "identities.h"
#include "metrics_text.h"
#include "peer.h"
#include "provisioned.h"
#include "roster.h"
#include "screening.h"
#include "server.h"
#include "sweeper.h"

struct view {
    const struct bd_control *control;
    const struct bd_table_info *info;
    uint64_t now_ms;
    struct bd_sweeper_numbers sweep;
};

static double age_s(const struct view *v, const _Atomic uint64_t *since_ms)
{
    uint64_t since = atomic_load_explicit(since_ms, memory_order_relaxed);
    return v->now_ms > since ? (double)(v->now_ms - since) / 1000 : 0;
}

static const struct bd_role_line *line_of(const struct view *v, enum bd_role role)
{
    return bd_control_line(v->control, role);
}

static uint64_t policy_sequence(const struct view *v)
{
    const struct bd_policy *policy = bd_policy_current(&v->control->arena);
    return policy ? policy->sequence : 0;
}

/* X(type, name, help, value) with the view `v`. */
#define GAUGES(X)                                                                                  \
    X(gauge, bindings, "bindings in the table", v->info->contacts)                                 \
    X(gauge, aors, "addresses of record with a binding", v->info->slots_live)                      \
    X(gauge, bindings_max, "bindings the arena was made for", v->control->started->bindings_max)   \
    X(gauge, table_slots, "slots of the table", v->info->slots)                                    \
    X(gauge, table_slots_tentative, "slots of inserts under way", v->info->slots_tentative)        \
    X(gauge, record_memory_bytes, "memory for records", v->info->record_bytes_total)               \
    X(gauge, record_memory_carved_bytes, "memory for records cut into blocks so far",              \
      v->info->record_bytes_carved)                                                                \
    X(gauge, record_memory_live_bytes, "memory of the records in the table",                       \
      v->info->record_bytes_live)                                                                  \
    X(gauge, records_in_use, "records allocated", v->info->records_in_use)                         \
    X(gauge, records_retiring, "records that wait for their grace period",                         \
      v->info->records_retiring)                                                                   \
    X(gauge, records_leaked, "records lost: 0 at rest, a few in flight under load",                \
      v->info->records_leaked)                                                                     \
    X(gauge, arena_bytes, "size of the arena", v->control->arena.size)                             \
    X(gauge, arena_huge_pages, "1 when the arena lies on huge pages", v->control->arena.huge)      \
    X(gauge, policy_sequence, "number of the policy in force", policy_sequence(v))                 \
    X(gauge, subscribers, "subscribers in force", bd_roster_cnt(v->control->roster))               \
    X(gauge, provisioned, "addresses of record in the provisioned set",                            \
      bd_provisioned_cnt(&v->control->arena))                                                      \
    X(gauge, identities, "subscribers in the implicit registration set of another",                \
      bd_identities_cnt(&v->control->arena))                                                       \
    X(gauge, reg_event_subscriptions, "subscriptions to registration state",                       \
      bd_events_cnt(v->control->events))                                                           \
    X(gauge, bans, "sources that are banned", bd_bans_cnt(v->control))                             \
    X(gauge, draining, "1 while new bindings are refused",                                         \
      atomic_load(&v->control->arena.header->draining))                                            \
    X(gauge, dataplane_up, "1 while bindery-dataplane runs", bd_peer_alive(v->control->peer))      \
    X(gauge, dataplane_serving, "1 while it takes requests", bd_peer_serving(v->control->peer))    \
    X(gauge, dataplane_heartbeat_age_seconds, "time since its main loop last turned",              \
      age_s(v, &line_of(v, BD_ROLE_DATAPLANE)->heartbeat_ms))                                      \
    X(gauge, dataplane_uptime_seconds, "time since it attached to the arena",                      \
      age_s(v, &line_of(v, BD_ROLE_DATAPLANE)->started_ms))                                        \
    X(gauge, control_uptime_seconds, "time since bindery-control attached to the arena",           \
      age_s(v, &line_of(v, BD_ROLE_CONTROL)->started_ms))                                          \
    X(counter, dataplane_starts_total, "times a dataplane attached to this arena",                 \
      atomic_load(&line_of(v, BD_ROLE_DATAPLANE)->generation))                                     \
    X(counter, control_starts_total, "times a control process attached to this arena",             \
      atomic_load(&line_of(v, BD_ROLE_CONTROL)->generation))                                       \
    X(counter, dataplane_hangs_total, "times its main thread stood still for a second",            \
      atomic_load(&line_of(v, BD_ROLE_CONTROL)->peer_hangs))                                       \
    X(counter, control_hangs_total,                                                                \
      "times the dataplane found control's main loop to stand still (control_timeout_ms)",         \
      atomic_load(&line_of(v, BD_ROLE_DATAPLANE)->peer_hangs))                                     \
    X(gauge, sweep_round_seconds, "duration of the last walk for expired bindings",                \
      (double)v->sweep.round_ms / 1000)                                                            \
    X(gauge, sweep_lag_seconds, "time since the present walk began",                               \
      (double)v->sweep.lag_ms / 1000)                                                              \
    X(counter, stats_socket_refused_total, "clients refused: not on the list of their socket",     \
      bd_server_refused(v->control->server))                                                       \
    X(counter, sweep_buckets_total, "due buckets handed to workers", v->sweep.sent)                \
    X(counter, sweep_waits_total, "walks held up by a full ring", v->sweep.waits)

struct gauge {
    const char *type, *name, *help;
    double (*read)(const struct view *v);
};

#define X(type, name, help, value)                                                                 \
    static double read_##name(const struct view *v)                                                \
    {                                                                                              \
        return (double)(value);                                                                    \
    }
GAUGES(X)
#undef X

static const struct gauge gauges[] = {
#define X(type, name, help, value) {#type, "bindery_" #name, help, read_##name},
    GAUGES(X)
#undef X
};
enum { GAUGE_CNT = sizeof(gauges) / sizeof(gauges[0]) };

void bd_gauges_write(struct bd_control *control, const struct bd_table_info *info,
                     struct evbuffer *out)
{
    struct view view = {.control = control, .info = info, .now_ms = bd_clock_ms()};
    bd_sweeper_read(control->sweeper, view.now_ms, &view.sweep);
    for (unsigned i = 0; i < GAUGE_CNT; i++) {
        bd_metrics_family(out, gauges[i].type, gauges[i].name, gauges[i].help);
        evbuffer_add_printf(out, "%s %.17g\n", gauges[i].name, gauges[i].read(&view));
    }
}

void bd_gauges_docs(FILE *out)
{
    for (unsigned i = 0; i < GAUGE_CNT; i++)
        bd_metrics_docs_row(out, gauges[i].name, "", gauges[i].type, gauges[i].help);
}
