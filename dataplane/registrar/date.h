/* SPDX-License-Identifier: BSD-3-Clause */
/* The Date header field (RFC 3261 20.17), made once a second. gmtime_r would read the time zone
 * file and take a lock; the civil calendar is a dozen lines. */
#ifndef BD_DATE_H
#define BD_DATE_H

#include "str.h"

#define BD_DATE_LINE (sizeof("Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n") - 1)

struct bd_date {
    uint64_t second; /* 0: nothing made yet */
    char line[BD_DATE_LINE];
};

void bd_date_make(struct bd_date *date, uint64_t second);

/* The line for a time of day after 1970's first second, to the year 9999; valid until the next
 * call. */
static inline struct bd_str bd_date_line(struct bd_date *date, uint64_t wall_ms)
{
    if (wall_ms / 1000 != date->second || date->second == 0)
        bd_date_make(date, wall_ms / 1000);
    return (struct bd_str){date->line, BD_DATE_LINE};
}

#endif
