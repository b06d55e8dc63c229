/* SPDX-License-Identifier: BSD-3-Clause */
/* Names in the journal's directory: which files there are, which go, which are kept aside.
 *
 *   journal-N   snapshot-N   snapshot-N.tmp   NAME.bad-<creation, ms since 1970>
 *
 * N is decimal without leading zeros, from 1. Other names are let alone. */
#ifndef BD_JOURNAL_FILES_H
#define BD_JOURNAL_FILES_H

#include "journal_format.h"
#include "journal_io.h"
#include "log.h"

struct bd_journal_file {
    uint64_t number;
    enum bd_journal_kind kind;
    bool tmp, bad;
    char name[BD_JOURNAL_NAME_MAX];
};

struct bd_journal_files {
    struct bd_journal_file *file; /* cnt by number, of one number the snapshot first and .tmp last;
                                     then bad_cnt that are kept aside, by number */
    unsigned cnt, bad_cnt;
    unsigned cap;
};

void bd_journal_name(enum bd_journal_kind kind, uint64_t number, char out[BD_JOURNAL_NAME_MAX]);

/* Reads the directory. -1 with an error: it cannot be read, no memory, or it has more than
 * BD_JOURNAL_FILES_MAX of our files, those kept aside not counted: nothing removes them. Frees
 * nothing that was there before. */
int bd_journal_files_list(struct bd_journal_files *files, const struct bd_journal_dir *dir,
                          struct bd_error *error);
void bd_journal_files_free(struct bd_journal_files *files);

/* The number for the next journal: one more than the highest that any file bears, those kept aside
 * included, and at least 1. 0 with an error when the directory cannot be read. */
uint64_t bd_journal_next_number(const struct bd_journal_dir *dir, struct bd_error *error);

/* After snapshot-`number` is durable: removes journals and snapshots with smaller numbers and every
 * .tmp but those with a number above; never a .bad-. -1 with an error for the first that would not
 * go; the others go nevertheless. May be called again at any time. */
int bd_journal_prune(const struct bd_journal_dir *dir, uint64_t number, struct bd_error *error);

/* Gives a damaged file a second name, NAME.bad-<made_wall_ms>, under which its content stays when
 * a snapshot has made the file superfluous. Not a rename: until then what is whole in it may be all
 * there is, and a load that is interrupted must find it again. A file that is kept already stays
 * as it is. -1 with an error. */
int bd_journal_keep(const struct bd_journal_dir *dir, const char *name, uint64_t made_wall_ms,
                    struct bd_error *error);

#endif
