/* SPDX-License-Identifier: BSD-3-Clause */
/* The allocator at its limits, and what a rebuild makes of damage. */
#include "table_fixture.h"

static void classes_cover_all_sizes(void **state)
{
    for (uint32_t sz = 1; sz <= BD_RECORD_MAX; sz++) {
        unsigned class = bd_class_of(sz);
        assert_in_range(class, 1, BD_CLASS_CNT - 1);
        assert_true(bd_class_sz(class) >= sz);
        assert_true(class == 1 || bd_class_sz(class - 1) < sz);
    }
    assert_int_equal(bd_class_of(BD_RECORD_MAX), BD_CLASS_CNT - 1);
    for (unsigned class = 1; class < BD_CLASS_CNT; class ++) {
        assert_int_equal(bd_class_sz(class) % BD_UNIT, 0);
        assert_in_range(bd_class_batch(class), 1, 64);
    }
}

static uint64_t take_all(struct bd_writer *writer, uint32_t sz, uint64_t *off, uint64_t cap)
{
    uint64_t cnt = 0;
    while (cnt < cap && (off[cnt] = bd_memory_alloc(writer, sz)) != 0)
        cnt++;
    return cnt;
}

/* What two workers take and give back, in any order, can be taken again to the last block. */
static void every_block_comes_back(void **state)
{
    enum { CAP = 100000 };
    static uint64_t off[CAP];
    struct fixture f;
    fixture_open(&f, 1, 2);
    struct bd_writer *a = bd_memory_writer(f.memory, 0), *b = bd_memory_writer(f.memory, 1);
    uint64_t cnt = take_all(a, 300, off, CAP);
    uint64_t pages = f.table.shared->page_cnt - f.table.shared->page_first;
    assert_int_equal(cnt, pages * (BD_PAGE_SZ / 320));
    for (uint64_t i = 0; i < cnt; i++)
        memset(f.table.records + off[i], 0xee, 320);
    assert_int_equal(bd_memory_alloc(b, 300), 0);
    for (unsigned round = 0; round < 3; round++) {
        /* b gives back what a took: all but b's shelf goes through the depot. */
        for (uint64_t i = 0; i < cnt; i++)
            bd_memory_give(b, off[cnt - 1 - i]);
        uint64_t again = take_all(a, 300, off, CAP);
        assert_in_range(again, cnt - 2 * bd_class_batch(bd_class_of(300)), cnt);
        again += take_all(b, 300, off + again, CAP - again);
        assert_int_equal(again, cnt);
    }
    /* A smaller size helps itself from the next classes; a larger one has no more. */
    bd_memory_give(b, off[0]);
    assert_int_equal(bd_memory_alloc(b, 330), 0);
    assert_int_equal(bd_memory_alloc(b, 200), off[0]);
    assert_int_equal(bd_memory_alloc(b, 200), 0);
    fixture_close(&f);
}

static void put_one(struct fixture *f, unsigned number)
{
    struct fixture_aor aor;
    struct fixture_binding made;
    fixture_aor(&f->table, number, &aor);
    fixture_binding(&made, number + 1, 1, 1000 + number);
    struct bd_writer *writer = bd_memory_writer(f->memory, 0);
    bd_writer_online(writer);
    assert_int_equal(fixture_put(&f->table, writer, &aor, &made.b, 1), BD_TABLE_OK);
    bd_writer_offline(writer);
}

static uint64_t live(const struct fixture *f)
{
    return fixture_info(&f->table).slots_live;
}

/* The word of slot n of the table, counting those in use. */
static _Atomic uint64_t *nth_slot(struct fixture *f, unsigned n)
{
    for (uint32_t b = 0; b < f->table.shared->bucket_cnt; b++) {
        for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
            if (f->table.buckets[b].slot[s] != 0 && n-- == 0)
                return &f->table.buckets[b].slot[s];
        }
    }
    fail();
    return NULL;
}

static void a_rebuild_drops_damage_and_keeps_the_rest(void **state)
{
    enum { AORS = 100, DAMAGED = 7 };
    struct fixture f;
    fixture_open(&f, 1000, 1);
    for (unsigned n = 0; n < AORS; n++)
        put_one(&f, n);
    assert_int_equal(live(&f), AORS);
    uint64_t *records = (uint64_t *)f.table.records;
    _Atomic uint64_t *slot = nth_slot(&f, 0);
    atomic_store(slot, *slot | ((1ULL << BD_SLOT_OFF_BITS) - 1)); /* far outside */
    slot = nth_slot(&f, 10);
    atomic_store(slot, *slot + 1); /* between two blocks */
    slot = nth_slot(&f, 20);
    atomic_store(slot, (*slot & ~((1ULL << BD_SLOT_OFF_BITS) - 1)) | 1); /* in the class bytes */
    slot = nth_slot(&f, 30);
    atomic_store(slot, *slot ^ (1ULL << 63)); /* another's tag */
    slot = nth_slot(&f, 40);
    records[bd_slot_off(*slot) / 8 + 1] = UINT64_MAX; /* sizes and counts */
    slot = nth_slot(&f, 50);
    records[bd_slot_off(*slot) / 8 + 1] ^= 1; /* a hash that lives elsewhere */
    slot = nth_slot(&f, 60);
    atomic_store(slot, *slot ^ (3ULL << BD_SLOT_OFF_BITS)); /* TENTATIVE */
    bd_log_set_level(BD_LOG_ERROR);
    fixture_rebuild(&f, 1);
    assert_int_equal(live(&f), AORS - DAMAGED);
    fixture_check_blocks(&f);
    fixture_check_buckets(&f.table);
    fixture_close(&f);
}

/* The slot protocol cannot do this; a stray write could. */
static void a_rebuild_keeps_the_first_of_two(void **state)
{
    struct fixture f;
    fixture_open(&f, 1, 1);
    put_one(&f, 0);
    _Atomic uint64_t *slot = nth_slot(&f, 0);
    struct bd_writer *writer = bd_memory_writer(f.memory, 0);
    const struct bd_record *record = bd_slot_record(&f.table, *slot);
    uint64_t copy = bd_memory_alloc(writer, record->sz);
    memcpy(f.table.records + copy, record, record->sz);
    slot[1] = bd_slot_make(bd_record_hash(&f.table, record), BD_SLOT_LIVE,
                           copy); /* same AoR, another record */
    slot[2] = *slot;              /* the very same record */
    uint64_t first = *slot;
    fixture_rebuild(&f, 1);
    assert_int_equal(live(&f), 1);
    assert_int_equal(*slot, first);
    fixture_check_blocks(&f);
    fixture_close(&f);
}

static void a_rebuild_takes_empty_pages_back(void **state)
{
    struct fixture f;
    fixture_open(&f, 1000, 1);
    for (unsigned n = 0; n < 50; n++)
        put_one(&f, n);
    struct bd_writer *writer = bd_memory_writer(f.memory, 0);
    bd_writer_online(writer);
    for (unsigned n = 0; n < 50; n++) {
        struct fixture_aor aor;
        fixture_aor(&f.table, n, &aor);
        assert_int_equal(fixture_put(&f.table, writer, &aor, NULL, 0), BD_TABLE_OK);
    }
    assert_true(fixture_info(&f.table).record_bytes_carved > 0);
    fixture_rebuild(&f, 1);
    assert_int_equal(fixture_info(&f.table).record_bytes_carved, 0);
    fixture_check_blocks(&f);
    fixture_close(&f);
}

/* A reader that holds on stops reclamation. Then changes are refused before anything is done,
 * nothing is overwritten, and it all goes on once the reader lets go, or is dead and buried. */
static void a_stuck_reader_stops_changes_only(void **state)
{
    struct fixture f;
    fixture_open(&f, 1000000, 1);
    struct bd_writer *writer = bd_memory_writer(f.memory, 0);
    struct fixture_aor aor;
    struct fixture_binding made;
    fixture_aor(&f.table, 1, &aor);
    fixture_binding(&made, 1, 1, 1000);
    bd_epoch_online(f.table.epoch, bd_epoch_control(0), 1);
    bd_writer_online(writer);
    enum bd_table_rc rc = BD_TABLE_OK;
    uint64_t cnt = 0;
    for (; rc == BD_TABLE_OK; cnt++) {
        rc = fixture_put(&f.table, writer, &aor, &made.b, 1);
        if (cnt % 8 == 0)
            bd_writer_quiescent(writer);
    }
    assert_int_equal(rc, BD_TABLE_NO_MEMORY);
    assert_int_equal(cnt, BD_RETIRE_CNT + 2); /* one insert, the replacements, and the refusal */
    struct bd_table_info info = fixture_info(&f.table);
    assert_int_equal(info.records_retiring, BD_RETIRE_CNT);
    assert_int_equal(info.records_leaked, 0);
    assert_int_equal(fixture_put(&f.table, writer, &aor, NULL, 0), BD_TABLE_NO_MEMORY);
    unsigned aors, removed = bd_table_expire(writer, (uint32_t)0, 2000, NULL, NULL, &aors);
    assert_int_equal(removed, 0);
    bd_table_bury_readers(&f.table); /* generation 1 was never there: dead */
    for (unsigned n = 0; n < 2 * BD_RETIRE_CNT / 256; n++)
        bd_writer_quiescent(writer);
    assert_int_equal(fixture_info(&f.table).records_retiring, 0);
    assert_int_equal(fixture_put(&f.table, writer, &aor, &made.b, 1), BD_TABLE_OK);
    fixture_close(&f);
}

static void a_full_memory_refuses_and_recovers(void **state)
{
    struct fixture f;
    fixture_open(&f, 20000, 1);
    struct bd_writer *writer = bd_memory_writer(f.memory, 0);
    bd_writer_online(writer);
    static char text[BD_CONTACT_URI_MAX];
    memset(text, 'x', sizeof(text));
    struct bd_binding big[8] = {0};
    for (unsigned i = 0; i < 8; i++)
        big[i].text[BD_TEXT_URI] = big[i].text[BD_TEXT_PARAMS] = (struct bd_str){text, 512};
    struct fixture_aor aor;
    enum bd_table_rc rc = BD_TABLE_OK;
    unsigned cnt = 0;
    while (rc == BD_TABLE_OK) {
        fixture_aor(&f.table, cnt++, &aor);
        rc = fixture_put(&f.table, writer, &aor, big, 8);
    }
    assert_int_equal(rc, BD_TABLE_NO_MEMORY);
    struct bd_slot_ref ref;
    assert_false(bd_table_find(&f.table, aor.hash, aor.s, &ref));
    assert_int_equal(live(&f), cnt - 1);
    fixture_aor(&f.table, 0, &aor);
    assert_int_equal(fixture_put(&f.table, writer, &aor, NULL, 0), BD_TABLE_OK);
    bd_writer_quiescent(writer);
    bd_writer_quiescent(writer);
    assert_int_equal(fixture_put(&f.table, writer, &aor, big, 8), BD_TABLE_OK);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_cover_all_sizes),
        cmocka_unit_test(every_block_comes_back),
        cmocka_unit_test(a_rebuild_drops_damage_and_keeps_the_rest),
        cmocka_unit_test(a_rebuild_keeps_the_first_of_two),
        cmocka_unit_test(a_rebuild_takes_empty_pages_back),
        cmocka_unit_test(a_stuck_reader_stops_changes_only),
        cmocka_unit_test(a_full_memory_refuses_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
