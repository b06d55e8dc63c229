/* SPDX-License-Identifier: BSD-3-Clause */
/* The Date header field's value (RFC 3261 20.17), made once a second. gmtime_r would read the time
 * zone file and take a lock; the civil calendar is a dozen lines. */
#ifndef BD_DATE_H
#define BD_DATE_H

#include "str.h"

/* "Sat, 13 Nov 2010 23:29:00 GMT" */
#define BD_DATE_TEXT 29

struct bd_date {
    uint64_t second; /* 0: nothing made yet */
    char text[BD_DATE_TEXT + 1];
};

/* The text for a time of day; valid until the next call. Years 1970 to 9999. */
struct bd_str bd_date_text(struct bd_date *date, uint64_t wall_ms);

#endif
