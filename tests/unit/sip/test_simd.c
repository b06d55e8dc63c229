/* SPDX-License-Identifier: BSD-3-Clause */
/* The vector primitives against their scalar twins, on random texts that end at a page nobody may
 * touch; and whole messages, mutated, parsed with marks and without: nothing may differ. */
#include "check.h"
#include "corpus.h"
#include "parse.h"

#include <stdio.h>

static struct guarded guarded;
static uint64_t seed;

/* xorshift64 */
static unsigned draw(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % below;
}

/* What the grammar knows, and what it does not. */
static char draw_byte(void)
{
    static const char special[] = "\r\n\t \",<>;:=@%\\?[].-_*'()&+$/`~!#\x7f\x80\xff\0";
    return draw(4) ? special[draw(sizeof(special) - 1)] : (char)draw(256);
}

/* A text of len bytes that ends at the guard page, of bytes from `alphabet` but for a few. */
static struct bd_str draw_text(uint32_t len, const char *alphabet)
{
    unsigned letters = (unsigned)strlen(alphabet);
    char *p = guarded.end - len;
    for (uint32_t i = 0; i < len; i++)
        p[i] = alphabet[draw(letters)];
    for (unsigned strange = len ? draw(3) : 0; strange > 0; strange--)
        p[draw(len)] = draw_byte();
    return (struct bd_str){p, len};
}

/* One or two that are marked. */
static unsigned draw_classes(void)
{
    return 1U << draw(8) | 1U << draw(8);
}

static void test_marks(void **state)
{
    static struct bd_marks fast, slow;
    for (uint32_t len = 0; len < 400; len++) {
        struct bd_str s = draw_text(len, len % 2 ? "aB3-. \t\r\n\r\n:;@<\"\xc3" : "\r\n\ra");
        bd_mark(&fast, s.p, s.len);
        bd_mark_scalar(&slow, s.p, s.len);
        assert_memory_equal(fast.classes, slow.classes, len + BD_LOOK);
        uint32_t i = 0;
        do
            assert_int_equal(fast.control[i], slow.control[i]);
        while (slow.control[i++] < len);
    }
}

/* As long as a message may be, and nothing but line ends, or none. */
static void test_marks_full(void **state)
{
    static struct bd_marks marks;
    char *p = guarded.end - BD_SIP_MESSAGE_MAX;
    memset(p, '\n', BD_SIP_MESSAGE_MAX);
    bd_mark(&marks, p, BD_SIP_MESSAGE_MAX);
    for (uint32_t i = 0; i <= BD_SIP_MESSAGE_MAX; i++)
        assert_int_equal(marks.control[i], i);
    memset(p, 'a', BD_SIP_MESSAGE_MAX);
    bd_mark(&marks, p, BD_SIP_MESSAGE_MAX);
    assert_int_equal(marks.control[0], BD_SIP_MESSAGE_MAX);
}

static void test_look(void **state)
{
    static struct bd_marks marks;
    for (int round = 0; round < 20000; round++) {
        struct bd_str s = draw_text(draw(200), draw(2) ? "abc" : "\"<,");
        unsigned classes = draw_classes();
        bd_mark(&marks, s.p, s.len);
        const uint8_t *at = marks.classes + draw(s.len + 1);
        assert_true(bd_within(at, classes) == bd_within_scalar(at, classes));
        assert_true(bd_without(at, classes) == bd_without_scalar(at, classes));
    }
}

static void test_find_any(void **state)
{
    for (int round = 0; round < 20000; round++) {
        struct bd_str s = draw_text(draw(200), "abc");
        unsigned classes = draw_classes();
        const char *end = bd_str_end(s);
        assert_ptr_equal(bd_find_any(s.p, end, classes), bd_find_any_scalar(s.p, end, classes));
    }
}

static void test_number(void **state)
{
    for (int round = 0; round < 50000; round++) {
        struct bd_str s = draw_text(draw(24), draw(2) ? "0123456789" : "00000000000004294967295");
        uint32_t fast = 1, slow = 1;
        bool ok = bd_number_scalar(s, &slow);
        if (bd_number(s, &fast) != ok || (ok && fast != slow))
            fail_msg("'%.*s' is %u and %u", BD_STR_ARG(s), fast, slow);
    }
}

static void test_ipv4(void **state)
{
    for (int round = 0; round < 100000; round++) {
        char text[32];
        int len = draw(4) ? snprintf(text, sizeof(text), "%u.%0*u.%u.%u", draw(300), (int)draw(4),
                                     draw(270), draw(270), draw(draw(20) ? 270 : 10000))
                          : 0;
        struct bd_str s =
            len ? (struct bd_str){guarded.end - len, (uint32_t)len} : draw_text(draw(18), "0123..");
        memcpy(guarded.end - len, text, (size_t)len);
        uint32_t fast = 0, slow = 0;
        bool ok = bd_ipv4_scalar(s, &slow);
        if (bd_ipv4(s, &fast) != ok || (ok && fast != slow))
            fail_msg("'%.*s'", BD_STR_ARG(s));
    }
}

static void test_hostname(void **state)
{
    for (int round = 0; round < 100000; round++) {
        struct bd_str s = draw_text(draw(draw(10) ? 12 : 90), draw(2) ? "ab1.-_" : "abcdefgh.");
        if (bd_hostname(s) != bd_hostname_scalar(s))
            fail_msg("'%.*s'", BD_STR_ARG(s));
    }
}

static void test_names(void **state)
{
    for (int round = 0; round < 50000; round++) {
        char other[BD_ROW] = {0};
        struct bd_str s = draw_text(draw(33), "abcXYZ019-+.");
        memcpy(other, s.p, s.len);
        if (s.len)
            other[draw(s.len)] ^= (char)(draw(2) ? 0x20 : 1 << draw(8));
        assert_int_equal(bd_is_row(s, other), bd_is_row_scalar(s, other));
        assert_int_equal(bd_word(s), bd_word_scalar(s));
    }
    assert_int_equal(BD_WORD("rport"), bd_word_scalar(BD_STR("RPORT")));
    assert_int_equal(BD_WORD("+sip.instance"), bd_word_scalar(BD_STR("+SIP.INSTANCE")));
}

static void test_copy_plain(void **state)
{
    char fast[256], slow[256];
    for (int round = 0; round < 20000; round++) {
        struct bd_str s = draw_text(draw(200), "abcXYZ@[`{\x80\xc3");
        bool lower = draw(2);
        memset(fast, 0x55, sizeof(fast));
        memset(slow, 0x55, sizeof(slow));
        assert_int_equal(bd_copy_plain(fast, s, lower), bd_copy_plain_scalar(slow, s, lower));
        assert_memory_equal(fast, slow, sizeof(fast));
    }
}

/* --- whole messages ----------------------------------------------------------------------- */

static void same_slice(struct bd_str a, struct bd_str b)
{
    if (a.p != b.p || (a.p && a.len != b.len))
        fail_msg("'%.*s' and '%.*s'", BD_STR_ARG(a), BD_STR_ARG(b));
}

static void same_uri(const struct bd_uri *a, const struct bd_uri *b)
{
    const struct bd_str x[] = {a->text, a->scheme_text, a->user,   a->password,
                               a->host, a->params,      a->headers};
    const struct bd_str y[] = {b->text, b->scheme_text, b->user,   b->password,
                               b->host, b->params,      b->headers};
    for (size_t i = 0; i < ROWS(x); i++)
        same_slice(x[i], y[i]);
    assert_int_equal(a->scheme, b->scheme);
    assert_int_equal(a->host_type, b->host_type);
    assert_memory_equal(&a->ip, &b->ip, sizeof(a->ip));
    assert_int_equal(a->port, b->port);
    assert_int_equal(a->bnc, b->bnc);
}

static void same_address(const struct bd_name_addr *a, const struct bd_name_addr *b)
{
    same_uri(&a->uri, &b->uri);
    same_slice(a->display, b->display);
    same_slice(a->params, b->params);
    same_slice(a->text, b->text);
}

static void same_contact(const struct bd_contact *x, const struct bd_contact *y)
{
    assert_int_equal(x->star, y->star);
    same_address(&x->addr, &y->addr);
    same_slice(x->instance, y->instance);
    assert_int_equal(x->has_expires, y->has_expires);
    assert_int_equal(x->expires_s, y->expires_s);
    assert_int_equal(x->has_q, y->has_q);
    assert_int_equal(x->q_milli, y->q_milli);
    assert_int_equal(x->reg_id, y->reg_id);
}

static void same_element(const struct bd_scan *scan, struct bd_str element)
{
    struct bd_contact with, without;
    bool valid = bd_contact_read(NULL, element, &without);
    assert_int_equal(bd_contact_read(scan, element, &with), valid);
    if (valid)
        same_contact(&with, &without);
}

static void same_contacts(const struct bd_scan *scan, const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_CONTACT);
    struct bd_str element;
    while (bd_list_next(&list, &element))
        same_element(scan, element);
}

/* What was read in one go, against its element cut out first and read then, without marks. False
 * when that is malformed or not there. */
static bool first_element(const struct bd_header *h, const char **stop, struct bd_str *element)
{
    *stop = h ? bd_element_end(NULL, h->value.p, bd_str_end(h->value)) : NULL;
    *element = *stop ? bd_trim(h->value.p, *stop) : BD_STR_NULL;
    return element->len > 0;
}

/* All Contacts of a message. */
static void same_contact_lists(const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_CONTACT), cut = list;
    struct bd_contact contact, expected;
    struct bd_str element;
    bool more = true;
    while (more) {
        bool valid = bd_list_next(&cut, &element) && bd_contact_read(NULL, element, &expected);
        more = bd_contact_next(&list, &contact);
        assert_int_equal(more, valid);
        if (more)
            same_contact(&contact, &expected);
    }
}

static void same_first_via(const struct bd_message *m)
{
    struct bd_str element;
    struct bd_via via = {0};
    const char *stop;
    if (first_element(bd_header_first(m, BD_HDR_VIA), &stop, &element))
        bd_via_read(NULL, element, &via);
    same_slice(m->via.text, via.text);
    same_slice(m->via.host, via.host);
    same_slice(m->via.params, via.params);
    same_slice(m->via.branch, via.branch);
    same_slice(m->via.maddr, via.maddr);
    assert_ptr_equal(m->via.rport_end, via.rport_end);
    assert_int_equal(m->via.port, via.port);
    assert_int_equal(m->via.rport, via.rport);
    assert_int_equal(m->via.keep, via.keep);
    assert_int_equal(m->via.plain, via.plain);
}

static void same_headers(const struct bd_message *a, const struct bd_message *b)
{
    assert_int_equal(a->header_cnt, b->header_cnt);
    assert_memory_equal(a->first, b->first, sizeof(a->first));
    for (int i = 0; i < a->header_cnt; i++) {
        same_slice(a->header[i].name, b->header[i].name);
        same_slice(a->header[i].value, b->header[i].value);
        assert_int_equal(a->header[i].id, b->header[i].id);
        assert_int_equal(a->header[i].next, b->header[i].next);
    }
}

static void same_fields(const struct bd_message *a, const struct bd_message *b)
{
    const struct bd_str x[] = {a->method_text, a->via.text,   a->via.transport, a->via.host,
                               a->via.params,  a->via.branch, a->via.maddr,     a->from_tag,
                               a->to_tag,      a->call_id,    a->cseq_method,   a->body};
    const struct bd_str y[] = {b->method_text, b->via.text,   b->via.transport, b->via.host,
                               b->via.params,  b->via.branch, b->via.maddr,     b->from_tag,
                               b->to_tag,      b->call_id,    b->cseq_method,   b->body};
    for (size_t i = 0; i < ROWS(x); i++)
        same_slice(x[i], y[i]);
    assert_int_equal(a->via.port, b->via.port);
    assert_int_equal(a->via.rport, b->via.rport);
    assert_int_equal(a->via.keep, b->via.keep);
    assert_int_equal(a->cseq, b->cseq);
    assert_int_equal(a->has_expires, b->has_expires);
    assert_int_equal(a->expires_s, b->expires_s);
    assert_int_equal(a->max_forwards, b->max_forwards);
    assert_int_equal(a->method, b->method);
    assert_int_equal(a->status, b->status);
    assert_ptr_equal(a->reason, b->reason);
}

static void same_message(struct bd_str text)
{
    static struct bd_message with, without;
    static struct bd_scan scan;
    bd_scan_of(&scan, text.p);
    bd_mark(&scan.marks, text.p, text.len);
    enum bd_verdict verdict = bd_message_read(NULL, &without, text.p, text.len);
    assert_int_equal(bd_message_read(&scan, &with, text.p, text.len), verdict);
    same_headers(&with, &without);
    same_fields(&with, &without);
    same_uri(&with.request_uri, &without.request_uri);
    same_address(&with.from, &without.from);
    same_address(&with.to, &without.to);
    same_contacts(&scan, &without);
    if (with.header_cnt > 0) {
        same_contact_lists(&with);
        same_first_via(&with);
    }
}

/* One change at a place of its choice: a byte, a cut, or a run put in. */
static uint32_t mutate(char *text, uint32_t len, uint32_t cap)
{
    uint32_t at = draw(len > 900 && draw(2) ? 900 : len), run = draw(4) ? draw(8) : draw(300);
    switch (draw(8)) {
    case 0:
        return at + 1;
    case 1:
        if (run >= len - at)
            return len;
        memmove(text + at, text + at + run, len - at - run);
        return len - run;
    case 2:
        if (run > cap - len)
            return len;
        memmove(text + at + run, text + at, len - at);
        memset(text + at, draw_byte(), run);
        return len + run;
    default:
        text[at] = draw_byte();
        return len;
    }
}

static void test_messages(void **state)
{
    static struct corpus corpus;
    static char text[BD_SIP_MESSAGE_MAX];
    corpus_load_all(&corpus);
    for (int round = 0; round < 60000; round++) {
        struct bd_str s = corpus.file[draw(corpus.cnt)].text;
        memcpy(text, s.p, s.len);
        for (unsigned changes = round < 200 ? 0 : 1 + draw(3); changes > 0; changes--)
            s.len = mutate(text, s.len, sizeof(text));
        same_message((struct bd_str){guarded_high(&guarded, (struct bd_str){text, s.len}), s.len});
    }
}

static int reseed(void **state)
{
    seed = 0x2545f4914f6cdd1d;
    return 0;
}

int main(void)
{
    guarded = guarded_new(65536);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_marks, reseed),
        cmocka_unit_test_setup(test_marks_full, reseed),
        cmocka_unit_test_setup(test_look, reseed),
        cmocka_unit_test_setup(test_find_any, reseed),
        cmocka_unit_test_setup(test_number, reseed),
        cmocka_unit_test_setup(test_ipv4, reseed),
        cmocka_unit_test_setup(test_hostname, reseed),
        cmocka_unit_test_setup(test_names, reseed),
        cmocka_unit_test_setup(test_copy_plain, reseed),
        cmocka_unit_test_setup(test_messages, reseed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
