/* SPDX-License-Identifier: BSD-3-Clause */
/* What is not SIP draws nothing, and what is nearly SIP only what its sender could have had by a
 * whole request: a short 400, 505 or 513, to the place that the datagram came from. */
#include "../../xorshift.h"
#include "lab.h"

enum { FACTOR = 4, RANDOM = 50000 };

static uint64_t random_state = 0x2545f4914f6cdd1dULL;

static unsigned below(unsigned n)
{
    return (unsigned)(xorshift64(&random_state) % n);
}

static struct lab *open_lab(void)
{
    struct lab *lab = lab_new(64);
    lab->limits.reply_factor = FACTOR;
    lab_policy(lab, &lab_settings, true);
    return lab;
}

static void expect_silence(struct lab *lab, const char *what)
{
    if (lab->step != BD_STEP_SILENT || lab->reply_len)
        fail_msg("%s drew\n%s\nfor\n%.*s", what, lab->reply, (int)lab->request_len, lab->request);
}

static void test_random_bytes(void **state)
{
    (void)state;
    struct lab *lab = open_lab();
    for (unsigned i = 0; i < RANDOM; i++) {
        unsigned len = below(200);
        for (unsigned k = 0; k < len; k++)
            lab->request[k] = (char)below(256);
        lab_send_bytes(lab, len);
        expect_silence(lab, "random bytes");
    }
    lab_free(lab);
}

/* Letters, digits and line ends behind a Request-Line: no Via that one could answer to. */
static void test_random_lines(void **state)
{
    (void)state;
    static const char letters[] = "abcftim :;,<>@./0123456789SIP\"\r\n\r\n";
    struct lab *lab = open_lab();
    for (unsigned i = 0; i < RANDOM; i++) {
        unsigned n = (unsigned)sprintf(lab->request, "REGISTER sip:example.com SIP/2.0\r\n");
        for (unsigned k = below(300); k > 0; k--)
            lab->request[n++] = letters[below(sizeof(letters) - 1)];
        lab_send_bytes(lab, n);
        expect_silence(lab, "random lines");
    }
    lab_free(lab);
}

#define REST                                                                                       \
    "From: <sip:a@example.com>;tag=f\r\nTo: <sip:a@example.com>\r\nCall-ID: s\r\n"                 \
    "CSeq: 1 REGISTER\r\n\r\n"
#define VIA "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKs\r\n"

static void test_near_sip(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text;
    } rows[] = {
        {"nothing", ""},
        {"line ends", "\r\n\r\n"},
        {"HTTP", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"},
        {"RTSP", "OPTIONS rtsp://example.com RTSP/1.0\r\nCSeq: 1\r\n\r\n"},
        {"no version", "REGISTER sip:example.com\r\n" VIA REST},
        {"another protocol", "REGISTER sip:example.com SIX/2.0\r\n" VIA REST},
        {"no line end", "REGISTER sip:example.com SIP/2.0"},
        {"a line feed alone", "REGISTER sip:example.com SIP/2.0\n" VIA REST},
        {"no Via", "REGISTER sip:example.com SIP/2.0\r\n" REST},
        {"a Via of nothing", "REGISTER sip:example.com SIP/2.0\r\nVia: \r\n" REST},
        {"a Via without a host",
         "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP ;x\r\n" REST},
        {"a response", "SIP/2.0 200 OK\r\n" VIA REST},
        {"a response that asks for more", "SIP/2.0 401 Unauthorized\r\n" VIA REST},
        {"a malformed response", "SIP/2.0 99 Odd\r\n" VIA REST},
        {"ACK", "ACK sip:a@example.com SIP/2.0\r\n" VIA "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
                "Call-ID: s\r\nCSeq: 1 ACK\r\n\r\n"},
        {"a malformed ACK", "ACK sip:a@example.com SIP/2.0\r\n" VIA "From: x\r\n\r\n"},
        {"ACK of another version", "ACK sip:a@example.com SIP/7.0\r\n" VIA REST},
    };
    struct lab *lab = open_lab();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lab_send(lab, rows[i].text);
        expect_silence(lab, rows[i].what);
    }
    lab_free(lab);
}

/* These draw a reply, as they can be addressed: one line each says which. */
static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text;
        unsigned status;
    } rows[] = {
        {"no From", "REGISTER sip:example.com SIP/2.0\r\n" VIA "\r\n", 400},
        {"another version", "REGISTER sip:example.com SIP/3.0\r\n" VIA REST, 505},
        {"an unknown scheme", "REGISTER x:y SIP/2.0\r\n" VIA REST, 416},
        {"another's address in Via",
         "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.7\r\n\r\n", 400},
    };
    struct lab *lab = open_lab();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (lab_send(lab, rows[i].text) != rows[i].status)
            fail_msg("%s: %s\n%s", rows[i].what, bd_verdict_info[lab->verdict].text, lab->reply);
        struct bd_endpoint to = bd_reply_destination(&lab->message, &lab->source, false);
        assert_true(bd_ip_eq(&to.ip, &lab->source.ip));
    }
    lab_free(lab);
}

/* Each beginning of a whole request, and the request with bytes changed, draws at most FACTOR times
 * its bytes; before its Via is whole, nothing. */
static void test_pieces(void **state)
{
    (void)state;
    static const char whole[] = "REGISTER sip:example.com SIP/2.0\r\n" VIA REST;
    const size_t via_end = (size_t)(strstr(whole, "From:") - whole);
    struct lab *lab = open_lab();
    for (size_t len = 0; len < sizeof(whole); len++) {
        memcpy(lab->request, whole, len);
        lab_send_bytes(lab, len);
        if (len + 2 < via_end)
            expect_silence(lab, "a beginning");
        assert_true(lab->reply_len <= FACTOR * len);
    }
    for (unsigned i = 0; i < RANDOM; i++) {
        memcpy(lab->request, whole, sizeof(whole) - 1);
        for (unsigned n = 1 + below(8); n > 0; n--)
            lab->request[below(sizeof(whole) - 1)] = (char)below(256);
        lab_send_bytes(lab, sizeof(whole) - 1);
        assert_true(lab->reply_len <= FACTOR * (sizeof(whole) - 1));
    }
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_bytes), cmocka_unit_test(test_random_lines),
        cmocka_unit_test(test_near_sip),     cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
