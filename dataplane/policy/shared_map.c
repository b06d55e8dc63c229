/* SPDX-License-Identifier: BSD-3-Clause */
#include "shared_map_private.h"

/* A sync may hold the old list and the new one at once, and a third stays empty then. */
static uint64_t capacity_for(uint64_t entries_max)
{
    return 3 * (entries_max < 64 ? 64 : entries_max);
}

/* Entries begin where their key is aligned. */
static uint32_t entry_size(uint32_t value_sz)
{
    return (BD_MAP_ENTRY_HEAD + value_sz + 7) / 8 * 8;
}

uint64_t bd_map_footprint(uint64_t entries_max, uint32_t value_sz)
{
    return sizeof(struct bd_map) + capacity_for(entries_max) * entry_size(value_sz);
}

void bd_map_format(struct bd_map *map, uint64_t entries_max, uint32_t value_sz)
{
    map->capacity = capacity_for(entries_max);
    map->entries_max = entries_max;
    map->entry_sz = entry_size(value_sz);
    map->value_sz = value_sz;
    atomic_store(&map->cnt, 0);
}

static const void *find_once(const struct bd_map *map, struct bd_hash128 hash)
{
    uint64_t wanted = key_of(hash), slot = first_slot(map, wanted);
    for (uint64_t n = 0; n < map->capacity; n++, slot = next_slot(map, slot)) {
        const struct entry *e = entry_at(map, slot);
        /* Pairs with fill in shared_map_writer.c; seq_cst as bd_epoch_online asks of what readers
         * find by. */
        uint64_t key = atomic_load(&e->key);
        if (key == KEY_EMPTY)
            return NULL;
        if (holds(e, key, hash, wanted))
            return e->value;
    }
    return NULL;
}

/* Who comes by before the new entry is published and reaches the old one when it is gone has read
 * `moves` before the one and reads it again after the other, and it was raised between the two
 * (put). A change takes the writer longer than a walk. */
const void *bd_map_find(const struct bd_map *map, struct bd_hash128 hash)
{
    uint64_t moves;
    const void *value;
    do {
        moves = atomic_load(&map->moves);
        value = find_once(map, hash);
    } while (!value && atomic_load(&map->moves) != moves);
    return value;
}

void bd_map_prefetch(const struct bd_map *map, struct bd_hash128 hash)
{
    __builtin_prefetch(entry_at(map, first_slot(map, key_of(hash))));
}

uint64_t bd_map_cnt(const struct bd_map *map)
{
    return atomic_load_explicit(&map->cnt, memory_order_relaxed);
}
