/* SPDX-License-Identifier: BSD-3-Clause */
/* Several workers' limiters on one arena, and control, all at once: whoever guesses passwords by
 * way of all workers has no more tries than by way of one. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ban.h"
#include "limiter.h"
#include "source.h"

enum { WORKERS = 3, SOURCES = 512, FAILED_PER_SOURCE = 100, POLICY_CAP = 1 << 16 };

static const uint64_t now_ms = 1000000000;

static struct bd_arena arena;
static struct bd_policy *policy;
static struct bd_limiter *limiter[WORKERS];
static atomic_uint working;
static atomic_uint tries[SOURCES];

static struct bd_policy_limits limits(void)
{
    return (struct bd_policy_limits){
        .source = bd_rate_terms_of(1, 200),
        .aor = bd_rate_terms_of(1, 1),
        .source_mask = {bd_source_mask(64), bd_source_mask_v4(32)},
        .failed_per_source = FAILED_PER_SOURCE,
        .failed_ban_s = 60,
        .failed_ban_max_s = 3600,
        .failed_forget_s = 86400,
        .rates_enforced = true,
    };
}

static int open_lab(void **state)
{
    struct bd_arena_params params = {0};
    struct bd_policy_in in = {.default_domain = -1, .limits = limits(), .bans_enforced = true};
    struct bd_error error;
    for (unsigned i = 0; i < BD_REGION_CNT; i++)
        params.region_sz[i] = 4096;
    params.region_sz[BD_REGION_BANS] = bd_bans_footprint();
    params.region_sz[BD_REGION_LIMITS] = bd_limits_footprint(WORKERS);
    params.region_sz[BD_REGION_STATS] = WORKERS * sizeof(struct bd_worker_stats);
    assert_int_equal(bd_arena_create_private(&arena, &params, &error), 0);
    struct bd_worker_stats *stats = bd_arena_region(&arena, BD_REGION_STATS);
    for (unsigned w = 0; w < WORKERS; w++) {
        limiter[w] = bd_limiter_new(&arena, &stats[w], w, &error);
        assert_non_null(limiter[w]);
    }
    policy = aligned_alloc(64, POLICY_CAP);
    assert_int_not_equal(bd_policy_build(policy, POLICY_CAP, &in, NULL), 0);
    policy->sequence = 1;
    return 0;
}

static int close_lab(void **state)
{
    for (unsigned w = 0; w < WORKERS; w++)
        bd_limiter_free(limiter[w]);
    bd_arena_leave(&arena);
    free(policy);
    return 0;
}

static struct bd_ip nth(uint32_t i)
{
    uint32_t network = __builtin_bswap32(0x0a000000 + i);
    return bd_ip_from_v4(&network);
}

/* A wrong password for an AoR that nobody else has tried. False: the source is banned. */
static bool guess(unsigned w, uint32_t s, uint64_t aor)
{
    struct bd_ip source = nth(s);
    struct bd_limit_claim claim = {.key = bd_hash64(&arena.hash_key, &aor, sizeof(aor)),
                                   .source = &source,
                                   .aor = BD_STR("a@example.com")};
    bd_limiter_use(limiter[w], policy, now_ms);
    bd_limiter_prefetch(limiter[w], 0, &source);
    if (bd_limiter_admit(limiter[w], 0, &(struct bd_endpoint){.ip = source}) != BD_VERDICT_NONE)
        return false;
    bd_limiter_know(limiter[w], &source);
    if (bd_limiter_guess(limiter[w], &claim, false) == BD_VERDICT_NONE) {
        bd_limiter_failed(limiter[w], &claim, false);
        atomic_fetch_add(&tries[s], 1);
    }
    if (!bd_limiter_aor(limiter[w], &claim))
        bd_limiter_refuse(limiter[w], &claim, BD_SIP_AOR_LIMITED);
    return true;
}

/* One source more, for control to see. */
static void be_too_fast(unsigned w)
{
    struct bd_ip source = nth(SOURCES);
    bd_limiter_prefetch(limiter[w], 0, &source);
    while (bd_limiter_admit(limiter[w], 0, &(struct bd_endpoint){.ip = source}) == BD_VERDICT_NONE)
        continue;
}

static void *work(void *arg)
{
    unsigned w = (unsigned)(uintptr_t)arg, heard = SOURCES;
    bool banned[SOURCES] = {false};
    for (uint64_t aor = 0; heard > 0; aor++) {
        for (uint32_t s = 0; s < SOURCES; s++) {
            if (!banned[s] && !guess(w, s, aor * WORKERS + w)) {
                banned[s] = true;
                heard--;
            }
        }
    }
    be_too_fast(w);
    working--;
    return NULL;
}

/* What `show limits` does. */
static unsigned look(void)
{
    struct bd_limits *all = bd_limits_of(&arena);
    char text[BD_REFUSED_TEXT + 1];
    uint64_t key, cnt;
    uint32_t over;
    unsigned found = 0;
    for (unsigned w = 0; w < WORKERS; w++) {
        for (unsigned i = 0; i < BD_RATES_MAX; i++)
            found += bd_rate_refused_at(&all->worker[w].sources, i, 0, &key, &over);
        for (unsigned i = 0; i < BD_REFUSED_MAX; i++) {
            if (bd_refused_at(&all->worker[w].refused, i, &cnt, text))
                assert_string_equal(text, "a@example.com");
        }
    }
    return found;
}

static void test_one_budget_for_all_workers(void **state)
{
    pthread_t thread[WORKERS];
    working = WORKERS;
    for (uintptr_t w = 0; w < WORKERS; w++)
        assert_int_equal(pthread_create(&thread[w], NULL, work, (void *)w), 0);
    while (working)
        look();
    for (unsigned w = 0; w < WORKERS; w++)
        pthread_join(thread[w], NULL);
    for (uint32_t s = 0; s < SOURCES; s++) {
        struct bd_ip source = nth(s);
        /* One more each, that was under way when another's led to the ban. */
        assert_in_range(tries[s], FAILED_PER_SOURCE + 1, FAILED_PER_SOURCE + WORKERS);
        assert_true(bd_ban_holds(&arena, &source, (uint32_t)(now_ms / 1000)));
    }
    assert_int_equal(look(), WORKERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_budget_for_all_workers, open_lab, close_lab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
