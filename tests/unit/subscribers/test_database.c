/* SPDX-License-Identifier: BSD-3-Clause */
/* The subscriber database: what goes in, what comes out, and files that are not ours. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "full_disk.h"
#include "hex.h"
#include "place.h"

static struct bd_subscribers *open_at(struct place *p)
{
    struct bd_subscribers *s = bd_subscribers_open(p->file, &p->error);
    if (!s)
        print_message("%s\n", p->error.text);
    assert_non_null(s);
    return s;
}

static struct bd_subscriber_change phone(const char *username)
{
    return (struct bd_subscriber_change){.username = bd_str_from(username),
                                         .domain = BD_STR("Example.COM"),
                                         .password = BD_STR("secret")};
}

static void assert_ha1(const struct bd_subscriber *row, enum bd_ha1_form form,
                       enum bd_digest_alg alg, const char *hex)
{
    char text[BD_DIGEST_TEXT_MAX + 1] = "";
    const uint8_t *ha1 = bd_ha1_get(&row->ha1, form, alg);
    assert_non_null(ha1);
    bd_hex_encode(ha1, bd_digest_sz(alg), text);
    assert_string_equal(text, hex);
}

static void test_add_find_remove(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    struct bd_subscriber row;
    struct bd_subscriber_change change = phone("1000");
    change.prefix = BD_STR("198.51.100.0/24");
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), BD_SUBSCRIBERS_DONE);
    assert_string_equal(row.domain, "example.com");
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), BD_SUBSCRIBERS_EXISTS);
    bd_subscribers_close(s);

    s = open_at(p);
    memset(&row, 0xff, sizeof(row));
    assert_int_equal(bd_subscribers_find(s, BD_STR("1000"), BD_STR("EXAMPLE.com"), &row, &p->error),
                     BD_SUBSCRIBERS_DONE);
    assert_string_equal(row.username, "1000");
    assert_string_equal(row.realm, "example.com");
    /* printf 1000:example.com:secret | md5sum, and so on */
    assert_ha1(&row, BD_HA1_PLAIN, BD_ALG_MD5, "3c95c08f39ec8750494dd758dafd0827");
    assert_ha1(&row, BD_HA1_WITH_DOMAIN, BD_ALG_MD5, "4943a02599027ff12bc3f733c13bdd46");
    assert_ha1(&row, BD_HA1_PLAIN, BD_ALG_SHA256,
               "e3406aab9dbb905e78e65004f23636e0e092496d4d9fd75978570b70ea1650fa");
    assert_ha1(&row, BD_HA1_WITH_DOMAIN, BD_ALG_SHA256,
               "690cc6b49eb6003d3dbba9cd0785d1fe6f5eef30f3eede5c677ab2b5671509b9");
    assert_ha1(&row, BD_HA1_PLAIN, BD_ALG_SHA512_256,
               "d08bc3c708deb3de4dbc69e8417087fa506d435999d35e553762a7aeade97930");
    assert_true(row.has_prefix && row.prefix.len == 120);
    assert_true(row.created_s > 1700000000 && row.modified_s == row.created_s);

    uint64_t cnt;
    assert_int_equal(bd_subscribers_count(s, &cnt, &p->error), 0);
    assert_int_equal(cnt, 1);
    struct bd_str user = BD_STR("1000"), domain = BD_STR("example.com");
    assert_int_equal(bd_subscribers_remove(s, user, domain, &row, &p->error), 0);
    assert_int_equal(bd_subscribers_remove(s, user, domain, &row, &p->error),
                     BD_SUBSCRIBERS_NOT_FOUND);
    assert_int_equal(bd_subscribers_find(s, user, domain, &row, &p->error),
                     BD_SUBSCRIBERS_NOT_FOUND);
    bd_subscribers_close(s);
}

static void test_set(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    struct bd_subscriber row, before;
    struct bd_subscriber_change change = phone("1000");
    assert_int_equal(bd_subscribers_set(s, &change, &row, &p->error), BD_SUBSCRIBERS_NOT_FOUND);
    assert_int_equal(bd_subscribers_add(s, &change, &before, &p->error), 0);

    change.password = BD_STR_NULL;
    assert_int_equal(bd_subscribers_set(s, &change, &row, &p->error), BD_SUBSCRIBERS_INVALID);
    change.prefix = BD_STR("2001:db8::/32");
    change.realm = BD_STR("other");
    assert_int_equal(bd_subscribers_set(s, &change, &row, &p->error), 0);
    assert_memory_equal(&row.ha1, &before.ha1, sizeof(row.ha1));
    assert_string_equal(row.realm, "example.com"); /* no new password: no new realm */
    assert_true(row.has_prefix && row.id == before.id);

    change.prefix = BD_STR_NULL;
    change.password = BD_STR("another");
    assert_int_equal(bd_subscribers_set(s, &change, &row, &p->error), 0);
    assert_memory_not_equal(row.ha1.md5[0], before.ha1.md5[0], 16);
    assert_string_equal(row.realm, "other");
    assert_true(row.has_prefix);
    change.prefix = BD_STR("");
    assert_int_equal(bd_subscribers_set(s, &change, &row, &p->error), 0);
    assert_false(row.has_prefix);
    bd_subscribers_close(s);
}

static void test_invalid_fields(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    struct bd_subscriber row;
    char long_name[BD_USERNAME_MAX + 2];
    memset(long_name, 'a', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    const char *const names[] = {"", "a:b", "a@b", "a b", "a\tb", long_name};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct bd_subscriber_change change = phone(names[i]);
        assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), BD_SUBSCRIBERS_INVALID);
    }
    struct bd_subscriber_change change = phone("1000");
    change.prefix = BD_STR("198.51.100.1/24");
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), BD_SUBSCRIBERS_INVALID);
    change = phone("1000");
    change.password = BD_STR("");
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), BD_SUBSCRIBERS_INVALID);
    change.password = BD_STR("x");
    change.domain = BD_STR("a/b");
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), BD_SUBSCRIBERS_INVALID);
    bd_subscribers_close(s);
}

/* No password may be found in what SQLite has written. */
static void test_no_password_on_disk(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    struct bd_subscriber row;
    struct bd_subscriber_change change = phone("1000");
    change.password = BD_STR("correct-horse-battery");
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
    char command[160];
    snprintf(command, sizeof(command), "grep -q correct-horse %s*", p->file);
    assert_int_not_equal(system(command), 0);
    snprintf(command, sizeof(command), "grep -q 1000 %s*", p->file);
    assert_int_equal(system(command), 0);
    struct stat st;
    assert_int_equal(stat(p->file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    bd_subscribers_close(s);
}

struct seen {
    unsigned cnt;
    int64_t last;
};

static void see(void *arg, const struct bd_subscriber *row)
{
    struct seen *seen = arg;
    assert_true(row->id > seen->last);
    seen->last = row->id;
    seen->cnt++;
}

static void test_pages(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    struct bd_subscriber row;
    for (unsigned i = 0; i < 25; i++) {
        char name[8];
        snprintf(name, sizeof(name), "%u", i);
        struct bd_subscriber_change change = phone(name);
        change.domain = i % 5 ? BD_STR("a.example") : BD_STR("b.example");
        change.password = BD_STR_NULL;
        assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
        assert_int_equal(row.ha1.present, 0);
    }
    struct seen seen = {0};
    int64_t after = 0;
    assert_int_equal(bd_subscribers_page(s, BD_STR_NULL, &after, 10, see, &seen, &p->error), 10);
    assert_int_equal(bd_subscribers_page(s, BD_STR_NULL, &after, 10, see, &seen, &p->error), 10);
    assert_int_equal(bd_subscribers_page(s, BD_STR_NULL, &after, 10, see, &seen, &p->error), 5);
    assert_int_equal(bd_subscribers_page(s, BD_STR_NULL, &after, 10, see, &seen, &p->error), 0);
    assert_int_equal(seen.cnt, 25);
    seen = (struct seen){0};
    after = 0;
    assert_int_equal(
        bd_subscribers_page(s, BD_STR("b.example"), &after, 100, see, &seen, &p->error), 5);
    bd_subscribers_close(s);
}

/* --- files that are not ours ------------------------------------------------------------------ */

static void write_file(const char *file, const char *text, size_t len)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

static void assert_refused(struct place *p, const char *why)
{
    struct stat before = {0}, after = {0};
    stat(p->file, &before);
    assert_null(bd_subscribers_open(p->file, &p->error));
    if (!strstr(p->error.text, why))
        print_message("%s\n", p->error.text);
    assert_non_null(strstr(p->error.text, why));
    assert_null(strchr(p->error.text, '\n'));
    stat(p->file, &after);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

static void run_sql(const char *file, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_text_file_is_refused(void **state)
{
    struct place *p = *state;
    char text[4096];
    memset(text, 'x', sizeof(text));
    write_file(p->file, text, sizeof(text));
    assert_refused(p, "not a SQLite database");
}

static void test_foreign_database_is_refused(void **state)
{
    struct place *p = *state;
    run_sql(p->file, "CREATE TABLE subscriber (id, username, domain)");
    assert_refused(p, "another program");
}

static void test_later_version_is_refused(void **state)
{
    struct place *p = *state;
    bd_subscribers_close(open_at(p));
    run_sql(p->file, "PRAGMA user_version = 9");
    assert_refused(p, "schema version 9");
}

#define BEFORE_SETS                                                                                \
    "DROP INDEX subscriber_implicit_idx; ALTER TABLE subscriber DROP COLUMN implicit_of;"

/* A file of the version before profiles gets the column, and keeps its rows. */
static void test_upgrade_from_1(void **state)
{
    struct place *p = *state;
    struct bd_subscriber before, row;
    struct bd_subscriber_change change = phone("1000");
    struct bd_subscribers *s = open_at(p);
    assert_int_equal(bd_subscribers_add(s, &change, &before, &p->error), 0);
    bd_subscribers_close(s);
    run_sql(p->file,
            "ALTER TABLE subscriber DROP COLUMN profile;" BEFORE_SETS "PRAGMA user_version = 1");
    for (unsigned i = 0; i < 2; i++) { /* the second time there is nothing to do */
        s = open_at(p);
        assert_int_equal(bd_subscribers_find(s, change.username, change.domain, &row, &p->error),
                         0);
        assert_memory_equal(&row.ha1, &before.ha1, sizeof(row.ha1));
        assert_string_equal(row.profile, i ? "trunk" : "");
        struct bd_subscriber_change profile = {
            .username = change.username, .domain = change.domain, .profile = BD_STR("trunk")};
        assert_int_equal(bd_subscribers_set(s, &profile, &row, &p->error), 0);
        assert_string_equal(row.profile, "trunk");
        bd_subscribers_close(s);
    }
    /* Version 1 with the column already there is no file of ours: it is left as it was. */
    run_sql(p->file, "PRAGMA user_version = 1");
    assert_refused(p, "duplicate column");
}

/* The same from the version before implicit registration sets. */
static void test_upgrade_from_2(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    struct bd_subscriber_change change = phone("1000");
    struct bd_subscribers *s = open_at(p);
    change.profile = BD_STR("trunk");
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
    bd_subscribers_close(s);
    run_sql(p->file, BEFORE_SETS "PRAGMA user_version = 2");
    s = open_at(p);
    assert_int_equal(bd_subscribers_find(s, change.username, change.domain, &row, &p->error), 0);
    assert_string_equal(row.profile, "trunk");
    assert_string_equal(row.implicit_of, "");
    bd_subscribers_close(s);
}

static int set_primary(struct place *p, struct bd_subscribers *s, const char *username,
                       const char *primary, struct bd_subscriber *row)
{
    struct bd_subscriber_change change = {.username = bd_str_from(username),
                                          .domain = BD_STR("example.com"),
                                          .implicit_of = bd_str_from(primary)};
    return bd_subscribers_set(s, &change, row, &p->error);
}

/* Implicit registration sets: one domain, no chains, no primary that is not there. */
static void test_sets(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    struct bd_subscribers *s = open_at(p);
    const char *const users[] = {"1", "2", "3", "4"};
    for (unsigned i = 0; i < 4; i++) {
        struct bd_subscriber_change change = phone(users[i]);
        assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
    }
    assert_int_equal(set_primary(p, s, "2", "1@EXAMPLE.com", &row), 0);
    assert_string_equal(row.implicit_of, "1@example.com");
    static const struct {
        const char *username, *primary, *why;
    } rows[] = {
        {"3", "2@example.com", "belongs to the set of 1@example.com"},
        {"1", "3@example.com", "is the primary of 1"},
        {"3", "3@example.com", "its own primary"},
        {"3", "1@other.example", "same domain"},
        {"3", "1", "user@domain"},
        {"3", "@example.com", "user@domain"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(set_primary(p, s, rows[i].username, rows[i].primary, &row),
                         BD_SUBSCRIBERS_INVALID);
        assert_non_null(strstr(p->error.text, rows[i].why));
    }
    assert_int_equal(set_primary(p, s, "3", "9@example.com", &row), BD_SUBSCRIBERS_NOT_FOUND);
    assert_int_equal(bd_subscribers_remove(s, BD_STR("1"), BD_STR("example.com"), &row, &p->error),
                     BD_SUBSCRIBERS_INVALID);
    assert_int_equal(set_primary(p, s, "2", "", &row), 0);
    assert_string_equal(row.implicit_of, "");
    assert_int_equal(bd_subscribers_remove(s, BD_STR("1"), BD_STR("example.com"), &row, &p->error),
                     0);
    bd_subscribers_close(s);
}

static void test_missing_column_is_refused(void **state)
{
    struct place *p = *state;
    bd_subscribers_close(open_at(p));
    run_sql(p->file, "ALTER TABLE subscriber DROP COLUMN ha1b_sha256");
    assert_null(bd_subscribers_open(p->file, &p->error));
    assert_non_null(strstr(p->error.text, "ha1b_sha256"));
}

static void test_places(void **state)
{
    struct place *p = *state, other = *p;
    snprintf(other.file, sizeof(other.file), "%s", p->dir);
    assert_refused(&other, "is a directory");
    snprintf(other.file, sizeof(other.file), "%s/none/s.db", p->dir);
    assert_refused(&other, "directory does not exist");
    struct stat st;
    assert_int_equal(stat(other.file, &st), -1);
}

static void test_empty_file_is_new(void **state)
{
    struct place *p = *state;
    write_file(p->file, "", 0);
    bd_subscribers_close(open_at(p));
}

static void test_locked_file_is_refused(void **state)
{
    struct place *p = *state;
    bd_subscribers_close(open_at(p));
    sqlite3 *other;
    assert_int_equal(sqlite3_open(p->file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other,
                                  "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;"
                                  "UPDATE subscriber SET created = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_refused(p, "locked");
    sqlite3_close(other);
    bd_subscribers_close(open_at(p));
}

/* A writer beside us: reads go on, changes are refused and change nothing. */
static void test_busy_change_is_refused(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    sqlite3 *other;
    assert_int_equal(sqlite3_open(p->file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct bd_subscriber row;
    struct bd_subscriber_change change = phone("1000");
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), -1);
    assert_non_null(strstr(p->error.text, "locked"));
    uint64_t cnt;
    assert_int_equal(bd_subscribers_count(s, &cnt, &p->error), 0);
    assert_int_equal(cnt, 0);
    sqlite3_close(other);
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
    bd_subscribers_close(s);
}

/* Reading goes on; what cannot be written is not there. */
static void test_a_full_disk_is_noticed(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    struct bd_subscriber row;
    struct bd_subscriber_change change = phone("1000");
    uint64_t cnt;
    for (unsigned i = 0; i < 3; i++) {
        disk_full = true;
        assert_int_equal(bd_subscribers_probe(s, &p->error), -1);
        assert_non_null(strstr(p->error.text, "no space left"));
        assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), -1);
        assert_non_null(strstr(p->error.text, "no space left"));
        disk_full = false;
        assert_int_equal(bd_subscribers_probe(s, &p->error), 0);
        assert_int_equal(bd_subscribers_count(s, &cnt, &p->error), 0);
        assert_int_equal(cnt, 0);
    }
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
    bd_subscribers_close(s);
}

/* What would be written to a file without a name, nobody would find again. */
static void test_a_replaced_file_is_noticed(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    struct bd_subscriber row;
    struct bd_subscriber_change change = phone("1000");
    char former[sizeof(p->file) + 8];
    snprintf(former, sizeof(former), "%s.former", p->file);
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
    assert_int_equal(rename(p->file, former), 0);
    for (unsigned i = 0; i < 2; i++) { /* removed, then another one */
        assert_int_equal(bd_subscribers_in_place(s, &p->error), -1);
        assert_int_equal(bd_subscribers_probe(s, &p->error), -1);
        change = phone("1001");
        assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), -1);
        assert_non_null(strstr(p->error.text, "was replaced or removed"));
        write_file(p->file, "", 0);
    }
    assert_int_equal(rename(former, p->file), 0);
    assert_int_equal(bd_subscribers_probe(s, &p->error), 0);
    assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
    bd_subscribers_close(s);
}

/* Damage at the file's begin is found at once, damage in later rows by whoever reads them. */
static void test_damage_is_found(void **state)
{
    struct place *p = *state;
    struct bd_subscribers *s = open_at(p);
    struct bd_subscriber row;
    for (unsigned i = 0; i < 100; i++) {
        char name[8];
        snprintf(name, sizeof(name), "%u", i);
        struct bd_subscriber_change change = phone(name);
        assert_int_equal(bd_subscribers_add(s, &change, &row, &p->error), 0);
    }
    bd_subscribers_close(s);
    struct stat st;
    assert_int_equal(stat(p->file, &st), 0);
    int fd = open(p->file, O_WRONLY);
    char junk[4096];
    memset(junk, 0x5a, sizeof(junk));
    for (off_t at = st.st_size / 2 & ~4095; at < st.st_size; at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
    s = open_at(p);
    struct seen seen = {0};
    int64_t after = 0;
    assert_int_equal(bd_subscribers_page(s, BD_STR_NULL, &after, 1000, see, &seen, &p->error), -1);
    assert_non_null(strstr(p->error.text, "damaged"));
    bd_subscribers_close(s);
    assert_int_equal(pwrite(fd, junk, 2000, 100), 2000);
    close(fd);
    assert_refused(p, "damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_add_find_remove),
        PLACE_TEST(test_set),
        PLACE_TEST(test_invalid_fields),
        PLACE_TEST(test_no_password_on_disk),
        PLACE_TEST(test_pages),
        PLACE_TEST(test_text_file_is_refused),
        PLACE_TEST(test_foreign_database_is_refused),
        PLACE_TEST(test_later_version_is_refused),
        PLACE_TEST(test_upgrade_from_1),
        PLACE_TEST(test_upgrade_from_2),
        PLACE_TEST(test_sets),
        PLACE_TEST(test_missing_column_is_refused),
        PLACE_TEST(test_places),
        PLACE_TEST(test_empty_file_is_new),
        PLACE_TEST(test_locked_file_is_refused),
        PLACE_TEST(test_busy_change_is_refused),
        PLACE_TEST(test_a_full_disk_is_noticed),
        PLACE_TEST(test_a_replaced_file_is_noticed),
        PLACE_TEST(test_damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
