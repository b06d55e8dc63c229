/* SPDX-License-Identifier: BSD-3-Clause */
/* Bans, reloads, rules that are not taken, and the shipped ones. */
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

static enum bd_verdict screen(struct phone p)
{
    return lab_screen(&lab, p);
}

/* --- bans ------------------------------------------------------------------------------------- */

static bool admits(uint32_t now_s)
{
    struct bd_ip source;
    assert_true(bd_ip_parse(BD_STR("192.0.2.1"), &source));
    bd_limiter_use(lab.limiter, bd_policy_current(&lab.arena), now_s * 1000ULL);
    bd_limiter_prefetch(lab.limiter, 0, &source);
    return bd_limiter_admit(lab.limiter, 0, &(struct bd_endpoint){.ip = source}) == BD_VERDICT_NONE;
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

/* A rule that would ban hides none behind it that drops. */
static void test_ban_counted_before_a_drop(void **state)
{
    lab_rules(&lab, BAN "- {field: from, pattern: alice, action: drop}\n",
              "limits: {bans: count}\n");
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_DROP);
    assert_int_equal(lab_hits(&lab, 0), 1);
    assert_int_equal(lab_hits(&lab, 1), 1);
    lab_rules(&lab, "- {field: from, pattern: alice, action: drop}\n" BAN,
              "limits: {bans: count}\n");
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_DROP);
    assert_int_equal(lab_hits(&lab, 0), 2);
    assert_int_equal(lab_hits(&lab, 1), 1); /* not reached, as before */
    lab_rules(&lab, BAN "- {field: from, pattern: alice, action: drop}\n", "");
    assert_int_equal(screen(WITH(agent, "evil")), BD_SIP_SCREEN_BAN);
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

/* --- reload ----------------------------------------------------------------------------------- */

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

/* --- rules that are not taken ----------------------------------------------------------------- */

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

/* --- the shipped rules ------------------------------------------------------------------------ */

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

/* clang-format off */
#define TESTS(X) \
    X(ban) X(ban_counted) X(ban_counted_before_a_drop) X(never_ban) X(hits) X(refused) X(too_large) X(shipped_catch) X(shipped_pass)
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
