/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the table.
 *
 * Slot loads are seq_cst throughout. Readers need acquire (pairs with the publishing
 * compare-and-swap in writer.c: the record is whole), and the order after bd_epoch_online's store;
 * both cost nothing on x86, where a load is a load. */
#include "bucket.h"
#include "mark.h"

/* Slots for two bindings: at a load of 0.4 a window of 8 buckets holds 22 AoRs on average, and one
 * with more than its 56 slots is a matter of one in 10^9. It costs 23 bytes a binding. */
enum { SLOTS_PER_TWO_BINDINGS = 5 };
/* The begin of a record, with all that finding and refreshing one contact touch; and as much of the
 * rest as is fetched: several contacts' worth. */
enum { LINE = 64, HEAD_SZ = 64, REST_LINES_MAX = 24 };
#define RECORD_AVG_USUAL 384
/* For what workers have at hand: of each class a part of a page, and two batches. */
enum { PAGES_A_WORKER = 32, WORKERS_MIN = 6 };
#define BINDINGS_MAX (1ULL << 31)

static uint32_t home_cnt_of(uint64_t bindings_max)
{
    uint64_t slots = bindings_max * SLOTS_PER_TWO_BINDINGS / 2;
    uint64_t per_home = BD_TABLE_SHARDS * BD_TABLE_SLOTS;
    return (uint32_t)((slots + per_home - 1) / per_home);
}

static uint64_t bytes_for(uint32_t bucket_cnt)
{
    return sizeof(struct bd_table_shared) + (uint64_t)bucket_cnt * sizeof(struct bd_bucket) +
           (uint64_t)bd_groups_for(bucket_cnt) * sizeof(uint32_t);
}

static uint32_t bucket_cnt_of(uint64_t bindings_max)
{
    return (home_cnt_of(bindings_max) + BD_TABLE_WINDOW - 1) * BD_TABLE_SHARDS;
}

uint64_t bd_table_footprint(uint64_t bindings_max)
{
    if (bindings_max == 0 || bindings_max > BINDINGS_MAX)
        return 0;
    return bytes_for(bucket_cnt_of(bindings_max));
}

static uint64_t dirty_bytes_for(uint32_t bucket_cnt)
{
    return sizeof(struct bd_dirty_shared) + 2 * sizeof(uint64_t) * bd_mark_words(bucket_cnt);
}

uint64_t bd_dirty_footprint(uint64_t bindings_max)
{
    if (bindings_max == 0 || bindings_max > BINDINGS_MAX)
        return 0;
    return dirty_bytes_for(bucket_cnt_of(bindings_max));
}

uint64_t bd_records_footprint(uint64_t bindings_max, uint32_t record_avg_sz, unsigned workers)
{
    uint64_t avg = record_avg_sz ? record_avg_sz : RECORD_AVG_USUAL;
    if (bindings_max == 0 || bindings_max > BINDINGS_MAX || avg > BD_RECORD_MAX)
        return 0;
    avg = (avg + BD_UNIT - 1) & ~(uint64_t)(BD_UNIT - 1);
    /* A sixteenth more for the ends of pages. */
    uint64_t pages = bindings_max * avg / BD_PAGE_SZ * 17 / 16;
    pages += PAGES_A_WORKER * (uint64_t)(workers > WORKERS_MIN ? workers : WORKERS_MIN);
    pages += pages / BD_PAGE_SZ + 1; /* the class bytes */
    uint64_t bytes = pages * BD_PAGE_SZ;
    return bytes <= 1ULL << (BD_SLOT_OFF_BITS + BD_UNIT_LOG2) ? bytes : 0;
}

static struct bd_table_shared *shared_of(const struct bd_arena *arena)
{
    return bd_arena_region(arena, BD_REGION_TABLE);
}

static _Atomic uint32_t *groups_of(struct bd_table_shared *shared)
{
    return (_Atomic uint32_t *)((struct bd_bucket *)(shared + 1) + shared->bucket_cnt);
}

void bd_table_format(struct bd_arena *arena, uint64_t bindings_max)
{
    struct bd_table_shared *shared = shared_of(arena);
    if (shared->magic == BD_TABLE_MAGIC)
        return;
    memset(shared, 0, bd_table_footprint(bindings_max));
    shared->home_cnt = home_cnt_of(bindings_max);
    shared->shard_cnt = shared->home_cnt + BD_TABLE_WINDOW - 1;
    shared->bucket_cnt = shared->shard_cnt * BD_TABLE_SHARDS;
    shared->page_cnt = (uint32_t)(arena->header->region_sz[BD_REGION_RECORDS] / BD_PAGE_SZ);
    shared->page_first = shared->page_cnt / BD_PAGE_SZ + 1;
    memset(bd_arena_region(arena, BD_REGION_RECORDS), 0, shared->page_cnt);
    bd_epoch_init(&shared->epoch);
    struct bd_bucket *buckets = (struct bd_bucket *)(shared + 1);
    for (uint32_t b = 0; b < shared->bucket_cnt; b++)
        atomic_store_explicit(&buckets[b].due_s, BD_DUE_NEVER, memory_order_relaxed);
    memset(groups_of(shared), 0xff, bd_groups_for(shared->bucket_cnt) * sizeof(uint32_t));
    shared->magic = BD_TABLE_MAGIC;
}

int bd_table_join(struct bd_table *table, struct bd_arena *arena, struct bd_error *error)
{
    struct bd_table_shared *shared = shared_of(arena);
    if (shared->magic != BD_TABLE_MAGIC || shared->home_cnt == 0 ||
        bytes_for(shared->bucket_cnt) > arena->header->region_sz[BD_REGION_TABLE] ||
        dirty_bytes_for(shared->bucket_cnt) > arena->header->region_sz[BD_REGION_DIRTY])
        return bd_fail(error,
                       "arena %s: its binding table is not of this version; remove the file while "
                       "both processes are stopped (bindings come from the journal then)",
                       arena->path);
    _Atomic uint64_t *dirty = (_Atomic uint64_t *)(bd_dirty_of(arena) + 1);
    *table = (struct bd_table){.arena = arena,
                               .shared = shared,
                               .buckets = (struct bd_bucket *)(shared + 1),
                               .group_due_s = groups_of(shared),
                               .dirty = dirty,
                               .pending = dirty + bd_mark_words(shared->bucket_cnt),
                               .records = bd_arena_region(arena, BD_REGION_RECORDS),
                               .epoch = &shared->epoch};
    return 0;
}

uint64_t bd_table_hash(const struct bd_table *table, struct bd_str aor)
{
    return bd_hash64(&table->arena->hash_key, aor.p, aor.len);
}

void bd_table_prefetch_bucket(const struct bd_table *table, uint64_t hash)
{
    uint32_t home = bd_table_home(table, hash);
    __builtin_prefetch(&table->buckets[home], 1);
    bd_mark_prefetch(table, home);
}

/* The first record of the home bucket whose tag fits, before a look at its AoR. NULL: none. */
static const struct bd_record *likely_record(const struct bd_table *table, uint64_t hash)
{
    const struct bd_bucket *home = &table->buckets[bd_table_home(table, hash)];
    unsigned match = bd_bucket_match(home, hash);
    uint64_t word = match ? atomic_load(&home->slot[__builtin_ctz(match)]) : 0;
    return bd_slot_state(word) == BD_SLOT_LIVE ? bd_slot_record(table, word) : NULL;
}

void bd_table_prefetch_record(const struct bd_table *table, uint64_t hash)
{
    const char *p = (const char *)likely_record(table, hash);
    if (p) {
        /* It may begin in the middle of a line. Either may hold the words that a refresh writes. */
        __builtin_prefetch(p, 1);
        __builtin_prefetch(p + HEAD_SZ - 1, 1);
        return;
    }
    /* Not there, or not here: as far as a key at home here may lie. */
    const struct bd_bucket *home = &table->buckets[bd_table_home(table, hash)];
    if (!(atomic_load_explicit(&home->flags, memory_order_relaxed) & BD_BUCKET_OVERFLOW))
        return;
    for (unsigned b = 1; b < BD_TABLE_WINDOW; b++)
        __builtin_prefetch(home + b);
}

void bd_table_prefetch_rest(const struct bd_table *table, uint64_t hash)
{
    const struct bd_record *record = likely_record(table, hash);
    if (!record)
        return;
    uint32_t sz = record->sz < REST_LINES_MAX * LINE ? record->sz : REST_LINES_MAX * LINE;
    for (uint32_t off = HEAD_SZ; off < sz; off += LINE)
        __builtin_prefetch((const char *)record + off);
    __builtin_prefetch((const char *)record + sz - 1);
}

static bool find_in_bucket(const struct bd_table *table, uint32_t bucket, struct bd_str aor,
                           struct bd_slot_ref *ref)
{
    const struct bd_bucket *b = &table->buckets[bucket];
    for (unsigned match = bd_bucket_match(b, ref->hash); match; match &= match - 1) {
        unsigned s = (unsigned)__builtin_ctz(match);
        uint64_t word = atomic_load(&b->slot[s]);
        /* The slot may have changed since the match. */
        if (bd_slot_state(word) != BD_SLOT_LIVE)
            continue;
        const struct bd_record *record = bd_slot_record(table, word);
        if (!bd_record_is(record, aor))
            continue;
        ref->bucket = bucket;
        ref->slot = s;
        ref->word = word;
        ref->record = record;
        return true;
    }
    return false;
}

bool bd_table_find(const struct bd_table *table, uint64_t hash, struct bd_str aor,
                   struct bd_slot_ref *ref)
{
    *ref = (struct bd_slot_ref){.hash = hash};
    uint32_t home = bd_table_home(table, hash);
    if (find_in_bucket(table, home, aor, ref))
        return true;
    /* seq_cst; pairs with the fetch_or in insert.c's claim_slot(), which precedes the placing:
     * whoever may rely on a record beyond home having been published sees the flag. */
    if (!(atomic_load(&table->buckets[home].flags) & BD_BUCKET_OVERFLOW))
        return false;
    for (uint32_t b = home + 1; b < home + BD_TABLE_WINDOW; b++) {
        if (find_in_bucket(table, b, aor, ref))
            return true;
    }
    return false;
}

static void walk_bucket(const struct bd_table *table, uint32_t bucket, bd_table_walk_fn fn,
                        void *arg)
{
    for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
        uint64_t word = atomic_load(&table->buckets[bucket].slot[s]);
        if (bd_slot_state(word) == BD_SLOT_LIVE)
            fn(arg, bd_slot_number(bucket, s), bd_slot_record(table, word));
    }
}

/* Three records a bucket at 190 ns each and 10 ns of work: a few buckets ahead hide them. */
enum { WALK_AHEAD = 4 };

bool bd_table_walk(const struct bd_table *table, uint32_t *cursor, uint32_t max_buckets,
                   bd_table_walk_fn fn, void *arg)
{
    uint32_t cnt = table->shared->bucket_cnt;
    uint32_t begin = *cursor < cnt ? *cursor : cnt;
    uint32_t end = max_buckets < cnt - begin ? begin + max_buckets : cnt;
    for (uint32_t b = begin; b < end; b++) {
        if (b + WALK_AHEAD < cnt)
            bd_bucket_prefetch_records(table, b + WALK_AHEAD);
        walk_bucket(table, b, fn, arg);
    }
    *cursor = end;
    return end < cnt;
}

/* The next bucket from b on whose group may be due; `end` when there is none before it. */
static uint32_t skip_groups(const struct bd_table *table, uint32_t b, uint32_t end, uint32_t now_s)
{
    while (b < end &&
           atomic_load_explicit(&table->group_due_s[bd_group_of(b)], memory_order_relaxed) > now_s)
        b = (b | (BD_GROUP_CNT - 1)) + 1;
    return b < end ? b : end;
}

bool bd_table_due(const struct bd_table *table, uint32_t *cursor, uint32_t max_buckets,
                  uint32_t now_s, uint32_t *buckets, unsigned cap, unsigned *cnt)
{
    uint32_t bucket_cnt = table->shared->bucket_cnt;
    uint32_t b = *cursor < bucket_cnt ? *cursor : bucket_cnt;
    uint32_t end = max_buckets < bucket_cnt - b ? b + max_buckets : bucket_cnt;
    *cnt = 0;
    while (*cnt < cap && (b = skip_groups(table, b, end, now_s)) < end) {
        uint32_t group_end = (b | (BD_GROUP_CNT - 1)) + 1;
        for (; b < end && b < group_end && *cnt < cap; b++) {
            if (atomic_load_explicit(&table->buckets[b].due_s, memory_order_relaxed) <= now_s)
                buckets[(*cnt)++] = b;
        }
    }
    *cursor = b;
    return b < bucket_cnt;
}
