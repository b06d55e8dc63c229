/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside subscribers/: which field of a subscriber stands in which place of a CSV line. */
#ifndef BD_COLUMNS_H
#define BD_COLUMNS_H

#include "log.h"
#include "row.h"

/* FIELD_HA1 + i is bd_ha1_column[i]. */
enum bd_field {
    FIELD_USERNAME,
    FIELD_DOMAIN,
    FIELD_PASSWORD,
    FIELD_PREFIX,
    FIELD_PROFILE,
    FIELD_IMPLICIT,
    FIELD_HA1,
    FIELD_CNT = FIELD_HA1 + BD_HA1_COLUMNS
};

/* Those that a password is made of. */
#define BD_FIELD_SECRETS (1U << FIELD_PASSWORD | ((1U << BD_HA1_COLUMNS) - 1) << FIELD_HA1)

struct bd_columns {
    int cnt;
    uint8_t field[FIELD_CNT];
};

/* Takes the first line as a header when it names the column "username". Returns 1 when it was one,
 * 0 when it is data, -1 with an error when it is a bad header. */
int bd_columns_read(struct bd_columns *header, const struct bd_str *text, int cnt,
                    struct bd_error *error);

/* Sorts the texts of a line by field; an absent one is empty. The header has cnt 0 when the file
 * has none: then the number of texts tells. `named` receives a bit for each field that the line has
 * a place for. NULL, or what is wrong. */
const char *bd_columns_sort(const struct bd_columns *header, const struct bd_str *text, int cnt,
                            struct bd_str by_field[FIELD_CNT], unsigned *named);

#endif
