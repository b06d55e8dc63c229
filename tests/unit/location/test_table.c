/* SPDX-License-Identifier: BSD-3-Clause */
/* The table with one writer, against a plain reference model and at its edges. */
#include "table_fixture.h"

#include "bucket.h"

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

/* The vector comparison of this build and its scalar twin, on slots in every state whose tags are
 * the one looked for or differ from it in one bit. */
static void matches_as_the_scalar_twin_does(void **state)
{
    static struct bd_bucket bucket;
    uint64_t random = fixture_seed("match");
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t hash = fixture_random(&random);
        for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
            uint64_t pick = fixture_random(&random);
            uint64_t tag = pick & 1 ? hash : hash ^ 1ULL << (pick >> 8) % 28;
            bucket.slot[s] = bd_slot_make(tag, (enum bd_slot_state)(pick >> 1 & 3), pick >> 25);
        }
        /* The words behind the slots look like one, too. */
        bucket.due_s = (uint32_t)bucket.slot[0];
        bucket.flags = (uint32_t)(bucket.slot[0] >> 32);
        assert_int_equal(bd_bucket_match(&bucket, hash), bd_bucket_match_scalar(&bucket, hash));
    }
}

/* The first due bucket. */
static bool is_due(const struct fixture *f, uint32_t now_s, uint32_t *bucket)
{
    uint32_t cursor = 0;
    unsigned cnt;
    bd_table_due(&f->table, &cursor, UINT32_MAX, now_s, bucket, 1, &cnt);
    return cnt == 1;
}

/* A group of buckets comes due with its first, and is quiet when the last was worked off. */
static void groups_come_due_with_their_buckets(void **state)
{
    struct fixture f;
    fixture_open(&f, 1000, 1);
    struct bd_writer *writer = bd_memory_writer(f.memory, 0);
    bd_writer_online(writer);
    for (unsigned n = 0; n < 200; n++) {
        struct fixture_aor aor;
        struct fixture_binding in;
        fixture_aor(&f.table, n, &aor);
        fixture_binding(&in, n, 1, 100 + n);
        assert_int_equal(fixture_put(&f.table, writer, &aor, &in.b, 1), BD_TABLE_OK);
        bd_writer_quiescent(writer);
    }
    unsigned removed = 0, aors;
    for (uint32_t now_s = 99; now_s < 300; now_s++) {
        uint32_t bucket;
        while (is_due(&f, now_s, &bucket))
            removed += bd_table_expire(writer, bucket, now_s, NULL, NULL, &aors);
        assert_int_equal(removed, now_s - 99);
        fixture_check_buckets(&f.table);
        for (uint32_t b = 0; b < f.table.shared->bucket_cnt; b++)
            assert_true(f.table.group_due_s[bd_group_of(b)] > now_s);
        bd_writer_quiescent(writer);
    }
    fixture_close(&f);
}

/* The last hour that seconds of 32 bits can tell, and an epoch that outgrows 32 bits meanwhile:
 * what expires goes in its second, and what was replaced is used again. */
static void seconds_and_epochs_grow_large(void **state)
{
    enum { AORS = 300, LIFE_S = 40, SECONDS = 3600 };
    struct fixture f;
    fixture_open(&f, 1000, 1);
    struct bd_writer *writer = bd_memory_writer(f.memory, 0);
    bd_writer_online(writer);
    atomic_store(&f.table.epoch->now, (1ULL << 32) - SECONDS / 2);
    uint32_t begin_s = BD_DUE_NEVER - SECONDS - LIFE_S - 1;
    unsigned removed = 0, aors;
    for (uint32_t s = 0; s < SECONDS; s++) {
        struct fixture_aor aor;
        struct fixture_binding in;
        uint32_t bucket;
        fixture_aor(&f.table, s % AORS, &aor);
        fixture_binding(&in, s + 1, 1, begin_s + s + LIFE_S);
        assert_int_equal(fixture_put(&f.table, writer, &aor, &in.b, 1), BD_TABLE_OK);
        while (is_due(&f, begin_s + s, &bucket))
            removed += bd_table_expire(writer, bucket, begin_s + s, NULL, NULL, &aors);
        assert_int_equal(removed, s < LIFE_S ? 0 : s - LIFE_S + 1);
        bd_writer_quiescent(writer);
    }
    bd_writer_quiescent(writer);
    struct bd_table_info info = fixture_info(&f.table);
    assert_in_range(f.table.epoch->now, 1ULL << 32, UINT64_MAX);
    assert_int_equal(info.slots_live, LIFE_S);
    assert_int_equal(info.records_retiring, 0);
    assert_int_equal(info.records_leaked, 0);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inserts_finds_refreshes_removes),
        cmocka_unit_test(matches_as_the_scalar_twin_does),
        cmocka_unit_test(groups_come_due_with_their_buckets),
        cmocka_unit_test(seconds_and_epochs_grow_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
