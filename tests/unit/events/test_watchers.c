/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may watch whom, what each is told of GRUUs, and what draws a refusal. */
#include "notifier_lab.h"

#include "gruu.h"
#include "identities.h"

/* --- GRUUs ------------------------------------------------------------------------------------ */

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

/* --- what is refused -------------------------------------------------------------------------- */

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

/* RFC 3680 5.1: the id of a registration MUST be the same in all documents of a subscription. */
static void take_registration_id(const struct bench *b, char out[32])
{
    const char *p = strstr(b->out, "<registration ");
    assert_non_null(p);
    assert_int_equal(sscanf(strstr(p, " id=\""), " id=\"%31[^\"]", out), 1);
}

/* Ann leaves joe's set while she watches herself: joe's contacts are no business of hers any more,
 * and the document says that they have gone. She comes back: they are there again. */
static void a_set_may_change_meanwhile(void **state)
{
    struct bench *b = *state;
    struct bd_arena *arena = &b->lab.control.arena;
    struct bd_epoch *epoch = b->lab.control.table.epoch;
    struct bd_str ann = BD_STR("ann@example.com"), joe = BD_STR("joe@example.com");
    assert_int_equal(bd_identities_put(arena, epoch, ann, joe), BD_IDENTITIES_OK);
    put(b, 600);
    b->call++;
    *b->tag = 0;
    char id[32], again[32];
    assert_int_equal(send_text(b, ann.p, ann.p, subscribe_text(b, "")), 200);
    want_notify(b, "<uri>sip:joe@198.18.0.2:5070</uri>", "event=\"registered\"");
    take_registration_id(b, id);
    answer(b, "200 OK");
    assert_true(bd_identities_remove(arena, epoch, ann));
    turn(b, 6000);
    want_notify(b, "state=\"full\"", "event=\"unregistered\"");
    take_registration_id(b, again);
    assert_string_equal(id, again);
    answer(b, "200 OK");
    assert_int_equal(bd_identities_put(arena, epoch, ann, joe), BD_IDENTITIES_OK);
    turn(b, 6000);
    want_notify(b, "aor=\"sip:ann@example.com\"", "event=\"registered\"");
    answer(b, "481 x");
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

/* RFC 3261 12.2.2: a request within the dialog counts by its CSeq whatever it draws; 17.2.2: sent
 * again, it draws the same. */
static void a_refusal_counts_within_a_dialog(void **state)
{
    struct bench *b = *state;
    char brief[2048], reply[sizeof(b->out)];
    subscribed(b);
    b->cseq++;
    snprintf(brief, sizeof(brief), "%s", subscribe_text(b, "Expires: 5\r\n"));
    assert_int_equal(send_text(b, "joe@example.com", "", brief), 423);
    snprintf(reply, sizeof(reply), "%s", b->out);
    b->cseq -= 2;
    assert_int_equal(subscribe(b, "Expires: 0\r\n"), 500);
    assert_int_equal(send_text(b, "joe@example.com", "", brief), 423);
    assert_string_equal(b->out, reply);
    b->cseq++;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTIFIER_TEST(gruus_are_told),
        NOTIFIER_TEST(who_is_told_which_gruu),
        NOTIFIER_TEST(who_may_watch),
        NOTIFIER_TEST(identities_share_bindings),
        NOTIFIER_TEST(a_set_may_change_meanwhile),
        NOTIFIER_TEST(within_a_dialog),
        NOTIFIER_TEST(a_refusal_counts_within_a_dialog),
        NOTIFIER_TEST(a_retransmission_is_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
