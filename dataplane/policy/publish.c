/* SPDX-License-Identifier: BSD-3-Clause */
/* The policy region: which slot is current, and when another may be written again. */
#include <assert.h>

#include "policy.h"

/* In free_from[]: current now, or it was when its writer died and nobody wrote down its epoch. */
#define IN_USE UINT64_MAX

struct policy_region {
    /* Written by control: sequence << 8 | slot + 1; 0 before the first publication. */
    _Alignas(64) _Atomic uint64_t current;
    /* Control only: the epoch after which nobody reads the slot; 0: never used. */
    _Alignas(64) uint64_t free_from[BD_POLICY_SLOTS];
    _Alignas(BD_POLICY_HEAD_SZ) uint8_t small[BD_POLICY_SMALL_SLOTS][BD_POLICY_SMALL_MAX];
    _Alignas(BD_POLICY_HEAD_SZ) uint8_t large[BD_POLICY_LARGE_SLOTS][BD_POLICY_BLOB_MAX];
};
_Static_assert(offsetof(struct policy_region, small) == BD_POLICY_HEAD_SZ, "kept in shared memory");
_Static_assert(sizeof(struct policy_region) == 18U << 20, "kept in shared memory; whole pages");
_Static_assert(sizeof(struct bd_policy_domain) == 108, "kept in shared memory");
_Static_assert(sizeof(struct bd_policy_index) == 16, "kept in shared memory");
_Static_assert(sizeof(struct bd_policy_profile) == 40, "kept in shared memory");
_Static_assert(sizeof(struct bd_policy_limits) == 80, "kept in shared memory");
_Static_assert(sizeof(struct bd_policy) == 264, "kept in shared memory");

static struct policy_region *region_of(const struct bd_arena *arena)
{
    return bd_arena_region(arena, BD_REGION_POLICY);
}

static unsigned slot_of(uint64_t current)
{
    return (unsigned)(current & 0xff) - 1;
}

/* Small ones come first. */
static uint8_t *slot_at(struct policy_region *region, unsigned slot)
{
    return slot < BD_POLICY_SMALL_SLOTS ? region->small[slot]
                                        : region->large[slot - BD_POLICY_SMALL_SLOTS];
}

uint64_t bd_policy_footprint(void)
{
    return sizeof(struct policy_region);
}

void bd_policy_format(struct bd_arena *arena)
{
    memset(region_of(arena), 0, offsetof(struct policy_region, small));
}

/* -1 when none that holds so many bytes is free yet. */
static int take_free_slot(struct policy_region *region, struct bd_epoch *epoch, uint64_t current,
                          uint32_t size)
{
    unsigned first = size <= BD_POLICY_SMALL_MAX ? 0 : BD_POLICY_SMALL_SLOTS;
    int taken = -1;
    for (unsigned i = BD_POLICY_SLOTS; i-- > first;) {
        if (current && i == slot_of(current))
            continue;
        if (region->free_from[i] == IN_USE)
            region->free_from[i] = bd_epoch_advance(epoch);
        if (region->free_from[i] == 0 || bd_epoch_passed(epoch, region->free_from[i]))
            taken = (int)i;
    }
    return taken;
}

int bd_policy_publish(struct bd_arena *arena, struct bd_epoch *epoch, const void *blob,
                      uint32_t size)
{
    assert(size >= sizeof(struct bd_policy) && size <= BD_POLICY_BLOB_MAX);
    struct policy_region *region = region_of(arena);
    uint64_t current = atomic_load(&region->current);
    int slot = take_free_slot(region, epoch, current, size);
    if (slot < 0)
        return -1;
    uint64_t sequence = (current >> 8) + 1;
    struct bd_policy *policy = (struct bd_policy *)slot_at(region, (unsigned)slot);
    memcpy(policy, blob, size);
    policy->sequence = sequence;
    region->free_from[slot] = IN_USE;
    /* Pairs with bd_policy_current; seq_cst as bd_epoch_online asks of what readers find by. A kill
     * between here and the end leaves the old slot IN_USE, which the next call mends. */
    atomic_store(&region->current, sequence << 8 | (unsigned)(slot + 1));
    if (current)
        region->free_from[slot_of(current)] = bd_epoch_advance(epoch);
    return 0;
}

const struct bd_policy *bd_policy_current(const struct bd_arena *arena)
{
    struct policy_region *region = region_of(arena);
    uint64_t current = atomic_load(&region->current);
    return current ? (const struct bd_policy *)slot_at(region, slot_of(current)) : NULL;
}
