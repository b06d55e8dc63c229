/* SPDX-License-Identifier: BSD-3-Clause */
/* Records by chance there and back; clocks; other tables; files that are missing or of another
 * version. */
#include "journal_fixture.h"
#include "journal_print.h"

struct files {
    struct memfs fs;
    struct model m;
};

static void open_files(struct files *f)
{
    memfs_open(&f->fs);
    model_open(&f->m, &f->fs, 3);
}

static void close_files(struct files *f)
{
    bd_journal_abandon(&f->m.journal);
    memfs_close(&f->fs);
}

static void sweep(struct files *f)
{
    assert_int_equal(model_sweep(&f->m), 0);
    assert_int_equal(model_sync(&f->m), 0);
}

static void load(struct files *f, struct loaded *loaded)
{
    if (model_load(&f->m, &f->fs, loaded) < 0)
        fail_msg("%s", loaded->error.text);
}

static struct bd_str random_text(uint64_t *random, const char *from, uint32_t max)
{
    uint32_t len = fixture_random(random) % 4 ? (uint32_t)(fixture_random(random) % 60) : 0;
    return (struct bd_str){from + fixture_random(random) % 256,
                           fixture_random(random) % 50 ? len : max};
}

static void records_come_back(void **state)
{
    static uint8_t body[BD_JOURNAL_BODY_MAX];
    static char bytes[2048];
    static struct bd_journal_record r;
    uint64_t random = fixture_seed("records");
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)fixture_random(&random);
    for (unsigned round = 0; round < 3000; round++) {
        struct bd_binding b[BD_CONTACTS_PER_AOR_MAX] = {0};
        unsigned cnt = 1 + (unsigned)(fixture_random(&random) % BD_CONTACTS_PER_AOR_MAX);
        for (unsigned c = 0; c < cnt; c++) {
            for (unsigned t = 0; t < BD_TEXT_CNT; t++)
                b[c].text[t] = random_text(&random, bytes, 1024);
            b[c].state = fixture_random(&random);
            b[c].txn = fixture_random(&random);
            b[c].reg_id = (uint32_t)fixture_random(&random);
            b[c].created_at_s = (uint32_t)fixture_random(&random);
            b[c].q_milli = (uint16_t)fixture_random(&random);
            b[c].flags = (uint16_t)fixture_random(&random);
            b[c].source.port = (uint16_t)fixture_random(&random);
            memcpy(b[c].local.ip.b, bytes, 16);
        }
        struct bd_str aor = {bytes, (uint32_t)(1 + fixture_random(&random) % BD_AOR_MAX)};
        if (bd_record_sz(aor, b, cnt) == 0)
            continue;
        r.type = BD_JOURNAL_PUT;
        r.len = bd_journal_put_encode(body, 1234, 77, aor, b, cnt);
        assert_in_range(r.len, 1, BD_JOURNAL_BODY_MAX);
        assert_false(bd_journal_record_decode(body, 77, &r));
        assert_true(bd_journal_record_decode(body, 78, &r));
        assert_true(bd_str_eq(r.aor, aor));
        struct bd_str peeked;
        assert_true(bd_journal_put_peek(body, r.len, &peeked) && bd_str_eq(peeked, aor));
        assert_int_equal(r.cnt, cnt);
        assert_int_equal(r.check, bd_journal_check(aor, b, cnt));
        assert_int_equal(r.check, bd_journal_check(r.aor, r.binding, r.cnt));
        for (unsigned c = 0; c < cnt; c++) {
            assert_int_equal(r.contact[c].txn, b[c].txn);
            assert_int_equal(r.contact[c].cseq, bd_state_cseq(b[c].state));
            assert_int_equal(r.contact[c].expires_ms,
                             bd_state_expires_at_s(b[c].state) * 1000ULL + 1234);
            assert_int_equal(r.created_ms[c], b[c].created_at_s * 1000ULL + 1234);
        }
        /* No shorter body is a record. */
        r.len -= 1 + (uint32_t)(fixture_random(&random) % r.len);
        assert_false(bd_journal_record_decode(body, 78, &r));
    }
}

static void refuses_what_is_no_record(void **state)
{
    struct files f;
    struct bd_binding b[BD_CONTACTS_PER_AOR_MAX + 1] = {0};
    struct bd_error error;
    open_files(&f);
    assert_int_equal(model_begin(&f.m), 0);
    struct bd_journal *j = &f.m.journal;
    assert_int_equal(bd_journal_put(j, MODEL_SLOTS, BD_STR("a@b"), b, 1, &error), -1);
    assert_int_equal(bd_journal_empty(j, MODEL_SLOTS, &error), -1);
    assert_int_equal(bd_journal_put(j, 0, BD_STR("a@b"), b, 0, &error), -1);
    assert_int_equal(bd_journal_put(j, 0, BD_STR("a@b"), b, BD_CONTACTS_PER_AOR_MAX + 1, &error),
                     -1);
    assert_int_equal(j->seq, 0);
    assert_int_equal(bd_journal_sync(j, &error), 0);
    close_files(&f);
}

/* Registered at clock 5,000 s for 4,003 s; another boot loads it an hour after the last COMMIT. */
static void clocks(void **state)
{
    struct files f;
    struct loaded loaded;
    open_files(&f);
    assert_int_equal(model_begin(&f.m), 0);
    model_insert(&f.m, 1, 1, 1);
    sweep(&f);
    struct bd_journal_time written = f.m.now, t = written;
    /* The wall clock is set a day ahead meanwhile, and a COMMIT says so. */
    f.m.now.wall_ms += 86400000;
    f.m.now.clock_ms += 1000;
    sweep(&f);
    struct bd_journal_time last = f.m.now;

    /* The same boot: only its clock counts. */
    t.wall_ms += 864000000;
    assert_int_equal(model_load_at(&f.m, &f.fs, t, &loaded), 0);
    assert_int_equal(loaded.version[1], 1);
    t.clock_ms = 9003ULL * 1000;
    assert_int_equal(model_load_at(&f.m, &f.fs, t, &loaded), 0);
    assert_int_equal(loaded.version[1], -1);
    assert_int_equal(loaded.report.expired, 1);

    /* Another boot: 4,002 s were left at the last COMMIT. */
    struct bd_journal_time later = {last.wall_ms + 4001 * 1000, 60000, 8};
    assert_int_equal(model_load_at(&f.m, &f.fs, later, &loaded), 0);
    assert_int_equal(loaded.version[1], 1);
    assert_false(loaded.report.clock_went_back);
    later.wall_ms += 1000;
    assert_int_equal(model_load_at(&f.m, &f.fs, later, &loaded), 0);
    assert_int_equal(loaded.version[1], -1);

    /* Its wall clock is behind. */
    later.wall_ms = last.wall_ms - 86400000;
    assert_int_equal(model_load_at(&f.m, &f.fs, later, &loaded), 0);
    assert_int_equal(loaded.version[1], 1);
    assert_true(loaded.report.clock_went_back);
    f.m.now = written;
    close_files(&f);
}

static void two_slots_of_one_aor(void **state)
{
    struct files f;
    struct loaded loaded;
    open_files(&f);
    assert_int_equal(model_begin(&f.m), 0);
    model_insert(&f.m, 1, 5, 1);
    sweep(&f);
    /* Removed from slot 5, inserted at 3; of the sweep only slot 3 gets to disk. */
    model_remove(&f.m, 1);
    f.m.slot[5].dirty = MODEL_CLEAN;
    model_insert(&f.m, 1, 3, 2);
    sweep(&f);
    load(&f, &loaded);
    assert_int_equal(loaded.version[1], f.m.version[1]);
    assert_int_equal(loaded.report.replaced, 1);
    assert_int_equal(loaded.report.problems, 0);
    close_files(&f);
}

/* Another arena takes over, and the machine dies before its first snapshot. */
static void another_table_overrides(void **state)
{
    struct files f;
    struct loaded loaded;
    open_files(&f);
    assert_int_equal(model_begin(&f.m), 0);
    for (int a = 0; a < 4; a++)
        model_insert(&f.m, a, a, 1);
    sweep(&f);
    assert_int_equal(model_finish(&f.m), 0);
    f.m.geometry++;
    struct bd_journal_begin begin = {2, 1, f.m.geometry, MODEL_SLOTS, f.m.now};
    assert_int_equal(bd_journal_begin(&f.m.journal, &f.fs.dir, &begin, &f.m.error), 0);
    for (int s = 0; s < MODEL_SLOTS; s++)
        f.m.slot[s] = (struct model_slot){s < 8    ? -1
                                          : s < 12 ? s - 8
                                                   : -1,
                                          s < 12 && s >= 8 ? MODEL_CHANGED : MODEL_CLEAN};
    sweep(&f);
    model_replace(&f.m, 1, 2);
    model_remove(&f.m, 2);
    sweep(&f);
    load(&f, &loaded);
    model_expect_all(&f.m, &loaded);
    assert_int_equal(loaded.report.problems, 0);
    close_files(&f);
}

/* A machine that reboots, or an arena that is made anew, again and again before a first snapshot:
 * one AoR is registered each time. */
static void many_boots_and_tables(void **state)
{
    for (unsigned kind = 1; kind <= 3; kind++) {
        struct files f;
        struct loaded loaded;
        open_files(&f);
        for (int boot = 0; boot < 300; boot++) {
            f.m.now.boot += kind & 1;
            f.m.geometry += kind >> 1;
            for (int s = 0; s < MODEL_SLOTS; s++)
                f.m.slot[s] = (struct model_slot){.aor = -1};
            assert_int_equal(model_begin(&f.m), 0);
            model_insert(&f.m, boot % MODEL_AORS, boot % MODEL_AORS, 1);
            sweep(&f);
            bd_journal_abandon(&f.m.journal);
        }
        load(&f, &loaded);
        assert_int_equal(loaded.report.files, 300);
        assert_int_equal(loaded.report.problems, 0);
        model_expect_all(&f.m, &loaded);
        close_files(&f);
    }
}

static void tells_missing_files(void **state)
{
    for (int gone = 1; gone <= 3; gone++) {
        struct files f;
        struct loaded loaded;
        char name[BD_JOURNAL_NAME_MAX];
        open_files(&f);
        assert_int_equal(model_begin(&f.m), 0);
        for (uint64_t n = 1; n <= 3; n++) {
            model_insert(&f.m, (int)n, (int)n, 1);
            sweep(&f);
            assert_int_equal(
                bd_journal_finish(&f.m.journal, &f.m.now, n < 3 ? n + 1 : 0, &f.m.error), 0);
            struct bd_journal_begin begin = {n + 1, n, f.m.geometry, MODEL_SLOTS, f.m.now};
            if (n < 3)
                assert_int_equal(bd_journal_begin(&f.m.journal, &f.fs.dir, &begin, &f.m.error), 0);
        }
        bd_journal_name(BD_JOURNAL_FILE_JOURNAL, (uint64_t)gone, name);
        memfs_remove(&f.fs, name);
        load(&f, &loaded);
        /* Both neighbours tell of it. */
        assert_int_equal(loaded.report.problems, gone == 2 ? 2 : 1);
        assert_int_equal(loaded.problem[0].trouble,
                         gone == 1 ? BD_JOURNAL_MISSING_TROUBLE : BD_JOURNAL_MISSING_NEXT_TROUBLE);
        for (int a = 1; a <= 3; a++)
            assert_int_equal(loaded.version[a], a == gone ? -1 : 1);
        close_files(&f);
    }
}

static void refuses_another_version(void **state)
{
    for (unsigned version = 0; version <= 2; version += 2) {
        struct files f;
        struct loaded loaded;
        open_files(&f);
        assert_int_equal(model_begin(&f.m), 0);
        struct memfs_inode *inode = memfs_find(&f.fs, "journal-1");
        struct bd_journal_header header = f.m.journal.header;
        header.version = (uint16_t)version;
        bd_journal_header_encode(&header, inode->bytes);
        bd_journal_header_encode(&header, inode->bytes + BD_JOURNAL_HEADER_SZ);
        assert_int_equal(model_load(&f.m, &f.fs, &loaded), -1);
        assert_non_null(strstr(loaded.error.text, "/j/journal-1: has format"));
        assert_int_equal(f.fs.names, 1);
        close_files(&f);
    }
}

static void lets_other_names_alone(void **state)
{
    static const char *const others[] = {"journal-",
                                         "journal-01",
                                         "journal-1x",
                                         "snapshot-2.tmpx",
                                         "journal-99999999999999999999",
                                         "lost+found",
                                         "journal-3.tmp"};
    struct files f;
    struct loaded loaded;
    open_files(&f);
    for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
        memfs_write(&f.fs, others[i], (const uint8_t *)"x", 1);
    load(&f, &loaded);
    assert_int_equal(loaded.report.files + loaded.report.problems, 0);
    memfs_write(&f.fs, "snapshot-7.bad-123", (const uint8_t *)"x", 1);
    assert_int_equal(bd_journal_next_number(&f.fs.dir, &f.m.error), 8);
    assert_int_equal(bd_journal_prune(&f.fs.dir, 100, &f.m.error), 0);
    assert_int_equal(f.fs.names, 8);
    memfs_close(&f.fs);
}

/* As after years of damage that nobody has looked at, or with journals instead. */
struct crowd {
    struct bd_journal_io io;
    const struct bd_journal_io *there;
    const char *name;
};

static int list_crowd(void *arg, const char *path, void (*fn)(void *context, const char *name),
                      void *context)
{
    const struct crowd *crowd = arg;
    char name[BD_JOURNAL_NAME_MAX];
    for (unsigned n = 1; n <= BD_JOURNAL_FILES_MAX; n++) {
        snprintf(name, sizeof(name), crowd->name, n + 1);
        fn(context, name);
    }
    return crowd->there->list(crowd->there->arg, path, fn, context);
}

static void what_is_kept_is_no_limit(void **state)
{
    struct files f;
    struct bd_journal_files files;
    open_files(&f);
    assert_int_equal(model_begin(&f.m), 0);
    sweep(&f);
    struct crowd crowd = {.io = {.list = list_crowd}, .there = f.fs.dir.io};
    crowd.io.arg = &crowd;
    struct bd_journal_dir dir = {.io = &crowd.io, .path = f.fs.dir.path};
    crowd.name = "snapshot-%u.bad-7";
    if (bd_journal_files_list(&files, &dir, &f.m.error) < 0)
        fail_msg("%s", f.m.error.text);
    assert_int_equal(files.cnt, 1);
    assert_string_equal(files.file[0].name, "journal-1");
    assert_int_equal(files.bad_cnt, BD_JOURNAL_FILES_MAX);
    bd_journal_files_free(&files);
    assert_int_equal(bd_journal_next_number(&dir, &f.m.error), BD_JOURNAL_FILES_MAX + 2);
    crowd.name = "journal-%u";
    assert_int_equal(bd_journal_files_list(&files, &dir, &f.m.error), -1);
    assert_non_null(strstr(f.m.error.text, "more than 4096 files"));
    close_files(&f);
}

static void prints_a_line_each(void **state)
{
    struct files f;
    char *text = NULL;
    size_t len;
    open_files(&f);
    assert_int_equal(model_begin(&f.m), 0);
    model_insert(&f.m, 1, 5, 1);
    sweep(&f);
    struct bd_journal_reader reader;
    struct bd_journal_problem problem = {0};
    static struct bd_journal_record record;
    assert_int_equal(bd_journal_reader_open(&reader, &f.fs.dir, "journal-1", &problem, &f.m.error),
                     0);
    FILE *out = open_memstream(&text, &len);
    bd_journal_print_header(out, &reader.header);
    for (enum bd_journal_step step;
         (step = bd_journal_reader_next(&reader, &record, &problem)) != BD_JOURNAL_EOF;) {
        if (step == BD_JOURNAL_RECORD)
            bd_journal_print_record(out, &record);
        else
            bd_journal_print_problem(out, &problem);
    }
    fclose(out);
    bd_journal_reader_close(&reader);
    assert_non_null(strstr(text, "journal 1, format 1, made 2023-11-14T22:13:20.123Z, table "
                                 "0000000000abcdef of 16 slots\n8192 #1 PUT slot 5 check "));
    assert_non_null(
        strstr(text, " user1@example.org text-0-of-1-1-0 CSeq 1 until 2023-11-14T23:20:03.123Z\n"));
    assert_non_null(strstr(text, " #2 COMMIT 1 records at 2023-11-14T22:13:20.123Z\n"));
    assert_non_null(strstr(text, "journal-1: byte "));
    free(text);
    close_files(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(refuses_what_is_no_record),
        cmocka_unit_test(clocks),
        cmocka_unit_test(two_slots_of_one_aor),
        cmocka_unit_test(another_table_overrides),
        cmocka_unit_test(many_boots_and_tables),
        cmocka_unit_test(tells_missing_files),
        cmocka_unit_test(refuses_another_version),
        cmocka_unit_test(lets_other_names_alone),
        cmocka_unit_test(what_is_kept_is_no_limit),
        cmocka_unit_test(prints_a_line_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
