/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside journal/: what the loader remembers of each slot while it goes through the files: where
 * its last PUT is, and the states that came since.
 *
 *   entry (16 bytes a slot)   put: file << 48 | offset, 0: empty | cell | check of the PUT
 *   cell  (24 bytes)          expiry, transaction, CSeq of one contact | the next contact's cell
 *
 * 10 M bindings in 26 M slots: 420 MB while loading, and 240 MB of cells when each has a STATE. The
 * states are kept rather than their place: reading them back one by one would be a read a binding
 * in random order. */
#ifndef BD_JOURNAL_INDEX_H
#define BD_JOURNAL_INDEX_H

#include "journal_format.h"

struct bd_journal_entry {
    uint64_t put;
    uint32_t cell; /* 0: none since the PUT */
    uint32_t check;
};

struct bd_journal_cell {
    uint64_t expires_ms, txn;
    uint32_t cseq, next;
};

/* Shared by the indexes of one load. */
struct bd_journal_cells {
    struct bd_journal_cell *cell; /* cell[0] is none */
    uint32_t cnt, cap, free;
};

/* The slots of one table. */
struct bd_journal_index {
    uint64_t geometry, slots;
    struct bd_journal_entry *entry;
};

/* full: most slots will be met; else each costs a small page at most, as there may be thousands of
 * tables with some changes each. -1: no memory. */
int bd_journal_index_open(struct bd_journal_index *index, uint64_t geometry, uint64_t slots,
                          bool full);
void bd_journal_index_close(struct bd_journal_index *index);
void bd_journal_cells_free(struct bd_journal_cells *cells);

void bd_journal_index_put(struct bd_journal_index *index, struct bd_journal_cells *cells,
                          const struct bd_journal_record *record, uint64_t place);
void bd_journal_index_empty(struct bd_journal_index *index, struct bd_journal_cells *cells,
                            uint64_t slot);
/* 0 done; 1 its PUT is not what the slot holds: nothing changed; -1 no memory. */
int bd_journal_index_state(struct bd_journal_index *index, struct bd_journal_cells *cells,
                           const struct bd_journal_record *record);

/* Puts the states since the PUT into a PUT read back. */
void bd_journal_index_states(const struct bd_journal_index *index,
                             const struct bd_journal_cells *cells,
                             struct bd_journal_record *record);

#endif
