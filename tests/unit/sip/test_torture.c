/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of RFC 4475 and RFC 5118, each with what becomes of it. NONE: it parses, and whether
 * it is served is the registrar's to say; why, where that is not plain. */
#include <stdio.h>

#include "check.h"
#include "corpus.h"
#include "exercise.h"

#define NONE          BD_VERDICT_NONE
#define MALFORMED     BD_SIP_MALFORMED
#define UNADDRESSABLE BD_SIP_UNADDRESSABLE

static const struct row {
    const char *name;
    enum bd_verdict verdict;
} rows[] = {
    /* RFC 4475 3.1.1: valid */
    {"rfc4475/wsinv", NONE},
    {"rfc4475/intmeth", NONE}, /* an unknown method */
    {"rfc4475/esc01", NONE},
    {"rfc4475/escnull", NONE},
    {"rfc4475/esc02", NONE}, /* an unknown method, however it unescapes */
    {"rfc4475/lwsdisp", NONE},
    {"rfc4475/longreq", NONE},
    {"rfc4475/dblreq", NONE}, /* the second request is cut off */
    {"rfc4475/semiuri", NONE},
    {"rfc4475/transports", NONE},
    {"rfc4475/mpart01", NONE},
    {"rfc4475/unreason", NONE}, /* a response */
    {"rfc4475/noreason", NONE},
    /* RFC 4475 3.1.2: invalid */
    {"rfc4475/badinv01", MALFORMED},
    {"rfc4475/clerr", MALFORMED},
    {"rfc4475/ncl", MALFORMED},
    {"rfc4475/scalar02", MALFORMED},
    {"rfc4475/scalarlg", UNADDRESSABLE}, /* a response: discarded */
    {"rfc4475/quotbal", MALFORMED},
    {"rfc4475/ltgtruri", MALFORMED},
    {"rfc4475/lwsruri", MALFORMED},
    {"rfc4475/lwsstart", MALFORMED},
    {"rfc4475/trws", MALFORMED},
    {"rfc4475/escruri", MALFORMED},
    {"rfc4475/baddate", NONE},  /* nobody here reads Date */
    {"rfc4475/regbadct", NONE}, /* the registrar reads Contact: 400 */
    {"rfc4475/badaspec", MALFORMED},
    {"rfc4475/baddn", MALFORMED},
    {"rfc4475/badvers", BD_SIP_BAD_VERSION},
    {"rfc4475/mismatch01", MALFORMED},
    {"rfc4475/mismatch02", NONE}, /* 501 is better than 400, says 3.1.2.18 */
    {"rfc4475/bigcode", BD_SIP_NOT_SIP},
    /* RFC 4475 3.2 */
    {"rfc4475/badbranch", NONE}, /* as RFC 2543 branches go */
    /* RFC 4475 3.3 */
    {"rfc4475/insuf", MALFORMED},
    {"rfc4475/unkscm", BD_SIP_BAD_SCHEME},
    {"rfc4475/novelsc", BD_SIP_BAD_SCHEME},
    {"rfc4475/unksm2", NONE}, /* the registrar wants a SIP AoR: 400 */
    {"rfc4475/bext01", NONE}, /* 420 by the registrar */
    {"rfc4475/invut", NONE},
    {"rfc4475/regaut01", NONE},
    {"rfc4475/multi01", MALFORMED},
    {"rfc4475/mcl01", MALFORMED},
    {"rfc4475/bcast", NONE}, /* a response: discarded */
    {"rfc4475/zeromf", NONE},
    {"rfc4475/cparam01", NONE},
    {"rfc4475/cparam02", NONE},
    {"rfc4475/regescrt", NONE},
    {"rfc4475/sdp01", NONE},
    /* RFC 4475 3.4 */
    {"rfc4475/inv2543", NONE},
    /* In the archive beside the RFC's messages: no version, no Via. */
    {"rfc4475/test", BD_SIP_NOT_SIP},
    /* RFC 5118 4 */
    {"rfc5118/ipv6-good", NONE},
    {"rfc5118/ipv6-bad", MALFORMED},
    {"rfc5118/port-ambiguous", NONE},
    {"rfc5118/port-unambiguous", NONE},
    {"rfc5118/via-received-param-with-delim", NONE},
    {"rfc5118/via-received-param-no-delim", NONE},
    {"rfc5118/ipv6-in-sdp", MALFORMED}, /* its Content-Length is 17 more than the body printed */
    {"rfc5118/mult-ip-in-header", NONE},
    {"rfc5118/mult-ip-in-sdp", NONE},
    {"rfc5118/ipv4-mapped-ipv6", NONE},
    {"rfc5118/ipv6-bug-abnf-3-colons", NONE},
    {"rfc5118/ipv6-correct-abnf-2-colons", NONE},
};

static struct corpus corpus;
static struct guarded guarded;
static struct bd_message m;

static void test_verdicts(void **state)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char name[96];
        snprintf(name, sizeof(name), "torture/%s.dat", rows[i].name);
        const struct corpus_file *file = corpus_find(&corpus, name);
        assert_non_null(file);
        const char *p = guarded_high(&guarded, file->text);
        enum bd_verdict verdict = exercise(p, file->text.len);
        bd_message_parse(&m, p, file->text.len);
        if (verdict != rows[i].verdict) {
            print_error("%s: %s (%s)\n", name,
                        verdict == NONE ? "parsed" : bd_verdict_info[verdict].text,
                        m.reason ? m.reason : "");
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(corpus.cnt, ROWS(rows));
}

static void parse(const char *name)
{
    const struct corpus_file *file = corpus_find(&corpus, name);
    assert_non_null(file);
    bd_message_parse(&m, guarded_high(&guarded, file->text), file->text.len);
}

/* 3.1.1.1: what the whitespace of a tortuous INVITE hides. */
static void test_wsinv(void **state)
{
    parse("torture/rfc4475/wsinv.dat");
    assert_int_equal(m.method, BD_METHOD_INVITE);
    assert_text(m.to_tag, "1918181833n");
    assert_text(m.from_tag, "98asjd8");
    assert_text(m.from.display, "\"J Rosenberg \\\\\\\"\"");
    assert_int_equal(m.max_forwards, 68);
    assert_int_equal(m.cseq, 9);
    assert_text(m.cseq_method, "INVITE");
    assert_text(m.via.transport, "UDP");
    assert_text(m.via.host, "192.0.2.2");
    assert_text(m.via.branch, "390skdjuw");
    assert_int_equal(m.body.len, 150);
    struct bd_list list = bd_list_begin(&m, BD_HDR_VIA);
    struct bd_str element;
    unsigned cnt = 0;
    while (bd_list_next(&list, &element))
        cnt++;
    assert_int_equal(cnt, 3);
    assert_false(list.bad);
    list = bd_list_begin(&m, BD_HDR_CONTACT);
    struct bd_contact contact = {.q_milli = 0};
    assert_true(bd_list_next(&list, &element) && bd_contact_parse(element, &contact));
    assert_int_equal(contact.q_milli, 330);
    assert_text(contact.addr.display, "\"Quoted string \\\"\\\"\"");
}

/* 3.1.1.4: NUL inside a URI does not end it. */
static void test_escnull(void **state)
{
    char key[BD_AOR_MAX];
    parse("torture/rfc4475/escnull.dat");
    uint32_t len = bd_aor_canonical(&m.to.uri, BD_STR_NULL, false, key, sizeof(key));
    assert_text(((struct bd_str){key, len}), "null-%00-null@example.com");
}

/* 3.3.12 and 13: on which side of the bracket unknownparam is. */
static void test_cparam(void **state)
{
    struct bd_contact contact;
    parse("torture/rfc4475/cparam01.dat");
    assert_true(bd_contact_parse(bd_header_first(&m, BD_HDR_CONTACT)->value, &contact));
    assert_text(contact.addr.uri.params, NULL);
    assert_text(contact.addr.params, "unknownparam");
    parse("torture/rfc4475/cparam02.dat");
    assert_true(bd_contact_parse(bd_header_first(&m, BD_HDR_CONTACT)->value, &contact));
    assert_text(contact.addr.uri.params, "unknownparam");
    assert_text(contact.addr.params, NULL);
    parse("torture/rfc4475/regescrt.dat");
    assert_true(bd_contact_parse(bd_header_first(&m, BD_HDR_CONTACT)->value, &contact));
    assert_text(contact.addr.uri.headers, "Route=%3Csip:sip.example.com%3E");
    parse("torture/rfc4475/regbadct.dat");
    assert_false(bd_contact_parse(bd_header_first(&m, BD_HDR_CONTACT)->value, &contact));
    parse("torture/rfc4475/badinv01.dat");
    assert_false(bd_contact_parse(bd_header_first(&m, BD_HDR_CONTACT)->value, &contact));
    parse("torture/rfc4475/scalar02.dat");
    assert_true(bd_contact_parse(bd_header_first(&m, BD_HDR_CONTACT)->value, &contact));
    assert_int_equal(contact.expires_s, 3600);
    assert_int_equal(m.expires_s, 3600);
}

static void test_dblreq_is_cut(void **state)
{
    parse("torture/rfc4475/dblreq.dat");
    assert_int_equal(m.method, BD_METHOD_REGISTER);
    assert_int_equal(m.body.len, 0);
    assert_int_equal(m.header_cnt, 8);
}

/* RFC 5118 4.10: with three colons or two, it is one address. */
static void test_three_colons(void **state)
{
    parse("torture/rfc5118/ipv6-bug-abnf-3-colons.dat");
    struct bd_ip three = m.to.uri.ip;
    parse("torture/rfc5118/ipv6-correct-abnf-2-colons.dat");
    assert_true(bd_ip_eq(&three, &m.to.uri.ip));
}

int main(void)
{
    corpus_load(&corpus, "torture/rfc4475/", ".dat");
    corpus_load(&corpus, "torture/rfc5118/", ".dat");
    guarded = guarded_new(65536);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),      cmocka_unit_test(test_wsinv),
        cmocka_unit_test(test_escnull),       cmocka_unit_test(test_cparam),
        cmocka_unit_test(test_dblreq_is_cut), cmocka_unit_test(test_three_colons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
