/* SPDX-License-Identifier: BSD-3-Clause */
/* The notifier's side of a dialog: what is kept of a SUBSCRIBE, and where a NOTIFY goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialog.h"

static struct bd_dialog dialog;
static struct bd_message message;
static char request[4096], text[9000];
static const char *asked = "sip:joe@example.com";

static struct bd_endpoint endpoint(const char *s)
{
    struct bd_endpoint e;
    assert_true(bd_endpoint_parse(bd_str_from(s), &e));
    return e;
}

static struct bd_way_back way_from(const char *source)
{
    return (struct bd_way_back){.peer = endpoint(source), .local = endpoint("198.18.0.1:5060")};
}

static unsigned open_dialog(const char *via, const char *extra, const char *source)
{
    snprintf(request, sizeof(request),
             "SUBSCRIBE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKa\r\n"
             "From: \"W\" <sip:w@example.com>;tag=his\r\nTo: <sip:joe@example.com>\r\n"
             "Call-ID: cid\r\nCSeq: 5 SUBSCRIBE\r\nEvent: reg;id=3\r\n%s\r\n",
             asked, via, extra);
    assert_int_equal(bd_message_parse(&message, request, (uint32_t)strlen(request)),
                     BD_VERDICT_NONE);
    struct bd_way_back way = way_from(source);
    memcpy(dialog.local_tag, "000000000123456789abcdef", BD_LOCAL_TAG_LEN);
    return bd_dialog_open(&dialog, &message, &way);
}

static const char *notify(void)
{
    struct bd_wire w = bd_wire_init(text, sizeof(text) - 1);
    bd_dialog_notify(&dialog, &w, BD_STR("z9hG4bKb"), BD_STR("active;expires=9"), BD_STR("<x/>"));
    assert_false(w.overflow);
    text[bd_wire_len(&w)] = 0;
    return text;
}

static void a_notify_by_the_letter(void **state)
{
    assert_int_equal(
        open_dialog("192.0.2.7", "Contact: <sip:w@192.0.2.7:5070;ob>\r\n", "192.0.2.7:5060"), 0);
    static const char wanted[] =
        "NOTIFY sip:w@192.0.2.7:5070;ob SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKb\r\nMax-Forwards: 70\r\n"
        "From: <sip:joe@example.com>;tag=000000000123456789abcdef\r\n"
        "To: \"W\" <sip:w@example.com>;tag=his\r\nCall-ID: cid\r\nCSeq: %u NOTIFY\r\n"
        "Contact: <sip:198.18.0.1:5060>\r\nEvent: reg;id=3\r\n"
        "Subscription-State: active;expires=9\r\nAllow-Events: reg\r\n"
        "Content-Type: application/reginfo+xml\r\nContent-Length: 4\r\n\r\n<x/>";
    for (unsigned cseq = 1; cseq <= 3; cseq++) { /* RFC 3261 12.2.1.1: one more each */
        char line[sizeof(wanted)];
        snprintf(line, sizeof(line), wanted, cseq);
        assert_string_equal(notify(), line);
    }
}

#define CONTACT "Contact: <sip:w@192.0.2.7:5070>\r\n"
static const struct {
    const char *what, *via, *extra, *source, *hop, *uri, *route;
} hops[] = {
    {"the Contact", "192.0.2.7", CONTACT, "192.0.2.7:5060", "192.0.2.7:5070",
     "sip:w@192.0.2.7:5070", NULL},
    {"its port is 5060 when it names none", "192.0.2.7", "Contact: <sip:w@192.0.2.7>\r\n",
     "192.0.2.7:999", "192.0.2.7:5060", "sip:w@192.0.2.7", NULL},
    {"a name is not resolved", "w.example.com", "Contact: <sip:w@w.example.com>\r\n",
     "192.0.2.7:999", "192.0.2.7:999", "sip:w@w.example.com", NULL},
    {"headers are for no Request-URI", "192.0.2.7",
     "Contact: <sip:w@192.0.2.7?Route=%3Csip:x%3E>\r\n", "192.0.2.7:999", "192.0.2.7:5060",
     "sip:w@192.0.2.7", NULL},
    {"nor are those of a strict route", "192.0.2.8",
     CONTACT "Record-Route: <sip:192.0.2.8?a=b>\r\n", "192.0.2.8:5060", "192.0.2.8:5060",
     "sip:192.0.2.8", "<sip:w@192.0.2.7:5070>"},
    {"another family", "192.0.2.7", "Contact: <sip:w@[2001:db8::7]>\r\n", "192.0.2.7:999",
     "192.0.2.7:999", "sip:w@[2001:db8::7]", NULL},
    {"behind a NAT", "10.0.0.1;rport", "Contact: <sip:w@10.0.0.1:5070>\r\n", "192.0.2.7:40000",
     "192.0.2.7:40000", "sip:w@10.0.0.1:5070", NULL},
    {"another host than the one that asks", "192.0.2.7;rport", CONTACT, "192.0.2.9:5060",
     "192.0.2.9:5060", "sip:w@192.0.2.7:5070", NULL},
    {"loose routes", "192.0.2.8",
     CONTACT "Record-Route: <sip:192.0.2.8;lr>, \"a, b\" <sip:p2.example.com;lr>\r\n"
             "Record-Route: <sip:p3;lr;x=\"1,2\">\r\n",
     "192.0.2.8:5060", "192.0.2.8:5060", "sip:w@192.0.2.7:5070", NULL},
    {"two fields of loose routes", "192.0.2.8",
     CONTACT "Record-Route: <sip:192.0.2.8:5080;lr>,\r\n  \"a, b\" <sip:p2;lr>\r\n"
             "Record-Route: <sip:p3;lr>;x\r\n",
     "192.0.2.8:5060", "192.0.2.8:5080", "sip:w@192.0.2.7:5070",
     "<sip:192.0.2.8:5080;lr>, \"a, b\" <sip:p2;lr>, <sip:p3;lr>;x"},
    {"a quoted quote in the name of a route", "192.0.2.8",
     CONTACT "Record-Route: \"a\\\", <b\" <sip:192.0.2.8:5080;lr>, <sip:p2;lr>\r\n",
     "192.0.2.8:5060", "192.0.2.8:5080", "sip:w@192.0.2.7:5070",
     "\"a\\\", <b\" <sip:192.0.2.8:5080;lr>, <sip:p2;lr>"},
    {"a strict route", "192.0.2.8", CONTACT "Record-Route: <sip:192.0.2.8>, <sip:p2;lr>\r\n",
     "192.0.2.8:5060", "192.0.2.8:5060", "sip:192.0.2.8", "<sip:p2;lr>, <sip:w@192.0.2.7:5070>"},
    {"one strict route", "192.0.2.8", CONTACT "Record-Route: <sip:192.0.2.8>\r\n", "192.0.2.8:5060",
     "192.0.2.8:5060", "sip:192.0.2.8", "<sip:w@192.0.2.7:5070>"},
};

static void where_a_notify_goes(void **state)
{
    for (unsigned i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
        unsigned status = open_dialog(hops[i].via, hops[i].extra, hops[i].source);
        if (strcmp(hops[i].what, "loose routes") == 0) { /* no URI parameter is quoted */
            assert_int_equal(status, 400);
            continue;
        }
        char hop[BD_ENDPOINT_TEXT_MAX], line[256];
        bd_endpoint_format(&dialog.next_hop, hop);
        if (status || strcmp(hop, hops[i].hop) != 0)
            fail_msg("%s: status %u, to %s", hops[i].what, status, hop);
        snprintf(line, sizeof(line), "NOTIFY %s SIP/2.0\r\n", hops[i].uri);
        if (strncmp(notify(), line, strlen(line)) != 0)
            fail_msg("%s: %s", hops[i].what, text);
        snprintf(line, sizeof(line), "\r\nRoute: %s\r\n", hops[i].route ? hops[i].route : "");
        assert_true(hops[i].route ? strstr(text, line) != NULL : strstr(text, "Route:") == NULL);
    }
}

static void what_makes_no_dialog(void **state)
{
    assert_int_equal(open_dialog("192.0.2.7", "", "192.0.2.7:5060"), 400);
    assert_int_equal(open_dialog("192.0.2.7", CONTACT CONTACT, "192.0.2.7:5060"), 400);
    assert_int_equal(open_dialog("192.0.2.7", "Contact: *\r\n", "192.0.2.7:5060"), 400);
    assert_int_equal(open_dialog("192.0.2.7", "Contact: <tel:+1>\r\n", "192.0.2.7:5060"), 400);
    assert_int_equal(open_dialog("192.0.2.7", CONTACT "Record-Route: ,\r\n", "192.0.2.7:5060"),
                     400);
    char routes[3000] = CONTACT "Record-Route: <sip:";
    memset(routes + strlen(routes), 'a', 2100);
    strcat(routes, ";lr>\r\n");
    assert_int_equal(open_dialog("192.0.2.7", routes, "192.0.2.7:5060"), 513);
}

static void whose_message_it_is(void **state)
{
    assert_int_equal(open_dialog("192.0.2.7", CONTACT, "192.0.2.7:5060"), 0);
    assert_true(bd_dialog_has(&dialog, &message));
    message.to_tag = BD_STR("000000000123456789abcdef");
    assert_true(bd_dialog_has(&dialog, &message));
    message.to_tag = BD_STR("000000000123456789abcdee");
    assert_false(bd_dialog_has(&dialog, &message));
    message.to_tag = BD_STR_NULL;
    message.from_tag = BD_STR("hers");
    assert_false(bd_dialog_has(&dialog, &message));
}

/* RFC 3261 12.1.1, 8.1.1.8: who subscribed by sips is sent to a sips Contact. */
static void a_secure_dialog(void **state)
{
    static const struct {
        const char *uri, *extra;
        bool secure;
    } rows[] = {
        {"sips:joe@example.com", CONTACT, true},
        {"sip:joe@example.com", "Contact: <sips:w@192.0.2.7>\r\n", true},
        {"sip:joe@example.com", "Record-Route: <sips:p;lr>, <sip:q;lr>\r\n" CONTACT, true},
        {"sip:joe@example.com", "Record-Route: <sip:p;lr>\r\nContact: <sips:w@192.0.2.7>\r\n",
         true},
        {"sip:joe@example.com", "Record-Route: <sip:p;lr>, <sips:q;lr>\r\n" CONTACT, false},
        {"sip:joe@example.com", CONTACT, false},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char wanted[64];
        asked = rows[i].uri;
        assert_int_equal(open_dialog("192.0.2.7", rows[i].extra, "192.0.2.7:5060"), 0);
        snprintf(wanted, sizeof(wanted), "\r\nContact: <%s:198.18.0.1:5060>\r\n",
                 rows[i].secure ? "sips" : "sip");
        if (!strstr(notify(), wanted))
            fail_msg("row %u: %s", i, text);
        struct bd_wire w = bd_wire_init(text, sizeof(text) - 1);
        bd_dialog_accept(&dialog, &w, &message, 9, BD_STR_NULL);
        text[bd_wire_len(&w)] = 0;
        if (!strstr(text, wanted))
            fail_msg("row %u: %s", i, text);
    }
    asked = "sip:joe@example.com";
}

/* RFC 6665 8.2.1. The dialog's is "reg;id=3". */
static void which_event_is_the_same(void **state)
{
    static const struct {
        const char *event;
        bool same;
    } rows[] = {
        {"reg;id=3", true},
        {"reg ;\r\n ID = 3", true},
        {"reg;param=abcd;id=3", true},
        {"reg;id=3;other", true},
        {"reg", false},
        {"reg;id", false},
        {"reg;id=4", false},
        {"reg;param=3", false},
        {"Reg;id=3", false},
        {"presence;id=3", false},
    };
    assert_int_equal(open_dialog("192.0.2.7", CONTACT, "192.0.2.7:5060"), 0);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text),
                 "SUBSCRIBE sip:joe@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
                 "From: <sip:w@example.com>;tag=his\r\nTo: <sip:joe@example.com>;tag=ours\r\n"
                 "Call-ID: cid\r\nCSeq: 6 SUBSCRIBE\r\nEvent: %s\r\n\r\n",
                 rows[i].event);
        assert_int_equal(bd_message_parse(&message, text, (uint32_t)strlen(text)), BD_VERDICT_NONE);
        if (bd_dialog_has_event(&dialog, &message) != rows[i].same)
            fail_msg("Event: %s", rows[i].event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notify_by_the_letter), cmocka_unit_test(where_a_notify_goes),
        cmocka_unit_test(a_secure_dialog),        cmocka_unit_test(which_event_is_the_same),
        cmocka_unit_test(what_makes_no_dialog),   cmocka_unit_test(whose_message_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
