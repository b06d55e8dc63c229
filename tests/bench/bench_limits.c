/* SPDX-License-Identifier: BSD-3-Clause */
/* What limits cost a worker, in ns: of a datagram (bursts of 32, sources at random), of a
 * registration, of credentials, of a look-up in the lists alone. Best of many passes.
 *
 *   bench_limits */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ban.h"
#include "limiter.h"
#include "source.h"

enum { SOURCES = 1 << 20, PASSES = 15, POLICY_CAP = 8 << 20 };

static struct bd_arena arena;
static struct bd_limiter *limiter;
static struct bd_ip source[SOURCES];
static void *policy;

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static struct bd_prefix_map *lists_of(unsigned cnt)
{
    struct bd_prefix *all = calloc(cnt + 1, sizeof(*all));
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t network = __builtin_bswap32((uint32_t)random() << 8);
        all[i] = (struct bd_prefix){bd_ip_from_v4(&network), 120};
    }
    const struct bd_prefixes none = {NULL, 0}, deny = {all, cnt};
    struct bd_prefix_map *map = bd_prefix_map_make(&none, 1, &deny, 1);
    free(all);
    return map;
}

/* Limits as they come, and so many prefixes in deny. */
static void publish(unsigned prefixes, uint64_t now_ms)
{
    static uint64_t sequence;
    struct bd_prefix_map *map = prefixes ? lists_of(prefixes) : NULL;
    struct bd_policy_in in = {
        .default_domain = -1,
        .prefix_map = map,
        .bans_enforced = true,
        .limits = {.source = bd_rate_terms_of(10000, 50000),
                   .aor = bd_rate_terms_of(10, 100),
                   .source_mask = {bd_source_mask(64), bd_source_mask_v4(32)},
                   .failed_per_source = 100,
                   .failed_per_aor = 20,
                   .failed_aor_pause_s = 600,
                   .failed_ban_s = 60,
                   .failed_ban_max_s = 3600,
                   .failed_forget_s = 86400,
                   .rates_enforced = true},
    };
    if (bd_policy_build(policy, POLICY_CAP, &in, NULL) == 0)
        abort();
    ((struct bd_policy *)policy)->sequence = ++sequence;
    bd_limiter_use(limiter, policy, now_ms);
    free(map);
}

static uint64_t admit_all(unsigned sources)
{
    uint64_t heard = 0;
    for (unsigned i = 0; i < SOURCES; i += BD_BURST) {
        for (unsigned k = 0; k < BD_BURST; k++)
            bd_limiter_prefetch(limiter, k, &source[(i + k) % sources]);
        for (unsigned k = 0; k < BD_BURST; k++)
            heard += bd_limiter_admit(limiter, k,
                                      &(struct bd_endpoint){source[(i + k) % sources], 5060}) ==
                     BD_VERDICT_NONE;
    }
    return heard;
}

static uint64_t register_all(unsigned sources)
{
    uint64_t taken = 0;
    for (unsigned i = 0; i < SOURCES; i += BD_BURST) {
        struct bd_limit_claim claim[BD_BURST];
        for (unsigned k = 0; k < BD_BURST; k++) {
            claim[k] = (struct bd_limit_claim){.key = (i + k) * 0x9e3779b97f4a7c15ULL,
                                               .source = &source[i + k]};
            bd_limiter_prefetch_aor(limiter, claim[k].key);
        }
        for (unsigned k = 0; k < BD_BURST; k++)
            taken += bd_limiter_aor(limiter, &claim[k]);
    }
    return taken;
}

static uint64_t guess_all(unsigned sources)
{
    uint64_t tried = 0;
    for (unsigned i = 0; i < SOURCES; i++) {
        struct bd_limit_claim claim = {.key = i * 0x9e3779b97f4a7c15ULL, .source = &source[i]};
        bool known = !bd_limiter_guards(limiter, &claim);
        tried += bd_limiter_guess(limiter, &claim, known) == BD_VERDICT_NONE;
    }
    return tried;
}

static void measure(const char *what, uint64_t (*all)(unsigned), unsigned sources)
{
    static uint64_t now_ms = 1000000000;
    double best = 1e18;
    uint64_t sum = 0;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        bd_limiter_use(limiter, policy, now_ms += 200000);
        double begin = now_ns();
        sum += all(sources);
        double took = (now_ns() - begin) / SOURCES;
        best = took < best ? took : best;
    }
    printf("%-58s %6.1f ns  (%.0f %% go on)\n", what, best, 100.0 * (double)sum / PASSES / SOURCES);
}

int main(void)
{
    struct bd_arena_params params = {0};
    struct bd_error error;
    for (unsigned i = 0; i < BD_REGION_CNT; i++)
        params.region_sz[i] = 4096;
    params.region_sz[BD_REGION_BANS] = bd_bans_footprint();
    params.region_sz[BD_REGION_LIMITS] = bd_limits_footprint(1);
    params.region_sz[BD_REGION_STATS] = sizeof(struct bd_worker_stats);
    policy = aligned_alloc(64, POLICY_CAP);
    if (!policy || bd_arena_create_private(&arena, &params, &error) < 0)
        return 1;
    limiter = bd_limiter_new(&arena, bd_arena_region(&arena, BD_REGION_STATS), 0, &error);
    for (unsigned i = 0; i < SOURCES; i++) {
        uint32_t address = (uint32_t)random();
        source[i] = bd_ip_from_v4(&address);
    }
    publish(0, 1000000000);
    measure("datagram, one source, in its rate and beyond", admit_all, 1);
    measure("datagram, 1,000 sources", admit_all, 1000);
    measure("datagram, a million sources", admit_all, SOURCES);
    measure("registration, a million AoRs", register_all, SOURCES);
    measure("credentials, nobody has failed", guess_all, SOURCES);
    publish(10000, 1000000000);
    measure("datagram, a million sources, 10,000 prefixes", admit_all, SOURCES);
    publish(0, 1000000000);
    bd_ban_put(&arena, &source[0], 1000000, 1U << 30, BD_BAN_OPERATOR);
    measure("datagram, a million sources, a ban in force", admit_all, SOURCES);
    struct bd_limit_claim claim = {.key = 1, .source = &source[0]};
    bd_limiter_use(limiter, policy, 1ULL << 38);
    bd_limiter_failed(limiter, &claim, false);
    measure("credentials, somebody has failed", guess_all, SOURCES);
    return 0;
}
