/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the map share: its layout, and the way of a key through it. */
#ifndef BD_SHARED_MAP_PRIVATE_H
#define BD_SHARED_MAP_PRIVATE_H

#include "shared_map.h"

enum { KEY_EMPTY = 0, KEY_TOMBSTONE = 1, KEY_FIRST = 2 };

struct entry {
    _Atomic uint64_t key;
    uint32_t key2;
    uint16_t stamp; /* writer's: low bits of the epoch after which the slot may be written again */
    uint8_t value[];
};
_Static_assert(offsetof(struct entry, value) == BD_MAP_ENTRY_HEAD, "kept in shared memory");

struct bd_map {
    uint64_t capacity, entries_max;
    uint32_t entry_sz, value_sz;
    _Alignas(64) _Atomic uint64_t cnt; /* written by control */
    /* Changes so far: counted when the new entry is there and before the old one goes. */
    _Atomic uint64_t moves;
    _Alignas(64) uint8_t entries[];
};
_Static_assert(offsetof(struct bd_map, entries) == 128, "kept in shared memory");

static inline struct entry *entry_at(const struct bd_map *map, uint64_t slot)
{
    return (struct entry *)(uintptr_t)(map->entries + slot * map->entry_sz);
}

static inline uint64_t key_of(struct bd_hash128 hash)
{
    return hash.lo < KEY_FIRST ? hash.lo + KEY_FIRST : hash.lo;
}

static inline uint64_t first_slot(const struct bd_map *map, uint64_t key)
{
    return (uint64_t)(((unsigned __int128)key * map->capacity) >> 64);
}

static inline uint64_t next_slot(const struct bd_map *map, uint64_t slot)
{
    return slot + 1 == map->capacity ? 0 : slot + 1;
}

static inline bool holds(const struct entry *e, uint64_t key, struct bd_hash128 wanted,
                         uint64_t wanted_key)
{
    return key == wanted_key && e->key2 == (uint32_t)wanted.hi;
}

#endif
