/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a subscription: what is told when, what a response means, how it ends. */
#include "notifier_lab.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
