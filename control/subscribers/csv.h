/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside subscribers/: one line of CSV (RFC 4180; a field never spans lines). */
#ifndef BD_CSV_H
#define BD_CSV_H

#include "str.h"

/* Splits a line in place: the slices point into it, quotes and doubled quotes undone. A line end
 * (LF or CRLF) is cut off. Returns the number of fields; -1 for a quote that is not closed or text
 * around a quoted field; max + 1 when there are more than max. */
int bd_csv_split(char *line, uint32_t len, struct bd_str *fields, int max);

#endif
