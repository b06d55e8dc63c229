/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules of dirty.h one by one, with one worker and no races. */
#include "disk_model.h"
#include "mark.h"

struct lab {
    struct fixture f;
    struct bd_writer *writer;
    struct disk disk;
    struct fixture_aor aor;
};

static struct lab *lab_open(void)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    assert_non_null(lab);
    fixture_open(&lab->f, 1, 1);
    assert_int_equal(bd_dirty_slots(&lab->f.table), DISK_SLOTS);
    lab->writer = bd_memory_writer(lab->f.memory, 0);
    bd_writer_online(lab->writer);
    atomic_store(&bd_dirty_of(&lab->f.arena)->snapshot_done, 1);
    fixture_aor(&lab->f.table, 7, &lab->aor);
    return lab;
}

static void lab_close(struct lab *lab)
{
    fixture_close(&lab->f);
    free(lab);
}

static void put(struct lab *lab, uint32_t key, uint32_t expires_at_s)
{
    struct fixture_binding made;
    fixture_binding(&made, key, 1, expires_at_s);
    assert_int_equal(fixture_put(&lab->f.table, lab->writer, &lab->aor, &made.b, key != 0),
                     BD_TABLE_OK);
}

static void refresh(struct lab *lab, uint32_t cseq)
{
    struct bd_slot_ref ref;
    assert_true(bd_table_find(&lab->f.table, lab->aor.hash, lab->aor.s, &ref));
    assert_int_equal(bd_table_refresh(lab->writer, &ref, 0, bd_record_state(ref.record, 0), cseq,
                                      2000, bd_txn_make(cseq, 1)),
                     BD_TABLE_OK);
}

/* What the last sweep told. */
struct told {
    struct disk *disk;
    unsigned cnt, empty, stop_at;
    uint64_t slot;
    enum bd_dirty_kind kind;
    uint64_t state;
};

static int on_slot(void *arg, uint64_t slot, enum bd_dirty_kind kind,
                   const struct bd_record *record)
{
    struct told *told = arg;
    if (told->stop_at && told->cnt + 1 == told->stop_at)
        return -5;
    told->cnt++;
    told->empty += record == NULL;
    told->slot = slot;
    told->kind = kind;
    told->state = record ? bd_record_state(record, 0) : 0;
    return disk_write(told->disk, slot, kind, record);
}

static struct told sweep(struct lab *lab)
{
    struct told told = {.disk = &lab->disk};
    uint32_t cursor = 0;
    bd_dirty_begin(&lab->f.table);
    while (bd_dirty_sweep(&lab->f.table, &cursor, 5, on_slot, &told) > 0)
        assert_true(cursor < lab->f.table.shared->bucket_cnt);
    assert_int_equal(cursor, lab->f.table.shared->bucket_cnt);
    return told;
}

static struct told sweep_and_settle(struct lab *lab)
{
    struct told told = sweep(lab);
    bd_dirty_settle(&lab->f.table);
    return told;
}

static void assert_told(const struct lab *lab, const struct told *told, enum bd_dirty_kind kind)
{
    assert_int_equal(told->cnt, 1);
    assert_int_equal(told->kind, kind);
    assert_int_equal(told->empty, 0);
    struct bd_slot_ref ref;
    assert_true(bd_table_find(&lab->f.table, lab->aor.hash, lab->aor.s, &ref));
    assert_int_equal(told->slot, bd_slot_number(ref.bucket, ref.slot));
    assert_int_equal(told->state, bd_record_state(ref.record, 0));
}

static void each_change_has_its_kind(void **state)
{
    struct lab *lab = lab_open();
    assert_int_equal(sweep_and_settle(lab).cnt, 0);
    put(lab, 1, 1000);
    struct told told = sweep_and_settle(lab);
    assert_told(lab, &told, BD_DIRTY_CONTENT);
    refresh(lab, 2);
    told = sweep_and_settle(lab);
    assert_told(lab, &told, BD_DIRTY_STATE);
    refresh(lab, 3);
    put(lab, 2, 1000);
    told = sweep_and_settle(lab);
    assert_told(lab, &told, BD_DIRTY_CONTENT);
    put(lab, 0, 0);
    told = sweep_and_settle(lab);
    assert_int_equal(told.cnt, 1);
    assert_int_equal(told.empty, 1);
    assert_int_equal(sweep_and_settle(lab).cnt, 0);
    assert_int_equal(lab->disk.unmatched, 0);
    lab_close(lab);
}

static void expiry_is_a_change(void **state)
{
    struct lab *lab = lab_open();
    unsigned aors;
    put(lab, 1, 1000);
    sweep_and_settle(lab);
    struct bd_slot_ref ref;
    assert_true(bd_table_find(&lab->f.table, lab->aor.hash, lab->aor.s, &ref));
    assert_int_equal(bd_table_expire(lab->writer, ref.bucket, 1000, NULL, NULL, &aors), 1);
    struct told told = sweep_and_settle(lab);
    assert_int_equal(told.cnt, 1);
    assert_int_equal(told.empty, 1);
    disk_check_equal(&lab->f.table, &lab->disk);
    lab_close(lab);
}

static void nothing_is_forgotten_before_it_settles(void **state)
{
    struct lab *lab = lab_open();
    put(lab, 1, 1000);
    sweep(lab);
    struct told told = sweep(lab);
    assert_told(lab, &told, BD_DIRTY_CONTENT);
    refresh(lab, 2); /* meets pending CONTENT */
    told = sweep_and_settle(lab);
    assert_told(lab, &told, BD_DIRTY_CONTENT);
    assert_int_equal(sweep_and_settle(lab).cnt, 0);
    lab_close(lab);
}

static void a_stopped_sweep_goes_on_where_it_stopped(void **state)
{
    enum { AORS = 50 };
    struct lab *lab = lab_open();
    for (unsigned n = 0; n < AORS; n++) {
        fixture_aor(&lab->f.table, n, &lab->aor);
        put(lab, 1, 1000);
    }
    struct told told = {.disk = &lab->disk, .stop_at = 20};
    uint32_t cursor = 0;
    bd_dirty_begin(&lab->f.table);
    assert_int_equal(bd_dirty_sweep(&lab->f.table, &cursor, UINT32_MAX, on_slot, &told), -5);
    assert_int_equal(told.cnt, 19);
    assert_true(cursor < lab->f.table.shared->bucket_cnt);
    told.stop_at = 0;
    assert_int_equal(bd_dirty_sweep(&lab->f.table, &cursor, UINT32_MAX, on_slot, &told), 0);
    assert_true(told.cnt >= AORS);
    disk_check_equal(&lab->f.table, &lab->disk);
    /* The whole again: nothing has settled. */
    assert_int_equal(sweep_and_settle(lab).cnt, AORS);
    lab_close(lab);
}

static void before_the_first_snapshot_all_is_content(void **state)
{
    struct lab *lab = lab_open();
    struct bd_dirty_shared *shared = bd_dirty_of(&lab->f.arena);
    put(lab, 1, 1000);
    sweep_and_settle(lab);
    atomic_store(&shared->snapshot_done, 0);
    refresh(lab, 2);
    struct told told = sweep_and_settle(lab);
    assert_told(lab, &told, BD_DIRTY_CONTENT);
    lab_close(lab);
}

/* The refresh of a record whose own mark is still to come. */
static void a_record_without_its_mark_is_content(void **state)
{
    struct lab *lab = lab_open();
    put(lab, 1, 1000);
    sweep_and_settle(lab);
    struct bd_slot_ref ref;
    assert_true(bd_table_find(&lab->f.table, lab->aor.hash, lab->aor.s, &ref));
    assert_int_equal(ref.record->unmarked, 0);
    ((struct bd_record *)(uintptr_t)ref.record)->unmarked = 1;
    refresh(lab, 2);
    struct told told = sweep_and_settle(lab);
    assert_told(lab, &told, BD_DIRTY_CONTENT);
    lab_close(lab);
}

static void a_ticket_is_good_after_the_next_sweep(void **state)
{
    struct lab *lab = lab_open();
    struct bd_dirty_shared *shared = bd_dirty_of(&lab->f.arena);
    put(lab, 1, 1000);
    uint64_t ticket = bd_dirty_ticket(&lab->f.table);
    assert_false(bd_dirty_is_durable(shared, ticket));
    sweep(lab);
    uint64_t later = bd_dirty_ticket(&lab->f.table);
    bd_dirty_settle(&lab->f.table);
    assert_true(bd_dirty_is_durable(shared, ticket));
    assert_false(bd_dirty_is_durable(shared, later)); /* taken when the sweep had begun */
    sweep_and_settle(lab);
    assert_true(bd_dirty_is_durable(shared, later));
    lab_close(lab);
}

/* A worker that stands still between change and mark. */
static void a_sweep_begins_with_the_intents(void **state)
{
    struct lab *lab = lab_open();
    struct bd_dirty_shared *shared = bd_dirty_of(&lab->f.arena);
    put(lab, 1, 1000);
    sweep_and_settle(lab);
    struct bd_slot_ref ref;
    assert_true(bd_table_find(&lab->f.table, lab->aor.hash, lab->aor.s, &ref));
    bd_intend(&shared->intent[3].slot, bd_slot_number(ref.bucket, ref.slot));
    struct told told = sweep_and_settle(lab);
    assert_told(lab, &told, BD_DIRTY_CONTENT);
    bd_intend_nothing(&shared->intent[3].slot);
    assert_int_equal(sweep_and_settle(lab).cnt, 0);
    atomic_store(&shared->intent[3].slot, UINT64_MAX); /* damage */
    assert_int_equal(sweep_and_settle(lab).cnt, 0);
    lab_close(lab);
}

static void a_rebuild_marks_intents_and_what_it_drops(void **state)
{
    struct lab *lab = lab_open();
    struct bd_dirty_shared *shared = bd_dirty_of(&lab->f.arena);
    struct bd_table *table = &lab->f.table;
    put(lab, 1, 1000);
    sweep_and_settle(lab);
    struct bd_slot_ref ref;
    assert_true(bd_table_find(table, lab->aor.hash, lab->aor.s, &ref));
    bd_intend(&shared->intent[5].slot, bd_slot_number(ref.bucket, ref.slot));
    atomic_store(&shared->intent[6].slot, UINT64_MAX);
    atomic_store(&table->buckets[9].slot[2], bd_slot_make(1, BD_SLOT_LIVE, 0)); /* damaged */
    bd_log_set_level(BD_LOG_ERROR);
    fixture_rebuild(&lab->f, 1);
    assert_int_equal(shared->intent[0].slot | shared->intent[5].slot | shared->intent[6].slot, 0);
    struct told told = sweep_and_settle(lab);
    assert_int_equal(told.cnt, 2);
    assert_int_equal(told.empty, 1);
    disk_check_equal(table, &lab->disk);
    lab_close(lab);
}

static void a_restored_arena_has_no_marks(void **state)
{
    struct lab *lab = lab_open();
    struct bd_dirty_shared *shared = bd_dirty_of(&lab->f.arena);
    put(lab, 1, 1000);
    assert_int_equal(shared->restored, 0);
    bd_dirty_set_restored(&lab->f.table);
    assert_int_equal(shared->restored, 1);
    assert_int_equal(sweep_and_settle(lab).cnt, 0);
    lab_close(lab);
}

static void arenas_differ(void **state)
{
    struct lab *one = lab_open(), *other = lab_open();
    assert_int_equal(bd_dirty_geometry(&one->f.table), bd_dirty_geometry(&one->f.table));
    assert_int_not_equal(bd_dirty_geometry(&one->f.table), bd_dirty_geometry(&other->f.table));
    assert_int_equal(bd_dirty_footprint(0), 0);
    assert_int_equal(bd_dirty_footprint(UINT64_MAX), 0);
    lab_close(one);
    lab_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_has_its_kind),
        cmocka_unit_test(expiry_is_a_change),
        cmocka_unit_test(nothing_is_forgotten_before_it_settles),
        cmocka_unit_test(a_stopped_sweep_goes_on_where_it_stopped),
        cmocka_unit_test(before_the_first_snapshot_all_is_content),
        cmocka_unit_test(a_record_without_its_mark_is_content),
        cmocka_unit_test(a_ticket_is_good_after_the_next_sweep),
        cmocka_unit_test(a_sweep_begins_with_the_intents),
        cmocka_unit_test(a_rebuild_marks_intents_and_what_it_drops),
        cmocka_unit_test(a_restored_arena_has_no_marks),
        cmocka_unit_test(arenas_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
