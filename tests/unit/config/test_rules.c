/* SPDX-License-Identifier: BSD-3-Clause */
/* Screening files: what they become, and what is said of bad ones. */
#include "file_lab.h"

#define NAMED FILE_LAB_HEAD "screening: {rules: rules.yaml}\n"

static void test_off(void **state)
{
    struct bd_config *c = file_lab_load_good(FILE_LAB_HEAD, NULL);
    assert_null(c->screening_rules);
    assert_int_equal(c->rule_cnt, 0);
    assert_int_equal(c->bans_enforced, 1);
    bd_config_free(c);
}

static void test_full(void **state)
{
    struct bd_config *c = file_lab_load_good(
        NAMED "limits: {bans: count, never_ban: [198.51.100.0/24, \"2001:db8::/32\"]}\n",
        "# rules\n"
        "- field: user_agent\n"
        "  pattern: '^friendly-scanner'\n"
        "  action: ban 3600\n"
        "  comment: a scanner\n"
        "- {field: raw, caseless: false, action: reject 403, pattern: x}\n"
        "- {field: via, action: drop, pattern: x}\n"
        "- {field: request_uri, action: count, pattern: x}\n");
    assert_string_equal(c->screening_rules, file_lab_other);
    assert_int_equal(c->rule_cnt, 4);
    const struct bd_config_rule *r = c->rules;
    assert_int_equal(r[0].field, BD_SCREEN_USER_AGENT);
    assert_string_equal(r[0].pattern, "^friendly-scanner");
    assert_string_equal(r[0].comment, "a scanner");
    assert_true(r[0].caseless);
    assert_int_equal(r[0].action.what, BD_SCREEN_BAN);
    assert_int_equal(r[0].action.seconds, 3600);
    assert_int_equal(r[0].line, 3);
    assert_int_equal(r[0].col, 3);
    assert_int_equal(r[1].field, BD_SCREEN_RAW);
    assert_false(r[1].caseless);
    assert_int_equal(r[1].action.what, BD_SCREEN_REJECT);
    assert_int_equal(r[1].action.code, 403);
    assert_null(r[1].comment);
    assert_int_equal(r[2].action.what, BD_SCREEN_DROP);
    assert_int_equal(r[3].action.what, BD_SCREEN_COUNT);
    assert_int_equal(c->bans_enforced, 0);
    assert_int_equal(c->never_ban_cnt, 2);
    bd_config_free(c);
}

/* No rules are none: the file may be empty, and so may the list. */
static void test_empty(void **state)
{
    static const char *const texts[] = {"", "# nothing\n", "[]\n"};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct bd_config *c = file_lab_load_good(NAMED, texts[i]);
        assert_int_equal(c->rule_cnt, 0);
        bd_config_free(c);
    }
}

#define ACTIONS                                                                                    \
    "drop, count, ban SECONDS (1..31536000), or reject CODE (400, 403, 404, 406, 410, 480, 484, "  \
    "486, 488, 500, 501, 503, 600, 603, 604 or 606)"
#define FIELDS "user_agent, from, to, contact, request_uri, call_id, via or raw"

static const struct {
    const char *rules, *errors; /* behind the file's name */
} bad_files[] = {
    {"- {field: user_agent, pattern: x, action: drop, comments: y}\n",
     ":1:49 rules[0].comments: unknown key, did you mean comment?\n"},
    {"- {pattern: x, action: drop}\n", ":1:3 rules[0].field: missing, must be " FIELDS "\n"},
    {"- {field: server, pattern: x, action: drop}\n",
     ":1:4 rules[0].field: must be " FIELDS ", got server\n"},
    {"- {field: to, action: drop}\n",
     ":1:3 rules[0].pattern: missing, must be text without control characters, 1..1000 "
     "characters\n"},
    {"- {field: to, pattern: x}\n", ":1:3 rules[0].action: missing, must be " ACTIONS "\n"},
    {"- {field: to, pattern: x, action: reject}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got reject\n"},
    {"- {field: to, pattern: x, action: reject 200}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got reject 200\n"},
    {"- {field: to, pattern: x, action: reject 401}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got reject 401\n"},
    {"- {field: to, pattern: x, action: ban}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got ban\n"},
    {"- {field: to, pattern: x, action: ban 0}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got ban 0\n"},
    {"- {field: to, pattern: x, action: ban 31536001}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got ban 31536001\n"},
    {"- {field: to, pattern: x, action: ban 99999999999}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got ban 99999999999\n"},
    {"- {field: to, pattern: x, action: ban 1h}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got ban 1h\n"},
    {"- {field: to, pattern: x, action: drop 5}\n",
     ":1:27 rules[0].action: must be " ACTIONS ", got drop 5\n"},
    {"- {field: to, pattern: x, action: drop}\n- {field: from, pattern: x, action: drop}\n"
     "- field: to\n  pattern: x\n  action: count\n",
     ":4:3 rules[2]: the same field and pattern as rules[0]; remove one\n"},
    {"field: to\n", ":1:1 rules: must be a list of 1..2000 maps, each beginning with '- field: "
                    "...'\n"},
    {"- to\n", ":1:3 rules[0]: must be a map of keys, as field: ...\n"},
    {"- {field: to, pattern: \"a\\nb\", action: drop}\n",
     ":1:15 rules[0].pattern: must be text without control characters, 1..1000 characters, got "
     "\"a?b\"\n"},
    {"- {field: to\n",
     ":2:1 yaml: did not find expected ',' or '}' while parsing a flow mapping\n"},
    /* several at once */
    {"- {field: x, pattern: x, action: drop}\n- {field: to, pattern: x, action: x}\n",
     ":1:4 rules[0].field: must be " FIELDS ", got x\n"
     ":2:27 rules[1].action: must be " ACTIONS ", got x\n"},
};

/* The lines, each with the file's name before it. */
static char *with_name(const char *lines)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    while (*lines) {
        int n = (int)strcspn(lines, "\n") + 1;
        fprintf(out, "%s%.*s", file_lab_other, n, lines);
        lines += n;
    }
    fclose(out);
    return text;
}

static void test_bad(void **state)
{
    for (unsigned i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        char *errors, *wanted = with_name(bad_files[i].errors);
        assert_null(file_lab_load(NAMED, bad_files[i].rules, &errors));
        assert_string_equal(errors, wanted);
        free(errors);
        free(wanted);
    }
}

static void test_no_file(void **state)
{
    char *errors, wanted[256];
    assert_null(file_lab_load(NAMED, NULL, &errors));
    snprintf(wanted, sizeof(wanted),
             "%s:4:13 screening.rules: %s cannot be read: No such file or directory\n",
             file_lab_config, file_lab_other);
    assert_string_equal(errors, wanted);
    free(errors);
}

/* What is wrong with either file is told at once. */
static void test_both(void **state)
{
    char *errors;
    assert_null(file_lab_load(NAMED "limits: {bans: maybe}\n", "- {field: x}\n", &errors));
    assert_non_null(strstr(errors, "limits.bans: must be enforce or count, got maybe"));
    assert_non_null(strstr(errors, "rules[0].field"));
    assert_non_null(strstr(errors, "rules[0].action: missing"));
    free(errors);
}

static int set_up(void **state)
{
    return file_lab_open("rules.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off), cmocka_unit_test(test_full), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_bad), cmocka_unit_test(test_both), cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, set_up, file_lab_close);
}
