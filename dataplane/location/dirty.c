/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking the marks: control's side of dirty.h, and what a load does to them.
 *
 * Why no change is ever without its mark. All of it is seq_cst, so there is one order, S.
 *   worker:  change  <  mark set, or found set
 *   sweep:   word read  <  noted in pending  <  taken out  <  slot read
 * - The sweep takes the mark out: then it read the slot after the change.
 * - It does not, as the mark came after it read the word: the mark stays for the next.
 * - Killed between noted and taken out: in both, and found twice. Nothing is taken out first.
 *
 * Why `durable` above a ticket n means that the change is on disk. The ticket is an atomic
 * read-modify-write of `begun`, after the change was seen; that of bd_dirty_begin for sweep n + 1
 * reads it or what follows it, so all that the ticket's owner had seen happened before sweep n + 1
 * looks: it finds the intent of whoever made the change, or, as that is gone, his mark, in `dirty`,
 * or in `pending` where a former sweep put it that has not settled, or has settled by now. */
#include "bucket.h"
#include "mark.h"
#include "race.h"

uint64_t bd_dirty_slots(const struct bd_table *table)
{
    return (uint64_t)table->shared->bucket_cnt * BD_TABLE_SLOTS;
}

/* The seed is random for each arena; the rest only adds to it. */
uint64_t bd_dirty_geometry(const struct bd_table *table)
{
    const struct bd_arena_header *header = table->arena->header;
    const uint64_t what[] = {header->hash_seed, header->created_wall_ms, header->layout,
                             table->shared->bucket_cnt};
    struct bd_hash_key key;
    bd_hash_key_init(&key, 0);
    return bd_hash64(&key, what, sizeof(what));
}

/* --- dataplane ------------------------------------------------------------------------------- */

/* See above. The value stays. */
uint64_t bd_dirty_ticket(const struct bd_table *table)
{
    return atomic_fetch_add(&bd_dirty_of(table->arena)->begun, 0);
}

/* Nobody else marks or takes marks now: no worker runs, and control waits for `restored`. Relaxed:
 * the store of `restored` that follows is a release. */
void bd_dirty_set_restored(const struct bd_table *table)
{
    uint32_t words = bd_mark_words(table->shared->bucket_cnt);
    for (uint32_t w = 0; w < words; w++)
        atomic_store_explicit(&table->dirty[w], 0, memory_order_relaxed);
    atomic_store(&bd_dirty_of(table->arena)->restored, 1);
}

/* --- control --------------------------------------------------------------------------------- */

/* Acquire; pairs with bd_intend_nothing: who sees an intent gone finds its mark. The slot itself is
 * read later, by the sweep. */
static void note_intents(const struct bd_table *table)
{
    const struct bd_dirty_shared *shared = bd_dirty_of(table->arena);
    for (unsigned w = 0; w < BD_WORKERS_MAX; w++) {
        uint64_t slot = atomic_load_explicit(&shared->intent[w].slot, memory_order_acquire);
        if (slot == 0 || slot > bd_dirty_slots(table))
            continue;
        uint32_t bucket = bd_slot_bucket(slot - 1);
        atomic_fetch_or_explicit(&table->pending[bucket / BD_MARK_BUCKETS],
                                 bd_mark_content(bd_slot_place(slot - 1)) << bd_mark_shift(bucket),
                                 memory_order_relaxed);
    }
}

void bd_dirty_begin(const struct bd_table *table)
{
    atomic_fetch_add(&bd_dirty_of(table->arena)->begun, 1);
    note_intents(table);
    BD_RACE_POINT("sweep: begun");
}

/* Moves a word's marks to `pending` and returns all that is there. */
static uint64_t take(const struct bd_table *table, uint32_t w)
{
    uint64_t pending = atomic_load_explicit(&table->pending[w], memory_order_relaxed);
    uint64_t dirty = atomic_load(&table->dirty[w]);
    if (dirty) {
        pending |= dirty;
        atomic_store(&table->pending[w], pending);
        BD_RACE_POINT("sweep: noted");
        atomic_fetch_and(&table->dirty[w], ~dirty);
        BD_RACE_POINT("sweep: taken");
    }
    return pending;
}

/* Whether what the disk has for the slot may be another record than this one. A record that is not
 * `unmarked` has had its CONTENT mark (acquire; pairs with bd_record_set_marked), which is in
 * marks, or in the word by now, or was taken by a sweep that read this record or a later one.
 * Before the first snapshot the disk may have nothing at all for it. */
static bool is_content(const struct bd_table *table, uint32_t bucket, unsigned s, uint64_t marks,
                       const struct bd_record *record)
{
    if (marks & bd_mark_content(s) ||
        atomic_load_explicit(&record->unmarked, memory_order_acquire) != 0)
        return true;
    uint64_t now = atomic_load(&table->dirty[bucket / BD_MARK_BUCKETS]) >> bd_mark_shift(bucket);
    return now & bd_mark_content(s) || !atomic_load(&bd_dirty_of(table->arena)->snapshot_done);
}

/* Tells of each slot of a bucket with a mark. */
static int tell(const struct bd_table *table, uint32_t bucket, uint64_t marks, bd_dirty_fn fn,
                void *arg)
{
    for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
        if (!(marks & (bd_mark_content(s) | bd_mark_state(s))))
            continue;
        uint64_t word = atomic_load(&table->buckets[bucket].slot[s]);
        const struct bd_record *record =
            bd_slot_state(word) == BD_SLOT_LIVE ? bd_slot_record(table, word) : NULL;
        enum bd_dirty_kind kind = !record || is_content(table, bucket, s, marks, record)
                                      ? BD_DIRTY_CONTENT
                                      : BD_DIRTY_STATE;
        int rc = fn(arg, bd_slot_number(bucket, s), kind, record);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A record of a typical binding, all of which is read for its check. */
enum { LINE = 64, RECORD_LINES = 5 };
/* Words with marks that are taken together: bucket and record of each mark are misses. */
enum { BATCH = 16 };

static uint64_t marks_of(const struct bd_table *table, uint32_t w)
{
    return atomic_load(&table->dirty[w]) |
           atomic_load_explicit(&table->pending[w], memory_order_relaxed);
}

static void prefetch_buckets(const struct bd_table *table, uint32_t w, uint64_t marks)
{
    for (uint32_t b = w * BD_MARK_BUCKETS; marks; b++, marks >>= BD_MARK_BITS) {
        if (marks & UINT16_MAX)
            __builtin_prefetch(&table->buckets[b]);
    }
}

/* The next words with marks. One that is found without is as good as taken: see above. */
static unsigned gather(const struct bd_table *table, uint32_t *w, uint32_t end,
                       uint32_t marked[BATCH])
{
    unsigned cnt = 0;
    for (; *w < end && cnt < BATCH; ++*w) {
        uint64_t marks = marks_of(table, *w);
        if (marks) {
            prefetch_buckets(table, *w, marks);
            marked[cnt++] = *w;
        }
    }
    return cnt;
}

/* Relaxed: a hint, paired with nothing; the sweep loads the slot anew. An empty one costs a
 * needless hint. */
static void prefetch_record(const struct bd_table *table, uint32_t bucket, unsigned s)
{
    uint64_t word = atomic_load_explicit(&table->buckets[bucket].slot[s], memory_order_relaxed);
    const char *record = (const char *)bd_slot_record(table, word);
    for (unsigned i = 0; i < RECORD_LINES; i++)
        __builtin_prefetch(record + i * LINE);
}

static void prefetch_records(const struct bd_table *table, uint32_t w)
{
    for (uint64_t marks = marks_of(table, w); marks; marks &= marks - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(marks);
        prefetch_record(table, w * BD_MARK_BUCKETS + bit / BD_MARK_BITS, bit % 8);
    }
}

static int sweep_word(const struct bd_table *table, uint32_t w, bd_dirty_fn fn, void *arg)
{
    uint64_t marks = take(table, w);
    int rc = 0;
    for (uint32_t b = w * BD_MARK_BUCKETS; marks && rc >= 0; b++, marks >>= BD_MARK_BITS)
        rc = tell(table, b, marks, fn, arg);
    return rc;
}

/* A word at which fn stops the sweep is not behind *w. */
static int sweep_batch(const struct bd_table *table, uint32_t *w, uint32_t end, bd_dirty_fn fn,
                       void *arg)
{
    uint32_t marked[BATCH];
    unsigned cnt = gather(table, w, end, marked);
    for (unsigned i = 0; i < cnt; i++)
        prefetch_records(table, marked[i]);
    for (unsigned i = 0; i < cnt; i++) {
        int rc = sweep_word(table, marked[i], fn, arg);
        if (rc < 0) {
            *w = marked[i];
            return rc;
        }
    }
    return 0;
}

int bd_dirty_sweep(const struct bd_table *table, uint32_t *cursor, uint32_t max_buckets,
                   bd_dirty_fn fn, void *arg)
{
    uint32_t cnt = table->shared->bucket_cnt, words = bd_mark_words(cnt);
    uint32_t w = bd_mark_words(*cursor < cnt ? *cursor : cnt);
    uint32_t left = bd_mark_words(max_buckets < cnt ? max_buckets : cnt);
    uint32_t end = left < words - w ? w + left : words;
    int rc = 0;
    while (w < end && rc == 0)
        rc = sweep_batch(table, &w, end, fn, arg);
    *cursor = w * BD_MARK_BUCKETS < cnt ? w * BD_MARK_BUCKETS : cnt;
    return rc < 0 ? rc : w < words;
}

/* `durable` last: whoever sees it may also see `pending` empty. Killed before it, the next sweep
 * raises it. Pairs with the worker's load of `durable`. */
void bd_dirty_settle(const struct bd_table *table)
{
    struct bd_dirty_shared *shared = bd_dirty_of(table->arena);
    uint32_t words = bd_mark_words(table->shared->bucket_cnt);
    for (uint32_t w = 0; w < words; w++) {
        if (atomic_load_explicit(&table->pending[w], memory_order_relaxed)) {
            atomic_store_explicit(&table->pending[w], 0, memory_order_relaxed);
            BD_RACE_POINT("settle: cleared");
        }
    }
    atomic_store(&shared->durable, atomic_load(&shared->begun));
    BD_RACE_POINT("settle: told");
}
