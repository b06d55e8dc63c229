/* SPDX-License-Identifier: BSD-3-Clause */
/* `binderyctl journal show` over files on a real disk, whole and damaged. */
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"
#include "journal_files.h"
#include "journal_show.h"
#include "table_fixture.h"

struct shown {
    char directory[32], journal[64], snapshot[64];
    struct bd_journal_dir dir;
    char *text;
    size_t len;
};

static const struct bd_journal_time moment = {1700000000123ULL, 5000000, 7};

static void put(struct bd_journal *file, uint64_t slot, const char *aor, uint32_t key)
{
    struct fixture_binding binding;
    struct bd_error error;
    fixture_binding(&binding, key, 1, 9000);
    assert_int_equal(bd_journal_put(file, slot, bd_str_from(aor), &binding.b, 1, &error), 0);
}

static void refresh(struct bd_journal *file, uint64_t slot, const char *aor, uint32_t key)
{
    struct fixture_binding binding;
    struct bd_error error;
    fixture_binding(&binding, key, 2, 9500);
    assert_int_equal(bd_journal_state(file, slot, bd_str_from(aor), &binding.b, 1, &error), 0);
}

/* snapshot-1: alice in slot 3, bob in 4. journal-1: alice refreshed, bob moves to 5. */
static int open_files(void **state)
{
    struct shown *s = calloc(1, sizeof(*s));
    struct bd_journal_begin begin = {1, 0, 0xfeed, 100, moment};
    struct bd_journal file;
    struct bd_error error;
    strcpy(s->directory, "/tmp/bd-show-XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    s->dir = (struct bd_journal_dir){&bd_journal_io_posix, s->directory};
    snprintf(s->journal, sizeof(s->journal), "%s/journal-1", s->directory);
    snprintf(s->snapshot, sizeof(s->snapshot), "%s/snapshot-1", s->directory);
    assert_int_equal(bd_snapshot_begin(&file, &s->dir, &begin, &error), 0);
    put(&file, 3, "alice@example.com", 1);
    put(&file, 4, "bob@example.com", 2);
    assert_int_equal(bd_snapshot_finish(&file, &moment, &error), 0);
    assert_int_equal(bd_journal_begin(&file, &s->dir, &begin, &error), 0);
    refresh(&file, 3, "alice@example.com", 1);
    put(&file, 5, "bob@example.com", 2);
    assert_int_equal(bd_journal_empty(&file, 4, &error), 0);
    put(&file, 4, "carol\x1b@example.com", 3);
    refresh(&file, 4, "carol\x1b@example.com", 3);
    assert_int_equal(bd_journal_commit(&file, &moment, &error), 0);
    assert_int_equal(bd_journal_finish(&file, &moment, 0, &error), 0);
    *state = s;
    return 0;
}

static int remove_files(void **state)
{
    struct shown *s = *state;
    unlink(s->journal);
    unlink(s->snapshot);
    assert_int_equal(rmdir(s->directory), 0);
    free(s->text);
    free(s);
    return 0;
}

static int show(struct shown *s, const char *path, const char *aor, bool json)
{
    free(s->text);
    FILE *out = open_memstream(&s->text, &s->len);
    int rc = bd_journal_show(out, path, aor, json);
    fclose(out);
    return rc;
}

static void has(const struct shown *s, const char *part)
{
    if (!strstr(s->text, part))
        fail_msg("wanted '%s' in: %s", part, s->text);
}

static void has_not(const struct shown *s, const char *part)
{
    if (strstr(s->text, part))
        fail_msg("there is '%s' in: %s", part, s->text);
}

static json_t *document(const struct shown *s)
{
    json_error_t error;
    json_t *json = json_loads(s->text, 0, &error);
    if (!json)
        fail_msg("%s at %d: %s", error.text, error.position, s->text);
    return json;
}

static void a_file_is_shown_record_by_record(void **state)
{
    struct shown *s = *state;
    assert_int_equal(show(s, s->journal, NULL, false), 0);
    has(s, "journal 1, format 1, made 2023-11-14T22:13:20.123Z");
    has(s, "STATE slot 3");
    has(s, "PUT slot 5");
    has(s, "EMPTY slot 4");
    has(s, "carol\\x1b@example.com");
    has(s, "journal-1: put 2 state 2 empty 1 commit 1 end 1\n");
}

static void a_directory_is_shown_in_short(void **state)
{
    struct shown *s = *state;
    assert_int_equal(show(s, s->directory, NULL, false), 0);
    has(s, "snapshot-1: put 2 state 0 empty 0 commit 0 end 1\n");
    has(s, "journal-1: put 2");
    has_not(s, "slot 3 check");
}

static void one_aor_is_followed_over_files_and_slots(void **state)
{
    struct shown *s = *state;
    assert_int_equal(show(s, s->directory, "sip:bob@example.com", false), 0);
    has(s, "PUT slot 4");
    has(s, "PUT slot 5");
    has(s, "EMPTY slot 4");
    has_not(s, "carol");
    has_not(s, "STATE slot 4"); /* carol's by then */
    assert_int_equal(show(s, s->directory, "alice@example.com", false), 0);
    has(s, "PUT slot 3");
    has(s, "STATE slot 3");
    assert_int_equal(show(s, s->directory, "nobody@example.com", true), 1);
    has(s, "\"error\":\"");
    json_decref(document(s));
}

static void json_is_one_document(void **state)
{
    struct shown *s = *state;
    assert_int_equal(show(s, s->directory, NULL, true), 0);
    json_t *json = document(s);
    json_t *files = json_object_get(json, "files");
    assert_int_equal(json_array_size(files), 2);
    const json_t *counts = json_object_get(json_array_get(files, 1), "counts");
    assert_int_equal(json_integer_value(json_object_get(counts, "state")), 2);
    json_decref(json);
    assert_int_equal(show(s, s->journal, NULL, true), 0);
    json = document(s);
    const json_t *records =
        json_object_get(json_array_get(json_object_get(json, "files"), 0), "records");
    assert_int_equal(json_array_size(records), 7);
    const json_t *second = json_array_get(records, 1);
    assert_string_equal(json_string_value(json_object_get(second, "aor")), "bob@example.com");
    json_decref(json);
}

static void damage_is_told_with_its_place(void **state)
{
    struct shown *s = *state;
    int fd = open(s->journal, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, BD_JOURNAL_RECORDS_OFF + 30), 1);
    close(fd);
    assert_int_equal(show(s, s->journal, NULL, false), 1);
    has(s, "journal-1: byte 8192");
    has(s, "damaged; 1 records lost");
    has(s, "PUT slot 5"); /* goes on behind it */
    assert_int_equal(show(s, s->directory, NULL, true), 1);
    has(s, "\"damage\":true");
    json_decref(document(s));
}

/* A journal without END is what a kill leaves and what the open one looks like; a cut one and a
 * snapshot without END are damaged. */
static void an_open_journal_is_whole(void **state)
{
    struct shown *s = *state;
    struct stat st;
    assert_int_equal(stat(s->journal, &st), 0);
    assert_int_equal(truncate(s->journal, st.st_size - 56), 0);
    assert_int_equal(show(s, s->journal, NULL, false), 0);
    has(s, "no END");
    assert_int_equal(truncate(s->journal, st.st_size - 60), 0);
    assert_int_equal(show(s, s->journal, NULL, false), 1);
    assert_int_equal(stat(s->snapshot, &st), 0);
    assert_int_equal(truncate(s->snapshot, st.st_size - 56), 0);
    assert_int_equal(show(s, s->snapshot, NULL, false), 1);
}

static void what_is_no_journal_is_told(void **state)
{
    struct shown *s = *state;
    assert_int_equal(show(s, "/proc/version", NULL, false), 1);
    has(s, "neither header is whole");
    assert_int_equal(show(s, "/nowhere/journal-1", NULL, true), 1);
    has(s, "\"error\":\"");
    has(s, "No such file");
    json_decref(document(s));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_files, remove_files)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_shown_record_by_record),
        TEST(a_directory_is_shown_in_short),
        TEST(one_aor_is_followed_over_files_and_slots),
        TEST(json_is_one_document),
        TEST(damage_is_told_with_its_place),
        TEST(an_open_journal_is_whole),
        TEST(what_is_no_journal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
