/* SPDX-License-Identifier: BSD-3-Clause */
/* Feature parameters and caller preferences: RFC 3840 9, RFC 3841 7.2 and 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "preferences.h"

/* --- features --------------------------------------------------------------------------------- */

static struct bd_feature feature_of(const char *text)
{
    struct bd_str cursor = bd_str_from(text);
    struct bd_feature f;
    bool bad = false;
    if (!bd_feature_next(&cursor, &f, &bad))
        fail_msg("no feature: %s", text);
    return f;
}

static void test_tags(void **state)
{
    (void)state;
    static const struct {
        const char *params, *tag, *value; /* value NULL: not found */
    } rows[] = {
        {"expires=3;audio;q=1", "audio", ""},
        {"+sip.audio", "audio", ""},
        {"AUDIO=\"TRUE\"", "+SIP.Audio", "\"TRUE\""},
        {"+audio", "audio", NULL}, /* another tag: no "sip." is implied */
        {"language=\"en\"", "+language", "\"en\""},
        {"+sip.language", "language", NULL},
        {"audi;methods=\"INVITE,BYE\"", "methods", "\"INVITE,BYE\""},
        {"reg-id=1;+sip.instance=\"<urn:x>\"", "+sip.instance", "\"<urn:x>\""},
        {"reg-id=1", "audio", NULL},
        {"", "audio", NULL},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_feature tag = feature_of(rows[i].tag), found;
        bool there = bd_feature_find(bd_str_from(rows[i].params), &tag, &found);
        if (there != (rows[i].value != NULL))
            fail_msg("%s in %s: %d", rows[i].tag, rows[i].params, there);
        if (there)
            assert_true(bd_str_eq(found.value, bd_str_from(rows[i].value)));
    }
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool match;
    } rows[] = {
        {"TRUE", "true", true},
        {"TRUE", "FALSE", false},
        {"\"a,b\"", "\"c,B\"", true},
        {"\"a,b\"", "\"c,d\"", false},
        {"\"!a\"", "a", false},
        {"\"!a\"", "\"a,b\"", true},
        {"\"!a,a\"", "a", true},
        {"\"!a\"", "\"!b\"", true},
        {"\"<PC>\"", "\"<PC>\"", true},
        {"\"<PC>\"", "\"<pc>\"", false},
        {"\"<a,b>\"", "\"<a\"", false},
        {"\"<PC>\"", "PC", false},
        {"\"!<PC>\"", "PC", true},
        {"\"#=5\"", "\"#=5.0\"", true},
        {"\"#=5\"", "\"#=-5\"", false},
        {"\"#>=4\"", "\"#<=4\"", true},
        {"\"#>=4.5\"", "\"#<=4.25\"", false},
        {"\"#-4:+5.125\"", "\"#=5.125\"", true},
        {"\"#-4:+5.125\"", "\"#=5.126\"", false},
        {"\"#=5\"", "5", false},
        {"\"!#1:3\"", "\"#2:3\"", false},
        {"\"!#1:3\"", "\"#2:4\"", true},
        {"\"!#1:3\"", "\"#0:2\"", true},
        {"\"!#>=4\"", "\"!#<=4\"", false},
        {"\"!#>=4\"", "\"!#<=3\"", true},
        {"\"!#>=4\"", "\"!#>=9\"", true},
        {"\"#x\"", "\"#X\"", true}, /* no number: the token that it looks like */
        {"\"#=1:2\"", "\"#=1\"", false},
        {"\"#1:\"", "\"#1\"", false},
        {"\"\"", "TRUE", false},
        {"\"\"", "\"\"", true},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_feature a = {.value = bd_str_from(rows[i].a)};
        struct bd_feature b = {.value = bd_str_from(rows[i].b)};
        if (bd_feature_match(&a, &b) != rows[i].match || bd_feature_match(&b, &a) != rows[i].match)
            fail_msg("%s with %s: not %d", rows[i].a, rows[i].b, rows[i].match);
    }
    struct bd_feature none = {.value = BD_STR_NULL}, three = {.value = BD_STR("\"a,,b\"")};
    assert_int_equal(bd_feature_value_cnt(&none), 1);
    assert_int_equal(bd_feature_value_cnt(&three), 3);
}

/* --- preferences ------------------------------------------------------------------------------ */

#define HEAD(METHOD)                                                                               \
    METHOD " sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"       \
           "From: <sip:a@example.com>;tag=f\r\nTo: <sip:user@example.com>\r\nCall-ID: c\r\n"       \
           "CSeq: 1 " METHOD "\r\n"

struct contact {
    const char *name, *params;
    uint16_t q_milli;
};

static bool read_preferences(struct bd_preferences *p, const char *request, const char **reason)
{
    static struct bd_message m;
    assert_int_equal(bd_message_parse(&m, request, (uint32_t)strlen(request)), BD_VERDICT_NONE);
    return bd_preferences_read(p, &m, reason);
}

/* The names of the contacts that are left, in their order. */
static void choose(const struct contact *contacts, unsigned cnt, const char *request, char *names,
                   bool *applied)
{
    static struct bd_preferences p;
    static struct bd_location l;
    const char *reason = NULL;
    l.cnt = cnt;
    for (unsigned i = 0; i < cnt; i++) {
        l.binding[i] =
            (struct bd_binding){.text = {[BD_TEXT_URI] = bd_str_from(contacts[i].name),
                                         [BD_TEXT_PARAMS] = bd_str_from(contacts[i].params)}};
        l.target[i] = (struct bd_target){&l.binding[i], 0, contacts[i].q_milli};
    }
    bd_location_sort(&l);
    if (!read_preferences(&p, request, &reason))
        fail_msg("%s: %s", reason, request);
    *applied = bd_preferences_apply(&p, &l);
    names[0] = 0;
    for (unsigned i = 0; i < l.cnt; i++) {
        strncat(names, l.target[i].binding->text[BD_TEXT_URI].p, 8);
        strcat(names, i + 1 < l.cnt ? " " : "");
    }
}

static const struct contact example[] = {
    {"u1", "audio;video;methods=\"INVITE,BYE\"", 200},
    {"u2", "audio=\"FALSE\";methods=\"INVITE\";actor=\"msg-taker\"", 200},
    {"u3", "audio;actor=\"msg-taker\";methods=\"INVITE\";video", 300},
    {"u4", "audio;methods=\"INVITE,OPTIONS\"", 200},
    {"u5", "", 500},
};

static void test_choices(void **state)
{
    (void)state;
    static const struct {
        const char *name, *request, *left;
        bool applied;
    } rows[] = {
        {"the example of 7.2.5",
         HEAD("INVITE") "Reject-Contact: *;actor=\"msg-taker\";video\r\n"
                        "Accept-Contact: *;audio;require\r\nAccept-Contact: *;video;explicit\r\n"
                        "Accept-Contact: *;methods=\"BYE\";class=\"business\";q=1.0\r\n\r\n",
         "u5 u1 u4", true},
        {"the same in one field, compact, with white space",
         HEAD("INVITE") "j: * ; actor=\"msg-taker\" ;video\r\n"
                        "a: *;audio;require, *;video;explicit,\r\n"
                        " *;methods=\"BYE\";class=\"business\"\r\n\r\n",
         "u5 u1 u4", true},
        {"the method alone (7.2.2.1)", HEAD("INVITE") "\r\n", "u5 u3 u1 u2 u4", true},
        {"a method of few", HEAD("OPTIONS") "\r\n", "u5 u4", true},
        {"require and explicit: who does not name it is dropped",
         HEAD("INVITE") "Accept-Contact: *;video;require;explicit\r\n\r\n", "u5 u3 u1", true},
        {"explicit alone: he goes to the end of his kind",
         HEAD("INVITE") "Accept-Contact: *;video;explicit\r\n\r\n", "u5 u3 u1 u2 u4", true},
        {"no wish at all", HEAD("INVITE") "Accept-Contact: *\r\n\r\n", "u5 u3 u1 u2 u4", true},
        {"nobody but who is immune", HEAD("INVITE") "Reject-Contact: *\r\n\r\n", "u5", true},
    };
    char left[64];
    bool applied;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        choose(example, 5, rows[i].request, left, &applied);
        if (strcmp(left, rows[i].left) != 0 || applied != rows[i].applied)
            fail_msg("%s: %s (%d)", rows[i].name, left, applied);
    }
}

/* 7.2.4: implied preferences never leave nobody; explicit ones may. */
static void test_nobody_left(void **state)
{
    (void)state;
    static const struct contact phone[] = {
        {"p1", "methods=\"INVITE\";events=\"presence\"", 700},
        {"p2", "methods=\"INVITE,SUBSCRIBE\";events=\"presence,dialog\"", 900},
    };
    char left[64];
    bool applied;
    choose(phone, 2, HEAD("MESSAGE") "\r\n", left, &applied);
    assert_string_equal(left, "p2 p1");
    assert_false(applied);
    choose(phone, 2, HEAD("SUBSCRIBE") "Event: reg;x=y\r\n\r\n", left, &applied);
    assert_false(applied);
    choose(phone, 2, HEAD("SUBSCRIBE") "Event: dialog ;x=y\r\n\r\n", left, &applied);
    assert_string_equal(left, "p2");
    assert_true(applied);
    choose(phone, 2, HEAD("INVITE") "Accept-Contact: *;methods=\"MESSAGE\";require\r\n\r\n", left,
           &applied);
    assert_string_equal(left, "");
    assert_true(applied);
}

static void test_refused(void **state)
{
    (void)state;
    static struct bd_preferences p;
    static char many[4096];
    const char *reason;
    static const char *const malformed[] = {
        "Accept-Contact: audio\r\n",          "Accept-Contact: <sip:a@b>;audio\r\n",
        "Accept-Contact: *audio\r\n",         "Accept-Contact: *;\r\n",
        "Accept-Contact: *;audio,\r\n",       "Reject-Contact: *;audio=\r\n",
        "Reject-Contact: *;audio;;video\r\n",
    };
    for (unsigned i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        snprintf(many, sizeof(many), HEAD("INVITE") "%s\r\n", malformed[i]);
        if (read_preferences(&p, many, &reason))
            fail_msg("taken: %s", malformed[i]);
    }
    static const struct {
        const char *begin, *more;
        unsigned allowed;
    } floods[] = {{"a: *", ",*", BD_PREFERENCES_MAX - 1},
                  {"a: *", ";audio", BD_PREFERENCE_VALUES_MAX},
                  {"a: *;methods=a", ",b", 0}};
    for (unsigned i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        for (unsigned extra = 0; extra < 2; extra++) {
            int at = snprintf(many, sizeof(many), HEAD("INVITE") "%s", floods[i].begin);
            for (unsigned n = 0; n < floods[i].allowed + extra; n++)
                at += snprintf(many + at, sizeof(many) - (size_t)at, "%s", floods[i].more);
            snprintf(many + at, sizeof(many) - (size_t)at, "\r\n\r\n");
            assert_int_equal(read_preferences(&p, many, &reason), extra == 0);
        }
    }
    int at = snprintf(many, sizeof(many), HEAD("INVITE") "a: *;events=\"a");
    for (unsigned n = 0; n < BD_PREFERENCE_VALUES_MAX; n++)
        at += snprintf(many + at, sizeof(many) - (size_t)at, ",a");
    snprintf(many + at, sizeof(many) - (size_t)at, "\"\r\n\r\n");
    assert_false(read_preferences(&p, many, &reason));
}

static void test_disposition(void **state)
{
    (void)state;
    static struct bd_preferences p;
    const char *reason;
    read_preferences(&p, HEAD("INVITE") "Request-Disposition: proxy, No-Fork\r\n\r\n", &reason);
    assert_true(p.no_fork);
    read_preferences(&p, HEAD("INVITE") "d: no-fork\r\nd: redirect\r\n\r\n", &reason);
    assert_false(p.no_fork); /* 9.1: ignored with "redirect" */
    read_preferences(&p, HEAD("INVITE") "d: fork,,\r\n\r\n", &reason);
    assert_false(p.no_fork);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),    cmocka_unit_test(test_values),
        cmocka_unit_test(test_choices), cmocka_unit_test(test_nobody_left),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_disposition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
