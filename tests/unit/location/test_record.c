/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_fixture.h"

#define AOR BD_STR("alice@example.com")

static _Alignas(64) uint8_t block[BD_RECORD_MAX];

static struct bd_record *write_record(const struct bd_binding *bindings, unsigned cnt, uint32_t *sz)
{
    *sz = bd_record_sz(AOR, bindings, cnt);
    assert_true(*sz > 0);
    memset(block, 0xa5, sizeof(block));
    bd_record_write((struct bd_record *)block, AOR, bindings, cnt);
    assert_int_equal(block[*sz], 0xa5);
    return (struct bd_record *)block;
}

static void comes_back_as_written(void **state)
{
    struct fixture_binding made[BD_CONTACTS_PER_AOR_MAX];
    struct bd_binding bindings[BD_CONTACTS_PER_AOR_MAX];
    for (unsigned cnt = 1; cnt <= BD_CONTACTS_PER_AOR_MAX; cnt++) {
        fixture_binding(&made[cnt - 1], cnt * 0x01010101U, cnt, 100 * cnt);
        made[cnt - 1].b.state |= BD_STATE_SEALED;
        bindings[cnt - 1] = made[cnt - 1].b;
        uint32_t sz;
        struct bd_record *record = write_record(bindings, cnt, &sz);
        assert_true(bd_record_valid(record, sz));
        assert_false(bd_record_valid(record, sz - 1));
        assert_int_equal(bd_record_cnt(record), cnt);
        assert_true(bd_str_eq(bd_record_aor(record), AOR));
        for (unsigned i = 0; i < cnt; i++) {
            struct bd_binding view;
            bd_record_view(record, i, &view);
            assert_true(fixture_whole(&view));
            assert_int_equal(view.state, bd_state_make(i + 1, 100 * (i + 1)));
            assert_int_equal(view.txn, bindings[i].txn);
        }
    }
}

static void keeps_every_field(void **state)
{
    struct bd_binding in = {.text = {BD_STR("sip:a@b"), BD_STR_NULL, BD_STR(""), BD_STR("ua")},
                            .state = bd_state_make(0x7fffffff, UINT32_MAX),
                            .txn = bd_txn_make(0x7fffffff, UINT64_MAX),
                            .repeat = UINT64_MAX - 1,
                            .source = {bd_ip_from_v4("\xc6\x12\x00\x02"), 65535},
                            .local = {bd_ip_from_v4("\xc6\x12\x00\x01"), 1},
                            .reg_id = 3,
                            .created_at_s = 4,
                            .q_milli = 1000,
                            .flags = BD_BINDING_AUTHENTICATED | BD_BINDING_SECURE};
    struct bd_binding view;
    uint32_t sz;
    bd_record_view(write_record(&in, 1, &sz), 0, &view);
    for (unsigned t = 0; t < BD_TEXT_CNT; t++)
        assert_true(bd_str_eq(view.text[t], in.text[t]));
    assert_int_equal(view.state, in.state);
    assert_int_equal(view.txn, in.txn);
    assert_int_equal(view.repeat, in.repeat);
    assert_memory_equal(&view.source, &in.source, sizeof(in.source));
    assert_memory_equal(&view.local, &in.local, sizeof(in.local));
    assert_int_equal(view.reg_id, 3);
    assert_int_equal(view.created_at_s, 4);
    assert_int_equal(view.q_milli, 1000);
    assert_int_equal(view.flags, in.flags);
}

static void refuses_what_is_too_large(void **state)
{
    static char text[BD_RECORD_MAX];
    struct bd_binding b = {.text = {{text, BD_RECORD_MAX - 200}}};
    assert_true(bd_record_sz(AOR, &b, 1) > 0);
    b.text[1] = (struct bd_str){text, 200};
    assert_int_equal(bd_record_sz(AOR, &b, 1), 0);
    struct bd_binding many[BD_CONTACTS_PER_AOR_MAX + 1] = {0};
    assert_true(bd_record_sz(AOR, many, BD_CONTACTS_PER_AOR_MAX) > 0);
    assert_int_equal(bd_record_sz(AOR, many, BD_CONTACTS_PER_AOR_MAX + 1), 0);
    /* The largest contacts that limits.h allows fit. */
    for (unsigned i = 0; i < BD_CONTACTS_PER_AOR_MAX; i++) {
        many[i].text[BD_TEXT_URI] = (struct bd_str){text, BD_CONTACT_URI_MAX};
        many[i].text[BD_TEXT_PARAMS] = (struct bd_str){text, BD_CONTACT_PARAMS_MAX};
        many[i].text[BD_TEXT_CALL_ID] = (struct bd_str){text, BD_CALL_ID_MAX};
        many[i].text[BD_TEXT_USER_AGENT] = (struct bd_str){text, BD_USER_AGENT_MAX};
    }
    assert_true(bd_record_sz((struct bd_str){text, BD_AOR_MAX}, many, BD_CONTACTS_PER_AOR_MAX) > 0);
}

/* What the sizing of the arena promises. */
static void a_typical_contact_takes_at_most_320_bytes(void **state)
{
    static char text[64];
    struct bd_binding b = {.text = {[BD_TEXT_URI] = {text, 56},
                                    [BD_TEXT_CALL_ID] = {text, 36},
                                    [BD_TEXT_PARAMS] = {text, 40},
                                    [BD_TEXT_USER_AGENT] = {text, 32}}};
    uint32_t sz = bd_record_sz((struct bd_str){text, 24}, &b, 1);
    uint32_t block_sz = (sz + BD_UNIT - 1) & ~(BD_UNIT - 1);
    uint64_t many = 1000000;
    assert_true(block_sz + bd_table_footprint(many) / many <= 320);
}

/* Damaged records are refused or harmless: whatever passes has every text inside the block, so
 * reading all of it stays within `sz`, which a sanitizer or the guard page would tell. */
static void validity_is_enough_to_read(void **state)
{
    uint64_t random = fixture_seed("record");
    struct fixture_binding made[3];
    struct bd_binding bindings[3];
    for (unsigned i = 0; i < 3; i++) {
        fixture_binding(&made[i], 0x10101 << i, 1, 1);
        bindings[i] = made[i].b;
    }
    uint32_t sz = bd_record_sz(AOR, bindings, 3);
    unsigned passed = 0;
    for (unsigned n = 0; n < 100000; n++) {
        uint64_t *words = malloc(sz + 8);
        struct bd_record *record = (struct bd_record *)words;
        bd_record_write(record, AOR, bindings, 3);
        for (unsigned k = 0; k <= n % 4; k++)
            ((uint8_t *)words)[fixture_random(&random) % 256] = (uint8_t)fixture_random(&random);
        uint32_t known = sz - (uint32_t)(fixture_random(&random) % 3 == 0);
        bool valid = bd_record_valid(record, known);
        passed += valid;
        uint32_t sum = 0;
        for (unsigned i = 0; valid && i < bd_record_cnt(record); i++) {
            struct bd_binding view;
            bd_record_view(record, i, &view);
            for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
                for (uint32_t c = 0; c < view.text[t].len; c++)
                    sum += (uint8_t)view.text[t].p[c];
            }
        }
        for (uint32_t c = 0; valid && c < bd_record_aor(record).len; c++)
            sum += (uint8_t)bd_record_aor(record).p[c];
        assert_true(sum < UINT32_MAX);
        free(words);
    }
    assert_in_range(passed, 1, 99999);
    assert_false(bd_record_valid((struct bd_record *)block, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_written),
        cmocka_unit_test(keeps_every_field),
        cmocka_unit_test(refuses_what_is_too_large),
        cmocka_unit_test(a_typical_contact_takes_at_most_320_bytes),
        cmocka_unit_test(validity_is_enough_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
