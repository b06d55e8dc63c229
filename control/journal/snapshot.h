/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot: the whole table walked into one file while traffic flows, step by step.
 *
 *   begin --> step, step, ... --> complete: renamed, `snapshot_done`, what it replaces is removed
 *                        \--> failed or given up: the former snapshot and all journals stand
 *
 * Begun when the keeper has just begun the journal of the same number: what changes behind the walk
 * is in there. A step ends with what it wrote on disk, so that no fsync of the journal waits behind
 * gigabytes of a snapshot. Like the keeper it holds its epoch line only while it copies. */
#ifndef BD_SNAPSHOT_H
#define BD_SNAPSHOT_H

#include "keeper.h"

struct bd_snapshot {
    const struct bd_table *table;
    const struct bd_journal_dir *dir;
    unsigned line;
    uint16_t generation;
    struct bd_journal_time now; /* of its begin: what is in it is at least as new */
    struct bd_journal file;
    uint32_t cursor;
    uint64_t aors, bindings, bytes;
    struct bd_error error; /* of append */
    bool failed;
};

/* number: of the journal that goes with it. -1 with an error: nothing was begun. */
int bd_snapshot_open(struct bd_snapshot *snapshot, const struct bd_table *table,
                     const struct bd_journal_dir *dir, uint64_t number,
                     const struct bd_journal_time *now, struct bd_error *error);
/* Some MiB more. 1: go on; 0: complete; -1 with an error: it failed and is closed. */
int bd_snapshot_step(struct bd_snapshot *snapshot, struct bd_error *error);
/* Gives one up that is neither complete nor failed. */
void bd_snapshot_close(struct bd_snapshot *snapshot);

#endif
