/* SPDX-License-Identifier: BSD-3-Clause */
/* `binderyctl journal show`: what is in the files of a journal, without the appliance.
 *
 *   PATH a file         its header, each record, each damaged place
 *   PATH a directory    of each file its header, how many records, each damaged place
 *   with an AOR         of either, the records that say something of its bindings */
#ifndef BD_JOURNAL_SHOW_H
#define BD_JOURNAL_SHOW_H

#include <stdbool.h>
#include <stdio.h>

/* aor: NULL for all. Returns 0: all of it is whole; 1: something is damaged, cannot be read, or
 * nothing of the AoR is there. What cannot be read at all goes to stderr, or is the document. */
int bd_journal_show(FILE *out, const char *path, const char *aor, bool json);

#endif
