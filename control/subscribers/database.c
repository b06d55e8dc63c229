/* SPDX-License-Identifier: BSD-3-Clause */
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the file's header: "BDSU". Tells our file from any other program's. */
#define APPLICATION_ID 0x42445355
#define SCHEMA_VERSION 3

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

/* Of the few that belong to somebody else's implicit registration set. */
#define IMPLICIT_INDEX                                                                             \
    "CREATE INDEX IF NOT EXISTS subscriber_implicit_idx ON subscriber (implicit_of)"               \
    " WHERE implicit_of <> '';"

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS subscriber ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,"
    " username TEXT NOT NULL,"
    " domain TEXT NOT NULL,"
    " password TEXT NOT NULL DEFAULT '' CHECK (password = ''),"
    " ha1 TEXT NOT NULL DEFAULT '',"
    " ha1b TEXT NOT NULL DEFAULT '',"
    " realm TEXT NOT NULL DEFAULT '',"
    " ha1_sha256 TEXT NOT NULL DEFAULT '',"
    " ha1b_sha256 TEXT NOT NULL DEFAULT '',"
    " ha1_sha512_256 TEXT NOT NULL DEFAULT '',"
    " ha1b_sha512_256 TEXT NOT NULL DEFAULT '',"
    " trusted_prefix TEXT NOT NULL DEFAULT '',"
    " created INTEGER NOT NULL DEFAULT 0,"
    " modified INTEGER NOT NULL DEFAULT 0,"
    " profile TEXT NOT NULL DEFAULT '',"
    " implicit_of TEXT NOT NULL DEFAULT '',"
    " CONSTRAINT subscriber_account_idx UNIQUE (username, domain));" IMPLICIT_INDEX
    "PRAGMA application_id = " TEXT(APPLICATION_ID) ";"
                                                    "PRAGMA user_version = " TEXT(
                                                        SCHEMA_VERSION) ";"
                                                                        "COMMIT;";

int bd_database_fail(sqlite3 *db, const char *file, struct bd_error *error)
{
    const char *said = sqlite3_errmsg(db);
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return bd_fail(error,
                       "%s: locked by another program or a running import: "
                       "`fuser %s` names it; let it finish and try again",
                       file, file);
    case SQLITE_NOTADB:
        return bd_fail(error,
                       "%s: not a SQLite database: move the file away or name another one "
                       "in the configuration",
                       file);
    case SQLITE_CORRUPT:
        return bd_fail(error,
                       "%s: damaged (%s): stop bindery-control, then "
                       "`sqlite3 %s .recover | sqlite3 NEW` saves what can be saved",
                       file, said, file);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return bd_fail(error,
                       "%s: cannot be opened for reading and writing (%s): check owner and "
                       "mode of the file and its directory",
                       file, said);
    case SQLITE_FULL:
        return bd_fail(error, "%s: no space left on its disk: nothing was changed", file);
    case SQLITE_IOERR:
        return bd_fail(error, "%s: input/output error (%s): check the disk and the kernel's log",
                       file, said);
    default:
        return bd_fail(error, "%s: %s", file, said);
    }
}

int bd_database_exec(sqlite3 *db, const char *file, const char *sql, struct bd_error *error)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                : bd_database_fail(db, file, error);
}

sqlite3_stmt *bd_database_prepare(sqlite3 *db, const char *file, const char *sql,
                                  struct bd_error *error)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        bd_database_fail(db, file, error);
    return stmt;
}

int bd_database_in_place(sqlite3 *db, const char *file, struct bd_error *error)
{
    int moved = 0;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
        return 0;
    return bd_fail(error,
                   "%s: was replaced or removed while it was open: put it back; or stop "
                   "bindery-control, remove the former one's -wal and -shm, and start it with the "
                   "new file",
                   file);
}

/* Makes the file, so that its mode is ours from its first byte on; the write-ahead log inherits it.
 */
static int make_file(const char *file, struct bd_error *error)
{
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        struct stat st;
        bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
        close(fd);
        return regular ? 0 : bd_fail(error, "%s: not a regular file", file);
    }
    if (errno == EISDIR)
        return bd_fail(error, "%s: is a directory: name a file in it", file);
    if (errno == ENOENT)
        return bd_fail(error,
                       "%s: its directory does not exist: make it (mkdir -p) or name "
                       "another place in the configuration",
                       file);
    return bd_fail(error, "%s: %s: check owner and mode of the file and its directory", file,
                   strerror(errno));
}

struct identity {
    int application_id, version, objects;
};

static int read_identity(sqlite3 *db, const char *file, struct identity *id, struct bd_error *error)
{
    sqlite3_stmt *stmt = bd_database_prepare(
        db, file,
        "SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id a, pragma_user_version v",
        error);
    if (!stmt)
        return -1;
    int rc = sqlite3_step(stmt) == SQLITE_ROW ? 0 : bd_database_fail(db, file, error);
    if (rc == 0)
        *id = (struct identity){sqlite3_column_int(stmt, 0), sqlite3_column_int(stmt, 1),
                                sqlite3_column_int(stmt, 2)};
    sqlite3_finalize(stmt);
    return rc;
}

/* What leads from a version to the next. Only columns with a default are added, and an index that
 * no row is in yet: no row changes, and a file of any size is done at once or after one reading. */
static const char *const upgrade[SCHEMA_VERSION] = {
    [1] = "ALTER TABLE subscriber ADD COLUMN profile TEXT NOT NULL DEFAULT ''; PRAGMA user_version "
          "= 2",
    [2] = "ALTER TABLE subscriber ADD COLUMN implicit_of TEXT NOT NULL DEFAULT '';" IMPLICIT_INDEX
          "PRAGMA user_version = 3",
};

/* In one transaction: a kill or a full disk leaves the file as it was. Whoever was first, an import
 * or another start, has done it for all. */
static int upgrade_schema(sqlite3 *db, const char *file, struct bd_error *error)
{
    struct identity id = {0};
    int rc = bd_database_exec(db, file, "BEGIN IMMEDIATE", error);
    if (rc != 0)
        return rc;
    rc = read_identity(db, file, &id, error);
    int from = id.version;
    for (int v = from; rc == 0 && v < SCHEMA_VERSION; v++)
        rc = bd_database_exec(db, file, upgrade[v], error);
    if (rc == 0)
        rc = bd_database_exec(db, file, "COMMIT", error);
    if (rc == 0 && from < SCHEMA_VERSION)
        bd_log(BD_LOG_NOTICE, "%s: upgraded from schema version %d to %d", file, from,
               SCHEMA_VERSION);
    if (rc != 0)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* Nothing is written before the file is known to be ours or empty. */
static int check_identity(sqlite3 *db, const char *file, struct bd_error *error)
{
    struct identity id;
    if (sqlite3_db_readonly(db, "main") == 1)
        return bd_fail(error, "%s: is not writable: check owner and mode of the file", file);
    if (read_identity(db, file, &id, error) != 0)
        return -1;
    if (id.objects == 0 && id.application_id == 0 && id.version == 0)
        return bd_database_exec(db, file, schema, error);
    if (id.application_id != APPLICATION_ID)
        return bd_fail(error,
                       "%s: a SQLite database of another program: name another file in the "
                       "configuration; `binderyctl subscriber import` takes over accounts",
                       file);
    if (id.version > 0 && id.version < SCHEMA_VERSION)
        return upgrade_schema(db, file, error);
    if (id.version != SCHEMA_VERSION)
        return bd_fail(error,
                       "%s: has schema version %d, this program knows %d: start the version "
                       "of Bindery that wrote it",
                       file, id.version, SCHEMA_VERSION);
    return 0;
}

/* FULL: an account that was acknowledged survives a power cut. */
static int prepare_connection(sqlite3 *db, const char *file, struct bd_error *error)
{
    if (check_identity(db, file, error) != 0)
        return -1;
    return bd_database_exec(
        db, file,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "SELECT realm, trusted_prefix, profile, implicit_of FROM subscriber LIMIT 1",
        error);
}

sqlite3 *bd_database_open(const char *file, struct bd_error *error)
{
    if (make_file(file, error) != 0)
        return NULL;
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(db, BD_DATABASE_BUSY_MS);
        if (prepare_connection(db, file, error) == 0)
            return db;
    } else if (db) {
        bd_database_fail(db, file, error);
    } else {
        bd_fail(error, "%s: no memory to open it", file);
    }
    sqlite3_close(db);
    return NULL;
}
