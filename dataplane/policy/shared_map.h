/* SPDX-License-Identifier: BSD-3-Clause */
/* A map in the arena from 96-bit keyed hashes to values of one fixed size. One writer, readers that
 * never wait.
 *
 * Open addressing over entries of one size:
 *
 *   entry:  key:64 (0 empty, 1 tombstone) | key2:32 | stamp:16 | value
 *
 * The writer fills everything but `key` and publishes `key` last (release; pairs with the reader's
 * acquire). An entry is never changed in place: a change is a new entry, then a tombstone; a
 * tombstone is used again only after a grace period (the low bits of whose epoch are its stamp).
 * The new entry may stand in front of the old one on the probe path, where a reader has already
 * passed when the old one goes: whoever finds nothing looks again if an entry moved meanwhile.
 * A tombstone stands only where the path of an entry behind it leads through; all others are empty
 * slots, which end a search. So paths are as short as the load makes them, however old the map is.
 * The writer may die at any instruction: nothing is lost, and its successor's sync makes the map
 * exact again. */
#ifndef BD_SHARED_MAP_H
#define BD_SHARED_MAP_H

#include "arena.h"
#include "epoch.h"

struct bd_map;

#define BD_MAP_ENTRY_HEAD 14

/* Three entries of room for each that may stand in it. */
uint64_t bd_map_footprint(uint64_t entries_max, uint32_t value_sz);
/* Assumes that the region is filled with zeros, as a new arena is. */
void bd_map_format(struct bd_map *map, uint64_t entries_max, uint32_t value_sz);

/* Any process, online in the epoch: the value of a key, as it stays until the reader is quiescent;
 * at least two bytes aligned. NULL: there is none. */
const void *bd_map_find(const struct bd_map *map, struct bd_hash128 hash);
/* Fetches the entry that the search for a key begins with into the cache. */
void bd_map_prefetch(const struct bd_map *map, struct bd_hash128 hash);
uint64_t bd_map_cnt(const struct bd_map *map);

/* The writer only. False: full. Values are compared byte for byte, so padding must be zero. */
bool bd_map_put(struct bd_map *map, struct bd_epoch *epoch, struct bd_hash128 hash,
                const void *value);
/* False: there was none. */
bool bd_map_remove(struct bd_map *map, struct bd_epoch *epoch, struct bd_hash128 hash);

/* Makes the map equal to a list in place, without an instant in which a kept entry is missing:
 * begin, put each, end (which removes those not put, also by others since begin). begin returns
 * NULL when memory is out. */
struct bd_map_sync;
struct bd_map_sync *bd_map_sync_begin(struct bd_map *map, struct bd_epoch *epoch);
bool bd_map_sync_put(struct bd_map_sync *sync, struct bd_hash128 hash, const void *value);
/* As bd_map_remove, while a sync runs: what it has put is counted no more, and leaves its room. */
bool bd_map_sync_remove(struct bd_map_sync *sync, struct bd_hash128 hash);
/* The value that this sync has put for a key; NULL: none yet. */
const void *bd_map_sync_find(const struct bd_map_sync *sync, struct bd_hash128 hash);
/* Returns how many entries were removed; frees sync. */
uint64_t bd_map_sync_end(struct bd_map_sync *sync);
/* Gives the sync up: nothing is removed, what was put stays; frees sync. */
void bd_map_sync_abort(struct bd_map_sync *sync);

#endif
