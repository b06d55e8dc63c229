/* SPDX-License-Identifier: BSD-3-Clause */
/* One line for each thing in a journal, for people: `binderyctl journal show FILE`. Times are UTC;
 * bytes of texts that are not printable ASCII are written \xNN. */
#ifndef BD_JOURNAL_PRINT_H
#define BD_JOURNAL_PRINT_H

#include <stdio.h>

#include "journal_reader.h"

void bd_journal_print_header(FILE *out, const struct bd_journal_header *header);
void bd_journal_print_record(FILE *out, const struct bd_journal_record *record);
void bd_journal_print_problem(FILE *out, const struct bd_journal_problem *problem);

#endif
