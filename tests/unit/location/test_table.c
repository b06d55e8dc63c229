/* SPDX-License-Identifier: BSD-3-Clause */
/* The table with one writer, against a plain reference model and at its edges. */
#include "table_fixture.h"

static void inserts_finds_refreshes_removes(void **state)
{
    struct fixture f;
    fixture_open(&f, 1000, 1);
    struct bd_writer *writer = bd_memory_writer(f.memory, 0);
    bd_writer_online(writer);
    struct fixture_aor aor;
    fixture_aor(&f.table, 7, &aor);
    struct bd_slot_ref ref;
    assert_false(bd_table_find(&f.table, aor.hash, aor.s, &ref));

    struct fixture_binding in;
    fixture_binding(&in, 0x1234, 1, 100);
    assert_int_equal(bd_table_put(writer, &ref, aor.s, NULL, &in.b, 1), BD_TABLE_OK);
    assert_int_equal(bd_table_put(writer, &ref, aor.s, NULL, &in.b, 1), BD_TABLE_CONFLICT);
    assert_true(bd_table_find(&f.table, aor.hash, aor.s, &ref));
    struct bd_binding view;
    bd_record_view(ref.record, 0, &view);
    assert_true(fixture_whole(&view));

    assert_int_equal(bd_table_refresh(writer, &ref, 0, view.state, 2, 200, bd_txn_make(2, 9)),
                     BD_TABLE_OK);
    assert_int_equal(bd_table_refresh(writer, &ref, 0, view.state, 2, 300, bd_txn_make(2, 9)),
                     BD_TABLE_CONFLICT);
    uint64_t seen = view.state;
    assert_int_equal(bd_table_put(writer, &ref, aor.s, &seen, NULL, 0), BD_TABLE_CONFLICT);
    bd_record_view(ref.record, 0, &view);
    assert_int_equal(view.state, bd_state_make(2, 200));
    assert_int_equal(view.txn, bd_txn_make(2, 9));

    seen = view.state;
    assert_int_equal(bd_table_put(writer, &ref, aor.s, &seen, NULL, 0), BD_TABLE_OK);
    assert_int_equal(bd_table_refresh(writer, &ref, 0, seen, 3, 300, bd_txn_make(3, 9)),
                     BD_TABLE_CONFLICT);
    assert_false(bd_table_find(&f.table, aor.hash, aor.s, &ref));
    bd_writer_quiescent(writer);
    bd_writer_quiescent(writer);
    struct bd_table_info info = fixture_info(&f.table);
    assert_int_equal(info.records_in_use, 0);
    assert_int_equal(info.records_leaked, 0);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inserts_finds_refreshes_removes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
