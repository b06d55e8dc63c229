/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 3261 10.3 as conversations: each row is a datagram, what it must draw, and which bindings the
 * reply must list. Every conversation begins with an empty table. */
#include "lab.h"

#define VIA(BRANCH) "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK" BRANCH "\r\n"
#define MESSAGE(URI, TO, BRANCH, CALL_ID, CSEQ, EXTRA)                                             \
    "REGISTER " URI " SIP/2.0\r\n" VIA(BRANCH) "Max-Forwards: 70\r\n"                              \
                                               "From: <sip:alice@example.com>;tag=f1\r\nTo: <" TO  \
                                               ">\r\nCall-ID: " CALL_ID "\r\n"                     \
                                               "CSeq: " CSEQ " REGISTER\r\n" EXTRA                 \
                                               "Content-Length: 0\r\n\r\n"
/* The usual one: a branch of its own for each Call-ID and CSeq. */
#define REG(CALL_ID, CSEQ, EXTRA)                                                                  \
    MESSAGE("sip:example.com", "sip:alice@example.com", CALL_ID CSEQ, CALL_ID, CSEQ, EXTRA)
#define TO(AOR, CSEQ, EXTRA) MESSAGE("sip:example.com", AOR, "t" CSEQ, "t", CSEQ, EXTRA)
#define CONTACT(TEXT)        "Contact: " TEXT "\r\n"
#define EXPIRES(TEXT)        "Expires: " TEXT "\r\n"
#define A                    "<sip:alice@192.0.2.1>"
#define B                    "<sip:alice@192.0.2.2>"
#define C                    "<sip:alice@192.0.2.3>"
#define QUERY                REG("query", "1", "")

struct step {
    uint32_t after_s;
    const char *request;
    unsigned status;
    const char *contacts;    /* NULL: not looked at */
    enum bd_verdict verdict; /* FRAME_SHORT (0): not looked at */
    const char *header[2];   /* name, value */
};

enum { STEPS_MAX = 12 };
struct conversation {
    const char *name;
    struct step step[STEPS_MAX];
    void (*tune)(struct bd_policy_domain *settings);
    bool draining_after_first;
};

static void no_max_expires(struct bd_policy_domain *d)
{
    d->max_expires_s = 0;
}

static void raise_brief(struct bd_policy_domain *d)
{
    d->min_expires_mode = 0;
}

static void min_two_hours(struct bd_policy_domain *d)
{
    d->min_expires_s = 7200;
}

static void two_reject_503(struct bd_policy_domain *d)
{
    d->max_contacts = 2;
    d->retry_after_s = 1;
}

static void two_reject_403(struct bd_policy_domain *d)
{
    d->max_contacts = 2;
    d->max_contacts_code = 403;
}

static void two_oldest(struct bd_policy_domain *d)
{
    d->max_contacts = 2;
    d->max_contacts_policy = BD_CONTACTS_OLDEST;
}

static void two_replace(struct bd_policy_domain *d)
{
    d->max_contacts = 2;
    d->max_contacts_policy = BD_CONTACTS_REPLACE;
}

static void no_max_contacts(struct bd_policy_domain *d)
{
    d->max_contacts = 0;
}

static const struct conversation conversations[] = {
    {"one binding, its life and its end",
     {{0, REG("a", "1", CONTACT(A)), 200, A ";expires=3600", BD_SIP_REGISTERED},
      {100, QUERY, 200, A ";expires=3500", BD_SIP_QUERIED},
      {0, REG("a", "2", CONTACT(A)), 200, A ";expires=3600", BD_SIP_REFRESHED},
      {3599, QUERY, 200, A ";expires=1"},
      {1, QUERY, 200, ""}}},
    {"the reply: Date, Server, To tag of a repeated request",
     {{0, REG("a", "1", CONTACT(A)), 200, NULL, 0, {"Date", "Sat, 13 Nov 2010 23:29:00 GMT"}},
      {86400, REG("a", "2", CONTACT(A)), 200, NULL, 0, {"Date", "Sun, 14 Nov 2010 23:29:00 GMT"}},
      {0, QUERY, 200, NULL, 0, {"Server", "Bindery"}}}},
    {"expiry: the Contact's before the field's before the default",
     {{0, REG("a", "1", CONTACT(A ";expires=100," B) EXPIRES("200")), 200,
       A ";expires=100|" B ";expires=200"},
      {0, REG("a", "2", CONTACT(C)), 200, A ";expires=100|" B ";expires=200|" C ";expires=3600"}}},
    {"expiry: malformed counts as 3600 (10.2, 20.10)",
     {{0, REG("a", "1", CONTACT(A ";expires=soon")), 200, A ";expires=3600"},
      {0, REG("a", "2", CONTACT(A) EXPIRES("never")), 200, A ";expires=3600"}}},
    {"expiry: lowered to max_expires, never wraps",
     {{0, REG("a", "1", CONTACT(A ";expires=4294967295")), 200, A ";expires=7200"}}},
    {"expiry: no upper bound",
     {{0, REG("a", "1", CONTACT(A ";expires=4294967295")), 200,
       A ";expires=4294966294"}}, /* 2^32 - 2, less the clock's 1000 s */
     .tune = no_max_expires},
    {"expiry: 423 below the minimum, nothing changes",
     {{0,
       REG("a", "1", CONTACT(A ";expires=59")),
       423,
       "",
       BD_SIP_TOO_BRIEF,
       {"Min-Expires", "60"}},
      {0, REG("a", "2", CONTACT(A) CONTACT(B ";expires=10")), 423, "", 0, {"Min-Expires", "60"}},
      {0, QUERY, 200, ""},
      {0, REG("a", "3", CONTACT(A ";expires=60")), 200, A ";expires=60"}}},
    {"expiry: min_expires_mode 0 raises",
     {{0, REG("a", "1", CONTACT(A ";expires=1")), 200, A ";expires=60"},
      {0, REG("a", "2", CONTACT(A ";expires=0")), 200, ""}},
     .tune = raise_brief},
    {"expiry: one hour and more is never too brief, it is raised",
     {{0, REG("a", "1", CONTACT(A ";expires=3600")), 200, A ";expires=7200"},
      {0, REG("a", "2", CONTACT(A ";expires=3599")), 423, NULL, 0, {"Min-Expires", "7200"}}},
     .tune = min_two_hours},
    {"a shorter refresh is taken, and expires then",
     {{0, REG("a", "1", CONTACT(A)), 200, A ";expires=3600"},
      {0, REG("a", "2", CONTACT(A ";expires=60")), 200, A ";expires=60", BD_SIP_REFRESHED},
      {60, QUERY, 200, ""}}},
    {"removal by expires=0, by Expires: 0, of what is not there",
     {{0, REG("a", "1", CONTACT(A) CONTACT(B)), 200, A ";expires=3600|" B ";expires=3600"},
      {0, REG("a", "2", CONTACT(A ";expires=0")), 200, B ";expires=3600", BD_SIP_REMOVED},
      {0, REG("a", "3", CONTACT(B) EXPIRES("0")), 200, "", BD_SIP_REMOVED},
      {0, REG("a", "4", CONTACT(C ";expires=0")), 200, "", BD_SIP_REMOVED}}},
    {"removal of one and adding of another in one request",
     {{0, REG("a", "1", CONTACT(A)), 200, A ";expires=3600"},
      {0, REG("a", "2", CONTACT(A ";expires=0, " B)), 200, B ";expires=3600", BD_SIP_REGISTERED}}},
    {"'*' removes all",
     {{0, REG("a", "1", CONTACT(A) CONTACT(B)), 200, NULL},
      {0, REG("b", "1", CONTACT(C)), 200, NULL},
      {0, REG("a", "2", CONTACT("*") EXPIRES("0")), 200, "", BD_SIP_REMOVED},
      {0, REG("a", "2", CONTACT("*") EXPIRES("0")), 200, "", BD_SIP_RETRANSMISSION},
      {0, QUERY, 200, ""}}},
    {"'*' misused is 400 and removes nothing",
     {{0, REG("a", "1", CONTACT(A)), 200, NULL},
      {0, REG("a", "2", CONTACT("*")), 400, "", BD_SIP_BAD_CONTACT},
      {0, REG("a", "3", CONTACT("*") EXPIRES("60")), 400, ""},
      {0, REG("a", "4", CONTACT("*") EXPIRES("junk")), 400, ""},
      {0, REG("a", "5", CONTACT("*") CONTACT(B) EXPIRES("0")), 400, ""},
      {0, REG("a", "6", CONTACT(B) CONTACT("*") EXPIRES("0")), 400, ""},
      {0, REG("a", "7", CONTACT("*") CONTACT("*") EXPIRES("0")), 400, ""},
      {0, QUERY, 200, A ";expires=3600"}}},
    {"'*' below the CSeq of one binding fails whole",
     {{0, REG("a", "5", CONTACT(A)), 200, NULL},
      {0, REG("b", "1", CONTACT(B)), 200, NULL},
      {0, REG("a", "5", CONTACT("*") EXPIRES("0") "X: 1\r\n"), 200, NULL, BD_SIP_RETRANSMISSION},
      {0, REG("a", "4", CONTACT("*") EXPIRES("0")), 500, "", BD_SIP_OUT_OF_ORDER},
      {0, QUERY, 200, A ";expires=3600|" B ";expires=3600"}}},
    {"CSeq: refresh and removal must be above, with the same Call-ID",
     {{0, REG("a", "10", CONTACT(A)), 200, NULL},
      {0, REG("a", "9", CONTACT(A)), 500, "", BD_SIP_OUT_OF_ORDER},
      {0, REG("a", "9", CONTACT(A ";expires=0")), 500, "", BD_SIP_OUT_OF_ORDER},
      {0, MESSAGE("sip:example.com", "sip:alice@example.com", "other", "a", "10", CONTACT(A)), 500,
       "", BD_SIP_OUT_OF_ORDER},
      {0, REG("b", "1", CONTACT(A ";expires=120")), 200, A ";expires=120"},
      {0, REG("a", "9", CONTACT(A ";expires=130")), 200, A ";expires=130"},
      {0, REG("b", "2", CONTACT(A ";expires=0")), 200, ""}}},
    {"CSeq: one Contact out of order fails the whole request",
     {{0, REG("a", "5", CONTACT(A)), 200, NULL},
      {0, REG("a", "4", CONTACT(B) CONTACT(A)), 500, "", BD_SIP_OUT_OF_ORDER},
      {0, QUERY, 200, A ";expires=3600"}}},
    {"CSeq: an expired binding no longer counts",
     {{0, REG("a", "5", CONTACT(A ";expires=60")), 200, NULL},
      {60, REG("a", "1", CONTACT(A)), 200, A ";expires=3600", BD_SIP_REGISTERED}}},
    {"a retransmission gets the bindings of now and changes nothing",
     {{0, REG("a", "1", CONTACT(A)), 200, A ";expires=3600", BD_SIP_REGISTERED},
      {10, REG("a", "1", CONTACT(A)), 200, A ";expires=3590", BD_SIP_RETRANSMISSION},
      {0, REG("a", "2", CONTACT(A)), 200, A ";expires=3600", BD_SIP_REFRESHED},
      {10, REG("a", "2", CONTACT(A)), 200, A ";expires=3590", BD_SIP_RETRANSMISSION},
      {0, REG("a", "3", CONTACT(A ";expires=0")), 200, "", BD_SIP_REMOVED},
      {1, REG("a", "3", CONTACT(A ";expires=0")), 200, "", BD_SIP_RETRANSMISSION}}},
    {"a late duplicate revives nothing and takes nothing back (17.2.2)",
     {{0, REG("a", "1", CONTACT(A)), 200, A ";expires=3600"},
      {0, REG("a", "2", CONTACT(A)), 200, A ";expires=3600", BD_SIP_REFRESHED},
      {0, REG("a", "3", CONTACT(A ";expires=0")), 200, ""},
      {15, REG("a", "2", CONTACT(A)), 200, "", BD_SIP_RETRANSMISSION},
      {15, REG("a", "1", CONTACT(A)), 200, "", BD_SIP_RETRANSMISSION},
      {0, REG("b", "1", CONTACT(A)), 200, A ";expires=3600"},
      {1, REG("a", "3", CONTACT(A ";expires=0")), 200, A ";expires=3599", BD_SIP_RETRANSMISSION},
      {31, REG("a", "1", CONTACT(A)), 200, A ";expires=3600", BD_SIP_REGISTERED}}},
    {"a late duplicate does not lengthen what was made anew with a lower CSeq",
     {{0, REG("a", "5", CONTACT(A ";expires=7200")), 200, A ";expires=7200"},
      {0, REG("b", "1", CONTACT(A ";expires=0")), 200, ""},
      {0, REG("a", "4", CONTACT(A ";expires=600")), 200, A ";expires=600"},
      {1, REG("a", "5", CONTACT(A ";expires=7200")), 200, A ";expires=599",
       BD_SIP_RETRANSMISSION}}},
    {"the same Call-ID, CSeq and branch with other Contacts is another request",
     {{0, REG("a", "1", CONTACT(A)), 200, A ";expires=3600"},
      {0, REG("a", "1", CONTACT(B)), 200, A ";expires=3600|" B ";expires=3600",
       BD_SIP_REGISTERED}}},
    {"a retransmission is known by any of its Contacts",
     {{0, REG("a", "1", CONTACT(A) CONTACT(B)), 200, NULL},
      {0, REG("a", "2", CONTACT(A)), 200, NULL},
      {0, REG("a", "1", CONTACT(A) CONTACT(B)), 200, A ";expires=3600|" B ";expires=3600",
       BD_SIP_RETRANSMISSION}}},
    {"all or nothing: a bad Contact after a good one",
     {{0, REG("a", "1", CONTACT(A) CONTACT("<sip:alice@192.0.2.2>;q=2")), 400, ""},
      {0, REG("a", "2", CONTACT(A) CONTACT("<sip:alice@")), 400, ""},
      {0, QUERY, 200, ""}}},
    {"matching by 19.1.4, and the newer text is kept",
     {{0, REG("a", "1", CONTACT("<sip:alice@HOST.example.com;transport=udp>")), 200, NULL},
      {0, REG("a", "2", CONTACT("<sip:%61lice@host.example.com;transport=UDP>")), 200,
       "<sip:%61lice@host.example.com;transport=UDP>;expires=3600", BD_SIP_REGISTERED},
      {0, REG("a", "3", CONTACT("<sip:alice@host.example.com>")), 200,
       "<sip:%61lice@host.example.com;transport=UDP>;expires=3600|"
       "<sip:alice@host.example.com>;expires=3600"},
      {0, REG("a", "4", CONTACT("<sip:Alice@host.example.com>")), 200,
       "<sip:%61lice@host.example.com;transport=UDP>;expires=3600|"
       "<sip:alice@host.example.com>;expires=3600|<sip:Alice@host.example.com>;expires=3600"},
      {0, REG("a", "5", CONTACT("<sip:alice@host.example.com:5060>;expires=0")), 200,
       "<sip:%61lice@host.example.com;transport=UDP>;expires=3600|"
       "<sip:alice@host.example.com>;expires=3600|<sip:Alice@host.example.com>;expires=3600"}}},
    {"of two equal Contacts in one request the later counts",
     {{0, REG("a", "1", CONTACT(A ";expires=100," A ";expires=200")), 200, A ";expires=200"},
      {0, REG("a", "2", CONTACT(B "," B ";expires=0")), 200, A ";expires=200"},
      {0, REG("a", "3", CONTACT(A ";expires=0," A ";expires=300")), 200, A ";expires=300"}}},
    {"parameters come back as they came, q in its place",
     {{0,
       REG("a", "1",
           CONTACT("\"Al, ice\" " A ";q=0.70;+sip.instance=\"<urn:uuid:1>\" ; expires=100"
                   ";reg-id=1;methods=\"A;B\"")),
       200, A ";+sip.instance=\"<urn:uuid:1>\";reg-id=1;methods=\"A;B\";q=0.7;expires=100"},
      {0, REG("a", "2", "m: sip:bob@192.0.2.9;expires=90;\r\n\t q=1\r\n"), 200,
       A ";+sip.instance=\"<urn:uuid:1>\";reg-id=1;methods=\"A;B\";q=0.7;expires=100|"
         "<sip:bob@192.0.2.9>;q=1;expires=90"}}},
    {"any scheme may be registered (10.2.1)",
     {{0, REG("a", "1", CONTACT("<tel:+358-555-1234567>,<mailto:alice@example.com>")), 200,
       "<tel:+358-555-1234567>;expires=3600|<mailto:alice@example.com>;expires=3600"},
      {0, REG("a", "2", CONTACT("<tel:+3585551234567>;expires=0")), 200,
       "<mailto:alice@example.com>;expires=3600"}}},
    {"a sips Contact wants a sips Request-URI (RFC 5630 5.2)",
     {{0, REG("a", "1", CONTACT("<sips:alice@192.0.2.1>")), 400, "", BD_SIP_BAD_CONTACT},
      {0,
       MESSAGE("sips:example.com", "sip:alice@example.com", "s2", "a", "2",
               CONTACT("<sips:alice@192.0.2.1>,<sip:alice@192.0.2.1>")),
       400, ""},
      {0,
       MESSAGE("sips:example.com", "sips:alice@example.com", "s3", "a", "3",
               CONTACT("<sips:alice@192.0.2.1>")),
       200, "<sips:alice@192.0.2.1>;expires=3600"},
      {0, REG("a", "4", CONTACT("<sips:alice@192.0.2.1>;expires=0")), 200, ""}}},
    {"the address of record: aliases, case, escapes, port, parameters (10.3 (5))",
     {{0, TO("sip:alice@EXAMPLE.com", "1", CONTACT(A)), 200, NULL},
      {0, TO("sip:%61LICE@198.18.0.1", "2", ""), 200, A ";expires=3600"},
      {0, TO("sip:alice@alias.example.com:5070;user=phone", "3", ""), 200, A ";expires=3600"},
      {0, TO("sips:alice:secret@example.com", "4", ""), 200, A ";expires=3600"},
      {0, TO("sip:alice@192.0.2.77", "5", ""), 200, A ";expires=3600"}, /* default domain */
      {0, MESSAGE("sip:198.18.0.1", "sip:alice@198.18.0.1", "x", "x", "1", ""), 200,
       A ";expires=3600"},
      {0, MESSAGE("sip:198.18.0.9", "sip:alice@example.com", "y", "y", "1", ""), 200,
       A ";expires=3600"},
      {0, MESSAGE("sip:198.18.0.9", "sip:alice@other.example", "z", "z", "1", ""), 200, ""},
      {0, MESSAGE("sip:alice@example.com", "sip:alice@example.com", "u", "u", "1", ""), 200,
       A ";expires=3600"},
      {0, TO("tel:+1-201-555-0123", "6", CONTACT(B)), 200, B ";expires=3600"},
      {0, TO("sip:+12015550123@example.com", "7", ""), 200, B ";expires=3600"}}},
    {"the address of record: not of the domain asked",
     {{0, TO("sip:alice@other.example", "1", CONTACT(A)), 404, "", BD_SIP_NOT_FOUND},
      {0, TO("sip:example.com", "2", CONTACT(A)), 404, ""},
      {0, TO("mailto:alice@example.com", "3", CONTACT(A)), 404, ""}}},
    {"max_contacts, reject: the request fails, refreshes go on",
     {{0, REG("a", "1", CONTACT(A "," B)), 200, NULL},
      {0, REG("a", "2", CONTACT(C)), 503, "", BD_SIP_TOO_MANY_CONTACTS, {"Retry-After", "1"}},
      {0, REG("a", "3", CONTACT(A ";expires=0," C)), 200, B ";expires=3600|" C ";expires=3600"},
      {0, REG("a", "4", CONTACT(B "," C)), 200, B ";expires=3600|" C ";expires=3600"}},
     .tune = two_reject_503},
    {"max_contacts, reject with 403; the expired do not count",
     {{0, REG("a", "1", CONTACT(A ";expires=60," B)), 200, NULL},
      {59, REG("a", "2", CONTACT(C)), 403, "", BD_SIP_TOO_MANY_CONTACTS},
      {1, REG("a", "3", CONTACT(C)), 200, B ";expires=3540|" C ";expires=3600"}},
     .tune = two_reject_403},
    {"max_contacts, oldest: the one that expires soonest goes",
     {{0, REG("a", "1", CONTACT(A)), 200, NULL},
      {10, REG("b", "1", CONTACT(B)), 200, NULL},
      {10, REG("a", "2", CONTACT(A)), 200, NULL},
      {10, REG("c", "1", CONTACT(C)), 200, A ";expires=3590|" C ";expires=3600", BD_SIP_REGISTERED},
      {0, REG("d", "1", CONTACT(A "," B "," C)), 503, ""},
      {0, REG("e", "1", CONTACT(A ";q=0.1," B)), 200, A ";q=0.1;expires=3600|" B ";expires=3600"}},
     .tune = two_oldest},
    {"max_contacts, replace: only the request's Contacts stay",
     {{0, REG("a", "1", CONTACT(A "," B)), 200, A ";expires=3600|" B ";expires=3600"},
      {0, REG("b", "1", CONTACT(C)), 200, C ";expires=3600"},
      {0, REG("c", "1", CONTACT(A)), 200, C ";expires=3600|" A ";expires=3600"}},
     .tune = two_replace},
    {"max_contacts 0: no limit but the built-in one",
     {{0, REG("a", "1", CONTACT(A "," B "," C)), 200, NULL, BD_SIP_REGISTERED}},
     .tune = no_max_contacts},
    {"draining: what is there goes on, what is new waits",
     {{0, REG("a", "1", CONTACT(A)), 200, A ";expires=3600"},
      {1, REG("a", "2", CONTACT(A)), 200, A ";expires=3600", BD_SIP_REFRESHED},
      {0, REG("a", "3", CONTACT(B)), 503, "", BD_SIP_DRAINING, {"Retry-After", "1"}},
      {0, TO("sip:bob@example.com", "1", CONTACT(B)), 503, ""},
      {0, QUERY, 200, A ";expires=3600"},
      {0, REG("a", "4", CONTACT(A ";expires=0")), 200, ""}},
     .draining_after_first = true},
    {"a To tag, a body and a Route to this appliance or another are no obstacle",
     {{0, TO("sip:alice@example.com>;tag=\"x\";x=<y", "1", ""), 400, NULL},
      {0, REG("a", "1", "Route: <sip:198.18.0.1;lr>\r\n" CONTACT(A)), 200, A ";expires=3600"},
      {0, REG("a", "2", "Route: <sip:198.18.0.1:5060;lr>, <sip:elsewhere.example;lr>\r\n"), 200,
       A ";expires=3600"},
      {0, REG("a", "3", "Route: <sip:elsewhere.example;lr>\r\n"), 200, A ";expires=3600"},
      {0, REG("a", "4", "Record-Route: <sip:elsewhere.example;lr>\r\n"), 200, A ";expires=3600"}}},
};

static void check_step(struct lab *lab, const struct conversation *c, unsigned i)
{
    const struct step *s = &c->step[i];
    char got[8192];
    lab->now_ms += (uint64_t)s->after_s * 1000;
    lab->wall_ms += (uint64_t)s->after_s * 1000;
    unsigned status = lab_send(lab, s->request);
    lab_contacts(lab, got, sizeof(got));
    if (status != s->status || (s->contacts && strcmp(got, s->contacts) != 0))
        fail_msg("%s, step %u: %u instead of %u\n%s", c->name, i + 1, status, s->status,
                 lab->reply);
    if (s->verdict && lab->verdict != s->verdict)
        fail_msg("%s, step %u: %s instead of %s", c->name, i + 1,
                 bd_verdict_info[lab->verdict].text, bd_verdict_info[s->verdict].text);
    if (s->header[0]) {
        bool there = lab_header(lab, s->header[0], 0, got, sizeof(got));
        if (!there || strcmp(got, s->header[1]) != 0)
            fail_msg("%s, step %u: no %s: %s\n%s", c->name, i + 1, s->header[0], s->header[1],
                     lab->reply);
    }
}

static void hold_conversation(const struct conversation *c)
{
    struct lab *lab = lab_new(256);
    struct bd_policy_domain settings = lab_settings;
    if (c->tune)
        c->tune(&settings);
    lab_policy(lab, &settings, true);
    for (unsigned i = 0; i < STEPS_MAX && c->step[i].request; i++) {
        check_step(lab, c, i);
        if (c->draining_after_first)
            atomic_store(&lab->arena.header->draining, 1);
    }
    lab_free(lab);
}

static void test_conversations(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++)
        hold_conversation(&conversations[i]);
}

/* --- what a table cannot say ------------------------------------------------------------------ */

static void test_limits(void **state)
{
    (void)state;
    static char text[8192], contact[4096];
    struct lab *lab = lab_new(256);
    struct {
        unsigned len, status;
    } const uri[] = {{BD_CONTACT_URI_MAX, 200}, {BD_CONTACT_URI_MAX + 1, 400}};
    for (unsigned i = 0; i < 2; i++) {
        memset(contact, 'x', uri[i].len);
        memcpy(contact, "sip:", 4);
        strcpy(contact + uri[i].len - 10, "@192.0.2.1");
        assert_int_equal(strlen(contact), uri[i].len);
        snprintf(text, sizeof(text), REG("a", "1%u", "Contact: <%s>\r\n"), i, i, contact);
        assert_int_equal(lab_send(lab, text), uri[i].status);
    }
    for (unsigned i = 0; i < 2; i++) {
        memset(contact, 'p', BD_CONTACT_PARAMS_MAX + i);
        contact[BD_CONTACT_PARAMS_MAX + i] = 0;
        snprintf(text, sizeof(text), REG("a", "2%u", CONTACT("<sip:p@192.0.2.1>;%s")), i, i,
                 contact);
        assert_int_equal(lab_send(lab, text), i ? 400 : 200);
    }
    /* One Contact more than a request may carry. */
    unsigned used = 0;
    for (unsigned i = 0; i <= BD_CONTACTS_PER_REQUEST_MAX; i++)
        used += (unsigned)snprintf(contact + used, sizeof(contact) - used, "%s<sip:a@192.0.2.%u>",
                                   i ? "," : "", i);
    snprintf(text, sizeof(text), REG("b", "1", "Contact: %s\r\n"), contact);
    assert_int_equal(lab_send(lab, text), 400);
    assert_non_null(strstr(lab->reply, "SIP/2.0 400 Too many Contacts\r\n"));
    /* A Call-ID and an address of record beyond the limits. */
    memset(contact, 'c', BD_CALL_ID_MAX + 1);
    contact[BD_CALL_ID_MAX + 1] = 0;
    snprintf(text, sizeof(text), REG("%s", "1", CONTACT(A)), "b", contact);
    assert_int_equal(lab_send(lab, text), 400);
    snprintf(text, sizeof(text), TO("sip:%s@example.com", "1", CONTACT(A)), contact);
    assert_int_equal(lab_send(lab, text), 400);
    lab_free(lab);
}

static void test_long_user_agent_is_cut(void **state)
{
    (void)state;
    char text[2048], agent[400];
    struct lab *lab = lab_new(256);
    memset(agent, 'u', sizeof(agent) - 1);
    agent[sizeof(agent) - 1] = 0;
    agent[9] = '\r';
    agent[10] = '\n';
    agent[11] = ' ';
    snprintf(text, sizeof(text), REG("a", "1", CONTACT(A) "User-Agent: %s\r\n"), agent);
    assert_int_equal(lab_send(lab, text), 200);
    struct bd_slot_ref ref;
    struct bd_str aor = BD_STR("alice@example.com");
    assert_true(bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref));
    struct bd_binding b;
    bd_record_view(ref.record, 0, &b);
    assert_int_equal(b.text[BD_TEXT_USER_AGENT].len, BD_USER_AGENT_MAX);
    assert_null(memchr(b.text[BD_TEXT_USER_AGENT].p, '\n', BD_USER_AGENT_MAX));
    lab_free(lab);
}

/* A 200 that would not fit is refused before anything is committed. */
static void test_reply_too_large(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    char got[512];
    lab->reply_cap = 300;
    assert_int_equal(lab_send(lab, REG("a", "1", CONTACT(A) CONTACT(B))), 500);
    assert_int_equal(lab->verdict, BD_SIP_INTERNAL);
    lab->reply_cap = LAB_REPLY_MAX;
    assert_int_equal(lab_send(lab, QUERY), 200);
    lab_contacts(lab, got, sizeof(got));
    assert_string_equal(got, "");
    lab->reply_cap = 20;
    assert_int_equal(lab_send(lab, QUERY), 0);
    assert_int_equal(lab->verdict, BD_SIP_UNADDRESSABLE);
    lab_free(lab);
}

static void test_table_full(void **state)
{
    (void)state;
    struct lab *lab = lab_new(64);
    char text[2048];
    unsigned status = 200;
    for (unsigned i = 0; i < 200000 && status == 200; i++) {
        snprintf(text, sizeof(text), TO("sip:u%u@example.com", "1", CONTACT(A)), i);
        status = lab_send(lab, text);
    }
    assert_int_equal(status, 503);
    assert_int_equal(lab->verdict, BD_SIP_TABLE_FULL);
    assert_non_null(strstr(lab->reply, "\r\nRetry-After: 1\r\n"));
    lab_free(lab);
}

static void expect_not_durable(struct lab *lab, const char *text)
{
    assert_int_equal(lab_send(lab, text), 503);
    assert_int_equal(lab->verdict, BD_SIP_NOT_DURABLE);
    assert_non_null(strstr(lab->reply, "\r\nRetry-After: 1\r\n"));
}

/* durability sync, and the disk does not follow: nothing is promised and nothing changes. */
static void test_not_durable(void **state)
{
    (void)state;
    struct lab *lab = lab_new(64);
    assert_int_equal(lab_send(lab, REG("a", "1", CONTACT(A))), 200);
    lab->undurable = true;
    expect_not_durable(lab, REG("a", "1", CONTACT(A)));                     /* retransmission */
    expect_not_durable(lab, REG("a", "2", CONTACT(A)));                     /* refresh */
    expect_not_durable(lab, REG("a", "3", CONTACT(B)));                     /* another contact */
    expect_not_durable(lab, REG("a", "4", CONTACT(A ";expires=0")));        /* removal */
    expect_not_durable(lab, REG("a", "5", CONTACT("*") EXPIRES("0")));      /* of all */
    expect_not_durable(lab, TO("sip:bob@example.com", "6", CONTACT(B)));    /* another AoR */
    assert_int_equal(lab_send(lab, REG("a", "7", CONTACT(A ";q=2"))), 400); /* wrong anyway */
    assert_int_equal(lab_send(lab, REG("a", "8", "")), 200);
    assert_int_equal(lab->verdict, BD_SIP_QUERIED);
    assert_int_equal(lab_counter(lab, BD_CTR_BINDINGS_ADDED), 1);
    assert_int_equal(lab_counter(lab, BD_CTR_BINDINGS_REFRESHED), 0);
    assert_int_equal(lab_counter(lab, BD_CTR_BINDINGS_REMOVED), 0);
    lab->undurable = false;
    assert_int_equal(lab_send(lab, REG("a", "9", CONTACT(A))), 200);
    assert_int_equal(lab->verdict, BD_SIP_REFRESHED);
    lab_free(lab);
}

static void test_counters(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    lab_send(lab, REG("a", "1", CONTACT(A ";expires=60," B)));
    lab_send(lab, REG("a", "2", CONTACT(A ";expires=60")));
    lab_send(lab, REG("a", "3", CONTACT(B ";q=0.5," C "," C ";expires=0")));
    lab->now_ms += 60000;
    lab_send(lab, REG("a", "4", CONTACT(C)));
    lab_send(lab, REG("a", "5", CONTACT("*") EXPIRES("0")));
    static const struct {
        enum bd_counter counter;
        uint64_t value;
    } expected[] = {
        {BD_CTR_REGISTER_REQUESTS, 5}, {BD_CTR_BINDINGS_ADDED, 3},   {BD_CTR_BINDINGS_REFRESHED, 2},
        {BD_CTR_BINDINGS_EXPIRED, 1},  {BD_CTR_BINDINGS_REMOVED, 2}, {BD_CTR_BINDINGS_DISPLACED, 0},
        {BD_CTR_AORS_ADDED, 1},        {BD_CTR_AORS_REMOVED, 1},     {BD_CTR_TABLE_RETRIES, 0},
    };
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        if (lab_counter(lab, expected[i].counter) != expected[i].value)
            fail_msg("%s: %lu", bd_counter_info[expected[i].counter].text,
                     (unsigned long)lab_counter(lab, expected[i].counter));
    }
    lab_free(lab);
}

static void test_unregister(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    struct bd_str aor = BD_STR("alice@example.com");
    char got[512];
    lab_send(lab, REG("a", "1", CONTACT("<sip:alice@Host.example>," B "," C)));
    assert_int_equal(bd_registrar_unregister(lab->registrar, aor, BD_STR("sip:x@y"), lab->now_ms),
                     0);
    assert_int_equal(bd_registrar_unregister(lab->registrar, aor, BD_STR("no uri"), lab->now_ms),
                     0);
    assert_int_equal(bd_registrar_unregister(lab->registrar, aor,
                                             BD_STR("sip:%61lice@host.example"), lab->now_ms),
                     1);
    lab_send(lab, QUERY);
    lab_contacts(lab, got, sizeof(got));
    assert_string_equal(got, B ";expires=3600|" C ";expires=3600");
    assert_int_equal(bd_registrar_unregister(lab->registrar, aor, BD_STR(""), lab->now_ms), 2);
    assert_int_equal(bd_registrar_unregister(lab->registrar, aor, BD_STR(""), lab->now_ms), 0);
    assert_int_equal(lab_counter(lab, BD_CTR_BINDINGS_REMOVED), 3);
    assert_int_equal(lab_counter(lab, BD_CTR_AORS_REMOVED), 1);
    lab_free(lab);
}

static void test_expire(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    lab_send(lab, REG("a", "1", CONTACT(A ";expires=60," B ";expires=120")));
    uint32_t due[8], cursor = 0;
    unsigned cnt = 0;
    lab->now_ms += 60000;
    bd_table_due(&lab->table, &cursor, UINT32_MAX, (uint32_t)(lab->now_ms / 1000), due, 8, &cnt);
    assert_int_equal(cnt, 1);
    bd_registrar_expire(lab->registrar, due[0], lab->now_ms);
    assert_int_equal(lab_counter(lab, BD_CTR_BINDINGS_EXPIRED), 1);
    assert_int_equal(lab_counter(lab, BD_CTR_AORS_REMOVED), 0);
    lab->now_ms += 60000;
    bd_registrar_expire(lab->registrar, due[0], lab->now_ms);
    assert_int_equal(lab_counter(lab, BD_CTR_BINDINGS_EXPIRED), 2);
    assert_int_equal(lab_counter(lab, BD_CTR_AORS_REMOVED), 1);
    lab_free(lab);
}

static uint64_t transaction_in_arena(uint64_t hash_seed)
{
    struct bd_slot_ref ref;
    struct bd_binding binding;
    struct bd_str aor = BD_STR("alice@example.com");
    struct lab *lab = lab_new(256);
    bd_hash_key_init(&lab->arena.hash_key, hash_seed);
    assert_int_equal(lab_send(lab, REG("a", "1", CONTACT(A))), 200);
    assert_true(bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref));
    bd_record_view(ref.record, 0, &binding);
    lab_free(lab);
    return binding.txn;
}

/* A journal brings records into another arena, where a retransmission must still be known. */
static void test_a_transaction_is_the_same_in_all_arenas(void **state)
{
    (void)state;
    assert_int_equal(transaction_in_arena(1), transaction_in_arena(2));
}

/* The fast path may not lower an expiry: the sweeper would come too late. */
static void test_shortened_refresh_is_due_in_time(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    lab_send(lab, REG("a", "1", CONTACT(A ";expires=3600")));
    lab_send(lab, REG("a", "2", CONTACT(A ";expires=60")));
    uint32_t due[8], cursor = 0;
    unsigned cnt = 0;
    bd_table_due(&lab->table, &cursor, UINT32_MAX, (uint32_t)(lab->now_ms / 1000) + 60, due, 8,
                 &cnt);
    assert_int_equal(cnt, 1);
    lab_free(lab);
}

/* Whatever part of a second has passed when it is granted, an interval is granted whole. */
static void test_no_binding_ends_early(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    char contacts[256];
    lab->now_ms += 900;
    lab_send(lab, REG("a", "1", CONTACT(A ";expires=60")));
    lab_contacts(lab, contacts, sizeof(contacts));
    assert_string_equal(contacts, A ";expires=60");
    lab->now_ms += 59999;
    lab_send(lab, QUERY);
    lab_contacts(lab, contacts, sizeof(contacts));
    assert_string_equal(contacts, A ";expires=1");
    lab->now_ms += 1000;
    lab_send(lab, QUERY);
    assert_null(strstr(lab->reply, "Contact:"));
    lab_free(lab);
}

/* max_contacts was lowered below what is there: who refreshes goes on, who adds does not, and what
 * a request removes first it adds. */
static void test_limit_lowered(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    struct bd_policy_domain settings = lab_settings;
    lab_policy(lab, &settings, true);
    assert_int_equal(lab_send(lab, REG("a", "1", CONTACT(A "," B))), 200);
    settings.max_contacts = 1;
    settings.max_contacts_code = 403;
    lab_policy(lab, &settings, true);
    assert_int_equal(lab_send(lab, REG("a", "2", CONTACT(A "," B))), 200);
    assert_int_equal(lab_send(lab, REG("a", "3", CONTACT(A "," C))), 403);
    assert_int_equal(lab_send(lab, REG("a", "4", CONTACT(A ";expires=0," A "," B))), 403);
    assert_int_equal(lab_send(lab, REG("a", "5", CONTACT(A ";expires=0," B))), 200);
    assert_int_equal(lab_send(lab, REG("a", "6", CONTACT(B ";expires=0," B))), 200);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations),
        cmocka_unit_test(test_limit_lowered),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_long_user_agent_is_cut),
        cmocka_unit_test(test_reply_too_large),
        cmocka_unit_test(test_table_full),
        cmocka_unit_test(test_not_durable),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_unregister),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_a_transaction_is_the_same_in_all_arenas),
        cmocka_unit_test(test_shortened_refresh_is_due_in_time),
        cmocka_unit_test(test_no_binding_ends_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
