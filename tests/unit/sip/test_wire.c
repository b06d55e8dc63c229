/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies, numbers and the writing cursor against plain twins, with pages nobody may touch on both
 * sides; and whole replies against a writer that is as simple as can be. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "corpus.h"
#include "parse.h"
#include "scan.h"
#include "wire.h"

enum { TEXT_MAX = 200, REPLY_MAX = 16384 };

static struct guarded source_pages, reply_pages;

/* The source ends at a guard page: no byte behind it is read. */
static void test_copy(void **state)
{
    char text[TEXT_MAX], got[TEXT_MAX + BD_COPY_SLACK], exact[TEXT_MAX + 1];
    for (unsigned i = 0; i < TEXT_MAX; i++)
        text[i] = (char)rand();
    for (uint32_t n = 0; n <= TEXT_MAX; n++) {
        const char *from = guarded_high(&source_pages, (struct bd_str){text, n});
        bd_copy(got, from, n);
        memset(exact, '!', sizeof(exact));
        bd_copy_exact(exact, from, n);
        assert_memory_equal(got, text, n);
        assert_memory_equal(exact, text, n);
        assert_int_equal(exact[n], '!');
    }
}

static void check_number(uint32_t n)
{
    char want[16], got[BD_COPY_SLACK], tight[10];
    snprintf(want, sizeof(want), "%u", n);
    struct bd_wire w = bd_wire_init(got, sizeof(got));
    bd_wire_u32(&w, n);
    assert_text(((struct bd_str){got, bd_wire_len(&w)}), want);
    w = bd_wire_init(tight, (uint32_t)strlen(want));
    bd_wire_u32(&w, n);
    assert_false(w.overflow);
    assert_text(((struct bd_str){tight, bd_wire_len(&w)}), want);
}

static void test_numbers(void **state)
{
    for (uint32_t n = 0; n <= 70000; n++)
        check_number(n);
    for (uint64_t ten = 10; ten <= 1000000000; ten *= 10) {
        check_number((uint32_t)ten - 1);
        check_number((uint32_t)ten);
    }
    for (uint64_t n = 1; n <= UINT32_MAX; n += (uint64_t)rand() % 200000 + 1)
        check_number((uint32_t)n);
    check_number(UINT32_MAX);
}

static void test_addresses(void **state)
{
    static const uint32_t caps[] = {BD_COPY_SLACK, 15};
    char want[BD_IP_TEXT_MAX], got[BD_COPY_SLACK];
    for (unsigned i = 0; i < 70000; i++) {
        uint32_t bits = i < 256 ? i * 0x01010101U : (uint32_t)rand() ^ (uint32_t)rand() << 16;
        struct bd_ip ip = bd_ip_from_v4(&bits);
        if (i % 7 == 0)
            ip.b[i % 12] ^= 1; /* IPv6 */
        for (unsigned k = 0; k < ROWS(caps); k++) {
            struct bd_wire w = bd_wire_init(got, caps[k]);
            bd_wire_ip(&w, &ip);
            bd_ip_format(&ip, want);
            if (!w.overflow)
                assert_text(((struct bd_str){got, bd_wire_len(&w)}), want);
            else
                assert_true(strlen(want) > caps[k]);
        }
    }
}

static void test_hex(void **state)
{
    uint8_t bytes[40];
    char got[80], want[82];
    for (uint32_t n = 0; n <= sizeof(bytes); n++) {
        for (uint32_t i = 0; i < n; i++) {
            bytes[i] = (uint8_t)rand();
            snprintf(want + 2 * i, 3, "%02x", bytes[i]);
        }
        struct bd_wire w = bd_wire_init(got, 2 * n);
        bd_wire_hex(&w, bytes, n);
        assert_false(w.overflow);
        assert_int_equal(bd_wire_len(&w), 2 * n);
        assert_memory_equal(got, want, 2 * n);
    }
}

/* --- whole replies ---------------------------------------------------------------------------- */

struct model {
    char text[REPLY_MAX];
    uint32_t len;
};

static void add(struct model *out, struct bd_str s)
{
    assert_true(s.len <= sizeof(out->text) - out->len);
    if (s.p && s.len)
        memcpy(out->text + out->len, s.p, s.len);
    out->len += s.len;
}

static void add_number(struct model *out, uint32_t n)
{
    char text[12];
    add(out, (struct bd_str){text, (uint32_t)snprintf(text, sizeof(text), "%u", n)});
}

static void add_param(struct model *out, struct bd_str name, struct bd_str value,
                      uint16_t source_port, uint32_t keep_s)
{
    if (bd_str_eq_nocase(name, BD_STR("received")))
        return;
    add(out, BD_STR(";"));
    add(out, name);
    uint32_t ours = bd_str_eq_nocase(name, BD_STR("rport"))  ? source_port
                    : bd_str_eq_nocase(name, BD_STR("keep")) ? keep_s
                                                             : 0;
    if (!value.p && !ours)
        return;
    add(out, BD_STR("="));
    add(out, value);
    if (!value.p)
        add_number(out, ours);
}

/* RFC 3261 18.2.1, RFC 3581 4, RFC 6223 4.4: everything is taken apart and put together again. */
static void add_topmost_via(struct model *out, const struct bd_via *via,
                            const struct bd_endpoint *source, uint32_t keep_s)
{
    struct bd_str cursor = via->params, name, value;
    struct bd_ip sent_by;
    char ip[BD_IP_TEXT_MAX];
    bool bad = false, other = !bd_ip_parse(via->host, &sent_by) || !bd_ip_eq(&sent_by, &source->ip);
    if ((!other && !via->rport && !(via->keep && keep_s)) ||
        !bd_params_valid(via->params, BD_C_TOKEN)) {
        add(out, via->text);
        return;
    }
    add(out, via->params.p ? bd_trim(via->text.p, via->params.p - 1) : via->text);
    while (bd_param_step(&cursor, BD_C_TOKEN, &name, &value, &bad))
        add_param(out, name, value, source->port, keep_s);
    if (!other && !via->rport)
        return;
    add(out, BD_STR(";received="));
    add(out, (struct bd_str){ip, bd_ip_format(&source->ip, ip)});
}

static void add_fields(struct model *out, const struct bd_message *m, enum bd_header_id id,
                       const struct bd_endpoint *source, uint32_t keep_s)
{
    const struct bd_header *h = bd_header_first(m, id), *first = h;
    for (; h; h = id == BD_HDR_VIA ? bd_header_next(m, h) : NULL) {
        struct bd_str value = h->value;
        add(out, bd_str_from(bd_header_name[id]));
        add(out, BD_STR(": "));
        if (id == BD_HDR_VIA && h == first && m->via.host.p) {
            add_topmost_via(out, &m->via, source, keep_s);
            value = bd_slice(bd_str_end(m->via.text), bd_str_end(h->value));
        }
        add(out, value);
        if (id == BD_HDR_TO && m->to.text.p && !m->to_tag.p)
            add(out, BD_STR(";tag=0123456789abcdef"));
        add(out, BD_STR("\r\n"));
    }
}

static void model_reply(struct model *out, const struct bd_message *m,
                        const struct bd_endpoint *source, uint32_t keep_s)
{
    static const enum bd_header_id ids[] = {BD_HDR_VIA, BD_HDR_FROM, BD_HDR_TO, BD_HDR_CALL_ID,
                                            BD_HDR_CSEQ};
    out->len = 0;
    add(out, BD_STR("SIP/2.0 423 Interval Too Brief\r\n"));
    for (size_t i = 0; i < ROWS(ids); i++)
        add_fields(out, m, ids[i], source, keep_s);
    add(out, BD_STR("Content-Length: 0\r\n\r\n"));
}

/* Written so that the room ends at a guard page. */
static struct bd_wire write_reply(uint32_t cap, const struct bd_message *m,
                                  const struct bd_endpoint *source, uint32_t keep_s)
{
    struct bd_wire w = bd_wire_init(reply_pages.end - cap, cap);
    const struct bd_via_values values = {.keep_s = keep_s};
    bd_reply_begin_with(&w, m, 423, bd_reason(423), BD_STR("0123456789abcdef"), source, &values);
    bd_reply_end(&w);
    return w;
}

static void check_reply(const struct bd_message *m, const struct bd_endpoint *source,
                        uint32_t keep_s, bool every_cap)
{
    static struct model want;
    model_reply(&want, m, source, keep_s);
    for (uint32_t cap = every_cap ? 0 : want.len; cap <= want.len + BD_COPY_SLACK + 1; cap++) {
        struct bd_wire w = write_reply(cap, m, source, keep_s);
        uint32_t len = bd_wire_len(&w);
        assert_int_equal(w.overflow, cap < want.len);
        assert_true(len <= cap);
        if (!w.overflow)
            assert_int_equal(len, want.len);
        if (memcmp(w.begin, want.text, len) != 0)
            fail_msg("wrote\n%.*s\nnot\n%.*s", (int)len, w.begin, (int)want.len, want.text);
    }
}

static const char *const sources[] = {"198.18.0.2:5060", "[2001:db8::2]:65535", "192.0.2.255:1"};

static void parse_and_check(struct bd_str text, bool every_cap)
{
    static struct bd_message m;
    char *copy = guarded_high(&source_pages, text);
    enum bd_verdict verdict = bd_message_parse(&m, copy, text.len);
    if (verdict != BD_VERDICT_NONE && bd_verdict_info[verdict].status == 0)
        return;
    for (uint32_t i = 0; i < ROWS(sources); i++) {
        struct bd_endpoint source;
        bd_endpoint_parse(bd_str_from(sources[i]), &source);
        check_reply(&m, &source, i * 30, every_cap);
    }
}

static void test_corpus(void **state)
{
    static struct corpus corpus;
    corpus_load_all(&corpus);
    for (unsigned i = 0; i < corpus.cnt; i++)
        parse_and_check(corpus.file[i].text, corpus.file[i].text.len < 1500);
}

/* Every pair and triple of the parameters that matter, in all spellings. */
static void test_via_params(void **state)
{
    static const char *const sent_by[] = {"198.18.0.2", "[2001:DB8:0::2]:5060", "name.example ",
                                          "10.0.0.1:5060\r\n "};
    static const char *const params[] = {"",
                                         ";branch=z9hG4bKx",
                                         "; Branch =b",
                                         ";rport",
                                         ";RPORT ",
                                         ";rport=9",
                                         ";keep",
                                         ";keep=3",
                                         ";received=192.0.2.9",
                                         ";maddr=198.18.0.9",
                                         ";;"};
    const unsigned cnt = ROWS(params);
    for (unsigned n = 0; n < ROWS(sent_by) * cnt * cnt * cnt; n++) {
        char text[512];
        unsigned k = n / ROWS(sent_by);
        int len =
            snprintf(text, sizeof(text),
                     "REGISTER sip:e SIP/2.0\r\nVia: SIP/2.0/UDP %s%s%s%s\r\n"
                     "f: A <sip:a@b>;tag=1\r\nt: <sip:a@b>\r\nI: 1@h\r\nCSEQ: 5 REGISTER\r\n\r\n",
                     sent_by[n % ROWS(sent_by)], params[k % cnt], params[k / cnt % cnt],
                     params[k / cnt / cnt]);
        parse_and_check((struct bd_str){text, (uint32_t)len}, n % 101 == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_hex),
        cmocka_unit_test(test_corpus),    cmocka_unit_test(test_via_params),
    };
    srand(4);
    source_pages = guarded_new(65536);
    reply_pages = guarded_new(2 * REPLY_MAX);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    guarded_free(&source_pages);
    guarded_free(&reply_pages);
    return failed;
}
