/* SPDX-License-Identifier: BSD-3-Clause */
/* `show stats`, `show workers`, `show latency`, `show config`: what shared memory tells at once. */
#include <stdlib.h>

#include "clock.h"
#include "commands.h"
#include "health.h"
#include "peer.h"
#include "state.h"
#include "verifier.h"

/* What the verifier threads of this control process did, by result. */
static uint64_t sum_result(const struct bd_control *control, unsigned result)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < control->started->verifiers; i++) {
        struct bd_verifier_stats stats;
        bd_verifiers_stats(control->verifiers, i, &stats);
        sum += stats.result[result];
    }
    return sum;
}

static json_t *counters_json(const struct bd_control *control)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < BD_COUNTER_CNT; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "counter", bd_counter_info[i].text,
                                              "total", (json_int_t)bd_control_counted(control, i),
                                              "what", bd_counter_info[i].help));
    return list;
}

/* People get those that have occurred, programs get all. */
static json_t *verdicts_json(const struct bd_control *control, bool all)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < BD_VERDICT_CNT; i++) {
        uint64_t sum = bd_control_judged(control, i);
        unsigned status = bd_verdict_info[i].status;
        if (sum > 0 || all)
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:o}", "verdict", bd_verdict_info[i].text,
                                            "total", (json_int_t)sum, "status",
                                            status ? json_integer(status) : json_null()));
    }
    return list;
}

static json_t *verifications_json(const struct bd_control *control)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < BD_VERIFY_RC_CNT; i++)
        json_array_append_new(list, json_pack("{s:s, s:I}", "verification", bd_verify_rc_text[i],
                                              "total", (json_int_t)sum_result(control, i)));
    return list;
}

void bd_command_show_stats(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    const struct bd_control *control = bd_answer_control(answer);
    bd_answer_document(answer,
                       json_pack("{s:o, s:o, s:o}", "counters", counters_json(control), "verdicts",
                                 verdicts_json(control, bd_answer_is_json(answer)), "verifications",
                                 verifications_json(control)),
                       BD_RENDER_TABLES);
}

/* --- workers ---------------------------------------------------------------------------------- */

static json_int_t counter_of(const struct bd_worker_stats *stats, enum bd_counter counter)
{
    return (json_int_t)bd_stat_read(&stats->counter[counter]);
}

static json_t *worker_json(const struct bd_control *control, unsigned w)
{
    const struct bd_worker_stats *stats = bd_control_stats(control, w);
    struct bd_channel channel = bd_channel_of(&control->arena, w);
    json_int_t polls = counter_of(stats, BD_CTR_POLLS);
    double idle = polls ? 100.0 * (double)counter_of(stats, BD_CTR_POLLS_IDLE) / (double)polls : 0;
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I}", "worker",
        (json_int_t)w, "cpu", (json_int_t)bd_stat_read(&stats->cpu), "stalled_ms",
        (json_int_t)bd_health_stalled_ms(control->health, w), "rx_frames",
        counter_of(stats, BD_CTR_RX_FRAMES), "tx_frames", counter_of(stats, BD_CTR_TX_FRAMES),
        "tx_dropped", counter_of(stats, BD_CTR_TX_DROPPED), "registers",
        counter_of(stats, BD_CTR_REGISTER_REQUESTS), "idle_percent", idle, "sleeps",
        counter_of(stats, BD_CTR_SLEEPS), "retries", counter_of(stats, BD_CTR_TABLE_RETRIES),
        "jobs_waiting", (json_int_t)bd_ring_used(channel.jobs), "verdicts_waiting",
        (json_int_t)bd_ring_used(channel.verdicts), "sweeps_waiting",
        (json_int_t)bd_ring_used(channel.sweeps));
}

void bd_command_show_workers(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    const struct bd_control *control = bd_answer_control(answer);
    json_t *list = json_array();
    for (unsigned w = 0; w < bd_control_workers(control); w++)
        json_array_append_new(list, worker_json(control, w));
    bd_answer_document(
        answer, json_pack("{s:b, s:o}", "serving", bd_peer_serving(control->peer), "workers", list),
        BD_RENDER_TABLES);
}

/* --- latency ---------------------------------------------------------------------------------- */

struct latency {
    uint64_t bucket[BD_LATENCY_BUCKETS], cnt, sum_ns;
};

static void read_latency(const struct bd_control *control, struct latency *latency)
{
    *latency = (struct latency){.cnt = 0};
    for (unsigned w = 0; w < bd_control_workers(control); w++) {
        const struct bd_worker_stats *stats = bd_control_stats(control, w);
        latency->sum_ns += bd_stat_read(&stats->latency_sum_ns);
        for (unsigned i = 0; i < BD_LATENCY_BUCKETS; i++)
            latency->bucket[i] += bd_stat_read(&stats->latency[i]);
    }
    for (unsigned i = 0; i < BD_LATENCY_BUCKETS; i++)
        latency->cnt += latency->bucket[i];
}

/* The upper bound of the bucket that holds the quantile (the lower one of the open last bucket),
 * us. */
static json_t *quantile_us(const struct latency *latency, double quantile)
{
    uint64_t rank = (uint64_t)(quantile * (double)latency->cnt), seen = 0;
    for (unsigned i = 0; i < BD_LATENCY_BUCKETS; i++) {
        seen += latency->bucket[i];
        if (seen > rank || (seen == latency->cnt && seen > 0)) {
            uint64_t upper = bd_latency_upper_ns(i);
            uint64_t ns = upper == UINT64_MAX ? bd_latency_lower_ns(i) : upper;
            return json_real((double)ns / 1000);
        }
    }
    return json_null();
}

static json_t *histogram_json(const struct latency *latency)
{
    json_t *list = json_array();
    uint64_t seen = 0;
    for (unsigned i = 0; i < BD_LATENCY_BUCKETS; i++) {
        uint64_t upper = bd_latency_upper_ns(i);
        seen += latency->bucket[i];
        if (latency->bucket[i] == 0)
            continue;
        json_array_append_new(
            list,
            json_pack("{s:f, s:o, s:I, s:f}", "from_us", (double)bd_latency_lower_ns(i) / 1000,
                      "to_us", upper == UINT64_MAX ? json_null() : json_real((double)upper / 1000),
                      "count", (json_int_t)latency->bucket[i], "percent_up_to",
                      100.0 * (double)seen / (double)latency->cnt));
    }
    return list;
}

void bd_command_show_latency(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct latency latency;
    read_latency(bd_answer_control(answer), &latency);
    double mean = latency.cnt ? (double)latency.sum_ns / (double)latency.cnt / 1000 : 0;
    bd_answer_document(
        answer,
        json_pack("{s:I, s:f, s:o, s:o, s:o, s:o, s:o}", "replies", (json_int_t)latency.cnt,
                  "mean_us", mean, "p50_us", quantile_us(&latency, 0.5), "p90_us",
                  quantile_us(&latency, 0.9), "p99_us", quantile_us(&latency, 0.99), "p999_us",
                  quantile_us(&latency, 0.999), "histogram", histogram_json(&latency)),
        BD_RENDER_TABLES);
}

/* --- config ----------------------------------------------------------------------------------- */

void bd_command_show_config(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        bd_answer_error(answer, "out of memory");
        return;
    }
    bd_config_print(bd_answer_control(answer)->config, out);
    fclose(out);
    bd_answer_text(answer, "yaml", (struct bd_str){text, (uint32_t)len});
    free(text);
}
