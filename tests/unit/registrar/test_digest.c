/* SPDX-License-Identifier: BSD-3-Clause */
/* Digest: what the registrar challenges, which credentials become a job, and what it makes of the
 * verifier's result. The phone computes with OpenSSL's one-shot functions; the verifier side is
 * played by hand from the job. */
#include <openssl/evp.h>

#include "lab.h"
#include "nonce.h"

#define REALM_WIRE  "a \\\"quoted\\\" realm"
#define REALM_PLAIN "a \"quoted\" realm"
#define URI         "sip:digest.example"

static void pass_ms(struct lab *lab, uint64_t ms)
{
    lab->now_ms += ms;
    lab->wall_ms += ms;
}

/* --- the phone -------------------------------------------------------------------------------- */

static const char *md_name(const char *algorithm)
{
    if (strcmp(algorithm, "MD5") == 0)
        return "MD5";
    return strcmp(algorithm, "SHA-256") == 0 ? "SHA2-256" : "SHA2-512/256";
}

static void hash(const char *algorithm, const char *text, char hex[65])
{
    unsigned char digest[64];
    size_t len = 0;
    assert_int_equal(EVP_Q_digest(NULL, md_name(algorithm), NULL, text, strlen(text), digest, &len),
                     1);
    for (size_t i = 0; i < len; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
}

struct credentials {
    const char *algorithm, *qop, *nonce, *uri, *username, *password, *body;
    unsigned nc;
};

/* RFC 7616 3.4.1 */
static void respond(const struct credentials *c, char response[65])
{
    char text[1024], a1[65], a2[65], body[65];
    snprintf(text, sizeof(text), "%s:%s:%s", c->username, REALM_PLAIN, c->password);
    hash(c->algorithm, text, a1);
    hash(c->algorithm, c->body, body);
    bool integrity = strcmp(c->qop, "auth-int") == 0;
    snprintf(text, sizeof(text), "REGISTER:%s%s%s", c->uri, integrity ? ":" : "",
             integrity ? body : "");
    hash(c->algorithm, text, a2);
    snprintf(text, sizeof(text), "%s:%s:%08x:%s:%s:%s", a1, c->nonce, c->nc, "cn\"once", c->qop,
             a2);
    hash(c->algorithm, text, response);
}

static const char *authorization(const struct credentials *c)
{
    static char text[2048];
    char response[65];
    respond(c, response);
    snprintf(text, sizeof(text),
             "Authorization: Digest username=\"%s\", realm=\"" REALM_WIRE "\", nonce=\"%s\", "
             "uri=\"%s\", response=\"%s\", algorithm=%s, cnonce=\"cn\\\"once\", qop=%s, "
             "nc=%08x\r\n",
             c->username, c->nonce, c->uri, response, c->algorithm, c->qop, c->nc);
    return text;
}

static const char *request(unsigned cseq, const char *extra, const char *body)
{
    static char text[4096];
    snprintf(text, sizeof(text),
             "REGISTER " URI " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
             "From: <sip:alice@digest.example>;tag=f\r\nTo: <sip:Alice@digest.example>\r\n"
             "Call-ID: d\r\nCSeq: %u REGISTER\r\nContact: <sip:alice@192.0.2.1>\r\n%s"
             "Content-Length: %zu\r\n\r\n%s",
             cseq, cseq, extra, strlen(body), body);
    return text;
}

static void challenge_nonce(const struct lab *lab, char nonce[BD_NONCE_TEXT + 1])
{
    const char *p = strstr(lab->reply, "nonce=\"");
    assert_non_null(p);
    memcpy(nonce, p + 7, BD_NONCE_TEXT);
    nonce[BD_NONCE_TEXT] = 0;
    assert_int_equal(p[7 + BD_NONCE_TEXT], '"');
}

/* --- the verifier's side ---------------------------------------------------------------------- */

static void job_text(const struct lab *lab, enum bd_job_text which, char *out)
{
    struct bd_str s = bd_job_get(&lab->job, which);
    memcpy(out, s.p, s.len);
    out[s.len] = 0;
}

static void expect_job_text(const struct lab *lab, enum bd_job_text which, const char *expected)
{
    char got[BD_JOB_SZ];
    job_text(lab, which, got);
    assert_string_equal(got, expected);
}

/* Recomputes the response from nothing but the job and a password. */
static enum bd_verify_rc verify(const struct lab *lab, const char *password)
{
    static const char *const algorithm[] = {"MD5", "SHA-256", "SHA-512-256"};
    const char *name = algorithm[lab->job.algorithm];
    bool integrity = lab->job.qop == BD_QOP_AUTH_INT;
    char part[BD_JOB_TEXT_CNT][BD_JOB_SZ], text[8 * BD_JOB_SZ], a1[65], a2[65], response[65];
    for (unsigned i = 0; i < BD_JOB_TEXT_CNT; i++)
        job_text(lab, (enum bd_job_text)i, part[i]);
    snprintf(text, sizeof(text), "%s:%s:%s", part[BD_JOB_USERNAME], part[BD_JOB_REALM], password);
    hash(name, text, a1);
    snprintf(text, sizeof(text), "%s:%s%s%s", part[BD_JOB_METHOD], part[BD_JOB_URI],
             integrity ? ":" : "", integrity ? part[BD_JOB_BODY_HASH] : "");
    hash(name, text, a2);
    snprintf(text, sizeof(text), "%s:%s:%s:%s:%s:%s", a1, part[BD_JOB_NONCE], part[BD_JOB_NC],
             part[BD_JOB_CNONCE], integrity ? "auth-int" : "auth", a2);
    hash(name, text, response);
    return strcmp(response, part[BD_JOB_RESPONSE]) == 0 ? BD_VERIFY_OK : BD_VERIFY_WRONG;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_challenge(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    char value[512], expected[512], nonce[BD_NONCE_TEXT + 1];
    assert_int_equal(lab_send(lab, request(1, "", "")), 401);
    assert_int_equal(lab->verdict, BD_SIP_CHALLENGED);
    challenge_nonce(lab, nonce);
    static const char *const algorithm[] = {"SHA-256", "MD5"};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(expected, sizeof(expected),
                 "Digest realm=\"" REALM_WIRE "\", nonce=\"%s\", qop=\"auth,auth-int\", "
                 "algorithm=%s",
                 nonce, algorithm[i]);
        assert_true(lab_header(lab, "WWW-Authenticate", i, value, sizeof(value)));
        assert_string_equal(value, expected);
    }
    assert_false(lab_header(lab, "WWW-Authenticate", 2, value, sizeof(value)));
    lab_free(lab);
}

/* A retransmission draws the same bytes for 32 s; other requests and other sources another nonce.
 */
static void test_challenge_is_repeatable(void **state)
{
    (void)state;
    static char first[LAB_REPLY_MAX];
    struct lab *lab = lab_new(256);
    lab_send(lab, request(1, "", ""));
    strcpy(first, lab->reply);
    pass_ms(lab, 31999);
    lab_send(lab, request(1, "", ""));
    assert_string_equal(lab->reply, first);
    lab_send(lab, request(2, "", ""));
    char one[BD_NONCE_TEXT + 1], other[BD_NONCE_TEXT + 1];
    challenge_nonce(lab, one);
    assert_null(strstr(first, one));
    lab->source.port++;
    lab_send(lab, request(2, "", ""));
    challenge_nonce(lab, other);
    assert_string_not_equal(one, other);
    lab->source.port--;
    pass_ms(lab, 1);
    lab_send(lab, request(1, "", ""));
    assert_string_not_equal(lab->reply, first);
    lab_free(lab);
}

static void test_registration(void **state)
{
    (void)state;
    static const char *const algorithm[] = {"SHA-256", "MD5"}, *const qop[] = {"auth", "auth-int"};
    struct lab *lab = lab_new(256);
    char nonce[BD_NONCE_TEXT + 1];
    unsigned cseq = 1;
    for (unsigned i = 0; i < 4; i++) {
        struct credentials c = {.algorithm = algorithm[i % 2],
                                .qop = qop[i / 2],
                                .nonce = nonce,
                                .uri = URI,
                                .username = "alice",
                                .password = "secret",
                                .body = i / 2 ? "a body" : "",
                                .nc = 1 + i};
        assert_int_equal(lab_send(lab, request(cseq++, "", "")), 401);
        challenge_nonce(lab, nonce);
        lab_send(lab, request(cseq++, authorization(&c), c.body));
        assert_int_equal(lab->step, BD_STEP_VERIFY);
        expect_job_text(lab, BD_JOB_USERNAME, "alice");
        expect_job_text(lab, BD_JOB_REALM, REALM_PLAIN);
        expect_job_text(lab, BD_JOB_CNONCE, "cn\"once");
        expect_job_text(lab, BD_JOB_AOR, "alice@digest.example");
        assert_int_equal(lab->job.nc, 1 + i);
        assert_int_equal(lab->job.nonce_expire_s, 300);
        assert_int_equal(verify(lab, "wrong"), BD_VERIFY_WRONG);
        assert_int_equal(verify(lab, "secret"), BD_VERIFY_OK);
        assert_int_equal(lab_resume(lab, verify(lab, "secret")), 200);
    }
    struct bd_slot_ref ref;
    struct bd_str aor = BD_STR("alice@digest.example");
    struct bd_binding b;
    assert_true(bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref));
    bd_record_view(ref.record, 0, &b);
    assert_int_equal(b.flags, BD_BINDING_AUTHENTICATED);
    lab_free(lab);
}

/* auth-int covers an empty body with the hash of nothing (RFC 8760 2.6 (7)). */
static void test_empty_body_hash(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    char nonce[BD_NONCE_TEXT + 1];
    lab_send(lab, request(1, "", ""));
    challenge_nonce(lab, nonce);
    struct credentials c = {"SHA-256", "auth-int", nonce, URI, "alice", "secret", "", 1};
    lab_send(lab, request(2, authorization(&c), ""));
    expect_job_text(lab, BD_JOB_BODY_HASH,
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(verify(lab, "secret"), BD_VERIFY_OK);
    lab_free(lab);
}

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        enum bd_verify_rc rc;
        unsigned status;
        enum bd_verdict verdict;
        bool challenge, stale;
    } rows[] = {
        {BD_VERIFY_WRONG, 401, BD_SIP_WRONG_CREDENTIALS, true, false},
        {BD_VERIFY_BAD_NONCE, 401, BD_SIP_BAD_NONCE, true, false},
        {BD_VERIFY_STALE, 401, BD_SIP_STALE, true, true},
        {BD_VERIFY_REPLAYED, 401, BD_SIP_REPLAYED, true, true},
        {BD_VERIFY_OTHER_AOR, 403, BD_SIP_FORBIDDEN, false, false},
        {BD_VERIFY_OK, 200, BD_SIP_REGISTERED, false, false},
        {BD_VERIFY_OK, 200, BD_SIP_RETRANSMISSION, false, false},
    };
    struct lab *lab = lab_new(256);
    char nonce[BD_NONCE_TEXT + 1], fresh[BD_NONCE_TEXT + 1];
    lab_send(lab, request(1, "", ""));
    challenge_nonce(lab, nonce);
    struct credentials c = {"MD5", "auth", nonce, URI, "alice", "secret", "", 1};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lab_send(lab, request(2, authorization(&c), ""));
        assert_int_equal(lab->step, BD_STEP_VERIFY);
        assert_int_equal(lab_resume(lab, rows[i].rc), rows[i].status);
        assert_int_equal(lab->verdict, rows[i].verdict);
        assert_int_equal(strstr(lab->reply, "WWW-Authenticate: ") != NULL, rows[i].challenge);
        assert_int_equal(strstr(lab->reply, ", stale=true\r\n") != NULL, rows[i].stale);
        if (rows[i].challenge) {
            challenge_nonce(lab, fresh);
            assert_string_not_equal(fresh, nonce);
        }
    }
    lab_free(lab);
}

#define DIGEST(REALM, NONCE, URI_, REST)                                                           \
    "Authorization: Digest username=\"alice\", realm=\"" REALM "\", nonce=\"" NONCE                \
    "\", uri=\"" URI_ "\", response=\"0123456789abcdef0123456789abcdef\"" REST "\r\n"
#define GOOD_REST ", algorithm=MD5, qop=auth, cnonce=\"c\", nc=00000001"

/* Credentials that never reach a verifier. $N stands for a good nonce. */
static void test_credentials_without_verifier(void **state)
{
    (void)state;
    static const struct {
        const char *name, *fields;
        unsigned status;
        enum bd_verdict verdict;
    } rows[] = {
        {"another realm", DIGEST("elsewhere", "$N", URI, GOOD_REST), 401, BD_SIP_CHALLENGED},
        {"another scheme", "Authorization: Bearer abc\r\n", 401, BD_SIP_CHALLENGED},
        {"a proxy's credentials (22.3)", "Proxy-Authorization: Digest junk\r\n", 401,
         BD_SIP_CHALLENGED},
        {"no qop", DIGEST(REALM_WIRE, "$N", URI, ", algorithm=MD5"), 0, BD_VERDICT_NONE},
        {"neither qop nor algorithm", DIGEST(REALM_WIRE, "$N", URI, ""), 0, BD_VERDICT_NONE},
        {"no qop, which RFC 2069 has for MD5 alone",
         DIGEST(REALM_WIRE, "$N", URI, ", algorithm=SHA-256"), 401, BD_SIP_CHALLENGED},
        {"an algorithm that was not offered",
         DIGEST(REALM_WIRE, "$N", URI,
                ", algorithm=SHA-512-256, qop=auth, cnonce=\"c\", "
                "nc=00000001"),
         401, BD_SIP_CHALLENGED},
        {"a nonce of our length that is forged",
         DIGEST(REALM_WIRE, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", URI,
                GOOD_REST),
         401, BD_SIP_BAD_NONCE},
        {"a nonce of another kind", DIGEST(REALM_WIRE, "abc", URI, GOOD_REST), 401,
         BD_SIP_BAD_NONCE},
        {"a field is missing", "Authorization: Digest username=\"alice\"\r\n", 400,
         BD_SIP_BAD_CREDENTIALS_FIELD},
        {"a digest-uri of another domain", DIGEST(REALM_WIRE, "$N", "sip:other.example", GOOD_REST),
         400, BD_SIP_BAD_CREDENTIALS_FIELD},
        {"a digest-uri that is none", DIGEST(REALM_WIRE, "$N", "digest example", GOOD_REST), 400,
         BD_SIP_BAD_CREDENTIALS_FIELD},
        {"a digest-uri slightly off",
         DIGEST(REALM_WIRE, "$N", "sip:alice@DIGEST.example:5060;transport=udp", GOOD_REST), 0,
         BD_VERDICT_NONE},
        {"the second of three fields",
         DIGEST("elsewhere", "x", URI, GOOD_REST)
             DIGEST(REALM_WIRE, "$N", URI, GOOD_REST) "Authorization: Digest junk\r\n",
         0, BD_VERDICT_NONE},
        {"the second of two, the first malformed (8.2.2)",
         "Authorization: Digest realm=\"elsewhere\"\r\n" DIGEST(REALM_WIRE, "$N", URI, GOOD_REST),
         0, BD_VERDICT_NONE},
        {"malformed, and of another realm",
         "Authorization: Digest junk\r\n" DIGEST("elsewhere", "x", URI, GOOD_REST), 400,
         BD_SIP_BAD_CREDENTIALS_FIELD},
    };
    struct lab *lab = lab_new(256);
    char nonce[BD_NONCE_TEXT + 1], fields[2048];
    lab_send(lab, request(1, "", ""));
    challenge_nonce(lab, nonce);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *at = strstr(rows[i].fields, "$N");
        int before = at ? (int)(at - rows[i].fields) : (int)strlen(rows[i].fields);
        snprintf(fields, sizeof(fields), "%.*s%s%s", before, rows[i].fields, at ? nonce : "",
                 at ? at + 2 : "");
        unsigned status = lab_send(lab, request(2, fields, ""));
        if (status != rows[i].status || lab->verdict != rows[i].verdict)
            fail_msg("%s: %u\n%s\n%s", rows[i].name, status, lab->request, lab->reply);
        assert_null(strstr(lab->reply, "stale"));
        assert_int_equal(lab->step == BD_STEP_VERIFY, rows[i].status == 0);
    }
    lab_free(lab);
}

/* RFC 3261 22.4: compatible with RFC 2069, but no downgrade where only auth-int is offered. */
static void test_without_qop(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    struct bd_policy_domain settings = lab_settings;
    settings.auth = BD_AUTH_DIGEST;
    char nonce[BD_NONCE_TEXT + 1], text[2048];
    const char *format =
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
        "From: <sip:a@example.com>;tag=f\r\nTo: <sip:a@example.com>\r\nCall-ID: q\r\n"
        "CSeq: %u REGISTER\r\nContact: <sip:a@192.0.2.1>\r\n%s\r\n";
    for (unsigned i = 0; i < 2; i++) {
        settings.qop = i ? BD_QOP_BIT_AUTH_INT : BD_QOP_BIT_AUTH;
        lab_policy(lab, &settings, true);
        snprintf(text, sizeof(text), format, 10 * i, 10 * i + 1, "");
        assert_int_equal(lab_send(lab, text), 401);
        challenge_nonce(lab, nonce);
        char fields[512];
        snprintf(fields, sizeof(fields),
                 "Authorization: Digest username=\"a\", realm=\"example.com\", nonce=\"%s\", "
                 "uri=\"sip:example.com\", response=\"0123456789abcdef0123456789abcdef\"\r\n",
                 nonce);
        snprintf(text, sizeof(text), format, 10 * i + 5, 10 * i + 5, fields);
        assert_int_equal(lab_send(lab, text), i ? 401 : 0);
        if (i == 0) {
            assert_int_equal(lab->job.qop, BD_QOP_NONE);
            assert_int_equal(lab->job.authinfo, 0);
        }
    }
    lab_free(lab);
}

static void use(struct lab *lab, bool userhash, bool charset, bool authinfo)
{
    struct bd_policy_domain settings = lab_settings;
    settings.userhash = userhash;
    settings.charset_utf8 = charset;
    settings.add_authinfo_hdr = authinfo;
    lab_digest_policy(lab, &settings);
}

static void test_challenge_parameters(void **state)
{
    (void)state;
    static const char *const tail[] = {", algorithm=MD5", ", algorithm=MD5, charset=\"UTF-8\"",
                                       ", algorithm=MD5, userhash=true",
                                       ", algorithm=MD5, charset=\"UTF-8\", userhash=true"};
    struct lab *lab = lab_new(256);
    for (unsigned i = 0; i < 4; i++) {
        char value[512];
        use(lab, i & 2, i & 1, false);
        lab_send(lab, request(1 + i, "", ""));
        assert_true(lab_header(lab, "WWW-Authenticate", 1, value, sizeof(value)));
        assert_string_equal(strstr(value, ", algorithm"), tail[i]);
    }
    lab_free(lab);
}

/* username* reaches the verifier in plain UTF-8; a hashed one as it is. */
static void test_usernames(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    char nonce[BD_NONCE_TEXT + 1], fields[1024];
    lab_send(lab, request(1, "", ""));
    challenge_nonce(lab, nonce);
    static const char *const format =
        "Authorization: Digest %s, realm=\"" REALM_WIRE "\", nonce=\"%s\", uri=\"" URI
        "\", response=\"0123456789abcdef0123456789abcdef\"" GOOD_REST "\r\n";
    snprintf(fields, sizeof(fields), format, "username*=UTF-8''J%C3%A4s%C3%B8n", nonce);
    lab_send(lab, request(2, fields, ""));
    assert_int_equal(lab->step, BD_STEP_VERIFY);
    expect_job_text(lab, BD_JOB_USERNAME, "J\xc3\xa4s\xc3\xb8n");
    snprintf(fields, sizeof(fields), format, "username=\"00ff\", userhash=true", nonce);
    lab_send(lab, request(3, fields, ""));
    expect_job_text(lab, BD_JOB_USERNAME, "00ff");
    assert_int_equal(lab->job.userhash, 1);
    snprintf(fields, sizeof(fields), format, "username=\"a\", username*=UTF-8''a", nonce);
    assert_int_equal(lab_send(lab, request(4, fields, "")), 400);
    lab_free(lab);
}

static void expect_authinfo(const struct lab *lab, const char *expected)
{
    char value[512];
    bool there = lab_header(lab, "Authentication-Info", 0, value, sizeof(value));
    assert_int_equal(there, expected != NULL);
    if (there)
        assert_string_equal(value, expected);
}

/* One registration with authinfo; the verifier found the credentials right. */
static void register_for_authinfo(struct lab *lab, const char *fields, unsigned cseq,
                                  const struct bd_verify_result *result)
{
    lab_send(lab, request(cseq, fields, ""));
    assert_int_equal(lab->step, BD_STEP_VERIFY);
    assert_int_equal(lab_resume_with(lab, result), 200);
}

static void test_authinfo(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    char nonce[BD_NONCE_TEXT + 1], value[512], first[512];
    use(lab, false, false, true);
    lab_send(lab, request(1, "", ""));
    challenge_nonce(lab, nonce);
    struct credentials c = {"MD5", "auth", nonce, URI, "alice", "secret", "", 0xab};
    struct bd_verify_result right = {
        .rspauth_sz = 16, .rspauth = {0x01, 0xff}, .algorithm = BD_ALG_MD5, .qop = BD_QOP_AUTH};
    const char *plain = "qop=auth, rspauth=\"01ff0000000000000000000000000000\", "
                        "cnonce=\"cn\\\"once\", nc=000000ab";
    register_for_authinfo(lab, authorization(&c), 2, &right);
    assert_int_equal(lab->job.authinfo, 1);
    expect_authinfo(lab, plain);

    /* At half of the nonce's life nothing, just above it another nonce, which is a good one. */
    pass_ms(lab, 150000);
    c.nc++;
    register_for_authinfo(lab, authorization(&c), 3, &right);
    assert_null(strstr(lab->reply, "nextnonce"));
    pass_ms(lab, 1);
    c.nc++;
    register_for_authinfo(lab, authorization(&c), 4, &right);
    assert_true(lab_header(lab, "Authentication-Info", 0, first, sizeof(first)));
    char *next = strstr(first, ", nc=000000ad, nextnonce=\"");
    assert_non_null(next);

    /* Its retransmission draws the very same one. */
    pass_ms(lab, 5000);
    register_for_authinfo(lab, authorization(&c), 4, &right);
    assert_int_equal(lab->verdict, BD_SIP_RETRANSMISSION);
    assert_true(lab_header(lab, "Authentication-Info", 0, value, sizeof(value)));
    assert_string_equal(value, first);
    memcpy(nonce, next + strlen(", nc=000000ad, nextnonce=\""), BD_NONCE_TEXT);
    c.nc = 1;
    c.qop = "auth-int";
    right.qop = BD_QOP_AUTH_INT;
    register_for_authinfo(lab, authorization(&c), 5, &right);
    expect_authinfo(lab, "qop=auth-int, rspauth=\"01ff0000000000000000000000000000\", "
                         "cnonce=\"cn\\\"once\", nc=00000001");

    /* A reload that turned it off meanwhile; a result that belongs to other credentials. */
    lab_send(lab, request(6, authorization(&c), ""));
    use(lab, false, false, false);
    assert_int_equal(lab_resume_with(lab, &right), 200);
    expect_authinfo(lab, NULL);
    use(lab, false, false, true);
    right.qop = BD_QOP_AUTH;
    register_for_authinfo(lab, authorization(&c), 7, &right);
    expect_authinfo(lab, NULL);
    right.rspauth_sz = 0;
    register_for_authinfo(lab, authorization(&c), 8, &right);
    expect_authinfo(lab, NULL);
    lab_free(lab);
}

/* What a reload has switched off while a request waited is off for it. */
static void test_reload_meanwhile(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    struct bd_policy_domain settings = lab_settings;
    char nonce[BD_NONCE_TEXT + 1], fields[3072];
    for (unsigned i = 0; i < 2; i++) {
        settings.gruu_enabled = true;
        lab_digest_policy(lab, &settings);
        lab_send(lab, request(2 * i, "", ""));
        challenge_nonce(lab, nonce);
        struct credentials c = {"MD5", "auth", nonce, URI, "alice", "secret", "", 1};
        snprintf(fields, sizeof(fields), "%sRequire: gruu\r\n", authorization(&c));
        lab_send(lab, request(2 * i + 1, fields, ""));
        assert_int_equal(lab->step, BD_STEP_VERIFY);
        settings.gruu_enabled = i == 0;
        lab_digest_policy(lab, &settings);
        assert_int_equal(lab_resume(lab, BD_VERIFY_OK), i == 0 ? 200 : 420);
    }
    lab_free(lab);
}

static void test_too_long(void **state)
{
    (void)state;
    static const char *const formats[] = {
        "Authorization: Digest username=\"%s\", realm=\"" REALM_WIRE "\", nonce=\"%s\", uri=\"" URI
        "\", response=\"00\"" GOOD_REST "\r\n",
        "Authorization: Digest username=\"a\", realm=\"" REALM_WIRE "\", cnonce=\"%s\", "
        "nonce=\"%s\", uri=\"" URI "\", response=\"00\", qop=auth, nc=00000001\r\n",
    };
    struct lab *lab = lab_new(256);
    char nonce[BD_NONCE_TEXT + 1], fields[1024], text[BD_USERNAME_MAX + 2];
    lab_send(lab, request(1, "", ""));
    challenge_nonce(lab, nonce);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(fields, sizeof(fields), formats[i], text, nonce);
        assert_int_equal(lab_send(lab, request(2, fields, "")), 400);
        assert_int_equal(lab->verdict, BD_SIP_BAD_CREDENTIALS_FIELD);
    }
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge),
        cmocka_unit_test(test_challenge_is_repeatable),
        cmocka_unit_test(test_registration),
        cmocka_unit_test(test_empty_body_hash),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_credentials_without_verifier),
        cmocka_unit_test(test_reload_meanwhile),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_without_qop),
        cmocka_unit_test(test_challenge_parameters),
        cmocka_unit_test(test_usernames),
        cmocka_unit_test(test_authinfo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
