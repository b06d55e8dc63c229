/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules from the file to the verdict: what is scanned, what decides, what is not scanned again. */
#include "lab.h"

#include "ban.h"

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

struct phone {
    const char *uri, *from, *to, *contact, *call_id, *agent, *branch;
};
static const struct phone honest = {"sip:example.com",
                                    "\"Alice\" <sip:alice@example.com>;tag=1",
                                    "<sip:alice@example.com>",
                                    "<sip:alice@192.0.2.1:5062>;expires=60",
                                    "c1@192.0.2.1",
                                    "Phone 1.0",
                                    "z9hG4bK1"};

static enum bd_verdict screen_code(struct phone p, unsigned *code)
{
    char text[2048];
    int n = snprintf(text, sizeof(text),
                     "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=%s\r\nFrom: %s\r\n"
                     "To: %s\r\nCall-ID: %s\r\nCSeq: 1 REGISTER\r\nContact: %s\r\n"
                     "User-Agent: %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
                     p.uri, p.branch, p.from, p.to, p.call_id, p.contact, p.agent);
    return lab_screen_at(&lab, text, (uint32_t)n, 100, code);
}

static enum bd_verdict screen(struct phone p)
{
    unsigned ignored;
    return screen_code(p, &ignored);
}

#define WITH(field, text)                                                                          \
    ({                                                                                             \
        struct phone changed = honest;                                                             \
        changed.field = text;                                                                      \
        changed;                                                                                   \
    })

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
    assert_int_equal(screen_code(WITH(agent, "one"), &code), BD_SIP_SCREEN_REJECT);
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

/* --- what has passed ----------------------------------------------------------------------------
 */

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

/* --- bans ---------------------------------------------------------------------------------------
 */

static bool admits(uint32_t now_s)
{
    struct bd_ip source;
    assert_true(bd_ip_parse(BD_STR("192.0.2.1"), &source));
    return bd_screener_admits(lab.screener, &source, now_s);
}

#define BAN "- {field: user_agent, pattern: evil, action: ban 50}\n"

static void test_ban(void **state)
{
    lab_rules(&lab, "- {field: to, pattern: nobody, action: drop}\n" BAN, "");
    assert_true(admits(100));
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_BAN);
    assert_false(admits(100));
    assert_false(admits(149));
    assert_true(admits(150));
    assert_int_equal(lab_counter(&lab, BD_CTR_BANS_ADDED), 1);
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_BAN);
    assert_int_equal(lab_counter(&lab, BD_CTR_BANS_ADDED), 1);
    struct bd_ban ban;
    unsigned cnt = 0;
    for (unsigned i = 0; i < BD_BANS_MAX && cnt == 0; i++)
        cnt += bd_ban_at(&lab.arena, i, 100, &ban);
    assert_int_equal(ban.cause, 2); /* rules count from 1 */
}

static void test_ban_counted(void **state)
{
    lab_rules(&lab, BAN, "limits: {bans: count}\n");
    assert_int_equal(screen(WITH(agent, "evil")), BD_VERDICT_NONE);
    assert_int_equal(screen(WITH(agent, "evil")), BD_VERDICT_NONE);
    assert_int_equal(lab_hits(&lab, 0), 2);
    assert_true(admits(100));
    assert_int_equal(lab_counter(&lab, BD_CTR_BANNED_PASSED), 1);
}

static void test_never_ban(void **state)
{
    lab_rules(&lab, BAN, "limits: {never_ban: [192.0.2.0/24]}\n");
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_BAN);
    assert_true(admits(100));
    assert_int_equal(lab_counter(&lab, BD_CTR_BANS_ADDED), 0);
    /* A ban that was there before the prefix was. */
    lab_rules(&lab, BAN, "");
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_BAN);
    assert_false(admits(100));
    lab_rules(&lab, BAN, "limits: {never_ban: [192.0.2.0/24]}\n");
    assert_true(admits(100));
}

/* --- reload -------------------------------------------------------------------------------------
 */

/* A rule keeps its hits wherever it moves; a new one begins with none, also in an old place. */
static void test_hits(void **state)
{
    lab_rules(&lab,
              "- {field: user_agent, pattern: evil, action: drop}\n"
              "- {field: to, pattern: evil, action: drop}\n",
              "");
    for (unsigned i = 0; i < 3; i++)
        screen(WITH(agent, "evil"));
    for (unsigned i = 0; i < 5; i++)
        screen(WITH(to, "<sip:evil@x.example>"));
    lab_rules(&lab,
              "- {field: from, pattern: evil, action: drop}\n"
              "- {field: to, pattern: evil, action: drop}\n"
              "- {field: user_agent, pattern: evil, action: reject 403}\n",
              "");
    assert_int_equal(lab_hits(&lab, 0), 0);
    assert_int_equal(lab_hits(&lab, 1), 5);
    assert_int_equal(lab_hits(&lab, 2), 0);
    screen(WITH(agent, "evil"));
    assert_int_equal(lab_hits(&lab, 2), 1);
    for (unsigned round = 0; round < 10; round++) {
        lab_rules(&lab, round % 2 ? BAN : "- {field: user_agent, pattern: evil, action: drop}\n",
                  "");
        assert_int_equal(lab_hits(&lab, 0), 0);
        screen(WITH(agent, "evil"));
        assert_int_equal(lab_hits(&lab, 0), 1);
    }
}

/* --- rules that are not taken -------------------------------------------------------------------
 */

static char *refused(const char *rules)
{
    static struct bd_error error;
    struct bd_config *config = lab_config(rules, "");
    uint32_t size;
    assert_null(bd_policy_compile(&lab.arena, config, &size, &error));
    bd_config_free(config);
    return error.text;
}

static void test_refused(void **state)
{
    const char *text = refused("- field: to\n  pattern: fine\n  action: drop\n"
                               "- field: to\n  pattern: '(open'\n  action: drop\n");
    assert_non_null(strstr(text, "/rules.yaml:5:3 rules[1].pattern: Missing close parenthesis"));
    text = refused("- {field: to, pattern: '(a', action: drop}\n"
                   "- {field: to, pattern: 'a*', action: drop}\n"
                   "- {field: to, pattern: '(?=x)', action: drop}\n");
    assert_non_null(strstr(text, ":1:15 rules[0].pattern: "));
    assert_non_null(strstr(text, "(and 2 more patterns of to are not taken)"));
    text = refused("- {field: to, pattern: 'a*', action: drop}\n");
    assert_non_null(strstr(text, "rules[0].pattern: Pattern matches empty buffer"));
    struct bd_config *config = lab_config("- {field: to, pattern: 'a)', action: drop}\n", "");
    struct bd_error error;
    assert_int_equal(bd_screen_check(config, &error), -1);
    bd_config_free(config);
}

/* Rules beyond what is set aside for them. */
static void test_too_large(void **state)
{
    char *rules;
    size_t len;
    FILE *out = open_memstream(&rules, &len);
    for (unsigned i = 0; i < 560; i++) {
        fputs("- {field: to, action: drop, pattern: '(", out);
        for (unsigned k = 0; k < 130; k++)
            fprintf(out, "%s%06x", k ? "|" : "", (i * 130 + k) * 2654435761U >> 8);
        fputs(")'}\n", out);
    }
    fclose(out);
    const char *text = refused(rules);
    assert_non_null(strstr(text, "the compiled rules take more than 4 MiB"));
    free(rules);
}

/* --- the shipped rules --------------------------------------------------------------------------
 */

static void use_shipped(void)
{
    struct bd_config *config = bd_config_load(SOURCE_ROOT "/configs/bindery.yaml", stderr);
    assert_non_null(config);
    lab_publish(&lab, config);
    bd_config_free(config);
}

static void test_shipped_catch(void **state)
{
    use_shipped();
    static const char *const scanners[] = {"friendly-scanner",    "Friendly-Scanner", "sipvicious",
                                           "sipcli/v1.8",         "sundayddr",        "sip-scan",
                                           "VaxSIPUserAgent/3.1", "pplsip",           "smap 0.6.0"};
    for (unsigned i = 0; i < sizeof(scanners) / sizeof(scanners[0]); i++)
        assert_int_equal(screen(WITH(agent, scanners[i])), BD_SIP_SCREEN_BAN);
    assert_int_equal(screen(WITH(from, "\"sipvicious\"<sip:100@1.1.1.1>;tag=61")),
                     BD_SIP_SCREEN_BAN);
    assert_int_equal(screen(WITH(from, "<sip:nm@nm>;tag=root")), BD_SIP_SCREEN_DROP);
    static const char *const injected[] = {
        "<sip:a'%20or%201=1--@example.com>;tag=1",
        "\"' OR '1'='1\" <sip:a@example.com>;tag=1",
        "<sip:a'or/**/2%3d2@example.com>;tag=1",
        "\"x' UNION SELECT password\" <sip:a@example.com>;tag=1",
        "\"x'; DROP TABLE subscriber; --\" <sip:a@example.com>;tag=1",
        "\"<script>alert(1)</script>\" <sip:a@example.com>;tag=1"};
    for (unsigned i = 0; i < sizeof(injected) / sizeof(injected[0]); i++)
        assert_int_equal(screen(WITH(from, injected[i])), BD_SIP_SCREEN_REJECT);
    assert_int_equal(screen(WITH(agent, "${jndi:ldap://192.0.2.9/a}")), BD_SIP_SCREEN_DROP);
}

static void test_shipped_pass(void **state)
{
    use_shipped();
    static const char *const agents[] = {"sipsak 0.9.8.1",     "SIPp",
                                         "Zoiper v2.10.20",    "baresip v1.0.0",
                                         "Z 5.6.1 v2.10.20.4", "Cisco-CP7942G/9.4.2",
                                         "Scanner Phone 3",    "MicroSIP/3.21.3",
                                         "sip-phone",          "VaxSoft Phone 2"};
    for (unsigned i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
        assert_int_equal(screen(WITH(agent, agents[i])), BD_VERDICT_NONE);
    static const char *const names[] = {
        "\"Pat O'Brien\" <sip:pat.o'brien@example.com>;tag=1",
        "\"Union Select Bank\" <sip:bank@example.com;transport=udp>;tag=1",
        "\"Anna & Or\" <sip:or@example.com>;tag=x=1",
        "\"Drop Table Tennis Club\" <sip:club@example.com>;tag=1",
        "\"O'Or and Sons\" <sip:oor@example.com>;tag=1",
        "<sip:+4930555123;phone-context=example.com@example.com;user=phone>;tag=1"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(screen(WITH(from, names[i])), BD_VERDICT_NONE);
    }
}

#define TESTS(X)                                                                                   \
    X(none)                                                                                        \
    X(fields)                                                                                      \
    X(spread)                                                                                      \
    X(case) X(order) X(malformed) X(skip) X(skip_shape) X(no_skip) X(many) X(ban) X(ban_counted)   \
        X(never_ban) X(hits) X(refused) X(too_large) X(shipped_catch) X(shipped_pass)

int main(void)
{
    const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test_setup_teardown(test_##name, open_lab, close_lab),
        TESTS(X)
#undef X
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
