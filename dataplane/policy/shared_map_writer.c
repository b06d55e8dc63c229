/* SPDX-License-Identifier: BSD-3-Clause */
/* How a change keeps an entry findable: the new entry goes behind the old one on the probe path and
 * is published before the old becomes a tombstone. A reader that misses the old one (a tombstone by
 * then) comes to the new one later on the same walk. */
#include <stdlib.h>

#include "shared_map_private.h"

/* In stamp: the slot may be written (never used, or its grace period was seen to be over); and: the
 * entry lives, or its writer died before the stamp of its removal was written. */
enum { STAMP_FREE = 0, STAMP_NONE = 0xffff };

#define NO_SLOT UINT64_MAX

/* The writer's view. */
struct set {
    struct bd_map *map;
    struct bd_epoch *epoch;
    uint64_t now;    /* not below any stamp in the set */
    uint64_t passed; /* the newest epoch known to be over */
    uint8_t *marks;  /* of a sync: a bit per slot that was put */
    uint64_t marked;
};

static struct set set_of(struct bd_map *map, struct bd_epoch *epoch)
{
    return (struct set){.map = map, .epoch = epoch, .now = atomic_load(&epoch->now)};
}

static void stamp(struct set *set, struct entry *e)
{
    do {
        set->now = bd_epoch_advance(set->epoch);
    } while ((uint16_t)set->now == STAMP_NONE || (uint16_t)set->now == STAMP_FREE);
    e->stamp = (uint16_t)set->now;
}

/* Whether the grace period of a slot that holds no entry is over. Of the epochs with the stamp's
 * low bits the newest one is taken, which is never too early. */
static bool is_free(struct set *set, struct entry *e)
{
    if (e->stamp == STAMP_FREE)
        return true;
    if (e->stamp == STAMP_NONE)
        stamp(set, e);
    uint64_t from = (set->now & ~0xffffULL) | e->stamp;
    if (from > set->now)
        from = from > 0xffff ? from - 0x10000 : 0;
    if (from > set->passed && bd_epoch_passed(set->epoch, from))
        set->passed = from;
    if (from > set->passed)
        return false;
    e->stamp = STAMP_FREE;
    return true;
}

static bool same_value(const struct set *set, const struct entry *e, const void *value)
{
    return memcmp(e->value, value, set->map->value_sz) == 0;
}

static void fill(struct set *set, struct entry *e, struct bd_hash128 hash, const void *value)
{
    e->key2 = (uint32_t)hash.hi;
    memcpy(e->value, value, set->map->value_sz);
    e->stamp = STAMP_NONE;
    atomic_store(&e->key, key_of(hash));
}

static bool is_marked(const struct set *set, uint64_t slot)
{
    return set->marks && (set->marks[slot / 8] & (1U << (slot % 8)));
}

static uint64_t previous_slot(const struct bd_map *map, uint64_t slot)
{
    return (slot ? slot : map->capacity) - 1;
}

/* Tombstones with nothing behind them become empty slots again, from the last one on: so a search
 * for who is not there stays short, however many come and go. */
static void trim(struct bd_map *map, uint64_t slot)
{
    for (;; slot = previous_slot(map, slot)) {
        struct entry *e = entry_at(map, slot);
        const struct entry *next = entry_at(map, next_slot(map, slot));
        if (atomic_load_explicit(&e->key, memory_order_relaxed) != KEY_TOMBSTONE ||
            atomic_load_explicit(&next->key, memory_order_relaxed) != KEY_EMPTY)
            return;
        atomic_store(&e->key, KEY_EMPTY);
    }
}

static void retire(struct set *set, uint64_t slot)
{
    struct entry *e = entry_at(set->map, slot);
    atomic_store(&e->key, KEY_TOMBSTONE);
    stamp(set, e);
    if (is_marked(set, slot)) {
        set->marks[slot / 8] &= (uint8_t) ~(1U << (slot % 8));
        set->marked--;
    }
    trim(set->map, slot);
}

/* What stands on a key's probe path. */
struct path {
    uint64_t same;  /* the entry with this key and value, or NO_SLOT */
    uint64_t room;  /* a free slot behind every entry with this key, or NO_SLOT */
    unsigned twins; /* entries with this key; more than one only after a kill */
};

/* An empty slot whose grace period is not over becomes a tombstone and the path goes on behind it.
 */
static struct path walk(struct set *set, struct bd_hash128 hash, const void *value)
{
    struct bd_map *map = set->map;
    struct path path = {.same = NO_SLOT, .room = NO_SLOT};
    uint64_t wanted = key_of(hash), slot = first_slot(map, wanted);
    for (uint64_t n = 0; n < map->capacity; n++, slot = next_slot(map, slot)) {
        struct entry *e = entry_at(map, slot);
        uint64_t key = atomic_load_explicit(&e->key, memory_order_relaxed);
        if (holds(e, key, hash, wanted)) {
            path.twins++;
            path.room = NO_SLOT;
            path.same = same_value(set, e, value) ? slot : path.same;
        } else if (key < KEY_FIRST && path.room == NO_SLOT && is_free(set, e)) {
            path.room = slot;
        }
        if (key != KEY_EMPTY)
            continue;
        if (path.room != NO_SLOT || path.same != NO_SLOT)
            break;
        atomic_store(&e->key, KEY_TOMBSTONE);
    }
    return path;
}

/* Retires the entries with this key but one. Returns how many. */
static unsigned retire_twins(struct set *set, struct bd_hash128 hash, uint64_t but)
{
    struct bd_map *map = set->map;
    unsigned retired = 0;
    uint64_t wanted = key_of(hash), slot = first_slot(map, wanted);
    for (uint64_t n = 0; n < map->capacity; n++, slot = next_slot(map, slot)) {
        struct entry *e = entry_at(map, slot);
        uint64_t key = atomic_load_explicit(&e->key, memory_order_relaxed);
        if (key == KEY_EMPTY)
            break;
        if (slot == but || !holds(e, key, hash, wanted))
            continue;
        retire(set, slot);
        retired++;
    }
    return retired;
}

static void add_cnt(struct bd_map *map, uint64_t n)
{
    uint64_t cnt = atomic_load_explicit(&map->cnt, memory_order_relaxed);
    atomic_store_explicit(&map->cnt, cnt + n, memory_order_relaxed);
}

/* Puts, within a limit of entries. *slot is where it stands. */
static bool put(struct set *set, struct bd_hash128 hash, const void *value, bool may_add,
                uint64_t *slot)
{
    struct path path = walk(set, hash, value);
    *slot = path.same != NO_SLOT ? path.same : path.room;
    if (*slot == NO_SLOT || (path.twins == 0 && !may_add))
        return false;
    if (path.same == NO_SLOT)
        fill(set, entry_at(set->map, *slot), hash, value);
    if (path.twins > (path.same != NO_SLOT))
        retire_twins(set, hash, *slot);
    add_cnt(set->map, 1 - (uint64_t)path.twins);
    return true;
}

bool bd_map_put(struct bd_map *map, struct bd_epoch *epoch, struct bd_hash128 hash,
                const void *value)
{
    struct set set = set_of(map, epoch);
    uint64_t slot;
    bool may_add = bd_map_cnt(map) < set.map->entries_max;
    return put(&set, hash, value, may_add, &slot);
}

bool bd_map_remove(struct bd_map *map, struct bd_epoch *epoch, struct bd_hash128 hash)
{
    struct set set = set_of(map, epoch);
    unsigned removed = retire_twins(&set, hash, NO_SLOT);
    add_cnt(set.map, -(uint64_t)removed);
    return removed > 0;
}

/* --- sync ------------------------------------------------------------------------------------- */

struct bd_map_sync {
    struct set set;
};

struct bd_map_sync *bd_map_sync_begin(struct bd_map *map, struct bd_epoch *epoch)
{
    struct bd_map_sync *sync = malloc(sizeof(*sync));
    if (!sync)
        return NULL;
    sync->set = set_of(map, epoch);
    sync->set.marks = calloc(sync->set.map->capacity / 8 + 1, 1);
    if (sync->set.marks)
        return sync;
    free(sync);
    return NULL;
}

bool bd_map_sync_put(struct bd_map_sync *sync, struct bd_hash128 hash, const void *value)
{
    struct set *set = &sync->set;
    uint64_t slot;
    /* Others may have removed entries since, with newer stamps. */
    set->now = atomic_load(&set->epoch->now);
    bool may_add = set->marked < set->map->entries_max;
    bool done = put(set, hash, value, may_add, &slot);
    if (done && !is_marked(set, slot)) {
        set->marks[slot / 8] |= (uint8_t)(1U << (slot % 8));
        set->marked++;
    }
    return done;
}

const void *bd_map_sync_find(const struct bd_map_sync *sync, struct bd_hash128 hash)
{
    const struct bd_map *map = sync->set.map;
    const uint8_t *value = bd_map_find(map, hash);
    if (!value)
        return NULL;
    uint64_t slot = (uint64_t)(value - BD_MAP_ENTRY_HEAD - map->entries) / map->entry_sz;
    return is_marked(&sync->set, slot) ? value : NULL;
}

/* From the last slot on, so that tombstones go which a killed writer has left. What was put and has
 * been removed by others since has its mark still. */
uint64_t bd_map_sync_end(struct bd_map_sync *sync)
{
    struct set *set = &sync->set;
    struct bd_map *map = set->map;
    uint64_t removed = 0, kept = 0;
    for (uint64_t slot = map->capacity; slot-- > 0;) {
        uint64_t key = atomic_load_explicit(&entry_at(map, slot)->key, memory_order_relaxed);
        if (key < KEY_FIRST) {
            trim(map, slot);
        } else if (is_marked(set, slot)) {
            kept++;
        } else {
            retire(set, slot);
            removed++;
        }
    }
    atomic_store_explicit(&map->cnt, kept, memory_order_relaxed);
    free(set->marks);
    free(sync);
    return removed;
}

void bd_map_sync_abort(struct bd_map_sync *sync)
{
    free(sync->set.marks);
    free(sync);
}
