/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_index.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { CELLS_MIN = 4096 };

int bd_journal_index_open(struct bd_journal_index *index, uint64_t geometry, uint64_t slots,
                          bool full)
{
    *index = (struct bd_journal_index){geometry, slots, NULL};
    if (slots == 0)
        return 0;
    /* Pages come as slots are met; an empty table costs nothing. */
    void *p = mmap(NULL, slots * sizeof(*index->entry), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return -1;
    madvise(p, slots * sizeof(*index->entry), full ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    index->entry = p;
    return 0;
}

void bd_journal_index_close(struct bd_journal_index *index)
{
    if (index->entry)
        munmap(index->entry, index->slots * sizeof(*index->entry));
    index->entry = NULL;
}

void bd_journal_cells_free(struct bd_journal_cells *cells)
{
    free(cells->cell);
    *cells = (struct bd_journal_cells){0};
}

static void release(struct bd_journal_cells *cells, struct bd_journal_entry *entry)
{
    while (entry->cell) {
        struct bd_journal_cell *cell = &cells->cell[entry->cell];
        uint32_t next = cell->next;
        cell->next = cells->free;
        cells->free = entry->cell;
        entry->cell = next;
    }
}

static int grow(struct bd_journal_cells *cells)
{
    uint32_t cap = cells->cap ? 2 * cells->cap : CELLS_MIN;
    if (cap <= cells->cap)
        return -1;
    struct bd_journal_cell *cell = realloc(cells->cell, cap * sizeof(*cell));
    if (!cell)
        return -1;
    cells->cell = cell;
    cells->cap = cap;
    cells->cnt += cells->cnt == 0;
    return 0;
}

/* 0: no memory. */
static uint32_t take(struct bd_journal_cells *cells)
{
    uint32_t i = cells->free;
    if (i) {
        cells->free = cells->cell[i].next;
        return i;
    }
    if (cells->cnt == cells->cap && grow(cells) < 0)
        return 0;
    return cells->cnt++;
}

void bd_journal_index_put(struct bd_journal_index *index, struct bd_journal_cells *cells,
                          const struct bd_journal_record *record, uint64_t place)
{
    struct bd_journal_entry *entry = &index->entry[record->slot];
    release(cells, entry);
    entry->put = place;
    entry->check = record->check;
}

void bd_journal_index_empty(struct bd_journal_index *index, struct bd_journal_cells *cells,
                            uint64_t slot)
{
    release(cells, &index->entry[slot]);
    index->entry[slot].put = 0;
}

int bd_journal_index_state(struct bd_journal_index *index, struct bd_journal_cells *cells,
                           const struct bd_journal_record *record)
{
    struct bd_journal_entry *entry = &index->entry[record->slot];
    if (entry->put == 0 || entry->check != record->check)
        return 1;
    release(cells, entry);
    for (unsigned i = record->cnt; i-- > 0;) {
        const struct bd_journal_contact *contact = &record->contact[i];
        uint32_t cell = take(cells);
        if (cell == 0)
            return -1;
        cells->cell[cell] =
            (struct bd_journal_cell){contact->expires_ms, contact->txn, contact->cseq, entry->cell};
        entry->cell = cell;
    }
    return 0;
}

void bd_journal_index_states(const struct bd_journal_index *index,
                             const struct bd_journal_cells *cells, struct bd_journal_record *record)
{
    uint32_t i = index->entry[record->slot].cell;
    for (unsigned c = 0; i && c < record->cnt; c++) {
        const struct bd_journal_cell *cell = &cells->cell[i];
        record->contact[c] = (struct bd_journal_contact){cell->expires_ms, cell->txn, cell->cseq};
        i = cell->next;
    }
}
