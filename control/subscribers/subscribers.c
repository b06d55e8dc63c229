/* SPDX-License-Identifier: BSD-3-Clause */
#include "subscribers.h"

#include "row.h"

#include <stdlib.h>
#include <time.h>

enum statement { INSERT, UPDATE, DELETE, FIND, PAGE, PAGE_DOMAIN, COUNT, IMPLICIT, STATEMENT_CNT };

static const char *const sql[STATEMENT_CNT] = {
    [INSERT] = "INSERT INTO subscriber (" BD_ROW_COLUMNS ") VALUES (" BD_ROW_VALUES ")",
    [UPDATE] = "UPDATE subscriber SET (" BD_ROW_COLUMNS ") = (" BD_ROW_VALUES ") WHERE id = ?1",
    [DELETE] = "DELETE FROM subscriber WHERE id = ?1",
    [FIND] = "SELECT " BD_ROW_COLUMNS " FROM subscriber WHERE username = ?1 AND domain = ?2",
    [PAGE] = "SELECT " BD_ROW_COLUMNS " FROM subscriber WHERE id > ?1 ORDER BY id LIMIT ?2",
    [PAGE_DOMAIN] = "SELECT " BD_ROW_COLUMNS
                    " FROM subscriber WHERE id > ?1 AND domain = ?3 ORDER BY id LIMIT ?2",
    [COUNT] = "SELECT count(*) FROM subscriber",
    [IMPLICIT] = "SELECT count(*) FROM subscriber WHERE implicit_of <> '' AND implicit_of = ?1",
};

struct bd_subscribers {
    sqlite3 *db;
    sqlite3_stmt *stmt[STATEMENT_CNT];
    struct bd_digest *digest;
    char *file;
};

struct bd_subscribers *bd_subscribers_open(const char *file, struct bd_error *error)
{
    struct bd_subscribers *s = calloc(1, sizeof(*s));
    if (!s || !(s->file = strdup(file))) {
        free(s);
        bd_fail(error, "%s: no memory to open it", file);
        return NULL;
    }
    bool ok = (s->digest = bd_digest_new(error)) && (s->db = bd_database_open(file, error));
    for (unsigned i = 0; ok && i < STATEMENT_CNT; i++)
        ok = (s->stmt[i] = bd_database_prepare(s->db, file, sql[i], error)) != NULL;
    if (ok)
        return s;
    bd_subscribers_close(s);
    return NULL;
}

void bd_subscribers_close(struct bd_subscribers *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < STATEMENT_CNT; i++)
        sqlite3_finalize(s->stmt[i]);
    sqlite3_close(s->db);
    bd_digest_free(s->digest);
    free(s->file);
    free(s);
}

/* Runs a statement that returns no row. SQLite's code, or -1 with an error. */
static int run(struct bd_subscribers *s, enum statement which, struct bd_error *error)
{
    if (bd_database_in_place(s->db, s->file, error) < 0)
        return -1;
    int rc = sqlite3_step(s->stmt[which]);
    int code = rc == SQLITE_DONE ? 0 : sqlite3_extended_errcode(s->db);
    if (rc != SQLITE_DONE && code != SQLITE_CONSTRAINT_UNIQUE)
        code = bd_database_fail(s->db, s->file, error);
    sqlite3_reset(s->stmt[which]);
    return code;
}

int bd_subscribers_find(struct bd_subscribers *s, struct bd_str username, struct bd_str domain,
                        struct bd_subscriber *row, struct bd_error *error)
{
    memset(row, 0, sizeof(*row));
    int rc = bd_row_set_identity(row, username, domain, BD_STR_NULL, error);
    if (rc != BD_SUBSCRIBERS_DONE)
        return rc;
    sqlite3_stmt *stmt = s->stmt[FIND];
    sqlite3_bind_text(stmt, 1, row->username, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 2, row->domain, -1, SQLITE_TRANSIENT);
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        if (!bd_row_read(stmt, row))
            rc = bd_fail(error, "%s: row %lld was not written by Bindery: mend or delete it",
                         s->file, (long long)row->id);
    } else if (step == SQLITE_DONE) {
        bd_fail(error, "no subscriber %s@%s", row->username, row->domain);
        rc = BD_SUBSCRIBERS_NOT_FOUND;
    } else {
        rc = bd_database_fail(s->db, s->file, error);
    }
    sqlite3_reset(stmt);
    return rc;
}

/* How many have this primary; -1 with an error. */
static int count_identities(struct bd_subscribers *s, const char *primary, struct bd_error *error)
{
    sqlite3_stmt *stmt = s->stmt[IMPLICIT];
    sqlite3_bind_text(stmt, 1, primary, -1, SQLITE_TRANSIENT);
    int cnt = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int(stmt, 0)
                                               : bd_database_fail(s->db, s->file, error);
    sqlite3_reset(stmt);
    return cnt;
}

/* Of a subscriber that others may have for their primary. */
static int count_own(struct bd_subscribers *s, const struct bd_subscriber *row,
                     struct bd_error *error)
{
    char name[sizeof(row->implicit_of)];
    snprintf(name, sizeof(name), "%s@%s", row->username, row->domain);
    return count_identities(s, name, error);
}

/* Whether a row may belong to the set that it names. */
static int check_set(struct bd_subscribers *s, const struct bd_subscriber *row,
                     struct bd_error *error)
{
    const char *at = strrchr(row->implicit_of, '@');
    struct bd_str user = {row->implicit_of, (uint32_t)(at - row->implicit_of)};
    struct bd_subscriber primary;
    int rc = bd_subscribers_find(s, user, bd_str_from(row->domain), &primary, error);
    if (rc != BD_SUBSCRIBERS_DONE)
        return rc;
    int own = count_own(s, row, error), others = count_identities(s, row->implicit_of, error);
    if (own < 0 || others < 0)
        return -1;
    if (*primary.implicit_of)
        bd_fail(error, "%s belongs to the set of %s itself: name that one", row->implicit_of,
                primary.implicit_of);
    else if (own > 0)
        bd_fail(error, "%s@%s is the primary of %d identities: it cannot belong to another set",
                row->username, row->domain, own);
    else if (others >= BD_IDENTITIES_PER_SET_MAX)
        bd_fail(error, "the set of %s has %d identities already, which is the most",
                row->implicit_of, others);
    else
        return BD_SUBSCRIBERS_DONE;
    return BD_SUBSCRIBERS_INVALID;
}

static int apply(struct bd_subscribers *s, const struct bd_subscriber_change *change,
                 struct bd_subscriber *row, struct bd_error *error)
{
    int rc = BD_SUBSCRIBERS_DONE;
    if (change->prefix.p)
        rc = bd_row_set_prefix(row, change->prefix, error);
    if (rc == BD_SUBSCRIBERS_DONE && change->profile.p)
        rc = bd_row_set_profile(row, change->profile, error);
    if (rc == BD_SUBSCRIBERS_DONE && change->implicit_of.p)
        rc = bd_row_set_implicit(row, change->implicit_of, error);
    if (rc == BD_SUBSCRIBERS_DONE && change->implicit_of.len > 0)
        rc = check_set(s, row, error);
    if (rc == BD_SUBSCRIBERS_DONE && change->password.p)
        rc = bd_row_set_password(row, s->digest, change->password, error);
    return rc;
}

int bd_subscribers_add(struct bd_subscribers *s, const struct bd_subscriber_change *change,
                       struct bd_subscriber *row, struct bd_error *error)
{
    memset(row, 0, sizeof(*row));
    int rc = bd_row_set_identity(row, change->username, change->domain, change->realm, error);
    if (rc == BD_SUBSCRIBERS_DONE)
        rc = apply(s, change, row, error);
    if (rc != BD_SUBSCRIBERS_DONE)
        return rc;
    row->created_s = row->modified_s = time(NULL);
    bd_row_bind(s->stmt[INSERT], row);
    rc = run(s, INSERT, error);
    row->id = sqlite3_last_insert_rowid(s->db);
    if (rc != SQLITE_CONSTRAINT_UNIQUE)
        return rc;
    bd_fail(error, "subscriber %s@%s is there already: use `subscriber set`", row->username,
            row->domain);
    return BD_SUBSCRIBERS_EXISTS;
}

int bd_subscribers_set(struct bd_subscribers *s, const struct bd_subscriber_change *change,
                       struct bd_subscriber *row, struct bd_error *error)
{
    if (!change->password.p && !change->prefix.p && !change->profile.p && !change->implicit_of.p) {
        bd_fail(error, "nothing to set: give a password, a trusted prefix, a profile or a primary "
                       "identity");
        return BD_SUBSCRIBERS_INVALID;
    }
    int rc = bd_subscribers_find(s, change->username, change->domain, row, error);
    /* HA1s are good for the realm they were made with: it changes with the password only. */
    if (rc == BD_SUBSCRIBERS_DONE && change->password.p)
        rc = bd_row_set_identity(row, change->username, change->domain, change->realm, error);
    if (rc == BD_SUBSCRIBERS_DONE)
        rc = apply(s, change, row, error);
    if (rc != BD_SUBSCRIBERS_DONE)
        return rc;
    row->modified_s = time(NULL);
    bd_row_bind(s->stmt[UPDATE], row);
    return run(s, UPDATE, error);
}

int bd_subscribers_remove(struct bd_subscribers *s, struct bd_str username, struct bd_str domain,
                          struct bd_subscriber *row, struct bd_error *error)
{
    int rc = bd_subscribers_find(s, username, domain, row, error);
    if (rc != BD_SUBSCRIBERS_DONE)
        return rc;
    int own = count_own(s, row, error);
    if (own < 0)
        return -1;
    if (own > 0) {
        bd_fail(error, "%s@%s is the primary of %d identities: remove them or give them another",
                row->username, row->domain, own);
        return BD_SUBSCRIBERS_INVALID;
    }
    sqlite3_bind_int64(s->stmt[DELETE], 1, row->id);
    return run(s, DELETE, error);
}

int bd_subscribers_in_place(struct bd_subscribers *s, struct bd_error *error)
{
    return bd_database_in_place(s->db, s->file, error);
}

int bd_subscribers_count(struct bd_subscribers *s, uint64_t *cnt, struct bd_error *error)
{
    int rc = 0;
    if (sqlite3_step(s->stmt[COUNT]) == SQLITE_ROW)
        *cnt = (uint64_t)sqlite3_column_int64(s->stmt[COUNT], 0);
    else
        rc = bd_database_fail(s->db, s->file, error);
    sqlite3_reset(s->stmt[COUNT]);
    return rc;
}

/* A name that no subscriber can have. What an operator's change would write is written, or a disk
 * that is nearly full would do for this and not for him. */
static const char probe[] = "BEGIN IMMEDIATE;"
                            "INSERT INTO subscriber (username, domain) VALUES ('@', '@');"
                            "DELETE FROM subscriber WHERE username = '@' AND domain = '@';"
                            "COMMIT";

int bd_subscribers_probe(struct bd_subscribers *s, struct bd_error *error)
{
    if (bd_subscribers_in_place(s, error) < 0)
        return -1;
    sqlite3_busy_timeout(s->db, 0);
    int rc = bd_database_exec(s->db, s->file, probe, error);
    sqlite3_busy_timeout(s->db, BD_DATABASE_BUSY_MS);
    if (rc != 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int bd_subscribers_page(struct bd_subscribers *s, struct bd_str domain, int64_t *after,
                        unsigned max, bd_subscriber_fn fn, void *arg, struct bd_error *error)
{
    sqlite3_stmt *stmt = s->stmt[domain.p ? PAGE_DOMAIN : PAGE];
    sqlite3_bind_int64(stmt, 1, *after);
    sqlite3_bind_int64(stmt, 2, max);
    if (domain.p)
        sqlite3_bind_text(stmt, 3, domain.p, (int)domain.len, SQLITE_TRANSIENT);
    int rows = 0, step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct bd_subscriber row;
        if (bd_row_read(stmt, &row))
            fn(arg, &row);
        else
            bd_log(BD_LOG_WARNING, "%s: row %lld was not written by Bindery: skipped", s->file,
                   (long long)row.id);
        *after = row.id;
        rows++;
    }
    int rc = step == SQLITE_DONE ? rows : bd_database_fail(s->db, s->file, error);
    sqlite3_reset(stmt);
    return rc;
}
