/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 5626 6 and RFC 6223 as conversations: one row is one REGISTER, what it draws, which Contacts
 * the reply lists, and what stands in Require. Every conversation begins with an empty table. */
#include "lab.h"

#define UUID_A    "\"<urn:uuid:00000000-0000-1000-8000-00aaBBccDDee>\""
#define UUID_a    "\"<URN:UUID:00000000-0000-1000-8000-00AABBCCDDEE>\""
#define UUID_B    "\"<urn:uuid:00000000-0000-1000-8000-00000000000b>\""
#define I_A       ";+sip.instance=" UUID_A
#define I_B       ";+sip.instance=" UUID_B
#define FLOW_A1   I_A ";reg-id=1"
#define FLOW_A2   I_A ";reg-id=2"
#define X         "<sip:x@192.0.2.1>"
#define Y         "<sip:x@192.0.2.2>"
#define EDGE      "Via: SIP/2.0/UDP 198.18.0.9;branch=z9hG4bKedge\r\n"
#define PATH(URI) "Path: <" URI ">,<sip:inner.example;lr>\r\n"

struct step {
    const char *call_id;
    unsigned cseq;
    const char *contacts; /* NULL: none */
    const char *before;   /* header fields above Via */
    const char *more;     /* further header fields */
    unsigned status;
    const char *listed; /* NULL: not looked at */
    const char *require;
};

enum { STEPS_MAX = 8 };
struct conversation {
    const char *name;
    struct step step[STEPS_MAX];
    uint8_t outbound_mode, regid_mode;
    bool no_path; /* use_path is off */
};

#define OB    "Supported: path, outbound\r\n"
#define NO_OB ""

static const struct conversation conversations[] = {
    {"one binding for an instance and reg-id, whatever the URI and the Call-ID",
     {{"a", 1, X FLOW_A1, "", OB, 200, X FLOW_A1 ";expires=3600", "outbound"},
      {"b", 1, Y FLOW_A1, "", OB, 200, Y FLOW_A1 ";expires=3600", "outbound"},
      {"c", 1, Y FLOW_A2, "", OB, 200, Y FLOW_A1 ";expires=3600|" Y FLOW_A2 ";expires=3600",
       "outbound"},
      {"c", 2, X FLOW_A2 ";expires=0", "", OB, 200, Y FLOW_A1 ";expires=3600", "outbound"}},
     1},
    {"instances compare as URNs (4.1)",
     {{"a", 1, X FLOW_A1, "", OB, 200, NULL, "outbound"},
      {"a", 2, X ";+sip.instance=" UUID_a ";reg-id=1", "", OB, 200,
       X ";+sip.instance=" UUID_a ";reg-id=1;expires=3600", "outbound"},
      {"a", 3, X I_B ";reg-id=1", "", OB, 200,
       X ";+sip.instance=" UUID_a ";reg-id=1;expires=3600|" X I_B ";reg-id=1;expires=3600",
       "outbound"}},
     1},
    {"CSeq order holds on a match by instance",
     {{"a", 5, X FLOW_A1, "", OB, 200, NULL, "outbound"},
      {"a", 4, Y FLOW_A1, "", OB, 500, NULL, NULL},
      {"a", 6, Y FLOW_A1, "", OB, 200, Y FLOW_A1 ";expires=3600", "outbound"}},
     1},
    {"without outbound in Supported the binding is the same, Require is not sent",
     {{"a", 1, X FLOW_A1, "", NO_OB, 200, X FLOW_A1 ";expires=3600", NULL},
      {"b", 1, Y FLOW_A1, "", NO_OB, 200, Y FLOW_A1 ";expires=3600", NULL}},
     1},
    {"an instance without reg-id is matched by URI",
     {{"a", 1, X I_A, "", OB, 200, X I_A ";expires=3600", NULL},
      {"b", 1, Y I_A, "", OB, 200, X I_A ";expires=3600|" Y I_A ";expires=3600", NULL},
      {"c", 1, X I_B, "", OB, 200, X I_B ";expires=3600|" Y I_A ";expires=3600", NULL}},
     1},
    {"a reg-id without instance is ignored",
     {{"a", 1, X ";reg-id=1", "", OB, 200, X ";reg-id=1;expires=3600", NULL},
      {"b", 1, Y ";reg-id=1", "", OB, 200, X ";reg-id=1;expires=3600|" Y ";reg-id=1;expires=3600",
       NULL}},
     1},
    {"flows and bindings by URI do not meet",
     {{"a", 1, X FLOW_A1, "", OB, 200, NULL, "outbound"},
      {"b", 1, X, "", OB, 200, X FLOW_A1 ";expires=3600|" X ";expires=3600", NULL},
      {"b", 2, X ";expires=0", "", OB, 200, X FLOW_A1 ";expires=3600", NULL}},
     1},
    {"'*' removes flows too",
     {{"a", 1, X FLOW_A1, "", OB, 200, NULL, "outbound"},
      {"b", 1, "*", "", OB "Expires: 0\r\n", 200, "", NULL}},
     1},
    {"a reg-id is alone among what is to live, beside removals it may stand",
     {{"a", 1, X FLOW_A1 "," Y, "", OB, 400, NULL, NULL},
      {"a", 2, Y, "", OB, 200, NULL, NULL},
      {"a", 3, X FLOW_A1 "," Y ";expires=0", "", OB, 200, X FLOW_A1 ";expires=3600", "outbound"}},
     1},
    {"no flow behind an edge proxy whose Path is not kept",
     {{"a", 1, X FLOW_A1, EDGE, OB PATH("sip:edge.example;lr;ob"), 439, NULL, NULL},
      {"a", 2, X FLOW_A1, "", OB PATH("sip:edge.example;lr;ob"), 200, X FLOW_A1 ";expires=3600",
       "outbound"}},
     1,
     0,
     true},
    {"the first hop: an edge proxy must be in Path with ob, else 439 (11.6)",
     {{"a", 1, X FLOW_A1, EDGE, OB, 439, NULL, NULL},
      {"a", 2, X FLOW_A1, EDGE, OB PATH("sip:edge.example;lr"), 439, NULL, NULL},
      {"a", 3, X FLOW_A1, EDGE, OB "Path: <sip:edge.example;lr>;ob\r\n", 439, NULL, NULL},
      {"a", 4, X FLOW_A1, EDGE, OB PATH("sip:edge.example;lr;ob"), 200, X FLOW_A1 ";expires=3600",
       "outbound"},
      {"a", 5, NULL, EDGE, OB, 200, X FLOW_A1 ";expires=3600", NULL}},
     1},
    {"the first hop: without outbound in Supported the reg-id is ignored instead",
     {{"a", 1, X FLOW_A1, EDGE, NO_OB, 200, X FLOW_A1 ";expires=3600", NULL},
      {"b", 1, Y FLOW_A1, EDGE, NO_OB, 200, X FLOW_A1 ";expires=3600|" Y FLOW_A1 ";expires=3600",
       NULL}},
     1},
    {"regid_mode 1: whatever the first hop",
     {{"a", 1, X FLOW_A1, EDGE, OB, 200, X FLOW_A1 ";expires=3600", "outbound"},
      {"b", 1, Y FLOW_A1, EDGE, OB, 200, Y FLOW_A1 ";expires=3600", "outbound"}},
     1,
     1},
    {"outbound_mode 0: a reg-id means nothing, Require: outbound is refused",
     {{"a", 1, X FLOW_A1, "", OB, 200, X FLOW_A1 ";expires=3600", NULL},
      {"b", 1, Y FLOW_A1, "", OB, 200, X FLOW_A1 ";expires=3600|" Y FLOW_A1 ";expires=3600", NULL},
      {"c", 1, X, "", "Require: outbound\r\n", 420, NULL, NULL}},
     0},
    {"outbound_mode 1: Require: outbound is taken",
     {{"a", 1, X FLOW_A1, "", OB "Require: outbound\r\n", 200, NULL, "outbound"}},
     1},
    {"outbound_mode 2: without outbound in Supported 421",
     {{"a", 1, X, "", NO_OB, 421, NULL, "outbound"},
      {"a", 2, NULL, "", NO_OB, 421, NULL, "outbound"},
      {"a", 3, X FLOW_A1, "", OB, 200, X FLOW_A1 ";expires=3600", "outbound"}},
     2},
};

static void send_step(struct lab *lab, const struct step *s)
{
    char text[4096];
    snprintf(text, sizeof(text),
             "REGISTER sip:example.com SIP/2.0\r\n%s"
             "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s%u%u;keep\r\n"
             "From: <sip:alice@example.com>;tag=f\r\nTo: <sip:alice@example.com>\r\n"
             "Call-ID: %s\r\nCSeq: %u REGISTER\r\n%s%s%s%s\r\n",
             s->before, s->call_id, s->cseq, (unsigned)strlen(s->contacts ? s->contacts : ""),
             s->call_id, s->cseq, s->contacts ? "Contact: " : "", s->contacts ? s->contacts : "",
             s->contacts ? "\r\n" : "", s->more);
    lab_send(lab, text);
}

static void check_step(struct lab *lab, const struct conversation *c, unsigned i)
{
    const struct step *s = &c->step[i];
    char got[4096] = "";
    unsigned status = (unsigned)strtoul(lab->reply + 8, NULL, 10);
    if (status != s->status)
        fail_msg("%s, step %u: %u\n%s", c->name, i, status, lab->reply);
    lab_contacts(lab, got, sizeof(got));
    if (s->listed && strcmp(got, s->listed) != 0)
        fail_msg("%s, step %u: lists %s", c->name, i, got);
    bool has = lab_header(lab, "Require", 0, got, sizeof(got));
    if (has != (s->require != NULL) || (has && strcmp(got, s->require) != 0))
        fail_msg("%s, step %u: Require %s", c->name, i, has ? got : "absent");
}

static void test_conversations(void **state)
{
    for (size_t c = 0; c < sizeof(conversations) / sizeof(conversations[0]); c++) {
        struct lab *lab = lab_new(64);
        struct bd_policy_domain settings = lab_settings;
        settings.outbound_mode = conversations[c].outbound_mode;
        settings.regid_mode = conversations[c].regid_mode;
        settings.use_path = !conversations[c].no_path;
        lab_policy(lab, &settings, true);
        for (unsigned i = 0; i < STEPS_MAX && conversations[c].step[i].call_id; i++) {
            send_step(lab, &conversations[c].step[i]);
            check_step(lab, &conversations[c], i);
        }
        lab_free(lab);
    }
}

static struct lab *with_timers(uint16_t flow_timer_s, uint16_t keep_s)
{
    struct lab *lab = lab_new(64);
    struct bd_policy_domain settings = lab_settings;
    settings.outbound_mode = BD_OUTBOUND_SUPPORTED;
    settings.flow_timer_s = flow_timer_s;
    settings.keep_s = keep_s;
    settings.use_path = true;
    lab_policy(lab, &settings, true);
    return lab;
}

static void expect(struct lab *lab, const struct step *s, const char *flow_timer, const char *keep)
{
    char got[256] = "";
    send_step(lab, s);
    bool has = lab_header(lab, "Flow-Timer", 0, got, sizeof(got));
    if (has != (flow_timer != NULL) || (has && strcmp(got, flow_timer) != 0))
        fail_msg("Flow-Timer '%s':\n%s", got, lab->reply);
    assert_true(lab_header(lab, "Via", 0, got, sizeof(got)));
    if (!strstr(got, keep) || (strcmp(keep, ";keep") == 0 && strstr(got, ";keep=")))
        fail_msg("Via '%s', wanted %s", got, keep);
}

/* RFC 5626 6, RFC 6223 4.4 and 5: Flow-Timer on a flow that ends here; keep when it is switched on,
 * and then the same. */
static void test_timers(void **state)
{
    const struct step flow = {"a", 1, X FLOW_A1, "", OB, 200, NULL, NULL};
    const struct step plain = {"p", 1, Y, "", OB, 200, NULL, NULL};
    const struct step behind = {"e", 1,    X FLOW_A2, "", OB EDGE PATH("sip:e.example;ob"),
                                200, NULL, NULL};
    const struct step refused = {"r", 1, "<bad", "", OB, 400, NULL, NULL};
    struct lab *lab = with_timers(90, 30);
    expect(lab, &flow, "90", ";keep=90");
    expect(lab, &plain, NULL, ";keep=30");
    expect(lab, &behind, NULL, ";keep=30");
    expect(lab, &refused, NULL, ";keep");
    lab_free(lab);
    lab = with_timers(90, 0);
    expect(lab, &flow, "90", ";keep");
    expect(lab, &plain, NULL, ";keep");
    lab_free(lab);
    lab = with_timers(0, 30);
    expect(lab, &flow, NULL, ";keep=30");
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations),
        cmocka_unit_test(test_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
