/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules from the file to the verdict: what is scanned, what decides, what is not scanned again. */
#include "lab.h"

static struct lab lab;

static int open_lab(void **state)
{
    lab_open(&lab);
    return 0;
}

static int close_lab(void **state)
{
    lab_close(&lab);
    return 0;
}

static enum bd_verdict screen(struct phone p)
{
    return lab_screen(&lab, p);
}

static void test_none(void **state)
{
    lab_rules(&lab, "", "");
    assert_null(bd_policy_screen(bd_policy_current(&lab.arena)));
    assert_int_equal(screen(honest), BD_VERDICT_NONE);
    assert_int_equal(lab_counter(&lab, BD_CTR_SCREEN_SCANNED), 0);
}

static void test_fields(void **state)
{
    lab_rules(&lab,
              "- {field: user_agent, pattern: evil-ua, action: drop}\n"
              "- {field: from, pattern: evil-from, action: drop}\n"
              "- {field: to, pattern: evil-to, action: drop}\n"
              "- {field: contact, pattern: evil-contact, action: drop}\n"
              "- {field: request_uri, pattern: evil-uri, action: drop}\n"
              "- {field: call_id, pattern: evil-id, action: drop}\n"
              "- {field: via, pattern: evil-via, action: drop}\n"
              "- {field: raw, pattern: 'CSeq: 1 .*evil-any', action: drop}\n",
              "");
    assert_int_equal(screen(honest), BD_VERDICT_NONE);
    const struct phone bad[] = {WITH(agent, "an EVIL-ua"),
                                WITH(from, "<sip:evil-from@x.example>;tag=1"),
                                WITH(to, "<sip:evil-to@x.example>"),
                                WITH(contact, "<sip:evil-contact@x.example>"),
                                WITH(uri, "sip:evil-uri"),
                                WITH(call_id, "evil-id"),
                                WITH(branch, "evil-via"),
                                WITH(agent, "evil-any")};
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(screen(bad[i]), BD_SIP_SCREEN_DROP);
        for (unsigned r = 0; r < 8; r++)
            assert_int_equal(lab_hits(&lab, r), r <= i);
    }
    /* The text of one field means nothing in another. */
    assert_int_equal(screen(WITH(agent, "evil-from evil-to evil-contact")), BD_VERDICT_NONE);
}

/* Every field of a name, and a field over several lines. */
static void test_spread(void **state)
{
    lab_rules(&lab,
              "- {field: contact, pattern: evil, action: drop}\n"
              "- {field: user_agent, pattern: 'a.{1,4}b', action: drop}\n",
              "");
    assert_int_equal(screen(WITH(contact, "<sip:a@x.example>\r\nm: <sip:evil@x.example>")),
                     BD_SIP_SCREEN_DROP);
    assert_int_equal(screen(WITH(agent, "a\r\n b")), BD_SIP_SCREEN_DROP);
}

static void test_case(void **state)
{
    lab_rules(&lab,
              "- {field: user_agent, pattern: 'strict', caseless: false, action: drop}\n"
              "- {field: user_agent, pattern: 'loose', action: drop}\n",
              "");
    assert_int_equal(screen(WITH(agent, "STRICT")), BD_VERDICT_NONE);
    assert_int_equal(screen(WITH(agent, "strict")), BD_SIP_SCREEN_DROP);
    assert_int_equal(screen(WITH(agent, "LOOSE")), BD_SIP_SCREEN_DROP);
}

/* The first in the order of the file, whatever its field; all that count, count. */
static void test_order(void **state)
{
    lab_rules(&lab,
              "- {field: user_agent, pattern: one, action: count}\n"
              "- {field: to, pattern: alice, action: reject 488}\n"
              "- {field: user_agent, pattern: one, caseless: false, action: drop}\n"
              "- {field: raw, pattern: one, action: count}\n",
              "");
    unsigned code;
    assert_int_equal(lab_screen_code(&lab, WITH(agent, "one"), &code), BD_SIP_SCREEN_REJECT);
    assert_int_equal(code, 488);
    assert_int_equal(lab_hits(&lab, 0), 1);
    assert_int_equal(lab_hits(&lab, 1), 1);
    assert_int_equal(lab_hits(&lab, 2), 0);
    assert_int_equal(lab_hits(&lab, 3), 1);
    assert_int_equal(lab_counter(&lab, BD_CTR_SCREEN_COUNT), 1);
}

/* What is malformed is screened as far as it can be read; what is no request is not. */
static void test_malformed(void **state)
{
    static const char bad[] = "OPTIONS sip:x@example.com SIP/2.0\r\n"
                              "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                              "User-Agent: evil\r\nCSeq: x\r\n\r\n";
    static const char response[] = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=1\r\n"
                                   "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\n"
                                   "CSeq: 1 NOTIFY\r\nUser-Agent: evil\r\n\r\n";
    unsigned code;
    lab_rules(&lab, "- {field: raw, pattern: evil, action: drop}\n", "");
    assert_int_equal(lab_screen_at(&lab, bad, sizeof(bad) - 1, 1, &code), BD_SIP_SCREEN_DROP);
    assert_int_equal(lab_screen_at(&lab, response, sizeof(response) - 1, 1, &code),
                     BD_VERDICT_NONE);
    assert_int_equal(lab_screen_at(&lab, "evil", 4, 1, &code), BD_VERDICT_NONE);
    assert_int_equal(lab_screen_at(&lab, "", 0, 1, &code), BD_VERDICT_NONE);
}

/* --- what has passed -------------------------------------------------------------------------- */

static uint64_t scanned(void)
{
    return lab_counter(&lab, BD_CTR_SCREEN_SCANNED);
}

static uint64_t skipped(void)
{
    return lab_counter(&lab, BD_CTR_SCREEN_SKIPPED);
}

static void test_skip(void **state)
{
    static const char rules[] = "- {field: user_agent, pattern: evil, action: drop}\n"
                                "- {field: from, pattern: evil, action: drop}\n";
    lab_rules(&lab, rules, "");
    assert_int_equal(screen(honest), BD_VERDICT_NONE);
    assert_int_equal(scanned(), 1);
    assert_int_equal(screen(honest), BD_VERDICT_NONE);
    /* Fields that no rule names may change. */
    assert_int_equal(screen(WITH(call_id, "other")), BD_VERDICT_NONE);
    assert_int_equal(scanned(), 1);
    assert_int_equal(skipped(), 2);
    /* One that a rule names may not. */
    assert_int_equal(screen(WITH(agent, "Phone 1.1")), BD_VERDICT_NONE);
    assert_int_equal(screen(WITH(from, "<sip:alice@example.com>;tag=2")), BD_VERDICT_NONE);
    assert_int_equal(scanned(), 3);
    /* What is caught is never remembered. */
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_DROP);
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_DROP);
    assert_int_equal(scanned(), 5);
    /* The same rules again; then others, which apply to those that have passed. */
    lab_rules(&lab, rules, "");
    assert_int_equal(screen(honest), BD_VERDICT_NONE);
    assert_int_equal(scanned(), 5);
    lab_rules(&lab, "- {field: user_agent, pattern: phone, action: drop}\n", "");
    assert_int_equal(screen(honest), BD_SIP_SCREEN_DROP);
}

/* The same texts, but in other fields: another request. */
static void test_skip_shape(void **state)
{
    lab_rules(&lab,
              "- {field: contact, pattern: '^<sip:b@', action: drop}\n"
              "- {field: call_id, pattern: '^x', action: drop}\n",
              "");
    assert_int_equal(screen(WITH(contact, "<sip:a@x>\r\nContact: <sip:c@x>")), BD_VERDICT_NONE);
    assert_int_equal(screen(WITH(contact, "<sip:a@x>\r\nContact: <sip:c@x>")), BD_VERDICT_NONE);
    assert_int_equal(skipped(), 1);
    assert_int_equal(screen(WITH(contact, "<sip:a@x>, <sip:c@x>")), BD_VERDICT_NONE);
    assert_int_equal(skipped(), 1);
}

/* What counts must be counted each time; so must what is looked for in each request anew. */
static void test_no_skip(void **state)
{
    lab_rules(&lab, "- {field: user_agent, pattern: phone, action: count}\n", "");
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(screen(honest), BD_VERDICT_NONE);
        assert_int_equal(lab_hits(&lab, 0), i);
    }
    lab_rules(&lab,
              "- {field: user_agent, pattern: evil, action: drop}\n"
              "- {field: via, pattern: evil, action: drop}\n",
              "");
    assert_int_equal(screen(honest), BD_VERDICT_NONE);
    assert_int_equal(screen(honest), BD_VERDICT_NONE);
    assert_int_equal(screen(WITH(branch, "evil")), BD_SIP_SCREEN_DROP);
    assert_int_equal(skipped(), 0);
}

/* More phones than the worker was made for: each is still screened rightly. */
static void test_many(void **state)
{
    char from[64];
    lab_rules(&lab, "- {field: from, pattern: 'sip:9\\d*7@', action: drop}\n", "");
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 20000; i++) {
            snprintf(from, sizeof(from), "<sip:%u@example.com>;tag=1", i);
            bool bad = from[5] == '9' && i > 9 && i % 10 == 7;
            assert_int_equal(screen(WITH(from, from)), bad ? BD_SIP_SCREEN_DROP : BD_VERDICT_NONE);
        }
    }
}

/* clang-format off */
#define TESTS(X) \
    X(none) X(fields) X(spread) X(case) X(order) X(malformed) X(skip) X(skip_shape) X(no_skip) X(many)
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test_setup_teardown(test_##name, open_lab, close_lab),
        TESTS(X)
#undef X
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
