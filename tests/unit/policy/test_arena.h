/* SPDX-License-Identifier: BSD-3-Clause */
/* An arena that holds the policy, the provisioned set, bans and counters. */
#ifndef BD_TEST_POLICY_ARENA_H
#define BD_TEST_POLICY_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ban.h"
#include "policy.h"
#include "provisioned.h"
#include "stats.h"

enum { TEST_WORKERS = 2 };

static inline void test_arena_make(struct bd_arena *arena, uint64_t subscribers_max)
{
    struct bd_arena_params params = {0};
    struct bd_error error;
    for (unsigned i = 0; i < BD_REGION_CNT; i++)
        params.region_sz[i] = 4096;
    params.region_sz[BD_REGION_POLICY] = bd_policy_footprint();
    params.region_sz[BD_REGION_BANS] = bd_bans_footprint();
    params.region_sz[BD_REGION_LIMITS] = 4U << 20; /* limiter.h, which this folder does not know */
    params.region_sz[BD_REGION_STATS] = sizeof(struct bd_worker_stats) * TEST_WORKERS;
    params.region_sz[BD_REGION_PROVISIONED] = bd_provisioned_footprint(subscribers_max);
    assert_int_equal(bd_arena_create_private(arena, &params, &error), 0);
    bd_policy_format(arena);
    bd_provisioned_format(arena, subscribers_max);
}

#endif
