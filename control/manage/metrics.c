/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics.h"

#include "clock.h"
#include "events.h"
#include "health.h"
#include "identities.h"
#include "journal_shown.h"
#include "peer.h"
#include "provisioned.h"
#include "roster.h"
#include "screening.h"
#include "server.h"
#include "shedding.h"
#include "sweeper.h"
#include "verifier.h"

/* --- gauges
 * --------------------------------------------------------------------------------------- */

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

/* --- families with labels
 * -------------------------------------------------------------------------- */

#define FRAMES_NAME  "bindery_frames_total"
#define FRAMES_HELP  "frames that ended before they were SIP, by verdict"
#define REQUEST_NAME "bindery_requests_total"
#define REQUEST_HELP "SIP messages, by verdict and the status that was answered (0: none)"
#define IRA_NAME     "bindery_ineffective_registration_attempts_total"
#define IRA_HELP                                                                                   \
    "RFC 6076 4.2: REGISTER requests that ended in a failure response (challenges are none)"
#define RRD_NAME "bindery_registration_request_delay_seconds"
#define RRD_HELP                                                                                   \
    "RFC 6076 4.1: what this registrar adds to the delay of a request, receive burst to reply"
#define RING_NAME  "bindery_ring_used"
#define RING_HELP  "elements that wait in a ring between the processes"
#define RING_MAX   "bindery_ring_size"
#define RING_MHELP "elements that a ring holds"
#define STILL_NAME "bindery_worker_stalled_seconds"
#define STILL_HELP "time since the worker was last seen to turn; 0: it turns, or serves nobody"
#define CHECK_NAME "bindery_verifications_total"
#define CHECK_HELP "credentials judged by this control process, by result"
#define RULE_NAME  "bindery_screening_hits_total"
#define RULE_HELP  "requests that a screening rule matched, by its number in the file"
#define ALARM_NAME "bindery_alarm"
#define ALARM_HELP "1 while the alarm is raised; its text is in `show info`"
#define BUILD_NAME "bindery_build_info"
#define BUILD_HELP "1, with the version as a label"

static void family(struct evbuffer *out, const char *type, const char *name, const char *help)
{
    evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static uint64_t verdict_sum(const struct bd_control *control, unsigned verdict)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < bd_control_workers(control); w++)
        sum += bd_stat_read(&bd_control_stats(control, w)->verdict[verdict]);
    return sum;
}

static void write_verdicts(const struct bd_control *control, struct evbuffer *out)
{
    family(out, "counter", FRAMES_NAME, FRAMES_HELP);
    for (unsigned i = 0; i < BD_SIP_REGISTERED; i++)
        evbuffer_add_printf(out, FRAMES_NAME "{verdict=\"%s\"} %llu\n", bd_verdict_info[i].text,
                            (unsigned long long)verdict_sum(control, i));
    family(out, "counter", REQUEST_NAME, REQUEST_HELP);
    for (unsigned i = BD_SIP_REGISTERED; i < BD_VERDICT_CNT; i++)
        evbuffer_add_printf(out, REQUEST_NAME "{verdict=\"%s\",status=\"%u\"} %llu\n",
                            bd_verdict_info[i].text, bd_verdict_info[i].status,
                            (unsigned long long)verdict_sum(control, i));
}

/* RFC 6076 4.2 leaves out 401, 402 and 407; ours leaves out what other methods draw, too. */
static bool is_ineffective(unsigned verdict)
{
    unsigned status = bd_verdict_info[verdict].status;
    return status >= 400 && status != 401 && verdict != BD_SIP_METHOD_NOT_ALLOWED &&
           verdict != BD_SIP_UNKNOWN_METHOD && verdict != BD_SIP_NO_TRANSACTION &&
           verdict != BD_SIP_BAD_EVENT && verdict != BD_SIP_NOTIFIER_BUSY &&
           verdict != BD_SIP_SCREEN_REJECT;
}

static void write_ineffective(const struct bd_control *control, struct evbuffer *out)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < BD_VERDICT_CNT; i++)
        sum += is_ineffective(i) ? verdict_sum(control, i) : 0;
    family(out, "counter", IRA_NAME, IRA_HELP);
    evbuffer_add_printf(out, IRA_NAME " %llu\n", (unsigned long long)sum);
}

static void write_counters(const struct bd_control *control, struct evbuffer *out)
{
    for (unsigned i = 0; i < BD_COUNTER_CNT; i++) {
        char name[96];
        snprintf(name, sizeof(name), "bindery_%s_total", bd_counter_info[i].text);
        family(out, "counter", name, bd_counter_info[i].help);
        for (unsigned w = 0; w < bd_control_workers(control); w++) {
            const struct bd_worker_stats *stats = bd_control_stats(control, w);
            evbuffer_add_printf(out, "%s{worker=\"%u\"} %llu\n", name, w,
                                (unsigned long long)bd_stat_read(&stats->counter[i]));
        }
    }
}

/* One `le` a power of two; each is read once, so the cumulative counts never fall. */
static void write_latency(const struct bd_control *control, struct evbuffer *out)
{
    uint64_t cnt = 0, sum_ns = 0;
    family(out, "histogram", RRD_NAME, RRD_HELP);
    for (unsigned i = 0; i < BD_LATENCY_BUCKETS; i++) {
        for (unsigned w = 0; w < bd_control_workers(control); w++)
            cnt += bd_stat_read(&bd_control_stats(control, w)->latency[i]);
        if (i % BD_LATENCY_SUB == 0 && i + 1 < BD_LATENCY_BUCKETS)
            evbuffer_add_printf(out, RRD_NAME "_bucket{le=\"%.9g\"} %llu\n",
                                (double)bd_latency_upper_ns(i) / 1e9, (unsigned long long)cnt);
    }
    for (unsigned w = 0; w < bd_control_workers(control); w++)
        sum_ns += bd_stat_read(&bd_control_stats(control, w)->latency_sum_ns);
    evbuffer_add_printf(
        out, RRD_NAME "_bucket{le=\"+Inf\"} %llu\n" RRD_NAME "_sum %.9g\n" RRD_NAME "_count %llu\n",
        (unsigned long long)cnt, (double)sum_ns / 1e9, (unsigned long long)cnt);
}

static void write_ring_family(const struct bd_control *control, const char *name, const char *help,
                              uint32_t (*read)(const struct bd_ring *ring), struct evbuffer *out)
{
    family(out, "gauge", name, help);
    for (unsigned w = 0; w < bd_control_workers(control); w++) {
        struct bd_channel channel = bd_channel_of(&control->arena, w);
        const struct {
            const char *label;
            const struct bd_ring *ring;
        } rings[] = {{"jobs", channel.jobs},        {"verdicts", channel.verdicts},
                     {"sweeps", channel.sweeps},    {"commands", channel.commands},
                     {"reports", channel.reports},  {"inbound", channel.inbound},
                     {"outbound", channel.outbound}};
        for (unsigned i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
            evbuffer_add_printf(out, "%s{worker=\"%u\",ring=\"%s\"} %u\n", name, w, rings[i].label,
                                read(rings[i].ring));
    }
}

static void write_stalled(const struct bd_control *control, struct evbuffer *out)
{
    family(out, "gauge", STILL_NAME, STILL_HELP);
    for (unsigned w = 0; w < bd_control_workers(control); w++)
        evbuffer_add_printf(out, STILL_NAME "{worker=\"%u\"} %.1f\n", w,
                            (double)bd_health_stalled_ms(control->health, w) / 1000);
}

static const struct {
    const char *name, *help;
    size_t off;
} event_rows[] = {
#define X(name, help)                                                                              \
    {"bindery_reg_event_" #name "_total", help, offsetof(struct bd_events_numbers, name)},
    BD_EVENTS_NUMBERS(X)
#undef X
};
enum { EVENT_ROW_CNT = sizeof(event_rows) / sizeof(event_rows[0]) };

static void write_events(const struct bd_control *control, struct evbuffer *out)
{
    const char *numbers = (const char *)bd_events_numbers(control->events);
    for (unsigned i = 0; i < EVENT_ROW_CNT; i++) {
        uint64_t value;
        memcpy(&value, numbers + event_rows[i].off, sizeof(value));
        family(out, "counter", event_rows[i].name, event_rows[i].help);
        evbuffer_add_printf(out, "%s %llu\n", event_rows[i].name, (unsigned long long)value);
    }
}

static void write_verifications(const struct bd_control *control, struct evbuffer *out)
{
    uint64_t sum[BD_VERIFY_RC_CNT] = {0};
    for (unsigned i = 0; i < control->started->verifiers; i++) {
        struct bd_verifier_stats stats;
        bd_verifiers_stats(control->verifiers, i, &stats);
        for (unsigned r = 0; r < BD_VERIFY_RC_CNT; r++)
            sum[r] += stats.result[r];
    }
    family(out, "counter", CHECK_NAME, CHECK_HELP);
    for (unsigned r = 0; r < BD_VERIFY_RC_CNT; r++)
        evbuffer_add_printf(out, CHECK_NAME "{result=\"%s\"} %llu\n", bd_verify_rc_text[r],
                            (unsigned long long)sum[r]);
}

static void write_rule(void *arg, unsigned number, const struct bd_config_rule *rule, uint64_t hits)
{
    evbuffer_add_printf(arg, RULE_NAME "{rule=\"%u\",field=\"%s\",action=\"%s\"} %llu\n", number,
                        bd_screen_field_word[rule->field], bd_screen_action_word[rule->action.what],
                        (unsigned long long)hits);
}

static void write_alarms(struct bd_alarms *alarms, struct evbuffer *out)
{
    family(out, "gauge", ALARM_NAME, ALARM_HELP);
    for (unsigned i = 0; i < BD_ALARM_CNT; i++) {
        struct bd_alarm_state state;
        bd_alarm_read(alarms, (enum bd_alarm)i, &state);
        evbuffer_add_printf(out, ALARM_NAME "{name=\"%s\"} %d\n", bd_alarm_info[i].label,
                            state.raised);
    }
}

void bd_metrics_write(struct bd_control *control, const struct bd_table_info *info,
                      struct evbuffer *out)
{
    struct view view = {.control = control, .info = info, .now_ms = bd_clock_ms()};
    bd_sweeper_read(control->sweeper, view.now_ms, &view.sweep);
    family(out, "gauge", BUILD_NAME, BUILD_HELP);
    evbuffer_add_printf(out, BUILD_NAME "{version=\"%s\"} 1\n", BD_VERSION);
    for (unsigned i = 0; i < GAUGE_CNT; i++) {
        family(out, gauges[i].type, gauges[i].name, gauges[i].help);
        evbuffer_add_printf(out, "%s %.17g\n", gauges[i].name, gauges[i].read(&view));
    }
    write_alarms(control->alarms, out);
    bd_journal_metrics_write(control, out);
    write_verdicts(control, out);
    write_ineffective(control, out);
    write_verifications(control, out);
    write_events(control, out);
    family(out, "counter", RULE_NAME, RULE_HELP);
    bd_screening_visit(control, write_rule, out);
    write_latency(control, out);
    write_counters(control, out);
    write_stalled(control, out);
    bd_shedding_metrics_write(control, out);
    write_ring_family(control, RING_NAME, RING_HELP, bd_ring_used, out);
    write_ring_family(control, RING_MAX, RING_MHELP, bd_ring_size, out);
}

/* --- docs
 * ------------------------------------------------------------------------------------------- */

static void docs_row(FILE *out, const char *name, const char *labels, const char *type,
                     const char *help)
{
    fprintf(out, "| `%s` | %s | %s | %s |\n", name, labels, type, help);
}

void bd_metrics_print_docs(FILE *out)
{
    fputs("| name | labels | type | what it is |\n| --- | --- | --- | --- |\n", out);
    docs_row(out, BUILD_NAME, "version", "gauge", BUILD_HELP);
    for (unsigned i = 0; i < GAUGE_CNT; i++)
        docs_row(out, gauges[i].name, "", gauges[i].type, gauges[i].help);
    docs_row(out, ALARM_NAME, "name", "gauge", ALARM_HELP);
    bd_journal_metrics_docs(out);
    docs_row(out, FRAMES_NAME, "verdict", "counter", FRAMES_HELP);
    docs_row(out, REQUEST_NAME, "verdict, status", "counter", REQUEST_HELP);
    docs_row(out, IRA_NAME, "", "counter", IRA_HELP);
    docs_row(out, CHECK_NAME, "result", "counter", CHECK_HELP);
    for (unsigned i = 0; i < EVENT_ROW_CNT; i++)
        docs_row(out, event_rows[i].name, "", "counter", event_rows[i].help);
    docs_row(out, RULE_NAME, "rule, field, action", "counter", RULE_HELP);
    docs_row(out, RRD_NAME, "le", "histogram", RRD_HELP);
    for (unsigned i = 0; i < BD_COUNTER_CNT; i++) {
        char name[96];
        snprintf(name, sizeof(name), "bindery_%s_total", bd_counter_info[i].text);
        docs_row(out, name, "worker", "counter", bd_counter_info[i].help);
    }
    docs_row(out, STILL_NAME, "worker", "gauge", STILL_HELP);
    bd_shedding_metrics_docs(out);
    docs_row(out, RING_NAME, "worker, ring", "gauge", RING_HELP);
    docs_row(out, RING_MAX, "worker, ring", "gauge", RING_MHELP);
}
