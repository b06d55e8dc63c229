/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking expired bindings out of a due bucket. */
#include "allocator.h"
#include "bucket.h"
#include "race.h"

/* A slot that loses its race this often is busy: its bucket stays due and comes again. */
enum { TRIES = 4 };

struct sweep {
    struct bd_writer *writer;
    uint32_t bucket, now_s;
    bd_expired_fn fn;
    void *arg;
    unsigned removed, aors;
};

/* What is to become of one record: the kept bindings come first. */
struct split {
    struct bd_binding binding[BD_CONTACTS_PER_AOR_MAX];
    uint64_t seen[BD_CONTACTS_PER_AOR_MAX];
    unsigned cnt, kept;
    uint32_t next_s; /* earliest expiry among the kept */
};

static void split_record(const struct bd_record *record, uint32_t now_s, struct split *split)
{
    split->cnt = bd_record_cnt(record);
    split->kept = 0;
    split->next_s = BD_DUE_NEVER;
    unsigned last = split->cnt;
    for (unsigned i = 0; i < split->cnt; i++) {
        struct bd_binding view;
        bd_record_view(record, i, &view);
        split->seen[i] = view.state;
        uint32_t expires_at_s = bd_state_expires_at_s(view.state);
        if (expires_at_s <= now_s) {
            split->binding[--last] = view;
            continue;
        }
        split->binding[split->kept++] = view;
        split->next_s = expires_at_s < split->next_s ? expires_at_s : split->next_s;
    }
}

static void report(struct sweep *sweep, struct bd_str aor, const struct split *split)
{
    for (unsigned i = split->kept; sweep->fn && i < split->cnt; i++)
        sweep->fn(sweep->arg, aor, &split->binding[i]);
    sweep->removed += split->cnt - split->kept;
    sweep->aors += split->kept == 0;
}

/* Returns the expiry that the bucket is to be looked at again for this slot. A refresh that comes
 * between the split and the seal makes bd_table_put a CONFLICT, so nothing but what is still
 * expired is ever removed. The record that was taken out stays readable: this thread is not
 * quiescent yet. */
static uint32_t expire_slot(struct sweep *sweep, unsigned s)
{
    struct bd_table *table = sweep->writer->table;
    struct split split;
    for (unsigned try = 0; try < TRIES; try++) {
        uint64_t word = atomic_load(&table->buckets[sweep->bucket].slot[s]);
        if (bd_slot_state(word) != BD_SLOT_LIVE)
            return BD_DUE_NEVER;
        struct bd_slot_ref ref = {.bucket = sweep->bucket,
                                  .slot = s,
                                  .word = word,
                                  .record = bd_slot_record(table, word)};
        uint32_t earliest_s = bd_record_earliest(ref.record);
        if (earliest_s > sweep->now_s)
            return earliest_s;
        ref.hash = bd_record_hash(table, ref.record);
        split_record(ref.record, sweep->now_s, &split);
        if (split.kept == split.cnt) /* refreshed just now */
            return split.next_s;
        struct bd_str aor = bd_record_aor(ref.record);
        if (bd_table_put(sweep->writer, &ref, aor, split.seen, split.binding, split.kept) ==
            BD_TABLE_OK) {
            report(sweep, aor, &split);
            return split.next_s;
        }
    }
    return sweep->now_s;
}

static uint32_t due_of(const struct bd_table *table, uint32_t bucket)
{
    return bucket < table->shared->bucket_cnt ? atomic_load(&table->buckets[bucket].due_s)
                                              : BD_DUE_NEVER;
}

/* Sets the bound of a bucket's group anew, but not while another bucket of it is due: whoever works
 * off the last does. The search for one begins behind the bucket, where the sweeper's next lies. As
 * with a bucket: BD_DUE_NEVER first, then the look. */
static void settle_group(const struct bd_table *table, uint32_t bucket, uint32_t now_s)
{
    uint32_t first = bucket & ~(BD_GROUP_CNT - 1), min_s = BD_DUE_NEVER;
    for (uint32_t i = 1; i <= BD_GROUP_CNT; i++) {
        if (due_of(table, first + (bucket + i) % BD_GROUP_CNT) <= now_s)
            return;
    }
    atomic_store(&table->group_due_s[bd_group_of(bucket)], BD_DUE_NEVER);
    BD_RACE_POINT("expire: group taken");
    for (uint32_t b = first; b < first + BD_GROUP_CNT; b++) {
        uint32_t due_s = due_of(table, b);
        min_s = due_s < min_s ? due_s : min_s;
    }
    bd_group_lower(table, bucket, min_s);
}

/* BD_DUE_NEVER first, then the look: see bd_due_lower in writer.c. A process that dies in between
 * leaves a bucket that is never due; the rebuild computes all of them anew. */
unsigned bd_table_expire(struct bd_writer *writer, uint32_t bucket, uint32_t now_s,
                         bd_expired_fn fn, void *arg, unsigned *aors)
{
    struct sweep sweep = {.writer = writer, .bucket = bucket, .now_s = now_s, .fn = fn, .arg = arg};
    *aors = 0;
    if (bucket >= writer->table->shared->bucket_cnt || !bd_retire_room(writer, BD_TABLE_SLOTS))
        return 0;
    struct bd_bucket *b = &writer->table->buckets[bucket];
    if (atomic_load(&b->due_s) > now_s)
        return 0; /* worked off already: the sweeper may name a bucket twice */
    bd_bucket_prefetch_records(writer->table, bucket);
    atomic_store(&b->due_s, BD_DUE_NEVER);
    BD_RACE_POINT("expire: due_s taken");
    uint32_t next_s = BD_DUE_NEVER;
    for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
        uint32_t slot_s = expire_slot(&sweep, s);
        next_s = slot_s < next_s ? slot_s : next_s;
        BD_RACE_POINT("expire: slot done");
    }
    bd_due_lower(writer->table, bucket, next_s);
    BD_RACE_POINT("expire: bucket done");
    settle_group(writer->table, bucket, now_s);
    *aors = sweep.aors;
    return sweep.removed;
}
