/* SPDX-License-Identifier: BSD-3-Clause */
#include "columns.h"
#include "csv.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct run {
    const struct bd_import *in;
    struct bd_import_result *result;
    sqlite3 *db;
    sqlite3_stmt *put;
    struct bd_digest *digest;
    struct bd_columns header; /* cnt 0: the file has none */
    int64_t next_id;
    int64_t now_s;
};

/* A row that is changed gets a new id, like a new one. So a row with an id of this import's own was
 * written by an earlier line, and is left alone: the file names somebody twice. What the line has
 * no place for stays as it was: ?17 secrets, ?18 prefix, ?19 profile, ?20 primary. */
static const char put_sql[] =
    "INSERT INTO subscriber (" BD_ROW_COLUMNS ") VALUES (" BD_ROW_VALUES ")"
    " ON CONFLICT (username, domain) DO UPDATE SET id = excluded.id, modified = excluded.modified,"
    " realm = iif(?17, excluded.realm, realm),"
    " ha1 = iif(?17, excluded.ha1, ha1), ha1b = iif(?17, excluded.ha1b, ha1b),"
    " ha1_sha256 = iif(?17, excluded.ha1_sha256, ha1_sha256),"
    " ha1b_sha256 = iif(?17, excluded.ha1b_sha256, ha1b_sha256),"
    " ha1_sha512_256 = iif(?17, excluded.ha1_sha512_256, ha1_sha512_256),"
    " ha1b_sha512_256 = iif(?17, excluded.ha1b_sha512_256, ha1b_sha512_256),"
    " trusted_prefix = iif(?18, excluded.trusted_prefix, trusted_prefix),"
    " profile = iif(?19, excluded.profile, profile),"
    " implicit_of = iif(?20, excluded.implicit_of, implicit_of)"
    " WHERE subscriber.id < ?16";

static int bad_line(struct run *run, const char *what)
{
    if (run->result->bad++ < run->in->bad_max)
        run->in->bad_line(run->in->arg, run->result->lines, what);
    return 0;
}

/* NULL: it is not served. `found` has room for a host that "*" serves. */
static const struct bd_import_domain *domain_of(const struct run *run, struct bd_str given,
                                                struct bd_import_domain *found)
{
    const struct bd_import_domain *any = NULL;
    for (unsigned i = 0; i < run->in->domain_cnt; i++) {
        const struct bd_import_domain *domain = &run->in->domains[i];
        if (bd_str_eq_nocase(domain->given, given))
            return domain;
        if (bd_str_eq(domain->given, BD_STR("*")))
            any = domain;
    }
    if (!any)
        return NULL;
    *found = (struct bd_import_domain){.given = given, .name = given, .realm = any->realm};
    return found;
}

static int set_secrets(const struct run *run, const struct bd_str *f, struct bd_subscriber *row,
                       struct bd_error *error)
{
    int rc = BD_SUBSCRIBERS_DONE;
    for (int i = 0; i < BD_HA1_COLUMNS && rc == BD_SUBSCRIBERS_DONE; i++) {
        if (f[FIELD_HA1 + i].len > 0)
            rc = bd_row_set_ha1(row, &bd_ha1_column[i], f[FIELD_HA1 + i], error);
    }
    if (rc != BD_SUBSCRIBERS_DONE || f[FIELD_PASSWORD].len == 0)
        return rc;
    if (row->ha1.present) {
        bd_fail(error, "gives a password and an HA1: give one of them");
        return BD_SUBSCRIBERS_INVALID;
    }
    return bd_row_set_password(row, run->digest, f[FIELD_PASSWORD], error);
}

static int write_row(struct run *run, struct bd_subscriber *row, unsigned named,
                     struct bd_error *error)
{
    row->id = run->next_id++;
    row->created_s = row->modified_s = run->now_s;
    bd_row_bind(run->put, row);
    sqlite3_bind_int(run->put, 17, (named & BD_FIELD_SECRETS) != 0);
    sqlite3_bind_int(run->put, 18, (named & 1U << FIELD_PREFIX) != 0);
    sqlite3_bind_int(run->put, 19, (named & 1U << FIELD_PROFILE) != 0);
    sqlite3_bind_int(run->put, 20, (named & 1U << FIELD_IMPLICIT) != 0);
    int rc = sqlite3_step(run->put);
    sqlite3_reset(run->put);
    if (rc != SQLITE_DONE)
        return bd_database_fail(run->db, run->in->database, error);
    return sqlite3_changes(run->db) > 0 ? 0 : bad_line(run, "this subscriber stands twice");
}

static int import_fields(struct run *run, const struct bd_str *text, int cnt,
                         struct bd_error *error)
{
    struct bd_str f[FIELD_CNT];
    unsigned named;
    const char *wrong = bd_columns_sort(&run->header, text, cnt, f, &named);
    if (wrong)
        return bad_line(run, wrong);
    struct bd_subscriber row = {0};
    struct bd_import_domain any;
    const struct bd_import_domain *domain = domain_of(run, f[FIELD_DOMAIN], &any);
    if (!domain) {
        bd_fail(error, "no domain '%.*s' is served here", BD_STR_ARG(f[FIELD_DOMAIN]));
        return bad_line(run, error->text);
    }
    int rc = bd_row_set_identity(&row, f[FIELD_USERNAME], domain->name, domain->realm, error);
    if (rc == BD_SUBSCRIBERS_DONE)
        rc = bd_row_set_prefix(&row, f[FIELD_PREFIX], error);
    if (rc == BD_SUBSCRIBERS_DONE)
        rc = bd_row_set_profile(&row, f[FIELD_PROFILE], error);
    if (rc == BD_SUBSCRIBERS_DONE)
        rc = bd_row_set_implicit(&row, f[FIELD_IMPLICIT], error);
    if (rc == BD_SUBSCRIBERS_DONE)
        rc = set_secrets(run, f, &row, error);
    if (rc != BD_SUBSCRIBERS_DONE)
        return rc < 0 ? rc : bad_line(run, error->text);
    return write_row(run, &row, named, error);
}

/* Without its header a file means nothing: no need to call every line bad. */
enum { STOP = 1 };

static int import_line(struct run *run, char *line, uint32_t len, struct bd_error *error)
{
    if (run->result->lines == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3; /* a byte order mark, which spreadsheets write */
        len -= 3;
    }
    struct bd_str text[FIELD_CNT];
    int cnt = bd_csv_split(line, len, text, FIELD_CNT);
    if (cnt == 1 && text[0].len == 0)
        return 0;
    if (cnt < 0)
        return bad_line(run, "a quoted field is not closed, or has text around it");
    if (cnt > FIELD_CNT)
        return bad_line(run, "has too many fields");
    if (run->result->lines == 1) {
        int rc = bd_columns_read(&run->header, text, cnt, error);
        if (rc < 0)
            bad_line(run, error->text);
        if (rc != 0)
            return rc < 0 ? STOP : 0;
    }
    return import_fields(run, text, cnt, error);
}

enum { LINE_SZ = 65536 };

/* Its length with the line end; LINE_SZ + 1 of a longer line, whose rest is skipped, as a file
 * without line ends may be larger than the memory; 0 at the end. */
static uint32_t read_line(FILE *csv, char line[LINE_SZ])
{
    uint32_t len = 0;
    int c;
    while ((c = getc_unlocked(csv)) != EOF) {
        if (len < LINE_SZ)
            line[len] = (char)c;
        if (len <= LINE_SZ)
            len++;
        if (c == '\n')
            break;
    }
    return len;
}

static bool is_told_to_stop(const struct run *run)
{
    /* Relaxed: nothing is read that whoever set it has written. */
    return run->in->stop && atomic_load_explicit(run->in->stop, memory_order_relaxed);
}

static int import_lines(struct run *run, struct bd_error *error)
{
    char *line = malloc(LINE_SZ);
    uint32_t len;
    int rc = line ? 0 : bd_fail(error, "out of memory");
    while (rc == 0 && (len = read_line(run->in->csv, line)) > 0) {
        run->result->lines++;
        rc = len > LINE_SZ ? bad_line(run, "is too long") : import_line(run, line, len, error);
        if (rc == 0 && is_told_to_stop(run))
            rc = bd_fail(error, "bindery-control stops: nothing was imported");
    }
    if (rc == 0 && ferror(run->in->csv))
        rc = bd_fail(error, "the CSV file cannot be read to its end: nothing was imported");
    if (line)
        explicit_bzero(line, LINE_SZ);
    free(line);
    return rc == STOP ? 0 : rc;
}

static int64_t read_number(struct run *run, const char *sql, struct bd_error *error)
{
    int64_t value = -1;
    sqlite3_stmt *stmt = bd_database_prepare(run->db, run->in->database, sql, error);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    else
        bd_database_fail(run->db, run->in->database, error);
    sqlite3_finalize(stmt);
    return value;
}

/* The sets can be judged when all rows are there: a primary may stand behind its identities. */
static const char bad_set_sql[] =
    "SELECT a.username || '@' || a.domain || ': ' || CASE WHEN p.id IS NULL THEN 'its primary ' ||"
    " a.implicit_of || ' is no subscriber' ELSE 'its primary ' || a.implicit_of ||"
    " ' belongs to the set of ' || p.implicit_of || ' itself' END"
    " FROM subscriber a LEFT JOIN subscriber p ON p.domain = a.domain AND p.username ="
    " substr(a.implicit_of, 1, length(a.implicit_of) - length(a.domain) - 1)"
    " WHERE a.implicit_of <> '' AND (p.id IS NULL OR p.implicit_of <> '')"
    " UNION ALL SELECT 'the set of ' || implicit_of || ' has ' || count(*) || ' identities'"
    " FROM subscriber WHERE implicit_of <> '' GROUP BY implicit_of HAVING count(*) > ?1 LIMIT 1";

static int check_sets(struct run *run, struct bd_error *error)
{
    sqlite3_stmt *stmt = bd_database_prepare(run->db, run->in->database, bad_set_sql, error);
    if (!stmt)
        return -1;
    sqlite3_bind_int(stmt, 1, BD_IDENTITIES_PER_SET_MAX);
    int step = sqlite3_step(stmt), rc = BD_SUBSCRIBERS_DONE;
    if (step == SQLITE_ROW) {
        bd_fail(error, "%s: nothing was imported", (const char *)sqlite3_column_text(stmt, 0));
        rc = BD_SUBSCRIBERS_INVALID;
    } else if (step != SQLITE_DONE) {
        rc = bd_database_fail(run->db, run->in->database, error);
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* Between BEGIN and COMMIT. */
static int import_all(struct run *run, struct bd_error *error)
{
    int64_t before = read_number(run, "SELECT count(*) FROM subscriber", error);
    int64_t last = read_number(run, "SELECT coalesce(max(id), 0) FROM subscriber", error);
    if (before < 0 || last < 0)
        return -1;
    run->next_id = last + 1;
    sqlite3_bind_int64(run->put, 16, run->next_id);
    if (import_lines(run, error) != 0)
        return -1;
    if (run->result->bad > 0) {
        bd_fail(error, "%lu of %lu lines are bad: nothing was imported", run->result->bad,
                run->result->lines);
        return BD_SUBSCRIBERS_INVALID;
    }
    int rc = check_sets(run, error);
    if (rc != BD_SUBSCRIBERS_DONE)
        return rc;
    int64_t after = read_number(run, "SELECT count(*) FROM subscriber", error);
    if (after < 0)
        return -1;
    run->result->added = (unsigned long)(after - before);
    run->result->changed = (unsigned long)(run->next_id - 1 - last) - run->result->added;
    return bd_database_exec(run->db, run->in->database, "COMMIT", error);
}

/* Usernames come in any order: the cache (128 MiB) is to hold the index they go into. */
static const char begin_sql[] = "PRAGMA cache_size = -131072; BEGIN IMMEDIATE";

int bd_subscribers_import(const struct bd_import *import, struct bd_import_result *result,
                          struct bd_error *error)
{
    *result = (struct bd_import_result){0};
    struct run run = {.in = import, .result = result, .now_s = time(NULL)};
    int rc = -1;
    if ((run.digest = bd_digest_new(error)) &&
        (run.db = bd_database_open(import->database, error)) &&
        (run.put = bd_database_prepare(run.db, import->database, put_sql, error)) &&
        bd_database_exec(run.db, import->database, begin_sql, error) == 0)
        rc = import_all(&run, error);
    sqlite3_finalize(run.put);
    if (run.db && !sqlite3_get_autocommit(run.db))
        sqlite3_exec(run.db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(run.db);
    bd_digest_free(run.digest);
    return rc;
}
