/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena_setup.h"

#include <stdio.h>

#include "ban.h"
#include "channel.h"
#include "dirty.h"
#include "identities.h"
#include "limiter.h"
#include "policy.h"
#include "provisioned.h"
#include "stats.h"
#include "table.h"

static uint64_t nonces_footprint(uint64_t subscribers_max)
{
    uint64_t size = subscribers_max * BD_NONCES_PER_SUBSCRIBER_SZ;
    return size > BD_NONCES_MIN_SZ ? size : BD_NONCES_MIN_SZ;
}

/* Room for a few workers more than are asked for, so that their number can change without a new
 * arena. */
static unsigned worker_room(const struct bd_config *config)
{
    return config->workers > BD_WORKER_ROOM_MIN ? config->workers : BD_WORKER_ROOM_MIN;
}

/* Unkeyed on purpose: both processes must get the same from the same settings. */
static uint64_t fingerprint_of(const struct bd_config *config)
{
    const uint64_t settings[] = {config->bindings_max,   config->subscribers_max,
                                 config->record_avg_sz,  worker_room(config),
                                 config->identities_max, BD_ARENA_LAYOUT};
    struct bd_hash_key key;
    bd_hash_key_init(&key, 0);
    return bd_hash64(&key, settings, sizeof(settings));
}

static void format_regions(struct bd_arena *arena, const void *arg)
{
    bd_arena_format_regions(arena, arg);
}

int bd_arena_params_from(const struct bd_config *config, struct bd_arena_params *params,
                         struct bd_error *error)
{
    *params = (struct bd_arena_params){
        .region_sz =
            {
                [BD_REGION_POLICY] = bd_policy_footprint(),
                [BD_REGION_PROVISIONED] = bd_provisioned_footprint(config->subscribers_max),
                [BD_REGION_IDENTITIES] = bd_identities_footprint(config->identities_max),
                [BD_REGION_NONCES] = nonces_footprint(config->subscribers_max),
                [BD_REGION_BANS] = bd_bans_footprint(),
                [BD_REGION_LIMITS] = bd_limits_footprint(worker_room(config)),
                [BD_REGION_CHANNELS] = bd_channels_footprint(worker_room(config)),
                [BD_REGION_STATS] = sizeof(struct bd_worker_stats) * worker_room(config),
                [BD_REGION_TABLE] = bd_table_footprint(config->bindings_max),
                [BD_REGION_RECORDS] = bd_records_footprint(
                    config->bindings_max, config->record_avg_sz, worker_room(config)),
                [BD_REGION_DIRTY] = bd_dirty_footprint(config->bindings_max),
            },
        .fingerprint = fingerprint_of(config),
        .format = format_regions,
        .format_arg = config,
    };
    static const char *const setting[BD_REGION_CNT] = {
        [BD_REGION_POLICY] = "arena",
        [BD_REGION_PROVISIONED] = "arena.subscribers_max",
        [BD_REGION_IDENTITIES] = "arena.identities_max",
        [BD_REGION_NONCES] = "arena.subscribers_max",
        [BD_REGION_BANS] = "arena",
        [BD_REGION_LIMITS] = "dataplane.workers",
        [BD_REGION_CHANNELS] = "dataplane.workers",
        [BD_REGION_STATS] = "dataplane.workers",
        [BD_REGION_TABLE] = "arena.bindings_max",
        [BD_REGION_RECORDS] = "arena.record_avg_size",
        [BD_REGION_DIRTY] = "arena.bindings_max",
    };
    for (unsigned i = 0; i < BD_REGION_CNT; i++) {
        if (params->region_sz[i] == 0 && i != BD_REGION_IDENTITIES)
            return bd_fail(error, "%s: no arena can be made for this value", setting[i]);
    }
    return 0;
}

void bd_arena_format_regions(struct bd_arena *arena, const struct bd_config *config)
{
    bd_policy_format(arena);
    bd_provisioned_format(arena, config->subscribers_max);
    bd_identities_format(arena, config->identities_max);
    bd_channels_format(arena, worker_room(config));
    bd_table_format(arena, config->bindings_max);
}

int bd_arena_check_main(const char *config_file)
{
    struct bd_config *config = bd_config_load(config_file, stderr);
    struct bd_arena_params params;
    struct bd_arena arena;
    struct bd_error error;
    if (!config)
        return 1;
    int rc = bd_arena_params_from(config, &params, &error);
    if (rc == 0)
        rc = bd_arena_look(&arena, config->arena_file, config->arena_name, &params, &error);
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text);
    else
        printf("arena %s: %s\n", arena.path, rc == 0 ? "fits" : "none yet");
    bd_config_free(config);
    return rc < 0 ? 3 : 0;
}
