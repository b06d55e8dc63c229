/* SPDX-License-Identifier: BSD-3-Clause */
/* How a change keeps an entry findable: the new entry is published, then `moves` is raised, then
 * the old one becomes a tombstone. The new one takes the first free slot of the probe path, so that
 * paths stay short however often an entry changes. */
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

/* How far from its home an entry stands. */
static uint64_t lead(const struct bd_map *map, uint64_t key, uint64_t slot)
{
    uint64_t home = first_slot(map, key);
    return slot >= home ? slot - home : slot + map->capacity - home;
}

/* Of the slots from here on backwards: how many the paths of entries behind it lead through. */
static uint64_t crossings(const struct bd_map *map, uint64_t slot)
{
    uint64_t most = 0;
    for (uint64_t behind = 1; behind < map->capacity; behind++) {
        slot = next_slot(map, slot);
        uint64_t key = atomic_load_explicit(&entry_at(map, slot)->key, memory_order_relaxed);
        if (key == KEY_EMPTY)
            break;
        uint64_t led = key < KEY_FIRST ? 0 : lead(map, key, slot);
        if (led >= behind + most)
            most = led - behind + 1;
    }
    return most;
}

/* A tombstone that no path leads through any more becomes an empty slot again. So searches for who
 * is not there stay short, however many come and go; and no entry's search ends before it. From a
 * slot on backwards: to the next empty one, or round the whole map. */
static void trim(struct bd_map *map, uint64_t slot, bool all)
{
    uint64_t crossed = crossings(map, slot);
    for (uint64_t n = 0; n < map->capacity; n++, slot = previous_slot(map, slot)) {
        struct entry *e = entry_at(map, slot);
        uint64_t key = atomic_load_explicit(&e->key, memory_order_relaxed), led = 0;
        if (key == KEY_EMPTY && !all)
            return;
        if (key >= KEY_FIRST)
            led = lead(map, key, slot);
        else if (key == KEY_TOMBSTONE && crossed == 0)
            atomic_store(&e->key, KEY_EMPTY);
        crossed = crossed > led + 1 ? crossed - 1 : led;
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
}

/* What stands on a key's probe path. */
struct path {
    uint64_t same;  /* the first entry with this key and value, or NO_SLOT */
    uint64_t room;  /* the first free slot, before `same` if there is one; or NO_SLOT */
    unsigned twins; /* entries with this key; more than one only after a kill */
};

/* The key's entries stand before the first empty slot. Where that one's grace period is not over,
 * room is looked for behind it. */
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
            if (path.same == NO_SLOT && same_value(set, e, value))
                path.same = slot;
        } else if (key < KEY_FIRST && path.room == NO_SLOT && path.same == NO_SLOT &&
                   is_free(set, e)) {
            path.room = slot;
        }
        if (key == KEY_EMPTY && (path.room != NO_SLOT || path.same != NO_SLOT))
            break;
    }
    return path;
}

/* Before an entry is put behind them: empty slots on its way would end the search for it. */
static void pave(struct bd_map *map, uint64_t key, uint64_t to)
{
    for (uint64_t slot = first_slot(map, key); slot != to; slot = next_slot(map, slot)) {
        struct entry *e = entry_at(map, slot);
        if (atomic_load_explicit(&e->key, memory_order_relaxed) == KEY_EMPTY)
            atomic_store(&e->key, KEY_TOMBSTONE);
    }
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
        trim(map, slot, false);
        retired++;
    }
    return retired;
}

static void add_cnt(struct bd_map *map, uint64_t n)
{
    uint64_t cnt = atomic_load_explicit(&map->cnt, memory_order_relaxed);
    atomic_store_explicit(&map->cnt, cnt + n, memory_order_relaxed);
}

/* Puts, within a limit of entries. *slot is where it stands. One that stands farther from its home
 * than it need, as no grace period passed for long, moves: a sync makes all paths short again. */
static bool put(struct set *set, struct bd_hash128 hash, const void *value, bool may_add,
                uint64_t *slot)
{
    struct path path = walk(set, hash, value);
    *slot = path.room != NO_SLOT ? path.room : path.same;
    if (*slot == NO_SLOT || (path.twins == 0 && !may_add))
        return false;
    if (*slot != path.same) {
        pave(set->map, key_of(hash), *slot);
        fill(set, entry_at(set->map, *slot), hash, value);
    }
    if (path.twins > (*slot == path.same)) {
        atomic_fetch_add(&set->map->moves, 1); /* pairs with bd_map_find; seq_cst as the keys are */
        retire_twins(set, hash, *slot);
    }
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

static bool take(struct set *set, struct bd_hash128 hash)
{
    unsigned removed = retire_twins(set, hash, NO_SLOT);
    add_cnt(set->map, -(uint64_t)removed);
    return removed > 0;
}

bool bd_map_remove(struct bd_map *map, struct bd_epoch *epoch, struct bd_hash128 hash)
{
    struct set set = set_of(map, epoch);
    return take(&set, hash);
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

bool bd_map_sync_remove(struct bd_map_sync *sync, struct bd_hash128 hash)
{
    sync->set.now = atomic_load(&sync->set.epoch->now);
    return take(&sync->set, hash);
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

/* What was put and has been removed by others since has its mark still. Tombstones go, too, that a
 * killed writer has left. */
uint64_t bd_map_sync_end(struct bd_map_sync *sync)
{
    struct set *set = &sync->set;
    struct bd_map *map = set->map;
    uint64_t removed = 0, kept = 0;
    for (uint64_t slot = 0; slot < map->capacity; slot++) {
        uint64_t key = atomic_load_explicit(&entry_at(map, slot)->key, memory_order_relaxed);
        if (key < KEY_FIRST)
            continue;
        if (is_marked(set, slot)) {
            kept++;
        } else {
            retire(set, slot);
            removed++;
        }
    }
    trim(map, map->capacity - 1, true);
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
