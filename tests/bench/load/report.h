/* SPDX-License-Identifier: BSD-3-Clause */
/* What was found: one line a result on stdout, "result key=value ...", in an order that stays; and
 * the same objects as a JSON array. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "run.h"

struct report; /* the results so far */

struct report *report_new(void);

/* `kind`: search (the rate found), rate (a run at a rate), fill, reflect. */
void report_run(struct report *report, const char *what, const char *kind, uint64_t rate,
                const struct run_outcome *outcome);
void report_reflect(struct report *report, double rate, uint32_t frame_sz);

/* One step of a search, on stderr. */
void report_step(const char *what, uint64_t rate, const struct run_outcome *outcome);

/* Writes the array to `path` when that is not NULL, and frees all. False: it could not be. */
bool report_end(struct report *report, const char *path);

#endif
