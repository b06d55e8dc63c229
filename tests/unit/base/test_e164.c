/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "e164.h"

static void test_numbers(void **state)
{
    static const struct {
        const char *text, *plain; /* NULL: no number */
    } rows[] = {
        {"+4930555123", "+4930555123"},
        {"+1", "+1"},
        {"+123456789012345", "+123456789012345"},
        {"+49-30-555.123", "+4930555123"},
        {"+1(212)555-1234", "+12125551234"},
        {"+1234567890123456", NULL},
        {"+0493055", NULL},
        {"+", NULL},
        {"+-", NULL},
        {"", NULL},
        {"4930555123", NULL},
        {"00493055", NULL},
        {"++49", NULL},
        {"+49 30", NULL},
        {"+49a", NULL},
        {"+49*", NULL},
        {"+49%30", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_e164 n;
        char text[BD_E164_TEXT_MAX];
        assert_int_equal(bd_e164_parse(bd_str_from(rows[i].text), &n), rows[i].plain != NULL);
        if (!rows[i].plain)
            continue;
        assert_int_equal(bd_e164_format(&n, text), strlen(rows[i].plain));
        assert_string_equal(text, rows[i].plain);
        assert_int_equal(n.digits, strlen(rows[i].plain) - 1);
    }
}

static void test_sets(void **state)
{
    static const struct {
        const char *text, *written; /* NULL: none */
    } rows[] = {
        {"+4930555", "+4930555"},
        {"+493044*", "+493044*"},
        {"+4*", "+4*"},
        {"+49305550000-+49305559999", "+49305550000-+49305559999"},
        {"+49305550000-9999", "+49305550000-+49305559999"},
        {"+4930555-6", "+4930555-+4930556"},
        {"+4930555-4930556", "+4930555-+4930556"},
        {"+4930555-5", "+4930555"},
        {"+100000000000000-999999999999999", "+100000000000000-+999999999999999"},
        {"+4930555-4", NULL},
        {"+4930555-+49305556", NULL}, /* not of one length */
        {"+4930555-+6", NULL},
        {"+4930555-14930555", NULL},
        {"+4930555-", NULL},
        {"+4930555-+", NULL},
        {"+4930555-6-7", NULL},
        {"+4930555-6*", NULL},
        {"+4930555**", NULL},
        {"+*", NULL},
        {"*", NULL},
        {"+", NULL},
        {"", NULL},
        {"+0*", NULL},
        {"4930555", NULL},
        {"+49-30-555", NULL}, /* no separators: what would it be? */
        {"+1234567890123456", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_e164_set set;
        char text[BD_E164_SET_MAX];
        bool ok = bd_e164_set_parse(bd_str_from(rows[i].text), &set);
        if (ok != (rows[i].written != NULL))
            fail_msg("%s: %s", rows[i].text, ok ? "taken" : "refused");
        if (!ok)
            continue;
        assert_int_equal(bd_e164_set_format(&set, text), strlen(rows[i].written));
        assert_string_equal(text, rows[i].written);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
