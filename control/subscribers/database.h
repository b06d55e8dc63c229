/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside subscribers/: opening the SQLite file, and SQLite's errors in an operator's words. */
#ifndef BD_DATABASE_H
#define BD_DATABASE_H

#include <sqlite3.h>

#include "log.h"

/* How long an operation waits for another program's lock. The event loop may stand still this long
 * and no longer. */
#define BD_DATABASE_BUSY_MS 250

/* Opens or makes the file as bd_subscribers_open says. NULL with an error. */
sqlite3 *bd_database_open(const char *file, struct bd_error *error);

/* Prepares a statement. NULL with an error. */
sqlite3_stmt *bd_database_prepare(sqlite3 *db, const char *file, const char *sql,
                                  struct bd_error *error);
int bd_database_exec(sqlite3 *db, const char *file, const char *sql, struct bd_error *error);

/* Whether the file of that name is still the one that was opened: whoever writes in one that was
 * replaced or removed loses it. 0, or -1 with an error. */
int bd_database_in_place(sqlite3 *db, const char *file, struct bd_error *error);

/* Writes the line for the last error of db; returns -1. */
int bd_database_fail(sqlite3 *db, const char *file, struct bd_error *error);

#endif
