/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <jansson.h>
#include <stdio.h>

struct report {
    json_t *array;
};

struct report *report_new(void)
{
    static struct report report;
    report.array = json_array();
    return &report;
}

static void put(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* Prints the object as a line and keeps it. */
static void add(struct report *report, json_t *object)
{
    const char *key;
    json_t *value;
    fputs("result", stdout);
    json_object_foreach(object, key, value)
    {
        if (json_is_string(value))
            printf(" %s=%s", key, json_string_value(value));
        else
            printf(" %s=%" JSON_INTEGER_FORMAT, key, json_integer_value(value));
    }
    putchar('\n');
    fflush(stdout);
    json_array_append_new(report->array, object);
}

static void put_latency(json_t *object, const struct histogram *h)
{
    put(object, "p50_ns", histogram_quantile(h, 0.5));
    put(object, "p90_ns", histogram_quantile(h, 0.9));
    put(object, "p99_ns", histogram_quantile(h, 0.99));
    put(object, "p999_ns", histogram_quantile(h, 0.999));
    put(object, "max_ns", h->max);
}

void report_run(struct report *report, const char *what, const char *kind, uint64_t rate,
                const struct run_outcome *outcome)
{
    json_t *object = json_pack("{ss ss}", "what", what, "kind", kind);
    put(object, "rate_per_s", rate);
    put(object, "attempts", outcome->sent);
    put(object, "failed", outcome->failed);
    put(object, "late", outcome->late);
    put(object, "lost", outcome->lost);
    put(object, "wrong_status", outcome->wrong[CHECK_STATUS]);
    put(object, "wrong_field", outcome->wrong[CHECK_FIELD]);
    put(object, "wrong_sum", outcome->wrong[CHECK_SUM]);
    put(object, "status", outcome->first_status);
    put(object, "strange", outcome->strange);
    put(object, "done_per_s",
        outcome->seconds > 0 ? (uint64_t)((double)outcome->right / outcome->seconds) : 0);
    put_latency(object, &outcome->latency);
    put(object, "behind_ns", outcome->behind_ns);
    put(object, "stall_ns", outcome->stall_ns);
    put(object, "worker_wait_ns", outcome->worker_wait_ns);
    put(object, "stolen_ns", outcome->stolen_ns);
    put(object, "generator_busy_percent", outcome->busy_percent);
    put(object, "read_slowly", outcome->read_slowly);
    add(report, object);
}

void report_reflect(struct report *report, double rate, uint32_t frame_sz)
{
    json_t *object = json_pack("{ss ss}", "what", "reflect", "kind", "reflect");
    put(object, "rate_per_s", (uint64_t)rate);
    put(object, "frame_sz", frame_sz);
    add(report, object);
}

void report_step(const char *what, uint64_t rate, const struct run_outcome *outcome)
{
    fprintf(stderr,
            "%s: r %llu, sent %llu, failed %llu (late %llu, lost %llu, status %u), p50 %llu ns, "
            "p99 %llu ns, %llu us behind, generator %u %% busy, %llu read slowly, stalled %llu us, "
            "worker %llu us, stolen %llu us\n",
            what, (unsigned long long)rate, (unsigned long long)outcome->sent,
            (unsigned long long)outcome->failed, (unsigned long long)outcome->late,
            (unsigned long long)outcome->lost, outcome->first_status,
            (unsigned long long)histogram_quantile(&outcome->latency, 0.5),
            (unsigned long long)histogram_quantile(&outcome->latency, 0.99),
            (unsigned long long)outcome->behind_ns / 1000, outcome->busy_percent,
            (unsigned long long)outcome->read_slowly, (unsigned long long)outcome->stall_ns / 1000,
            (unsigned long long)outcome->worker_wait_ns / 1000,
            (unsigned long long)outcome->stolen_ns / 1000);
}

bool report_end(struct report *report, const char *path)
{
    bool done = !path || json_dump_file(report->array, path, JSON_INDENT(2)) == 0;
    json_decref(report->array);
    return done;
}
