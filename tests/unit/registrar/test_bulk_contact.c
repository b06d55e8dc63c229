/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 6140 (GIN): which bulk registrations are taken, what becomes of them, and the Contact of a
 * number. */
#include "lab.h"

#include "bulk_contact.h"
#include "locate.h"

#define MESSAGE(USER, DOMAIN, CSEQ, EXTRA)                                                         \
    "REGISTER sip:" DOMAIN " SIP/2.0\r\n"                                                          \
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK" USER CSEQ "\r\nMax-Forwards: 70\r\n"          \
    "From: <sip:" USER "@" DOMAIN ">;tag=f\r\nTo: <sip:" USER "@" DOMAIN ">\r\n"                   \
    "Call-ID: " USER "\r\nCSeq: " CSEQ " REGISTER\r\n" EXTRA "Content-Length: 0\r\n\r\n"
/* 5.1: as a PBX must send it. */
#define GIN(CSEQ, CONTACT)                                                                         \
    MESSAGE("pbx", "other.example", CSEQ,                                                          \
            "Require: gin\r\nProxy-Require: gin\r\nSupported: path\r\nContact: " CONTACT "\r\n")
#define BNC   "<sip:192.0.2.1:5060;bnc>"
#define QUERY MESSAGE("pbx", "other.example", "999", "")

struct step {
    const char *request;
    unsigned status;
    const char *contacts; /* NULL: not looked at */
    enum bd_verdict verdict;
};

enum { STEPS_MAX = 6 };
struct conversation {
    const char *name;
    struct step step[STEPS_MAX];
};

static const struct conversation conversations[] = {
    {"5.2: an ordinary life of the binding; bnc goes back as it came",
     {{GIN("1", BNC), 200, BNC ";expires=3600", BD_SIP_REGISTERED},
      {GIN("2", BNC), 200, BNC ";expires=3600", BD_SIP_REFRESHED},
      {GIN("3", BNC ";expires=0"), 200, "", BD_SIP_REMOVED}}},
    {"5.2: all URI parameters and feature tags are kept",
     {{GIN("1", "<sips:pbx.example;x=1;bnc;maddr=192.0.2.7>;audio;q=0.5"), 400, NULL,
       BD_SIP_BAD_CONTACT}, /* sips to a sip Request-URI */
      {GIN("2", "<sip:pbx.example;x=1;bnc;maddr=192.0.2.7>;audio;q=0.5"), 200,
       "<sip:pbx.example;x=1;bnc;maddr=192.0.2.7>;audio;q=0.5;expires=3600", BD_SIP_REGISTERED}}},
    {"5.2: bnc counts without Require too, which is the PBX's to send",
     {{MESSAGE("pbx", "other.example", "1", "Contact: " BNC "\r\n"), 200, BNC ";expires=3600",
       BD_SIP_REGISTERED}}},
    {"Require: gin of those who register nothing in bulk",
     {{MESSAGE("pbx", "other.example", "1", "Require: gin\r\n"), 200, "", BD_SIP_QUERIED},
      {MESSAGE("bob", "example.com", "1", "Require: GIN\r\nContact: <sip:b@192.0.2.1>\r\n"), 200,
       "<sip:b@192.0.2.1>;expires=3600", BD_SIP_REGISTERED},
      {MESSAGE("pbx", "other.example", "2", "Require: gin\r\nContact: *\r\nExpires: 0\r\n"), 200,
       "", BD_SIP_REMOVED}}},
    {"5.1: at least one: others may stand beside it",
     {{GIN("1", BNC ", <sip:desk@192.0.2.9>"), 200,
       BNC ";expires=3600|<sip:desk@192.0.2.9>;expires=3600", BD_SIP_REGISTERED},
      {GIN("2", "<sip:desk@192.0.2.9>;expires=0"), 200, BNC ";expires=3600", BD_SIP_REMOVED}}},
    {"5.2: a user part beside bnc, alone or among others: nothing is registered",
     {{GIN("1", "<sip:pbx@192.0.2.1;bnc>"), 400, NULL, BD_SIP_BAD_CONTACT},
      {GIN("2", BNC ", <sip:pbx@192.0.2.1;BNC>"), 400, NULL, BD_SIP_BAD_CONTACT},
      {MESSAGE("bob", "example.com", "1", "Contact: <sip:bob@192.0.2.1;bnc>\r\n"), 400, NULL,
       BD_SIP_BAD_CONTACT},
      {GIN("3", "<sip:@192.0.2.1;bnc>"), 400, NULL, BD_SIP_BAD_CONTACT},
      {QUERY, 200, "", BD_SIP_QUERIED}}},
    {"5.3: a user parameter beside bnc",
     {{GIN("1", "<sip:192.0.2.1;bnc;user=phone>"), 400, NULL, BD_SIP_BAD_CONTACT},
      {GIN("2", "<sip:192.0.2.1;User=ip;bnc>"), 400, NULL, BD_SIP_BAD_CONTACT}}},
    {"9.2.1: bnc has no value; only SIP URIs have a host to put a number before",
     {{GIN("1", "<sip:192.0.2.1;bnc=1>"), 400, NULL, BD_SIP_BAD_CONTACT},
      {GIN("2", "<tel:+4930555000;bnc>"), 400, NULL, BD_SIP_BAD_CONTACT}}},
    {"without angle brackets it is a parameter of the Contact (RFC 3261 20.10)",
     {{GIN("1", "sip:192.0.2.1;bnc"), 200, "<sip:192.0.2.1>;bnc;expires=3600", BD_SIP_REGISTERED}}},
    {"who has no numbers: 403, in a domain with ranges and in one without",
     {{MESSAGE("bob", "other.example", "1", "Require: gin\r\nContact: " BNC "\r\n"), 403, NULL,
       BD_SIP_NOT_BULK},
      {MESSAGE("+4930555000", "other.example", "1", "Contact: " BNC "\r\n"), 403, NULL,
       BD_SIP_NOT_BULK},
      {MESSAGE("pbx", "example.com", "1", "Contact: " BNC "\r\n"), 403, NULL, BD_SIP_NOT_BULK},
      {MESSAGE("pbx", "example.com", "2", "Contact: " BNC "\r\nExpires: 0\r\n"), 200, "",
       BD_SIP_REMOVED}}},
    {"the PBX is known in any case of its name",
     {{MESSAGE("PBX", "Other.Example", "1", "Contact: " BNC "\r\n"), 200, BNC ";expires=3600",
       BD_SIP_REGISTERED}}},
    {"5.2: a number unregisters what it has not: the bulk registration stays",
     {{GIN("1", BNC), 200, BNC ";expires=3600", BD_SIP_REGISTERED},
      {MESSAGE("+4930555123", "other.example", "1",
               "Contact: <sip:+4930555123@192.0.2.1:5060>\r\nExpires: 0\r\n"),
       200, "", BD_SIP_REMOVED},
      {MESSAGE("+4930555123", "other.example", "2", "Contact: *\r\nExpires: 0\r\n"), 200, "",
       BD_SIP_REMOVED},
      {QUERY, 200, BNC ";expires=3600", BD_SIP_QUERIED}}},
    {"5.2: a number registers itself, and stays when the PBX goes",
     {{GIN("1", BNC), 200, BNC ";expires=3600", BD_SIP_REGISTERED},
      {MESSAGE("+4930555123", "other.example", "1", "Contact: <sip:a@192.0.2.9>\r\n"), 200,
       "<sip:a@192.0.2.9>;expires=3600", BD_SIP_REGISTERED},
      {GIN("2", BNC ";expires=0"), 200, "", BD_SIP_REMOVED},
      {MESSAGE("+4930555123", "other.example", "2", ""), 200, "<sip:a@192.0.2.9>;expires=3600",
       BD_SIP_QUERIED}}},
    {"RFC 3261 19.1.4: with and without bnc is the same Contact; the later counts",
     {{GIN("1", BNC), 200, BNC ";expires=3600", BD_SIP_REGISTERED},
      {GIN("2", "<sip:192.0.2.1:5060>"), 200, "<sip:192.0.2.1:5060>;expires=3600",
       BD_SIP_REGISTERED}}},
};

static void test_conversations(void **state)
{
    char got[1024];
    for (size_t c = 0; c < sizeof(conversations) / sizeof(conversations[0]); c++) {
        struct lab *lab = lab_new(256);
        for (unsigned i = 0; i < STEPS_MAX && conversations[c].step[i].request; i++) {
            const struct step *step = &conversations[c].step[i];
            unsigned status = lab_send(lab, step->request);
            lab_contacts(lab, got, sizeof(got));
            if (status != step->status || lab->verdict != step->verdict ||
                (step->contacts && strcmp(got, step->contacts) != 0))
                fail_msg("%s: step %u: %u %s: %s\n%s", conversations[c].name, i + 1, status,
                         bd_verdict_info[lab->verdict].text, got, lab->reply);
        }
        lab_free(lab);
    }
}

static unsigned flags_of(const struct lab *lab, struct bd_str aor)
{
    struct bd_slot_ref ref;
    struct bd_binding b;
    assert_true(bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref));
    bd_record_view(ref.record, 0, &b);
    return b.flags;
}

static void test_flag(void **state)
{
    struct lab *lab = lab_new(256);
    assert_int_equal(lab_send(lab, GIN("1", BNC)), 200);
    assert_int_equal(flags_of(lab, BD_STR("pbx@other.example")), BD_BINDING_BULK);
    assert_int_equal(lab_send(lab, GIN("2", "<sip:192.0.2.1:5060>")), 200);
    assert_int_equal(flags_of(lab, BD_STR("pbx@other.example")), 0);
    lab_free(lab);
}

static void test_reasons(void **state)
{
    struct lab *lab = lab_new(256);
    lab_send(lab, GIN("1", "<sip:pbx@192.0.2.1;bnc>"));
    assert_non_null(strstr(lab->reply, "SIP/2.0 400 Contact with bnc has a user part\r\n"));
    lab_send(lab, MESSAGE("bob", "other.example", "1", "Require: gin\r\nContact: " BNC "\r\n"));
    assert_non_null(strstr(lab->reply, "SIP/2.0 403 Forbidden\r\n"));
    lab_free(lab);
}

/* --- the Contact of a number ------------------------------------------------------------------ */

static void test_contacts(void **state)
{
    static const struct {
        const char *registered, *contact; /* NULL: none */
    } rows[] = {
        {"sip:198.51.100.3:5060;bnc", "sip:+12145550102@198.51.100.3:5060"}, /* 5.2's own */
        {"sip:198.51.100.3;bnc", "sip:+12145550102@198.51.100.3"},
        {"sip:pbx.example;bnc", "sip:+12145550102@pbx.example"}, /* 8.2's own */
        {"SIPS:Pbx.Example;BNC", "SIPS:+12145550102@Pbx.Example"},
        {"sip:[2001:db8::7]:5070;transport=tcp;bnc;lr",
         "sip:+12145550102@[2001:db8::7]:5070;transport=tcp;lr"},
        {"sip:h;bnc;x;y=%20z;bnc", "sip:+12145550102@h;x;y=%20z"},
        {"sip:h;abnc;bnc;bncx=1", "sip:+12145550102@h;abnc;bncx=1"},
        {"sip:h;bnc?Subject=x&Priority=urgent", "sip:+12145550102@h?Subject=x&Priority=urgent"},
        {"sip:h;x", NULL},
        {"sip:a@h;bnc", NULL},
        {"sip:h;bnc;user=phone", NULL},
        {"sip:h;bnc=", NULL},
        {"", NULL},
    };
    struct bd_e164 number;
    assert_true(bd_e164_parse(BD_STR("+1(214)555-0102"), &number));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[128];
        struct bd_wire w = bd_wire_init(out, sizeof(out));
        bool ok = bd_bulk_contact(&w, bd_str_from(rows[i].registered), &number);
        assert_int_equal(ok, rows[i].contact != NULL);
        struct bd_str got = {out, bd_wire_len(&w)};
        if (!bd_str_eq(got, bd_str_from(ok ? rows[i].contact : "")))
            fail_msg("%s: %.*s", rows[i].registered, BD_STR_ARG(got));
        for (uint32_t cap = 0; ok && cap < got.len; cap++) {
            w = bd_wire_init(out, cap);
            bd_bulk_contact(&w, bd_str_from(rows[i].registered), &number);
            assert_true(w.overflow);
        }
    }
}

/* Whatever is stored, a URI that parses comes out, or nothing. */
static void test_contact_mutations(void **state)
{
    static const char original[] = "sip:[2001:db8::7]:5070;transport=tcp;bnc;x=%20;y?a=b";
    struct bd_e164 number;
    assert_true(bd_e164_parse(BD_STR("+12145550102"), &number));
    for (size_t at = 0; at < sizeof(original) - 1; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[sizeof(original)], out[128];
            memcpy(text, original, sizeof(original));
            text[at] = (char)byte;
            struct bd_wire w = bd_wire_init(out, sizeof(out));
            struct bd_str registered = {text, sizeof(original) - 1};
            struct bd_uri uri;
            bool ok = bd_bulk_contact(&w, registered, &number);
            struct bd_str got = {out, bd_wire_len(&w)};
            assert_int_equal(ok, got.len > 0);
            assert_true(!ok || (bd_uri_parse(got, &uri) && !uri.bnc &&
                                bd_str_eq(uri.user, BD_STR("+12145550102"))));
        }
    }
}

/* --- who is called --------------------------------------------------------------------------- */

static struct lab *redirecting_lab(void)
{
    struct lab *lab = lab_new(256);
    bool by_default;
    const struct bd_policy_domain *domain =
        bd_policy_find(lab->policy, BD_STR("other.example"), &by_default);
    ((struct bd_policy_domain *)(uintptr_t)domain)->redirect = 1;
    return lab;
}

static void expect_call(struct lab *lab, const char *method, const char *user, unsigned status,
                        const char *contacts)
{
    char text[1024], got[1024];
    snprintf(text, sizeof(text),
             "%s sip:%s@other.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKc\r\n"
             "Max-Forwards: 70\r\nFrom: <sip:bob@other.example>;tag=b\r\nTo: <sip:x@y.example>\r\n"
             "Call-ID: c1\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
             method, user, method);
    unsigned got_status = lab_send(lab, text);
    lab_contacts(lab, got, sizeof(got));
    if (got_status != status || strcmp(got, contacts) != 0)
        fail_msg("%s %s: %u %s", method, user, got_status, got);
}

/* RFC 6140 6: by the mapping, whatever the method; 7.2.2: to both. */
static void test_redirect(void **state)
{
    struct lab *lab = redirecting_lab();
    expect_call(lab, "INVITE", "+4930555123", 480, "");
    assert_int_equal(lab_send(lab, GIN("1", BNC ";q=0.5")), 200);
    expect_call(lab, "INVITE", "+4930555123", 302,
                "<sip:+4930555123@192.0.2.1:5060>;q=0.5;expires=3600");
    expect_call(lab, "FROBNICATE", "+49-30-44", 302,
                "<sip:+493044@192.0.2.1:5060>;q=0.5;expires=3600");
    expect_call(lab, "INVITE", "+4930556000", 480, "");
    expect_call(lab, "INVITE", "pbx", 480, ""); /* bnc is no way to the PBX itself */
    assert_int_equal(lab_send(lab, MESSAGE("+4930555123", "other.example", "1",
                                           "Contact: <sip:a@192.0.2.9>\r\n")),
                     200);
    expect_call(lab, "INVITE", "+4930555123", 302,
                "<sip:a@192.0.2.9>;expires=3600|"
                "<sip:+4930555123@192.0.2.1:5060>;q=0.5;expires=3600");
    lab->now_ms += 3600000;
    expect_call(lab, "INVITE", "+4930555123", 480, "");
    lab_free(lab);
}

/* A PBX that gives our own domain as its host would have callers go in a circle (RFC 3261 8.3). */
static void test_no_circle(void **state)
{
    struct lab *lab = redirecting_lab();
    assert_int_equal(lab_send(lab, GIN("1", "<sip:other.example;bnc>")), 200);
    expect_call(lab, "INVITE", "+4930555123", 480, "");
    lab_free(lab);
}

static unsigned locate(const struct lab *lab, struct bd_str aor, uint32_t now_s,
                       struct bd_location *location)
{
    return bd_locate(&lab->table, bd_table_hash(&lab->table, aor), aor, now_s, location);
}

/* As many as there is room for, the number's own first; what else lies in the binding is kept. */
static void test_location(void **state)
{
    struct lab *lab = lab_new(256);
    static struct bd_location location;
    const struct bd_str number = BD_STR("+4930555123@other.example");
    struct bd_bulk_hit hit;
    bool by_default;
    assert_true(bd_bulk_find(lab->policy,
                             bd_policy_find(lab->policy, BD_STR("other.example"), &by_default),
                             BD_STR("+4930555123"), &hit));
    assert_int_equal(lab_send(lab, GIN("1", BNC ";audio, <sip:pbx@192.0.2.1>")), 200);
    uint32_t now_s = (uint32_t)(lab->now_ms / 1000);
    assert_int_equal(locate(lab, number, now_s, &location), 0);
    assert_int_equal(bd_locate_bulk(&lab->table, &hit, now_s, &location), 1);
    const struct bd_binding *b = location.target[0].binding;
    assert_true(bd_str_eq(b->text[BD_TEXT_URI], BD_STR("sip:+4930555123@192.0.2.1:5060")));
    assert_true(bd_str_eq(b->text[BD_TEXT_PARAMS], BD_STR("audio")));
    assert_int_equal(locate(lab, hit.pbx, now_s, &location), 1);
    assert_true(
        bd_str_eq(location.target[0].binding->text[BD_TEXT_URI], BD_STR("sip:pbx@192.0.2.1")));
    location.cnt = BD_CONTACTS_PER_AOR_MAX;
    for (unsigned i = 0; i < location.cnt; i++)
        location.target[i] = location.target[0];
    assert_int_equal(bd_locate_bulk(&lab->table, &hit, now_s, &location), BD_CONTACTS_PER_AOR_MAX);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations),     cmocka_unit_test(test_flag),
        cmocka_unit_test(test_reasons),           cmocka_unit_test(test_contacts),
        cmocka_unit_test(test_contact_mutations), cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_no_circle),         cmocka_unit_test(test_location),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
