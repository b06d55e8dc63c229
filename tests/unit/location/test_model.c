/* SPDX-License-Identifier: BSD-3-Clause */
/* One writer against a plain reference model under random operations, with jumping time and
 * rebuilds, once in a roomy table and once with all AoRs in two shards of eight buckets each. */
#include "table_fixture.h"

enum { AORS_MAX = 400, CONTACTS_MAX = 4, OPERATIONS = 20000 };

struct model_contact {
    uint32_t key, cseq, expires_at_s;
};
struct model_aor {
    struct fixture_aor aor;
    struct model_contact contact[CONTACTS_MAX];
    unsigned cnt;
};
struct model {
    struct fixture f;
    struct bd_writer *writer;
    struct model_aor aor[AORS_MAX];
    unsigned aor_cnt;
    uint32_t now_s;
    uint64_t random;
    unsigned expired, vanished; /* told by bd_table_expire */
    unsigned full;              /* WINDOW_FULL seen */
};

static unsigned pick(struct model *m, unsigned below)
{
    return (unsigned)(fixture_random(&m->random) % below);
}

static void check_aor(struct model *m, const struct model_aor *a)
{
    struct bd_slot_ref ref;
    bool found = bd_table_find(&m->f.table, a->aor.hash, a->aor.s, &ref);
    assert_int_equal(found, a->cnt > 0);
    if (!found)
        return;
    assert_true(bd_str_eq(bd_record_aor(ref.record), a->aor.s));
    assert_int_equal(bd_record_cnt(ref.record), a->cnt);
    for (unsigned i = 0; i < a->cnt; i++) {
        struct bd_binding view;
        bd_record_view(ref.record, i, &view);
        assert_true(fixture_whole(&view));
        assert_int_equal(view.reg_id, a->contact[i].key);
        assert_int_equal(bd_state_cseq(view.state), a->contact[i].cseq);
        assert_int_equal(bd_state_expires_at_s(view.state), a->contact[i].expires_at_s);
        assert_true(bd_txn_cseq(view.txn) >= a->contact[i].cseq);
    }
}

static void commit(struct model *m, struct model_aor *a, const struct model_aor *want)
{
    struct fixture_binding made[CONTACTS_MAX];
    struct bd_binding bindings[CONTACTS_MAX];
    for (unsigned i = 0; i < want->cnt; i++) {
        const struct model_contact *c = &want->contact[i];
        fixture_binding(&made[i], c->key, c->cseq, c->expires_at_s);
        bindings[i] = made[i].b;
    }
    enum bd_table_rc rc = fixture_put(&m->f.table, m->writer, &a->aor, bindings, want->cnt);
    if (rc == BD_TABLE_WINDOW_FULL) {
        assert_int_equal(a->cnt, 0);
        m->full++;
        return;
    }
    assert_int_equal(rc, BD_TABLE_OK);
    *a = *want;
}

static void do_put(struct model *m, struct model_aor *a)
{
    struct model_aor want = *a;
    want.cnt = pick(m, CONTACTS_MAX + 1);
    for (unsigned i = 0; i < want.cnt; i++) {
        if (i < a->cnt && pick(m, 2))
            continue;
        want.contact[i] = (struct model_contact){(uint32_t)fixture_random(&m->random), pick(m, 100),
                                                 m->now_s + 1 + pick(m, 50)};
    }
    commit(m, a, &want);
}

static void do_refresh(struct model *m, struct model_aor *a)
{
    struct bd_slot_ref ref;
    if (!bd_table_find(&m->f.table, a->aor.hash, a->aor.s, &ref))
        return;
    unsigned i = pick(m, a->cnt);
    struct bd_binding view;
    bd_record_view(ref.record, i, &view);
    uint32_t cseq = a->contact[i].cseq + 1, expires_at_s = m->now_s + 1 + pick(m, 50);
    enum bd_table_rc rc =
        bd_table_refresh(m->writer, &ref, i, view.state, cseq, expires_at_s, bd_txn_make(cseq, 1));
    assert_int_equal(rc, BD_TABLE_OK);
    a->contact[i].cseq = cseq;
    a->contact[i].expires_at_s = expires_at_s;
}

static void on_expired(void *arg, struct bd_str aor, const struct bd_binding *binding)
{
    struct model *m = arg;
    assert_true(bd_state_expires_at_s(binding->state) <= m->now_s);
    assert_true(fixture_whole(binding));
    assert_true(aor.len > 0);
    m->expired++;
}

/* The sweep as control and worker do it together: collect due buckets, work them off. */
static void do_time(struct model *m)
{
    m->now_s += pick(m, 20);
    unsigned expired = 0, vanished = 0;
    for (unsigned a = 0; a < m->aor_cnt; a++) {
        struct model_aor *aor = &m->aor[a];
        unsigned kept = 0, before = aor->cnt;
        for (unsigned i = 0; i < before; i++) {
            if (aor->contact[i].expires_at_s > m->now_s)
                aor->contact[kept++] = aor->contact[i];
        }
        aor->cnt = kept;
        expired += before - kept;
        vanished += before > 0 && kept == 0;
    }
    m->expired = m->vanished = 0;
    uint32_t cursor = 0, bucket[16];
    unsigned cnt, removed = 0;
    bool more;
    do {
        more = bd_table_due(&m->f.table, &cursor, 100, m->now_s, bucket, 16, &cnt);
        for (unsigned i = 0; i < cnt; i++) {
            unsigned aors;
            removed += bd_table_expire(m->writer, bucket[i], m->now_s, on_expired, m, &aors);
            m->vanished += aors;
        }
    } while (more);
    assert_int_equal(removed, expired);
    assert_int_equal(m->expired, expired);
    assert_int_equal(m->vanished, vanished);
}

static void count_walk(void *arg, uint64_t slot, const struct bd_record *record)
{
    *(unsigned *)arg += bd_record_cnt(record);
}

static void check_all(struct model *m)
{
    unsigned contacts = 0, aors = 0, walked = 0;
    for (unsigned a = 0; a < m->aor_cnt; a++) {
        check_aor(m, &m->aor[a]);
        contacts += m->aor[a].cnt;
        aors += m->aor[a].cnt > 0;
    }
    uint32_t cursor = 0;
    while (bd_table_walk(&m->f.table, &cursor, 37, count_walk, &walked))
        continue;
    assert_int_equal(walked, contacts);
    fixture_check_buckets(&m->f.table);
    struct bd_table_info info = fixture_info(&m->f.table);
    assert_int_equal(info.contacts, contacts);
    assert_int_equal(info.slots_live, aors);
    assert_int_equal(info.slots_tentative, 0);
    assert_int_equal(info.records_leaked, 0);
    assert_true(info.record_bytes_live <= info.record_bytes_carved);
}

static void rebuild(struct model *m)
{
    fixture_rebuild(&m->f, 1);
    m->writer = bd_memory_writer(m->f.memory, 0);
    bd_writer_online(m->writer);
    check_all(m);
    assert_int_equal(fixture_info(&m->f.table).records_retiring, 0);
}

static void run(struct model *m, bool crowded)
{
    for (unsigned number = 0; m->aor_cnt < (crowded ? 300 : AORS_MAX); number++) {
        fixture_aor(&m->f.table, number, &m->aor[m->aor_cnt].aor);
        struct fixture_aor *aor = &m->aor[m->aor_cnt].aor;
        aor->s.p = aor->text;
        m->aor_cnt += !crowded || aor->hash >> 59 == 5;
    }
    m->now_s = 1000;
    for (unsigned n = 0; n < OPERATIONS; n++) {
        struct model_aor *a = &m->aor[pick(m, m->aor_cnt)];
        unsigned what = pick(m, 100);
        if (what < 40)
            do_put(m, a);
        else if (what < 98)
            do_refresh(m, a);
        else
            do_time(m);
        check_aor(m, a);
        if (pick(m, 16) == 0)
            bd_writer_quiescent(m->writer);
        if (n % 1000 == 999)
            check_all(m);
        if (n % 5000 == 4999)
            rebuild(m);
    }
}

static void equals_the_model(bool crowded, const char *name)
{
    struct model *m = calloc(1, sizeof(*m));
    m->random = fixture_seed(name);
    fixture_open(&m->f, crowded ? 1 : 2000, 1);
    m->writer = bd_memory_writer(m->f.memory, 0);
    bd_writer_online(m->writer);
    run(m, crowded);
    assert_true(crowded == (m->full > 0));
    fixture_close(&m->f);
    free(m);
}

static void equals_the_model_with_room(void **state)
{
    equals_the_model(false, "roomy");
}

static void equals_the_model_in_a_crowd(void **state)
{
    equals_the_model(true, "crowded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_model_with_room),
        cmocka_unit_test(equals_the_model_in_a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
