/* SPDX-License-Identifier: BSD-3-Clause */
/* The parsers of single header fields: name-addr, Via, Contact, comma lists, credentials. */
#include <stdio.h>

#include "check.h"
#include "parse.h"

static void test_name_addr(void **state)
{
    static const struct {
        const char *text, *display, *uri, *params;
    } rows[] = {
        {"sip:a@b", NULL, "sip:a@b", NULL},
        {"sip:a@b;tag=1", NULL, "sip:a@b", "tag=1"},
        {"sip:a@b \r\n ; tag = 1", NULL, "sip:a@b", " tag = 1"},
        {"<sip:a@b>", NULL, "sip:a@b", NULL},
        {"<sip:a@b;x?h=1> ;q=1", NULL, "sip:a@b;x?h=1", "q=1"},
        {"\"\" <sip:a@b>", "\"\"", "sip:a@b", NULL},
        {"\"A \\\"B\\\" <sip:c@d>\"<sip:a@b>", "\"A \\\"B\\\" <sip:c@d>\"", "sip:a@b", NULL},
        {"caller<sip:a@b>", "caller", "sip:a@b", NULL},
        {"T. desk \r\n phone\t<sip:a@b>", "T. desk \r\n phone", "sip:a@b", NULL},
        {"J\xc3\xb6rg <sip:a@b>", "J\xc3\xb6rg", "sip:a@b", NULL},
        {"\"\xff\xfe\" <sip:a@b>", "\"\xff\xfe\"", "sip:a@b", NULL},
        {"  <tel:+1;ext=2>  ", NULL, "tel:+1;ext=2", NULL},
        {"isbn:2983792873", NULL, "isbn:2983792873", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_name_addr na;
        if (!bd_name_addr_parse(bd_str_from(rows[i].text), &na))
            fail_msg("refused: %s", rows[i].text);
        assert_text(na.display, rows[i].display);
        assert_text(na.uri.text, rows[i].uri);
        assert_text(na.params, rows[i].params);
    }
    static const char *const bad[] = {
        "",
        " ",
        "a",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "< sip:a@b>",
        "<sip:a@b >",
        "\"A <sip:a@b>",
        "A, B <sip:a@b>",
        "A \"B\" <sip:a@b>",
        "\"A\" B <sip:a@b>",
        "\"A\" sip:a@b",
        "<sip:a@b>;",
        "<sip:a@b>x",
        "<sip:a@b>,",
        "<sip:a@b>;;a",
        "<sip:a@b>;a=",
        "<sip:a@b> <sip:c@d>",
        "sip:a@b?h=1",
        "sip:a,b@c",
        "sip:a@b, sip:c@d",
        "sip:a@b c",
        "<<sip:a@b>>",
        "(c) <sip:a@b>",
        "<sip:a@b>;a/b",
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct bd_name_addr na;
        if (bd_name_addr_parse(bd_str_from(bad[i]), &na))
            fail_msg("taken: %s", bad[i]);
    }
}

static void test_via(void **state)
{
    static const struct {
        const char *text, *transport, *host;
        unsigned port;
        const char *branch, *maddr;
        bool rport;
    } rows[] = {
        {"SIP/2.0/UDP h", "UDP", "h", 0, NULL, NULL, false},
        {"SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport", "UDP", "192.0.2.1", 5070, "z9hG4bK1",
         NULL, true},
        {"SIP / 2.0 \r\n /\tTCP  [::1] : 5060 ; BRANCH = x ; RPORT=99", "TCP", "[::1]", 5060, "x",
         NULL, false},
        {"SIP/7.0/X h;maddr=224.2.0.1;ttl=16", "X", "h", 0, NULL, "224.2.0.1", false},
        {"SIP/2.0/UDP h;received=2001:db8::1", "UDP", "h", 0, NULL, NULL, false},
        {"SIP/2.0/UDP h;received=[2001:db8::1]", "UDP", "h", 0, NULL, NULL, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_via via;
        if (!bd_via_parse(bd_str_from(rows[i].text), &via))
            fail_msg("refused: %s", rows[i].text);
        assert_text(via.transport, rows[i].transport);
        assert_text(via.host, rows[i].host);
        assert_int_equal(via.port, rows[i].port);
        assert_text(via.branch, rows[i].branch);
        assert_text(via.maddr, rows[i].maddr);
        assert_int_equal(via.rport, rows[i].rport);
    }
    static const struct {
        const char *text;
        bool addressable;
    } bad[] = {
        {"", false},
        {"SIP", false},
        {"SIP/2.0", false},
        {"SIP/2.0/UDP", false},
        {"SIP/2.0/UDP ", false},
        {"SIP/2.0 UDP h", false},
        {"SIP/2.0/UDP;h", false},
        {"SIP/2.0/UDP [::1", false},
        {"SIP/2.0/UDP h:", false},
        {"SIP/2.0/UDP h:99999", false},
        {"/2.0/UDP h", false},
        {"SIP/2.0/UDP h i", true},
        {"SIP/2.0/UDP h;", true},
        {"SIP/2.0/UDP h;;branch=1", true},
        {"SIP/2.0/UDP h;branch=", true},
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct bd_via via;
        if (bd_via_parse(bd_str_from(bad[i].text), &via))
            fail_msg("taken: %s", bad[i].text);
        assert_int_equal(via.host.p != NULL, bad[i].addressable);
    }
}

static void test_contact(void **state)
{
    static const struct {
        const char *text;
        bool ok, has_expires;
        uint32_t expires_s;
        bool has_q;
        unsigned q_milli;
        const char *instance;
        uint32_t reg_id;
    } rows[] = {
        {"<sip:a@b>", true, false, 0, false, 0, NULL, 0},
        {"<sip:a@b>;EXPIRES=60;Q=0.5", true, true, 60, true, 500, NULL, 0},
        {"sip:a@b;expires=0", true, true, 0, false, 0, NULL, 0},
        {"<sip:a@b;expires=1;q=0.1>", true, false, 0, false, 0, NULL, 0},
        {"<sip:a@b>;expires=x", true, true, 3600, false, 0, NULL, 0},
        {"<sip:a@b>;expires", true, true, 3600, false, 0, NULL, 0},
        {"<sip:a@b>;expires=-1", true, true, 3600, false, 0, NULL, 0},
        {"<sip:a@b>;expires=280297596632815", true, true, 3600, false, 0, NULL, 0},
        {"<sip:a@b>;expires=4294967295", true, true, UINT32_MAX, false, 0, NULL, 0},
        {"<sip:a@b>;+sip.instance=\"<urn:uuid:1>\";reg-id=1", true, false, 0, false, 0,
         "<urn:uuid:1>", 1},
        {"<sip:a@b>;reg-id=2147483647", true, false, 0, false, 0, NULL, INT32_MAX},
        {"<sip:a@b>;methods=\"A, B\";audio", true, false, 0, false, 0, NULL, 0},
        {"<name:John_Smith>", true, false, 0, false, 0, NULL, 0},
        {"<sip:a@b>;q=0", true, false, 0, true, 0, NULL, 0},
        {"<sip:a@b>;q=0.", true, false, 0, true, 0, NULL, 0},
        {"<sip:a@b>;q=1.000", true, false, 0, true, 1000, NULL, 0},
        {"<sip:a@b>;q=0.125", true, false, 0, true, 125, NULL, 0},
        {.text = "<sip:a@b>;q=1.001"},
        {.text = "<sip:a@b>;q=2"},
        {.text = "<sip:a@b>;q=0.1234"},
        {.text = "<sip:a@b>;q=.5"},
        {.text = "<sip:a@b>;q=-1"},
        {.text = "<sip:a@b>;q"},
        {.text = "<sip:a@b>;q=\"1\""},
        {.text = "<sip:a@b>;q=1;q=1"},
        {.text = "<sip:a@b>;expires=1;expires=1"},
        {.text = "<sip:a@b>;reg-id=0"},
        {.text = "<sip:a@b>;reg-id=2147483648"},
        {.text = "<sip:a@b>;reg-id=x"},
        {.text = "<sip:a@b>;reg-id=1;reg-id=2"},
        {.text = "<sip:a@b>;+sip.instance=urn"},
        {.text = "<sip:a@b>;+sip.instance=\"urn:x\""},
        {.text = "<sip:a@b>;+sip.instance=\"<a>\";+sip.instance=\"<b>\""},
        {.text = "sip:a@b?h=1"},
        {.text = "**"},
        {.text = "*;expires=0"},
        {.text = ""},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_contact c;
        if (bd_contact_parse(bd_str_from(rows[i].text), &c) != rows[i].ok)
            fail_msg("%s: %s", rows[i].ok ? "refused" : "taken", rows[i].text);
        if (!rows[i].ok)
            continue;
        assert_false(c.star);
        assert_int_equal(c.has_expires, rows[i].has_expires);
        assert_int_equal(c.expires_s, rows[i].expires_s);
        assert_int_equal(c.has_q, rows[i].has_q);
        assert_int_equal(c.q_milli, rows[i].q_milli);
        assert_text(c.instance, rows[i].instance);
        assert_int_equal(c.reg_id, rows[i].reg_id);
    }
    struct bd_contact star;
    assert_true(bd_contact_parse(BD_STR(" * "), &star));
    assert_true(star.star);
}

/* What a binding keeps of a Contact's parameters, and whether it lies in one piece. */
static void test_contact_extensions(void **state)
{
    static const struct {
        const char *params, *extensions; /* NULL: scattered */
    } rows[] = {
        {"", ""},
        {";expires=60;q=0.5", ""},
        {";pub-gruu=\"sip:x\";TEMP-GRUU=\"sip:y\"", ""},
        {";a", "a"},
        {";a=b;expires=60", "a=b"},
        {";expires=60;a=b", "a=b"},
        {";q=1;a;b=\"c;d\";+sip.instance=\"<x>\";reg-id=1;EXPIRES=60",
         "a;b=\"c;d\";+sip.instance=\"<x>\";reg-id=1"},
        {";expire=1;expiress=2;pub-gruux;temp-gru;temp-gruv;temp-gruuu;qq",
         "expire=1;expiress=2;pub-gruux;temp-gru;temp-gruv;temp-gruuu;qq"},
        {";a;temp-gruu=\"sip:y\"", "a"},
        {";a;q=1;b", NULL},
        {";a;expires=60;b", NULL},
        {";a ;b", NULL},
        {"; a", NULL},
        {";a = b", "a = b"},
        {";a=b ;expires=60", NULL},
        {"; expires = 60 ;a", "a"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[256];
        struct bd_contact c;
        snprintf(text, sizeof(text), "<sip:a@b>%s", rows[i].params);
        assert_true(bd_contact_parse(bd_str_from(text), &c));
        assert_int_equal(c.scattered, rows[i].extensions == NULL);
        if (rows[i].extensions)
            assert_text(c.extensions, *rows[i].extensions ? rows[i].extensions : NULL);
    }
}

/* Contact fields of a message, their elements joined by '|', and whether the walk ended badly. */
static void test_list(void **state)
{
    static const struct {
        const char *fields, *elements;
        bool bad;
    } rows[] = {
        {"", "", false},
        {"Contact: *\r\n", "*|", false},
        {"Contact: <sip:a@b>\r\n", "<sip:a@b>|", false},
        {"m: <sip:a,b@c> , \"x, y\" <sip:d@e>;p=\"1,2\"\r\n",
         "<sip:a,b@c>|\"x, y\" <sip:d@e>;p=\"1,2\"|", false},
        {"Contact: a,\r\n b\r\nX: y\r\nCONTACT: c\r\n", "a|b|c|", false},
        {"Contact:\r\n", "", true},
        {"Contact: a\r\nContact:\r\n", "a|", true},
        {"Contact: a,\r\n", "a|", true},
        {"Contact: ,a\r\n", "", true},
        {"Contact: a,,b\r\n", "a|", true},
        {"Contact: a,\"b\r\n", "a|", true},
        {"Contact: a,<b\r\nContact: c\r\n", "a|", true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[512], got[256] = "";
        static struct bd_message m;
        snprintf(text, sizeof(text),
                 "REGISTER sip:e SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\n"
                 "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n%s\r\n",
                 rows[i].fields);
        assert_int_equal(bd_message_parse(&m, text, (uint32_t)strlen(text)), BD_VERDICT_NONE);
        struct bd_list list = bd_list_begin(&m, BD_HDR_CONTACT);
        struct bd_str element;
        while (bd_list_next(&list, &element)) {
            strncat(got, element.p, element.len);
            strcat(got, "|");
        }
        assert_string_equal(got, rows[i].elements);
        assert_int_equal(list.bad, rows[i].bad);
        assert_false(bd_list_next(&list, &element));
    }
}

/* Supported, Allow and Accept may be empty (25.1); nothing else may. */
static void test_list_empty(void **state)
{
    static const char text[] =
        "OPTIONS sip:e SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nk:\r\nSupported: path\r\nk: \r\n"
        "Allow:\r\nAccept:\r\nRequire:\r\n\r\n";
    static struct bd_message m;
    struct bd_str element;
    assert_int_equal(bd_message_parse(&m, text, sizeof(text) - 1), BD_VERDICT_NONE);
    struct bd_list list = bd_list_begin(&m, BD_HDR_SUPPORTED);
    assert_true(bd_list_next(&list, &element));
    assert_text(element, "path");
    assert_false(bd_list_next(&list, &element));
    assert_false(list.bad);
    list = bd_list_begin(&m, BD_HDR_ALLOW);
    assert_false(bd_list_next(&list, &element) || list.bad);
    list = bd_list_begin(&m, BD_HDR_REQUIRE);
    assert_false(bd_list_next(&list, &element));
    assert_true(list.bad);
}

#define FOUR "realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"0a\""
#define FIVE "username=\"u\", " FOUR

static void test_credentials(void **state)
{
    static const struct {
        const char *text;
        enum bd_credentials_rc rc;
    } rows[] = {
        {"Digest " FIVE, BD_CREDENTIALS_OK},
        {"dIGEST\r\n  " FIVE ",x=y,z=\"\"", BD_CREDENTIALS_OK},
        {"Digest username=\"\",realm=\"\",nonce=\"\",uri=\"\",response=\"\"", BD_CREDENTIALS_OK},
        {"Digest " FIVE ",qop=auth,cnonce=\"c\",nc=00000001", BD_CREDENTIALS_OK},
        {"Digest " FIVE ",qop=token,opaque=\"\"", BD_CREDENTIALS_OK},
        {"Basic Ym9i", BD_CREDENTIALS_OTHER_SCHEME},
        {"Bearer", BD_CREDENTIALS_OTHER_SCHEME},
        {"NoOneKnowsThisScheme opaque-data=here", BD_CREDENTIALS_OTHER_SCHEME},
        {"", BD_CREDENTIALS_MALFORMED},
        {"\"Digest\"", BD_CREDENTIALS_MALFORMED},
        {"Digest", BD_CREDENTIALS_MALFORMED},
        {"Digest ", BD_CREDENTIALS_MALFORMED},
        {"Digest," FIVE, BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ";a=b", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",a", BD_CREDENTIALS_MALFORMED},
        {"Digest ,," FIVE, BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",opaque=\"x", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",realm=\"r\"", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",algorithm=MD5,Algorithm=MD5", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",qop=auth,cnonce=\"c\"", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",qop=auth-int,nc=00000001", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",nc=0000001", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",nc=0000000g", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",nc=000000001", BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",userhash=maybe", BD_CREDENTIALS_MALFORMED},
        {"Digest username*=UTF-8''u, " FOUR, BD_CREDENTIALS_OK},
        {"Digest Username*=\"UTF-8'da'u\", " FOUR, BD_CREDENTIALS_OK},
        {"Digest username*=UTF-8''u,userhash=false," FOUR, BD_CREDENTIALS_OK},
        {"Digest username*=UTF-8''u,userhash=true," FOUR, BD_CREDENTIALS_MALFORMED},
        {"Digest username*=UTF-8''u, " FIVE, BD_CREDENTIALS_MALFORMED},
        {"Digest " FIVE ",username*=UTF-8''u", BD_CREDENTIALS_MALFORMED},
        {"Digest username*=UTF-16''u, " FOUR, BD_CREDENTIALS_MALFORMED},
        {"Digest username*=UTF-8'u, " FOUR, BD_CREDENTIALS_MALFORMED},
        {"Digest username*=UTF-8''%4, " FOUR, BD_CREDENTIALS_MALFORMED},
        {"Digest username*, " FOUR, BD_CREDENTIALS_MALFORMED},
        {"Digest realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"0a\"",
         BD_CREDENTIALS_MALFORMED},
        {"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:h\"",
         BD_CREDENTIALS_MALFORMED},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bd_credentials c;
        if (bd_credentials_parse(bd_str_from(rows[i].text), &c) != rows[i].rc)
            fail_msg("wrong: %s", rows[i].text);
    }
}

static void test_credentials_fields(void **state)
{
    struct bd_credentials c;
    struct bd_str text =
        BD_STR("Digest username=\"b \\\"o\\\" b\" , realm = \"a, b\",nonce=\"n\",uri=\"sip:h;x=y\","
               "response=\"r\",cnonce=\"c\",opaque=\"o\",qop=AUTH-INT,nc=0000Fe01,"
               "algorithm=\"SHA-512-256\",userhash=true");
    assert_int_equal(bd_credentials_parse(text, &c), BD_CREDENTIALS_OK);
    assert_text(c.username, "b \\\"o\\\" b");
    assert_text(c.realm, "a, b");
    assert_text(c.uri, "sip:h;x=y");
    assert_text(c.cnonce, "c");
    assert_text(c.opaque, "o");
    assert_int_equal(c.qop, BD_QOP_AUTH_INT);
    assert_int_equal(c.algorithm, BD_ALG_SHA512_256);
    assert_true(c.has_nc && c.userhash);
    assert_int_equal(c.nc, 0xfe01);
    assert_text(c.nc_text, "0000Fe01");

    assert_int_equal(bd_credentials_parse(BD_STR("Digest " FIVE), &c), BD_CREDENTIALS_OK);
    assert_int_equal(c.algorithm, BD_ALG_MD5);
    assert_int_equal(c.qop, BD_QOP_NONE);
    assert_false(c.has_nc || c.userhash);
    assert_text(c.cnonce, NULL);
    bd_credentials_parse(BD_STR("Digest " FIVE ",algorithm=MD5-sess"), &c);
    assert_int_equal(c.algorithm, BD_ALG_UNKNOWN);
}

/* RFC 7616 3.4 username*, with the example of 3.9.2 and what RFC 5987 3.2 allows. */
static void test_ext_value(void **state)
{
    static const struct {
        const char *text, *decoded;
    } rows[] = {
        {"UTF-8''J%C3%A4s%C3%B8n%20Doe", "J\xc3\xa4s\xc3\xb8n Doe"},
        {"utf-8'en-GB'a!#$&+-.^_`|~z", "a!#$&+-.^_`|~z"},
        {"iso-8859-1''%A3%20rates", "\xc2\xa3 rates"},
        {"UTF-8''", ""},
        {"UTF-8''a'b", NULL},
        {"UTF-8''a b", NULL},
        {"UTF-8''%G0", NULL},
        {"UTF-8''%4", NULL},
        {"UTF-8''12345678901234567", NULL}, /* one more than there is room */
        {"ISO-8859-1''123456789012345%e9", NULL},
        {"''x", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char out[16];
        uint32_t len = bd_ext_value_decode(bd_str_from(rows[i].text), out, sizeof(out));
        bool right = rows[i].decoded
                         ? len == strlen(rows[i].decoded) && memcmp(out, rows[i].decoded, len) == 0
                         : len == UINT32_MAX;
        if (!right)
            fail_msg("wrong: %s", rows[i].text);
    }
    struct bd_credentials c;
    struct bd_str text = BD_STR("Digest username*=UTF-8''a#b^c|d , " FOUR);
    assert_int_equal(bd_credentials_parse(text, &c), BD_CREDENTIALS_OK);
    assert_true(c.username_ext);
    assert_text(c.username, "UTF-8''a#b^c|d");
}

static void test_credentials_limits(void **state)
{
    char text[1024];
    struct bd_credentials c;
    for (unsigned over = 0; over < 2; over++) {
        snprintf(text, sizeof(text),
                 "Digest username=\"%0*d\", realm=\"r\", nonce=\"n\", "
                 "uri=\"sip:h\", response=\"0a\"",
                 BD_USERNAME_MAX + (int)over, 0);
        assert_int_equal(bd_credentials_parse(bd_str_from(text), &c),
                         over ? BD_CREDENTIALS_MALFORMED : BD_CREDENTIALS_OK);
    }
}

static void test_unquote(void **state)
{
    char out[8];
    uint32_t len = bd_unquote(BD_STR("a\\\"b\\\\"), out, sizeof(out));
    assert_text(((struct bd_str){out, len}), "a\"b\\");
    assert_int_equal(bd_unquote(BD_STR("12345678"), out, 8), 8);
    assert_int_equal(bd_unquote(BD_STR("123456789"), out, 8), UINT32_MAX);
    assert_int_equal(bd_unquote(BD_STR(""), out, 0), 0);
    assert_int_equal(bd_unquote(BD_STR("\\"), out, 8), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_addr),   cmocka_unit_test(test_via),
        cmocka_unit_test(test_contact),     cmocka_unit_test(test_contact_extensions),
        cmocka_unit_test(test_list),        cmocka_unit_test(test_list_empty),
        cmocka_unit_test(test_credentials), cmocka_unit_test(test_credentials_fields),
        cmocka_unit_test(test_ext_value),   cmocka_unit_test(test_credentials_limits),
        cmocka_unit_test(test_unquote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
