/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES_MAX = UINT16_MAX };

struct messages {
    double mean;
    uint32_t p99, max;
};

static struct messages messages_of(const struct crowd *crowd, uint32_t cnt)
{
    struct messages m = {0};
    uint64_t sum = 0, seen = 0;
    uint32_t *phones = calloc(MESSAGES_MAX + 1, sizeof(*phones)); /* by messages */
    if (!phones)
        abort();
    for (uint32_t number = 0; number < cnt; number++) {
        uint16_t sent = crowd_phone(crowd, number)->sent;
        phones[sent]++;
        sum += sent;
        m.max = sent > m.max ? sent : m.max;
    }
    while ((double)(seen + phones[m.p99]) < 0.99 * cnt)
        seen += phones[m.p99++];
    m.mean = (double)sum / cnt;
    free(phones);
    return m;
}

static double seconds(uint32_t ticks)
{
    return (double)ticks / CROWD_TICKS_PER_S;
}

static void print_times(const struct crowd_counts *c, uint32_t now)
{
    static const char *const name[CROWD_MARKS] = {"seconds_50", "seconds_90", "seconds_99",
                                                  "seconds"};
    for (unsigned i = 0; i < CROWD_MARKS; i++) {
        if (c->mark[i])
            printf(" %s=%.3f", name[i], seconds(c->mark[i]));
    }
    printf(" ran_s=%.1f late_ms=%.1f", seconds(now), 1000 * seconds(c->late));
}

static void print_count(const char *name, uint64_t count)
{
    printf(" %s=%llu", name, (unsigned long long)count);
}

bool report(struct crowd *crowd, uint32_t cnt, uint32_t now, uint64_t worker_wait_ns)
{
    const struct crowd_counts *c = crowd_counts(crowd);
    const struct histogram *waited = crowd_waited(crowd);
    struct messages m = messages_of(crowd, cnt);
    printf("op=avalanche bindings=%u rate_per_s=%.0f failed=%u", cnt,
           now ? c->registered / seconds(now) : 0, cnt - c->registered);
    print_count("p50_ns", histogram_quantile(waited, 0.5));
    print_count("p99_ns", histogram_quantile(waited, 0.99));
    print_times(c, now);
    printf(" messages=%.2f messages_p99=%u messages_max=%u", m.mean, m.p99, m.max);
    print_count("sent", c->sent);
    print_count("again", c->again);
    print_count("lost", c->lost);
    print_count("queue_lost", c->queue_lost);
    print_count("challenges", c->challenges);
    print_count("busy", c->busy);
    print_count("refusals", c->refusals);
    print_count("refusal_status", c->status);
    print_count("unanswered", c->unanswered);
    print_count("stray", c->stray);
    print_count("wrong", c->wrong);
    print_count("strange", c->strange);
    print_count("worker_wait_ns", worker_wait_ns);
    putchar('\n');
    return c->registered == cnt && c->wrong == 0;
}
