/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared layouts of table and record memory; private to this folder.
 *
 *   table region:   bd_table_shared | buckets: shard 0, shard 1, ... | due_s of each group of them
 *   shard:          home buckets | BD_TABLE_WINDOW - 1 padding buckets, so no window leaves it
 *   record region:  class byte of each page | pages of 64 KiB, each cut in blocks of one class
 *
 * A record's offset counts from the begin of the record region, in units of 32 bytes; unit 0 lies
 * in the class bytes, so no record has offset 0. Any change here raises BD_ARENA_LAYOUT. */
#ifndef BD_LOCATION_LAYOUT_H
#define BD_LOCATION_LAYOUT_H

#include "table.h"

/* --- records --------------------------------------------------------------------------------- */

/* Three words come first: the AoR, and what a refresh of contact 0 compares first and writes lie
 * close together, for an AoR of usual length within 64 bytes. */
struct bd_contact {
    _Atomic uint64_t state;
    _Atomic uint64_t txn;
    _Atomic uint64_t repeat;
    struct bd_endpoint source, local;
    uint32_t reg_id;
    uint32_t created_at_s;
    uint16_t text_off; /* of its texts, from the begin of the record */
    uint16_t q_milli;
    uint16_t flags;
    uint16_t text_len[BD_TEXT_CNT];
};
_Static_assert(sizeof(struct bd_contact) == 88, "kept in shared memory");

struct bd_record {
    uint32_t sz;
    uint16_t aor_len;
    uint8_t cnt;
    _Atomic uint8_t unmarked; /* 1 until its slot was marked CONTENT (mark.h) */
    char aor[];               /* then the contacts, at the next multiple of 8 */
};
_Static_assert(sizeof(struct bd_record) == 8, "kept in shared memory");

/* From the begin of a record to its contacts. */
static inline uint32_t bd_record_contacts_off(uint32_t aor_len)
{
    return ((uint32_t)sizeof(struct bd_record) + aor_len + 7) & ~7U;
}
/* The record is const to readers; the atomic words of each contact are not. */
static inline struct bd_contact *bd_record_contact(const struct bd_record *record, unsigned i)
{
    return (struct bd_contact *)((uintptr_t)record + bd_record_contacts_off(record->aor_len)) + i;
}

/* --- record memory --------------------------------------------------------------------------- */

#define BD_UNIT_LOG2 5
#define BD_UNIT      (1U << BD_UNIT_LOG2)
#define BD_PAGE_LOG2 16
#define BD_PAGE_SZ   (1U << BD_PAGE_LOG2)

/* What one worker did to the record memory; one writer each, read by bd_table_info. */
struct bd_books {
    _Alignas(64) _Atomic uint64_t allocated;
    _Atomic uint64_t freed;
    _Atomic uint64_t retiring; /* allocated, not freed, and out of the table */
};

/* --- table ----------------------------------------------------------------------------------- */

enum bd_slot_state { BD_SLOT_EMPTY, BD_SLOT_TENTATIVE, BD_SLOT_LIVE };

#define BD_SLOT_OFF_BITS   34
#define BD_SLOT_TAG_SHIFT  36
#define BD_SLOT_TAG_MASK   0xfffffffULL
#define BD_WINDOW_SLOTS    (BD_TABLE_WINDOW * BD_TABLE_SLOTS)
#define BD_BUCKET_OVERFLOW 0x1U
#define BD_DUE_NEVER       UINT32_MAX

struct bd_bucket {
    _Alignas(64) _Atomic uint64_t slot[BD_TABLE_SLOTS];
    _Atomic uint32_t due_s;
    _Atomic uint32_t
        flags; /* BD_BUCKET_OVERFLOW: some key at home here was put further on; sticky */
};
_Static_assert(sizeof(struct bd_bucket) == 64, "kept in shared memory");

/* Buckets that share a lower bound of their due_s, so that the sweeper need not read the table. */
#define BD_GROUP_LOG2 4
#define BD_GROUP_CNT  (1U << BD_GROUP_LOG2)

static inline uint32_t bd_group_of(uint32_t bucket)
{
    return bucket >> BD_GROUP_LOG2;
}
static inline uint32_t bd_groups_for(uint32_t bucket_cnt)
{
    return bd_group_of(bucket_cnt + BD_GROUP_CNT - 1);
}

#define BD_TABLE_MAGIC 0x31454c4241544442ULL /* "BDTABLE1" */

struct bd_table_shared {
    uint64_t magic;
    uint32_t home_cnt;   /* home buckets of a shard */
    uint32_t shard_cnt;  /* buckets of a shard, padding included */
    uint32_t bucket_cnt; /* all */
    uint32_t page_cnt;   /* pages of the record region, those of the class bytes included */
    uint32_t page_first; /* first page for records */
    uint32_t reserved;
    struct bd_epoch epoch;
    struct bd_books books[BD_WORKERS_MAX];
};
_Static_assert(sizeof(struct bd_table_shared) == 64 + 64 * (1 + BD_EPOCH_LINES + BD_WORKERS_MAX),
               "kept in shared memory");

static inline uint64_t bd_slot_make(uint64_t hash, enum bd_slot_state state, uint64_t off)
{
    return (hash & BD_SLOT_TAG_MASK) << BD_SLOT_TAG_SHIFT | (uint64_t)state << BD_SLOT_OFF_BITS |
           off >> BD_UNIT_LOG2;
}
static inline enum bd_slot_state bd_slot_state(uint64_t word)
{
    return (enum bd_slot_state)(word >> BD_SLOT_OFF_BITS & 3);
}
static inline uint64_t bd_slot_off(uint64_t word)
{
    return (word & ((1ULL << BD_SLOT_OFF_BITS) - 1)) << BD_UNIT_LOG2;
}
static inline bool bd_slot_tag_fits(uint64_t word, uint64_t hash)
{
    return word >> BD_SLOT_TAG_SHIFT == (hash & BD_SLOT_TAG_MASK);
}

/* Home bucket: six bits of the hash choose the shard, the next 32 the bucket in it by a
 * multiplication; the tag comes from the other end. */
static inline uint32_t bd_table_home(const struct bd_table *table, uint64_t hash)
{
    const struct bd_table_shared *shared = table->shared;
    uint32_t shard = (uint32_t)(hash >> 58);
    uint64_t within = (hash >> 26 & UINT32_MAX) * shared->home_cnt >> 32;
    return shard * shared->shard_cnt + (uint32_t)within;
}

static inline struct bd_record *bd_slot_record(const struct bd_table *table, uint64_t word)
{
    return (struct bd_record *)(table->records + bd_slot_off(word));
}
static inline _Atomic uint8_t *bd_page_class(const struct bd_table *table, uint64_t page)
{
    return (_Atomic uint8_t *)(table->records + page);
}
/* Slot `position` of the window of a home bucket. */
static inline _Atomic uint64_t *bd_window_slot(const struct bd_table *table, uint32_t home,
                                               unsigned position)
{
    return &table->buckets[home + position / BD_TABLE_SLOTS].slot[position % BD_TABLE_SLOTS];
}

/* The expiry that comes first. */
static inline uint32_t bd_record_earliest(const struct bd_record *record)
{
    uint32_t min_s = BD_DUE_NEVER;
    for (unsigned i = 0; i < record->cnt; i++) {
        uint32_t expires_at_s =
            bd_state_expires_at_s(atomic_load(&bd_record_contact(record, i)->state));
        min_s = expires_at_s < min_s ? expires_at_s : min_s;
    }
    return min_s;
}

/* Whether the record a slot points to is this AoR's. */
static inline bool bd_record_is(const struct bd_record *record, struct bd_str aor)
{
    return record->aor_len == aor.len && bd_bytes_eq(record->aor, aor.p, aor.len);
}

/* The hash of its AoR, which the record itself has no room for. */
static inline uint64_t bd_record_hash(const struct bd_table *table, const struct bd_record *record)
{
    return bd_table_hash(table, bd_record_aor(record));
}

#endif
