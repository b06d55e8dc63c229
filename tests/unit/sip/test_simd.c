/* SPDX-License-Identifier: BSD-3-Clause */
/* The vector primitives against their scalar twins, on random texts that end at a page nobody may
 * touch; and whole messages, mutated, parsed with marks and without: nothing may differ. */
#include "check.h"
#include "corpus.h"
#include "parse.h"
#include "twins.h"

#include "../../xorshift.h"
#include <arpa/inet.h>
#include <stdio.h>

static struct guarded guarded;
static uint64_t seed;

static unsigned draw(unsigned below)
{
    return (unsigned)(xorshift64(&seed) >> 33) % below;
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
        memset(fast.classes, 0x55, sizeof(fast.classes));
        bd_mark_classes(&fast, s.p, s.len);
        assert_memory_equal(fast.classes, slow.classes, len + BD_LOOK);
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
        uint64_t bits = bd_without(at, classes);
        unsigned n = draw(256);
        assert_int_equal(bd_lowest(bits), bd_lowest_scalar(bits));
        assert_int_equal(bd_lowest_from(bits, n), bd_lowest_from_scalar(bits, n));
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

/* Addresses in brackets, most of them nearly right, as the C library reads them. */
static void test_ipv6(void **state)
{
    unsigned valid = 0;
    for (int round = 0; round < 100000; round++) {
        char inside[BD_IP_TEXT_MAX], text[BD_IP_TEXT_MAX + 8];
        uint32_t len = 0;
        for (unsigned groups = 2 + draw(8); groups > 0 && len + 7 < sizeof(inside); groups--) {
            for (unsigned digits = draw(40) ? draw(5) : 5; digits > 0; digits--)
                inside[len++] = "0123456789abcdefABCDEF"[draw(22)];
            if (groups > 1 || draw(8) == 0)
                inside[len++] = ':';
        }
        inside[len] = 0;
        int n = snprintf(text, sizeof(text), "sip:[%s]", inside);
        struct bd_uri uri;
        struct bd_ip ip;
        bool right = inet_pton(AF_INET6, inside, ip.b) == 1;
        twins_same_word((struct bd_str){memcpy(guarded.end - len, inside, len), len});
        char *p = memcpy(guarded.end - n, text, (size_t)n);
        if (bd_uri_parse((struct bd_str){p, (uint32_t)n}, &uri) != right)
            fail_msg("'%s' is %s", inside, right ? "an address" : "none");
        if (right)
            assert_memory_equal(uri.ip.b, ip.b, sizeof(ip.b));
        valid += right;
    }
    assert_in_range(valid, 1000, 90000);
}

/* A URI alone, whose parameters might be a user as far as it goes. */
static void test_uri_end(void **state)
{
    struct bd_str text = BD_STR("sip:cs;tAg=com");
    struct bd_uri uri;
    assert_true(bd_uri_parse((struct bd_str){guarded_high(&guarded, text), text.len}, &uri));
    assert_text(uri.host, "cs");
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
        const char *end = bd_str_end(s);
        bool same = bd_is_row_scalar(s, other, end);
        assert_int_equal(bd_is_row(s, other, end), same);
        assert_int_equal(bd_word(s), bd_word_scalar(s));
        char *followed = memmove(guarded.end - s.len - draw(64), s.p, s.len);
        s.p = followed;
        assert_int_equal(bd_is_row(s, other, guarded.end), same);
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
        twins_same_message(
            (struct bd_str){guarded_high(&guarded, (struct bd_str){text, s.len}), s.len});
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
        cmocka_unit_test_setup(test_ipv6, reseed),
        cmocka_unit_test_setup(test_uri_end, reseed),
        cmocka_unit_test_setup(test_hostname, reseed),
        cmocka_unit_test_setup(test_names, reseed),
        cmocka_unit_test_setup(test_copy_plain, reseed),
        cmocka_unit_test_setup(test_messages, reseed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
