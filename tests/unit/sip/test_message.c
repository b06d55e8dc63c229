/* SPDX-License-Identifier: BSD-3-Clause */
/* bd_message_parse: header names, start lines, and what each malformation draws. */
#include <stdio.h>

#include "check.h"
#include "corpus.h"
#include "parse.h"

static struct bd_message m;
static struct guarded guarded;

static enum bd_verdict parse(const char *text)
{
    const char *p = guarded_high(&guarded, bd_str_from(text));
    return bd_message_parse(&m, p, (uint32_t)strlen(text));
}

static void assert_same(struct bd_str a, struct bd_str b)
{
    assert_ptr_equal(a.p, b.p);
    assert_int_equal(a.len, b.len);
}

/* To is what it is by itself, every slice within it, whatever it has in common with From. */
static void test_to_like_from(void **state)
{
    static const char *const rows[][2] = {
        {"<sip:1000@example.com>;tag=1", "<sip:1000@example.com>"},
        {"<sip:1000@example.com>;tag=1", "<sip:1000@example.com>;tag=2"},
        {"<sip:1000@example.com>;tag=1", "<sip:1000@example.com> ;x=2"},
        {"<sip:1000@example.com>;tag=1", "<sip:1000@example.com>x"},
        {"<sip:1000@example.com>;tag=1", "<sip:1000@example.com"},
        {"<sip:1000@example.com>;tag=1", "<sip:1001@example.com>"},
        {"<sip:1000@example.com> ;tag=1", "<sip:1000@example.com>"},
        {"<sip:1000@example.com> ;tag=1", "<sip:1000@example.com> ;x"},
        {"\"A;b\" <sip:u:p@[2001:db8::1]:5070;a=b?c=d>;tag=1",
         "\"A;b\" <sip:u:p@[2001:db8::1]:5070;a=b?c=d>"},
        {"A B <sip:198.18.0.1;bnc>;tag=1", "A B <sip:198.18.0.1;bnc>"},
        {"sip:1000@example.com;tag=1", "sip:1000@example.com"},
        {"sip:1000@example.com;tag=1", "sip:1000@example.com;tag=2;x"},
        {"sip:1000@example.com;tag=1", "sip:1000@example.community"},
        {"sip:1000@example.com;tag=1", "sip:1000@example.com?x=y"},
        {"sip:1000@example.com", "sip:1000@example.com;"},
        {"tel:+15550100;tag=1", "tel:+15550100"},
        {"<urn:a:b>;tag=1", "<urn:a:b>"},
        {"<sip:>;tag=1", "<sip:>"},
        {";tag=1", ";tag=1"},
        {";tag=1", "<sip:1000@example.com>"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        struct bd_name_addr to = {0};
        snprintf(text, sizeof(text),
                 "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.1\r\nFrom: %s\r\n"
                 "To: %s\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n",
                 rows[i][0], rows[i][1]);
        parse(text);
        struct bd_str value = bd_header_first(&m, BD_HDR_TO)->value;
        if (!bd_name_addr_parse(value, &to)) {
            assert_null(m.to.text.p);
            continue;
        }
        assert_same(m.to.text, to.text);
        assert_same(m.to.display, to.display);
        assert_same(m.to.params, to.params);
        assert_same(m.to.uri.text, to.uri.text);
        assert_same(m.to.uri.scheme_text, to.uri.scheme_text);
        assert_same(m.to.uri.user, to.uri.user);
        assert_same(m.to.uri.password, to.uri.password);
        assert_same(m.to.uri.host, to.uri.host);
        assert_same(m.to.uri.params, to.uri.params);
        assert_same(m.to.uri.headers, to.uri.headers);
        assert_int_equal(m.to.uri.scheme, to.uri.scheme);
        assert_int_equal(m.to.uri.host_type, to.uri.host_type);
        assert_memory_equal(&m.to.uri.ip, &to.uri.ip, sizeof(to.uri.ip));
        assert_int_equal(m.to.uri.port, to.uri.port);
        assert_int_equal(m.to.uri.bnc, to.uri.bnc);
    }
}

/* Every row of BD_HEADERS: long name in three cases, compact form in two; near misses are others.
 */
static void test_header_ids(void **state)
{
    static const struct {
        const char *name;
        char compact;
    } rows[BD_HDR_CNT] = {
#define X(id, text, letter) [BD_HDR_##id] = {text, letter},
        BD_HEADERS(X)
#undef X
    };
    for (int id = 1; id < BD_HDR_CNT; id++) {
        char name[32];
        snprintf(name, sizeof(name), "%s", rows[id].name);
        struct bd_str s = bd_str_from(name);
        assert_int_equal(bd_header_id(s), id);
        assert_string_equal(bd_header_name[id], name);
        for (char *c = name; *c; c++)
            *c = *c >= 'a' ? (char)(*c ^ 0x20) : *c;
        assert_int_equal(bd_header_id(s), id);
        for (char *c = name; *c; c++)
            *c = bd_lower(*c);
        assert_int_equal(bd_header_id(s), id);
        for (uint32_t i = 0; i < s.len; i++) {
            char was = name[i];
            name[i] = '~';
            assert_int_equal(bd_header_id(s), BD_HDR_OTHER);
            name[i] = was;
        }
        if (s.len > 2) /* "T" is To */
            assert_int_not_equal(bd_header_id((struct bd_str){name, s.len - 1}), id);
        char upper = (char)(rows[id].compact & ~0x20);
        if (rows[id].compact) {
            assert_int_equal(bd_header_id((struct bd_str){&rows[id].compact, 1}), id);
            assert_int_equal(bd_header_id((struct bd_str){&upper, 1}), id);
        }
    }
    assert_int_equal(bd_header_id(BD_STR("b")), BD_HDR_OTHER);
    assert_int_equal(bd_header_id(BD_STR("%")), BD_HDR_OTHER);
    assert_int_equal(bd_header_id(BD_STR("")), BD_HDR_OTHER);
}

static void test_methods(void **state)
{
    for (int i = BD_METHOD_REGISTER; i <= BD_METHOD_UPDATE; i++)
        assert_int_equal(bd_method_id(bd_str_from(bd_method_name[i])), i);
    assert_int_equal(bd_method_id(BD_STR("register")), BD_METHOD_UNKNOWN);
    assert_int_equal(bd_method_id(BD_STR("REGISTERS")), BD_METHOD_UNKNOWN);
    assert_int_equal(bd_method_id(BD_STR("")), BD_METHOD_UNKNOWN);
}

#define REST                                                                                       \
    "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"             \
    "Call-ID: 1@h\r\nCSeq: 1 REGISTER\r\n\r\n"

static void test_start_lines(void **state)
{
    static const struct {
        const char *line;
        enum bd_verdict verdict;
    } rows[] = {
        {"REGISTER sip:e SIP/2.0", BD_VERDICT_NONE},
        {"\r\n\r\nREGISTER sip:e sip/2.0", BD_VERDICT_NONE},
        {"REGISTER tel:+1 SIP/2.0", BD_VERDICT_NONE},
        {"REGISTER SIPS:e SIP/2.0", BD_VERDICT_NONE},
        {"REGISTER xyz:e SIP/2.0", BD_SIP_BAD_SCHEME},
        {"REGISTER sip:e SIP/3.0", BD_SIP_BAD_VERSION},
        {"REGISTER sip:e SIP/2.10", BD_SIP_BAD_VERSION},
        {"REGISTER xyz:\" SIP/1.0", BD_SIP_BAD_VERSION},
        {"REGISTER sip:e SIP/2", BD_SIP_MALFORMED},
        {"REGISTER sip:e SIP/x.0", BD_SIP_MALFORMED},
        {"REGISTER sip:e SIP/2.0 ", BD_SIP_MALFORMED},
        {"REGISTER sip:e  SIP/2.0", BD_SIP_MALFORMED},
        {"REGISTER  sip:e SIP/2.0", BD_SIP_MALFORMED},
        {"REGISTER SIP/2.0", BD_SIP_MALFORMED},
        {"REGISTER  SIP/2.0", BD_SIP_MALFORMED},
        {"REGISTER <sip:e> SIP/2.0", BD_SIP_MALFORMED},
        {"REGISTER sip:a b SIP/2.0", BD_SIP_MALFORMED},
        {"REGISTER sip:e?a=b SIP/2.0", BD_SIP_MALFORMED},
        {"REGISTER e SIP/2.0", BD_SIP_MALFORMED},
        {"REGISTER sip:e", BD_SIP_NOT_SIP},
        {"REGISTER sip:e HTTP/1.1", BD_SIP_NOT_SIP},
        {"REGISTER", BD_SIP_NOT_SIP},
        {"REGISTER ", BD_SIP_NOT_SIP},
        {" REGISTER sip:e SIP/2.0", BD_SIP_NOT_SIP},
        {"REG(ISTER sip:e SIP/2.0", BD_SIP_NOT_SIP},
        {"REGISTER\tsip:e SIP/2.0", BD_SIP_NOT_SIP},
        {"REGISTER sip:\x01 SIP/2.0", BD_SIP_NOT_SIP},
        {"REGISTER sip:e SIP/2.0\n", BD_SIP_NOT_SIP},
        {"SIP/2.0 200 OK", BD_VERDICT_NONE},
        {"SIP/2.0 200 ", BD_VERDICT_NONE},
        {"SIP/2.0 200", BD_SIP_NOT_SIP},
        {"SIP/2.0 099 x", BD_SIP_NOT_SIP},
        {"SIP/2.0 700 x", BD_SIP_NOT_SIP},
        {"SIP/2.0 2000 x", BD_SIP_NOT_SIP},
        {"SIP/2.0  200 x", BD_SIP_NOT_SIP},
        {"SIP/3.0 200 OK", BD_SIP_NOT_SIP},
        {"SIP/2.0", BD_SIP_NOT_SIP},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[512];
        snprintf(text, sizeof(text), "%s\r\n" REST, rows[i].line);
        enum bd_verdict verdict = parse(text);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %d (%s)", rows[i].line, verdict, m.reason ? m.reason : "");
    }
}

static void test_keepalive(void **state)
{
    assert_int_equal(parse(""), BD_SIP_KEEPALIVE);
    assert_int_equal(parse("\r\n"), BD_SIP_KEEPALIVE);
    assert_int_equal(parse("\r\n\r\n"), BD_SIP_KEEPALIVE);
    assert_int_equal(parse("\r\n "), BD_SIP_NOT_SIP);
    assert_int_equal(bd_message_parse(&m, "\0\0\0", 4), BD_SIP_KEEPALIVE);
}

/* One line of a good REGISTER replaced or left out, or one added. `with` NULL leaves `without` out.
 */
static enum bd_verdict parse_changed(const char *without, const char *with)
{
    static const char *const lines[][2] = {
        {"Via", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport\r\n"},
        {"From", "From: <sip:a@b>;tag=1\r\n"},
        {"To", "To: <sip:a@b>\r\n"},
        {"Call-ID", "Call-ID: 1@h\r\n"},
        {"CSeq", "CSeq: 5 REGISTER\r\n"},
        {"Max-Forwards", "Max-Forwards: 70\r\n"},
        {"Content-Length", "Content-Length: 3\r\n"},
    };
    char text[4096] = "REGISTER sip:e SIP/2.0\r\n";
    for (size_t i = 0; i < ROWS(lines); i++) {
        if (strcmp(without, lines[i][0]) != 0)
            strcat(text, lines[i][1]);
    }
    if (with)
        strcat(strcat(text, with), "\r\n");
    strcat(text, "\r\nabc");
    return parse(text);
}

static void test_fields(void **state)
{
    static const struct {
        const char *without, *with;
        enum bd_verdict verdict;
    } rows[] = {
        {"", NULL, BD_VERDICT_NONE},
        {"", "X: \xff\xfe", BD_VERDICT_NONE},
        {"", "X:", BD_VERDICT_NONE},
        {"", "X \t:\r\n y", BD_VERDICT_NONE},
        {"", "X: \"\\\x01\"", BD_VERDICT_NONE},
        {"", "no colon", BD_SIP_MALFORMED},
        {"", ": no name", BD_SIP_MALFORMED},
        {"", "na me: x", BD_SIP_MALFORMED},
        {"", "(X): y", BD_SIP_MALFORMED},
        {"", "X\r\n : y", BD_SIP_MALFORMED},
        {"", "X: a\x01", BD_SIP_MALFORMED},
        {"", "X: a\x7f", BD_SIP_MALFORMED},
        {"", "X: a\rb", BD_SIP_MALFORMED},
        {"", "X: a\nb", BD_SIP_MALFORMED},
        {"", "X: a\\\n", BD_SIP_MALFORMED},
        /* Via */
        {"Via", NULL, BD_SIP_UNADDRESSABLE},
        {"Via", "Via:", BD_SIP_UNADDRESSABLE},
        {"Via", "Via: SIP/2.0/UDP", BD_SIP_UNADDRESSABLE},
        {"Via", "Via: SIP/2.0/UDP 1.2.3.4\x01", BD_SIP_UNADDRESSABLE},
        {"Via", "Via: SIP/2.0/UDP 192.0.2.15;;,;,,", BD_SIP_MALFORMED},
        {"Via", "v:SIP/2.0/UDP h,SIP/2.0/TCP i;x=\",\"", BD_VERDICT_NONE},
        {"", "Via: nonsense", BD_VERDICT_NONE}, /* not the topmost: not ours to judge */
        /* single ones, absent and doubled */
        {"From", NULL, BD_SIP_MALFORMED},
        {"", "f: <sip:a@b>;tag=1", BD_SIP_MALFORMED},
        {"From", "From: <sip:a@b>", BD_VERDICT_NONE}, /* RFC 2543 */
        {"From", "From: <sip:a@b>;tag", BD_SIP_MALFORMED},
        {"From", "From: sip:a@b, sip:c@d", BD_SIP_MALFORMED},
        {"To", NULL, BD_SIP_MALFORMED},
        {"", "To: <sip:a@b>", BD_SIP_MALFORMED},
        {"To", "To: \"a <sip:a@b>", BD_SIP_MALFORMED},
        {"Call-ID", NULL, BD_SIP_MALFORMED},
        {"", "i: 2", BD_SIP_MALFORMED},
        {"Call-ID", "Call-ID:", BD_SIP_MALFORMED},
        {"Call-ID", "Call-ID: @h", BD_SIP_MALFORMED},
        {"Call-ID", "Call-ID: a@", BD_SIP_MALFORMED},
        {"Call-ID", "Call-ID: a@b@c", BD_SIP_MALFORMED},
        {"Call-ID", "Call-ID: a b", BD_SIP_MALFORMED},
        {"Call-ID", "Call-ID: a,b", BD_SIP_MALFORMED},
        {"Call-ID", "Call-ID: <a>\"{}?@[b]", BD_VERDICT_NONE},
        {"CSeq", NULL, BD_SIP_MALFORMED},
        {"", "CSeq: 5 REGISTER", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: 5 INVITE", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: 5 register", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: 5REGISTER", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: 5", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: REGISTER", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: 5 REGISTER x", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: -5 REGISTER", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: 2147483647 REGISTER", BD_VERDICT_NONE},
        {"CSeq", "CSeq: 2147483648 REGISTER", BD_SIP_MALFORMED},
        {"CSeq", "CSeq: 4294967297 REGISTER", BD_SIP_MALFORMED},
        {"CSeq", "cseq:\r\n\t0005\r\n REGISTER", BD_VERDICT_NONE},
        {"Max-Forwards", NULL, BD_VERDICT_NONE},
        {"", "Max-Forwards: 70", BD_SIP_MALFORMED},
        {"Max-Forwards", "Max-Forwards: 255", BD_VERDICT_NONE},
        {"Max-Forwards", "Max-Forwards: 256", BD_SIP_MALFORMED},
        {"Max-Forwards", "Max-Forwards:", BD_SIP_MALFORMED},
        {"Content-Length", NULL, BD_VERDICT_NONE},
        {"", "l: 3", BD_SIP_MALFORMED},
        {"Content-Length", "l: 4", BD_SIP_MALFORMED},
        {"Content-Length", "l: 2", BD_VERDICT_NONE},
        {"Content-Length", "l: -1", BD_SIP_MALFORMED},
        {"Content-Length", "l: five", BD_SIP_MALFORMED},
        {"Content-Length", "l: 4294967299", BD_SIP_MALFORMED},
        {"Content-Length", "l: 1 2", BD_SIP_MALFORMED},
        {"", "Expires: 60\r\nExpires: 60", BD_VERDICT_NONE},
        {"", "Expires: 60\r\nExpires: 61", BD_SIP_MALFORMED},
        {"", "Expires: x", BD_VERDICT_NONE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        enum bd_verdict verdict = parse_changed(rows[i].without, rows[i].with);
        if (verdict != rows[i].verdict)
            fail_msg("without %s, with %s: %d (%s)", rows[i].without,
                     rows[i].with ? rows[i].with : "nothing", verdict, m.reason ? m.reason : "");
    }
}

static void test_values(void **state)
{
    assert_int_equal(parse_changed("Content-Length", "l: 2\r\nExpires: 0099"), BD_VERDICT_NONE);
    assert_int_equal(m.method, BD_METHOD_REGISTER);
    assert_text(m.request_uri.text, "sip:e");
    assert_text(m.via.branch, "z9hG4bK1");
    assert_true(m.via.rport);
    assert_text(m.from_tag, "1");
    assert_text(m.to_tag, NULL);
    assert_text(m.call_id, "1@h");
    assert_int_equal(m.cseq, 5);
    assert_text(m.cseq_method, "REGISTER");
    assert_int_equal(m.max_forwards, 70);
    assert_true(m.has_expires);
    assert_int_equal(m.expires_s, 99);
    assert_text(m.body, "ab");
    assert_null(m.reason);
    assert_int_equal(parse_changed("Max-Forwards", "Expires: -1"), BD_VERDICT_NONE);
    assert_int_equal(m.max_forwards, -1);
    assert_int_equal(m.expires_s, 3600);
    assert_int_equal(parse_changed("Content-Length", NULL), BD_VERDICT_NONE);
    assert_false(m.has_expires);
    assert_text(m.body, "abc");
}

/* Fields of one id are chained in order, whatever form their names have. */
static void test_chain(void **state)
{
    assert_int_equal(
        parse_changed("", "m: <sip:1@h>\r\nX: y\r\nContact: <sip:2@h>\r\nM: <sip:3@h>"),
        BD_VERDICT_NONE);
    const struct bd_header *h = bd_header_first(&m, BD_HDR_CONTACT);
    for (char digit = '1'; digit <= '3'; digit++) {
        assert_non_null(h);
        assert_int_equal(h->value.p[5], digit);
        h = bd_header_next(&m, h);
    }
    assert_null(h);
    assert_null(bd_header_first(&m, BD_HDR_ROUTE));
    assert_text(bd_header_first(&m, BD_HDR_OTHER)->name, "X");
}

static void test_header_limit(void **state)
{
    char extra[1024] = "X: 0";
    for (int i = 8; i < BD_SIP_HEADERS_MAX; i++)
        strcat(extra, "\r\nX: 1");
    assert_int_equal(parse_changed("", extra), BD_VERDICT_NONE);
    assert_int_equal(m.header_cnt, BD_SIP_HEADERS_MAX);
    assert_int_equal(parse_changed("", strcat(extra, "\r\nX: 2")), BD_SIP_MALFORMED);
    assert_string_equal(m.reason, "Too Many Header Fields");
}

/* What stands behind too many lines that are no header fields is not read. */
static void test_bad_lines_limit(void **state)
{
    char extra[256] = "no field";
    for (int i = 1; i < BD_SIP_BAD_LINES_MAX; i++)
        strcat(extra, "\r\nno field");
    char fewer[256];
    snprintf(fewer, sizeof(fewer), "%s\r\nX: y", strstr(extra, "\r\n") + 2);
    assert_int_equal(parse_changed("", fewer), BD_SIP_MALFORMED);
    assert_non_null(bd_header_first(&m, BD_HDR_OTHER));
    parse_changed("", strcat(extra, "\r\nX: y"));
    assert_null(bd_header_first(&m, BD_HDR_OTHER));
    assert_string_equal(m.reason, "Malformed Header Field");
}

static void test_length_limits(void **state)
{
    static char text[BD_SIP_MESSAGE_MAX + 64];
    int len = snprintf(text, sizeof(text), "REGISTER sip:e SIP/2.0\r\n" REST);
    memset(text + len, 'x', sizeof(text) - (size_t)len);
    assert_int_equal(bd_message_parse(&m, text, BD_SIP_MESSAGE_MAX), BD_VERDICT_NONE);
    assert_int_equal(bd_message_parse(&m, text, BD_SIP_MESSAGE_MAX + 1), BD_SIP_TOO_LARGE);
    char call_id[BD_CALL_ID_MAX + 16];
    snprintf(call_id, sizeof(call_id), "Call-ID: %0*d", BD_CALL_ID_MAX, 0);
    assert_int_equal(parse_changed("Call-ID", call_id), BD_VERDICT_NONE);
    assert_int_equal(parse_changed("Call-ID", strcat(call_id, "0")), BD_SIP_MALFORMED);
}

/* Nothing is ever replied to these. */
static void test_mute(void **state)
{
    assert_int_equal(parse("ACK sip:e SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n"),
                     BD_SIP_UNADDRESSABLE);
    assert_int_equal(parse("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n"), BD_SIP_UNADDRESSABLE);
    assert_int_equal(parse("ACK sip:e SIP/3.0\r\nVia: SIP/2.0/UDP h\r\n\r\n"),
                     BD_SIP_UNADDRESSABLE);
}

/* What our own corpus holds, all of it good. */
static void test_corpus(void **state)
{
    static struct corpus corpus;
    corpus_load(&corpus, "", ".sip");
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        enum bd_verdict verdict = bd_message_parse(&m, guarded_high(&guarded, text), text.len);
        if (verdict != BD_VERDICT_NONE)
            fail_msg("%s: %s", corpus.file[i].name, m.reason);
        assert_int_equal(m.method, BD_METHOD_REGISTER);
        struct bd_list list = bd_list_begin(&m, BD_HDR_CONTACT);
        struct bd_str element;
        struct bd_contact contact;
        while (bd_list_next(&list, &element)) {
            if (!bd_contact_parse(element, &contact))
                fail_msg("%s: %.*s", corpus.file[i].name, BD_STR_ARG(element));
        }
        assert_false(list.bad);
        const struct bd_header *h = bd_header_first(&m, BD_HDR_AUTHORIZATION);
        struct bd_credentials c;
        if (h && bd_credentials_parse(h->value, &c) != BD_CREDENTIALS_OK)
            fail_msg("%s: credentials", corpus.file[i].name);
    }
    assert_true(corpus.cnt >= 12);
}

int main(void)
{
    guarded = guarded_new(16384);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_like_from),  cmocka_unit_test(test_header_ids),
        cmocka_unit_test(test_methods),       cmocka_unit_test(test_start_lines),
        cmocka_unit_test(test_keepalive),     cmocka_unit_test(test_fields),
        cmocka_unit_test(test_values),        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_header_limit),  cmocka_unit_test(test_bad_lines_limit),
        cmocka_unit_test(test_length_limits), cmocka_unit_test(test_mute),
        cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
