/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory as control leaves it, a new arena as the dataplane makes it. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../location/table_fixture.h"
#include "journal.h"
#include "journal_files.h"
#include "limiter.h"
#include "restore.h"
#include "source.h"

enum { AORS = 300 };

struct lab {
    struct fixture f;
    struct bd_config config;
    char path[64];
    struct bd_journal_dir dir;
    struct bd_error error;
    uint32_t now_s;
};

static struct lab *lab_new(uint64_t bindings_max)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    assert_non_null(lab);
    struct bd_arena_params params = fixture_params(&bindings_max);
    params.region_sz[BD_REGION_LIMITS] = bd_limits_footprint(1);
    fixture_open_with(&lab->f, &params, 1);
    strcpy(lab->path, "/tmp/bindery-restore-XXXXXX");
    assert_non_null(mkdtemp(lab->path));
    lab->dir = (struct bd_journal_dir){&bd_journal_io_posix, lab->path};
    lab->config = (struct bd_config){.journal_dir = lab->path,
                                     .bindings_max = bindings_max,
                                     .source_prefix_ipv4 = 24,
                                     .source_prefix_ipv6 = 64};
    lab->now_s = (uint32_t)(bd_clock_ms() / 1000);
    bd_log_set_level(BD_LOG_ERROR);
    return lab;
}

static void lab_free(struct lab *lab)
{
    char name[512];
    DIR *dir = opendir(lab->path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        snprintf(name, sizeof(name), "%s/%s", lab->path, e->d_name);
        unlink(name);
    }
    if (dir)
        closedir(dir);
    rmdir(lab->path);
    fixture_close(&lab->f);
    free(lab);
}

/* 10.0.0.0/8 and 2001:db8::/32 in turn, each from a network of its own. */
static struct bd_ip source_of(unsigned n)
{
    const uint8_t v4[4] = {10, (uint8_t)(n >> 8), (uint8_t)n, 7};
    struct bd_ip v6 = {{0x20, 0x01, 0x0d, 0xb8, 0, 0, (uint8_t)(n >> 8), (uint8_t)n, 7}};
    return n % 2 ? bd_ip_from_v4(v4) : v6;
}

/* Every third has expired. */
static void write_journal(struct lab *lab)
{
    struct bd_journal journal;
    struct bd_journal_begin begin = {
        .number = 1, .geometry = 1, .slots = 1000, .now = bd_journal_time_read()};
    assert_int_equal(bd_journal_begin(&journal, &lab->dir, &begin, &lab->error), 0);
    for (unsigned n = 0; n < AORS; n++) {
        struct fixture_aor aor;
        struct fixture_binding made;
        fixture_aor(&lab->f.table, n, &aor);
        fixture_binding(&made, n + 1, n, n % 3 ? lab->now_s + 1000 + n : lab->now_s - 10);
        made.b.source.ip = source_of(n);
        assert_int_equal(bd_journal_put(&journal, n, aor.s, &made.b, 1, &lab->error), 0);
    }
    begin.now = bd_journal_time_read();
    assert_int_equal(bd_journal_finish(&journal, &begin.now, 0, &lab->error), 0);
}

static int restore(struct lab *lab)
{
    return bd_restore(&lab->config, &lab->f.table, bd_memory_writer(lab->f.memory, 0), &lab->error);
}

static unsigned count(struct lab *lab)
{
    return (unsigned)fixture_info(&lab->f.table).contacts;
}

static struct bd_dirty_shared *shared_of(struct lab *lab)
{
    return bd_dirty_of(&lab->f.arena);
}

static int tell(void *arg, uint64_t slot, enum bd_dirty_kind kind, const struct bd_record *record)
{
    ++*(unsigned *)arg;
    return 0;
}

static void what_is_on_disk_is_served_again(void **state)
{
    struct lab *lab = lab_new(1000);
    write_journal(lab);
    assert_int_equal(restore(lab), 0);
    assert_int_equal(shared_of(lab)->restored, 1);
    assert_int_equal(shared_of(lab)->load_problems, 0);
    assert_int_equal(count(lab), AORS - AORS / 3);
    for (unsigned n = 0; n < AORS; n++) {
        struct fixture_aor aor;
        struct bd_slot_ref ref;
        struct bd_binding view;
        fixture_aor(&lab->f.table, n, &aor);
        assert_int_equal(bd_table_find(&lab->f.table, aor.hash, aor.s, &ref), n % 3 != 0);
        if (n % 3 == 0)
            continue;
        bd_record_view(ref.record, 0, &view);
        assert_int_equal(bd_state_cseq(view.state), n);
        assert_in_range(bd_state_expires_at_s(view.state), lab->now_s + 998 + n,
                        lab->now_s + 1002 + n);
        for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
            struct fixture_binding made;
            fixture_binding(&made, n + 1, 0, 0);
            assert_true(bd_str_eq(view.text[t], made.b.text[t]));
        }
    }
    fixture_check_buckets(&lab->f.table);
    /* The load's own marks are gone: the snapshot that follows covers them. */
    unsigned marked = 0;
    uint32_t cursor = 0;
    bd_dirty_begin(&lab->f.table);
    assert_int_equal(bd_dirty_sweep(&lab->f.table, &cursor, UINT32_MAX, tell, &marked), 0);
    assert_int_equal(marked, 0);
    lab_free(lab);
}

static bool is_known(struct lab *lab, struct bd_ip source)
{
    const uint64_t mask[] = {bd_source_mask(64), bd_source_mask_v4(24)};
    uint64_t key = bd_source_key(&source) & mask[bd_ip_is_v4(&source)];
    uint64_t hash = bd_hash64(&lab->f.arena.hash_key, &key, sizeof(key));
    return bd_known_has(&bd_limits_of(&lab->f.arena)->known, hash, lab->now_s);
}

/* Also of those that have expired: they come back first of all. */
static void who_was_registered_is_known(void **state)
{
    struct lab *lab = lab_new(1000);
    const struct bd_known *known = &bd_limits_of(&lab->f.arena)->known;
    write_journal(lab);
    assert_int_equal(bd_known_cnt(known, lab->now_s), 0);
    assert_int_equal(restore(lab), 0);
    assert_int_equal(bd_known_cnt(known, lab->now_s), AORS);
    for (unsigned n = 0; n < AORS; n++)
        assert_true(is_known(lab, source_of(n)));
    for (unsigned n = AORS; n < 2 * AORS; n++)
        assert_false(is_known(lab, source_of(n)));
    /* Another phone of the same prefix. */
    struct bd_ip neighbour = source_of(1);
    neighbour.b[15]++;
    assert_true(is_known(lab, neighbour));
    lab_free(lab);
}

static void once_in_an_arenas_life(void **state)
{
    struct lab *lab = lab_new(1000);
    assert_int_equal(restore(lab), 0);
    write_journal(lab);
    assert_int_equal(restore(lab), 0);
    assert_int_equal(count(lab), 0);
    lab_free(lab);
}

/* As one that was killed meanwhile leaves it. */
static void a_second_load_goes_over_the_first(void **state)
{
    struct lab *lab = lab_new(1000);
    write_journal(lab);
    assert_int_equal(restore(lab), 0);
    atomic_store(&shared_of(lab)->restored, 0);
    fixture_rebuild(&lab->f, 1);
    assert_int_equal(restore(lab), 0);
    assert_int_equal(count(lab), AORS - AORS / 3);
    assert_int_equal(fixture_info(&lab->f.table).records_leaked, 0);
    lab_free(lab);
}

static void no_directory_is_an_empty_one(void **state)
{
    struct lab *lab = lab_new(1000);
    rmdir(lab->path);
    assert_int_equal(restore(lab), 0);
    assert_int_equal(shared_of(lab)->restored, 1);
    lab_free(lab);
}

static void with_durability_none_nothing_is_read(void **state)
{
    struct lab *lab = lab_new(1000);
    write_journal(lab);
    lab->config.durability = BD_DURABILITY_NONE;
    assert_int_equal(restore(lab), 0);
    assert_int_equal(shared_of(lab)->restored, 1);
    assert_int_equal(count(lab), 0);
    lab_free(lab);
}

static void damage_is_counted_and_the_rest_is_served(void **state)
{
    struct lab *lab = lab_new(1000);
    write_journal(lab);
    char name[128];
    snprintf(name, sizeof(name), "%s/journal-1", lab->path);
    FILE *file = fopen(name, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 3 * 4096, SEEK_SET), 0);
    assert_true(fputs("damage", file) >= 0);
    fclose(file);
    assert_int_equal(restore(lab), 0);
    assert_true(shared_of(lab)->load_problems > 0);
    assert_in_range(count(lab), 1, AORS - AORS / 3);
    assert_int_equal(shared_of(lab)->restored, 1);
    lab_free(lab);
}

static void what_does_not_fit_or_is_not_readable_refuses_the_start(void **state)
{
    struct lab *lab = lab_new(1);
    write_journal(lab);
    char name[128];
    /* All of one window. */
    snprintf(name, sizeof(name), "%s", lab->path);
    for (uint32_t b = 0; b < lab->f.table.shared->bucket_cnt; b++) {
        for (unsigned s = 0; s < BD_TABLE_SLOTS; s++)
            atomic_store(&lab->f.table.buckets[b].slot[s],
                         bd_slot_make(0, BD_SLOT_TENTATIVE, lab->f.table.shared->page_first));
    }
    assert_int_equal(restore(lab), -1);
    assert_non_null(strstr(lab->error.text, "arena.bindings_max"));
    assert_int_equal(shared_of(lab)->restored, 0);
    lab->config.journal_dir = "/dev/null";
    assert_int_equal(restore(lab), -1);
    assert_non_null(strstr(lab->error.text, "/dev/null"));
    assert_int_equal(shared_of(lab)->restored, 0);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_on_disk_is_served_again),
        cmocka_unit_test(who_was_registered_is_known),
        cmocka_unit_test(once_in_an_arenas_life),
        cmocka_unit_test(a_second_load_goes_over_the_first),
        cmocka_unit_test(no_directory_is_an_empty_one),
        cmocka_unit_test(with_durability_none_nothing_is_read),
        cmocka_unit_test(damage_is_counted_and_the_rest_is_served),
        cmocka_unit_test(what_does_not_fit_or_is_not_readable_refuses_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
