/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside journal/: the loader's memory of boots. The clock that does not step begins anew with each
 * boot of the machine, so times of two boots are compared by the wall clock at the last moment
 * known of the earlier one. */
#ifndef BD_JOURNAL_BOOTS_H
#define BD_JOURNAL_BOOTS_H

#include "journal_format.h"

struct bd_journal_boots {
    struct bd_journal_time *last; /* last moment known of each; room for one a file */
    unsigned cnt;
};

/* A moment that a header or a COMMIT tells. Returns the last one known of its boot: it stays there,
 * and later moments of that boot change it. */
const struct bd_journal_time *bd_journal_boots_note(struct bd_journal_boots *boots,
                                                    const struct bd_journal_time *time);

/* A time of a file, of whose boot `last` is, in ms of now->clock_ms; negative: before the boot of
 * now. Sets *went_back when the wall clock is before `last`: no time has gone by since, then. */
int64_t bd_journal_boots_clock(const struct bd_journal_time *last,
                               const struct bd_journal_time *now,
                               const struct bd_journal_header *header, uint64_t file_ms,
                               bool *went_back);

#endif
