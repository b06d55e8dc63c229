/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulator's phones behave as the manual and RFC 3261 say, whatever the registrar does. The
 * time is the test's own, so a minute takes no time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registrar.h"

static const struct orders ok = {200, GRANTED(3600)};
static const struct orders challenge = {401, CHALLENGE(NONCE_1)};

static struct crowd *one_phone(void)
{
    return world_new((struct crowd_options){.cnt = 1});
}

static const struct seen *message(unsigned i)
{
    assert_true(i < registrar.seen_cnt);
    return &registrar.seen[i];
}

/* Message i came so long after the first one. */
static void assert_after(unsigned i, double s)
{
    double got = seen_s(message(i)) - seen_s(message(0));
    if (got < s - 0.0005 || got > s + 0.0005)
        fail_msg("message %u came after %.4f s, not %.4f s", i, got, s);
}

static bool same_message(unsigned i, unsigned j)
{
    return message(i)->len == message(j)->len &&
           memcmp(message(i)->frame, message(j)->frame, message(i)->len) == 0;
}

/* --- no answer -------------------------------------------------------------------------------- */

/* RFC 3261 17.1.2.2, Timer E and Timer F; 60 s by the manual; then a new transaction. */
static void test_silence(void **state)
{
    static const double at[] = {0, .5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 92, 92.5};
    struct crowd *crowd = one_phone();
    world_run(crowd, 93.2);
    assert_int_equal(registrar.seen_cnt, 13);
    for (unsigned i = 0; i < 13; i++) {
        assert_after(i, at[i]);
        assert_true(same_message(i, i < 11 ? 0 : 11));
    }
    assert_int_equal(seen_cseq(message(11)), seen_cseq(message(0)) + 1);
    assert_string_not_equal(seen_field(message(0), "Via"), seen_field(message(11), "Via"));
    assert_string_equal(seen_field(message(0), "Call-ID"), seen_field(message(11), "Call-ID"));
    assert_int_equal(crowd_counts(crowd)->unanswered, 1);
    assert_int_equal(crowd_counts(crowd)->again, 11);
    assert_int_equal(crowd_phone(crowd, 0)->sent, 13);
    crowd_free(crowd);
}

/* "The phone waits a random time", 60 s at most. */
static void test_random_wait(void **state)
{
    enum { PHONES = 100, EACH = 11 };
    struct crowd *crowd = world_new((struct crowd_options){.cnt = PHONES, .random_wait = true});
    double least = 1000, most = 0;
    world_run(crowd, 31.9);
    assert_int_equal(registrar.seen_cnt, PHONES * EACH);
    world_run(crowd, 92.2);
    for (unsigned i = PHONES * EACH; i < registrar.seen_cnt; i++) {
        double s = seen_s(message(i)) - 32;
        if (seen_cseq(message(i)) != seen_cseq(message(0)) + 1)
            continue;
        least = s < least ? s : least;
        most = s > most ? s : most;
    }
    assert_true(least < 5 && most > 55 && most < 60.2);
    crowd_free(crowd);
}

/* A frame that the wire does not take is lost; the phone sends again as if it were not. */
static void test_full_ring(void **state)
{
    struct crowd *crowd = one_phone();
    registrar.full = true;
    world_run(crowd, 0.4);
    assert_int_equal(registrar.seen_cnt, 0);
    assert_int_equal(crowd_counts(crowd)->lost, 1);
    registrar.full = false;
    registrar.plain = ok;
    world_run(crowd, 1);
    assert_int_equal(registrar.seen_cnt, 1);
    assert_int_equal(crowd_counts(crowd)->sent, 2);
    assert_int_equal(crowd_counts(crowd)->registered, 1);
    crowd_free(crowd);
}

/* Phones keep their time when the simulator is held up: what waited for more than 50 ms is lost,
 * what waited less is sent, and the retransmission comes T1 after it should have been sent. */
static void test_held_up(void **state)
{
    static const double held_s[] = {0.04, 0.06};
    for (unsigned i = 0; i < 2; i++) {
        struct crowd *crowd = one_phone();
        registrar.full = true;
        world_run(crowd, 0.2);
        uint32_t power = crowd_phone(crowd, 0)->began;
        registrar.full = false;
        registrar.tick = power + CROWD_T1 + (uint32_t)(held_s[i] * CROWD_TICKS_PER_S);
        world_run(crowd, 1.4);
        bool in_time = i == 0;
        assert_int_equal(registrar.seen_cnt, in_time);
        assert_int_equal(crowd_counts(crowd)->queue_lost, !in_time);
        assert_int_equal(crowd_counts(crowd)->lost, 1 + !in_time);
        assert_int_equal(crowd_counts(crowd)->sent, 2);
        world_run(crowd, 1.7);
        assert_int_equal(message(registrar.seen_cnt - 1)->tick, power + 3 * CROWD_T1);
        crowd_free(crowd);
    }
}

/* --- challenges ------------------------------------------------------------------------------- */

/* Each make answers at once, with the right digest, the next CSeq and another branch; the refresh
 * comes at half of what was granted, with the same nonce and the next nc. */
static void test_challenge(void **state)
{
    enum { PHONES = 10 };
    static const struct orders short_lived = {200, GRANTED(120)};
    struct crowd *crowd = world_new((struct crowd_options){.cnt = PHONES});
    registrar.plain = challenge;
    registrar.secret = short_lived;
    world_run(crowd, 1);
    assert_int_equal(registrar.seen_cnt, 2 * PHONES);
    assert_int_equal(crowd_counts(crowd)->registered, PHONES);
    assert_int_equal(crowd_counts(crowd)->wrong, 0);
    for (unsigned i = 0; i < 2 * PHONES; i++) {
        if (!seen_field(message(i), "Authorization"))
            continue;
        assert_true(seen_credentials_right(message(i), NONCE_1, 1));
        assert_int_equal(seen_cseq(message(i)), seen_cseq(message(0)) + 1);
    }
    world_run(crowd, 59);
    assert_int_equal(registrar.seen_cnt, 2 * PHONES);
    world_run(crowd, 61);
    assert_int_equal(registrar.seen_cnt, 3 * PHONES);
    for (unsigned i = 2 * PHONES; i < 3 * PHONES; i++)
        assert_true(seen_credentials_right(message(i), NONCE_1, 2));
    assert_int_equal(crowd_counts(crowd)->registered, PHONES);
    assert_int_equal(crowd_counts(crowd)->ok, 2 * PHONES);
    crowd_free(crowd);
}

/* An answer that is not answered is sent again as it was. */
static void test_answer_again(void **state)
{
    struct crowd *crowd = one_phone();
    registrar.plain = challenge;
    world_run(crowd, 2);
    assert_int_equal(registrar.seen_cnt, 4);
    assert_after(1, 0.01);
    assert_after(2, 0.51);
    assert_after(3, 1.51);
    assert_true(same_message(1, 2) && same_message(1, 3) && !same_message(0, 1));
    crowd_free(crowd);
}

/* A wrong password is a failure: after 30 s, without credentials. */
static void test_wrong_password(void **state)
{
    struct crowd *crowd = one_phone();
    registrar.plain = registrar.secret = challenge;
    world_run(crowd, 31);
    assert_int_equal(registrar.seen_cnt, 4);
    assert_after(2, 30.02);
    assert_null(seen_field(message(2), "Authorization"));
    crowd_free(crowd);
}

/* A stale nonce is not: the new one is used at once. A registrar that finds each one stale is. */
static void test_stale(void **state)
{
    static const struct orders stale = {401, CHALLENGE(NONCE_2) ", stale=true"};
    struct crowd *crowd = one_phone();
    registrar.plain = challenge;
    registrar.secret = stale;
    world_run(crowd, 20);
    assert_int_equal(registrar.seen_cnt, 3);
    assert_after(2, 0.02);
    assert_true(seen_credentials_right(message(2), NONCE_2, 1));
    world_run(crowd, 30.5);
    assert_after(3, 30.03);
    crowd_free(crowd);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    static const unsigned status[] = {403, 423, 500, 503};
    for (unsigned i = 0; i < 4; i++) {
        struct crowd *crowd = one_phone();
        registrar.plain = (struct orders){status[i], ""};
        world_run(crowd, 61);
        assert_int_equal(registrar.seen_cnt, 3);
        assert_after(1, 30.01);
        assert_after(2, 60.02);
        const struct crowd_counts *counts = crowd_counts(crowd);
        assert_int_equal(counts->again + counts->unanswered + counts->wrong, 0);
        assert_int_equal(status[i] == 503 ? counts->busy : counts->refusals, 3);
        assert_int_equal(counts->status, status[i] == 503 ? 0 : status[i]);
        crowd_free(crowd);
    }
}

/* Those who honour Retry-After come after that time, the others after 30 s. */
static void test_retry_after(void **state)
{
    enum { PHONES = 400 };
    static const unsigned honour[] = {0, 50, 100};
    for (unsigned i = 0; i < 3; i++) {
        struct crowd *crowd = world_new((struct crowd_options){.cnt = PHONES, .honour = honour[i]});
        registrar.plain = (struct orders){503, "Retry-After: 7"};
        world_run(crowd, 7.5);
        unsigned early = registrar.seen_cnt - PHONES;
        unsigned wanted = PHONES * honour[i] / 100, off = honour[i] == 50 ? PHONES / 10 : 0;
        assert_in_range(early, wanted - off, wanted + off);
        registrar.plain = ok;
        world_run(crowd, 31);
        assert_int_equal(crowd_counts(crowd)->registered, PHONES);
        crowd_free(crowd);
    }
}

/* --- replies that are none -------------------------------------------------------------------- */

static void test_not_ours(void **state)
{
    struct crowd *crowd = one_phone();
    world_run(crowd, 0.2);
    registrar.wrong = true;
    reply_to(crowd, message(0), &ok);
    assert_int_equal(crowd_counts(crowd)->wrong, 1);
    registrar.wrong = false;
    world_run(crowd, 92.3);
    assert_int_equal(registrar.seen_cnt, 12);
    /* The first transaction is over; a 100 ends none. */
    reply_to(crowd, message(0), &ok);
    assert_int_equal(crowd_counts(crowd)->stray, 1);
    reply_to(crowd, message(11), &(struct orders){100, ""});
    assert_int_equal(crowd_counts(crowd)->registered, 0);
    reply_to(crowd, message(11), &ok);
    assert_int_equal(crowd_counts(crowd)->registered, 1);
    reply_to(crowd, message(11), &ok);
    assert_int_equal(crowd_counts(crowd)->stray, 2);
    crowd_take(crowd, registrar.tick, message(0)->frame, message(0)->len);
    assert_int_equal(crowd_counts(crowd)->strange, 1);
    crowd_free(crowd);
}

/* --- power ------------------------------------------------------------------------------------ */

/* Evenly within the time, each phone once; the marks stand where half and all of them were. */
static void test_power(void **state)
{
    enum { PHONES = 2000, PARTS = 10 };
    unsigned part[PARTS] = {0};
    struct crowd *crowd = world_new((struct crowd_options){.cnt = PHONES, .spread_s = 1});
    registrar.plain = ok;
    world_run(crowd, 1.2);
    assert_int_equal(registrar.seen_cnt, PHONES);
    for (unsigned i = 0; i < PHONES; i++) {
        unsigned at = (unsigned)(seen_s(message(i)) * PARTS);
        assert_true(at < PARTS);
        part[at]++;
    }
    for (unsigned i = 0; i < PARTS; i++)
        assert_in_range(part[i], PHONES / PARTS / 2, PHONES / PARTS * 3 / 2);
    const struct crowd_counts *counts = crowd_counts(crowd);
    assert_int_equal(counts->registered, PHONES);
    assert_in_range(counts->mark[0], CROWD_TICKS_PER_S * 4 / 10, CROWD_TICKS_PER_S * 6 / 10);
    assert_in_range(counts->mark[3], CROWD_TICKS_PER_S * 9 / 10, CROWD_TICKS_PER_S + 2 * DELAY);
    crowd_free(crowd);
}

/* --- the wheel -------------------------------------------------------------------------------- */

/* Against a list that is searched: times moved again and again, some beyond a turn of the wheel. */
static void test_wheel(void **state)
{
    enum { CNT = 50, STEPS = 3000 };
    struct wheel wheel = wheel_new(CNT);
    uint32_t due[CNT], now = 0, at;
    memset(due, 0xff, sizeof(due));
    srandom(1);
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t number = (uint32_t)random() % CNT;
        due[number] = now + 1 + (uint32_t)random() % (step % 10 ? 5000 : 3 * WHEEL_SLOTS);
        wheel_set(&wheel, number, due[number]);
        now += (uint32_t)random() % (step % 100 ? 1000 : WHEEL_SLOTS);
        for (uint32_t last = 0; (number = wheel_take(&wheel, now, &at)) != WHEEL_NONE; last = at) {
            assert_true(at >= last && at == due[number]);
            due[number] = WHEEL_NONE;
        }
        for (unsigned i = 0; i < CNT; i++)
            assert_true(due[i] > now);
    }
    wheel_free(&wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence),        cmocka_unit_test(test_random_wait),
        cmocka_unit_test(test_full_ring),      cmocka_unit_test(test_held_up),
        cmocka_unit_test(test_challenge),      cmocka_unit_test(test_answer_again),
        cmocka_unit_test(test_wrong_password), cmocka_unit_test(test_stale),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_not_ours),       cmocka_unit_test(test_power),
        cmocka_unit_test(test_wheel),
    };
    return cmocka_run_group_tests_name("avalanche", tests, NULL, NULL);
}
