/* SPDX-License-Identifier: BSD-3-Clause */
#include "provisioned.h"

#include "shared_map.h"

enum { FLAG_PREFIX = 1, PROFILE_SHIFT = 1 };
_Static_assert(BD_PROFILES_MAX << PROFILE_SHIFT <= UINT8_MAX, "in flags");

struct value {
    uint8_t flags, prefix_len;
    uint8_t address[16];
};
_Static_assert(BD_MAP_ENTRY_HEAD + sizeof(struct value) == 32, "kept in shared memory");

static struct bd_map *map_of(const struct bd_arena *arena)
{
    return bd_arena_region(arena, BD_REGION_PROVISIONED);
}

uint64_t bd_provisioned_footprint(uint64_t subscribers_max)
{
    return bd_map_footprint(subscribers_max, sizeof(struct value));
}

void bd_provisioned_format(struct bd_arena *arena, uint64_t subscribers_max)
{
    bd_map_format(map_of(arena), subscribers_max, sizeof(struct value));
}

bool bd_provisioned_find(const struct bd_arena *arena, struct bd_hash128 hash,
                         struct bd_provision *provision)
{
    const struct value *value = bd_map_find(map_of(arena), hash);
    if (!value)
        return false;
    provision->has_prefix = value->flags & FLAG_PREFIX;
    provision->profile = value->flags >> PROFILE_SHIFT;
    memcpy(provision->prefix.ip.b, value->address, sizeof(value->address));
    provision->prefix.len = value->prefix_len;
    return true;
}

void bd_provisioned_prefetch(const struct bd_arena *arena, struct bd_hash128 hash)
{
    bd_map_prefetch(map_of(arena), hash);
}

uint64_t bd_provisioned_cnt(const struct bd_arena *arena)
{
    return bd_map_cnt(map_of(arena));
}

static struct value value_of(const struct bd_provision *p)
{
    struct value value = {
        .flags = (uint8_t)((p->has_prefix ? FLAG_PREFIX : 0) | p->profile << PROFILE_SHIFT)};
    if (!p->has_prefix)
        return value;
    value.prefix_len = p->prefix.len;
    memcpy(value.address, p->prefix.ip.b, sizeof(value.address));
    return value;
}

enum bd_provision_rc bd_provisioned_put(struct bd_arena *arena, struct bd_epoch *epoch,
                                        struct bd_hash128 hash, const struct bd_provision *p)
{
    struct value value = value_of(p);
    return bd_map_put(map_of(arena), epoch, hash, &value) ? BD_PROVISION_OK : BD_PROVISION_FULL;
}

bool bd_provisioned_remove(struct bd_arena *arena, struct bd_epoch *epoch, struct bd_hash128 hash)
{
    return bd_map_remove(map_of(arena), epoch, hash);
}

struct bd_map_sync *bd_provisioned_sync_begin(struct bd_arena *arena, struct bd_epoch *epoch)
{
    return bd_map_sync_begin(map_of(arena), epoch);
}

enum bd_provision_rc bd_provisioned_sync_put(struct bd_map_sync *sync, struct bd_hash128 hash,
                                             const struct bd_provision *p)
{
    struct value value = value_of(p);
    return bd_map_sync_put(sync, hash, &value) ? BD_PROVISION_OK : BD_PROVISION_FULL;
}
