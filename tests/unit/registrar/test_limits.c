/* SPDX-License-Identifier: BSD-3-Clause */
/* What limits make of requests: wrong passwords, nonces that another source was given, addresses of
 * record that are asked for too often. */
#include "lab.h"
#include "nonce.h"
#include "source.h"

static struct bd_policy_limits some(void)
{
    return (struct bd_policy_limits){
        .aor = bd_rate_terms_of(1, 3),
        .failed_per_source = 100,
        .failed_per_aor = 5,
        .failed_aor_pause_s = 600,
        .failed_ban_s = 60,
        .failed_ban_max_s = 3600,
        .failed_forget_s = 3600,
        .rates_enforced = true,
    };
}

static struct bd_policy_limits failures_only(void)
{
    struct bd_policy_limits limits = some();
    limits.aor.interval = 0;
    limits.failed_per_aor = 0;
    return limits;
}

static int open_lab(void **state)
{
    *state = lab_new(1000);
    return 0;
}

static int close_lab(void **state)
{
    lab_free(*state);
    return 0;
}

static void pass_ms(struct lab *lab, uint64_t ms)
{
    lab->now_ms += ms;
    lab->wall_ms += ms;
}

static void come_from(struct lab *lab, const char *address)
{
    assert_true(bd_ip_parse(bd_str_from(address), &lab->source.ip));
}

/* A REGISTER of a user of a domain, each with a CSeq of its own. */
static unsigned send(struct lab *lab, const char *user, const char *domain, const char *extra)
{
    static unsigned cseq;
    char text[4096];
    cseq++;
    snprintf(text, sizeof(text),
             "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
             "From: <sip:%s@%s>;tag=f\r\nTo: <sip:%s@%s>\r\nCall-ID: d\r\nCSeq: %u REGISTER\r\n"
             "Contact: <sip:%s@192.0.2.1>\r\n%sContent-Length: 0\r\n\r\n",
             domain, cseq, user, domain, user, domain, cseq, user, extra);
    return lab_send(lab, text);
}

/* A nonce for whoever sends now. */
static void challenged(struct lab *lab, char nonce[BD_NONCE_TEXT + 1])
{
    char value[1024];
    assert_int_equal(send(lab, "alice", "digest.example", ""), 401);
    assert_true(lab_header(lab, "WWW-Authenticate", 0, value, sizeof(value)));
    snprintf(nonce, BD_NONCE_TEXT + 1, "%s", strstr(value, "nonce=\"") + 7);
}

/* Credentials that nobody has computed: what becomes of them, the test says. */
static unsigned answer(struct lab *lab, const char *user, const char *nonce)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "Authorization: Digest username=\"%s\", realm=\"a \\\"quoted\\\" realm\", "
             "nonce=\"%s\", uri=\"sip:digest.example\", "
             "response=\"00000000000000000000000000000000\", algorithm=MD5, cnonce=\"c\", "
             "qop=auth, nc=00000001\r\n",
             user, nonce);
    return send(lab, user, "digest.example", text);
}

/* True when they were tried, and found wrong. */
static bool is_tried(struct lab *lab, const char *user, const char *nonce)
{
    answer(lab, user, nonce);
    if (lab->step != BD_STEP_VERIFY)
        return false;
    assert_int_equal(lab_resume(lab, BD_VERIFY_WRONG), 401);
    return true;
}

static void test_guesses_are_slowed(void **state)
{
    struct lab *lab = *state;
    char nonce[BD_NONCE_TEXT + 1], value[100];
    struct bd_policy_limits limits = failures_only();
    lab_limit(lab, &limits);
    challenged(lab, nonce);
    for (unsigned i = 0; i < 20; i++)
        assert_true(is_tried(lab, "alice", nonce));
    assert_int_equal(answer(lab, "alice", nonce), 503);
    assert_int_equal(lab->verdict, BD_SIP_AUTH_SLOWED);
    assert_true(lab_header(lab, "Retry-After", 0, value, sizeof(value)));
    assert_true(is_tried(lab, "bob", nonce)); /* another AoR */
    come_from(lab, "192.0.2.2");
    challenged(lab, nonce);
    assert_true(is_tried(lab, "alice", nonce)); /* another source */
    come_from(lab, "192.0.2.1");
    pass_ms(lab, 10000);
    challenged(lab, nonce);
    assert_true(is_tried(lab, "alice", nonce));
    assert_false(is_tried(lab, "alice", nonce));
    limits.aor_silent = true;
    lab_limit(lab, &limits);
    assert_int_equal(answer(lab, "alice", nonce), 0);
    assert_int_equal(lab->verdict, BD_SIP_LIMIT_DROP);
    limits.rates_enforced = false;
    lab_limit(lab, &limits);
    assert_true(is_tried(lab, "alice", nonce));
    assert_int_equal(lab_counter(lab, BD_CTR_AUTH_FAILED), 24);
}

/* RFC 3261 17.2.2: it draws the same answer; a verifier is not asked again, nothing is counted. */
static void test_retransmission_is_no_failure(void **state)
{
    struct lab *lab = *state;
    char nonce[BD_NONCE_TEXT + 1], again[LAB_REPLY_MAX];
    struct bd_policy_limits limits = failures_only();
    lab_limit(lab, &limits);
    challenged(lab, nonce);
    assert_true(is_tried(lab, "alice", nonce));
    strcpy(again, lab->request);
    char reply[LAB_REPLY_MAX + 1];
    strcpy(reply, lab->reply);
    for (unsigned i = 0; i < 30; i++, pass_ms(lab, 500)) {
        assert_int_equal(lab_send(lab, again), 401);
        assert_int_equal(lab->verdict, BD_SIP_WRONG_CREDENTIALS);
        assert_string_equal(lab->reply, reply);
    }
    assert_int_equal(lab_counter(lab, BD_CTR_AUTH_FAILED), 1);
    pass_ms(lab, 32000);
    lab_send(lab, again);
    assert_int_equal(lab->step, BD_STEP_VERIFY);
}

/* What is no proof of a wrong password does not count. */
static void test_what_is_no_failure(void **state)
{
    static const enum bd_verify_rc rc[] = {BD_VERIFY_STALE, BD_VERIFY_REPLAYED, BD_VERIFY_OTHER_AOR,
                                           BD_VERIFY_BAD_NONCE};
    struct lab *lab = *state;
    char nonce[BD_NONCE_TEXT + 1];
    struct bd_policy_limits limits = failures_only();
    lab_limit(lab, &limits);
    challenged(lab, nonce);
    for (unsigned i = 0; i < 400; i++) {
        answer(lab, "alice", nonce);
        assert_int_equal(lab->step, BD_STEP_VERIFY);
        lab_resume(lab, rc[i % 4]);
    }
    nonce[0] ^= 1; /* forged */
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(answer(lab, "alice", nonce), 401);
    nonce[0] ^= 1;
    assert_true(is_tried(lab, "alice", nonce));
    assert_int_equal(lab_counter(lab, BD_CTR_AUTH_FAILED), 1);
}

/* A nonce that was given to another source: as good as any for who knows the password; but it
 * proves nobody's guilt, and after some failures it draws one of its own. */
static void test_foreign_nonces(void **state)
{
    struct lab *lab = *state;
    char foreign[BD_NONCE_TEXT + 1], own[BD_NONCE_TEXT + 1], value[1024];
    struct bd_policy_limits limits = failures_only();
    lab_limit(lab, &limits);
    come_from(lab, "203.0.113.1");
    challenged(lab, foreign);
    come_from(lab, "192.0.2.1");
    challenged(lab, own);
    for (unsigned i = 0; i < 20; i++)
        assert_true(is_tried(lab, "alice", foreign));
    assert_int_equal(answer(lab, "alice", foreign), 401);
    assert_int_equal(lab->verdict, BD_SIP_STALE);
    assert_true(lab_header(lab, "WWW-Authenticate", 0, value, sizeof(value)));
    assert_non_null(strstr(value, "stale=true"));
    assert_int_equal(lab_counter(lab, BD_CTR_AUTH_FAILED_FOREIGN), 20);
    assert_true(is_tried(lab, "alice", own));
    answer(lab, "alice", own);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 200);
    /* An IPv6 phone changes its address within its /64. */
    come_from(lab, "2001:db8::1");
    challenged(lab, own);
    come_from(lab, "2001:db8::2");
    assert_true(is_tried(lab, "bob", own));
    assert_int_equal(lab_counter(lab, BD_CTR_AUTH_FAILED_FOREIGN), 20);
}

/* Many sources at one AoR: the phone that is registered goes on, even by a wrong password. */
static void test_guarded_aor(void **state)
{
    struct lab *lab = *state;
    char nonce[BD_NONCE_TEXT + 1], address[32];
    struct bd_policy_limits limits = some();
    limits.aor.interval = 0;
    lab_limit(lab, &limits);
    come_from(lab, "192.0.2.1");
    challenged(lab, nonce);
    answer(lab, "alice", nonce);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 200);
    unsigned tried = 0;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 50; i++) {
            snprintf(address, sizeof(address), "203.0.113.%u", 1 + i);
            come_from(lab, address);
            challenged(lab, nonce);
            tried += is_tried(lab, "alice", nonce);
        }
    }
    assert_int_equal(tried, 50);
    assert_int_equal(lab_counter(lab, BD_CTR_AUTH_GUARDED), 200);
    come_from(lab, "192.0.2.1");
    challenged(lab, nonce);
    assert_true(is_tried(lab, "alice", nonce));
    answer(lab, "alice", nonce);
    assert_int_equal(lab->step, BD_STEP_VERIFY);
}

static void test_aor_rate(void **state)
{
    struct lab *lab = *state;
    char value[100];
    struct bd_policy_limits limits = some();
    lab_limit(lab, &limits);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send(lab, "alice", "example.com", ""), 200);
    come_from(lab, "203.0.113.1");
    assert_int_equal(send(lab, "alice", "example.com", ""), 503);
    assert_int_equal(lab->verdict, BD_SIP_AOR_LIMITED);
    assert_true(lab_header(lab, "Retry-After", 0, value, sizeof(value)));
    assert_int_equal(send(lab, "bob", "example.com", ""), 200);
    come_from(lab, "192.0.2.1"); /* where it is registered: three more of its own */
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send(lab, "alice", "example.com", ""), 200);
    assert_int_equal(send(lab, "alice", "example.com", ""), 503);
    pass_ms(lab, 1000);
    assert_int_equal(send(lab, "alice", "example.com", ""), 200);
    char text[BD_REFUSED_TEXT + 1];
    uint64_t cnt = 0;
    assert_true(bd_refused_at(&bd_limits_of(&lab->arena)->worker[0].refused, 0, &cnt, text));
    assert_string_equal(text, "alice@example.com");
    assert_int_equal(cnt, 2);
    limits.rates_enforced = false;
    lab_limit(lab, &limits);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(send(lab, "alice", "example.com", ""), 200);
    assert_true(lab_counter(lab, BD_CTR_AOR_LIMITED_PASSED) > 10);
}

/* Challenges cost no verifier: they are not counted. */
static void test_aor_rate_is_of_credentials(void **state)
{
    struct lab *lab = *state;
    char nonce[BD_NONCE_TEXT + 1];
    struct bd_policy_limits limits = some();
    lab_limit(lab, &limits);
    for (unsigned i = 0; i < 100; i++)
        challenged(lab, nonce);
    for (unsigned i = 0; i < 3; i++) {
        answer(lab, "alice", nonce);
        assert_int_equal(lab->step, BD_STEP_VERIFY);
    }
    assert_int_equal(answer(lab, "alice", nonce), 503);
    assert_int_equal(lab->verdict, BD_SIP_AOR_LIMITED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_lab, close_lab)
    const struct CMUnitTest tests[] = {
        TEST(test_guesses_are_slowed),
        TEST(test_retransmission_is_no_failure),
        TEST(test_what_is_no_failure),
        TEST(test_foreign_nonces),
        TEST(test_guarded_aor),
        TEST(test_aor_rate),
        TEST(test_aor_rate_is_of_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
