/* SPDX-License-Identifier: BSD-3-Clause */
/* The provisioned set: which AoRs exist, and from where they may register without a password.
 *
 * Open addressing over 32-byte entries in the arena, keyed by a 96-bit keyed hash of the canonical
 * AoR. Control's event loop is the only writer; workers look up without waiting.
 *
 *   entry:  key:64 (0 empty, 1 tombstone) | key2:32 | prefix:1 profile:7 prefix_len:8 stamp:16 |
 *           address:128
 *
 * The writer fills everything but `key` and publishes `key` last (release; pairs with the reader's
 * acquire). An entry is never changed in place: a change is a new entry, then a tombstone; a
 * tombstone is used again only after a grace period (the low bits of whose epoch are its stamp).
 * The writer may die at any instruction: nothing is lost, and its successor's sync makes the set
 * exact again. */
#ifndef BD_PROVISIONED_H
#define BD_PROVISIONED_H

#include "arena.h"
#include "epoch.h"
#include "ip.h"

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

/* Control's event loop only. */
enum bd_provision_rc bd_provisioned_put(struct bd_arena *arena, struct bd_epoch *epoch,
                                        struct bd_hash128 hash, const struct bd_provision *p);
bool bd_provisioned_remove(struct bd_arena *arena, struct bd_epoch *epoch, struct bd_hash128 hash);
uint64_t bd_provisioned_cnt(const struct bd_arena *arena);

/* Makes the set equal to a list in place, without an instant in which a kept entry is missing:
 * begin, put each, end (which removes those not put, also by others since begin). begin returns
 * NULL when memory is out. */
struct bd_provisioned_sync;
struct bd_provisioned_sync *bd_provisioned_sync_begin(struct bd_arena *arena,
                                                      struct bd_epoch *epoch);
enum bd_provision_rc bd_provisioned_sync_put(struct bd_provisioned_sync *sync,
                                             struct bd_hash128 hash, const struct bd_provision *p);
/* Returns how many entries were removed; frees sync. */
uint64_t bd_provisioned_sync_end(struct bd_provisioned_sync *sync);
/* Gives the sync up: nothing is removed, what was put stays; frees sync. */
void bd_provisioned_sync_abort(struct bd_provisioned_sync *sync);

#endif
