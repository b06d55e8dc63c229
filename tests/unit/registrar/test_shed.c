/* SPDX-License-Identifier: BSD-3-Clause */
/* Who draws 503 under overload, and what it says: classes, their order, Retry-After, the silence of
 * a flood, feedback to proxies (RFC 7339). */
#include "lab.h"
#include "nonce.h"

static struct bd_shedding shedding;

/* So much is admitted of each class, of what needs the worker alone and of what needs a verifier.
 */
static void admit(struct lab *lab, uint32_t unknown, uint32_t new, uint32_t refresh)
{
    shedding = (struct bd_shedding){.active = true};
    for (unsigned n = 0; n < BD_NEED_CNT; n++) {
        shedding.admit[n][BD_CLASS_UNKNOWN] = unknown;
        shedding.admit[n][BD_CLASS_NEW] = new;
        shedding.admit[n][BD_CLASS_REFRESH] = refresh;
    }
    lab->shedding = &shedding;
}

static void from(struct lab *lab, const char *source)
{
    assert_true(bd_endpoint_parse(bd_str_from(source), &lab->source));
}

static const char *message(const char *domain, const char *user, unsigned cseq, const char *via,
                           const char *extra)
{
    static char text[4096];
    snprintf(text, sizeof(text),
             "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u%s\r\n"
             "From: <sip:%s@%s>;tag=f\r\nTo: <sip:%s@%s>\r\nCall-ID: c\r\nCSeq: %u REGISTER\r\n"
             "Contact: <sip:%s@192.0.2.1>\r\n%s\r\n",
             domain, cseq, via, user, domain, user, domain, cseq, user, extra);
    return text;
}

static enum bd_verdict verdict_of(struct lab *lab, const char *domain, const char *user,
                                  unsigned cseq, const char *extra)
{
    lab_send(lab, message(domain, user, cseq, "", extra));
    return lab->step == BD_STEP_VERIFY ? BD_VERDICT_NONE : lab->verdict;
}

/* Credentials with the nonce of the challenge just drawn; the response is anything. */
static const char *credentials(const struct lab *lab)
{
    static char text[512];
    const char *nonce = strstr(lab->reply, "nonce=\"");
    assert_non_null(nonce);
    snprintf(text, sizeof(text),
             "Authorization: Digest username=\"u\", realm=\"a \\\"quoted\\\" realm\", "
             "nonce=\"%.64s\", uri=\"sip:digest.example\", response=\"%064d\", algorithm=SHA-256, "
             "cnonce=\"c\", qop=auth, nc=00000001\r\n",
             nonce + 7, 0);
    return text;
}

/* --- classes ---------------------------------------------------------------------------------- */

static void test_an_open_domain(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    assert_int_equal(verdict_of(lab, "example.com", "a", 1, ""), BD_SIP_REGISTERED);
    admit(lab, 0, 0, BD_ADMIT_ALL);
    /* From there, whatever the port. */
    from(lab, "192.0.2.1:33");
    assert_int_equal(verdict_of(lab, "example.com", "a", 2, ""), BD_SIP_REGISTERED);
    /* From elsewhere, another one's, and when it has expired. */
    from(lab, "192.0.2.7:5060");
    assert_int_equal(verdict_of(lab, "example.com", "a", 3, ""), BD_SIP_SHED_UNKNOWN);
    from(lab, "192.0.2.1:5060");
    assert_int_equal(verdict_of(lab, "example.com", "b", 4, ""), BD_SIP_SHED_UNKNOWN);
    lab->now_ms += 3601000;
    assert_int_equal(verdict_of(lab, "example.com", "a", 5, ""), BD_SIP_SHED_UNKNOWN);
    /* Nothing is known to be new here but what neighbours send. */
    admit(lab, 0, BD_ADMIT_ALL, 0);
    assert_int_equal(verdict_of(lab, "example.com", "b", 6, ""), BD_SIP_SHED_UNKNOWN);
    admit(lab, BD_ADMIT_ALL, 0, 0);
    assert_int_equal(verdict_of(lab, "example.com", "b", 7, ""), BD_SIP_REGISTERED);
    assert_int_equal(verdict_of(lab, "example.com", "b", 8, ""), BD_SIP_SHED_REFRESH);
    assert_int_equal(lab_send(lab, message("example.com", "b", 9, "", "")), 503);
    lab_free(lab);
}

static void test_a_trusted_domain(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    admit(lab, 0, BD_ADMIT_ALL, 0);
    /* The prefix is the domain's; whether the AoR is provisioned is asked then. */
    assert_int_equal(verdict_of(lab, "trusted.example", "a", 1, ""), BD_SIP_UNTRUSTED);
    from(lab, "203.0.113.1:5060");
    assert_int_equal(verdict_of(lab, "trusted.example", "a", 2, ""), BD_SIP_SHED_UNKNOWN);
    lab_free(lab);
}

static void test_a_domain_with_digest(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 1, ""), BD_SIP_CHALLENGED);
    const char *proof = credentials(lab);
    admit(lab, 0, BD_ADMIT_ALL, 0);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 2, ""), BD_SIP_SHED_UNKNOWN);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 3, proof), BD_VERDICT_NONE);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 200); /* who has waited is served */
    lab->now_ms += 3601000;                               /* the binding is gone */
    admit(lab, BD_ADMIT_ALL, 0, BD_ADMIT_ALL);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 4, proof), BD_SIP_SHED_NEW);
    /* A nonce that is made up, or too old, speaks for nobody. */
    admit(lab, 0, BD_ADMIT_ALL, 0);
    char forged[512];
    snprintf(forged, sizeof(forged), "%s", proof);
    char *digit = strstr(forged, "nonce=\"") + 20;
    *digit = *digit == '0' ? '1' : '0';
    assert_int_equal(verdict_of(lab, "digest.example", "a", 5, forged), BD_SIP_SHED_UNKNOWN);
    lab->wall_ms += 301000;
    assert_int_equal(verdict_of(lab, "digest.example", "a", 6, proof), BD_SIP_SHED_UNKNOWN);
    lab_free(lab);
}

/* A live binding speaks for a request without credentials: it is challenged. */
static void test_a_refresh_with_digest(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 1, ""), BD_SIP_CHALLENGED);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 2, credentials(lab)), BD_VERDICT_NONE);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 200);
    admit(lab, 0, 0, BD_ADMIT_ALL);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 3, ""), BD_SIP_CHALLENGED);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 4, credentials(lab)), BD_VERDICT_NONE);
    lab_free(lab);
}

/* Verifiers that are behind are no reason to refuse who needs none. */
static void test_what_is_needed_counts(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    admit(lab, BD_ADMIT_ALL, BD_ADMIT_ALL, BD_ADMIT_ALL);
    shedding.admit[BD_NEED_VERIFIER][BD_CLASS_UNKNOWN] = 0;
    assert_int_equal(verdict_of(lab, "example.com", "a", 1, ""), BD_SIP_REGISTERED);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 2, ""), BD_SIP_SHED_UNKNOWN);
    lab_free(lab);
}

/* What is refused anyway is no dearer than a 503; what draws no reply stays so. */
static void test_other_requests(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    admit(lab, 0, BD_ADMIT_ALL, 0);
    static const char rest[] = " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                               "From: <sip:a@example.com>;tag=f\r\nTo: <sip:a@example.com>\r\n"
                               "Call-ID: c\r\nCSeq: 1 ";
    char text[1024];
    snprintf(text, sizeof(text), "OPTIONS sip:example.com%sOPTIONS\r\n\r\n", rest);
    assert_int_equal(lab_send(lab, text), 503);
    assert_int_equal(lab->verdict, BD_SIP_SHED_UNKNOWN);
    snprintf(text, sizeof(text), "INVITE sip:a@example.com%sINVITE\r\n\r\n", rest);
    assert_int_equal(lab_send(lab, text), 503);
    snprintf(text, sizeof(text), "ACK sip:a@example.com%sACK\r\n\r\n", rest);
    assert_int_equal(lab_send(lab, text), 0);
    assert_int_equal(lab->verdict, BD_SIP_ACK);
    assert_int_equal(lab_send(lab, "\r\n\r\n"), 0);
    assert_int_equal(lab->verdict, BD_SIP_KEEPALIVE);
    assert_int_equal(lab_send(lab, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n"), 0);
    lab_free(lab);
}

/* What came by a turn is not refused as the worker is behind, whatever its class; as verifiers are,
 * by its class. */
static void test_turns(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 1, ""), BD_SIP_CHALLENGED);
    const char *proof = credentials(lab);
    admit(lab, 0, 0, BD_ADMIT_ALL);
    shedding.guard = true;
    for (unsigned c = 0; c < BD_CLASS_CNT; c++)
        shedding.turns[BD_NEED_WORKER][c] = BD_ADMIT_ALL;
    shedding.turns[BD_NEED_VERIFIER][BD_CLASS_NEW] = BD_ADMIT_ALL;
    assert_int_equal(verdict_of(lab, "example.com", "a", 1, ""), BD_SIP_SHED_UNKNOWN);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 2, proof), BD_SIP_SHED_NEW);
    lab->took_turn = true;
    assert_int_equal(verdict_of(lab, "example.com", "a", 3, ""), BD_SIP_REGISTERED);
    assert_int_equal(verdict_of(lab, "digest.example", "a", 4, proof), BD_VERDICT_NONE);
    assert_int_equal(verdict_of(lab, "digest.example", "b", 5, ""), BD_SIP_SHED_UNKNOWN);
    shedding.turns[BD_NEED_VERIFIER][BD_CLASS_NEW] = 0;
    assert_int_equal(verdict_of(lab, "digest.example", "a", 6, proof), BD_SIP_SHED_NEW);
    lab_free(lab);
}

/* --- parts of a class ------------------------------------------------------------------------- */

static void test_a_part_is_served(void **state)
{
    (void)state;
    struct lab *lab = lab_new(16384);
    enum { REQUESTS = 4000 };
    admit(lab, BD_ADMIT_ALL / 4, 0, 0);
    unsigned served = 0;
    for (unsigned i = 0; i < REQUESTS; i++) {
        char user[16];
        snprintf(user, sizeof(user), "u%u", i);
        enum bd_verdict verdict = verdict_of(lab, "example.com", user, 1, "");
        served += verdict == BD_SIP_REGISTERED;
        /* A copy fares the same; once served it is no longer unknown. */
        if (verdict == BD_SIP_SHED_UNKNOWN)
            assert_int_equal(verdict_of(lab, "example.com", user, 1, ""), verdict);
    }
    assert_in_range(served, REQUESTS / 4 - 200, REQUESTS / 4 + 200);
    lab_free(lab);
}

/* Whoever is not served draws another lot with his next try, T1 later or more. */
static void test_the_next_try_has_another_chance(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    enum { TRIES = 4000 };
    unsigned served = 0, changed = 0;
    enum bd_verdict before = BD_VERDICT_NONE;
    admit(lab, BD_ADMIT_ALL / 2, 0, 0);
    for (unsigned i = 0; i < TRIES; i++) {
        enum bd_verdict verdict = verdict_of(lab, "digest.example", "a", 1, "");
        served += verdict == BD_SIP_CHALLENGED;
        changed += verdict != before;
        before = verdict;
        lab->now_ms += 512;
    }
    assert_in_range(served, TRIES / 2 - 200, TRIES / 2 + 200);
    assert_in_range(changed, TRIES / 2 - 200, TRIES / 2 + 200);
    lab_free(lab);
}

/* A phone that is not served now draws nothing, whatever its class; proxies and neighbours, to whom
 * silence is a server that is dead, draw their 503. */
static void test_silence(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    assert_int_equal(verdict_of(lab, "example.com", "a", 1, ""), BD_SIP_REGISTERED);
    admit(lab, 0, 0, 0);
    shedding.silent = true;
    assert_int_equal(verdict_of(lab, "example.com", "a", 2, ""), BD_SIP_SHED_SILENT);
    assert_int_equal(lab->step, BD_STEP_SILENT);
    assert_int_equal(verdict_of(lab, "digest.example", "b", 3, ""), BD_SIP_SHED_SILENT);
    lab_send(lab, message("example.com", "a", 4, ", SIP/2.0/UDP 198.18.0.9;branch=z9hG4bKp", ""));
    assert_int_equal(lab->verdict, BD_SIP_SHED_REFRESH);
    assert_int_equal(lab->step, BD_STEP_REPLY);
    assert_int_equal(verdict_of(lab, "trusted.example", "a", 5, ""), BD_SIP_SHED_NEW);
    shedding.silent = false;
    assert_int_equal(verdict_of(lab, "example.com", "a", 6, ""), BD_SIP_SHED_REFRESH);
    lab_free(lab);
}

/* Of a flood of unknown only a part is answered; others always are. */
static void test_a_flood_is_hardly_answered(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    enum { REQUESTS = 4000 };
    assert_int_equal(verdict_of(lab, "example.com", "a", 1, ""), BD_SIP_REGISTERED);
    admit(lab, 0, 0, 0);
    shedding.flood = true;
    unsigned answered = 0;
    for (unsigned i = 2; i < REQUESTS; i++) {
        lab_send(lab, message("example.com", "b", i, "", ""));
        assert_int_equal(lab->verdict,
                         lab->step == BD_STEP_SILENT ? BD_SIP_SHED_SILENT : BD_SIP_SHED_UNKNOWN);
        answered += lab->step == BD_STEP_REPLY;
        assert_int_equal(lab_send(lab, message("example.com", "a", i, "", "")), 503);
    }
    assert_in_range(answered, REQUESTS / BD_FLOOD_ANSWERED / 2, REQUESTS / BD_FLOOD_ANSWERED * 2);
    lab_free(lab);
}

/* --- Retry-After ------------------------------------------------------------------------------ */

static unsigned retry_after(struct lab *lab, const char *user, unsigned cseq)
{
    char value[16];
    assert_int_equal(lab_send(lab, message("example.com", user, cseq, "", "")), 503);
    assert_true(lab_header(lab, "Retry-After", 0, value, sizeof(value)));
    return (unsigned)atoi(value);
}

/* Each address of record has its own, always the same; all of them together are spread evenly. */
static void test_retry_after(void **state)
{
    (void)state;
    enum { LEAST = 20, PHONES = 20000 };
    struct lab *lab = lab_new(1024);
    struct bd_policy_domain settings = lab_settings;
    settings.retry_after_s = LEAST;
    lab_policy(lab, &settings, true);
    admit(lab, 0, 0, 0);
    unsigned phones[2 * LEAST] = {0};
    for (unsigned i = 0; i < PHONES; i++) {
        char user[16];
        snprintf(user, sizeof(user), "u%u", i);
        unsigned s = retry_after(lab, user, 1);
        assert_in_range(s, LEAST, 2 * LEAST - 1);
        phones[s]++;
        if (i % 100 == 0)
            assert_int_equal(retry_after(lab, user, 2), s);
    }
    for (unsigned s = LEAST; s < 2 * LEAST; s++)
        assert_in_range(phones[s], PHONES / LEAST * 8 / 10, PHONES / LEAST * 12 / 10);
    settings.retry_after_s = 0; /* none */
    lab_policy(lab, &settings, true);
    assert_int_equal(lab_send(lab, message("example.com", "a", 1, "", "")), 503);
    assert_null(strstr(lab->reply, "Retry-After"));
    lab_free(lab);
}

/* RFC 7339 5.10.2: a proxy would keep away with all it has. */
static void test_no_retry_after_for_proxies(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    admit(lab, 0, 0, 0);
    lab_send(lab, message("example.com", "a", 1, ", SIP/2.0/UDP 198.18.0.9;branch=z9hG4bKp", ""));
    assert_int_equal(lab->verdict, BD_SIP_SHED_UNKNOWN);
    assert_null(strstr(lab->reply, "Retry-After"));
    lab_send(lab,
             message("example.com", "a", 2, "", "v: SIP/2.0/UDP 198.18.0.9;branch=z9hG4bKp\r\n"));
    assert_null(strstr(lab->reply, "Retry-After"));
    lab_send(lab, message("example.com", "a", 3, "", ""));
    assert_non_null(strstr(lab->reply, "Retry-After"));
    lab_free(lab);
}

/* --- neighbours ------------------------------------------------------------------------------- */

/* One open domain; never_ban or limits.allow covers 192.0.2.0/28. */
static void neighbours_policy(struct lab *lab, bool allow)
{
    struct bd_prefix prefix = {.len = 124};
    assert_true(bd_ip_parse(BD_STR("192.0.2.0"), &prefix.ip));
    struct bd_prefixes list = {&prefix, 1};
    struct bd_prefix_map *map = allow ? bd_prefix_map_make(&list, 1, NULL, 0) : NULL;
    assert_true(!allow || map);
    struct bd_policy_domain_in domain = {
        .name = BD_STR("example.com"), .realm = BD_STR("example.com"), .settings = lab_settings};
    struct bd_policy_in in = {.domains = &domain,
                              .domain_cnt = 1,
                              .default_domain = -1,
                              .never_ban = &prefix,
                              .never_ban_cnt = allow ? 0 : 1,
                              .prefix_map = map,
                              .hash_seed = 3};
    assert_int_not_equal(bd_policy_build(lab->policy, 1 << 20, &in, NULL), 0);
    ((struct bd_policy *)lab->policy)->sequence = ++lab->policies;
    free(map);
}

static void test_neighbours(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    for (unsigned allow = 0; allow < 2; allow++) {
        neighbours_policy(lab, allow);
        admit(lab, 0, BD_ADMIT_ALL, 0);
        from(lab, "192.0.2.9:5060");
        assert_int_equal(verdict_of(lab, "example.com", allow ? "a" : "b", 1, ""),
                         BD_SIP_REGISTERED);
        from(lab, "192.0.2.99:5060");
        assert_int_equal(verdict_of(lab, "example.com", "c", 2, ""), BD_SIP_SHED_UNKNOWN);
    }
    lab_free(lab);
}

/* --- feedback --------------------------------------------------------------------------------- */

#define OC "oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1282321615.782"

static bool is_told(struct lab *lab, const char *domain, const char *via)
{
    lab_send(lab, message(domain, "a", 1, via, ""));
    return strstr(lab->reply, ";" OC "\r\n") != NULL;
}

static void test_feedback(void **state)
{
    (void)state;
    struct lab *lab = lab_new(1024);
    admit(lab, BD_ADMIT_ALL, BD_ADMIT_ALL, BD_ADMIT_ALL);
    shedding.oc = BD_STR(OC);
    /* 5.1: who sends both, to neighbours alone (5.2, 11). */
    assert_true(is_told(lab, "trusted.example", ";oc;oc-algo=\"loss,A\""));
    assert_non_null(strstr(lab->reply, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;" OC "\r\n"));
    assert_false(is_told(lab, "example.com", ";oc;oc-algo=\"loss\""));
    assert_non_null(strstr(lab->reply, ";oc;oc-algo=\"loss\"\r\n"));
    /* In whatever case and order, with what a client must not send left out. */
    assert_true(
        is_told(lab, "trusted.example", ";OC-Algo=\"A, LOSS\";oc-seq=1.2;rport ;oc-validity=9;Oc"));
    assert_non_null(strstr(lab->reply, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport=5060;"
                                       "received=192.0.2.1;" OC "\r\n"));
    /* Asked without sense: as it came. */
    static const char *const wrong[] = {"",
                                        ";oc",
                                        ";oc-algo=\"loss\"",
                                        ";oc=5;oc-algo=\"loss\"",
                                        ";oc;oc-algo=\"rate\"",
                                        ";oc;oc-algo=\"lossy\"",
                                        ";oc;oc-algo=\"\"",
                                        ";oc;oc-algo",
                                        ";oc;oc;oc-algo=\"loss\"",
                                        ";oc;oc-algo=\"loss\";oc-algo=\"loss\"",
                                        ";ocx;oc-algo=\"loss\""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char want[256];
        assert_false(is_told(lab, "trusted.example", wrong[i]));
        snprintf(want, sizeof(want), "192.0.2.1;branch=z9hG4bK1%s\r\n", wrong[i]);
        assert_non_null(strstr(lab->reply, want));
    }
    /* In each reply, also when nothing is shed, and counted while something is. */
    memset(shedding.asked, 0, sizeof(shedding.asked));
    is_told(lab, "trusted.example", ";oc;oc-algo=\"loss\"");
    assert_int_equal(shedding.asked[BD_NEED_WORKER][BD_CLASS_NEW], 1);
    shedding.active = false;
    assert_true(is_told(lab, "trusted.example", ";oc;oc-algo=\"loss\""));
    assert_int_equal(shedding.asked[BD_NEED_WORKER][BD_CLASS_NEW], 1);
    lab->shedding = NULL;
    assert_false(is_told(lab, "trusted.example", ";oc;oc-algo=\"loss\""));
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_open_domain),
        cmocka_unit_test(test_a_trusted_domain),
        cmocka_unit_test(test_a_domain_with_digest),
        cmocka_unit_test(test_a_refresh_with_digest),
        cmocka_unit_test(test_what_is_needed_counts),
        cmocka_unit_test(test_other_requests),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_a_part_is_served),
        cmocka_unit_test(test_the_next_try_has_another_chance),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_a_flood_is_hardly_answered),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_no_retry_after_for_proxies),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_feedback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
