/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <stdio.h>

static void print_count(const char *name, uint64_t count)
{
    printf(" %s=%llu", name, (unsigned long long)count);
}

static void print_flood(const struct flood_options *o, const struct flood_counts *c, double flood_s)
{
    uint64_t taken = 0;
    for (unsigned kind = 0; kind < FLOOD_KINDS; kind++)
        taken += c->taken[kind];
    print_count("flood", taken);
    print_count("flood_lost", c->lost);
    print_count("flood_skipped", c->skipped);
    printf(" flood_per_s=%.0f", flood_s > 0 ? (double)taken / flood_s : 0);
    for (unsigned kind = 0; kind < FLOOD_KINDS && (o->rotate_s > 0 || o->kind == FLOOD_MIX); kind++)
        print_count(flood_kind_name[kind], c->taken[kind]);
}

/* A transaction ends with a final reply or with Timer F. */
static void print_phones(const struct crowd_counts *c, const struct histogram *answered)
{
    uint64_t transactions = answered->cnt + c->unanswered;
    print_count("transactions", transactions);
    print_count("unanswered", c->unanswered);
    printf(" first_percent=%.3f answered_percent=%.3f",
           transactions ? 100.0 * (double)c->first / (double)transactions : 0,
           transactions ? 100.0 * (double)answered->cnt / (double)transactions : 0);
    print_count("p50_ns", histogram_quantile(answered, 0.5));
    print_count("p99_ns", histogram_quantile(answered, 0.99));
    print_count("max_ns", answered->max);
    print_count("sent", c->sent);
    print_count("again", c->again);
    print_count("lost", c->lost);
    print_count("ok", c->ok);
    print_count("challenges", c->challenges);
    print_count("busy", c->busy);
    print_count("refusals", c->refusals);
    print_count("refusal_status", c->status);
    print_count("wrong", c->wrong);
}

bool report(const struct options *o, struct crowd *crowd, const struct flood *flood, double ran_s)
{
    const struct crowd_counts *c = crowd_counts(crowd);
    printf("op=%s sources=%u phones=%u registered=%u failed=%u",
           o->flood.rate_per_s == 0 ? "peace"
           : o->flood.rotate_s > 0  ? "rotate"
                                    : flood_kind_name[o->flood.kind],
           o->flood.sources, o->crowd.cnt, c->registered, o->crowd.cnt - c->registered);
    if (c->mark[CROWD_MARKS - 1])
        printf(" seconds=%.3f", (double)c->mark[CROWD_MARKS - 1] / CROWD_TICKS_PER_S);
    print_phones(c, crowd_answered(crowd));
    print_flood(&o->flood, flood_counts(flood), ran_s - o->head_s);
    printf(" ran_s=%.1f late_ms=%.1f\n", ran_s, 1000.0 * c->late / CROWD_TICKS_PER_S);
    return c->registered == o->crowd.cnt && c->wrong == 0;
}
