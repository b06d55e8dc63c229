/* SPDX-License-Identifier: BSD-3-Clause */
/* STUN on the SIP port: RFC 8489's messages byte by byte, and keep-alives that say nothing. */
#include "stun.h"

#include "check.h"
#include "corpus.h"

#define COOKIE "\x21\x12\xa4\x42"
/* The transaction ID of RFC 5769. */
#define ID "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
#define V4 "192.0.2.1:32853"
#define V6 "[2001:db8:1234:5678:11:2233:4455:6677]:32853"

static struct guarded guarded;
static char out[2048];

struct row {
    const char *what;
    struct bd_str in;
    const char *source;
    enum bd_verdict verdict;
    struct bd_str answer;
};

#define B(literal)                                                                                 \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static const struct row rows[] = {
    {"a bare request", B("\x00\x01\x00\x00" COOKIE ID), V4, BD_SIP_STUN_BINDING,
     B("\x01\x01\x00\x0c" COOKIE ID "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43")},
    {"a bare request by IPv6", B("\x00\x01\x00\x00" COOKIE ID), V6, BD_SIP_STUN_BINDING,
     B("\x01\x01\x00\x18" COOKIE ID "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1"
       "\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9")},
    {"optional, known and padded attributes are passed over",
     B("\x00\x01\x00\x14" COOKIE ID "\x80\x22\x00\x05"
       "sipsi\0\0\0"
       "\x00\x06\x00\x01"
       "u\0\0\0"),
     V4, BD_SIP_STUN_BINDING,
     B("\x01\x01\x00\x0c" COOKIE ID "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43")},
    {"CHANGE-REQUEST is unknown here", B("\x00\x01\x00\x08" COOKIE ID "\x00\x03\x00\x04\0\0\0\6"),
     V4, BD_SIP_STUN_REFUSED,
     B("\x01\x11\x00\x24" COOKIE ID "\x00\x09\x00\x15\0\0\x04\x14"
       "Unknown Attribute\0\0\0"
       "\x00\x0a\x00\x02\x00\x03\0\0")},
    {"two unknown ones", B("\x00\x01\x00\x08" COOKIE ID "\x00\x03\0\0\x7f\xff\0\0"), V4,
     BD_SIP_STUN_REFUSED,
     B("\x01\x11\x00\x24" COOKIE ID "\x00\x09\x00\x15\0\0\x04\x14"
       "Unknown Attribute\0\0\0"
       "\x00\x0a\x00\x04\x00\x03\x7f\xff")},
    {"behind MESSAGE-INTEGRITY nothing is looked at",
     B("\x00\x01\x00\x1c" COOKIE ID "\x00\x08\x00\x14"
       "12345678901234567890"
       "\x00\x03\0\0"),
     V4, BD_SIP_STUN_BINDING,
     B("\x01\x01\x00\x0c" COOKIE ID "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43")},
    {"an indication", B("\x00\x11\x00\x00" COOKIE ID), V4, BD_SIP_KEEPALIVE, B("")},
    {"an indication with an unknown attribute", B("\x00\x11\x00\x04" COOKIE ID "\x00\x03\0\0"), V4,
     BD_SIP_STUN_BAD, B("")},
    {"a response", B("\x01\x01\x00\x00" COOKIE ID), V4, BD_SIP_STUN_BAD, B("")},
    {"another method", B("\x00\x03\x00\x00" COOKIE ID), V4, BD_SIP_STUN_BAD, B("")},
    {"a length that is not the datagram's", B("\x00\x01\x00\x04" COOKIE ID), V4, BD_SIP_STUN_BAD,
     B("")},
    {"half an attribute header", B("\x00\x01\x00\x02" COOKIE ID "\x80\x22"), V4, BD_SIP_STUN_BAD,
     B("")},
    {"an attribute beyond the end", B("\x00\x01\x00\x04" COOKIE ID "\x80\x22\x00\x01"), V4,
     BD_SIP_STUN_BAD, B("")},
    {"a wrong FINGERPRINT",
     B("\x00\x01\x00\x08" COOKIE ID "\x80\x28\x00\x04"
       "1234"),
     V4, BD_SIP_STUN_BAD, B("")},
};

static struct bd_str answer(struct bd_str in, const char *source, enum bd_verdict *verdict)
{
    struct bd_endpoint from;
    assert_true(bd_endpoint_parse(bd_str_from(source), &from));
    struct bd_wire w = bd_wire_init(out, sizeof(out));
    const char *p = guarded_high(&guarded, in);
    assert_true(bd_stun_is(p, in.len));
    *verdict = bd_stun_answer(p, in.len, &from, &w);
    return (struct bd_str){out, bd_wire_len(&w)};
}

static void test_messages(void **state)
{
    for (size_t i = 0; i < ROWS(rows); i++) {
        enum bd_verdict verdict;
        struct bd_str got = answer(rows[i].in, rows[i].source, &verdict);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %s", rows[i].what, bd_verdict_info[verdict].text);
        if (!bd_str_eq(got, rows[i].answer))
            fail_msg("%s: another answer of %u bytes", rows[i].what, got.len);
    }
}

/* The sample request of RFC 5769 2.1 has a FINGERPRINT, and PRIORITY and ICE-CONTROLLED, of which
 * the first is unknown to this usage: refused, with a FINGERPRINT that is right. */
static void test_fingerprint(void **state)
{
    static const char sample[] =
        "\x00\x01\x00\x58" COOKIE ID "\x80\x22\x00\x10"
        "STUN test client"
        "\x00\x24\x00\x04"
        "\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09"
        "\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\x0c"
        "\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04"
        "\xe5\x7a\x3b\xcf";
    enum bd_verdict verdict;
    struct bd_str got = answer((struct bd_str){sample, sizeof(sample) - 1}, V4, &verdict);
    assert_int_equal(verdict, BD_SIP_STUN_REFUSED);
    assert_int_equal(got.len, 20 + 36 + 8);
    assert_memory_equal(got.p, "\x01\x11\x00\x2c", 4);
    for (uint32_t i = 0; i < sizeof(sample) - 1; i++) {
        char bad[sizeof(sample)];
        memcpy(bad, sample, sizeof(sample));
        bad[i] ^= 1;
        if (!bd_stun_is(bad, sizeof(sample) - 1))
            continue;
        answer((struct bd_str){bad, sizeof(sample) - 1}, V4, &verdict);
        assert_int_not_equal(verdict, BD_SIP_STUN_BINDING);
    }
}

/* A request with nothing but a FINGERPRINT gets one back that a second reader finds right. */
static void test_fingerprint_of_the_answer(void **state)
{
    /* zlib's crc32 of the first 20 bytes, XOR 0x5354554e */
    static const char in[] = "\x00\x01\x00\x08" COOKIE "abcdefghijkl"
                             "\x80\x28\x00\x04"
                             "\x3f\x07\x24\xbd";
    static const char want[] = "\x01\x01\x00\x14" COOKIE "abcdefghijkl"
                               "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\x80\x28\x00\x04"
                               "\x87\xa3\x78\xbe";
    enum bd_verdict verdict;
    struct bd_str got = answer((struct bd_str){in, sizeof(in) - 1}, V4, &verdict);
    assert_int_equal(verdict, BD_SIP_STUN_BINDING);
    assert_true(bd_str_eq(got, (struct bd_str){want, sizeof(want) - 1}));
}

/* Any prefix, any byte changed, any room: nothing outside is read or written. */
static void test_hostile(void **state)
{
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_str in = rows[i].in;
        struct bd_endpoint from;
        bd_endpoint_parse(bd_str_from(V4), &from);
        for (uint32_t len = BD_STUN_HEADER; len <= in.len; len++) {
            for (uint32_t at = 0; at < len; at++) {
                char *p = guarded_high(&guarded, (struct bd_str){in.p, len});
                p[at] = (char)(p[at] + 1);
                struct bd_wire w = bd_wire_init(out, at);
                bd_stun_answer(p, len, &from, &w);
            }
        }
    }
}

/* Requests with any number of unknown attributes, of any length: in tenths of the request's bytes.
 */
static void test_answers_are_hardly_larger(void **state)
{
    unsigned most = 0;
    for (unsigned cnt = 0; cnt <= 40; cnt++) {
        for (unsigned len = 0; len <= 16; len += 4) {
            char in[BD_STUN_HEADER + 40 * 20] = "\x00\x01";
            uint32_t sz = BD_STUN_HEADER;
            memcpy(in + 4, COOKIE ID, 16);
            for (unsigned i = 0; i < cnt; i++, sz += 4 + len)
                memcpy(in + sz, (const char[4]){0x03, (char)i, 0, (char)len}, 4);
            in[2] = (char)((sz - BD_STUN_HEADER) >> 8);
            in[3] = (char)(sz - BD_STUN_HEADER);
            for (unsigned v6 = 0; v6 < 2; v6++) {
                enum bd_verdict verdict;
                struct bd_str got = answer((struct bd_str){in, sz}, v6 ? V6 : V4, &verdict);
                assert_int_equal(verdict, cnt ? BD_SIP_STUN_REFUSED : BD_SIP_STUN_BINDING);
                assert_in_range(got.len, 1, sz + 32);
                most = got.len * 10 / sz > most ? got.len * 10 / sz : most;
            }
        }
    }
    assert_int_equal(most, 23);
}

static void test_what_is_stun(void **state)
{
    assert_false(bd_stun_is("REGISTER sip:example.com SIP/2.0", 32));
    assert_false(bd_stun_is("\x00\x01\x00\x00" COOKIE ID, BD_STUN_HEADER - 1));
    assert_false(bd_stun_is("\x02\x01\x00\x00" COOKIE ID, BD_STUN_HEADER));
    assert_false(bd_stun_is("\x00\x01\x00\x00\x21\x12\xa4\x43" ID, BD_STUN_HEADER));
    assert_false(bd_stun_is("", 0));
}

static void test_keep_alives(void **state)
{
    static const struct {
        struct bd_str in;
        enum bd_verdict verdict;
    } silent[] = {
        {B(""), BD_SIP_KEEPALIVE},         {B("\r\n"), BD_SIP_KEEPALIVE},
        {B("\r\n\r\n"), BD_SIP_KEEPALIVE}, {B("\0\0\0\0"), BD_SIP_KEEPALIVE},
        {B("\0"), BD_SIP_NOT_SIP},         {B("\0\0\0\0\0"), BD_SIP_NOT_SIP},
        {B("\0\0\0\1"), BD_SIP_NOT_SIP},
    };
    static struct bd_message m;
    for (size_t i = 0; i < ROWS(silent); i++)
        assert_int_equal(
            bd_message_parse(&m, guarded_high(&guarded, silent[i].in), silent[i].in.len),
            silent[i].verdict);
}

static int open_guarded(void **state)
{
    guarded = guarded_new(4096);
    return 0;
}

static int close_guarded(void **state)
{
    guarded_free(&guarded);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_stun), cmocka_unit_test(test_messages),
        cmocka_unit_test(test_fingerprint),  cmocka_unit_test(test_fingerprint_of_the_answer),
        cmocka_unit_test(test_hostile),      cmocka_unit_test(test_answers_are_hardly_larger),
        cmocka_unit_test(test_keep_alives),
    };
    return cmocka_run_group_tests(tests, open_guarded, close_guarded);
}
