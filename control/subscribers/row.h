/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside subscribers/: one row between an operator's words, a C struct and SQL. */
#ifndef BD_ROW_H
#define BD_ROW_H

#include "database.h"
#include "subscribers.h"

/* The columns that hold an HA1, in the order in which SQL names them. */
#define BD_HA1_COLUMNS 6
struct bd_ha1_column {
    const char *name;
    enum bd_ha1_form form;
    enum bd_digest_alg alg;
};
extern const struct bd_ha1_column bd_ha1_column[BD_HA1_COLUMNS];

/* For SELECT ... (bd_row_read), and for INSERT with values ?1 .. ?15 (bd_row_bind). */
#define BD_ROW_COLUMNS                                                                             \
    "id, username, domain, realm, ha1, ha1b, ha1_sha256, ha1b_sha256, ha1_sha512_256,"             \
    " ha1b_sha512_256, trusted_prefix, created, modified, profile, implicit_of"
#define BD_ROW_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15"

/* Each sets its part of the row, or returns BD_SUBSCRIBERS_INVALID with what is wrong. */
int bd_row_set_identity(struct bd_subscriber *row, struct bd_str username, struct bd_str domain,
                        struct bd_str realm, struct bd_error *error);
int bd_row_set_password(struct bd_subscriber *row, struct bd_digest *digest, struct bd_str password,
                        struct bd_error *error);
int bd_row_set_prefix(struct bd_subscriber *row, struct bd_str prefix, struct bd_error *error);
int bd_row_set_profile(struct bd_subscriber *row, struct bd_str profile, struct bd_error *error);
/* After the identity, whose domain a primary must be of. */
int bd_row_set_implicit(struct bd_subscriber *row, struct bd_str primary, struct bd_error *error);
/* One HA1 from its hexadecimal text, in either case of letters. */
int bd_row_set_ha1(struct bd_subscriber *row, const struct bd_ha1_column *column,
                   struct bd_str text, struct bd_error *error);

/* id 0 is bound as NULL: SQLite chooses one. */
void bd_row_bind(sqlite3_stmt *stmt, const struct bd_subscriber *row);
/* False when the row breaks a rule (somebody else wrote it). An HA1 that is none counts as absent.
 */
bool bd_row_read(sqlite3_stmt *stmt, struct bd_subscriber *row);

#endif
