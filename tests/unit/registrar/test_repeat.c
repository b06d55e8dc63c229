/* SPDX-License-Identifier: BSD-3-Clause */
/* The quick way of a refresh that repeats itself (repeat.h) against the whole rules: two
 * registrars, one without the quick way, get the same random requests of a few phones that mostly
 * repeat themselves and now and then change one thing, under a policy and an hour that change, too.
 * Reply, verdict, table and counters must be the same after each.
 *
 * A failure prints its seed; BINDERY_TEST_SEED=N runs that again. */
#include "lab.h"

#include <time.h>

#include "private.h"

enum { SEQUENCES = 400, REQUESTS = 400, USERS = 2, PHONES = 3, PER_POLICY = 60, UNREAD = 777 };

static uint64_t seed, rng;

static unsigned roll(unsigned n)
{
    rng += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    uint64_t z = rng;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)((z ^ (z >> 31)) % n);
}

/* --- what a REGISTER is made of; the first of each is the plain one -----------------------------
 */

#define LONG_AGENT                                                                                 \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "1234567890123456789012345678901234567890"

static const char *const request_uris[] = {"sip:example.com", "sips:example.com"};
static const struct {
    const char *user, *host;
} froms[] = {{"user", "example.com"}, {"user", "198.18.0.1"}, {"other", "example.com"}};
static const char *const call_ids[] = {"one", "two"};
static const char *const agents[] = {
    "User-Agent: Phone 1\r\n",         "",
    "User-Agent: Phone 2\r\n",         "User-Agent: Phone\r\n 1\r\n",
    "User-Agent: " LONG_AGENT "a\r\n", "User-Agent: " LONG_AGENT "b\r\n"};
static const char *const contacts[] = {
    "Contact: <sip:a@192.0.2.1>;expires=600\r\n",
    "Contact: <sip:a@192.0.2.1>\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=60\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=30\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=0\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=600000\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=1048575\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=4294967295\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=600;q=0.5\r\n",
    "Contact: <sip:a@192.0.2.1>;q=0.50;expires=600\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=600;x=1\r\n",
    "m: \"A\" <sip:a@192.0.2.1>;expires=600\r\n",
    "Contact: <sip:%61@192.0.2.1>;expires=600\r\n",
    "Contact: <sip:b@192.0.2.1>;expires=600\r\n",
    "Contact: <sips:a@192.0.2.1>;expires=600\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=600, <sip:b@192.0.2.1>\r\n",
    "Contact: <sip:a@192.0.2.1>;expires=600\r\nContact: <sip:b@192.0.2.1>\r\n",
    "Contact: <sip:a@192.0.2.1>;+sip.instance=\"<urn:x:1>\"\r\n",
    "Contact: <sip:a@192.0.2.1>;reg-id=1;+sip.instance=\"<urn:x:1>\"\r\n",
    "Contact: <sip:a@192.0.2.1>;reg-id=1\r\n",
    "Contact: <sip:192.0.2.1;bnc>\r\n",
    "Contact: <sip:user0@example.com>;+sip.instance=\"<urn:x:1>\"\r\n",
    "Contact: *\r\n",
    "Contact: <sip:a@192.0.2.1\r\n",
    "",
};
static const char *const intervals[] = {"Expires: 600\r\n", "", "Expires: 3600\r\n",
                                        "Expires: 20\r\n", "Expires: 0\r\n"};
static const char *const paths[] = {"", "Path: <sip:edge.example;lr>\r\n",
                                    "Path: <sip:edge.example;lr;ob>\r\n"};
static const char *const options[] = {"",
                                      "Supported: path\r\n",
                                      "Supported: gruu\r\n",
                                      "Supported: outbound, gruu, path\r\n",
                                      "Require: path\r\n",
                                      "Require: outbound\r\nSupported: outbound\r\n",
                                      "Require: foo\r\n"};
static const char *const vias[] = {"", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKsecond\r\n"};
static const char *const sources[] = {"192.0.2.1:5060", "192.0.2.1:5061", "192.0.2.2:5060"};
static const char *const locals[] = {"198.18.0.1:5060", "198.18.0.9:5060"};

enum field {
    URI,
    FROM,
    CALL_ID,
    AGENT,
    CONTACT,
    INTERVAL,
    PATH,
    OPTION,
    VIA,
    SOURCE,
    LOCAL,
    FIELDS
};
#define CNT(list) (sizeof(list) / sizeof((list)[0]))
static const unsigned choices[FIELDS] = {
    CNT(request_uris), CNT(froms),   CNT(call_ids), CNT(agents),  CNT(contacts), CNT(intervals),
    CNT(paths),        CNT(options), CNT(vias),     CNT(sources), CNT(locals)};

struct phone {
    unsigned value[FIELDS];
    unsigned cseq, branch;
};

static void write_request(char *out, size_t out_sz, unsigned user, const struct phone *p)
{
    const unsigned *v = p->value;
    snprintf(out, out_sz,
             "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n%s"
             "From: <sip:%s%u@%s>;tag=%u\r\nTo: <sip:user%u@example.com>\r\nCall-ID: %s\r\n"
             "CSeq: %u REGISTER\r\n%s%s%s%s%sContent-Length: 0\r\n\r\n",
             request_uris[v[URI]], p->branch, vias[v[VIA]], froms[v[FROM]].user, user,
             froms[v[FROM]].host, p->branch, user, call_ids[v[CALL_ID]], p->cseq, agents[v[AGENT]],
             contacts[v[CONTACT]], intervals[v[INTERVAL]], paths[v[PATH]], options[v[OPTION]]);
}

/* --- the two registrars --------------------------------------------------------------------------
 */

struct pair {
    struct lab *lab[2]; /* the second knows the whole rules only */
    struct bd_policy_domain settings;
    unsigned long quick, sent;
};

static struct bd_endpoint endpoint(const char *text)
{
    struct bd_endpoint e;
    assert_true(bd_endpoint_parse(bd_str_from(text), &e));
    return e;
}

static void pair_open(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++)
        pair->lab[i] = lab_new(200);
    /* Nothing is hashed yet: now the same tags come out. */
    pair->lab[1]->arena.hash_key = pair->lab[0]->arena.hash_key;
    pair->lab[1]->registrar->whole_rules = true;
}

static void roll_policy(struct pair *pair)
{
    struct bd_policy_domain *s = &pair->settings;
    *s = lab_settings;
    s->auth = roll(3) ? BD_AUTH_OPEN : BD_AUTH_DIGEST;
    s->third_party = roll(2) ? BD_THIRD_PARTY_ALLOW : s->third_party;
    s->max_contacts = (uint16_t)roll(4);
    s->max_contacts_policy = (uint8_t)roll(3);
    s->min_expires_mode = (uint8_t)roll(2);
    s->min_expires_s = roll(3) ? 60 : 900;
    s->max_expires_s = roll(3) ? 7200 : 300;
    s->default_expires_s = roll(2) ? 3600 : 200;
    s->expires_range = (uint8_t)(roll(3) ? 0 : 30);
    s->default_expires_range = (uint8_t)(roll(3) ? 0 : 20);
    s->use_path = (uint8_t)roll(2);
    s->path_mode = (uint8_t)roll(3);
    s->gruu_enabled = (uint8_t)roll(2);
    s->outbound_mode = (uint8_t)(roll(4) ? roll(2) : BD_OUTBOUND_REQUIRED);
    s->regid_mode = (uint8_t)roll(2);
    s->flow_timer_s = roll(2) ? 0 : 90;
    s->keep_s = roll(2) ? 0 : 120;
    for (unsigned i = 0; i < 2; i++)
        lab_policy(pair->lab[i], s, true);
}

/* With digest, a verifier is taken to have said yes. */
static void send_one(struct pair *pair, unsigned which, const char *text, const struct phone *p)
{
    struct lab *lab = pair->lab[which];
    lab->source = endpoint(sources[p->value[SOURCE]]);
    lab->local = endpoint(locals[p->value[LOCAL]]);
    lab->verdict = BD_VERDICT_NONE;
    lab->registrar->asks.cnt = UNREAD;
    if (pair->settings.auth == BD_AUTH_OPEN) {
        lab_send(lab, text);
        return;
    }
    strcpy(lab->request, text);
    lab->request_len = (uint32_t)strlen(text);
    lab_resume(lab, BD_VERIFY_OK);
}

static void same_binding(const struct bd_binding *a, const struct bd_binding *b)
{
    for (unsigned t = 0; t < BD_TEXT_CNT; t++)
        assert_true(bd_str_eq(a->text[t], b->text[t]));
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->txn, b->txn);
    assert_memory_equal(&a->source, &b->source, sizeof(a->source));
    assert_memory_equal(&a->local, &b->local, sizeof(a->local));
    assert_int_equal(a->reg_id, b->reg_id);
    assert_int_equal(a->created_at_s, b->created_at_s);
    assert_int_equal(a->q_milli, b->q_milli);
    assert_int_equal(a->flags, b->flags);
}

static void same_table(const struct pair *pair, unsigned user)
{
    char text[64];
    snprintf(text, sizeof(text), "user%u@example.com", user);
    struct bd_slot_ref ref[2];
    for (unsigned i = 0; i < 2; i++) {
        const struct bd_table *table = &pair->lab[i]->table;
        struct bd_str aor = bd_str_from(text);
        bd_table_find(table, bd_table_hash(table, aor), aor, &ref[i]);
    }
    assert_int_equal(ref[0].record != NULL, ref[1].record != NULL);
    unsigned cnt = ref[0].record ? bd_record_cnt(ref[0].record) : 0;
    assert_int_equal(cnt, ref[1].record ? bd_record_cnt(ref[1].record) : 0);
    for (unsigned i = 0; i < cnt; i++) {
        struct bd_binding a, b;
        bd_record_view(ref[0].record, i, &a);
        bd_record_view(ref[1].record, i, &b);
        same_binding(&a, &b);
    }
}

static void compare(struct pair *pair, unsigned user, const char *text)
{
    const struct lab *a = pair->lab[0], *b = pair->lab[1];
    if (a->verdict != b->verdict || a->step != b->step || a->reply_len != b->reply_len ||
        memcmp(a->reply, b->reply, a->reply_len) != 0)
        fail_msg("seed %lu: %s\n%sinstead of %s\n%safter\n%s", (unsigned long)seed,
                 bd_verdict_info[a->verdict].text, a->reply, bd_verdict_info[b->verdict].text,
                 b->reply, text);
    for (unsigned c = 0; c < BD_COUNTER_CNT; c++)
        assert_int_equal(lab_counter(a, (enum bd_counter)c), lab_counter(b, (enum bd_counter)c));
    same_table(pair, user);
    assert_false(b->registrar->asks.cnt == UNREAD && b->verdict == BD_SIP_REFRESHED);
    pair->quick += a->registrar->asks.cnt == UNREAD && a->verdict == BD_SIP_REFRESHED;
    pair->sent++;
}

/* --- the conversation ------------------------------------------------------------------------- */

/* Mostly the same again; else one thing is new, or back to normal. */
static void next_request(struct phone *p)
{
    p->branch += roll(20) != 0;
    p->cseq += roll(12) ? 1 : 0;
    if (roll(30) == 0)
        p->cseq = 1;
    if (roll(3))
        return;
    unsigned field = roll(FIELDS);
    p->value[field] = roll(3) ? 0 : roll(choices[field]);
}

static void pass_time(struct pair *pair)
{
    static const unsigned jumps_s[] = {0, 0, 0, 1, 7, 40, 300, 601};
    unsigned jump_ms = jumps_s[roll(CNT(jumps_s))] * 1000 + roll(2) * 400;
    for (unsigned i = 0; i < 2; i++) {
        pair->lab[i]->now_ms += jump_ms;
        pair->lab[i]->wall_ms += jump_ms;
    }
}

static void converse(struct pair *pair)
{
    struct phone phone[USERS][PHONES];
    memset(phone, 0, sizeof(phone));
    for (unsigned i = 0; i < USERS * PHONES; i++) {
        struct phone *p = &phone[i / PHONES][i % PHONES];
        p->cseq = 1;
        p->branch = roll(1000000);
        p->value[CONTACT] = i % PHONES ? roll(choices[CONTACT]) : 0;
    }
    char text[4096];
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (i % PER_POLICY == 0)
            roll_policy(pair);
        unsigned user = roll(USERS);
        struct phone *p = &phone[user][roll(PHONES)];
        next_request(p);
        pass_time(pair);
        write_request(text, sizeof(text), user, p);
        for (unsigned which = 0; which < 2; which++)
            send_one(pair, which, text, p);
        compare(pair, user, text);
    }
}

static void test_same_as_whole_rules(void **state)
{
    (void)state;
    const char *again = getenv("BINDERY_TEST_SEED");
    uint64_t first = again ? strtoull(again, NULL, 10) : (uint64_t)time(NULL);
    unsigned long quick = 0, sent = 0;
    for (unsigned i = 0; i < (again ? 1 : SEQUENCES); i++) {
        rng = seed = first + i;
        struct pair pair = {.quick = 0};
        pair_open(&pair);
        converse(&pair);
        for (unsigned which = 0; which < 2; which++)
            lab_free(pair.lab[which]);
        quick += pair.quick;
        sent += pair.sent;
    }
    print_message("seeds from %lu: %lu requests, %lu by the quick way\n", (unsigned long)first,
                  sent, quick);
    assert_true(again || quick > sent / 20);
}

/* --- what makes a refresh quick -----------------------------------------------------------------
 */

static bool was_quick(struct lab *lab, struct phone *p)
{
    char text[4096];
    p->cseq++;
    p->branch++;
    lab->source = endpoint(sources[p->value[SOURCE]]);
    lab->local = endpoint(locals[p->value[LOCAL]]);
    lab->registrar->asks.cnt = UNREAD;
    write_request(text, sizeof(text), 0, p);
    assert_int_equal(lab_send(lab, text), 200);
    return lab->registrar->asks.cnt == UNREAD;
}

static void test_second_is_quick(void **state)
{
    (void)state;
    struct lab *lab = lab_new(100);
    struct phone p = {.cseq = 1};
    assert_false(was_quick(lab, &p));
    assert_true(was_quick(lab, &p));
    lab->now_ms += 500000;
    assert_true(was_quick(lab, &p));
    /* Another text of the same content takes the whole rules once. */
    p.value[CONTACT] = 11;
    assert_false(was_quick(lab, &p));
    assert_int_equal(lab->verdict, BD_SIP_REFRESHED);
    assert_true(was_quick(lab, &p));
    p.value[SOURCE] = 1;
    assert_false(was_quick(lab, &p));
    assert_int_equal(lab->verdict, BD_SIP_REGISTERED);
    assert_true(was_quick(lab, &p));
    lab_free(lab);
}

/* A binding that was loaded from elsewhere knows no repetition: its first refresh teaches it. */
static void test_learns(void **state)
{
    (void)state;
    struct lab *lab = lab_new(100);
    struct phone p = {.cseq = 1};
    assert_false(was_quick(lab, &p));
    struct bd_str aor = BD_STR("user0@example.com");
    struct bd_slot_ref ref;
    assert_true(bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref));
    bd_table_note_repeat(&ref, 0, 0);
    assert_false(was_quick(lab, &p));
    assert_true(was_quick(lab, &p));
    assert_int_equal(lab_counter(lab, BD_CTR_BINDINGS_REFRESHED), 2);
    lab_free(lab);
}

/* 17.2.2: a late copy of a refresh that was served, after the binding went and came again with a
 * CSeq that began anew, would fit by its CSeq. */
static void test_late_copy(void **state)
{
    (void)state;
    struct lab *lab = lab_new(100);
    struct phone p = {.cseq = 4};
    char copy[LAB_REPLY_MAX];
    assert_false(was_quick(lab, &p));
    assert_true(was_quick(lab, &p));
    strcpy(copy, lab->request);
    p.value[CONTACT] = 4; /* expires=0 */
    was_quick(lab, &p);
    assert_int_equal(lab->verdict, BD_SIP_REMOVED);
    p.value[CONTACT] = 0;
    p.cseq = 0;
    was_quick(lab, &p);
    assert_int_equal(lab->verdict, BD_SIP_REGISTERED);
    assert_int_equal(lab_send(lab, copy), 200);
    assert_int_equal(lab->verdict, BD_SIP_RETRANSMISSION);
    lab_free(lab);
}

/* Intervals begin at the next full second, where this binding ends: 0 is not "no shorter". */
static void test_removed_in_its_last_second(void **state)
{
    (void)state;
    struct lab *lab = lab_new(100);
    struct phone p = {.cseq = 1};
    p.value[CONTACT] = 1; /* without expires */
    assert_false(was_quick(lab, &p));
    assert_true(was_quick(lab, &p));
    lab->now_ms += 599500;
    p.value[INTERVAL] = 4; /* Expires: 0 */
    assert_false(was_quick(lab, &p));
    assert_int_equal(lab->verdict, BD_SIP_REMOVED);
    lab_free(lab);
}

/* What they come to depends on Via, Supported and the policy: with an instance, with a flow, and
 * with a reg-id alone, which another Via makes a 439. */
static void test_never_quick(void **state)
{
    (void)state;
    static const unsigned never[] = {15, 16, 17, 18, 19};
    for (unsigned i = 0; i < CNT(never); i++) {
        struct lab *lab = lab_new(100);
        struct phone p = {.cseq = 1};
        p.value[CONTACT] = never[i];
        for (unsigned n = 0; n < 3; n++)
            assert_false(was_quick(lab, &p));
        assert_int_equal(lab->verdict, BD_SIP_REFRESHED);
        lab_free(lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_is_quick),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_never_quick),
        cmocka_unit_test(test_late_copy),
        cmocka_unit_test(test_removed_in_its_last_second),
        cmocka_unit_test(test_same_as_whole_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
