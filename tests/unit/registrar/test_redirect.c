/* SPDX-License-Identifier: BSD-3-Clause */
/* The redirect server: RFC 3261 8.3, 10.3, 21.4.18; RFC 5630 5.4; RFC 3327; RFC 3841. */
#include "lab.h"

static struct bd_policy_domain settings_with_redirect(void)
{
    struct bd_policy_domain settings = lab_settings;
    settings.redirect = 1;
    return settings;
}

static struct lab *open_lab(const struct bd_policy_domain *settings)
{
    struct lab *lab = lab_new(256);
    lab_policy(lab, settings, true);
    return lab;
}

static struct lab *redirecting_lab(void)
{
    struct bd_policy_domain settings = settings_with_redirect();
    return open_lab(&settings);
}

/* One binding of alice's, each with a Call-ID of its own. */
static void bind(struct lab *lab, const char *contact, unsigned expires_s)
{
    static unsigned cseq;
    char text[2048];
    bool secure = strncmp(contact, "<sips", 5) == 0;
    cseq++;
    snprintf(text, sizeof(text),
             "REGISTER %s:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKr%u\r\n"
             "From: <sip:alice@example.com>;tag=f\r\nTo: <sip:alice@example.com>\r\n"
             "Call-ID: r%u\r\nCSeq: 1 REGISTER\r\nExpires: %u\r\nContact: %s\r\n\r\n",
             secure ? "sips" : "sip", cseq, cseq, expires_s, contact);
    if (lab_send(lab, text) != 200)
        fail_msg("not registered: %s\n%s", contact, lab->reply);
}

static unsigned call_with(struct lab *lab, const char *method, const char *uri, const char *extra)
{
    char text[4096];
    snprintf(text, sizeof(text),
             "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKc\r\n"
             "From: \"Bob\" <sip:bob@example.com>;tag=b\r\nTo: <sip:who@example.net>\r\n"
             "Call-ID: c1\r\nCSeq: 7 %s\r\n%s\r\n",
             method, uri, method, extra);
    return lab_send(lab, text);
}

static unsigned call(struct lab *lab, const char *uri)
{
    return call_with(lab, "INVITE", uri, "Max-Forwards: 70\r\n");
}

static void expect_contacts(const struct lab *lab, const char *expected)
{
    char got[4096];
    lab_contacts(lab, got, sizeof(got));
    assert_string_equal(got, expected);
}

#define ALICE "sip:alice@example.com"

/* --- which requests --------------------------------------------------------------------------- */

static void test_requests(void **state)
{
    (void)state;
    static const struct {
        const char *name, *method, *uri, *extra;
        unsigned status;
        enum bd_verdict verdict;
    } rows[] = {
        {"a call", "INVITE", ALICE, "", 302, BD_SIP_REDIRECTED},
        {"by alias, port, case, escapes, parameters", "INVITE",
         "sip:%41LICE:pw@Alias.Example.Com.:5070;transport=tcp;lr", "", 302, BD_SIP_REDIRECTED},
        {"by the default domain", "INVITE", "sip:alice@elsewhere.example", "", 302,
         BD_SIP_REDIRECTED},
        {"a message", "MESSAGE", ALICE, "", 302, BD_SIP_REDIRECTED},
        {"a subscription", "SUBSCRIBE", ALICE, "Event: dialog\r\n", 302, BD_SIP_REDIRECTED},
        {"a reference", "REFER", ALICE, "", 302, BD_SIP_REDIRECTED},
        {"OPTIONS to a user", "OPTIONS", ALICE, "", 302, BD_SIP_REDIRECTED},
        {"OPTIONS to the server", "OPTIONS", "sip:example.com", "", 200, BD_SIP_OPTIONS},
        {"OPTIONS with Max-Forwards 0", "OPTIONS", ALICE, "Max-Forwards: 0\r\n", 200,
         BD_SIP_OPTIONS},
        {"INVITE with Max-Forwards 0", "INVITE", ALICE, "Max-Forwards: 0\r\n", 302,
         BD_SIP_REDIRECTED},
        {"a method that nobody knows (8.3)", "FROBNICATE", ALICE, "", 302, BD_SIP_REDIRECTED},
        {"Require is ignored (8.3)", "INVITE", ALICE, "Require: 100rel, x\r\n", 302,
         BD_SIP_REDIRECTED},
        {"a body is ignored (8.3)", "INVITE", ALICE, "Content-Encoding: gzip\r\n", 302,
         BD_SIP_REDIRECTED},
        {"nobody registered; where all may, all are known", "INVITE", "sip:carol@example.com", "",
         480, BD_SIP_UNAVAILABLE},
        {"the server itself takes no calls", "INVITE", "sip:example.com", "", 405,
         BD_SIP_METHOD_NOT_ALLOWED},
        {"a domain without redirect", "INVITE", "sip:alice@other.example", "", 405,
         BD_SIP_METHOD_NOT_ALLOWED},
        {"BYE has no dialog", "BYE", ALICE, "", 481, BD_SIP_NO_TRANSACTION},
        {"CANCEL has no transaction", "CANCEL", ALICE, "", 481, BD_SIP_NO_TRANSACTION},
        {"ACK of a refusal", "ACK", ALICE, "", 0, BD_SIP_ACK},
    };
    struct lab *lab = redirecting_lab();
    bind(lab, "<sip:alice@192.0.2.1>", 600);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned status = call_with(lab, rows[i].method, rows[i].uri, rows[i].extra);
        if (status != rows[i].status || lab->verdict != rows[i].verdict)
            fail_msg("%s: %u %s\n%s", rows[i].name, status, bd_verdict_info[lab->verdict].text,
                     lab->reply);
    }
    struct bd_policy_domain settings = settings_with_redirect();
    lab_policy(lab, &settings, false);
    assert_int_equal(call(lab, "sip:alice@elsewhere.example"), 404);
    assert_int_equal(call(lab, "sip:alice@198.18.0.9"), 404); /* ours, yet no domain's */
    assert_int_equal(call(lab, "tel:+12015550123"), 404);
    lab_free(lab);
}

static void test_in_dialog(void **state)
{
    (void)state;
    struct lab *lab = redirecting_lab();
    bind(lab, "<sip:alice@192.0.2.1>", 600);
    assert_int_equal(lab_send(lab, "INVITE " ALICE " SIP/2.0\r\n"
                                   "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKc\r\n"
                                   "From: <sip:bob@example.com>;tag=b\r\n"
                                   "To: <" ALICE ">;tag=a\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n"),
                     481);
    lab_free(lab);
}

/* 8.2.7: the same answer to the same request, its tag too. */
static void test_retransmission(void **state)
{
    (void)state;
    char first[LAB_REPLY_MAX];
    struct lab *lab = redirecting_lab();
    bind(lab, "<sip:alice@192.0.2.1>", 600);
    assert_int_equal(call(lab, ALICE), 302);
    strcpy(first, lab->reply);
    assert_int_equal(call(lab, ALICE), 302);
    assert_string_equal(lab->reply, first);
    assert_non_null(strstr(first, "\r\nTo: <sip:who@example.net>;tag="));
    assert_int_equal(lab_counter(lab, BD_CTR_REDIRECT_REQUESTS), 2);
    lab_free(lab);
}

/* --- the contacts ----------------------------------------------------------------------------- */

static void test_order(void **state)
{
    (void)state;
    struct lab *lab = redirecting_lab();
    bind(lab, "<sip:alice@192.0.2.1>;q=0.5", 600);
    bind(lab, "<sip:alice@192.0.2.2>;q=0.7", 60);
    bind(lab, "<mailto:alice@example.net>;q=0.001", 600);
    bind(lab, "<sip:alice@192.0.2.3>", 90); /* no q is the highest */
    assert_int_equal(call(lab, ALICE), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.3>;expires=90|<sip:alice@192.0.2.2>;q=0.7;expires=60|"
                         "<sip:alice@192.0.2.1>;q=0.5;expires=600|"
                         "<mailto:alice@example.net>;q=0.001;expires=600");
    lab->now_ms += 60000; /* one is over, the rest have less time */
    assert_int_equal(call(lab, ALICE), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.3>;expires=30|"
                         "<sip:alice@192.0.2.1>;q=0.5;expires=540|"
                         "<mailto:alice@example.net>;q=0.001;expires=540");
    bind(lab, "<sip:alice@192.0.2.2>;q=0.5", 540); /* as good, and younger */
    assert_int_equal(call(lab, ALICE), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.3>;expires=30|"
                         "<sip:alice@192.0.2.2>;q=0.5;expires=540|"
                         "<sip:alice@192.0.2.1>;q=0.5;expires=540|"
                         "<mailto:alice@example.net>;q=0.001;expires=540");
    lab->now_ms += 29500; /* half a second is left: never 0 */
    assert_int_equal(call(lab, ALICE), 302);
    assert_non_null(strstr(lab->reply, "<sip:alice@192.0.2.3>;expires=1\r\n"));
    lab->now_ms += 600000;
    assert_int_equal(call(lab, ALICE), 480);
    lab_free(lab);
}

/* Features are told, what was between phone and registrar is not. */
static void test_parameters(void **state)
{
    (void)state;
    struct lab *lab = redirecting_lab();
    bind(lab,
         "\"A\" <sip:alice@192.0.2.1;ob>;reg-id=1;+sip.instance=\"<urn:uuid:1>\";audio;"
         "methods=\"INVITE, BYE\";+sip.message=\"TRUE\";x-vendor=1;isfocus",
         600);
    assert_int_equal(call(lab, ALICE), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.1;ob>;audio;methods=\"INVITE, BYE\";"
                         "+sip.message=\"TRUE\";isfocus;expires=600");
    lab_free(lab);
}

/* 8.3: never to where the request already was. */
static void test_no_loop(void **state)
{
    (void)state;
    struct lab *lab = redirecting_lab();
    bind(lab, "<sip:alice@EXAMPLE.com>", 600);
    assert_int_equal(call(lab, ALICE), 480);
    bind(lab, "<sip:%61lice@example.com>", 600);
    bind(lab, "<SIP:alice@example.com;x=y>", 600);
    assert_int_equal(call(lab, ALICE), 480);
    bind(lab, "<sip:alice@192.0.2.1>", 600);
    assert_int_equal(call(lab, ALICE), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.1>;expires=600");
    lab_free(lab);
}

/* Contacts that name the called domain, or something like it, and are another URI all the same. */
static void test_no_loop_yet_near(void **state)
{
    (void)state;
    static const char *const near[] = {"sip:example.com", "sip:alice@example.co",
                                       "sip:alice@example.com.invalid", "sip:alicia@example.com",
                                       "sip:alice@example.com:5070"};
    for (unsigned i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        struct lab *lab = redirecting_lab();
        char contact[80], expected[96];
        snprintf(contact, sizeof(contact), "<%s>", near[i]);
        snprintf(expected, sizeof(expected), "%s;expires=600", contact);
        bind(lab, contact, 600);
        assert_int_equal(call(lab, ALICE), 302);
        expect_contacts(lab, expected);
        lab_free(lab);
    }
}

static void test_sips(void **state)
{
    (void)state;
    char warning[128];
    struct lab *lab = redirecting_lab();
    bind(lab, "<sip:alice@192.0.2.1>", 600);
    assert_int_equal(call(lab, "sips:alice@example.com"), 480);
    assert_true(lab_header(lab, "Warning", 0, warning, sizeof(warning)));
    assert_string_equal(warning, "380 198.18.0.1:5060 \"SIPS Not Allowed\"");
    assert_int_equal(call(lab, "sips:carol@example.com"), 480);
    assert_false(lab_header(lab, "Warning", 0, warning, sizeof(warning)));
    bind(lab, "<sips:alice@192.0.2.2>;q=0.5", 600);
    assert_int_equal(call(lab, "sips:alice@example.com"), 302);
    expect_contacts(lab, "<sips:alice@192.0.2.2>;q=0.5;expires=600");
    assert_int_equal(call(lab, ALICE), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.1>;expires=600|"
                         "<sips:alice@192.0.2.2>;q=0.5;expires=600");
    lab_free(lab);
}

/* One number, however it is written (RFC 3966 4, RFC 3261 19.1.6). */
static void test_numbers(void **state)
{
    (void)state;
    static const char *const same[] = {"tel:+1-201-555-0123", "tel:+12015550123;ext=1",
                                       "sip:+12015550123@example.com",
                                       "sip:+1(201)555.0123@example.com;user=phone"};
    struct lab *lab = redirecting_lab();
    assert_int_equal(lab_send(lab,
                              "REGISTER sip:example.com SIP/2.0\r\n"
                              "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKn\r\n"
                              "From: <sip:a@example.com>;tag=f\r\n"
                              "To: <sip:+1-201-5550123@example.com;user=phone>\r\nCall-ID: n\r\n"
                              "CSeq: 1 REGISTER\r\nContact: <sip:gw@192.0.2.1>\r\n\r\n"),
                     200);
    for (unsigned i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        if (call(lab, same[i]) != 302)
            fail_msg("%s\n%s", same[i], lab->reply);
    }
    assert_int_equal(call(lab, "tel:+12015550124"), 480);
    lab_free(lab);
}

/* --- Path ------------------------------------------------------------------------------------- */

static void bind_path(struct lab *lab, const char *uri, const char *path)
{
    struct bd_str aor = BD_STR("alice@example.com");
    struct bd_slot_ref ref;
    struct bd_binding b = {
        .text = {[BD_TEXT_URI] = bd_str_from(uri),
                 [BD_TEXT_CALL_ID] = BD_STR("p"),
                 [BD_TEXT_PATH] = bd_str_from(path)},
        .state = bd_state_make(1, (uint32_t)(lab->now_ms / 1000) + 600),
        .q_milli = BD_Q_NONE,
    };
    assert_false(bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref));
    assert_int_equal(bd_table_put(lab->writer, &ref, aor, NULL, &b, 1), BD_TABLE_OK);
}

static void test_path(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *path, *contact;
    } rows[] = {
        {"sip:alice@192.0.2.1", "<sip:p1;lr>,<sip:p2.example:5070;lr;x=\"%41 b\">",
         "<sip:alice@192.0.2.1?Route=%3Csip:p1%3Blr%3E%2C%3Csip:p2.example:5070%3Blr%3Bx%3D%22"
         "%2541%20b%22%3E>;expires=600"},
        {"sip:alice@192.0.2.1;ob?Subject=a%20b&X=", "<sip:t@[2001:db8::1];lr>",
         "<sip:alice@192.0.2.1;ob?Route=%3Csip:t%40[2001:db8::1]%3Blr%3E&Subject=a%20b&X=>"
         ";expires=600"},
        {"sip:al?ice@192.0.2.1", "<sip:p1;lr>",
         "<sip:al?ice@192.0.2.1?Route=%3Csip:p1%3Blr%3E>;expires=600"},
        {"tel:+4930555", "<sip:p1;lr>", NULL},
    };
    struct bd_policy_domain settings = settings_with_redirect();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        settings.redirect_path = 0;
        struct lab *lab = open_lab(&settings);
        bind_path(lab, rows[i].uri, rows[i].path);
        assert_int_equal(call(lab, ALICE), 480);
        settings.redirect_path = 1;
        lab_policy(lab, &settings, true);
        assert_int_equal(call(lab, ALICE), rows[i].contact ? 302 : 480);
        expect_contacts(lab, rows[i].contact ? rows[i].contact : "");
        lab_free(lab);
    }
}

/* --- caller preferences ----------------------------------------------------------------------- */

static void test_preferences(void **state)
{
    (void)state;
    struct bd_policy_domain settings = settings_with_redirect();
    settings.caller_preferences = 1;
    struct lab *lab = open_lab(&settings);
    bind(lab, "<sip:alice@192.0.2.1>;audio;q=0.2", 600);
    bind(lab, "<sip:alice@192.0.2.2>;video;q=0.2", 600);
    bind(lab, "<sip:alice@192.0.2.3>;audio;actor=\"msg-taker\"", 600);
    /* 7.2.4: q tells the order, and no features, so that nobody applies them again. */
    const char *wishes = "Accept-Contact: *;video\r\nReject-Contact: *;actor=\"msg-taker\"\r\n";
    assert_int_equal(call_with(lab, "INVITE", ALICE, wishes), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.2>;q=1;expires=600|"
                         "<sip:alice@192.0.2.1>;q=0.97;expires=600");
    wishes = "Accept-Contact: *;actor=\"msg-taker\";require;explicit\r\n";
    assert_int_equal(call_with(lab, "INVITE", ALICE, wishes), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.3>;q=1;expires=600");
    wishes = "Accept-Contact: *;class=\"x\";require;explicit\r\n";
    assert_int_equal(call_with(lab, "INVITE", ALICE, wishes), 480);
    assert_int_equal(call_with(lab, "INVITE", ALICE, "Accept-Contact: audio\r\n"), 400);
    assert_int_equal(call_with(lab, "INVITE", ALICE, "Request-Disposition: no-fork\r\n"), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.3>;q=1;expires=600");
    settings.caller_preferences = 0;
    lab_policy(lab, &settings, true);
    assert_int_equal(call_with(lab, "INVITE", ALICE, "Accept-Contact: audio\r\n"), 302);
    lab_free(lab);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void bind_many(struct lab *lab, unsigned cnt)
{
    char contact[700];
    for (unsigned i = 0; i < cnt; i++) {
        snprintf(contact, sizeof(contact), "<sip:alice@192.0.2.%u;x=%0*u>;q=0.%02u", i, 400, i,
                 99 - i);
        bind(lab, contact, 600);
    }
}

/* Whoever forges a source gets one frame at most; who has proved who he is, all that fits. */
static void test_bounds(void **state)
{
    (void)state;
    struct bd_policy_domain settings = settings_with_redirect();
    settings.max_contacts = 32;
    struct lab *lab = open_lab(&settings);
    bind_many(lab, 15);
    assert_int_equal(call(lab, ALICE), 302);
    assert_true(lab->reply_len < BD_REDIRECT_REPLY_MAX + 64);
    assert_non_null(strstr(lab->reply, "<sip:alice@192.0.2.0;"));
    assert_non_null(strstr(lab->reply, "<sip:alice@192.0.2.1;"));
    assert_null(strstr(lab->reply, "<sip:alice@192.0.2.2;"));
    assert_int_equal(lab_counter(lab, BD_CTR_REDIRECT_CONTACTS_LEFT_OFF), 13);
    lab->reply_cap = 300; /* not even one */
    assert_int_equal(call(lab, ALICE), 500);
    lab->reply_cap = 800;
    assert_int_equal(call(lab, ALICE), 302);
    lab_free(lab);
}

/* Every one-byte change of a call ends in a named verdict and, if at all, in a whole reply. */
static void test_mutations(void **state)
{
    (void)state;
    static const char original[] =
        "INVITE sip:+1-201-5550123@example.com;user=phone SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKc\r\nFrom: <sip:bob@example.com>;tag=b\r\n"
        "To: <sip:alice@example.com>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n"
        "a: *;audio;methods=\"INVITE,!BYE\";+x=\"#-1:2.5\";require, *;+y=\"<z>\";explicit\r\n"
        "Reject-Contact: *;actor=\"msg-taker\"\r\nRequest-Disposition: proxy, no-fork\r\n\r\n";
    static const char bytes[] = {1,   '\t', '\n', ' ', '"', '%', ',', '0',        ':',
                                 '!', ';',  '<',  '>', '@', '#', '+', (char)0x80, (char)0xff};
    struct bd_policy_domain settings = settings_with_redirect();
    settings.caller_preferences = 1;
    struct lab *lab = open_lab(&settings);
    char text[sizeof(original)];
    assert_int_equal(
        lab_send(lab, "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n"
                      "From: <sip:a@example.com>;tag=f\r\nTo: <sip:+12015550123@example.com>\r\n"
                      "Call-ID: m\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@192.0.2.1>;audio;"
                      "methods=\"INVITE\";+x=\"#=1\";+y=\"<z>\"\r\n\r\n"),
        200);
    assert_int_equal(lab_send(lab, original), 302);
    for (unsigned at = 0; at < sizeof(original) - 1; at++) {
        for (unsigned k = 0; k < sizeof(bytes); k++) {
            memcpy(text, original, sizeof(original));
            text[at] = bytes[k];
            unsigned status = lab_send(lab, text);
            assert_true(lab->verdict < BD_VERDICT_CNT);
            assert_int_equal(status == 0, bd_verdict_info[lab->verdict].status == 0);
            assert_true(status == 0 || strcmp(lab->reply + lab->reply_len - 4, "\r\n\r\n") == 0);
        }
    }
    lab_free(lab);
}

/* --- who asks --------------------------------------------------------------------------------- */

static struct bd_hash128 aor_hash(const struct lab *lab, const char *aor)
{
    return bd_hash128(&lab->arena.hash_key, aor, strlen(aor));
}

static void provision(struct lab *lab, const char *aor)
{
    struct bd_provision p = {.has_prefix = true};
    assert_true(bd_prefix_parse(BD_STR("192.0.2.1"), &p.prefix));
    bd_provisioned_put(&lab->arena, lab->table.epoch, aor_hash(lab, aor), &p);
}

static unsigned call_from(struct lab *lab, const char *from, const char *extra)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "INVITE " ALICE " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKc\r\n"
             "From: <%s>;tag=b\r\nTo: <" ALICE ">\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n%s\r\n",
             from, extra);
    return lab_send(lab, text);
}

/* Provisioned and not registered: 480; not provisioned: 404. */
/* RFC 5626 7: of an instance's flows one at a time, the freshest; others are told beside it. */
static void test_flows(void **state)
{
    (void)state;
    struct bd_policy_domain settings = settings_with_redirect();
    settings.outbound_mode = BD_OUTBOUND_SUPPORTED;
    struct lab *lab = open_lab(&settings);
    bind(lab, "<sip:alice@192.0.2.1>;reg-id=1;+sip.instance=\"<urn:uuid:0a>\"", 600);
    bind(lab, "<sip:alice@192.0.2.2>;reg-id=2;+sip.instance=\"<urn:uuid:0A>\"", 900);
    bind(lab, "<sip:alice@192.0.2.3>;reg-id=1;+sip.instance=\"<urn:uuid:0b>\"", 300);
    bind(lab, "<sip:alice@192.0.2.4>", 120);
    assert_int_equal(call(lab, ALICE), 302);
    expect_contacts(lab, "<sip:alice@192.0.2.2>;expires=900|<sip:alice@192.0.2.3>;expires=300|"
                         "<sip:alice@192.0.2.4>;expires=120");
    lab->now_ms += 901000; /* and none when they are gone */
    assert_int_equal(call(lab, ALICE), 480);
    lab_free(lab);
}

static void test_known(void **state)
{
    (void)state;
    struct bd_policy_domain settings = settings_with_redirect();
    settings.auth = BD_AUTH_DIGEST;
    struct lab *lab = open_lab(&settings);
    provision(lab, "carol@example.com");
    assert_int_equal(call(lab, "sip:Carol@alias.example.com"), 480);
    assert_int_equal(lab->verdict, BD_SIP_UNAVAILABLE);
    assert_int_equal(call(lab, "sip:dave@example.com"), 404);
    assert_int_equal(lab->verdict, BD_SIP_NOT_FOUND);
    lab_free(lab);
}

static void test_callers_digest(void **state)
{
    (void)state;
    char value[512];
    struct bd_policy_domain settings = settings_with_redirect();
    settings.max_contacts = 32;
    struct lab *lab = open_lab(&settings);
    bind_many(lab, 15);
    settings.auth = BD_AUTH_DIGEST;
    settings.redirect_auth = 1;
    lab_policy(lab, &settings, true);
    /* 22.1: a redirect server is a UAS here, so 401 and not 407. */
    assert_int_equal(call_from(lab, "sip:bob@example.com", ""), 401);
    assert_true(lab_header(lab, "WWW-Authenticate", 0, value, sizeof(value)));
    const char *nonce = strstr(value, "nonce=\"");
    assert_non_null(nonce);
    char credentials[1024];
    snprintf(credentials, sizeof(credentials),
             "Authorization: Digest username=\"bob\", realm=\"example.com\", nonce=\"%.64s\", "
             "uri=\"" ALICE "\", response=\"00\", algorithm=SHA-256, qop=auth, cnonce=\"c\", "
             "nc=00000001\r\n",
             nonce + 7);
    assert_int_equal(call_from(lab, "sip:Bob@alias.example.com", credentials), 0);
    assert_int_equal(lab->step, BD_STEP_VERIFY);
    struct bd_str claimed = bd_job_get(&lab->job, BD_JOB_AOR);
    assert_true(bd_str_eq(claimed, BD_STR("bob@example.com"))); /* his, not alice's */
    assert_true(bd_str_eq(bd_job_get(&lab->job, BD_JOB_METHOD), BD_STR("INVITE")));
    assert_int_equal(lab_resume(lab, BD_VERIFY_WRONG), 401);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OTHER_AOR), 403);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 302);
    assert_true(lab->reply_len > 4 * BD_REDIRECT_REPLY_MAX); /* all that a reply holds */
    assert_int_equal(call_from(lab, "sip:bob@other.example", credentials), 403);
    assert_int_equal(call_from(lab, "sip:bob@nowhere.example", credentials), 403);
    assert_int_equal(call_from(lab, "sip:example.com", credentials), 403);
    assert_int_equal(call_from(lab, "sip:bob@198.18.0.9", credentials), 0); /* our own address */
    assert_int_equal(call_from(lab, "tel:+12015550123", credentials), 0);
    lab_free(lab);
}

static void test_callers_trusted(void **state)
{
    (void)state;
    struct bd_policy_domain settings = settings_with_redirect();
    struct lab *lab = open_lab(&settings);
    bind(lab, "<sip:alice@192.0.2.9>", 600);
    settings.auth = BD_AUTH_TRUSTED;
    settings.redirect_auth = 1;
    lab_policy(lab, &settings, true);
    provision(lab, "bob@example.com");
    assert_int_equal(call_from(lab, "sip:bob@example.com", ""), 302);
    assert_int_equal(call_from(lab, "sip:carol@example.com", ""), 403);
    assert_true(bd_endpoint_parse(BD_STR("192.0.2.2:5060"), &lab->source));
    assert_int_equal(call_from(lab, "sip:bob@example.com", ""), 403);
    assert_int_equal(lab->verdict, BD_SIP_UNTRUSTED);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_in_dialog),
        cmocka_unit_test(test_retransmission),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_no_loop),
        cmocka_unit_test(test_no_loop_yet_near),
        cmocka_unit_test(test_sips),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_preferences),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_flows),
        cmocka_unit_test(test_callers_digest),
        cmocka_unit_test(test_callers_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
