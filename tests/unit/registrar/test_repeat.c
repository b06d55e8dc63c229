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

enum { SEQUENCES = 400, REQUESTS = 400, USERS = 4, PHONES = 3, PER_POLICY = 60, UNREAD = 777 };

static uint64_t seed, rng;

static unsigned roll(unsigned n)
{
    rng += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    uint64_t z = rng;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)((z ^ (z >> 31)) % n);
}

/* --- what a REGISTER is made of; the first of each is the plain one --------------------------- */

#define LONG_AGENT                                                                                 \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "1234567890123456789012345678901234567890"

/* Of the users: the first three are of the domain whose settings change, the third has a profile
 * that changes, too, and the last is of a domain that stays as it is. */
static const char *const homes[USERS] = {"example.com", "example.com", "example.com",
                                         "other.example"};
enum { OWN_PROFILE = 2, ELSEWHERE = 3 };

static const char *const schemes[] = {"sip", "sips"};
static const struct {
    const char *user, *host; /* NULL: home */
} froms[] = {{"user", NULL}, {"user", "198.18.0.1"}, {"other", NULL}};
/* Behind the user, when he is at home in example.com: other texts for the same AoR. */
static const char *const tos[] = {NULL, "@198.18.0.1", "@example.com;x=1", ":secret@example.com"};
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
    "Contact: <sip:a@192.0.2.1>;expires=600;+sip.instance=\"<urn:uuid:"
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"\r\n",
    "Contact: <sip:b@192.0.2.1>;expires=600;+sip.instance=\"<urn:uuid:"
    "F81D4FAE-7dec-11d0-a765-00a0c91e6bf6>\"\r\n",
    "Contact: <sips:a@192.0.2.1>;reg-id=1;+sip.instance=\"<urn:x:1>\"\r\n",
    "Contact: <sip:b@192.0.2.1;ob>;reg-id=2;+sip.instance=\"<urn:x:1>\";expires=600\r\n",
    "Contact: <sip:a@192.0.2.1;gr=urn:x:1>;+sip.instance=\"<urn:x:1>\"\r\n",
    "Contact: <sip:user0@198.18.0.1>;+sip.instance=\"<urn:x:1>\"\r\n",
    "Contact: <sip:user0@example.com;gr=urn:x:1>;+sip.instance=\"<urn:x:1>\"\r\n",
    "Contact: <tel:+4930123>;+sip.instance=\"<urn:x:1>\"\r\n",
    "Contact: <sip:a@192.0.2.1;bnc>;+sip.instance=\"<urn:x:1>\"\r\n",
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
    SCHEME,
    FROM,
    TO,
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
static const unsigned choices[FIELDS] = {CNT(schemes), CNT(froms),    CNT(tos),       CNT(call_ids),
                                         CNT(agents),  CNT(contacts), CNT(intervals), CNT(paths),
                                         CNT(options), CNT(vias),     CNT(sources),   CNT(locals)};

struct phone {
    unsigned value[FIELDS];
    unsigned cseq, branch;
};

static void write_request(char *out, size_t out_sz, unsigned user, const struct phone *p)
{
    const unsigned *v = p->value;
    const char *home = homes[user], *to = user == ELSEWHERE ? NULL : tos[v[TO]];
    snprintf(out, out_sz,
             "REGISTER %s:%s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n%s"
             "From: <sip:%s%u@%s>;tag=%u\r\nTo: <sip:user%u%s%s>\r\nCall-ID: %s\r\n"
             "CSeq: %u REGISTER\r\n%s%s%s%s%sContent-Length: 0\r\n\r\n",
             schemes[v[SCHEME]], home, p->branch, vias[v[VIA]], froms[v[FROM]].user, user,
             froms[v[FROM]].host ? froms[v[FROM]].host : home, p->branch, user, to ? to : "@",
             to ? "" : home, call_ids[v[CALL_ID]], p->cseq, agents[v[AGENT]], contacts[v[CONTACT]],
             intervals[v[INTERVAL]], paths[v[PATH]], options[v[OPTION]]);
}

/* --- the two registrars ----------------------------------------------------------------------- */

struct pair {
    struct lab *lab[2]; /* the second knows the whole rules only */
    struct bd_policy_domain settings;
    struct bd_policy_profile profile;
    unsigned long quick, instances, sent; /* of the quick ones, those with an instance */
};

static struct bd_endpoint endpoint(const char *text)
{
    struct bd_endpoint e;
    assert_true(bd_endpoint_parse(bd_str_from(text), &e));
    return e;
}

static void provision_own(struct lab *lab)
{
    const struct bd_provision own = {.profile = 1};
    char text[64];
    int len = snprintf(text, sizeof(text), "user%u@%s", OWN_PROFILE, homes[OWN_PROFILE]);
    struct bd_hash128 hash = bd_hash128(&lab->arena.hash_key, text, (size_t)len);
    bd_provisioned_put(&lab->arena, lab->table.epoch, hash, &own);
}

static void pair_open(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++)
        pair->lab[i] = lab_new(200);
    /* Nothing is hashed yet: now the same tags come out. */
    pair->lab[1]->arena.hash_key = pair->lab[0]->arena.hash_key;
    pair->lab[1]->registrar->whole_rules = true;
    for (unsigned i = 0; i < 2; i++)
        provision_own(pair->lab[i]);
}

static void roll_profile(struct pair *pair)
{
    pair->profile = (struct bd_policy_profile){
        .max_contacts = (uint16_t)roll(3),
        .min_expires_s = roll(3) ? 0 : 700,
        .max_expires_s = roll(3) ? 0 : 500,
        .default_expires_s = roll(2) ? 0 : 1000,
        .max_contacts_policy = (uint8_t)roll(4),
    };
    for (unsigned i = 0; i < 2; i++)
        pair->lab[i]->profile = roll(4) || i ? &pair->profile : NULL;
    pair->lab[1]->profile = pair->lab[0]->profile;
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
    roll_profile(pair);
    for (unsigned i = 0; i < 2; i++)
        lab_policy(pair->lab[i], s, true);
}

/* With digest, a verifier is taken to have said yes. */
static void send_one(struct pair *pair, unsigned which, const char *text, unsigned user,
                     const struct phone *p)
{
    struct lab *lab = pair->lab[which];
    lab->source = endpoint(sources[p->value[SOURCE]]);
    lab->local = endpoint(locals[p->value[LOCAL]]);
    lab->verdict = BD_VERDICT_NONE;
    lab->registrar->asks.cnt = UNREAD;
    if (pair->settings.auth == BD_AUTH_OPEN || user == ELSEWHERE) {
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
    snprintf(text, sizeof(text), "user%u@%s", user, homes[user]);
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
    bool quick = a->registrar->asks.cnt == UNREAD && a->verdict == BD_SIP_REFRESHED;
    pair->quick += quick;
    pair->instances += quick && strstr(text, "+sip.instance");
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
            send_one(pair, which, text, user, p);
        compare(pair, user, text);
    }
}

static void test_same_as_whole_rules(void **state)
{
    (void)state;
    const char *again = getenv("BINDERY_TEST_SEED");
    uint64_t first = again ? strtoull(again, NULL, 10) : (uint64_t)time(NULL);
    unsigned long quick = 0, instances = 0, sent = 0;
    for (unsigned i = 0; i < (again ? 1 : SEQUENCES); i++) {
        rng = seed = first + i;
        struct pair pair = {.quick = 0};
        pair_open(&pair);
        converse(&pair);
        for (unsigned which = 0; which < 2; which++)
            lab_free(pair.lab[which]);
        quick += pair.quick;
        instances += pair.instances;
        sent += pair.sent;
    }
    print_message("seeds from %lu: %lu requests, %lu by the quick way, %lu with an instance\n",
                  (unsigned long)first, sent, quick, instances);
    assert_true(again || (quick > sent / 20 && instances > sent / 200));
}

/* --- what makes a refresh quick --------------------------------------------------------------- */

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

static struct lab *lab_with_flows(void)
{
    struct lab *lab = lab_new(100);
    struct bd_policy_domain settings = lab_settings;
    settings.gruu_enabled = 1;
    settings.outbound_mode = BD_OUTBOUND_SUPPORTED;
    settings.flow_timer_s = 90;
    lab_policy(lab, &settings, true);
    return lab;
}

/* With an instance, alone and with a flow, and with what the client is told of them. */
static void test_instances_are_quick(void **state)
{
    (void)state;
    static const unsigned quick[] = {17, 18, 25, 28};
    for (unsigned i = 0; i < CNT(quick); i++) {
        struct lab *lab = lab_with_flows();
        struct phone p = {.cseq = 1};
        char before[1024], after[1024], line[64];
        p.value[CONTACT] = quick[i];
        p.value[OPTION] = 3; /* Supported: outbound, gruu, path */
        assert_false(was_quick(lab, &p));
        assert_true(lab_header(lab, "Contact", 0, before, sizeof(before)));
        for (unsigned n = 0; n < 3; n++) {
            assert_true(was_quick(lab, &p));
            /* RFC 5627 3.2: another temporary GRUU each time. */
            assert_true(lab_header(lab, "Contact", 0, after, sizeof(after)));
            assert_non_null(strstr(after, ";temp-gruu="));
            assert_string_not_equal(before, after);
            bool flow = strstr(contacts[quick[i]], "reg-id");
            assert_int_equal(lab_header(lab, "Flow-Timer", 0, line, sizeof(line)), flow);
        }
        lab_free(lab);
    }
}

/* What a Contact with an instance comes to also depends on how To is written, on whether there are
 * GRUUs, and on whether they are asked for while there are none yet. */
static void test_instance_wants_rules_again(void **state)
{
    (void)state;
    struct lab *lab = lab_with_flows();
    struct bd_policy_domain settings = lab_settings;
    struct phone p = {.cseq = 1};
    p.value[CONTACT] = 30; /* sip:user0@198.18.0.1 */
    assert_false(was_quick(lab, &p));
    assert_true(was_quick(lab, &p));
    p.value[OPTION] = 2; /* Supported: gruu */
    assert_false(was_quick(lab, &p));
    assert_true(was_quick(lab, &p));
    p.value[TO] = 1; /* the Contact, by RFC 5627 5.1 */
    char text[4096];
    p.cseq++;
    write_request(text, sizeof(text), 0, &p);
    assert_int_equal(lab_send(lab, text), 403);
    assert_int_equal(lab->verdict, BD_SIP_CONTACT_LOOP);
    lab_policy(lab, &settings, true);
    assert_false(was_quick(lab, &p));
    assert_true(was_quick(lab, &p));
    settings.gruu_enabled = 1;
    lab_policy(lab, &settings, true);
    p.cseq++;
    write_request(text, sizeof(text), 0, &p);
    assert_int_equal(lab_send(lab, text), 403);
    lab_free(lab);
}

/* Two contacts of one instance: RFC 5627 5.1 has a Call-ID compared with the other's. */
static void test_instance_with_another_contact(void **state)
{
    (void)state;
    struct lab *lab = lab_with_flows();
    struct phone p = {.cseq = 1}, q = {.cseq = 1}, r = {.cseq = 1};
    p.value[CONTACT] = 25;
    q.value[CONTACT] = 26;
    r.value[CONTACT] = 30;
    q.branch = 1000;
    r.branch = 2000;
    assert_false(was_quick(lab, &p));
    assert_false(was_quick(lab, &r));
    assert_true(was_quick(lab, &p)); /* the other one is of another instance */
    assert_false(was_quick(lab, &q));
    assert_false(was_quick(lab, &p));
    assert_false(was_quick(lab, &q));
    assert_true(was_quick(lab, &r));
    lab_free(lab);
}

/* Several Contacts, a reg-id behind a proxy, of which Supported makes a 439, a GRUU as Contact. */
static void test_never_quick(void **state)
{
    (void)state;
    static const struct {
        unsigned contact, via;
    } never[] = {{15, 0}, {16, 0}, {18, 1}, {19, 1}, {29, 0}};
    for (unsigned i = 0; i < CNT(never); i++) {
        struct lab *lab = lab_with_flows();
        struct phone p = {.cseq = 1};
        p.value[CONTACT] = never[i].contact;
        p.value[VIA] = never[i].via;
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
        cmocka_unit_test(test_instances_are_quick),
        cmocka_unit_test(test_instance_wants_rules_again),
        cmocka_unit_test(test_instance_with_another_contact),
        cmocka_unit_test(test_never_quick),
        cmocka_unit_test(test_late_copy),
        cmocka_unit_test(test_removed_in_its_last_second),
        cmocka_unit_test(test_same_as_whole_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
