/* SPDX-License-Identifier: BSD-3-Clause */
/* What somebody can draw who is not there, and how many subscriptions there can be. */
#include "notifier_lab.h"

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
    assert_int_equal(made + before, SUBSCRIPTIONS);
    lab_expect(&b->lab, "show subscriptions", "AOR"); /* of the process's own notifier: none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTIFIER_TEST(nobody_there_draws_little),
        NOTIFIER_TEST(another_address_has_to_answer_anew),
        NOTIFIER_TEST(what_finds_no_room_is_told_when_somebody_answers),
        NOTIFIER_TEST(there_is_an_end_to_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
