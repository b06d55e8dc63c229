/* SPDX-License-Identifier: BSD-3-Clause */
/* What expiry costs: all bindings of a table expire within an hour, evenly spread, and nobody
 * refreshes. The clock is simulated; the sweeps have the cadence of control's sweeper (sweeper.h),
 * and the worker takes the due buckets at the end of each of its ticks.
 *
 *   bench_expiry [--entries N] [--pages 4k|2m|1g] [--storm]      N: 10000000
 *
 *   --storm   all within one minute instead: what the workers must take when it comes at once
 *
 * core_percent is processor time spent per simulated time, of sweeper and worker together; the
 * caches are as warm as nothing else makes them cold. lag_s is how long after its expiry the last
 * of all was removed. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "table_lab.h"

enum { TICK_MS = 100, TICKS_PER_ROUND = 5, STEP = 2048, FIRST_S = 1000, HOUR_S = 3600 };
enum { BURST = 32, BUCKETS_PER_TURN = 8 };

static struct lab lab;
static uint32_t life_s = HOUR_S;

struct spent {
    uint64_t sweeper_ns, worker_ns, begun_ns;
    uint64_t removed, buckets, lag_ms_max, lag_ms_sum, now_ms;
};

static void fill(struct bd_writer *writer)
{
    char aor[LAB_AOR_LEN];
    bd_writer_online(writer);
    for (uint64_t n = 0; n < lab.entries; n++) {
        lab_aor(n, aor);
        struct bd_slot_ref ref = {.hash = bd_table_hash(&lab.table, lab_aor_str(aor))};
        /* A step through the hour that is prime to its length: neighbours expire apart. */
        struct bd_binding b = lab_binding(FIRST_S + (uint32_t)(n * 1009 % life_s));
        if (bd_table_put(writer, &ref, lab_aor_str(aor), NULL, &b, 1) != BD_TABLE_OK)
            exit(1);
        if (n % BURST == 0)
            bd_writer_quiescent(writer);
    }
}

static void lap(struct spent *spent, uint64_t *account)
{
    uint64_t now_ns = lab_clock_ns(CLOCK_MONOTONIC);
    *account += now_ns - spent->begun_ns;
    spent->begun_ns = now_ns;
}

static void removed(void *arg, struct bd_str aor, const struct bd_binding *binding)
{
    struct spent *spent = arg;
    uint64_t lag_ms = spent->now_ms - bd_state_expires_at_s(binding->state) * 1000ULL;
    spent->lag_ms_sum += lag_ms;
    spent->lag_ms_max = lag_ms > spent->lag_ms_max ? lag_ms : spent->lag_ms_max;
    spent->removed++;
}

static void work_off(struct bd_writer *writer, const uint32_t *due, unsigned cnt,
                     struct spent *spent)
{
    unsigned aors;
    for (unsigned i = 0; i < cnt; i++) {
        bd_table_expire(writer, due[i], (uint32_t)(spent->now_ms / 1000), removed, spent, &aors);
        if (i % BUCKETS_PER_TURN == 0)
            bd_writer_quiescent(writer);
    }
    spent->buckets += cnt;
}

/* A tick: the sweeper's share of its round, and what came of it for the worker. */
static void tick(struct bd_writer *writer, uint32_t *cursor, struct spent *spent)
{
    uint64_t share = lab.table.arena->header->region_sz[BD_REGION_TABLE] / 64 / TICKS_PER_ROUND + 1;
    uint32_t due[STEP];
    unsigned cnt;
    for (uint64_t seen = 0; seen < share;) {
        uint32_t from = *cursor;
        bool more = bd_table_due(&lab.table, cursor, STEP, (uint32_t)(spent->now_ms / 1000), due,
                                 STEP, &cnt);
        seen += *cursor - from;
        lap(spent, &spent->sweeper_ns);
        work_off(writer, due, cnt, spent);
        lap(spent, &spent->worker_ns);
        if (!more) {
            *cursor = 0;
            return;
        }
    }
    bd_writer_quiescent(writer);
}

static void tell(const struct spent *spent)
{
    double simulated_ns = life_s * 1e9;
    double removed_cnt = spent->removed ? (double)spent->removed : 1;
    printf("op=%s entries=%" PRIu64 " workers=1 pages=%s core_percent=%.3f sweeper_percent=%.3f "
           "worker_percent=%.3f lag_s=%.3f lag_mean_s=%.3f ns=%.1f buckets=%" PRIu64
           " removed=%" PRIu64 " failed=%" PRIu64 "\n",
           life_s == HOUR_S ? "hour" : "storm", lab.entries, lab.pages,
           (double)(spent->sweeper_ns + spent->worker_ns) * 100 / simulated_ns,
           (double)spent->sweeper_ns * 100 / simulated_ns,
           (double)spent->worker_ns * 100 / simulated_ns, (double)spent->lag_ms_max / 1e3,
           (double)spent->lag_ms_sum / removed_cnt / 1e3, (double)spent->worker_ns / removed_cnt,
           spent->buckets, spent->removed, lab.entries - spent->removed);
}

static void measure(void)
{
    struct bd_writer *writer = bd_memory_writer(lab.memory, 0);
    struct spent spent = {0};
    uint32_t cursor = 0;
    fill(writer);
    spent.begun_ns = lab_clock_ns(CLOCK_MONOTONIC);
    uint64_t end_ms = (FIRST_S + life_s + 2) * 1000ULL;
    for (spent.now_ms = (FIRST_S - 1) * 1000ULL; spent.now_ms < end_ms; spent.now_ms += TICK_MS)
        tick(writer, &cursor, &spent);
    tell(&spent);
    bd_writer_offline(writer);
}

int main(int argc, char **argv)
{
    static const struct option option[] = {{"entries", required_argument, NULL, 'n'},
                                           {"pages", required_argument, NULL, 'p'},
                                           {"storm", no_argument, NULL, 's'},
                                           {NULL, 0, NULL, 0}};
    uint64_t entries = 10000000;
    const char *pages = NULL;
    for (int c; (c = getopt_long(argc, argv, "", option, NULL)) != -1;) {
        if (c == 'n') {
            entries = strtoull(optarg, NULL, 0);
        } else if (c == 'p') {
            pages = optarg;
        } else if (c == 's') {
            life_s = 60;
        } else {
            fprintf(stderr, "bench_expiry [--entries N] [--pages 4k|2m|1g] [--storm]\n");
            return 2;
        }
    }
    if (!lab_open(&lab, entries, 1, pages))
        return 1;
    measure();
    lab_close(&lab);
    return 0;
}
