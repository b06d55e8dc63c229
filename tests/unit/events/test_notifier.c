/* SPDX-License-Identifier: BSD-3-Clause */
/* The notifier with a clock of the test's own; the test plays the worker and the table's writer. */
#include "lab.h"

#include "events.h"
#include "gruu.h"
#include "identities.h"

enum { WORKER = 1, REPLY_FACTOR = 20 };

static const char domains[] =
    "registrar:\n  reg_event: true\n  reg_event_max_subscriptions: 70\n"
    "limits:\n  reply_factor: 20\n"
    "domains:\n  - name: \"example.com\"\n    auth: open\n"
    "    reg_event_watchers: [\"App@example.com\", \"admin@example.com\"]\n"
    "    registrants: [\"admin\"]\n"
    "  - name: \"digest.example\"\n    reg_event_watchers: [\"app@digest.example\"]\n"
    "  - name: \"off.example\"\n    auth: open\n    gruu_enabled: false\n"
    "  - name: \"*\"\n    auth: open\n"
    "    reg_event_watchers: [\"app@one.example\"]\n";

struct bench {
    struct lab lab;
    struct bd_events *events;
    uint64_t now_ms;
    unsigned cseq, call, register_cseq;
    char out[BD_OUTBOUND_MAX + 1]; /* the last datagram that was sent */
    char branch[64], tag[32];      /* of the last NOTIFY, of the last 200 */
    unsigned version;
};

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    lab_open_with(&b->lab, domains);
    lab_dataplane(&b->lab);
    lab_wait_dataplane(&b->lab, true);
    struct bd_error error;
    b->events = bd_events_new(&b->lab.control, &error);
    assert_non_null(b->events);
    b->now_ms = 5000000;
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;
    bd_events_free(b->events);
    lab_close(&b->lab);
    free(b);
    return 0;
}

/* --- the worker
 * -----------------------------------------------------------------------------------
 */

static void give(struct bench *b, const char *watcher, const char *resource, const char *datagram)
{
    struct bd_inbound *in = bd_ring_reserve(bd_channel_of(&b->lab.arena, WORKER).inbound);
    assert_non_null(in);
    in->control_generation = b->lab.arena.header->role[BD_ROLE_CONTROL].generation;
    struct bd_str bytes = bd_str_from(datagram);
    in->transaction = bd_hash64(&b->lab.arena.hash_key, bytes.p, bytes.len);
    in->way = (struct bd_way_back){.port = 3, .vlan = 9, .mac = {2, 0, 0, 0, 0, 7}};
    assert_true(bd_endpoint_parse(BD_STR("198.18.0.2:5070"), &in->way.peer));
    assert_true(bd_endpoint_parse(BD_STR("198.18.0.1:5060"), &in->way.local));
    assert_true(bd_inbound_put(in, bd_str_from(watcher), bd_str_from(resource), bytes));
    bd_ring_publish(bd_channel_of(&b->lab.arena, WORKER).inbound);
}

/* Takes one datagram out into b->out. False when there is none. */
static bool take(struct bench *b)
{
    struct bd_ring *ring = bd_channel_of(&b->lab.arena, WORKER).outbound;
    const struct bd_outbound *o = bd_ring_peek(ring);
    if (!o)
        return false;
    assert_int_equal(o->dataplane_generation,
                     b->lab.arena.header->role[BD_ROLE_DATAPLANE].generation);
    assert_int_equal(o->way.port, 3);
    assert_int_equal(o->way.vlan, 9);
    assert_int_equal(o->way.mac[5], 7);
    memcpy(b->out, o->payload, o->len);
    b->out[o->len] = 0;
    bd_ring_release(ring);
    const char *branch = strstr(b->out, ";branch="), *version = strstr(b->out, "version=\"");
    version = version ? strstr(version + 1, "version=\"") : NULL; /* the first is XML's own */
    if (strncmp(b->out, "NOTIFY ", 7) == 0) {
        sscanf(branch, ";branch=%60[^\r;]", b->branch);
        b->version = version ? (unsigned)atoi(version + 9) : UINT32_MAX;
    }
    return true;
}

static void turn(struct bench *b, uint64_t ms)
{
    for (uint64_t end = b->now_ms + ms; b->now_ms < end; b->now_ms += 50)
        bd_events_turn(b->events, b->now_ms);
}

static const char *subscribe_text(struct bench *b, const char *extra)
{
    static char text[2048];
    char to_tag[40] = "";
    if (*b->tag)
        snprintf(to_tag, sizeof(to_tag), ";tag=%s", b->tag);
    b->cseq++;
    snprintf(text, sizeof(text),
             "SUBSCRIBE sip:joe@example.com SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bK%u\r\n"
             "From: <sip:joe@example.com>;tag=his\r\nTo: <sip:joe@example.com>%s\r\n"
             "Call-ID: call-%u\r\nCSeq: %u SUBSCRIBE\r\nContact: <sip:joe@198.18.0.2:5070>\r\n"
             "Event: reg\r\n%s\r\n",
             b->cseq, to_tag, b->call, b->cseq, extra);
    return text;
}

/* Returns the status that a SUBSCRIBE draws at once. */
static unsigned send_text(struct bench *b, const char *watcher, const char *resource,
                          const char *text)
{
    give(b, watcher, resource, text);
    bd_events_turn(b->events, b->now_ms);
    assert_true(take(b));
    assert_memory_equal(b->out, "SIP/2.0 ", 8);
    return (unsigned)atoi(b->out + 8);
}

static unsigned subscribe(struct bench *b, const char *extra)
{
    unsigned status =
        send_text(b, "joe@example.com", *b->tag ? "" : "joe@example.com", subscribe_text(b, extra));
    if (status == 200)
        sscanf(strstr(b->out, "\r\nTo: "), "\r\nTo: <sip:joe@example.com>;tag=%24s", b->tag);
    return status;
}

/* To the last NOTIFY, of which some retransmissions may be on the way. */
static void answer(struct bench *b, const char *status)
{
    char text[512];
    while (take(b))
        ;
    snprintf(text, sizeof(text),
             "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 198.18.0.1:5060;branch=%s\r\n"
             "From: <sip:joe@example.com>;tag=x\r\nTo: <sip:joe@example.com>;tag=his\r\n"
             "Call-ID: c\r\nCSeq: 1 NOTIFY\r\n\r\n",
             status, b->branch);
    give(b, "", "", text);
    bd_events_turn(b->events, b->now_ms);
}

static void want_notify(struct bench *b, const char *part, const char *other)
{
    if (!take(b))
        fail_msg("no NOTIFY with %s", part);
    if (strncmp(b->out, "NOTIFY ", 7) != 0 || !strstr(b->out, part) || !strstr(b->out, other))
        fail_msg("wanted %s and %s in %s", part, other, b->out);
}

/* Joe has one contact, for so long; 0: none. */
static void put(struct bench *b, uint32_t expires_s)
{
    struct lab *lab = &b->lab;
    struct bd_str aor = BD_STR("joe@example.com");
    struct bd_binding binding = {
        .text =
            {[BD_TEXT_URI] = BD_STR("sip:joe@198.18.0.2:5070"), [BD_TEXT_CALL_ID] = BD_STR("call")},
        .state = bd_state_make(++b->register_cseq, (uint32_t)(b->now_ms / 1000) + expires_s),
        .created_at_s = 4000,
        .q_milli = BD_Q_NONE};
    struct bd_binding former;
    struct bd_slot_ref ref;
    bd_writer_online(lab->writer);
    if (bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref) || expires_s) {
        if (ref.record)
            bd_record_view(ref.record, 0, &former);
        assert_int_equal(bd_table_put(lab->writer, &ref, aor, ref.record ? &former.state : NULL,
                                      &binding, expires_s ? 1 : 0),
                         BD_TABLE_OK);
    }
    bd_writer_quiescent(lab->writer);
    bd_writer_offline(lab->writer);
}

/* A new subscription whose first NOTIFY is answered. */
static void subscribed(struct bench *b)
{
    b->call++;
    *b->tag = 0;
    assert_int_equal(subscribe(b, "Expires: 600\r\n"), 200);
    want_notify(b, "state=\"full\"", "active;expires=600");
    assert_int_equal(b->version, 0);
    answer(b, "200 OK");
    turn(b, 6000);
    assert_false(take(b));
}

static uint64_t number(struct bench *b, size_t off)
{
    return *(const uint64_t *)((const char *)bd_events_numbers(b->events) + off);
}
#define NUMBER(b, name) number(b, offsetof(struct bd_events_numbers, name))

/* --- the life of a subscription
 * ---------------------------------------------------------------------
 */

static void every_change_is_told(void **state)
{
    struct bench *b = *state;
    subscribed(b);
    put(b, 600);
    turn(b, 200);
    want_notify(b, "state=\"partial\"", "event=\"registered\"");
    assert_int_equal(b->version, 1);
    answer(b, "200 OK");
    put(b, 700);
    turn(b, 4500);
    assert_false(take(b)); /* RFC 3680 4.10: not within 5 s */
    turn(b, 1000);
    want_notify(b, "state=\"partial\"", "expires=\"69");
    answer(b, "481 x");
}

static void expiry_is_told_without_a_sweep(void **state)
{
    struct bench *b = *state;
    put(b, 0);
    subscribed(b);
    put(b, 10);
    turn(b, 200);
    want_notify(b, "event=\"registered\"", "state=\"active\"");
    answer(b, "200 OK");
    turn(b, 9000);
    assert_false(take(b));
    turn(b, 1500);
    want_notify(b, "<registration aor=\"sip:joe@example.com\"", "event=\"expired\"");
    assert_non_null(strstr(b->out, "state=\"terminated\" event=\"expired\""));
    answer(b, "200 OK");
    put(b, 0);
    turn(b, 10000);
    assert_false(take(b));
}

static void it_expires_by_itself(void **state)
{
    struct bench *b = *state;
    subscribed(b);
    unsigned cnt = bd_events_cnt(b->events);
    turn(b, 593000);
    assert_false(take(b));
    turn(b, 2000);
    want_notify(b, "Subscription-State: terminated;reason=timeout", "state=\"full\"");
    answer(b, "200 OK");
    assert_int_equal(bd_events_cnt(b->events), cnt - 1);
    assert_int_equal(subscribe(b, "Expires: 600\r\n"), 481);
}

static void silence_ends_it(void **state)
{
    struct bench *b = *state;
    subscribed(b);
    put(b, 6000);
    uint64_t timeouts = NUMBER(b, timeouts);
    turn(b, 40000);
    unsigned sent = 0;
    for (; take(b); sent++)
        assert_int_equal(b->version, 1);
    assert_int_equal(sent, 11); /* Timer E */
    assert_int_equal(NUMBER(b, timeouts), timeouts + 1);
    assert_int_equal(subscribe(b, "Expires: 600\r\n"), 481);
    put(b, 0);
}

static const struct {
    const char *status;
    bool ends;
} answers[] = {
    {"404 x", true},  {"405 x", true},  {"408 x", true},  {"410 x", true},  {"416 x", true},
    {"480 x", true},  {"481 x", true},  {"485 x", true},  {"489 x", true},  {"501 x", true},
    {"604 x", true},  {"401 x", false}, {"486 x", false}, {"500 x", false}, {"503 x", false},
    {"302 x", false}, {"202 x", false},
};

static void what_a_response_means(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        put(b, 0);
        subscribed(b);
        put(b, 6000);
        turn(b, 200);
        want_notify(b, "partial", "registered");
        answer(b, "100 Trying");
        turn(b, 3800);
        assert_false(take(b)); /* T2 from a provisional response on */
        answer(b, answers[i].status);
        turn(b, 40000);
        bool again = take(b); /* an error that may pass: all of it, later */
        if (again != (!answers[i].ends && answers[i].status[0] != '2'))
            fail_msg("after %s: %d", answers[i].status, again);
        if (again) {
            assert_non_null(strstr(b->out, "state=\"full\""));
            answer(b, "481 x");
        } else if (!answers[i].ends) {
            assert_int_equal(subscribe(b, "Expires: 0\r\n"), 200);
            want_notify(b, "terminated", "full");
            answer(b, "200 OK");
        }
        while (take(b))
            ;
    }
    put(b, 0);
}

static void a_refresh_overtakes_what_is_under_way(void **state)
{
    struct bench *b = *state;
    subscribed(b);
    put(b, 6000);
    turn(b, 200);
    want_notify(b, "partial", "registered");
    char former[64];
    snprintf(former, sizeof(former), "%s", b->branch);
    assert_int_equal(subscribe(b, "Expires: 300\r\n"), 200);
    want_notify(b, "active;expires=300", "state=\"full\"");
    assert_int_equal(b->version, 2);
    uint64_t strays = NUMBER(b, strays);
    char latter[64];
    snprintf(latter, sizeof(latter), "%s", b->branch);
    snprintf(b->branch, sizeof(b->branch), "%s", former);
    answer(b, "481 x");
    assert_int_equal(NUMBER(b, strays), strays + 1);
    snprintf(b->branch, sizeof(b->branch), "%s", latter);
    answer(b, "481 x");
    put(b, 0);
}

static void a_full_ring_delays_and_loses_nothing(void **state)
{
    struct bench *b = *state;
    subscribed(b);
    struct bd_ring *ring = bd_channel_of(&b->lab.arena, WORKER).outbound;
    while (bd_ring_reserve(ring))
        bd_ring_publish(ring);
    put(b, 6000);
    turn(b, 1000);
    while (bd_ring_peek(ring))
        bd_ring_release(ring);
    turn(b, 100);
    want_notify(b, "partial", "registered");
    answer(b, "481 x");
    put(b, 0);
}

/* --- GRUUs
 * ------------------------------------------------------------------------------------------
 */

/* Joe, in some domain, has two flows of one instance, and a contact without any. */
static void put_flows(struct bench *b, const char *name, uint64_t life)
{
    struct lab *lab = &b->lab;
    struct bd_str aor = bd_str_from(name);
    struct bd_binding flow[3];
    for (unsigned i = 0; i < 3; i++)
        flow[i] = (struct bd_binding){
            .text = {[BD_TEXT_URI] = BD_STR("sip:joe@198.18.0.2:5070"),
                     [BD_TEXT_CALL_ID] = BD_STR("call"),
                     [BD_TEXT_INSTANCE] = BD_STR("<urn:uuid:1>"),
                     [BD_TEXT_GRUU] = {(const char *)&life, sizeof(life)}},
            .state = bd_state_make(9 + i, (uint32_t)(b->now_ms / 1000) + 600 + i),
            .txn = bd_txn_make(9 + i, life),
            .reg_id = 1 + i,
            .created_at_s = 4000,
            .q_milli = BD_Q_NONE};
    flow[2].text[BD_TEXT_URI] = BD_STR("sip:plain@198.18.0.2");
    flow[2].text[BD_TEXT_INSTANCE] = flow[2].text[BD_TEXT_GRUU] = BD_STR_NULL;
    flow[2].reg_id = 0;
    uint64_t seen[3];
    struct bd_binding former;
    struct bd_slot_ref ref;
    bd_writer_online(lab->writer);
    bool found = bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref);
    for (unsigned i = 0; found && i < 3; i++) {
        bd_record_view(ref.record, i, &former);
        seen[i] = former.state;
    }
    assert_int_equal(bd_table_put(lab->writer, &ref, aor, found ? seen : NULL, flow, 3),
                     BD_TABLE_OK);
    bd_writer_quiescent(lab->writer);
    bd_writer_offline(lab->writer);
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned cnt = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        cnt++;
    return cnt;
}

/* The temporary GRUU of the last document, all of which must be one. */
static void take_temporary(const struct bench *b, char out[600])
{
    char pattern[640];
    const char *p = strstr(b->out, "<gr:temp-gruu ");
    assert_non_null(p);
    assert_int_equal(sscanf(strstr(p, "uri=\""), "uri=\"%590[^\"]", out), 1);
    snprintf(pattern, sizeof(pattern), "uri=\"%s\"", out);
    assert_int_equal(count_of(b->out, pattern), count_of(b->out, "<gr:temp-gruu "));
}

static void wants_life(struct bench *b, const char *temporary, uint64_t life)
{
    struct bd_error error;
    struct bd_gruu_seal *seal = bd_gruu_seal_new(&error);
    struct bd_gruu gruu;
    struct bd_uri uri;
    assert_non_null(seal);
    assert_true(bd_uri_parse(bd_str_from(temporary), &uri));
    bd_control_reading(&b->lab.control);
    assert_int_equal(bd_gruu_resolve(seal, bd_policy_current(&b->lab.arena), &uri, &gruu),
                     BD_GRUU_TEMPORARY);
    bd_control_done_reading(&b->lab.control);
    assert_true(gruu.life == life);
    bd_gruu_seal_free(seal);
}

static void gruus_are_told(void **state)
{
    struct bench *b = *state;
    char first[600], second[600];
    uint64_t life = bd_gruu_life_make(7, 0x123456789);
    put_flows(b, "joe@example.com", life);
    assert_int_equal(subscribe(b, "Expires: 600\r\n"), 200);
    want_notify(b, "uri=\"sip:joe@example.com;gr=urn:uuid:1\"/>", "first-cseq=\"7\"/>");
    assert_int_equal(count_of(b->out, "<gr:pub-gruu "), 2);
    assert_int_equal(count_of(b->out, "<gr:temp-gruu "), 2);
    take_temporary(b, first);
    wants_life(b, first, life);
    answer(b, "200 OK");
    turn(b, 6000);
    assert_false(take(b));
    /* Another Call-ID: all of the instance have a new life, even those that nothing else befell. */
    life = bd_gruu_life_make(1, 0x987654321);
    b->now_ms -= 6000;
    put_flows(b, "joe@example.com", life);
    b->now_ms += 6000;
    turn(b, 200);
    want_notify(b, "state=\"partial\"", "first-cseq=\"1\"/>");
    assert_int_equal(count_of(b->out, "<contact "), 2);
    take_temporary(b, second);
    wants_life(b, second, life);
    assert_string_not_equal(first, second);
    answer(b, "481 x");
}

static void who_is_told_which_gruu(void **state)
{
    static const struct {
        const char *watcher, *resource;
        unsigned public, temporary;
    } rows[] = {
        {"joe@example.com", "joe@example.com", 2, 2},
        {"app@example.com", "joe@example.com", 2, 0},
        {"admin@example.com", "joe@example.com", 2, 2}, /* a registrant */
        {"joe@off.example", "joe@off.example", 0, 0},
        {"joe@one.example", "joe@one.example", 2, 2},
    };
    struct bench *b = *state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_flows(b, rows[i].resource, bd_gruu_life_make(7, i));
        b->call++;
        *b->tag = 0;
        assert_int_equal(
            send_text(b, rows[i].watcher, rows[i].resource, subscribe_text(b, "Expires: 0\r\n")),
            200);
        want_notify(b, "terminated", "full");
        if (count_of(b->out, "<gr:pub-gruu ") != rows[i].public ||
            count_of(b->out, "<gr:temp-gruu ") != rows[i].temporary)
            fail_msg("row %u: %s", i, b->out);
        answer(b, "200 OK");
    }
}

/* --- what is refused
 * --------------------------------------------------------------------------------
 */

static void who_may_watch(void **state)
{
    static const struct {
        const char *watcher, *resource;
        unsigned status;
    } rows[] = {
        {"jim@example.com", "joe@example.com", 403},
        {"app@example.com", "joe@example.com", 200},
        {"app@example.com", "nobody@example.com", 200}, /* open: anybody may come */
        {"app@example.com", "joe@digest.example", 403},
        {"app@digest.example", "joe@digest.example", 404},
        {"joe@digest.example", "joe@digest.example", 404},
        {"joe@one.example", "joe@one.example", 200}, /* by the wildcard */
        {"jim@one.example", "joe@one.example", 403},
        {"app@one.example", "joe@one.example", 200},
        {"app@one.example", "joe@two.example", 403}, /* another domain of the same wildcard */
        {"joe@example.com", "joe@one.example", 403},
    };
    struct bench *b = *state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        b->call++;
        *b->tag = 0;
        unsigned status = send_text(b, rows[i].watcher, rows[i].resource, subscribe_text(b, ""));
        if (status != rows[i].status)
            fail_msg("row %u: %u", i, status);
        if (status == 200) {
            want_notify(b, "active;expires=3761", "init");
            answer(b, "481 x");
        }
    }
}

/* Ann and joe are one implicit registration set: each may watch each, and the document is of the
 * one that was subscribed to, with the contacts of both. */
static void identities_share_bindings(void **state)
{
    struct bench *b = *state;
    struct bd_arena *arena = &b->lab.control.arena;
    const char *watched[] = {"ann@example.com", "joe@example.com"};
    assert_int_equal(bd_identities_put(arena, b->lab.control.table.epoch, bd_str_from(watched[0]),
                                       bd_str_from(watched[1])),
                     BD_IDENTITIES_OK);
    put(b, 600);
    for (unsigned i = 0; i < 2; i++) {
        char aor[64];
        snprintf(aor, sizeof(aor), "aor=\"sip:%s\"", watched[i]);
        b->call++;
        *b->tag = 0;
        assert_int_equal(send_text(b, watched[1 - i], watched[i], subscribe_text(b, "")), 200);
        want_notify(b, aor, "state=\"active\"");
        assert_non_null(strstr(b->out, "<uri>sip:joe@198.18.0.2:5070</uri>"));
        answer(b, "481 x");
    }
    b->call++;
    assert_int_equal(send_text(b, "jim@example.com", "ann@example.com", subscribe_text(b, "")),
                     403);
}

static void within_a_dialog(void **state)
{
    struct bench *b = *state;
    subscribed(b);
    give(b, "jim@example.com", "", subscribe_text(b, ""));
    bd_events_turn(b->events, b->now_ms);
    assert_true(take(b) && strncmp(b->out, "SIP/2.0 403", 11) == 0);
    b->cseq -= 2;
    assert_int_equal(subscribe(b, ""), 500); /* RFC 3261 12.2.2 */
    b->cseq += 5;
    assert_int_equal(subscribe(b, "Expires: 5\r\n"), 423);
    assert_non_null(strstr(b->out, "\r\nMin-Expires: 60\r\n"));
    assert_int_equal(subscribe(b, "Accept: text/plain, application/*;q=0.1\r\n"), 200);
    want_notify(b, "active;expires=3761", "full");
    answer(b, "200 OK");
    b->tag[23] ^= 1;
    assert_int_equal(subscribe(b, ""), 481);
    b->tag[23] ^= 1;
    assert_int_equal(subscribe(b, "Accept: text/plain\r\n"), 406);
    assert_int_equal(subscribe(b, "Expires: 0\r\n"), 200);
    want_notify(b, "terminated;reason=timeout", "full");
    answer(b, "200 OK");
}

static void a_retransmission_is_repeated(void **state)
{
    struct bench *b = *state;
    b->call++;
    *b->tag = 0;
    char text[2048], reply[sizeof(b->out)];
    snprintf(text, sizeof(text), "%s", subscribe_text(b, "Expires: 0\r\n"));
    assert_int_equal(send_text(b, "joe@example.com", "joe@example.com", text), 200);
    snprintf(reply, sizeof(reply), "%s", b->out);
    want_notify(b, "terminated", "full");
    answer(b, "200 OK");
    assert_int_equal(send_text(b, "joe@example.com", "joe@example.com", text), 200);
    assert_string_equal(b->out, reply);
    assert_false(take(b));
    turn(b, 33000); /* Timer J */
    assert_int_equal(send_text(b, "joe@example.com", "joe@example.com", text), 200);
    want_notify(b, "terminated", "full");
    answer(b, "200 OK");
}

/* --- who may not be there ----------------------------------------------------------------------
 */

/* Of NOTIFYs that nobody answers till the subscription ends: bytes, and how many. */
static uint64_t drawn(struct bench *b, unsigned *sent)
{
    uint64_t bytes = 0;
    *sent = 0;
    turn(b, 40000);
    for (; take(b); (*sent)++) {
        assert_memory_equal(b->out, "NOTIFY ", 7);
        bytes += strlen(b->out);
    }
    return bytes;
}

static void nobody_there_draws_little(void **state)
{
    struct bench *b = *state;
    unsigned sent;
    put(b, 6000);
    b->call++;
    *b->tag = 0;
    char text[2048];
    snprintf(text, sizeof(text), "%s", subscribe_text(b, "Expires: 600\r\n"));
    uint64_t held_back = NUMBER(b, held_back), timeouts = NUMBER(b, timeouts);
    assert_int_equal(send_text(b, "joe@example.com", "joe@example.com", text), 200);
    uint64_t bytes = drawn(b, &sent);
    assert_in_range(bytes, 1, REPLY_FACTOR * strlen(text));
    assert_in_range(sent, 2, 10);
    assert_int_equal(NUMBER(b, held_back) - held_back, 11 - sent); /* Timer E */
    assert_int_equal(NUMBER(b, timeouts), timeouts + 1);
    put(b, 0);
}

/* Who has answered may have the next ones sent elsewhere: that address has yet to answer. */
static void another_address_has_to_answer_anew(void **state)
{
    struct bench *b = *state;
    char text[2048];
    unsigned sent;
    put(b, 6000);
    subscribed(b);
    snprintf(text, sizeof(text), "%s", subscribe_text(b, "Expires: 600\r\n"));
    assert_int_equal(send_text(b, "joe@example.com", "", text), 200);
    drawn(b, &sent);
    assert_int_equal(sent, 11);
    subscribed(b);
    snprintf(text, sizeof(text), "%s", subscribe_text(b, "Expires: 600\r\n"));
    memcpy(strstr(text, "Contact: <sip:joe@198.18.0.2") + strlen("Contact: <sip:joe@198.18.0."),
           "9", 1);
    assert_int_equal(send_text(b, "joe@example.com", "", text), 200);
    assert_in_range(drawn(b, &sent), 1, REPLY_FACTOR * strlen(text));
    assert_in_range(sent, 2, 10);
    put(b, 0);
}

/* Ann has many contacts with long texts. */
static void put_many(struct bench *b, unsigned cnt)
{
    struct lab *lab = &b->lab;
    struct bd_str aor = BD_STR("ann@example.com");
    struct bd_binding many[BD_CONTACTS_PER_AOR_MAX];
    char uri[BD_CONTACTS_PER_AOR_MAX][32], call_id[200];
    memset(call_id, 'c', sizeof(call_id));
    for (unsigned i = 0; i < cnt; i++) {
        int n = snprintf(uri[i], sizeof(uri[i]), "sip:ann@198.18.0.2:%u", 6000 + i);
        many[i] = (struct bd_binding){.text = {[BD_TEXT_URI] = {uri[i], (uint32_t)n},
                                               [BD_TEXT_CALL_ID] = {call_id, sizeof(call_id)}},
                                      .state = bd_state_make(1, (uint32_t)(b->now_ms / 1000) + 600),
                                      .created_at_s = 4000,
                                      .q_milli = BD_Q_NONE};
    }
    struct bd_slot_ref ref;
    bd_writer_online(lab->writer);
    assert_false(bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref));
    assert_int_equal(bd_table_put(lab->writer, &ref, aor, NULL, many, cnt), BD_TABLE_OK);
    bd_writer_quiescent(lab->writer);
    bd_writer_offline(lab->writer);
}

static void what_finds_no_room_is_told_when_somebody_answers(void **state)
{
    enum { CONTACTS = 10 };
    struct bench *b = *state;
    put_many(b, CONTACTS);
    b->call++;
    *b->tag = 0;
    char text[2048];
    snprintf(text, sizeof(text), "%s", subscribe_text(b, "Expires: 600\r\n"));
    assert_int_equal(send_text(b, "ann@example.com", "ann@example.com", text), 200);
    want_notify(b, "state=\"full\"", "aor=\"sip:ann@example.com\"");
    unsigned told = count_of(b->out, "<contact ");
    assert_in_range(told, 1, CONTACTS - 1);
    assert_true(strlen(b->out) <= REPLY_FACTOR * strlen(text) / 2);
    assert_non_null(strstr(b->out, "</reginfo>"));
    answer(b, "200 OK");
    turn(b, 6000);
    want_notify(b, "state=\"partial\"", "aor=\"sip:ann@example.com\"");
    assert_int_equal(told + count_of(b->out, "<contact "), CONTACTS);
    answer(b, "481 x");
}

static void there_is_an_end_to_them(void **state)
{
    struct bench *b = *state;
    unsigned before = bd_events_cnt(b->events), made = 0, status;
    for (;; made++) {
        b->call++;
        *b->tag = 0;
        status = subscribe(b, "");
        if (status != 200)
            break;
        want_notify(b, "full", "active");
        answer(b, "200 OK");
    }
    assert_int_equal(status, 503);
    assert_non_null(strstr(b->out, "\r\nRetry-After: "));
    assert_int_equal(made, BD_SUBSCRIPTIONS_PER_AOR_MAX - before);
    for (unsigned i = 0;; i++, made++) { /* and to those of all AoRs */
        char aor[32];
        snprintf(aor, sizeof(aor), "u%u@example.com", i);
        b->call++;
        *b->tag = 0;
        if (send_text(b, aor, aor, subscribe_text(b, "")) != 200)
            break;
        want_notify(b, "full", "init");
        answer(b, "200 OK");
    }
    assert_int_equal(made + before, 70);
    lab_expect(&b->lab, "show subscriptions", "AOR"); /* of the process's own notifier: none */
}

#define NOTIFIER_TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTIFIER_TEST(every_change_is_told),
        NOTIFIER_TEST(expiry_is_told_without_a_sweep),
        NOTIFIER_TEST(it_expires_by_itself),
        NOTIFIER_TEST(silence_ends_it),
        NOTIFIER_TEST(what_a_response_means),
        NOTIFIER_TEST(a_refresh_overtakes_what_is_under_way),
        NOTIFIER_TEST(a_full_ring_delays_and_loses_nothing),
        NOTIFIER_TEST(nobody_there_draws_little),
        NOTIFIER_TEST(another_address_has_to_answer_anew),
        NOTIFIER_TEST(what_finds_no_room_is_told_when_somebody_answers),
        NOTIFIER_TEST(gruus_are_told),
        NOTIFIER_TEST(who_is_told_which_gruu),
        NOTIFIER_TEST(who_may_watch),
        NOTIFIER_TEST(identities_share_bindings),
        NOTIFIER_TEST(within_a_dialog),
        NOTIFIER_TEST(a_retransmission_is_repeated),
        NOTIFIER_TEST(there_is_an_end_to_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
