/* SPDX-License-Identifier: BSD-3-Clause */
/* What the journal makes of a sweep, without a disk: two copies of "what a load would give", of
 * which one is complete at any time, and the rules of PUT, STATE and EMPTY. */
#ifndef BD_TEST_DISK_MODEL_H
#define BD_TEST_DISK_MODEL_H

#include "dirty.h"
#include "table_fixture.h"

/* A table for one binding has so many slots; contacts of one AoR at most. */
enum { DISK_SLOTS = 64 * 8 * BD_TABLE_SLOTS, DISK_CONTACTS = 3 };

struct disk_slot {
    uint64_t order; /* of two slots with one AoR, the later PUT counts */
    uint32_t aor, cnt;
    uint32_t key[DISK_CONTACTS];
    uint64_t state[DISK_CONTACTS];
};

struct disk {
    uint64_t puts, states, empties, unmatched;
    struct disk_slot slot[DISK_SLOTS];
};

static inline struct disk_slot disk_slot_of(const struct bd_record *record)
{
    struct disk_slot s = {.cnt = record ? bd_record_cnt(record) : 0};
    if (!record)
        return s;
    char aor[64];
    struct bd_str name = bd_record_aor(record);
    snprintf(aor, sizeof(aor), "%.*s", (int)name.len, name.p);
    s.aor = (uint32_t)strtoul(aor + strlen("user"), NULL, 10);
    for (unsigned i = 0; i < s.cnt && i < DISK_CONTACTS; i++) {
        struct bd_binding view;
        bd_record_view(record, i, &view);
        s.key[i] = view.reg_id;
        s.state[i] = view.state & ~BD_STATE_SEALED;
    }
    return s;
}

static inline bool disk_same_content(const struct disk_slot *a, const struct disk_slot *b)
{
    return a->aor == b->aor && a->cnt == b->cnt && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

/* bd_dirty_fn: what the keeper appends and a loader makes of it. */
static inline int disk_write(void *arg, uint64_t slot, enum bd_dirty_kind kind,
                             const struct bd_record *record)
{
    struct disk *disk = arg;
    struct disk_slot now = disk_slot_of(record), *was = &disk->slot[slot];
    if (!record) {
        disk->empties++;
        *was = now;
    } else if (kind == BD_DIRTY_CONTENT) {
        now.order = ++disk->puts;
        *was = now;
    } else if (disk_same_content(was, &now)) {
        disk->states++;
        memcpy(was->state, now.state, sizeof(was->state));
    } else {
        disk->unmatched++;
    }
    return 0;
}

/* One sweep in slices of `step` buckets. */
static inline void disk_sweep(const struct bd_table *table, struct disk *disk, uint32_t step)
{
    uint32_t cursor = 0;
    bd_dirty_begin(table);
    while (bd_dirty_sweep(table, &cursor, step, disk_write, disk) > 0)
        continue;
}

/* Nobody writes and nothing is pending: the disk is the table. */
static inline void disk_check_equal(const struct bd_table *table, const struct disk *disk)
{
    for (uint64_t n = 0; n < bd_dirty_slots(table); n++) {
        uint64_t word = atomic_load(&table->buckets[n / BD_TABLE_SLOTS].slot[n % BD_TABLE_SLOTS]);
        struct disk_slot now =
            disk_slot_of(bd_slot_state(word) == BD_SLOT_LIVE ? bd_slot_record(table, word) : NULL);
        const struct disk_slot *there = &disk->slot[n];
        if (!disk_same_content(&now, there) ||
            memcmp(now.state, there->state, sizeof(now.state)) != 0)
            fail_msg("slot %llu: the disk has another binding than the table",
                     (unsigned long long)n);
    }
}

#endif
