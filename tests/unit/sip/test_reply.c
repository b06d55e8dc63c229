/* SPDX-License-Identifier: BSD-3-Clause */
/* The writing cursor, replies and where they go. */
#include <stdio.h>

#include "check.h"
#include "wire.h"

static struct bd_message m;
static char out[2048];

static void parse(const char *text)
{
    bd_message_parse(&m, text, (uint32_t)strlen(text));
}

static struct bd_endpoint endpoint(const char *text)
{
    struct bd_endpoint e;
    assert_true(bd_endpoint_parse(bd_str_from(text), &e));
    return e;
}

static struct bd_str reply(unsigned status, const char *to_tag, const char *source)
{
    struct bd_endpoint from = endpoint(source);
    struct bd_wire w = bd_wire_init(out, sizeof(out));
    bd_reply_begin(&w, &m, status, bd_reason(status), bd_str_from(to_tag), &from);
    bd_reply_end(&w);
    assert_false(w.overflow);
    return (struct bd_str){out, bd_wire_len(&w)};
}

static void test_wire(void **state)
{
    struct bd_wire w = bd_wire_init(out, sizeof(out));
    bd_wire_u32(&w, 0);
    bd_wire_char(&w, ' ');
    bd_wire_u32(&w, UINT32_MAX);
    bd_wire_char(&w, ' ');
    bd_wire_hex(&w, "\x00\xaf\x90", 3);
    bd_wire_put(&w, BD_STR_NULL);
    assert_text(((struct bd_str){out, bd_wire_len(&w)}), "0 4294967295 00af90");
}

static void test_wire_q(void **state)
{
    static const struct {
        uint16_t q;
        const char *text;
    } rows[] = {{1000, "1"},  {0, "0"},     {700, "0.7"},   {125, "0.125"},
                {20, "0.02"}, {1, "0.001"}, {101, "0.101"}, {990, "0.99"}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_wire w = bd_wire_init(out, sizeof(out));
        bd_wire_q(&w, rows[i].q);
        assert_text(((struct bd_str){out, bd_wire_len(&w)}), rows[i].text);
    }
}

/* Nothing is written from the first write on that does not fit, even if a later one would. */
static void test_wire_overflow(void **state)
{
    char small[4];
    struct bd_wire w = bd_wire_init(small, sizeof(small));
    bd_wire_put(&w, BD_STR("abc"));
    assert_false(w.overflow);
    bd_wire_put(&w, BD_STR("de"));
    assert_true(w.overflow);
    bd_wire_char(&w, 'x');
    assert_true(w.overflow);
    assert_int_equal(bd_wire_len(&w), 3);
}

#define HEAD "REGISTER sip:e SIP/2.0\r\n"
#define REST "f: A <sip:a@b>;tag=1\r\nt: <sip:a@b>\r\nI: 1@h\r\nCSEQ: 5  REGISTER\r\n\r\n"
#define REPLY_REST                                                                                 \
    "From: A <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=xy\r\nCall-ID: 1@h\r\nCSeq: 5  REGISTER\r\n"     \
    "Content-Length: 0\r\n\r\n"

static void test_vias(void **state)
{
    static const struct {
        const char *vias, *source, *written;
    } rows[] = {
        /* sent-by is the source: as it came */
        {"Via: SIP/2.0/UDP 198.18.0.2;branch=b\r\n", "198.18.0.2:5060",
         "Via: SIP/2.0/UDP 198.18.0.2;branch=b\r\n"},
        {"v:SIP/2.0/UDP [2001:DB8:0::2]:5060;branch=b\r\n", "[2001:db8::2]:5060",
         "Via: SIP/2.0/UDP [2001:DB8:0::2]:5060;branch=b\r\n"},
        /* 18.2.1: a name, another address */
        {"Via: SIP/2.0/UDP h;branch=b\r\n", "198.18.0.2:5060",
         "Via: SIP/2.0/UDP h;branch=b;received=198.18.0.2\r\n"},
        {"Via: SIP/2.0/UDP h\r\n", "198.18.0.2:5060", "Via: SIP/2.0/UDP h;received=198.18.0.2\r\n"},
        {"Via: SIP/2.0/UDP 10.0.0.1;branch=b\r\n", "[2001:db8::2]:1",
         "Via: SIP/2.0/UDP 10.0.0.1;branch=b;received=2001:db8::2\r\n"},
        /* RFC 3581 4 */
        {"Via: SIP/2.0/UDP 198.18.0.2;rport;branch=b\r\n", "198.18.0.2:4000",
         "Via: SIP/2.0/UDP 198.18.0.2;rport=4000;branch=b;received=198.18.0.2\r\n"},
        {"Via: SIP/2.0/UDP 10.0.0.1 ; Branch = b ; RPort\r\n", "198.18.0.2:4000",
         "Via: SIP/2.0/UDP 10.0.0.1;Branch=b;RPort=4000;received=198.18.0.2\r\n"},
        {"Via: SIP/2.0/UDP h;rport=1;branch=b\r\n", "198.18.0.2:4000",
         "Via: SIP/2.0/UDP h;rport=1;branch=b;received=198.18.0.2\r\n"},
        /* a `received` that the client made up */
        {"Via: SIP/2.0/UDP h;received=192.0.2.9;branch=b\r\n", "198.18.0.2:5060",
         "Via: SIP/2.0/UDP h;branch=b;received=198.18.0.2\r\n"},
        /* the topmost only, and all in order */
        {"Via: SIP/2.0/UDP h;branch=b , SIP/2.0/TCP i;rport\r\nX: y\r\nv: SIP/2.0/UDP j;rport\r\n",
         "198.18.0.2:1",
         "Via: SIP/2.0/UDP h;branch=b;received=198.18.0.2 , SIP/2.0/TCP i;rport\r\n"
         "Via: SIP/2.0/UDP j;rport\r\n"},
        /* mangled */
        {"Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n", "198.18.0.2:1",
         "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[512], want[512];
        snprintf(text, sizeof(text), HEAD "%s" REST, rows[i].vias);
        snprintf(want, sizeof(want), "SIP/2.0 200 OK\r\n%s" REPLY_REST, rows[i].written);
        parse(text);
        assert_text(reply(200, "xy", rows[i].source), want);
    }
}

static void test_to_tag(void **state)
{
    parse(HEAD "Via: SIP/2.0/UDP 198.18.0.2\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\n"
               "CSeq: 5 REGISTER\r\n\r\n");
    assert_text(reply(404, NULL, "198.18.0.2:1"),
                "SIP/2.0 404 Not Found\r\nVia: SIP/2.0/UDP 198.18.0.2\r\nFrom: sip:a@b\r\n"
                "To: sip:a@b\r\nCall-ID: 1\r\nCSeq: 5 REGISTER\r\nContent-Length: 0\r\n\r\n");
    assert_non_null(strstr((reply(404, "t", "198.18.0.2:1"), out), "To: sip:a@b;tag=t\r\n"));
    /* It has one already, or cannot be read. */
    parse(HEAD "Via: SIP/2.0/UDP h\r\nFrom: sip:a@b\r\nTo: sip:a@b;tag=9\r\nCall-ID: 1\r\n"
               "CSeq: 5 REGISTER\r\n\r\n");
    assert_non_null(strstr((reply(404, "t", "198.18.0.2:1"), out), "To: sip:a@b;tag=9\r\n"));
    parse(HEAD "Via: SIP/2.0/UDP h\r\nTo: \"a <sip:a@b>\r\nCSeq: x\r\n\r\n");
    reply(400, "t", "198.18.0.2:1");
    assert_non_null(strstr(out, "SIP/2.0 400 Bad Request\r\n"));
    assert_non_null(strstr(out, "To: \"a <sip:a@b>\r\nCSeq: x\r\nContent-Length: 0\r\n\r\n"));
}

static void test_header(void **state)
{
    struct bd_wire w = bd_wire_init(out, sizeof(out));
    bd_reply_header(&w, BD_STR("Min-Expires"), BD_STR("60"));
    assert_text(((struct bd_str){out, bd_wire_len(&w)}), "Min-Expires: 60\r\n");
}

static void test_overflow(void **state)
{
    struct bd_endpoint source = endpoint("198.18.0.2:1");
    parse(HEAD "Via: SIP/2.0/UDP h;branch=b;rport\r\n" REST);
    uint32_t whole = reply(200, "xy", "198.18.0.2:1").len;
    for (uint32_t cap = 0; cap <= whole; cap++) {
        struct bd_wire w = bd_wire_init(out, cap);
        bd_reply_begin(&w, &m, 200, BD_STR("OK"), BD_STR("xy"), &source);
        bd_reply_end(&w);
        assert_int_equal(w.overflow, cap < whole);
        assert_true(bd_wire_len(&w) <= cap);
    }
}

static void test_destination(void **state)
{
    static const struct {
        const char *via, *source, *destination;
    } rows[] = {
        {"h", "198.18.0.2:4000", "198.18.0.2:5060"},
        {"h:5070", "198.18.0.2:4000", "198.18.0.2:5070"},
        {"h:5070;rport", "198.18.0.2:4000", "198.18.0.2:4000"},
        {"h;rport=9", "198.18.0.2:4000", "198.18.0.2:5060"},
        {"[2001:db8::9];rport", "[2001:db8::2]:4000", "[2001:db8::2]:4000"},
        {"h:5070;maddr=198.18.0.9;rport", "198.18.0.2:4000", "198.18.0.9:5070"},
        {"h;maddr=[2001:db8::9]", "[2001:db8::2]:4000", "[2001:db8::9]:5060"},
        /* An maddr that is not followed: another family, or not one host's address. */
        {"h:5070;maddr=[2001:db8::9];rport", "198.18.0.2:4000", "198.18.0.2:4000"},
        {"h:5070;maddr=198.18.0.9", "[2001:db8::2]:4000", "[2001:db8::2]:5070"},
        {"h;maddr=224.0.1.75", "198.18.0.2:4000", "198.18.0.2:5060"},
        {"h;maddr=255.255.255.255", "198.18.0.2:4000", "198.18.0.2:5060"},
        {"h;maddr=0.0.0.0", "198.18.0.2:4000", "198.18.0.2:5060"},
        {"h;maddr=127.0.0.1", "198.18.0.2:4000", "198.18.0.2:5060"},
        {"h;maddr=[ff02::1]", "[2001:db8::2]:4000", "[2001:db8::2]:5060"},
        {"h;maddr=[::]", "[2001:db8::2]:4000", "[2001:db8::2]:5060"},
        {"h;maddr=[::1]", "[2001:db8::2]:4000", "[2001:db8::2]:5060"},
        {"h;maddr=name.example", "198.18.0.2:4000", "198.18.0.2:5060"},
        {"h;maddr", "198.18.0.2:4000", "198.18.0.2:5060"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[512], got[BD_ENDPOINT_TEXT_MAX];
        snprintf(text, sizeof(text), HEAD "Via: SIP/2.0/UDP %s\r\n" REST, rows[i].via);
        parse(text);
        struct bd_endpoint source = endpoint(rows[i].source);
        struct bd_endpoint to = bd_reply_destination(&m, &source, true);
        bd_endpoint_format(&to, got);
        assert_string_equal(got, rows[i].destination);
        /* Else the host is always that of the source. */
        to = bd_reply_destination(&m, &source, false);
        assert_true(bd_ip_eq(&to.ip, &source.ip));
    }
}

static void test_reasons(void **state)
{
    assert_text(bd_reason(200), "OK");
    assert_text(bd_reason(423), "Interval Too Brief");
    assert_text(bd_reason(299), "Unknown");
    for (int i = 0; i < BD_VERDICT_CNT; i++) {
        if (bd_verdict_info[i].status && same_text(bd_reason(bd_verdict_info[i].status), "Unknown"))
            fail_msg("no reason phrase for %u", bd_verdict_info[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire),          cmocka_unit_test(test_wire_q),
        cmocka_unit_test(test_wire_overflow), cmocka_unit_test(test_vias),
        cmocka_unit_test(test_to_tag),        cmocka_unit_test(test_header),
        cmocka_unit_test(test_overflow),      cmocka_unit_test(test_destination),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
