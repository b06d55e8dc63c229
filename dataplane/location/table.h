/* SPDX-License-Identifier: BSD-3-Clause */
/* The binding table: AoR -> record, sharded, lock-free, in the arena.
 *
 * Workload: a million and more AoRs, mostly one contact each, nearly all operations a refresh of an
 * existing one; hash then bucket then record, two dependent cache misses, prefetched in bursts.
 *
 *   bucket (64 bytes):  slot[7] | due_s:32 flags:32
 *   slot   (64 bits):   tag:28 | state:2 | record offset / 32 : 34
 *   slot states:        EMPTY -> TENTATIVE -> LIVE -> EMPTY      (LIVE -> LIVE: replaced)
 *
 * A key's home bucket and the BD_TABLE_WINDOW - 1 next ones, all in one shard, are its window.
 * Insert (after FASTER, SIGMOD 2018): tentative slot by compare-and-swap, then a second look over
 * the window. Of two tentatives for one AoR the earlier slot stays and empties the later one.
 * Readers see LIVE slots only.
 *
 * Invariant: at any time at most one slot is LIVE for one AoR. Why: both would-be winners made
 * their tentative slot visible before their second look (sequentially consistent), so the later of
 * them sees the earlier; it then withdraws, or empties the other first. insert.c has the proof
 * beside the code; each file has the memory order and pair of its atomics.
 *
 * due_s of a bucket is a lower bound of the expiries in it (UINT32_MAX: none), and each group of
 * neighbours has a lower bound of theirs: the sweeper reads the latter, 1/256 of the table, and the
 * buckets of the groups that are due. A refresh never writes either, unless it shortens a life.
 *
 * Who may call: `struct bd_table` functions any thread of either process; those that take a
 * `struct bd_writer` only the dataplane's worker that owns it. Every reader holds an epoch line. */
#ifndef BD_TABLE_H
#define BD_TABLE_H

#include "arena.h"
#include "epoch.h"
#include "record.h"

#define BD_TABLE_SHARDS 64
#define BD_TABLE_SLOTS  7
#define BD_TABLE_WINDOW 8

/* Bytes of the two regions for a number of bindings, one AoR each, at typical record sizes
 * (record_avg_sz bytes; 0: 384), and for what so many workers have at hand. 0 for invalid
 * parameters. */
uint64_t bd_table_footprint(uint64_t bindings_max);
uint64_t bd_records_footprint(uint64_t bindings_max, uint32_t record_avg_sz, unsigned workers);

/* A process's handle; private memory, plain pointers into the mapping. */
struct bd_table {
    struct bd_arena *arena;
    struct bd_table_shared *shared;
    struct bd_bucket *buckets;
    _Atomic uint32_t *group_due_s;
    _Atomic uint64_t *dirty, *pending; /* dirty.h; four buckets a word */
    uint8_t *records;
    struct bd_epoch *epoch;
};

/* Formats both regions; the creator of the arena calls it once, before magic is written or while it
 * holds the creation lock. Idempotent when already formatted. */
void bd_table_format(struct bd_arena *arena, uint64_t bindings_max);
/* Attaches. -1 with an error when the region was not made by this layout. */
int bd_table_join(struct bd_table *table, struct bd_arena *arena, struct bd_error *error);

/* --- reading -------------------------------------------------------------------------------- */

/* Where a record was found, for a later change. */
struct bd_slot_ref {
    uint64_t hash;
    uint32_t bucket, slot;
    uint64_t word;                  /* the slot as read */
    const struct bd_record *record; /* NULL: not there */
};

uint64_t bd_table_hash(const struct bd_table *table, struct bd_str aor);
void bd_table_prefetch_bucket(const struct bd_table *table, uint64_t hash);
/* After prefetch_bucket: prefetches the begin of the first record whose tag fits, all that is read
 * to find and to refresh it. */
void bd_table_prefetch_record(const struct bd_table *table, uint64_t hash);
/* After prefetch_record, some requests ahead of who reads the texts: prefetches the rest. Not for a
 * whole burst at once: a core has two dozen misses under way at most, and stands still for more. */
void bd_table_prefetch_rest(const struct bd_table *table, uint64_t hash);
/* Finds an AoR. The record stays valid until the caller's epoch line is quiescent. Expired contacts
 * are still in it: the caller compares with its clock. */
bool bd_table_find(const struct bd_table *table, uint64_t hash, struct bd_str aor,
                   struct bd_slot_ref *ref);

/* Walks buckets [*cursor, ...) for at most max_buckets and calls fn for each LIVE record; returns
 * false when the walk is over. The caller may be quiescent between two calls. Each AoR that lives
 * throughout the walk is seen exactly once, as slots never move. slot = bucket * BD_TABLE_SLOTS +
 * place in it, the key of the journal. */
typedef void (*bd_table_walk_fn)(void *arg, uint64_t slot, const struct bd_record *record);
bool bd_table_walk(const struct bd_table *table, uint32_t *cursor, uint32_t max_buckets,
                   bd_table_walk_fn fn, void *arg);

/* Collects up to cap buckets from *cursor on whose due_s <= now_s; false when the round is over. */
bool bd_table_due(const struct bd_table *table, uint32_t *cursor, uint32_t max_buckets,
                  uint32_t now_s, uint32_t *buckets, unsigned cap, unsigned *cnt);

struct bd_table_info {
    uint64_t slots, slots_live, slots_tentative; /* counted by a walk */
    uint64_t contacts;                           /* in live records, expired or not */
    uint64_t record_bytes_total, record_bytes_carved, record_bytes_live;
    uint64_t records_in_use;   /* allocated and not freed, by the allocator's books */
    uint64_t records_retiring; /* of those, waiting for their grace period */
    int64_t records_leaked;    /* in_use - retiring - live; 0 at rest, a few in flight under load */
};
/* Walks the whole table (seconds at 10 M): for `show info`, from a control thread with an epoch
 * line, which it makes quiescent every few thousand buckets. */
void bd_table_info(const struct bd_table *table, unsigned line, uint16_t generation,
                   struct bd_table_info *info);

/* --- changing (dataplane workers only) -------------------------------------------------------- */

enum bd_table_rc {
    BD_TABLE_OK,
    BD_TABLE_CONFLICT, /* somebody was first: find and decide again */
    BD_TABLE_WINDOW_FULL,
    BD_TABLE_NO_MEMORY
};

/* The allocator of one dataplane process, and one writer per worker thread. */
struct bd_memory;
struct bd_writer;

/* Takes the epoch lines of dead control processes offline, so that reclamation goes on. Safe at any
 * time, also while a successor comes up. One system call when any of their lines is online. */
void bd_table_bury_readers(struct bd_table *table);

/* Takes over the record memory: forgets all former bookkeeping, empties tentative slots, drops
 * slots that point to no valid record (counted, logged), recomputes due_s, and makes the free lists
 * from what the table reaches. The dataplane role must be held; no worker runs yet. Waits for the
 * grace of control's readers, and takes the lines of dead ones offline. Returns NULL with an error
 * when the memory cannot be had, or a living reader of control does not let go for 5 s. */
struct bd_memory *bd_memory_rebuild(struct bd_table *table, unsigned workers,
                                    struct bd_error *error);
void bd_memory_free(struct bd_memory *memory);
struct bd_writer *bd_memory_writer(struct bd_memory *memory, unsigned worker);

/* Refreshes contact i of ref->record: one compare-and-swap of its state word from `expected` (as
 * viewed) to (cseq, expires_at_s); txn is raised first. CONFLICT when the word has changed or is
 * sealed. Nothing else of the binding changes. */
enum bd_table_rc bd_table_refresh(struct bd_writer *writer, const struct bd_slot_ref *ref,
                                  unsigned i, uint64_t expected, uint32_t cseq,
                                  uint32_t expires_at_s, uint64_t txn);

/* Notes the repeat word of contact i of ref->record (record.h). Nothing waits for it. */
void bd_table_note_repeat(const struct bd_slot_ref *ref, unsigned i, uint64_t repeat);

/* Makes `bindings` the whole content of the AoR, all or nothing: inserts when ref->record is NULL,
 * replaces otherwise, removes when cnt is 0. `seen[i]` is the state word of old contact i that the
 * decision rests on (seal bit ignored); CONFLICT when one has changed since. The texts are copied.
 * The old record is retired. Never blocks; bounded work. */
enum bd_table_rc bd_table_put(struct bd_writer *writer, const struct bd_slot_ref *ref,
                              struct bd_str aor, const uint64_t *seen,
                              const struct bd_binding *bindings, unsigned cnt);

/* Works off a due bucket: takes expired contacts out of its records and sets due_s anew. fn, if not
 * NULL, is told each removed binding before its record is retired. Returns how many were removed.
 * *aors counts the AoRs that vanished with their last binding. */
typedef void (*bd_expired_fn)(void *arg, struct bd_str aor, const struct bd_binding *binding);
unsigned bd_table_expire(struct bd_writer *writer, uint32_t bucket, uint32_t now_s,
                         bd_expired_fn fn, void *arg, unsigned *aors);

/* Between two bursts: announces quiescence and takes back records whose grace is over (a bounded
 * number). Holds no reference afterwards. True: it has memory in hand that others wait for, of
 * which each call does a piece; not a time to sleep. */
bool bd_writer_quiescent(struct bd_writer *writer);
/* Before a long sleep and after it. */
void bd_writer_offline(struct bd_writer *writer);
void bd_writer_online(struct bd_writer *writer);

#endif
