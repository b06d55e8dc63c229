/* SPDX-License-Identifier: BSD-3-Clause */
/* The in-process replay tier: the real worker, registrar, table, rings and verifiers without a
 * wire, for what two cores cannot host beside a load generator (method: README of tests/bench).
 *
 *   bench_replay WHAT [-n BINDINGS] [-w WORKERS] [-r ROUNDS] [-s RULES]
 *
 *   register     initial registrations up to BINDINGS          (open domain)
 *   reregister   re-registrations of them in random order, ROUNDS times
 *   challenge    REGISTERs without credentials, each drawing a 401
 *   digest       re-registrations with pre-emptive MD5 credentials, then by full challenge
 *   redirect     INVITEs to them, each drawing a 302
 *
 * RULES is the absolute path of a file of screening rules.
 *
 * Prints a line of key=value a measurement. rate_per_s is of the whole loop, ns_per_op is that time
 * a request and worker, of which tier_ns is the bench's own (writing the request, checking the
 * reply) and idle_ns went by without work (a verifier was behind); net_rate_per_s is the rate
 * without it, where the worker alone limits it. Exits 1 when a reply was wrong or missing, or the
 * table does not hold exactly the AoRs sent. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "appliance.h"

#include <rte_cycles.h>

enum { WINDOW = 1024 };

struct bench {
    struct replay_settings settings;
    unsigned rounds, round; /* asked for; the next one's number */
    struct replay_appliance *appliance;
    struct replay_credentials *credentials;
    bool failed;
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The one function that the worker wants of DPDK's EAL, which is not started here. */
uint64_t rte_get_tsc_hz(void)
{
    static uint64_t hz;
    if (hz == 0) {
        uint64_t ns = now_ns(), tsc = rte_rdtsc(), passed;
        while ((passed = now_ns() - ns) < 50000000)
            ;
        hz = (uint64_t)((double)(rte_rdtsc() - tsc) * 1e9 / (double)passed);
    }
    return hz;
}

static void run_phase(struct bench *b, enum replay_method method, const char *status, uint32_t nc,
                      struct replay_outcome *sum)
{
    const struct replay_phase phase = {.method = method,
                                       .status = status,
                                       .round = b->round++,
                                       .bindings = b->settings.bindings,
                                       .queues = b->settings.workers,
                                       .window = WINDOW,
                                       .nc = nc,
                                       .credentials = b->credentials};
    struct replay_outcome one = replay_appliance_run(b->appliance, &phase);
    sum->sent += one.sent;
    sum->failed += one.failed;
    sum->tier_tsc += one.tier_tsc;
    sum->idle_tsc += one.idle_tsc;
    sum->end_tsc += one.end_tsc - one.begin_tsc;
    b->failed = b->failed || one.failed > 0;
}

/* `ops` of what is counted; a full challenge is two requests to one registration. */
static void report(struct bench *b, const char *what, const struct replay_outcome *sum,
                   uint64_t ops, bool worker_limits)
{
    double ns_per_tick = 1e9 / (double)rte_get_tsc_hz();
    double all_ns = (double)sum->end_tsc * ns_per_tick;
    double tier_ns = (double)sum->tier_tsc * ns_per_tick / (double)ops;
    double ns = all_ns * b->settings.workers / (double)ops;
    printf("what=%s workers=%u bindings=%u requests=%" PRIu64 " rate_per_s=%.0f failed=%" PRIu64
           " ns_per_op=%.1f tier_ns=%.1f idle_ns=%.1f",
           what, b->settings.workers, b->settings.bindings, sum->sent, (double)ops * 1e9 / all_ns,
           sum->failed, ns, tier_ns, (double)sum->idle_tsc * ns_per_tick / (double)ops);
    if (worker_limits)
        printf(" net_rate_per_s=%.0f", b->settings.workers * 1e9 / (ns - tier_ns));
    for (unsigned w = 0; w < b->settings.workers; w++)
        printf(" busy_ms_%u=%.0f", w,
               (double)replay_appliance_busy_tsc(b->appliance, w) * ns_per_tick / 1e6);
    printf(" huge=%d\n", replay_appliance_huge(b->appliance));
    fflush(stdout);
}

static void one_phase(struct bench *b, const char *what, enum replay_method method,
                      const char *status)
{
    struct replay_outcome sum = {0};
    run_phase(b, method, status, 0, &sum);
    if (what)
        report(b, what, &sum, sum.sent, true);
}

/* --- what to measure ------------------------------------------------------------------------ */

static void bench_register(struct bench *b)
{
    one_phase(b, "register", REPLAY_REGISTER, "200");
}

static void bench_reregister(struct bench *b)
{
    one_phase(b, "register", REPLAY_REGISTER, "200");
    for (unsigned i = 0; i < b->rounds; i++)
        one_phase(b, "reregister", REPLAY_REGISTER, "200");
}

static void bench_challenge(struct bench *b)
{
    for (unsigned i = 0; i < b->rounds; i++)
        one_phase(b, "challenge", REPLAY_REGISTER, "401");
}

static void bench_redirect(struct bench *b)
{
    one_phase(b, NULL, REPLAY_REGISTER, "200");
    for (unsigned i = 0; i < b->rounds; i++)
        one_phase(b, "redirect", REPLAY_INVITE, "302");
}

/* Challenged without credentials, then again with them. */
static struct replay_outcome challenge_and_answer(struct bench *b)
{
    struct replay_outcome sum = {0};
    run_phase(b, REPLAY_REGISTER, "401", 0, &sum);
    replay_appliance_answer(b->appliance, b->credentials, 1);
    run_phase(b, REPLAY_AUTHORIZED, "200", 1, &sum);
    return sum;
}

static void bench_digest(struct bench *b)
{
    b->credentials = calloc(b->settings.bindings, sizeof(*b->credentials));
    if (!b->credentials)
        exit(1);
    challenge_and_answer(b);
    for (unsigned i = 0; i < b->rounds; i++) {
        struct replay_outcome sum = {0};
        replay_appliance_answer(b->appliance, b->credentials, 2 + i);
        run_phase(b, REPLAY_AUTHORIZED, "200", 2 + i, &sum);
        report(b, "digest_preemptive", &sum, sum.sent, false);
    }
    struct replay_outcome sum = challenge_and_answer(b);
    report(b, "digest_challenge", &sum, sum.sent / 2, false);
    free(b->credentials);
}

static const struct {
    const char *name;
    void (*run)(struct bench *b);
    bool digest, redirect, registers;
} bench_of[] = {
    {"register", bench_register, .registers = true},
    {"reregister", bench_reregister, .registers = true},
    {"challenge", bench_challenge, .digest = true},
    {"digest", bench_digest, .digest = true, .registers = true},
    {"redirect", bench_redirect, .redirect = true, .registers = true},
};
enum { BENCHES = sizeof(bench_of) / sizeof(bench_of[0]) };

static int usage(void)
{
    fprintf(stderr, "usage: bench_replay register|reregister|challenge|digest|redirect "
                    "[-n BINDINGS] [-w 1|2] [-r ROUNDS] [-s RULES]\n");
    return 2;
}

static int run(struct bench *b, unsigned which)
{
    struct bd_error error = {""};
    b->settings.digest = bench_of[which].digest;
    b->settings.redirect = bench_of[which].redirect;
    b->appliance = replay_appliance_start(&b->settings, &error);
    if (!b->appliance) {
        fprintf(stderr, "bench_replay: %s\n", error.text);
        return 1;
    }
    bench_of[which].run(b);
    uint64_t aors = replay_appliance_aors(b->appliance);
    uint64_t due = bench_of[which].registers ? b->settings.bindings : 0;
    if (aors != due) {
        fprintf(stderr, "bench_replay: the table holds %" PRIu64 " AoRs, %" PRIu64 " were sent\n",
                aors, due);
        b->failed = true;
    }
    replay_appliance_stop(b->appliance);
    return b->failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.settings = {.bindings = 1000000, .workers = 1}, .rounds = 3};
    bd_log_init("bench_replay", BD_LOG_WARNING);
    int option;
    while ((option = getopt(argc, argv, "n:w:r:s:")) != -1) {
        unsigned value = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
        if (option == 'n')
            b.settings.bindings = value;
        else if (option == 'w')
            b.settings.workers = value;
        else if (option == 'r')
            b.rounds = value;
        else if (option == 's')
            b.settings.rules = optarg;
        else
            return usage();
    }
    if (optind + 1 != argc || b.settings.workers < 1 || b.settings.workers > 2 ||
        b.settings.bindings < b.settings.workers || b.rounds < 1)
        return usage();
    for (unsigned i = 0; i < BENCHES; i++) {
        if (strcmp(argv[optind], bench_of[i].name) == 0)
            return run(&b, i);
    }
    return usage();
}
