/* SPDX-License-Identifier: BSD-3-Clause */
/* The provisioned set: which AoRs exist, and from where they may register without a password.
 *
 * A map of 32-byte entries (shared_map.h), keyed by a keyed hash of the canonical AoR. Control's
 * event loop is the only writer; workers look up without waiting.
 *
 *   value:  prefix:1 profile:7 | prefix_len:8 | address:128 */
#ifndef BD_PROVISIONED_H
#define BD_PROVISIONED_H

#include "arena.h"
#include "epoch.h"
#include "ip.h"
#include "shared_map.h"

enum bd_provision_rc { BD_PROVISION_OK, BD_PROVISION_FULL };

struct bd_provision {
    bool has_prefix; /* else the domain's prefixes apply */
    uint8_t profile; /* number of a bd_policy_profile, 0: none; up to BD_PROFILES_MAX */
    struct bd_prefix prefix;
};

/* 96 bytes per subscriber: the set is never more than two thirds full. */
uint64_t bd_provisioned_footprint(uint64_t subscribers_max);
/* Assumes that the region is filled with zeros, as a new arena is. */
void bd_provisioned_format(struct bd_arena *arena, uint64_t subscribers_max);

/* Workers and control. `hash` is bd_hash128 of the canonical AoR with the arena's key. */
bool bd_provisioned_find(const struct bd_arena *arena, struct bd_hash128 hash,
                         struct bd_provision *provision);

/* Fetches what bd_provisioned_find reads first into the cache. */
void bd_provisioned_prefetch(const struct bd_arena *arena, struct bd_hash128 hash);

/* Control's event loop only. */
enum bd_provision_rc bd_provisioned_put(struct bd_arena *arena, struct bd_epoch *epoch,
                                        struct bd_hash128 hash, const struct bd_provision *p);
bool bd_provisioned_remove(struct bd_arena *arena, struct bd_epoch *epoch, struct bd_hash128 hash);
uint64_t bd_provisioned_cnt(const struct bd_arena *arena);

/* Makes the set equal to a list in place; ended or aborted as any bd_map_sync. */
struct bd_map_sync *bd_provisioned_sync_begin(struct bd_arena *arena, struct bd_epoch *epoch);
enum bd_provision_rc bd_provisioned_sync_put(struct bd_map_sync *sync, struct bd_hash128 hash,
                                             const struct bd_provision *p);

#endif
