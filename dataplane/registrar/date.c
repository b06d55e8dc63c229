/* SPDX-License-Identifier: BSD-3-Clause */
#include "date.h"

enum { DAY_S = 86400, DAYS_PER_400_YEARS = 146097, DAYS_TO_1970 = 719468 };

struct civil {
    unsigned year, month, day; /* month 1..12 */
};

/* Counts in years that begin in March, so that the leap day is the last one of its year. */
static struct civil civil_from_days(uint64_t since_1970)
{
    uint64_t days = since_1970 + DAYS_TO_1970;
    unsigned era = (unsigned)(days / DAYS_PER_400_YEARS);
    unsigned in_era = (unsigned)(days % DAYS_PER_400_YEARS);
    unsigned years = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    unsigned in_year = in_era - (365 * years + years / 4 - years / 100);
    unsigned march_month = (5 * in_year + 2) / 153;
    unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct civil){
        .year = era * 400 + years + (month <= 2),
        .month = month,
        .day = in_year - (153 * march_month + 2) / 5 + 1,
    };
}

static char *put_digits(char *p, unsigned n, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; n /= 10)
        p[i] = (char)('0' + n % 10);
    return p + digits;
}

static char *put_text(char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}

static void format(char *p, uint64_t second)
{
    static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t days = second / DAY_S;
    unsigned in_day = (unsigned)(second % DAY_S);
    struct civil c = civil_from_days(days);
    p = put_text(p, "Date: ", 6);
    p = put_text(p, weekdays + days % 7 * 3, 3);
    p = put_text(p, ", ", 2);
    p = put_digits(p, c.day, 2);
    p = put_text(p, " ", 1);
    p = put_text(p, months + (size_t)(c.month - 1) * 3, 3);
    p = put_text(p, " ", 1);
    p = put_digits(p, c.year, 4);
    p = put_text(p, " ", 1);
    p = put_digits(p, in_day / 3600, 2);
    p = put_text(p, ":", 1);
    p = put_digits(p, in_day / 60 % 60, 2);
    p = put_text(p, ":", 1);
    p = put_digits(p, in_day % 60, 2);
    put_text(p, " GMT\r\n", 6);
}

void bd_date_make(struct bd_date *date, uint64_t second)
{
    format(date->line, second);
    date->second = second;
}
