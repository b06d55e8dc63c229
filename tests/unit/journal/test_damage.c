/* SPDX-License-Identifier: BSD-3-Clause */
/* Files cut at every byte and with every bit flipped: what is whole is loaded, what is not is told
 * with its place, and nothing is given that was never written. */
#include "journal_fixture.h"

struct files {
    struct memfs fs;
    struct model m;
};

/* snapshot-2 of some AoRs, journal-2 with each type of record, finished. */
static void make(struct files *f)
{
    memfs_open(&f->fs);
    model_open(&f->m, &f->fs, 1);
    assert_int_equal(model_begin(&f->m), 0);
    for (int a = 0; a < 4; a++)
        model_insert(&f->m, a, a, 1 + a % 2);
    assert_int_equal(model_snapshot(&f->m, false), 0);
    for (int a = 0; a < 4; a++)
        f->m.slot[a].dirty = MODEL_CLEAN;
    model_refresh(&f->m, 0);
    model_replace(&f->m, 1, 2);
    assert_int_equal(model_sweep(&f->m), 0);
    model_remove(&f->m, 2);
    model_insert(&f->m, 5, 9, 1);
    model_refresh(&f->m, 1);
    assert_int_equal(model_sweep(&f->m), 0);
    model_refresh(&f->m, 5);
    assert_int_equal(model_sweep(&f->m), 0);
    assert_int_equal(model_finish(&f->m), 0);
}

static void unmake(struct files *f)
{
    memfs_close(&f->fs);
}

/* Forgets the second name that a load gave to a damaged file. */
static void forget_kept(struct memfs *fs)
{
    for (int i = fs->names; i-- > 0;) {
        if (strstr(fs->name[i].name, ".bad-"))
            memfs_remove(fs, fs->name[i].name);
    }
}

static uint8_t *copy_of(struct memfs *fs, const char *name, uint32_t *len)
{
    struct memfs_inode *inode = memfs_find(fs, name);
    assert_non_null(inode);
    *len = inode->len;
    uint8_t *bytes = malloc(inode->len);
    memcpy(bytes, inode->bytes, inode->len);
    return bytes;
}

static bool place_told(const struct loaded *loaded, const char *name, uint64_t off)
{
    for (unsigned i = 0; i < loaded->problems; i++) {
        const struct bd_journal_problem *p = &loaded->problem[i];
        if (p->trouble == BD_JOURNAL_NO_HEADER_TROUBLE ||
            (off >= p->off && (off < p->off + p->bytes || p->bytes == 0)))
            return strcmp(loaded->file[i], name) == 0;
    }
    return false;
}

static void intact(void **state)
{
    struct files f;
    struct loaded loaded;
    make(&f);
    assert_int_equal(model_load(&f.m, &f.fs, &loaded), 0);
    model_expect_all(&f.m, &loaded);
    assert_int_equal(loaded.report.problems, 0);
    assert_int_equal(loaded.report.unended, 0);
    assert_int_equal(loaded.report.unmatched, 0);
    assert_int_equal(loaded.report.kept, 0);
    assert_int_equal(loaded.report.snapshot, 2);
    assert_int_equal(loaded.report.last_number, 2);
    assert_int_equal(loaded.report.aors, 4);
    unmake(&f);
}

/* All but the first PUT of a file are told of before they come. Slices live on, as the window holds
 * the whole file. */
static void tells_what_comes(void **state)
{
    struct files f;
    static struct bd_journal_record record;
    struct bd_journal_reader reader;
    struct bd_journal_problem problem;
    struct bd_error error;
    struct bd_str ahead[MODEL_AORS];
    unsigned told = 0, came = 0;
    make(&f);
    assert_int_equal(bd_journal_reader_open(&reader, &f.fs.dir, "snapshot-2", &problem, &error), 0);
    while (bd_journal_reader_next(&reader, &record, &problem) == BD_JOURNAL_RECORD) {
        if (record.type == BD_JOURNAL_PUT && came++ > 0) {
            assert_in_range(told, came - 1, MODEL_AORS);
            assert_true(bd_str_eq(record.aor, ahead[came - 2]));
        }
        while (told < MODEL_AORS && bd_journal_reader_ahead(&reader, &ahead[told]))
            told++;
    }
    assert_int_equal(came, 4);
    assert_int_equal(told, 3);
    bd_journal_reader_close(&reader);
    unmake(&f);
}

static void cut_everywhere(const char *name)
{
    struct files f;
    make(&f);
    uint32_t len;
    uint8_t *bytes = copy_of(&f.fs, name, &len);
    uint64_t given = 0;
    for (uint32_t cut = 0; cut < len; cut += cut < 8000 ? 97 : 1) {
        struct loaded loaded;
        memfs_write(&f.fs, name, bytes, cut);
        assert_int_equal(model_load(&f.m, &f.fs, &loaded), 0);
        assert_true(loaded.report.problems + loaded.report.unended > 0);
        assert_non_null(memfs_find(&f.fs, name));
        assert_int_equal(loaded.report.kept > 0, loaded.report.problems > 0);
        forget_kept(&f.fs);
        /* The longer, the more of it is there. */
        if (strcmp(name, "journal-2") != 0) {
            assert_true(loaded.report.puts >= given);
            given = loaded.report.puts;
        }
    }
    free(bytes);
    unmake(&f);
}

static void loads_a_journal_cut_at_every_byte(void **state)
{
    cut_everywhere("journal-2");
}

static void loads_a_snapshot_cut_at_every_byte(void **state)
{
    cut_everywhere("snapshot-2");
}

/* All bits of records and of the used part of headers, one of each byte of the rest. */
static uint32_t next_bit(uint32_t bit)
{
    uint32_t byte = bit / 8, in_header = byte % BD_JOURNAL_HEADER_SZ;
    bool zeros =
        byte < BD_JOURNAL_RECORDS_OFF && in_header >= 96 && in_header < BD_JOURNAL_HEADER_SZ - 16;
    return bit + (zeros ? 213 : 1);
}

static void flip_everywhere(const char *name)
{
    struct files f;
    make(&f);
    struct memfs_inode *inode = memfs_find(&f.fs, name);
    for (uint32_t bit = 0; bit < inode->len * 8; bit = next_bit(bit)) {
        struct loaded loaded;
        inode->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(model_load(&f.m, &f.fs, &loaded), 0);
        assert_true(loaded.report.problems > 0);
        assert_true(place_told(&loaded, name, bit / 8));
        assert_int_equal(loaded.report.kept, 1);
        assert_true(loaded.report.lost <= 1);
        if (bit / 8 < BD_JOURNAL_RECORDS_OFF)
            model_expect_all(&f.m, &loaded);
        forget_kept(&f.fs);
        inode->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    unmake(&f);
}

static void finds_every_flipped_bit_of_a_journal(void **state)
{
    flip_everywhere("journal-2");
}

static void finds_every_flipped_bit_of_a_snapshot(void **state)
{
    flip_everywhere("snapshot-2");
}

/* One record lost: all others are there, and a refresh of the lost one is not put on another. */
static void loses_one_record_only(void **state)
{
    struct files f;
    struct loaded loaded;
    make(&f);
    struct memfs_inode *inode = memfs_find(&f.fs, "journal-2");
    /* #1 is the STATE of user0, #2 the PUT of user1; #4 or so refreshes user1. */
    uint32_t put = BD_JOURNAL_RECORDS_OFF + BD_JOURNAL_FRAME_SZ + 40;
    for (unsigned where = 0; where < 2; where++) {
        uint8_t *p = &inode->bytes[put + (where ? BD_JOURNAL_FRAME_SZ + 50 : 1)];
        *p ^= 1;
        assert_int_equal(model_load(&f.m, &f.fs, &loaded), 0);
        *p ^= 1;
        assert_int_equal(loaded.report.lost, 1);
        assert_int_equal(loaded.report.unmatched, 1);
        assert_int_equal(loaded.report.problems, 2); /* the damage, the orphan */
        assert_int_equal(loaded.version[0], f.m.version[0]);
        assert_int_equal(loaded.version[1], 1); /* as the snapshot has it */
        assert_int_equal(loaded.version[2], -1);
        assert_int_equal(loaded.version[3], f.m.version[3]);
        assert_int_equal(loaded.version[5], f.m.version[5]);
    }
    unmake(&f);
}

static void finds_its_way_through_rubbish(void **state)
{
    uint64_t seed = fixture_seed("rubbish");
    for (unsigned round = 0; round < 500; round++) {
        struct files f;
        struct loaded loaded;
        make(&f);
        struct memfs_inode *inode = memfs_find(&f.fs, round % 2 ? "journal-2" : "snapshot-2");
        for (unsigned n = 0; n < 1 + round % 3; n++) {
            uint32_t from = (uint32_t)(fixture_random(&seed) % inode->len);
            uint32_t len = (uint32_t)(fixture_random(&seed) % 300);
            for (uint32_t i = from; i < from + len && i < inode->len; i++)
                inode->bytes[i] = round % 5 ? (uint8_t)fixture_random(&seed) : 0;
        }
        assert_int_equal(model_load(&f.m, &f.fs, &loaded), 0);
        unmake(&f);
    }
}

/* A record of the same file at another place is none: a block the file system mixed up. */
static void refuses_a_record_at_another_place(void **state)
{
    struct files f;
    struct loaded loaded;
    make(&f);
    struct memfs_inode *inode = memfs_find(&f.fs, "journal-2");
    uint32_t len;
    uint8_t *bytes = copy_of(&f.fs, "journal-2", &len);
    uint32_t body = len - BD_JOURNAL_RECORDS_OFF;
    bytes = realloc(bytes, len + body);
    memcpy(bytes + len, bytes + BD_JOURNAL_RECORDS_OFF, body);
    memfs_write(&f.fs, "journal-2", bytes, len + body);
    assert_int_equal(model_load(&f.m, &f.fs, &loaded), 0);
    model_expect_all(&f.m, &loaded);
    assert_int_equal(loaded.report.problems, 1);
    assert_int_equal(loaded.problem[0].trouble, BD_JOURNAL_DAMAGED_TROUBLE);
    assert_int_equal(loaded.problem[0].off, len);
    assert_int_equal(loaded.problem[0].bytes, body);
    assert_non_null(inode);
    free(bytes);
    unmake(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intact),
        cmocka_unit_test(tells_what_comes),
        cmocka_unit_test(loads_a_journal_cut_at_every_byte),
        cmocka_unit_test(loads_a_snapshot_cut_at_every_byte),
        cmocka_unit_test(finds_every_flipped_bit_of_a_journal),
        cmocka_unit_test(finds_every_flipped_bit_of_a_snapshot),
        cmocka_unit_test(loses_one_record_only),
        cmocka_unit_test(finds_its_way_through_rubbish),
        cmocka_unit_test(refuses_a_record_at_another_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
