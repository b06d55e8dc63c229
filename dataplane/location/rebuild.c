/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking over table and record memory from a predecessor that may have died at any instruction.
 *
 *   1  its workers' epoch lines go offline, and those of dead readers; what its intents name is
 *      marked for the disk
 *   2  one pass over the buckets: drop what is unfinished or damaged, mark the blocks in use,
 *      compute due_s and OVERFLOW
 *   3  wait until control's living readers hold nothing that is no longer in the table
 *   4  one pass over the pages: those without a mark are free, the rest of each other one goes to
 *      the depot
 *
 * Readers of control go on all the time. Each step can be cut off and begun anew by the next. */
#include <stdlib.h>
#include <unistd.h>

#include "allocator.h"
#include "clock.h"
#include "mark.h"
#include "race.h"

/* Buckets between the prefetch of their records and their turn: 8 * 4 lines under way. */
enum { SWEEP_AHEAD = 8 };
enum { GRACE_WAIT_MS = 5000, GRACE_POLL_US = 200 };
#define UNITS_PER_PAGE (BD_PAGE_SZ / BD_UNIT)

struct rebuild {
    struct bd_table *table;
    struct bd_memory *memory;
    uint64_t *used; /* one bit a unit: a record begins here */
    /* Records found beyond home, for each of the last buckets: whether it was their home. */
    bool overflow[BD_TABLE_WINDOW];
    uint64_t live, tentative, damaged;
};

/* --- 1 --------------------------------------------------------------------------------------- */

/* The word is read before the generation: a line of generation g was written after the header said
 * g, so if the header then says something else, or says g and the lock is free, the thread is dead.
 */
void bd_table_bury_readers(struct bd_table *table)
{
    const struct bd_arena *arena = table->arena;
    for (unsigned r = 0; r < BD_EPOCH_CONTROL_MAX; r++) {
        unsigned line = bd_epoch_control(r);
        uint64_t word = atomic_load(&table->epoch->line[line].seen);
        if (word == 0)
            continue;
        uint16_t generation = (uint16_t)(word >> 48);
        uint16_t current = (uint16_t)atomic_load(&arena->header->role[BD_ROLE_CONTROL].generation);
        if (generation != current || !bd_arena_role_alive(arena, BD_ROLE_CONTROL))
            bd_epoch_bury(table->epoch, line, 1, generation);
    }
}

static void mark_slot(const struct bd_table *table, uint64_t slot)
{
    if (slot < bd_dirty_slots(table))
        bd_mark(table, bd_slot_bucket(slot), bd_slot_place(slot), BD_DIRTY_CONTENT);
}

/* What they changed last may be without its mark. An intent goes when its slot is marked. */
static void settle_intents(const struct bd_table *table)
{
    struct bd_dirty_shared *shared = bd_dirty_of(table->arena);
    for (unsigned w = 0; w < BD_WORKERS_MAX; w++) {
        _Atomic uint64_t *intent = &shared->intent[w].slot;
        uint64_t slot = atomic_load(intent);
        if (slot == 0)
            continue;
        mark_slot(table, slot - 1);
        BD_RACE_POINT("rebuild: intent marked");
        bd_intend_nothing(intent);
    }
}

/* --- 2 --------------------------------------------------------------------------------------- */

/* Marks a block. False when it is marked already. */
static bool mark(struct rebuild *r, uint64_t off)
{
    uint64_t unit = off >> BD_UNIT_LOG2, bit = 1ULL << (unit % 64);
    bool free_yet = !(r->used[unit / 64] & bit);
    r->used[unit / 64] |= bit;
    return free_yet;
}

/* Whether a slot points to a whole block that holds a whole record which belongs here. */
static bool record_fits(const struct rebuild *r, uint32_t bucket, uint64_t word)
{
    const struct bd_table_shared *shared = r->table->shared;
    uint64_t off = bd_slot_off(word), page = off >> BD_PAGE_LOG2;
    if (page < shared->page_first || page >= shared->page_cnt)
        return false;
    unsigned class = atomic_load_explicit(bd_page_class(r->table, page), memory_order_relaxed);
    if (class == 0 || class >= BD_CLASS_CNT)
        return false;
    uint32_t sz = bd_class_sz(class), in_page = (uint32_t)off % BD_PAGE_SZ;
    if (in_page % sz != 0 || in_page + sz > BD_PAGE_SZ)
        return false;
    const struct bd_record *record = bd_slot_record(r->table, word);
    if (!bd_record_valid(record, sz))
        return false;
    uint64_t hash = bd_record_hash(r->table, record);
    uint32_t home = bd_table_home(r->table, hash);
    return bd_slot_tag_fits(word, hash) && home <= bucket && bucket < home + BD_TABLE_WINDOW;
}

/* Whether an earlier slot of its window is LIVE for the same AoR. */
static bool is_second(const struct rebuild *r, uint32_t bucket, unsigned slot, uint64_t word)
{
    const struct bd_record *record = bd_slot_record(r->table, word);
    uint64_t hash = bd_record_hash(r->table, record);
    uint32_t home = bd_table_home(r->table, hash);
    unsigned end = (bucket - home) * BD_TABLE_SLOTS + slot;
    for (unsigned p = 0; p < end; p++) {
        uint64_t other =
            atomic_load_explicit(bd_window_slot(r->table, home, p), memory_order_relaxed);
        if (bd_slot_state(other) == BD_SLOT_LIVE && bd_slot_tag_fits(other, hash) &&
            bd_record_is(bd_slot_record(r->table, other), bd_record_aor(record)))
            return true;
    }
    return false;
}

/* Worker 0's intent is free by now. */
static void drop(const struct rebuild *r, uint32_t bucket, unsigned s)
{
    _Atomic uint64_t *intent = &bd_dirty_of(r->table->arena)->intent[0].slot;
    bd_intend(intent, bd_slot_number(bucket, s));
    atomic_store(&r->table->buckets[bucket].slot[s], 0);
    BD_RACE_POINT("rebuild: slot dropped");
    bd_mark(r->table, bucket, s, BD_DIRTY_CONTENT);
    bd_intend_nothing(intent);
}

/* Returns the earliest expiry in the slot. */
static uint32_t sweep_slot(struct rebuild *r, uint32_t bucket, unsigned s)
{
    uint64_t word = atomic_load_explicit(&r->table->buckets[bucket].slot[s], memory_order_relaxed);
    if (word == 0)
        return BD_DUE_NEVER;
    bool live = bd_slot_state(word) == BD_SLOT_LIVE;
    if (!live || !record_fits(r, bucket, word) || is_second(r, bucket, s, word) ||
        !mark(r, bd_slot_off(word))) {
        *(bd_slot_state(word) == BD_SLOT_TENTATIVE ? &r->tentative : &r->damaged) += 1;
        drop(r, bucket, s);
        return BD_DUE_NEVER;
    }
    const struct bd_record *record = bd_slot_record(r->table, word);
    uint32_t home = bd_table_home(r->table, bd_record_hash(r->table, record));
    if (home != bucket)
        r->overflow[home % BD_TABLE_WINDOW] = true;
    r->live++;
    return bd_record_earliest(record);
}

/* The flag of a bucket is known when the last bucket of its window has been seen; it goes straight
 * to its final value, so that readers meanwhile miss nothing. */
static void settle_overflow(struct rebuild *r, uint32_t bucket)
{
    bool overflow = r->overflow[bucket % BD_TABLE_WINDOW];
    atomic_store(&r->table->buckets[bucket].flags, overflow ? BD_BUCKET_OVERFLOW : 0);
    r->overflow[bucket % BD_TABLE_WINDOW] = false;
}

/* The bound of a group is known at its last bucket. */
static void settle_group(struct rebuild *r, uint32_t bucket, uint32_t due_s, uint32_t *group_s)
{
    *group_s = due_s < *group_s ? due_s : *group_s;
    atomic_store_explicit(&r->table->group_due_s[bd_group_of(bucket)], *group_s,
                          memory_order_relaxed);
    if ((bucket + 1) % BD_GROUP_CNT == 0)
        *group_s = BD_DUE_NEVER;
}

static void prefetch_records(const struct rebuild *r, uint32_t bucket)
{
    if (bucket >= r->table->shared->bucket_cnt)
        return;
    uint64_t end = (uint64_t)r->table->shared->page_cnt << BD_PAGE_LOG2;
    for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
        uint64_t word =
            atomic_load_explicit(&r->table->buckets[bucket].slot[s], memory_order_relaxed);
        if (word == 0 || bd_slot_off(word) >= end)
            continue;
        const char *p = (const char *)bd_slot_record(r->table, word);
        /* To the lengths of the texts of contact 0, wherever in a line the record begins. */
        __builtin_prefetch(p);
        __builtin_prefetch(p + 64);
        __builtin_prefetch(p + 127);
        __builtin_prefetch(&r->used[bd_slot_off(word) >> BD_UNIT_LOG2 >> 6], 1);
    }
}

static void sweep_table(struct rebuild *r)
{
    uint32_t cnt = r->table->shared->bucket_cnt, group_s = BD_DUE_NEVER;
    for (uint32_t b = 0; b < cnt; b++) {
        prefetch_records(r, b + SWEEP_AHEAD);
        uint32_t due_s = BD_DUE_NEVER;
        for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
            uint32_t slot_s = sweep_slot(r, b, s);
            due_s = slot_s < due_s ? slot_s : due_s;
        }
        atomic_store_explicit(&r->table->buckets[b].due_s, due_s, memory_order_relaxed);
        settle_group(r, b, due_s, &group_s);
        if (b >= BD_TABLE_WINDOW - 1)
            settle_overflow(r, b - (BD_TABLE_WINDOW - 1));
    }
}

/* --- 3 --------------------------------------------------------------------------------------- */

static int wait_grace(struct bd_table *table, struct bd_error *error)
{
    uint64_t target = bd_epoch_advance(table->epoch);
    uint64_t until = bd_clock_ms() + GRACE_WAIT_MS;
    while (!bd_epoch_passed(table->epoch, target)) {
        bd_table_bury_readers(table);
        if (bd_clock_ms() >= until)
            return bd_fail(error,
                           "bindery-control (pid %u) has held on to the binding table for %d s: it "
                           "hangs; restart it",
                           table->arena->header->role[BD_ROLE_CONTROL].pid, GRACE_WAIT_MS / 1000);
        usleep(GRACE_POLL_US);
    }
    return 0;
}

/* --- 4 --------------------------------------------------------------------------------------- */

static bool page_unused(const struct rebuild *r, uint64_t page)
{
    const uint64_t *word = &r->used[page * (UNITS_PER_PAGE / 64)];
    uint64_t any = 0;
    for (unsigned i = 0; i < UNITS_PER_PAGE / 64; i++)
        any |= word[i];
    return any == 0;
}

static void stock_page(struct rebuild *r, uint64_t page, unsigned class, struct bd_chain *chain)
{
    uint32_t sz = bd_class_sz(class);
    for (uint32_t in_page = 0; in_page + sz <= BD_PAGE_SZ; in_page += sz) {
        uint64_t off = (page << BD_PAGE_LOG2) + in_page, unit = off >> BD_UNIT_LOG2;
        if (r->used[unit / 64] >> (unit % 64) & 1)
            continue;
        bd_chain_push(r->table, chain, off);
        if (chain->cnt == bd_class_batch(class)) {
            bd_depot_put(r->memory, class, *chain);
            *chain = (struct bd_chain){0};
        }
    }
}

static void sweep_pages(struct rebuild *r)
{
    const struct bd_table_shared *shared = r->table->shared;
    struct bd_chain chain[BD_CLASS_CNT] = {0};
    for (uint64_t page = shared->page_first; page < shared->page_cnt; page++) {
        _Atomic uint8_t *byte = bd_page_class(r->table, page);
        unsigned class = atomic_load_explicit(byte, memory_order_relaxed);
        if (class == 0 || page_unused(r, page)) {
            atomic_store_explicit(byte, 0, memory_order_relaxed);
            r->memory->page[r->memory->page_cnt++] = (uint32_t)page;
        } else {
            stock_page(r, page, class, &chain[class]);
        }
    }
    for (unsigned class = 1; class < BD_CLASS_CNT; class ++) {
        if (chain[class].cnt)
            bd_depot_put(r->memory, class, chain[class]);
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

/* All that is in use is what the table reaches; worker 0's page of the books begins with it. */
static void open_books(struct rebuild *r)
{
    for (unsigned w = 0; w < BD_WORKERS_MAX; w++) {
        struct bd_books *books = &r->table->shared->books[w];
        atomic_store(&books->allocated, w == 0 ? r->live : 0);
        atomic_store(&books->freed, 0);
        atomic_store(&books->retiring, 0);
    }
}

static int run(struct rebuild *r, struct bd_error *error)
{
    for (unsigned line = 0; line < BD_WORKERS_MAX; line++)
        bd_epoch_offline(r->table->epoch, bd_epoch_worker(line));
    bd_table_bury_readers(r->table);
    settle_intents(r->table);
    sweep_table(r);
    if (r->damaged)
        bd_log(BD_LOG_WARNING, "arena %s: %llu damaged slots of the binding table were dropped",
               r->table->arena->path, (unsigned long long)r->damaged);
    if (wait_grace(r->table, error) < 0)
        return -1;
    sweep_pages(r);
    open_books(r);
    return 0;
}

struct bd_memory *bd_memory_rebuild(struct bd_table *table, unsigned workers,
                                    struct bd_error *error)
{
    struct rebuild r = {.table = table, .memory = bd_memory_new(table, workers)};
    uint64_t words = (uint64_t)table->shared->page_cnt * (UNITS_PER_PAGE / 64);
    r.used = calloc(words, sizeof(uint64_t));
    if (!r.memory || !r.used)
        bd_fail(error, "no memory to take over the binding table of %s", table->arena->path);
    if (!r.memory || !r.used || run(&r, error) < 0) {
        bd_memory_free(r.memory);
        r.memory = NULL;
    }
    free(r.used);
    return r.memory;
}
