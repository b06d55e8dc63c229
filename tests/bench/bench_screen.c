/* SPDX-License-Identifier: BSD-3-Clause */
/* What screening costs a request on one core: messages of many makes, each of them different, in
 * bursts of 32, after the parse.
 *
 *     bench_screen CONFIG [SECONDS PER LINE, default 0.5]
 *
 * CONFIG is a configuration whose rules are measured; besides it, generated ones: 25 and 1,000
 * plain texts and 1,000 expressions, spread over From, To, Contact, User-Agent and the Request-URI.
 * "scan": none of the messages has been seen; "skip": all have. A line each, for programs too:
 *
 *     screen WHICH rules N bytes N compile_ms MS scan NS skip NS
 *
 * Run on an idle machine, pinned: taskset -c 1. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "compile.h"
#include "screen.h"
#include "screener.h"
#include "varied.h"

static struct bd_arena arena;
static struct bd_epoch epoch;
static struct bd_screener *screener;
static struct varied varied;
static struct bd_message burst[BD_BURST];
static volatile uint64_t sink;

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_screen: %s\n", what);
    exit(1);
}

static void make_arena(void)
{
    struct bd_arena_params params = {0};
    struct bd_error error;
    for (unsigned i = 0; i < BD_REGION_CNT; i++)
        params.region_sz[i] = 2 << 20;
    params.region_sz[BD_REGION_POLICY] = bd_policy_footprint();
    if (bd_arena_create_private(&arena, &params, &error) < 0)
        die(error.text);
    bd_policy_format(&arena);
    bd_epoch_init(&epoch);
    screener = bd_screener_new(&arena, bd_arena_region(&arena, BD_REGION_STATS), 1 << 20, &error);
    if (!screener)
        die(error.text);
}

/* --- rules ------------------------------------------------------------------------------------ */

static struct bd_config_rule *generate(unsigned cnt, bool plain)
{
    static const int fields[] = {BD_SCREEN_USER_AGENT, BD_SCREEN_FROM, BD_SCREEN_TO,
                                 BD_SCREEN_CONTACT, BD_SCREEN_REQUEST_URI};
    struct bd_config_rule *rules = calloc(cnt, sizeof(*rules));
    for (unsigned i = 0; rules && i < cnt; i++) {
        char word[12] = {0}, pattern[64];
        for (unsigned k = 0; k < 9; k++)
            word[k] = (char)('a' + (i * 7919 + k * 104729 + i * k * 31) % 26);
        snprintf(pattern, sizeof(pattern), plain ? "%s%u" : "%s%u[^@]{0,9}(?:or|and)\\s*=", word,
                 i);
        rules[i] = (struct bd_config_rule){.field = fields[i % 5],
                                           .pattern = strdup(pattern),
                                           .caseless = true,
                                           .action = {.what = BD_SCREEN_DROP}};
    }
    return rules;
}

/* Returns how long it took, in ms. */
static double put_in_force(const struct bd_config *config, uint32_t *bytes)
{
    struct bd_error error;
    uint32_t size;
    double begin_ns = now_ns();
    void *blob = bd_policy_compile(&arena, config, &size, &error);
    if (!blob)
        die(error.text);
    double took_ns = now_ns() - begin_ns;
    const struct bd_policy *policy = blob;
    *bytes = policy->screen_off ? size - policy->screen_off : 0;
    if (bd_policy_publish(&arena, &epoch, blob, size) < 0)
        die("no slot is free");
    free(blob);
    bd_screener_use(screener, bd_policy_current(&arena));
    return took_ns / 1e6;
}

/* --- measuring -------------------------------------------------------------------------------- */

static void screen_burst(void)
{
    static const struct bd_ip source = {{0}};
    unsigned code = 0;
    for (unsigned i = 0; i < BD_BURST; i++)
        bd_screener_begin(screener, i, &burst[i], BD_VERDICT_NONE);
    for (unsigned i = 0; i < BD_BURST; i++)
        sink += (uint64_t)bd_screener_judge(screener, i, &source, 1, &code);
}

/* One pass over all messages; the parse is not counted. */
static double pass_ns(void)
{
    double ns = 0;
    for (unsigned at = 0; at + BD_BURST <= varied.cnt; at += BD_BURST) {
        for (unsigned i = 0; i < BD_BURST; i++)
            sink += (uint64_t)bd_message_parse(&burst[i], varied.text[at + i], varied.len[at + i]);
        double begin_ns = now_ns();
        screen_burst();
        ns += now_ns() - begin_ns;
    }
    return ns / (varied.cnt / BD_BURST * BD_BURST);
}

/* To rules of another identity nothing has been shown yet. */
static void forget(void)
{
    const struct bd_screen *screen = bd_policy_screen(bd_policy_current(&arena));
    if (screen)
        ((struct bd_screen *)(uintptr_t)screen)->identity++;
}

/* The best pass: what else the machine does only ever adds. */
static double best_ns(double seconds, bool scan)
{
    double end_ns = now_ns() + seconds * 1e9, best = pass_ns();
    for (unsigned passes = 0; passes < 3 || now_ns() < end_ns; passes++) {
        if (scan)
            forget();
        double ns = pass_ns();
        best = passes == 0 || ns < best ? ns : best;
    }
    return best;
}

static void measure(const char *which, const struct bd_config *config, double seconds)
{
    uint32_t bytes;
    double ms = put_in_force(config, &bytes);
    double scan = best_ns(seconds, true), skip = best_ns(seconds, false);
    printf("screen %-12s rules %4u bytes %7u compile_ms %6.0f scan %6.1f skip %6.1f\n", which,
           config->rule_cnt, bytes, ms, scan, skip);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    if (argc < 2)
        die("usage: bench_screen CONFIG [SECONDS]");
    double seconds = argc > 2 ? atof(argv[2]) : 0.5;
    struct bd_config *config = bd_config_load(argv[1], stderr);
    if (!config)
        return 1;
    make_arena();
    corpus_load(&corpus, "", ".sip");
    varied_fill(&varied, &corpus, 450, 950, 1);
    struct bd_config generated = *config;
    generated.rule_cnt = 0;
    measure("none", &generated, seconds);
    measure("file", config, seconds);
    generated.rules = generate(1000, true);
    generated.rule_cnt = 25;
    measure("plain", &generated, seconds);
    generated.rule_cnt = 1000;
    measure("plain", &generated, seconds);
    generated.rules = generate(1000, false);
    measure("expressions", &generated, seconds);
    return 0;
}
