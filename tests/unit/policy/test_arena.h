/* SPDX-License-Identifier: BSD-3-Clause */
/* An arena that holds nothing but the policy and the provisioned set. */
#ifndef BD_TEST_POLICY_ARENA_H
#define BD_TEST_POLICY_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy.h"
#include "provisioned.h"

static inline void test_arena_make(struct bd_arena *arena, uint64_t subscribers_max)
{
    struct bd_arena_params params = {0};
    struct bd_error error;
    for (unsigned i = 0; i < BD_REGION_CNT; i++)
        params.region_sz[i] = 4096;
    params.region_sz[BD_REGION_POLICY] = bd_policy_footprint();
    params.region_sz[BD_REGION_PROVISIONED] = bd_provisioned_footprint(subscribers_max);
    assert_int_equal(bd_arena_create_private(arena, &params, &error), 0);
    bd_policy_format(arena);
    bd_provisioned_format(arena, subscribers_max);
}

#endif
