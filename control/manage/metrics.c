/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics.h"

#include "events.h"
#include "gauges.h"
#include "health.h"
#include "journal_shown.h"
#include "metrics_text.h"
#include "screening.h"
#include "shedding.h"
#include "verifier.h"

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

static void write_verdicts(const struct bd_control *control, struct evbuffer *out)
{
    bd_metrics_family(out, "counter", FRAMES_NAME, FRAMES_HELP);
    for (unsigned i = 0; i < BD_SIP_REGISTERED; i++)
        evbuffer_add_printf(out, FRAMES_NAME "{verdict=\"%s\"} %llu\n", bd_verdict_info[i].text,
                            (unsigned long long)bd_control_judged(control, i));
    bd_metrics_family(out, "counter", REQUEST_NAME, REQUEST_HELP);
    for (unsigned i = BD_SIP_REGISTERED; i < BD_VERDICT_CNT; i++)
        evbuffer_add_printf(out, REQUEST_NAME "{verdict=\"%s\",status=\"%u\"} %llu\n",
                            bd_verdict_info[i].text, bd_verdict_info[i].status,
                            (unsigned long long)bd_control_judged(control, i));
}

static void write_ineffective(const struct bd_control *control, struct evbuffer *out)
{
    bd_metrics_family(out, "counter", IRA_NAME, IRA_HELP);
    evbuffer_add_printf(out, IRA_NAME " %llu\n",
                        (unsigned long long)bd_control_counted(control, BD_CTR_REGISTER_FAILED));
}

static void write_counters(const struct bd_control *control, struct evbuffer *out)
{
    for (unsigned i = 0; i < BD_COUNTER_CNT; i++) {
        char name[96];
        snprintf(name, sizeof(name), "bindery_%s_total", bd_counter_info[i].text);
        bd_metrics_family(out, "counter", name, bd_counter_info[i].help);
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
    bd_metrics_family(out, "histogram", RRD_NAME, RRD_HELP);
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
    bd_metrics_family(out, "gauge", name, help);
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
    bd_metrics_family(out, "gauge", STILL_NAME, STILL_HELP);
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
        bd_metrics_family(out, "counter", event_rows[i].name, event_rows[i].help);
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
    bd_metrics_family(out, "counter", CHECK_NAME, CHECK_HELP);
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
    bd_metrics_family(out, "gauge", ALARM_NAME, ALARM_HELP);
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
    bd_metrics_family(out, "gauge", BUILD_NAME, BUILD_HELP);
    evbuffer_add_printf(out, BUILD_NAME "{version=\"%s\"} 1\n", BD_VERSION);
    bd_gauges_write(control, info, out);
    write_alarms(control->alarms, out);
    bd_journal_metrics_write(control, out);
    write_verdicts(control, out);
    write_ineffective(control, out);
    write_verifications(control, out);
    write_events(control, out);
    bd_metrics_family(out, "counter", RULE_NAME, RULE_HELP);
    bd_screening_visit(control, write_rule, out);
    write_latency(control, out);
    write_counters(control, out);
    write_stalled(control, out);
    bd_shedding_metrics_write(control, out);
    write_ring_family(control, RING_NAME, RING_HELP, bd_ring_used, out);
    write_ring_family(control, RING_MAX, RING_MHELP, bd_ring_size, out);
}

/* --- docs ------------------------------------------------------------------------------------- */

void bd_metrics_print_docs(FILE *out)
{
    fputs("| name | labels | type | what it is |\n| --- | --- | --- | --- |\n", out);
    bd_metrics_docs_row(out, BUILD_NAME, "version", "gauge", BUILD_HELP);
    bd_gauges_docs(out);
    bd_metrics_docs_row(out, ALARM_NAME, "name", "gauge", ALARM_HELP);
    bd_journal_metrics_docs(out);
    bd_metrics_docs_row(out, FRAMES_NAME, "verdict", "counter", FRAMES_HELP);
    bd_metrics_docs_row(out, REQUEST_NAME, "verdict, status", "counter", REQUEST_HELP);
    bd_metrics_docs_row(out, IRA_NAME, "", "counter", IRA_HELP);
    bd_metrics_docs_row(out, CHECK_NAME, "result", "counter", CHECK_HELP);
    for (unsigned i = 0; i < EVENT_ROW_CNT; i++)
        bd_metrics_docs_row(out, event_rows[i].name, "", "counter", event_rows[i].help);
    bd_metrics_docs_row(out, RULE_NAME, "rule, field, action", "counter", RULE_HELP);
    bd_metrics_docs_row(out, RRD_NAME, "le", "histogram", RRD_HELP);
    for (unsigned i = 0; i < BD_COUNTER_CNT; i++) {
        char name[96];
        snprintf(name, sizeof(name), "bindery_%s_total", bd_counter_info[i].text);
        bd_metrics_docs_row(out, name, "worker", "counter", bd_counter_info[i].help);
    }
    bd_metrics_docs_row(out, STILL_NAME, "worker", "gauge", STILL_HELP);
    bd_shedding_metrics_docs(out);
    bd_metrics_docs_row(out, RING_NAME, "worker, ring", "gauge", RING_HELP);
    bd_metrics_docs_row(out, RING_MAX, "worker, ring", "gauge", RING_MHELP);
}
