/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of a command line, and the text made of a JSON document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants those first */
#include <cmocka.h>
#include <stdio.h>

#include "render.h"
#include "words.h"

static void split_takes_blanks_and_quotes(void **state)
{
    static const struct {
        const char *line, *joined; /* words with '|' between */
    } good[] = {
        {"", ""},
        {"  \t ", ""},
        {"show info", "show|info"},
        {"\tshow   info ", "show|info"},
        {"a \"b c\" d", "a|b c|d"},
        {"\"\" x", "|x"},
        {"\"a\\\"b\\\\c\"", "a\"b\\c"},
        {"a\"b", "a\"b"},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16"},
    };
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char line[128], joined[128] = "";
        snprintf(line, sizeof(line), "%s", good[i].line);
        struct bd_words words;
        const char *why;
        assert_true(bd_words_split(line, strlen(line), &words, &why));
        for (unsigned w = 0; w < words.cnt; w++) {
            size_t len = strlen(joined);
            snprintf(joined + len, sizeof(joined) - len, "%s%.*s", w ? "|" : "",
                     BD_STR_ARG(words.word[w]));
        }
        assert_string_equal(joined, good[i].joined);
    }
}

static void split_refuses_what_is_no_line(void **state)
{
    static const struct {
        const char *line, *why;
    } bad[] = {
        {"a \"b", "open"},
        {"a \"b\\", "open"},
        {"a \x1b[31m", "control"},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "many"},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "%s", bad[i].line);
        struct bd_words words;
        const char *why;
        assert_false(bd_words_split(line, strlen(line), &words, &why));
        assert_non_null(strstr(why, bad[i].why));
    }
}

static void quoted_words_come_back(void **state)
{
    static const char *const word[] = {
        "plain",       "",        "two words", "quo\"te",
        "back\\slash", "\\\" \t", "\"lead",    "sip:1000@example.com;x=y"};
    enum { CNT = sizeof(word) / sizeof(word[0]) };
    struct evbuffer *line = evbuffer_new();
    for (unsigned i = 0; i < CNT; i++) {
        evbuffer_add(line, " ", 1);
        bd_words_quote(line, bd_str_from(word[i]));
    }
    size_t len = evbuffer_get_length(line);
    struct bd_words words;
    const char *why;
    assert_true(bd_words_split((char *)evbuffer_pullup(line, -1), len, &words, &why));
    assert_int_equal(words.cnt, CNT);
    for (unsigned i = 0; i < CNT; i++)
        assert_true(bd_word_is(words.word[i], word[i]));
    evbuffer_free(line);
}

static void expect_render(json_t *document, enum bd_render_style style, const char *wanted)
{
    struct evbuffer *out = evbuffer_new();
    bd_render(out, document, style);
    evbuffer_add(out, "", 1);
    assert_string_equal((const char *)evbuffer_pullup(out, -1), wanted);
    evbuffer_free(out);
    json_decref(document);
}

static void labels_are_aligned_and_nested(void **state)
{
    expect_render(json_pack("{s:s, s:{s:i, s:b}, s:n, s:[s, s]}", "name", "x", "records", "leaked",
                            0, "on_disk", 1, "none", "list", "a", "b"),
                  BD_RENDER_TABLES,
                  "           name: x\n"
                  " records leaked: 0\n"
                  "records on disk: yes\n"
                  "           none: -\n"
                  "           list: a, b\n");
}

static void arrays_become_tables_or_blocks(void **state)
{
    json_t *document =
        json_pack("{s:s, s:[{s:s, s:i, s:s}, {s:s, s:i, s:n}]}", "title", "t", "rows", "the_name",
                  "a", "n", 5, "what", "last one", "the_name", "long name", "n", 12345, "what");
    expect_render(json_incref(document), BD_RENDER_TABLES,
                  "title: t\n"
                  "THE-NAME       N  WHAT\n"
                  "a              5  last one\n"
                  "long name  12345  -\n");
    expect_render(document, BD_RENDER_BLOCKS,
                  "         title: t\n"
                  "row 1 the name: a\n"
                  "       row 1 n: 5\n"
                  "    row 1 what: last one\n"
                  "row 2 the name: long name\n"
                  "       row 2 n: 12345\n"
                  "    row 2 what: -\n");
}

/* What a phone sent must neither end the answer nor reach the terminal. */
static void hostile_text_is_escaped(void **state)
{
    expect_render(json_pack("{s:s, s:s}", "a", "x\n\nerror: y\x1b[2J", "b", ""), BD_RENDER_TABLES,
                  "a: x\\x0a\\x0aerror: y\\x1b[2J\nb: -\n");
    json_t *odd = bd_json_str((struct bd_str){"a\xff\0b", 4});
    assert_string_equal(json_string_value(odd), "a\\xff\\x00b");
    json_decref(odd);
    json_t *utf8 = bd_json_str(BD_STR("J\xc3\xbcrgen"));
    assert_string_equal(json_string_value(utf8), "J\xc3\xbcrgen");
    json_decref(utf8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_takes_blanks_and_quotes),
        cmocka_unit_test(split_refuses_what_is_no_line),
        cmocka_unit_test(quoted_words_come_back),
        cmocka_unit_test(labels_are_aligned_and_nested),
        cmocka_unit_test(arrays_become_tables_or_blocks),
        cmocka_unit_test(hostile_text_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
