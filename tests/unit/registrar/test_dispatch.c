/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 3261 8.2: what is served at all, and how the rest is refused. */
#include "lab.h"

#define HEAD(METHOD, URI)                                                                          \
    METHOD " " URI " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"               \
           "From: <sip:alice@example.com>;tag=f1\r\nCall-ID: c1\r\n"
#define PLAIN(METHOD, URI, EXTRA)                                                                  \
    HEAD(METHOD, URI)                                                                              \
    "Max-Forwards: 70\r\nTo: <sip:alice@example.com>\r\nCSeq: 1 " METHOD "\r\n" EXTRA              \
    "Content-Length: 0\r\n\r\n"
#define BODY(METHOD, EXTRA)                                                                        \
    HEAD(METHOD, "sip:example.com")                                                                \
    "To: <sip:alice@example.com>\r\nCSeq: 1 " METHOD "\r\n" EXTRA                                  \
    "Content-Type: application/x-vendor\r\nContent-Length: 4\r\n\r\nbody"
#define REG "REGISTER"
#define US  "sip:example.com"

struct row {
    const char *name, *request;
    unsigned status; /* 0: silence */
    enum bd_verdict verdict;
    const char *header[2], *header2[2];
};

static const struct row rows[] = {
    {"OPTIONS to the domain",
     PLAIN("OPTIONS", US, ""),
     200,
     BD_SIP_OPTIONS,
     {"Allow", "REGISTER, OPTIONS"},
     {"Accept", ""}},
    {"OPTIONS to a user",
     PLAIN("OPTIONS", "sip:nobody@alias.example.com", ""),
     200,
     BD_SIP_OPTIONS,
     {"Supported", "gin"},
     {"Accept-Encoding", "identity"}},
    {"OPTIONS to the address", PLAIN("OPTIONS", "sip:198.18.0.9", ""), 200, BD_SIP_OPTIONS},
    {"OPTIONS to elsewhere", PLAIN("OPTIONS", "sip:elsewhere.example", ""), 404, BD_SIP_NOT_FOUND},
    {"OPTIONS to elsewhere, Max-Forwards 0 (11)",
     HEAD("OPTIONS", "sip:elsewhere.example") "To: <sip:a@elsewhere.example>\r\n"
                                              "CSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\n\r\n",
     200, BD_SIP_OPTIONS},
    {"OPTIONS in a dialog that does not exist (12.2.2)",
     HEAD("OPTIONS", US) "To: <sip:example.com>;tag=d\r\nCSeq: 1 OPTIONS\r\n\r\n", 481,
     BD_SIP_NO_TRANSACTION},
    {"REGISTER with a To tag is tolerated",
     HEAD(REG, US) "To: <sip:alice@example.com>;tag=d\r\nCSeq: 1 REGISTER\r\n\r\n",
     200,
     BD_SIP_QUERIED,
     {"To", "<sip:alice@example.com>;tag=d"}},
    {"REGISTER with Max-Forwards 0",
     HEAD(REG, US) "To: <sip:alice@example.com>\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 0\r\n\r\n",
     200, BD_SIP_QUERIED},
    {"REGISTER to another domain", PLAIN(REG, "sip:elsewhere.example", ""), 404, BD_SIP_NOT_FOUND},
    {"REGISTER with a Route to elsewhere, to another domain",
     PLAIN(REG, "sip:elsewhere.example", "Route: <sip:198.18.0.1;lr>\r\n"), 404, BD_SIP_NOT_FOUND},
    {"INVITE",
     PLAIN("INVITE", US, ""),
     405,
     BD_SIP_METHOD_NOT_ALLOWED,
     {"Allow", "REGISTER, OPTIONS"}},
    {"BYE", PLAIN("BYE", US, ""), 405, BD_SIP_METHOD_NOT_ALLOWED},
    {"SUBSCRIBE", PLAIN("SUBSCRIBE", US, "Require: x\r\n"), 405, BD_SIP_METHOD_NOT_ALLOWED},
    {"an unknown method", PLAIN("FROBNICATE", US, ""), 501, BD_SIP_UNKNOWN_METHOD},
    {"methods know case", PLAIN("register", US, ""), 501, BD_SIP_UNKNOWN_METHOD},
    {"CANCEL", PLAIN("CANCEL", US, "Require: x\r\n"), 481, BD_SIP_NO_TRANSACTION},
    {"ACK", PLAIN("ACK", US, "Require: x\r\n"), 0, BD_SIP_ACK},
    {"Require",
     PLAIN(REG, US, "Require: 100rel, foo\r\n"),
     420,
     BD_SIP_BAD_EXTENSION,
     {"Unsupported", "100rel, foo"}},
    {"Require and Proxy-Require: each role names its own (RFC 4475 3.3.5)",
     PLAIN("OPTIONS", US, "Require: 100rel\r\nProxy-Require: sec-agree\r\n"),
     420,
     BD_SIP_BAD_EXTENSION,
     {"Unsupported", "100rel"}},
    {"OPTIONS that require what the domain has switched off",
     PLAIN("OPTIONS", US, "Require: outbound, gin, path\r\n"),
     420,
     BD_SIP_BAD_EXTENSION,
     {"Unsupported", "outbound, path"}},
    {"Require of what nobody knows, and of what the domain has switched off",
     PLAIN(REG, US, "Require: gruu, foo, path, gin\r\n"),
     420,
     BD_SIP_BAD_EXTENSION,
     {"Unsupported", "gruu, foo, path"}},
    {"Proxy-Require is for proxies", PLAIN(REG, US, "Proxy-Require: sec-agree\r\n"), 200,
     BD_SIP_QUERIED},
    {"Require that is no list of tokens", PLAIN(REG, US, "Require: a b\r\n"), 400,
     BD_SIP_MALFORMED},
    {"Supported is no demand", PLAIN(REG, US, "Supported: path, gruu, outbound\r\n"), 200,
     BD_SIP_QUERIED},
    {"a body is ignored", BODY(REG, ""), 200, BD_SIP_QUERIED},
    {"a body that must be understood (8.2.3)",
     BODY(REG, "Content-Disposition: x;handling=required\r\n"),
     415,
     BD_SIP_UNSUPPORTED_MEDIA,
     {"Accept", ""},
     {"Accept-Encoding", "identity"}},
    {"a coded body", BODY(REG, "Content-Encoding: gzip\r\n"), 415, BD_SIP_UNSUPPORTED_MEDIA},
    {"a coded body that is optional",
     BODY(REG, "Content-Encoding: gzip\r\nContent-Disposition: x; handling = optional\r\n"), 200,
     BD_SIP_QUERIED},
    {"a body in the identity coding", BODY(REG, "Content-Encoding: Identity\r\n"), 200,
     BD_SIP_QUERIED},
    {"a Request-URI of no known scheme", PLAIN(REG, "http://example.com", ""), 416,
     BD_SIP_BAD_SCHEME},
    {"another version",
     "REGISTER sip:example.com SIP/3.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n"
     "From: <sip:a@example.com>;tag=f\r\nTo: <sip:a@example.com>\r\nCall-ID: c\r\n"
     "CSeq: 1 REGISTER\r\n\r\n",
     505, BD_SIP_BAD_VERSION},
    {"CSeq of another method",
     HEAD(REG, US) "To: <sip:alice@example.com>\r\nCSeq: 1 OPTIONS\r\n\r\n", 400, BD_SIP_MALFORMED},
    {"a malformed ACK is not answered either",
     HEAD("ACK", US) "To: <sip:alice@example.com>\r\nCSeq: 1 OPTIONS\r\n\r\n", 0, BD_SIP_ACK},
    {"a response",
     "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
     "From: <sip:a@example.com>;tag=f\r\nTo: <sip:a@example.com>;tag=t\r\nCall-ID: c\r\n"
     "CSeq: 1 REGISTER\r\n\r\n",
     0, BD_SIP_RESPONSE},
    {"a keep-alive", "\r\n\r\n", 0, BD_SIP_KEEPALIVE},
    {"no Via",
     "REGISTER sip:example.com SIP/2.0\r\nFrom: <sip:a@example.com>;tag=f\r\n"
     "To: <sip:a@example.com>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n",
     0, BD_SIP_UNADDRESSABLE},
    {"not SIP", "GET / HTTP/1.1\r\n\r\n", 0, BD_SIP_NOT_SIP},
    {"trusted: nobody provisioned it",
     HEAD(REG, "sip:trusted.example") "To: <sip:alice@trusted.example>\r\n"
                                      "CSeq: 1 REGISTER\r\n\r\n",
     403, BD_SIP_UNTRUSTED},
};

static void expect_header(const struct lab *lab, const char *row, const char *const header[2])
{
    char got[512];
    if (!header[0])
        return;
    if (!lab_header(lab, header[0], 0, got, sizeof(got)) || strcmp(got, header[1]) != 0)
        fail_msg("%s: no %s: %s\n%s", row, header[0], header[1], lab->reply);
}

static void test_rows(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    lab_policy(lab, &lab_settings, false);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        unsigned status = lab_send(lab, row->request);
        if (status != row->status || lab->verdict != row->verdict)
            fail_msg("%s: %u %s instead of %u %s\n%s", row->name, status,
                     bd_verdict_info[lab->verdict].text, row->status,
                     bd_verdict_info[row->verdict].text, lab->reply);
        expect_header(lab, row->name, row->header);
        expect_header(lab, row->name, row->header2);
    }
    lab_free(lab);
}

/* 8.2.7: a retransmission draws the same bytes, another request another To tag. */
static void test_replies_are_repeatable(void **state)
{
    (void)state;
    static char first[LAB_REPLY_MAX], to[256], again[256];
    struct lab *lab = lab_new(256);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (lab_send(lab, rows[i].request) == 0)
            continue;
        strcpy(first, lab->reply);
        lab->now_ms += 400;
        lab->wall_ms += 400;
        lab_send(lab, rows[i].request);
        lab->wall_ms -= 400;
        assert_string_equal(lab->reply, first);
    }
    lab_send(lab, PLAIN("OPTIONS", US, ""));
    assert_true(lab_header(lab, "To", 0, to, sizeof(to)));
    lab->source.port++;
    lab_send(lab, PLAIN("OPTIONS", US, ""));
    assert_true(lab_header(lab, "To", 0, again, sizeof(again)));
    assert_string_not_equal(to, again);
    lab_free(lab);
}

static struct bd_hash128 aor_hash(const struct lab *lab, const char *aor)
{
    return bd_hash128(&lab->arena.hash_key, aor, strlen(aor));
}

#define TRUSTED(USER)                                                                              \
    HEAD(REG, "sip:trusted.example")                                                               \
    "To: <sip:" USER "@trusted.example>\r\n"                                                       \
    "CSeq: 1 REGISTER\r\n\r\n"

static void test_trusted(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    struct bd_epoch *epoch = lab->table.epoch;
    struct bd_provision domain = {.has_prefix = false}, own = {.has_prefix = true};
    assert_true(bd_prefix_parse(BD_STR("203.0.113.7"), &own.prefix));
    bd_provisioned_put(&lab->arena, epoch, aor_hash(lab, "dom@trusted.example"), &domain);
    bd_provisioned_put(&lab->arena, epoch, aor_hash(lab, "own@trusted.example"), &own);
    static const struct {
        const char *source, *request;
        unsigned status;
    } cases[] = {
        {"192.0.2.1:5060", TRUSTED("dom"), 200},    {"192.0.2.200:9", TRUSTED("dom"), 200},
        {"192.0.3.1:5060", TRUSTED("dom"), 403},    {"192.0.2.1:5060", TRUSTED("own"), 403},
        {"203.0.113.7:5060", TRUSTED("own"), 200},  {"203.0.113.7:5060", TRUSTED("dom"), 403},
        {"192.0.2.1:5060", TRUSTED("nobody"), 403}, {"[2001:db8::1]:5060", TRUSTED("dom"), 403},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(bd_endpoint_parse(bd_str_from(cases[i].source), &lab->source));
        assert_int_equal(lab_send(lab, cases[i].request), cases[i].status);
    }
    lab_free(lab);
}

static void test_refuse(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    struct bd_policy_domain settings = lab_settings;
    settings.retry_after_s = 31;
    lab_policy(lab, &settings, true);
    lab_send(lab, PLAIN(REG, US, ""));
    struct bd_request request = {.message = &lab->message,
                                 .turn = &lab->turn,
                                 .parsed = BD_VERDICT_NONE,
                                 .source = lab->source,
                                 .local = lab->local,
                                 .policy = lab->policy};
    struct bd_wire w = bd_wire_init(lab->reply, LAB_REPLY_MAX);
    enum bd_verdict verdict = BD_SIP_VERIFIER_BUSY;
    assert_true(bd_registrar_refuse(lab->registrar, &request, &verdict, &w));
    lab->reply[bd_wire_len(&w)] = 0;
    assert_non_null(strstr(lab->reply, "SIP/2.0 503 Service Unavailable\r\n"));
    char value[16];
    assert_true(lab_header(lab, "Retry-After", 0, value, sizeof(value)));
    assert_in_range(atoi(value), 31, 61);
    lab_free(lab);
}

/* Every one-byte change of a full request ends in a named verdict and, if at all, in a whole reply.
 * The parser's own tests go deeper; here the steps behind it meet what it lets through. */
static void test_mutations(void **state)
{
    (void)state;
    static const char original[] =
        HEAD(REG, "sip:digest.example") "Max-Forwards: 70\r\nTo: "
                                        "<sip:alice@digest.example>\r\nCSeq: 1 REGISTER\r\n"
                                        "Route: <sip:198.18.0.1;lr>\r\nContact: \"A\" "
                                        "<sip:alice@192.0.2.1;ob>;q=0.5;"
                                        "+sip.instance=\"<urn:uuid:1>\";expires=600, "
                                        "<tel:+1201>\r\nSupported: path\r\n"
                                        "Authorization: Digest username=\"alice\", realm=\"a "
                                        "\\\"quoted\\\" realm\", "
                                        "nonce=\"00\", uri=\"sip:digest.example\", "
                                        "response=\"00\", qop=auth-int, "
                                        "cnonce=\"c\", nc=00000001\r\nContent-Length: 2\r\n\r\nhi";
    static const char bytes[] = {1,   '\t', '\n', ' ', '"', '%',  ',',        '0',       ':',
                                 ';', '<',  '>',  '@', 'A', '\\', (char)0x80, (char)0xff};
    struct lab *lab = lab_new(256);
    char text[sizeof(original)];
    assert_int_equal(lab_send(lab, original), 401);
    assert_int_equal(lab->verdict, BD_SIP_BAD_NONCE);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 200);
    for (unsigned at = 0; at < sizeof(original) - 1; at++) {
        for (unsigned k = 0; k < sizeof(bytes); k++) {
            memcpy(text, original, sizeof(original));
            text[at] = bytes[k];
            unsigned status = lab_send(lab, text);
            if (lab->step == BD_STEP_VERIFY)
                status = lab_resume(lab, BD_VERIFY_OK);
            assert_true(lab->verdict < BD_VERDICT_CNT);
            assert_int_equal(status == 0, bd_verdict_info[lab->verdict].status == 0);
            assert_true(status == 0 || strcmp(lab->reply + lab->reply_len - 4, "\r\n\r\n") == 0);
            if (lab->verdict == BD_SIP_BAD_NONCE)
                assert_true(lab_resume(lab, BD_VERIFY_OK) > 0); /* and on to the Contacts */
        }
    }
    lab_free(lab);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        uint64_t second;
        const char *text;
    } dates[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"},
        {1893455999, "Mon, 31 Dec 2029 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
    };
    struct lab *lab = lab_new(256);
    char got[64];
    for (unsigned i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        lab->wall_ms = dates[i].second * 1000 + 999;
        lab_send(lab, PLAIN(REG, US, ""));
        assert_true(lab_header(lab, "Date", 0, got, sizeof(got)));
        assert_string_equal(got, dates[i].text);
    }
    lab_free(lab);
}

/* 10.3: a registrar never sends a 6xx; nor 1xx (8.2.7), and nothing here redirects. */
static void test_classes_of_status(void **state)
{
    (void)state;
    for (unsigned v = 0; v < BD_VERDICT_CNT; v++) {
        unsigned class = bd_verdict_info[v].status / 100;
        bool redirects = v == BD_SIP_REDIRECTED; /* no answer to a REGISTER */
        assert_true(class == 0 || class == 2 || class == (redirects ? 3 : 4) || class == 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_replies_are_repeatable),
        cmocka_unit_test(test_trusted),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_classes_of_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
