/* SPDX-License-Identifier: BSD-3-Clause */
/* bd_uri_parse, bd_uri_equal, bd_aor_canonical and the parameter walk. */
#include "check.h"
#include "uri.h"
#include "uri_key.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        enum bd_uri_scheme scheme;
        const char *user, *password, *host;
        enum bd_host_type type;
        unsigned port;
        const char *params, *headers;
    } rows[] = {
        {"sip:example.com", BD_URI_SIP, NULL, NULL, "example.com", BD_HOST_NAME, 0, NULL, NULL},
        {"SIP:a@B.example.", BD_URI_SIP, "a", NULL, "B.example.", BD_HOST_NAME, 0, NULL, NULL},
        {"sips:a:pw@h:5061", BD_URI_SIPS, "a", "pw", "h", BD_HOST_NAME, 5061, NULL, NULL},
        {"sip:a:@h", BD_URI_SIP, "a", "", "h", BD_HOST_NAME, 0, NULL, NULL},
        {"sip:a@192.0.2.1:05060", BD_URI_SIP, "a", NULL, "192.0.2.1", BD_HOST_IPV4, 5060, NULL,
         NULL},
        {"sip:[2001:db8::1]:5070;lr", BD_URI_SIP, NULL, NULL, "[2001:db8::1]", BD_HOST_IPV6, 5070,
         "lr", NULL},
        {"sip:[::ffff:192.0.2.1]", BD_URI_SIP, NULL, NULL, "[::ffff:192.0.2.1]", BD_HOST_IPV6, 0,
         NULL, NULL},
        {"sip:a;b=c?d/e&f=g+h$i,j@x-1.ex", BD_URI_SIP, "a;b=c?d/e&f=g+h$i,j", NULL, "x-1.ex",
         BD_HOST_NAME, 0, NULL, NULL},
        {"sip:a;b:0c@h", BD_URI_SIP, "a;b", "0c", "h", BD_HOST_NAME, 0, NULL, NULL},
        {"sip:a?b=c:5060@h", BD_URI_SIP, "a?b=c", "5060", "h", BD_HOST_NAME, 0, NULL, NULL},
        {"sip:h;b:0c", BD_URI_SIP, NULL, NULL, "h", BD_HOST_NAME, 0, "b:0c", NULL},
        {"sip:%61%00@h", BD_URI_SIP, "%61%00", NULL, "h", BD_HOST_NAME, 0, NULL, NULL},
        {"sip:a@h;transport=tcp;x", BD_URI_SIP, "a", NULL, "h", BD_HOST_NAME, 0, "transport=tcp;x",
         NULL},
        {"sip:a@h;maddr=[::1];p=%3b?s=%20&b=", BD_URI_SIP, "a", NULL, "h", BD_HOST_NAME, 0,
         "maddr=[::1];p=%3b", "s=%20&b="},
        {"sip:h?a=b", BD_URI_SIP, NULL, NULL, "h", BD_HOST_NAME, 0, NULL, "a=b"},
        {"sip:my_pc.lan", BD_URI_SIP, NULL, NULL, "my_pc.lan", BD_HOST_NAME, 0, NULL, NULL},
        {"tel:+1-(555).0100;isub=1", BD_URI_TEL, "+1-(555).0100", NULL, NULL, BD_HOST_NAME, 0,
         "isub=1", NULL},
        {"tel:*21#;phone-context=example.com", BD_URI_TEL, "*21#", NULL, NULL, BD_HOST_NAME, 0,
         "phone-context=example.com", NULL},
        {"http://www.example.com/?q=1", BD_URI_OTHER, NULL, NULL, NULL, BD_HOST_NAME, 0, NULL,
         NULL},
        {"soap.beep://192.0.2.103:3002", BD_URI_OTHER, NULL, NULL, NULL, BD_HOST_NAME, 0, NULL,
         NULL},
        {"urn:uuid:f81d4fae", BD_URI_OTHER, NULL, NULL, NULL, BD_HOST_NAME, 0, NULL, NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_uri u;
        if (!bd_uri_parse(bd_str_from(rows[i].text), &u))
            fail_msg("refused: %s", rows[i].text);
        assert_int_equal(u.scheme, rows[i].scheme);
        assert_text(u.text, rows[i].text);
        assert_text(u.user, rows[i].user);
        assert_text(u.password, rows[i].password);
        assert_text(u.host, rows[i].host);
        assert_int_equal(u.host_type, rows[i].type);
        assert_int_equal(u.port, rows[i].port);
        assert_text(u.params, rows[i].params);
        assert_text(u.headers, rows[i].headers);
    }
}

static void test_refuse(void **state)
{
    static const char *const rows[] = {
        "",
        "sip",
        "sip:",
        ":",
        "1sip:a",
        "sip :a",
        "s\xc3\xa4:a",
        "example.com",
        "sip:@h",
        "sip::p@h",
        "sip:a@",
        "sip:a@@h",
        "sip:a@h@i",
        "sip:a b@h",
        "sip:a@h ",
        " sip:a@h",
        "<sip:a@h>",
        "sip:a\"@h",
        "sip:a%4@h",
        "sip:a%@h",
        "sip:a%zz@h",
        "sip:a:p;q@h",
        "sip:a@h:",
        "sip:a@h:0",
        "sip:a@h:65536",
        "sip:a@h:4294972356",
        "sip:a@h:5060x",
        "sip:a@h:-1",
        "sip:a@-h",
        "sip:a@h-",
        "sip:a@h..i",
        "sip:a@.h",
        "sip:a@h..",
        "sip:a@.",
        "sip:a@h-.i",
        "sip:a@1.2.3",
        "sip:a@1.2.3.256",
        "sip:a@1.2.3.4.5",
        "sip:a@1.2.3.",
        "sip:a@1234.1.1.1",
        "sip:2001:db8::10",
        "sip:[2001:db8::10",
        "sip:[]",
        "sip:[1.2.3.4]",
        "sip:[::g]",
        "sip:[[::1]]",
        "sip:[::1]x",
        "sip:[1::2::3]",
        "sip:[2001:db8:::1]",
        "sip:h;",
        "sip:h;;a",
        "sip:h;a=",
        "sip:h;=b",
        "sip:h;a=b=c",
        "sip:c@h;a@b",
        "sip:h;a,b",
        "sip:h;%4",
        "sip:h?",
        "sip:h?a",
        "sip:h?=b",
        "sip:h?a=b&",
        "sip:h?a=b?c@",
        "sip:h?a=b;c=d",
        "tel:",
        "tel:+",
        "tel:-()",
        "tel:+12a",
        "tel:911",
        "tel:911;phone-context",
        "tel:+1;",
        "tel:+1?a=b",
        "http:",
        "http:a b",
        "http:a\"",
        "x:<>",
        "x:%4",
        "urn:\xc3\xa4",
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_uri u;
        if (bd_uri_parse(bd_str_from(rows[i]), &u))
            fail_msg("taken: %s", rows[i]);
    }
    struct bd_uri u;
    assert_false(bd_uri_parse((struct bd_str){"sip:a\0@h", 8}, &u));
    assert_false(bd_uri_parse(BD_STR_NULL, &u));
}

/* Comparison is quadratic in the parameters, so their number is bounded. */
static void test_param_limit(void **state)
{
    char text[256] = "sip:h";
    struct bd_uri u;
    for (int i = 0; i < BD_URI_PARAMS_MAX; i++)
        strcat(text, ";a");
    assert_true(bd_uri_parse(bd_str_from(text), &u));
    strcat(text, ";a");
    assert_false(bd_uri_parse(bd_str_from(text), &u));
}

static void test_params(void **state)
{
    struct bd_str cursor = BD_STR("a=1 ; B = \"x;\\\"y\" ;c;received=[::1]"), name, value;
    bool bad = false;
    assert_true(bd_param_next(&cursor, &name, &value, &bad));
    assert_text(name, "a");
    assert_text(value, "1");
    assert_true(bd_param_next(&cursor, &name, &value, &bad));
    assert_text(name, "B");
    assert_text(value, "\"x;\\\"y\"");
    assert_true(bd_param_next(&cursor, &name, &value, &bad));
    assert_text(name, "c");
    assert_text(value, NULL);
    assert_true(bd_param_next(&cursor, &name, &value, &bad));
    assert_text(value, "[::1]");
    assert_false(bd_param_next(&cursor, &name, &value, &bad));
    assert_false(bad);
    assert_true(bd_param_find(BD_STR("x;Lr;y=2"), BD_STR("lr"), &value));
    assert_text(value, NULL);
    assert_true(bd_param_find(BD_STR("x;Lr;y=2"), BD_STR("Y"), &value));
    assert_text(value, "2");
    assert_false(bd_param_find(BD_STR("x;lrx"), BD_STR("lr"), &value));
    assert_false(bd_param_find(BD_STR_NULL, BD_STR("lr"), &value));
}

static void test_params_bad(void **state)
{
    static const char *const rows[] = {"",         ";",    "a;",  ";a",    "a;;b",
                                       "a=",       "a=;b", "=b",  "a=b c", "a=\"b",
                                       "a=\"b\"c", "a,b",  "a b", "a=b=c", "a;\xff"};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_str cursor = bd_str_from(rows[i]), name, value;
        bool bad = false;
        while (bd_param_next(&cursor, &name, &value, &bad))
            ;
        if (!bad)
            fail_msg("taken: %s", rows[i]);
        assert_false(bd_param_next(&cursor, &name, &value, &bad));
    }
}

/* Keys meet where URIs are equal. */
static void expect_keys(const struct bd_uri *x, const struct bd_uri *y, bool equal)
{
    struct bd_hash_key hash;
    struct bd_uri_key a, b;
    bd_hash_key_init(&hash, 5);
    bd_uri_key_make(&hash, x, &a);
    bd_uri_key_make(&hash, y, &b);
    if (bd_uri_key_meets(&a, &b) != equal || bd_uri_key_meets(&b, &a) != equal)
        fail_msg("keys: %.*s, %.*s", BD_STR_ARG(x->text), BD_STR_ARG(y->text));
}

static bool equal(const char *a, const char *b)
{
    struct bd_uri x = {.text = BD_STR_NULL}, y = x;
    if (!bd_uri_parse(bd_str_from(a), &x) || !bd_uri_parse(bd_str_from(b), &y))
        fail_msg("refused: %s or %s", a, b);
    bool equal = bd_uri_equal(&x, &y);
    expect_keys(&x, &y, equal);
    if (bd_uri_equal(&y, &x) != equal)
        fail_msg("not symmetric: %s, %s", a, b);
    return equal;
}

static void test_equal(void **state)
{
    static const char *const rows[][2] = {
        /* RFC 3261 19.1.4 */
        {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
        {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"},
        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
        /* ours */
        {"sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0:0::1]"},
        {"sip:a@h;%6C%72;n%61me=v%61lue", "sip:a@h;LR;name=VALUE"},
        {"sip:a%2d@h", "sip:a-@h"},
        {"sip:a%3B@h", "sip:a%3b@h"},
        {"sip:a@h?x=1&x=2", "sip:a@h?x=2&x=1"},
        {"sip:a@h;line=1;line=2", "sip:a@h;LINE=1;line=2"}, /* 19.1.1 forbids it; so be it */
        {"tel:+1-201-555-0123", "tel:+1(201)5550123"},
        {"tel:+1;ext=1-2", "tel:+1;ext=12"},
        {"tel:7042;phone-context=Example.com", "tel:7-042;phone-context=example.COM"},
        {"tel:1;phone-context=+1-2", "tel:1;phone-context=+12"},
        {"urn:x", "urn:x"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        if (!equal(rows[i][0], rows[i][1]))
            fail_msg("differ: %s, %s", rows[i][0], rows[i][1]);
    }
}

static void test_unequal(void **state)
{
    static const char *const rows[][2] = {
        /* RFC 3261 19.1.4 */
        {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"},
        {"sip:a@h;line=1;line=2", "sip:a@h;line=1"},
        {"tel:+1;x=1;x=2", "tel:+1;x=1"},
        {"sip:a@h", "sips:a@h"},
        /* ours */
        {"sip:a@h", "sip:h"},
        {"sip:a@h", "sip:a:@h"},
        {"sip:a:p@h", "sip:a:P@h"},
        {"sip:a@h;user=phone", "sip:a@h"},
        {"sip:a@h;ttl=1", "sip:a@h"},
        {"sip:a@h;method=INVITE", "sip:a@h"},
        {"sip:a@h;maddr=h", "sip:a@h"},
        {"sip:a@h;lr", "sip:a@h;lr=on"},
        {"sip:a%3Bb@h", "sip:a;b@h"}, /* reserved: not its escape */
        {"sip:a@h?x=1", "sip:a@h?x=2"},
        {"sip:a@h?x=1", "sip:a@h?x=1&y=2"},
        {"sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]"},
        {"sip:a@[::ffff:192.0.2.1]", "sip:a@192.0.2.1"},
        {"tel:+1", "tel:+12"},
        {"tel:+1", "tel:+1;ext=2"},
        {"tel:+1", "tel:1;phone-context=+1"},
        {"tel:7;phone-context=a.b", "tel:7;phone-context=ab"},
        {"urn:x", "urn:X"},
        {"urn:x", "tel:+1"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        if (equal(rows[i][0], rows[i][1]))
            fail_msg("equal: %s, %s", rows[i][0], rows[i][1]);
    }
}

static void test_aor(void **state)
{
    static const struct {
        const char *uri, *host;
        bool case_sensitive;
        const char *key;
    } rows[] = {
        {"sip:Alice:pw@Example.COM.:5060;transport=tcp?a=b", NULL, false, "alice@example.com"},
        {"sips:Alice@Example.COM", NULL, true, "Alice@example.com"},
        {"sip:%41l%69ce@example.com", NULL, false, "alice@example.com"},
        {"sip:Example.com", NULL, false, "example.com"},
        {"sip:1000@198.18.0.1", "Example.com", false, "1000@example.com"},
        {"sip:198.18.0.1", "example.com", false, "example.com"},
        {"sip:sips%3Auser%40example.com@example.net", NULL, false,
         "sips:user@example.com@example.net"},
        {"sip:I%20have%20spaces@h", NULL, true, "I have spaces@h"},
        {"sip:n-%00-n@h", NULL, false, "n-%00-n@h"},
        {"sip:n-%2500-n@h", NULL, false, "n-%2500-n@h"}, /* not the same */
        {"sip:%0d%0A%7f%1F@h", NULL, false, "%0D%0A%7F%1F@h"},
        {"sip:j%C3%B6rg@h", NULL, false, "j\xc3\xb6rg@h"},
        {"sip:a@[2001:DB8:0:0::1]:5060", NULL, false, "a@[2001:db8::1]"},
        {"sip:a@198.18.00.001", NULL, false, "a@198.18.0.1"},
        {"tel:+1-(201).555-0123;x=y", "example.com", false, "+12015550123@example.com"},
        {"tel:A-1;phone-context=b.c", NULL, true, "a1"},
        {"sip:+1-(201).555-0123;x=y@a.b;user=phone", "example.com", false,
         "+12015550123@example.com"},
        {"sip:%2B1-201%2D5550123@example.com;transport=udp;User=PHONE", NULL, false,
         "+12015550123@example.com"},
        {"sip:*69-A%23@h;user=phone", NULL, true, "*69a#@h"},
        {"sip:+1-201@h", NULL, false, "+1-201@h"}, /* nobody says that this is a number */
        {"sip:+1-201@h;user=ip", NULL, false, "+1-201@h"},
        {"sip:A.Smith-9@h;user=phone", NULL, false, "a.smith-9@h"},
        {"sip:1+1@h;user=phone", NULL, false, "1+1@h"},
        {"sip:+1-a@h;user=phone", NULL, false, "+1-a@h"},
        {"sip:+-@h;user=phone", NULL, false, "+-@h"}, /* no digit */
        {"sip:--@h;user=phone", NULL, false, "--@h"},
    };
    char out[64];
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_uri u;
        assert_true(bd_uri_parse(bd_str_from(rows[i].uri), &u));
        uint32_t len = bd_aor_canonical(&u, bd_str_from(rows[i].host), rows[i].case_sensitive, out,
                                        sizeof(out));
        assert_text(((struct bd_str){out, len}), rows[i].key);
        /* Exactly enough room is enough, one less is not. */
        assert_int_equal(
            bd_aor_canonical(&u, bd_str_from(rows[i].host), rows[i].case_sensitive, out, len), len);
        assert_int_equal(
            bd_aor_canonical(&u, bd_str_from(rows[i].host), rows[i].case_sensitive, out, len - 1),
            0);
    }
}

static void test_aor_host(void **state)
{
    static const char *const rows[][2] = {
        {"1000@example.com", "example.com"},
        {"a@b@example.com", "example.com"},
        {"example.com", "example.com"},
        {"@[2001:db8::1]", "[2001:db8::1]"},
        {"1000@", ""},
        {"", ""},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_str host = bd_aor_host(bd_str_from(rows[i][0]));
        assert_true(bd_str_eq(host, bd_str_from(rows[i][1])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),       cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_param_limit), cmocka_unit_test(test_params),
        cmocka_unit_test(test_params_bad),  cmocka_unit_test(test_equal),
        cmocka_unit_test(test_unequal),     cmocka_unit_test(test_aor),
        cmocka_unit_test(test_aor_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
