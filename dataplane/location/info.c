/* SPDX-License-Identifier: BSD-3-Clause */
#include "allocator.h"

/* Buckets between two quiescent states: well under a millisecond. */
enum { INFO_STEP = 2048 };

struct count {
    const struct bd_table *table;
    struct bd_table_info *info;
};

static void count_record(void *arg, uint64_t slot, const struct bd_record *record)
{
    struct count *count = arg;
    uint64_t off = (uint64_t)((const uint8_t *)record - count->table->records);
    unsigned class = atomic_load(bd_page_class(count->table, off >> BD_PAGE_LOG2));
    count->info->slots_live++;
    count->info->contacts += bd_record_cnt(record);
    count->info->record_bytes_live += bd_class_sz(class);
}

static void count_tentative(const struct bd_table *table, uint32_t begin, uint32_t end,
                            struct bd_table_info *info)
{
    for (uint32_t b = begin; b < end; b++) {
        for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
            uint64_t word = atomic_load_explicit(&table->buckets[b].slot[s], memory_order_relaxed);
            info->slots_tentative += bd_slot_state(word) == BD_SLOT_TENTATIVE;
        }
    }
}

static void read_books(const struct bd_table *table, struct bd_table_info *info)
{
    uint64_t allocated = 0, freed = 0;
    for (unsigned w = 0; w < BD_WORKERS_MAX; w++) {
        const struct bd_books *books = &table->shared->books[w];
        freed += atomic_load(&books->freed);
        info->records_retiring += atomic_load(&books->retiring);
        allocated += atomic_load(&books->allocated);
    }
    info->records_in_use = allocated - freed;
    info->records_leaked =
        (int64_t)(info->records_in_use - info->records_retiring - info->slots_live);
}

static void read_pages(const struct bd_table *table, struct bd_table_info *info)
{
    const struct bd_table_shared *shared = table->shared;
    uint64_t carved = 0;
    for (uint32_t page = shared->page_first; page < shared->page_cnt; page++)
        carved += atomic_load_explicit(bd_page_class(table, page), memory_order_relaxed) != 0;
    info->record_bytes_carved = carved * BD_PAGE_SZ;
    info->record_bytes_total = (uint64_t)(shared->page_cnt - shared->page_first) * BD_PAGE_SZ;
}

void bd_table_info(const struct bd_table *table, unsigned line, uint16_t generation,
                   struct bd_table_info *info)
{
    *info = (struct bd_table_info){.slots = (uint64_t)table->shared->bucket_cnt * BD_TABLE_SLOTS};
    struct count count = {.table = table, .info = info};
    uint32_t cursor = 0;
    bool more;
    do {
        uint32_t begin = cursor;
        more = bd_table_walk(table, &cursor, INFO_STEP, count_record, &count);
        count_tentative(table, begin, cursor, info);
        bd_epoch_quiescent(table->epoch, line, generation);
    } while (more);
    read_pages(table, info);
    read_books(table, info);
}
