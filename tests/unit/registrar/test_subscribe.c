/* SPDX-License-Identifier: BSD-3-Clause */
/* SUBSCRIBE to registration state: what a worker refuses, and what it hands to control. */
#include "lab.h"
#include "notify_branch.h"

static char text[4096];

static const char *subscribe(const char *uri, const char *from, const char *to, const char *extra)
{
    snprintf(text, sizeof(text),
             "SUBSCRIBE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
             "From: <%s>;tag=a\r\nTo: <%s\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n"
             "Contact: <sip:w@192.0.2.1>\r\n%s\r\n",
             uri, from, to, extra);
    return text;
}

#define REG     "Event: reg\r\n"
#define JOE     "sip:joe@example.com"
#define TO_JOE  JOE ">"
#define IN_JOE  JOE ">;tag=b"
#define OURSELF "sip:198.18.0.1:5060"

static const struct {
    const char *what, *uri, *from, *to, *extra;
    unsigned status; /* 0: handed to control */
    const char *watcher, *resource;
} rows[] = {
    {"his own", JOE, JOE, TO_JOE, REG, 0, "joe@example.com", "joe@example.com"},
    {"with an id", JOE, JOE, TO_JOE, "o: reg ;id=4\r\n", 0, "joe@example.com", "joe@example.com"},
    {"canonical", "sip:J%6fe@ALIAS.example.com;x=1", "sip:App@198.18.0.1", TO_JOE, REG, 0,
     "app@example.com", "joe@example.com"},
    {"within a dialog", OURSELF, JOE, IN_JOE, REG, 0, "joe@example.com", ""},
    {"another package", JOE, JOE, TO_JOE, "Event: presence\r\n", 489, NULL, NULL},
    {"a template of it", JOE, JOE, TO_JOE, "Event: reg.winfo\r\n", 489, NULL, NULL},
    {"none", JOE, JOE, TO_JOE, "", 489, NULL, NULL},
    {"two", JOE, JOE, TO_JOE, REG REG, 489, NULL, NULL},
    {"from another domain", JOE, "sip:joe@other.example", TO_JOE, REG, 403, NULL, NULL},
    {"from nobody", JOE, "sip:example.com", TO_JOE, REG, 403, NULL, NULL},
    {"to nobody", "sip:example.com", JOE, TO_JOE, REG, 404, NULL, NULL},
    {"to a domain without it", "sip:joe@other.example", "sip:joe@other.example",
     "sip:joe@other.example>", REG, 405, NULL, NULL},
    {"an extension", JOE, JOE, TO_JOE, REG "Require: eventlist\r\n", 420, NULL, NULL},
};

static struct lab *open_lab(enum bd_auth_mode auth)
{
    struct lab *lab = lab_new(1024);
    struct bd_policy_domain settings = lab_settings;
    settings.reg_event = 1;
    settings.auth = (uint8_t)auth;
    lab_policy(lab, &settings, true);
    return lab;
}

static void refused_or_handed_on(void **state)
{
    struct lab *lab = open_lab(BD_AUTH_OPEN);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned status =
            lab_send(lab, subscribe(rows[i].uri, rows[i].from, rows[i].to, rows[i].extra));
        if (status != rows[i].status)
            fail_msg("%s: %u", rows[i].what, status);
        if (status == 489)
            assert_true(lab_header(lab, "Allow-Events", 0, text, sizeof(text)));
        if (status)
            continue;
        const struct bd_handed *handed = bd_registrar_handed(lab->registrar);
        assert_int_equal(lab->step, BD_STEP_CONTROL);
        assert_int_equal(lab->verdict, BD_SIP_SUBSCRIBE);
        assert_true(bd_str_eq(handed->watcher, bd_str_from(rows[i].watcher)));
        assert_true(bd_str_eq(handed->resource, bd_str_from(rows[i].resource)));
        assert_true(handed->transaction != 0);
    }
    lab_free(lab);
}

/* RFC 6140 7.2.2: 480 as long as the PBX is not there; the number's own state is the PBX's to tell.
 */
static void a_number_of_a_pbx_is_redirected(void **state)
{
    static const char number[] = "sip:+49307771@example.com";
    struct lab *lab = lab_new(1024);
    struct bd_policy_domain settings = lab_settings;
    settings.reg_event = settings.redirect = 1;
    lab_policy(lab, &settings, true);
    assert_int_equal(lab_send(lab, subscribe(number, JOE, TO_JOE, REG)), 480);
    assert_int_equal(lab_send(lab, subscribe(JOE, JOE, TO_JOE, REG)), 0);
    settings.redirect = 0;
    lab_policy(lab, &settings, true);
    assert_int_equal(lab_send(lab, subscribe(number, JOE, TO_JOE, REG)), 0);
    lab_free(lab);
}

static void what_is_offered_is_said(void **state)
{
    struct lab *lab = open_lab(BD_AUTH_OPEN);
    const char *options = "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                          "From: <sip:a@b>;tag=a\r\nTo: <sip:%s>\r\nCall-ID: c\r\n"
                          "CSeq: 1 OPTIONS\r\n\r\n";
    char request[512], value[128];
    snprintf(request, sizeof(request), options, "example.com", "example.com");
    assert_int_equal(lab_send(lab, request), 200);
    assert_true(lab_header(lab, "Allow-Events", 0, value, sizeof(value)));
    assert_string_equal(value, "reg");
    assert_true(lab_header(lab, "Allow", 0, value, sizeof(value)) && strstr(value, "SUBSCRIBE"));
    snprintf(request, sizeof(request), options, "other.example", "other.example");
    assert_int_equal(lab_send(lab, request), 200);
    assert_false(lab_header(lab, "Allow-Events", 0, value, sizeof(value)));
    assert_true(lab_header(lab, "Allow", 0, value, sizeof(value)) && !strstr(value, "SUBSCRIBE"));
    lab_free(lab);
}

/* RFC 3261 21.4.6: of the indicated address, whatever the method was. */
static void what_is_allowed_is_said_with_405(void **state)
{
    struct lab *lab = open_lab(BD_AUTH_OPEN);
    const char *publish = "PUBLISH sip:joe@%s SIP/2.0\r\n"
                          "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=a\r\n"
                          "To: <sip:joe@%s>\r\nCall-ID: c\r\nCSeq: 1 PUBLISH\r\n\r\n";
    char request[512], value[128];
    snprintf(request, sizeof(request), publish, "example.com", "example.com");
    assert_int_equal(lab_send(lab, request), 405);
    assert_true(lab_header(lab, "Allow", 0, value, sizeof(value)));
    assert_string_equal(value, "REGISTER, OPTIONS, SUBSCRIBE");
    snprintf(request, sizeof(request), publish, "other.example", "other.example");
    assert_int_equal(lab_send(lab, request), 405);
    assert_true(lab_header(lab, "Allow", 0, value, sizeof(value)));
    assert_string_equal(value, "REGISTER, OPTIONS");
    lab_free(lab);
}

static void a_trusted_domain_looks_at_the_watcher(void **state)
{
    struct lab *lab = open_lab(BD_AUTH_TRUSTED);
    assert_int_equal(lab_send(lab, subscribe(JOE, JOE, TO_JOE, REG)), 403);
    lab_free(lab);
}

static void digest_goes_first(void **state)
{
    struct lab *lab = open_lab(BD_AUTH_DIGEST);
    assert_int_equal(lab_send(lab, subscribe(JOE, "sip:app@example.com", TO_JOE, REG)), 401);
    char challenge[512], extra[1024];
    assert_true(lab_header(lab, "WWW-Authenticate", 0, challenge, sizeof(challenge)));
    const char *nonce = strstr(challenge, "nonce=\"") + 7;
    snprintf(extra, sizeof(extra),
             REG "Authorization: Digest username=\"app\", realm=\"example.com\", nonce=\"%.64s\", "
                 "uri=\"" JOE "\", response=\"%064d\", algorithm=SHA-256, cnonce=\"c\", qop=auth, "
                 "nc=00000001\r\n",
             nonce, 0);
    assert_int_equal(lab_send(lab, subscribe(JOE, "sip:app@example.com", TO_JOE, extra)), 0);
    assert_int_equal(lab->step, BD_STEP_VERIFY);
    struct bd_str aor = bd_job_get(&lab->job, BD_JOB_AOR);
    assert_true(bd_str_eq(aor, BD_STR("app@example.com"))); /* the watcher's credentials */
    assert_true(bd_str_eq(bd_job_get(&lab->job, BD_JOB_METHOD), BD_STR("SUBSCRIBE")));
    assert_int_equal(lab_resume(lab, BD_VERIFY_OTHER_AOR), 403);
    assert_int_equal(lab_resume(lab, BD_VERIFY_WRONG), 401);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 0);
    assert_int_equal(lab->step, BD_STEP_CONTROL);
    const struct bd_handed *handed = bd_registrar_handed(lab->registrar);
    assert_true(bd_str_eq(handed->watcher, BD_STR("app@example.com")));
    assert_true(bd_str_eq(handed->resource, BD_STR("joe@example.com")));
    lab_free(lab);
}

static void responses_to_our_notifys(void **state)
{
    struct lab *lab = open_lab(BD_AUTH_OPEN);
    char branch[BD_NOTIFY_BRANCH_LEN], response[512];
    bd_notify_branch_make(&lab->arena.hash_key, 77, branch);
    for (unsigned forged = 0; forged < 2; forged++) {
        branch[BD_NOTIFY_BRANCH_LEN - 1] ^= (char)forged;
        snprintf(response, sizeof(response),
                 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.0.1:5060;branch=%.*s\r\n"
                 "From: <sip:a@b>;tag=a\r\nTo: <sip:a@b>;tag=b\r\nCall-ID: c\r\n"
                 "CSeq: 1 NOTIFY\r\n\r\n",
                 BD_NOTIFY_BRANCH_LEN, branch);
        assert_int_equal(lab_send(lab, response), 0);
        assert_int_equal(lab->step, forged ? BD_STEP_SILENT : BD_STEP_CONTROL);
        assert_int_equal(lab->verdict, forged ? BD_SIP_RESPONSE : BD_SIP_NOTIFY_ANSWER);
    }
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_or_handed_on),
        cmocka_unit_test(a_number_of_a_pbx_is_redirected),
        cmocka_unit_test(what_is_offered_is_said),
        cmocka_unit_test(what_is_allowed_is_said_with_405),
        cmocka_unit_test(a_trusted_domain_looks_at_the_watcher),
        cmocka_unit_test(digest_goes_first),
        cmocka_unit_test(responses_to_our_notifys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
