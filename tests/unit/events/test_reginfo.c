/* SPDX-License-Identifier: BSD-3-Clause */
/* The document: by the letter, and well formed whatever was registered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "record.h"
#include "reginfo.h"

static char text[16384];

static const struct bd_reginfo_head head = {.version = 3,
                                            .full = true,
                                            .aor = {"joe@example.com", 15},
                                            .id = 0x0807060504030201,
                                            .state = "active"};

static struct bd_reginfo_contact contact(void)
{
    return (struct bd_reginfo_contact){.id = 0x1817161514131211,
                                       .active = true,
                                       .event = "registered",
                                       .uri = BD_STR("sip:joe@192.0.2.1"),
                                       .call_id = BD_STR("cid@x"),
                                       .cseq = 7,
                                       .duration_s = 12,
                                       .expires_s = 600,
                                       .q_milli = BD_Q_NONE};
}

static const char *document(const struct bd_reginfo_head *h, const struct bd_reginfo_contact *c)
{
    struct bd_reginfo r;
    bd_reginfo_begin(&r, text, sizeof(text), h);
    if (c)
        assert_true(bd_reginfo_contact(&r, c));
    text[bd_reginfo_end(&r)] = 0;
    assert_false(r.wire.overflow);
    return text;
}

static void by_the_letter(void **state)
{
    struct bd_reginfo_contact c = contact();
    c.params = BD_STR("+sip.instance=\"<urn:uuid:1>\";audio");
    c.q_milli = 800;
    c.pub_gruu = BD_STR("sip:joe@example.com;gr=1");
    c.temp_gruu = BD_STR("sip:t@example.com;gr");
    c.temp_gruu_first_cseq = 5;
    assert_string_equal(
        document(&head, &c),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"3\" state=\"full\">\n"
        "<registration aor=\"sip:joe@example.com\" id=\"0102030405060708\" state=\"active\">\n"
        "<contact id=\"1112131415161718\" state=\"active\" event=\"registered\""
        " duration-registered=\"12\" expires=\"600\" q=\"0.8\" callid=\"cid@x\" cseq=\"7\">\n"
        "<uri>sip:joe@192.0.2.1</uri>\n"
        "<unknown-param name=\"+sip.instance\">&quot;&lt;urn:uuid:1&gt;&quot;</unknown-param>\n"
        "<unknown-param name=\"audio\"></unknown-param>\n"
        "<gr:pub-gruu xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\""
        " uri=\"sip:joe@example.com;gr=1\"/>\n"
        "<gr:temp-gruu xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\""
        " uri=\"sip:t@example.com;gr\" first-cseq=\"5\"/>\n"
        "</contact>\n</registration>\n</reginfo>\n");
}

static void an_end_has_no_expires(void **state)
{
    struct bd_reginfo_head h = head;
    h.full = false;
    h.state = "terminated";
    struct bd_reginfo_contact c = contact();
    c.active = false;
    c.event = "expired";
    c.call_id = BD_STR_NULL;
    document(&h, &c);
    assert_non_null(strstr(text, "state=\"partial\""));
    assert_non_null(strstr(text, "state=\"terminated\" event=\"expired\""
                                 " duration-registered=\"12\">"));
    assert_null(strstr(text, "expires="));
    assert_null(strstr(text, "callid="));
    assert_non_null(strstr(document(&head, NULL), "state=\"active\">\n</registration>"));
}

static const struct {
    const char *raw, *written;
} escapes[] = {
    {"sip:a&b", "sip:a&amp;b"},
    {"<>\"'", "&lt;&gt;&quot;&apos;"},
    {"a\tb", "a&#9;b"},
    {"a\x01"
     "b\x7f",
     "a\xef\xbf\xbd"
     "b\xef\xbf\xbd"},
    {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x93\x9e", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x93\x9e"},
    {"\xff", "\xef\xbf\xbd"},                                 /* no UTF-8 */
    {"\xc3", "\xef\xbf\xbd"},                                 /* cut */
    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
    {"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
    {"\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* U+FFFF */
    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

static void texts_are_escaped(void **state)
{
    for (unsigned i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        char wanted[256];
        struct bd_reginfo_contact c = contact();
        c.uri = bd_str_from(escapes[i].raw);
        c.call_id = c.uri;
        document(&head, &c);
        snprintf(wanted, sizeof(wanted), "<uri>%s</uri>", escapes[i].written);
        if (!strstr(text, wanted))
            fail_msg("row %u: no %s in %s", i, wanted, text);
        snprintf(wanted, sizeof(wanted), "callid=\"%s\"", escapes[i].written);
        assert_non_null(strstr(text, wanted));
    }
}

static void an_aor_is_a_uri_again(void **state)
{
    struct bd_reginfo_head h = head;
    h.aor = BD_STR("a b%00<@x\"@example.com");
    assert_non_null(strstr(document(&h, NULL), "aor=\"sip:a%20b%00%3C%40x%22@example.com\""));
}

/* Every buffer size: a contact is there whole or not at all, and the end always is. */
static void what_does_not_fit_leaves_no_trace(void **state)
{
    struct bd_reginfo_contact c = contact();
    for (uint32_t cap = 300; cap < 900; cap++) {
        struct bd_reginfo r;
        unsigned cnt = 0;
        bd_reginfo_begin(&r, text, cap, &head);
        while (bd_reginfo_contact(&r, &c))
            cnt++;
        uint32_t len = bd_reginfo_end(&r);
        assert_true(len <= cap);
        text[len] = 0;
        assert_non_null(strstr(text, "</registration>\n</reginfo>\n"));
        const char *p = text;
        for (unsigned i = 0; i < cnt; i++)
            p = strstr(p, "</contact>") + 1;
        assert_null(strstr(p, "</contact>"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_letter),
        cmocka_unit_test(an_end_has_no_expires),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(an_aor_is_a_uri_again),
        cmocka_unit_test(what_does_not_fit_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
