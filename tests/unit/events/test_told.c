/* SPDX-License-Identifier: BSD-3-Clause */
/* What changed since a subscriber was told, and how it is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "told.h"

enum { NOW_S = 5000 };

static struct bd_hash_key key;
static struct bd_told told;
static struct bd_difference difference;
static _Alignas(64) char memory[BD_RECORD_MAX];

static struct bd_binding binding(const char *uri, uint32_t cseq, uint32_t expires_at_s)
{
    return (struct bd_binding){.text = {[BD_TEXT_URI] = bd_str_from(uri),
                                        [BD_TEXT_CALL_ID] = BD_STR("call"),
                                        [BD_TEXT_PARAMS] = BD_STR("audio")},
                               .state = bd_state_make(cseq, expires_at_s),
                               .created_at_s = 4000,
                               .q_milli = BD_Q_NONE};
}

static void compare(const struct bd_binding *bindings, unsigned cnt, uint32_t now_s,
                    bool by_operator)
{
    struct bd_str aor = BD_STR("joe@example.com");
    struct bd_record *record = NULL;
    if (cnt > 0) {
        record = (struct bd_record *)memory;
        bd_record_write(record, aor, bindings, cnt);
    }
    bd_told_compare(&told, &key, record, now_s, by_operator, &difference);
}

/* The subscriber is told all of it. */
static void tell(void)
{
    for (unsigned i = 0; i < difference.cnt; i++)
        assert_true(bd_told_learn(&told, &difference.row[i]));
}

static int begin(void **state)
{
    bd_hash_key_init(&key, 3);
    return 0;
}

static int end(void **state)
{
    bd_told_clear(&told);
    return 0;
}

#define BINDING(name, uri, cseq, expires, ...)                                                     \
    static struct bd_binding name(void)                                                            \
    {                                                                                              \
        struct bd_binding b = binding(uri, cseq, expires);                                         \
        __VA_ARGS__;                                                                               \
        return b;                                                                                  \
    }
BINDING(same, "sip:joe@192.0.2.1", 7, 6000, (void)0)
BINDING(sealed, "sip:joe@192.0.2.1", 7, 6000, b.state |= BD_STATE_SEALED)
BINDING(newer, "sip:joe@192.0.2.1", 8, 6100, (void)0)
BINDING(newer_and_shorter, "sip:joe@192.0.2.1", 8, 5500, (void)0)
BINDING(shorter, "sip:joe@192.0.2.1", 7, 5500, (void)0)
BINDING(other_call, "sip:joe@192.0.2.1", 7, 6000, b.text[BD_TEXT_CALL_ID] = BD_STR("other"))
BINDING(other_q, "sip:joe@192.0.2.1", 7, 6000, b.q_milli = 500)
BINDING(made_anew, "sip:joe@192.0.2.1", 1, 6000, b.created_at_s = 4900)

static const struct {
    const char *what;
    struct bd_binding (*make)(void);
    uint32_t now_s;
    bool by_operator, there, changed;
    const char *event;
} rows[] = {
    {"nothing", same, NOW_S, false, true, false, "registered"},
    {"a record under replacement", sealed, NOW_S, false, true, false, "registered"},
    {"refreshed", newer, NOW_S, false, true, true, "refreshed"},
    {"refreshed for less", newer_and_shorter, NOW_S, false, true, true, "refreshed"},
    {"shortened", shorter, NOW_S, false, true, true, "shortened"},
    {"by another Call-ID", other_call, NOW_S, false, true, true, "refreshed"},
    {"another q", other_q, NOW_S, false, true, true, "refreshed"},
    {"gone and come again between two looks", made_anew, NOW_S, false, true, true, "registered"},
    {"expired, not swept", same, 6000, false, false, true, "expired"},
    {"expired and swept", NULL, 6000, true, false, true, "expired"},
    {"unregistered", NULL, NOW_S, false, false, true, "unregistered"},
    {"removed by an operator", NULL, NOW_S, true, false, true, "deactivated"},
};

static void changes_have_names(void **state)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_binding b = same();
        compare(&b, 1, NOW_S, false);
        assert_true(difference.any);
        assert_string_equal(difference.row[0].event, "registered");
        tell();
        if (rows[i].make)
            b = rows[i].make();
        compare(&b, rows[i].make ? 1 : 0, rows[i].now_s, rows[i].by_operator);
        const struct bd_change *row = &difference.row[0];
        if (difference.cnt != 1 || row->there != rows[i].there || row->changed != rows[i].changed ||
            difference.any != rows[i].changed || strcmp(row->event, rows[i].event) != 0)
            fail_msg("%s: %u rows, there %d, changed %d, %s", rows[i].what, difference.cnt,
                     row->there, row->changed, row->event);
        assert_true(bd_str_eq(row->binding.text[BD_TEXT_URI], same().text[BD_TEXT_URI]));
        tell();
        compare(&b, row->there ? 1 : 0, NOW_S, false);
        assert_false(difference.any);
        bd_told_clear(&told);
    }
}

/* RFC 6140 7.2.1. */
static void a_bulk_contact_is_not_told(void **state)
{
    struct bd_binding b[2] = {same(), binding("sip:192.0.2.2;bnc", 1, 6000)};
    b[1].flags |= BD_BINDING_BULK;
    compare(b, 2, NOW_S, false);
    assert_int_equal(difference.cnt, 1);
    assert_true(bd_str_eq(difference.row[0].binding.text[BD_TEXT_URI], b[0].text[BD_TEXT_URI]));
    compare(b + 1, 1, NOW_S, false);
    assert_false(difference.there);
}

static void ids_stay_and_differ(void **state)
{
    struct bd_binding b[3] = {same(), same(), binding("sip:joe@192.0.2.2", 1, 6000)};
    b[1].text[BD_TEXT_INSTANCE] = BD_STR("<urn:uuid:1>");
    b[1].reg_id = 1;
    compare(b, 3, NOW_S, false);
    uint64_t id[3];
    for (unsigned i = 0; i < 3; i++)
        id[i] = difference.row[i].id;
    assert_true(id[0] != id[1] && id[0] != id[2] && id[1] != id[2]);
    tell();
    b[1] = newer();
    b[1].text[BD_TEXT_INSTANCE] = BD_STR("<urn:uuid:1>");
    b[1].reg_id = 1;
    compare(b + 1, 2, NOW_S, false);
    assert_int_equal(difference.cnt, 3); /* the gone one first */
    assert_true(difference.row[0].id == id[0] && !difference.row[0].there);
    assert_true(difference.row[1].id == id[1] && difference.row[1].changed);
    assert_true(difference.row[2].id == id[2] && !difference.row[2].changed);
}

/* All contacts of a full record go, and as many others come. */
static void all_at_once(void **state)
{
    char uri[2 * BD_CONTACTS_PER_AOR_MAX][32];
    struct bd_binding b[2 * BD_CONTACTS_PER_AOR_MAX];
    for (unsigned i = 0; i < 2 * BD_CONTACTS_PER_AOR_MAX; i++) {
        snprintf(uri[i], sizeof(uri[i]), "sip:%u@192.0.2.1", i);
        b[i] = binding(uri[i], 1, 6000);
    }
    compare(b, BD_CONTACTS_PER_AOR_MAX, NOW_S, false);
    tell();
    compare(b + BD_CONTACTS_PER_AOR_MAX, BD_CONTACTS_PER_AOR_MAX, NOW_S, false);
    assert_int_equal(difference.cnt, 2 * BD_CONTACTS_PER_AOR_MAX);
    for (unsigned i = 0; i < difference.cnt; i++)
        assert_true(bd_str_eq(difference.row[i].binding.text[BD_TEXT_URI], bd_str_from(uri[i])));
    tell();
    assert_int_equal(told.cnt, BD_CONTACTS_PER_AOR_MAX);
    bd_told_forget(&told, difference.row[40].id);
    compare(b + BD_CONTACTS_PER_AOR_MAX, BD_CONTACTS_PER_AOR_MAX, NOW_S, false);
    unsigned changed = 0;
    for (unsigned i = 0; i < difference.cnt; i++)
        changed += difference.row[i].changed;
    assert_int_equal(changed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_have_names, begin, end),
        cmocka_unit_test_setup_teardown(a_bulk_contact_is_not_told, begin, end),
        cmocka_unit_test_setup_teardown(ids_stay_and_differ, begin, end),
        cmocka_unit_test_setup_teardown(all_at_once, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
