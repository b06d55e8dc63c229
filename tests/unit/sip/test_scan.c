/* SPDX-License-Identifier: BSD-3-Clause */
/* The scanner: classes against the ABNF of RFC 3261 25.1 spelled out, and each search against a
 * plain loop. */
#include "check.h"
#include "corpus.h"
#include "scan.h"

#define ALNUM      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define UNRESERVED ALNUM "-_.!~*'()"

static void test_classes(void **state)
{
    static const struct {
        unsigned class;
        const char *members;
    } rows[] = {
        {BD_C_TOKEN, ALNUM "-.!%*_+`'~"},
        {BD_C_USER, UNRESERVED "&=+$,;?/"},
        {BD_C_PASSWORD, UNRESERVED "&=+$,"},
        {BD_C_PARAM, UNRESERVED "[]/:&+$"},
        {BD_C_HNV, UNRESERVED "[]/?:+$"},
        {BD_C_URIC, UNRESERVED ";/?:@&=+$,[]"},
        {BD_C_WORD, ALNUM "-.!%*_+`'~()<>:\\\"/[]?{}"},
        {BD_C_HOST, ALNUM "-._"},
        {BD_C_DIGIT, "0123456789"},
        {BD_C_HEX, "0123456789abcdefABCDEF"},
        {BD_C_RESERVED, ";/?:@&=+$,"},
        {BD_C_VISUAL, "-.()"},
        {BD_C_WSP, " \t"},
        {BD_C_SCHEME, ALNUM "+-."},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        for (int c = 0; c < 256; c++) {
            bool member = c != 0 && strchr(rows[i].members, c);
            if (bd_is((char)c, rows[i].class) != member)
                fail_msg("class %#x: character %#x", rows[i].class, (unsigned)c);
        }
    }
    for (int c = 0; c < 256; c++)
        assert_int_equal(bd_is((char)c, BD_C_UTF8), c >= 0x80);
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* Every byte value at every position of texts up to 40 bytes, at the end of memory. */
static void test_find_control(void **state)
{
    struct guarded guarded = guarded_new(4096);
    for (uint32_t len = 0; len <= 40; len++) {
        char *p = guarded.end - len;
        memset(p, 'a', len);
        assert_ptr_equal(bd_find_any(p, p + len, BD_C_CONTROL), p + len);
        for (uint32_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                p[at] = (char)c;
                const char *want = is_control((uint8_t)c) ? p + at : p + len;
                assert_ptr_equal(bd_find_any(p, p + len, BD_C_CONTROL), want);
                assert_ptr_equal(bd_find_any_scalar(p, p + len, BD_C_CONTROL), want);
            }
            p[at] = at % 3 ? 'a' : '\t'; /* HT behind the find, bytes of 0x80 before */
            if (at % 5 == 0)
                p[at] = '\x80';
        }
    }
    guarded_free(&guarded);
}

/* Both twins from every position of every corpus message. */
static void test_find_control_twins(void **state)
{
    static struct corpus corpus;
    corpus_load_all(&corpus);
    for (unsigned i = 0; i < corpus.cnt; i++) {
        const char *p = corpus.file[i].text.p, *end = p + corpus.file[i].text.len;
        for (; p < end; p++)
            assert_ptr_equal(bd_find_any(p, end, BD_C_CONTROL),
                             bd_find_any_scalar(p, end, BD_C_CONTROL));
    }
}

static void test_quoted(void **state)
{
    static const struct {
        const char *text;
        int len; /* of the quoted-string, -1 when it is none */
    } rows[] = {
        {"\"\"", 2},
        {"\"a\" b", 3},
        {"\"a\\\"b\"c", 6},
        {"\"a\\\\\"b", 5},
        {"\"", -1},
        {"\"a", -1},
        {"\"a\\\"", -1},
        {"\"a\\", -1},
        {"\"a\r\n b\"", 7},
        {"\"a\r\nb\"", -1},
        {"\"a\nb\"", -1},
        {"\"a\x01\"", -1},
        {"\"a\\\x01\"", 5},
        {"\"a\\\r\"", -1},
        {"\"\xff\xfe\x80\"", 5},
        {"\"\\\xc3\xa4\"", -1},
        {"\"tab\there\"", 10},
        {"\"del\x7f\"", -1},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *p = rows[i].text, *stop = bd_skip_quoted(p, p + strlen(p));
        if ((stop ? (int)(stop - p) : -1) != rows[i].len)
            fail_msg("row %zu: %s", i, p);
    }
    static const char nul[] = {'"', '\\', '\0', '"'};
    assert_ptr_equal(bd_skip_quoted(nul, nul + 4), nul + 4);
    static const char bare[] = {'"', '\0', '"'};
    assert_null(bd_skip_quoted(bare, bare + 3));
}

static void test_lws(void **state)
{
    static const struct {
        const char *text;
        unsigned len;
    } rows[] = {{"", 0},      {"a", 0},    {" \t a", 3}, {"\r\n a", 3}, {" \r\n\t\r\n  a", 8},
                {"\r\na", 0}, {"\n a", 0}, {" \r", 1},   {" \r\n", 1},  {"\r \n", 0}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *p = rows[i].text;
        assert_int_equal(bd_skip_lws(p, p + strlen(p)) - p, rows[i].len);
    }
    const char *fold = "\r\n  x y \r\n\t";
    assert_text(bd_trim(fold, fold + strlen(fold)), "x y");
    assert_text(bd_trim(fold, fold + 3), "");
}

static void test_escaped(void **state)
{
    static const struct {
        const char *text;
        unsigned len;
    } rows[] = {{"ab%41c", 6}, {"%4", 0}, {"a%", 1}, {"a%4g", 1}, {"%%41", 0}, {"a@b", 1}, {"", 0}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *p = rows[i].text;
        assert_int_equal(bd_skip_escaped(p, p + strlen(p), BD_C_USER) - p, rows[i].len);
    }
}

static void test_number(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint32_t value;
    } rows[] = {{"0", true, 0},
                {"0068", true, 68},
                {"4294967295", true, UINT32_MAX},
                {"4294967296", false, 0},
                {"00000000000000000000000000000001", true, 1},
                {"36893488147419103232", false, 0},
                {"", false, 0},
                {"-1", false, 0},
                {"+1", false, 0},
                {"1 ", false, 0},
                {"0x10", false, 0}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint32_t n = 0;
        assert_int_equal(bd_number(bd_str_from(rows[i].text), &n), rows[i].ok);
        if (rows[i].ok)
            assert_int_equal(n, rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_find_control),
        cmocka_unit_test(test_find_control_twins),
        cmocka_unit_test(test_quoted),
        cmocka_unit_test(test_lws),
        cmocka_unit_test(test_escaped),
        cmocka_unit_test(test_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
