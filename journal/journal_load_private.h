/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the loader share (journal_load.h):
 *
 *   journal_scan.c   first pass: which files, what each holds, where each slot's last PUT is
 *   journal_load.c   second pass: the receiver is given them; then problems are told, files kept */
#ifndef BD_JOURNAL_LOAD_PRIVATE_H
#define BD_JOURNAL_LOAD_PRIVATE_H

#include "journal_boots.h"
#include "journal_files.h"
#include "journal_index.h"
#include "journal_load.h"

enum { BD_JOURNAL_PLACE_OFF_BITS = 48 };
_Static_assert(BD_JOURNAL_FILES_MAX < 1 << (64 - BD_JOURNAL_PLACE_OFF_BITS), "a place has both");

/* What the first pass found out about a file. */
struct bd_journal_scanned {
    struct bd_journal_header header;
    struct bd_journal_index *index;
    const struct bd_journal_time *last; /* moment known of its boot */
    bool read, whole, keep;
    uint64_t problems;
};

struct bd_journal_load {
    const struct bd_journal_load_params *params;
    struct bd_journal_report *report;
    struct bd_error *error;
    struct bd_journal_files files;
    unsigned first; /* file that the load begins with */
    struct bd_journal_scanned *scanned;
    struct bd_journal_index *space; /* one after another in time; room for one a file */
    unsigned spaces;
    struct bd_journal_cells cells;
    struct bd_journal_boots boots;
    struct bd_journal_problem *problem;
    unsigned told;
    bool losses; /* something may be missing before this point */
    struct bd_journal_record record;
};

/* Where a record stands, as the index has it. */
static inline uint64_t bd_journal_place(unsigned file, uint64_t off)
{
    return (uint64_t)file << BD_JOURNAL_PLACE_OFF_BITS | off;
}

/* Scans files from the newest whole snapshot on, l->first, into l->scanned, the index, the boots
 * and the report. 0; -1 with the load's error. */
int bd_journal_scan(struct bd_journal_load *l);

/* A problem of file i: counted, kept to be told, and the file judged by it. */
void bd_journal_load_note(struct bd_journal_load *l, unsigned i,
                          struct bd_journal_problem *problem);

/* The slots of all tables, and what cells they have. */
void bd_journal_load_free_index(struct bd_journal_load *l);

#endif
