/* SPDX-License-Identifier: BSD-3-Clause */
/* How a change keeps an entry findable: the new entry goes behind the old one on the probe path and
 * is published before the old becomes a tombstone. A reader that misses the old one (a tombstone by
 * then) comes to the new one later on the same walk. */
#include <stdlib.h>

#include "provisioned.h"

enum { KEY_EMPTY = 0, KEY_TOMBSTONE = 1, KEY_FIRST = 2 };
enum { FLAG_PREFIX = 1, PROFILE_SHIFT = 1 };
_Static_assert(BD_PROFILES_MAX << PROFILE_SHIFT <= UINT8_MAX, "in flags");

/* In stamp: the slot may be written (never used, or its grace period was seen to be over); and: the
 * entry lives, or its writer died before the stamp of its removal was written. */
enum { STAMP_FREE = 0, STAMP_NONE = 0xffff };

struct entry {
    _Atomic uint64_t key;
    uint32_t key2;
    uint8_t flags, prefix_len;
    uint16_t
        stamp; /* writer only: low bits of the epoch after which the slot may be written again */
    uint8_t address[16];
};
_Static_assert(sizeof(struct entry) == 32, "kept in shared memory");

struct region {
    uint64_t capacity, subscribers_max;
    _Alignas(64) _Atomic uint64_t cnt; /* written by control */
    _Alignas(64) struct entry entries[];
};
_Static_assert(offsetof(struct region, entries) == 128, "kept in shared memory");

#define NO_SLOT UINT64_MAX

/* The writer's view. */
struct set {
    struct region *region;
    struct bd_epoch *epoch;
    uint64_t now;    /* not below any stamp in the set */
    uint64_t passed; /* the newest epoch known to be over */
    uint8_t *marks;  /* of a sync: a bit per slot that was put */
    uint64_t marked;
};

static struct region *region_of(const struct bd_arena *arena)
{
    return bd_arena_region(arena, BD_REGION_PROVISIONED);
}

/* A sync may hold the old list and the new one at once, and a third stays empty then. */
static uint64_t capacity_for(uint64_t subscribers_max)
{
    return 3 * (subscribers_max < 64 ? 64 : subscribers_max);
}

uint64_t bd_provisioned_footprint(uint64_t subscribers_max)
{
    return sizeof(struct region) + capacity_for(subscribers_max) * sizeof(struct entry);
}

void bd_provisioned_format(struct bd_arena *arena, uint64_t subscribers_max)
{
    struct region *region = region_of(arena);
    region->capacity = capacity_for(subscribers_max);
    region->subscribers_max = subscribers_max;
    atomic_store(&region->cnt, 0);
}

static uint64_t key_of(struct bd_hash128 hash)
{
    return hash.lo < KEY_FIRST ? hash.lo + KEY_FIRST : hash.lo;
}

static uint64_t first_slot(const struct region *region, uint64_t key)
{
    return (uint64_t)(((unsigned __int128)key * region->capacity) >> 64);
}

static uint64_t next_slot(const struct region *region, uint64_t slot)
{
    return slot + 1 == region->capacity ? 0 : slot + 1;
}

static bool holds(const struct entry *e, uint64_t key, struct bd_hash128 wanted,
                  uint64_t wanted_key)
{
    return key == wanted_key && e->key2 == (uint32_t)wanted.hi;
}

/* --- any process --------------------------------------------------------------------------------
 */

bool bd_provisioned_find(const struct bd_arena *arena, struct bd_hash128 hash,
                         struct bd_provision *provision)
{
    const struct region *region = region_of(arena);
    uint64_t wanted = key_of(hash), slot = first_slot(region, wanted);
    for (uint64_t n = 0; n < region->capacity; n++, slot = next_slot(region, slot)) {
        const struct entry *e = &region->entries[slot];
        /* Pairs with fill; seq_cst as bd_epoch_online asks of what readers find by. */
        uint64_t key = atomic_load(&e->key);
        if (key == KEY_EMPTY)
            return false;
        if (!holds(e, key, hash, wanted))
            continue;
        provision->has_prefix = e->flags & FLAG_PREFIX;
        provision->profile = e->flags >> PROFILE_SHIFT;
        memcpy(provision->prefix.ip.b, e->address, sizeof(e->address));
        provision->prefix.len = e->prefix_len;
        return true;
    }
    return false;
}

uint64_t bd_provisioned_cnt(const struct bd_arena *arena)
{
    return atomic_load_explicit(&region_of(arena)->cnt, memory_order_relaxed);
}

/* --- the writer ---------------------------------------------------------------------------------
 */

static struct set set_of(struct bd_arena *arena, struct bd_epoch *epoch)
{
    return (struct set){
        .region = region_of(arena), .epoch = epoch, .now = atomic_load(&epoch->now)};
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

static uint8_t flags_of(const struct bd_provision *p)
{
    return (uint8_t)((p->has_prefix ? FLAG_PREFIX : 0) | p->profile << PROFILE_SHIFT);
}

static bool same_value(const struct entry *e, const struct bd_provision *p)
{
    if (e->flags != flags_of(p) || !p->has_prefix)
        return e->flags == flags_of(p);
    return e->prefix_len == p->prefix.len &&
           memcmp(e->address, p->prefix.ip.b, sizeof(e->address)) == 0;
}

static void fill(struct entry *e, struct bd_hash128 hash, const struct bd_provision *p)
{
    e->key2 = (uint32_t)hash.hi;
    e->flags = flags_of(p);
    e->prefix_len = p->has_prefix ? p->prefix.len : 0;
    memset(e->address, 0, sizeof(e->address));
    if (p->has_prefix)
        memcpy(e->address, p->prefix.ip.b, sizeof(e->address));
    e->stamp = STAMP_NONE;
    atomic_store(&e->key, key_of(hash));
}

static bool is_marked(const struct set *set, uint64_t slot)
{
    return set->marks && (set->marks[slot / 8] & (1U << (slot % 8)));
}

static void retire(struct set *set, uint64_t slot)
{
    struct entry *e = &set->region->entries[slot];
    atomic_store(&e->key, KEY_TOMBSTONE);
    stamp(set, e);
    if (is_marked(set, slot)) {
        set->marks[slot / 8] &= (uint8_t) ~(1U << (slot % 8));
        set->marked--;
    }
}

/* What stands on a key's probe path. */
struct path {
    uint64_t same;  /* the entry with this key and value, or NO_SLOT */
    uint64_t room;  /* a free slot behind every entry with this key, or NO_SLOT */
    unsigned twins; /* entries with this key; more than one only after a kill */
};

/* An empty slot whose grace period is not over becomes a tombstone and the path goes on behind it.
 */
static struct path walk(struct set *set, struct bd_hash128 hash, const struct bd_provision *p)
{
    struct region *region = set->region;
    struct path path = {.same = NO_SLOT, .room = NO_SLOT};
    uint64_t wanted = key_of(hash), slot = first_slot(region, wanted);
    for (uint64_t n = 0; n < region->capacity; n++, slot = next_slot(region, slot)) {
        struct entry *e = &region->entries[slot];
        uint64_t key = atomic_load_explicit(&e->key, memory_order_relaxed);
        if (holds(e, key, hash, wanted)) {
            path.twins++;
            path.room = NO_SLOT;
            path.same = same_value(e, p) ? slot : path.same;
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
    struct region *region = set->region;
    unsigned retired = 0;
    uint64_t wanted = key_of(hash), slot = first_slot(region, wanted);
    for (uint64_t n = 0; n < region->capacity; n++, slot = next_slot(region, slot)) {
        struct entry *e = &region->entries[slot];
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

static void add_cnt(struct region *region, uint64_t n)
{
    uint64_t cnt = atomic_load_explicit(&region->cnt, memory_order_relaxed);
    atomic_store_explicit(&region->cnt, cnt + n, memory_order_relaxed);
}

/* Puts, within a limit of entries. *slot is where it stands. */
static enum bd_provision_rc put(struct set *set, struct bd_hash128 hash,
                                const struct bd_provision *p, bool may_add, uint64_t *slot)
{
    struct path path = walk(set, hash, p);
    *slot = path.same != NO_SLOT ? path.same : path.room;
    if (*slot == NO_SLOT || (path.twins == 0 && !may_add))
        return BD_PROVISION_FULL;
    if (path.same == NO_SLOT)
        fill(&set->region->entries[*slot], hash, p);
    if (path.twins > (path.same != NO_SLOT))
        retire_twins(set, hash, *slot);
    add_cnt(set->region, 1 - (uint64_t)path.twins);
    return BD_PROVISION_OK;
}

enum bd_provision_rc bd_provisioned_put(struct bd_arena *arena, struct bd_epoch *epoch,
                                        struct bd_hash128 hash, const struct bd_provision *p)
{
    struct set set = set_of(arena, epoch);
    uint64_t slot;
    bool may_add = bd_provisioned_cnt(arena) < set.region->subscribers_max;
    return put(&set, hash, p, may_add, &slot);
}

bool bd_provisioned_remove(struct bd_arena *arena, struct bd_epoch *epoch, struct bd_hash128 hash)
{
    struct set set = set_of(arena, epoch);
    unsigned removed = retire_twins(&set, hash, NO_SLOT);
    add_cnt(set.region, -(uint64_t)removed);
    return removed > 0;
}

/* --- sync ----------------------------------------------------------------------------------------
 */

struct bd_provisioned_sync {
    struct set set;
};

struct bd_provisioned_sync *bd_provisioned_sync_begin(struct bd_arena *arena,
                                                      struct bd_epoch *epoch)
{
    struct bd_provisioned_sync *sync = malloc(sizeof(*sync));
    if (!sync)
        return NULL;
    sync->set = set_of(arena, epoch);
    sync->set.marks = calloc(sync->set.region->capacity / 8 + 1, 1);
    if (sync->set.marks)
        return sync;
    free(sync);
    return NULL;
}

enum bd_provision_rc bd_provisioned_sync_put(struct bd_provisioned_sync *sync,
                                             struct bd_hash128 hash, const struct bd_provision *p)
{
    struct set *set = &sync->set;
    uint64_t slot;
    bool may_add = set->marked < set->region->subscribers_max;
    enum bd_provision_rc rc = put(set, hash, p, may_add, &slot);
    if (rc == BD_PROVISION_OK && !is_marked(set, slot)) {
        set->marks[slot / 8] |= (uint8_t)(1U << (slot % 8));
        set->marked++;
    }
    return rc;
}

/* Tombstones with nothing behind them become empty slots again: paths stay short. */
static void trim(struct region *region)
{
    for (uint64_t slot = region->capacity; slot-- > 0;) {
        struct entry *e = &region->entries[slot];
        const struct entry *next = &region->entries[next_slot(region, slot)];
        if (atomic_load_explicit(&e->key, memory_order_relaxed) == KEY_TOMBSTONE &&
            atomic_load_explicit(&next->key, memory_order_relaxed) == KEY_EMPTY)
            atomic_store(&e->key, KEY_EMPTY);
    }
}

uint64_t bd_provisioned_sync_end(struct bd_provisioned_sync *sync)
{
    struct set *set = &sync->set;
    struct region *region = set->region;
    uint64_t removed = 0;
    for (uint64_t slot = 0; slot < region->capacity; slot++) {
        uint64_t key = atomic_load_explicit(&region->entries[slot].key, memory_order_relaxed);
        if (key < KEY_FIRST || is_marked(set, slot))
            continue;
        retire(set, slot);
        removed++;
    }
    trim(region);
    atomic_store_explicit(&region->cnt, set->marked, memory_order_relaxed);
    free(set->marks);
    free(sync);
    return removed;
}

void bd_provisioned_sync_abort(struct bd_provisioned_sync *sync)
{
    free(sync->set.marks);
    free(sync);
}
