/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a phone sends from: its frame, its Via and its Contact agree, no two phones share an
 * address and a port, and a reply that goes elsewhere is wrong, however it is read. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "check.h"
#include "checksum.h"
#include "digits.h"

enum { IP = BD_ETHER_SZ, UDP = IP + BD_IPV4_SZ, SIP = UDP + BD_UDP_SZ, SEQUENCE = 0x12345678 };

static const struct phone_world world = {.domain = "example.com",
                                         .run = "12345678",
                                         .registrar = {198, 18, 0, 1},
                                         .registrar_port = 5060};
static struct phone_form form[PHONE_MAKES];

static int make_forms(void **state)
{
    for (unsigned make = 0; make < PHONE_MAKES; make++) {
        if (!phone_form_make(&form[make], &world, PHONE_REGISTER, make))
            return -1;
    }
    return 0;
}

static struct phone_request request_of(uint32_t number)
{
    return phone_request_of(digits_decimal8(number), digits_decimal8(10000000), SEQUENCE);
}

/* The frame of a phone, with a zero behind it; its length. */
static uint32_t write_frame(uint32_t number, uint8_t frame[PHONE_FRAME_MAX + 1])
{
    struct phone_request request = request_of(number);
    const struct phone_form *f = &form[phone_make_of(request.field[PHONE_USER])];
    phone_write(f, &request, frame);
    frame[f->len] = '\0';
    return f->len;
}

static const char *source_of(const uint8_t *frame)
{
    static char text[32];
    snprintf(text, sizeof(text), "%u.%u.%u.%u:%u", frame[IP + 12], frame[IP + 13], frame[IP + 14],
             frame[IP + 15], bd_get16(frame + UDP));
    return text;
}

static void assert_says(const uint8_t *frame, const char *before, const char *source)
{
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "%s%s", before, source);
    if (!strstr((const char *)frame + SIP, wanted))
        fail_msg("no %s in %s", wanted, frame + SIP);
}

static void test_source(void **state)
{
    static const struct {
        uint32_t number;
        const char *source;
    } row[] = {{0, "198.18.100.100:10000"},        {12, "198.18.100.112:10000"},
               {10012, "198.18.100.112:10001"},    {19, "198.18.100.119:10000"},
               {10019, "198.18.100.118:20001"},    {10018, "198.18.100.118:10001"},
               {23456789, "198.18.167.188:22345"}, {PHONE_NUMBER_MAX, "198.18.199.198:29999"}};
    uint8_t frame[PHONE_FRAME_MAX + 1];
    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        uint32_t len = write_frame(row[i].number, frame);
        assert_string_equal(source_of(frame), row[i].source);
        assert_says(frame, "Via: SIP/2.0/UDP ", row[i].source);
        assert_says(frame, "@", row[i].source);
        struct bd_ip from = bd_ip_from_v4(frame + IP + 12), to = bd_ip_from_v4(frame + IP + 16);
        assert_true(bd_sum_right(0, frame + IP, BD_IPV4_SZ));
        assert_true(bd_sum_right(bd_sum_pseudo(&from, &to, BD_PROTO_UDP, len - UDP), frame + UDP,
                                 len - UDP));
    }
}

/* A hundred phones an address, but one where it ends in 9. */
static void test_nobody_shares(void **state)
{
    enum { PHONES = 1000000, ADDRESSES = 65536 };
    uint8_t *taken = calloc(ADDRESSES, 1 << 12);
    uint16_t *behind = calloc(ADDRESSES, sizeof(*behind));
    for (uint32_t number = 0; number < PHONES; number++) {
        uint64_t user = digits_decimal8(number);
        uint16_t host = phone_host_bytes(user), port = ntohs(phone_port_bytes(user));
        uint8_t *byte = &taken[(size_t)host << 12 | port >> 3], bit = (uint8_t)(1 << (port & 7));
        assert_int_equal(*byte & bit, 0);
        *byte |= bit;
        behind[host]++;
    }
    unsigned alone = 0, many = 0;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        alone += behind[i] == 1;
        many += behind[i] >= 100;
    }
    assert_int_equal(alone, 1000);
    assert_int_equal(many, 9000);
    free(taken);
    free(behind);
}

/* --- replies ---------------------------------------------------------------------------------- */

static uint32_t take_line(const uint8_t *frame, const char *name, char *out)
{
    const char *at = strstr((const char *)frame + SIP, name);
    assert_non_null(at);
    uint32_t len = (uint32_t)strcspn(at, "\r");
    memcpy(out, at, len);
    return len;
}

/* The 200 to a phone, as a registrar with RFC 3581 writes it, at most CHECK_MODEL_MAX bytes. */
static uint32_t write_reply(uint32_t number, uint8_t *reply)
{
    static const char *const fields[] = {"From: ", "To: ", "Call-ID: ", "CSeq: ", "Contact: "};
    uint8_t frame[PHONE_FRAME_MAX + 1];
    char *out = (char *)reply + SIP;
    write_frame(number, frame);
    memset(reply, 0, CHECK_MODEL_MAX);
    memcpy(reply, frame, SIP);
    memcpy(reply + IP + 12, frame + IP + 16, 4);
    memcpy(reply + IP + 16, frame + IP + 12, 4);
    memcpy(reply + UDP, frame + UDP + 2, 2);
    memcpy(reply + UDP + 2, frame + UDP, 2);
    const char *source = source_of(frame);
    out += sprintf(out, "SIP/2.0 200 OK\r\n");
    out += take_line(frame, "Via: ", out);
    out += sprintf(out, ";received=%.*s;rport=%s\r\n", (int)strcspn(source, ":"), source,
                   strchr(source, ':') + 1);
    for (unsigned i = 0; i < 5; i++) {
        out += take_line(frame, fields[i], out);
        out += sprintf(out, "\r\n");
    }
    out += sprintf(out, "\r\n");
    return (uint32_t)((uint8_t *)out - reply);
}

static void close_reply(uint8_t *reply, uint32_t len)
{
    bd_put16(reply + IP + 2, len - IP);
    bd_put16(reply + UDP + 4, len - UDP);
    memset(reply + IP + 10, 0, 2);
    memset(reply + UDP + 6, 0, 2);
    uint16_t sum = (uint16_t)~bd_sum_fold(bd_sum_add(0, reply + IP, BD_IPV4_SZ));
    memcpy(reply + IP + 10, &sum, 2);
    struct bd_ip from = bd_ip_from_v4(reply + IP + 12), to = bd_ip_from_v4(reply + IP + 16);
    sum = (uint16_t)~bd_sum_fold(
        bd_sum_add(bd_sum_pseudo(&from, &to, BD_PROTO_UDP, len - UDP), reply + UDP, len - UDP));
    memcpy(reply + UDP + 6, &sum, 2);
}

/* `off`: a bit of this byte is another one; 0: none. */
static enum check_verdict judge(struct check *check, uint32_t number, uint32_t off)
{
    uint8_t reply[CHECK_MODEL_MAX + 64];
    struct phone_request request = request_of(number);
    uint32_t len = write_reply(number, reply);
    reply[off] ^= off ? 1 : 0;
    close_reply(reply, len);
    return check_reply(check, &request, reply, len);
}

static void test_replies(void **state)
{
    enum { ADDRESS = IP + 19, PORT = UDP + 3, EIGHT = 80000, FIRST = 1234562 };
    static struct check check = {.status = 200, .form = form, .contact = form};
    for (uint32_t number = 2; number < 20; number += 8) {
        assert_int_equal(judge(&check, number, PORT), CHECK_SUM);
        assert_int_equal(judge(&check, number, ADDRESS), CHECK_SUM);
    }
    assert_int_equal(judge(&check, FIRST, 0), CHECK_RIGHT);
    uint64_t slow = check.slow;
    for (uint32_t number = FIRST; number < FIRST + 1000000; number += EIGHT)
        assert_int_equal(judge(&check, number, 0), CHECK_RIGHT);
    assert_int_equal(check.slow, slow); /* all by the model */
    assert_int_equal(judge(&check, FIRST + EIGHT, PORT), CHECK_SUM);
    assert_int_equal(judge(&check, FIRST + EIGHT, ADDRESS), CHECK_SUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_nobody_shares),
        cmocka_unit_test(test_replies),
    };
    return cmocka_run_group_tests_name("phone", tests, make_forms, NULL);
}
