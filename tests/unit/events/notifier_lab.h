/* SPDX-License-Identifier: BSD-3-Clause */
/* A notifier with a clock of the test's own; the test plays the worker and the table's writer. Joe
 * is who subscribes, to himself unless a test says otherwise. */
#ifndef BD_TEST_NOTIFIER_LAB_H
#define BD_TEST_NOTIFIER_LAB_H

#include "lab.h"

#include "events.h"

enum { WORKER = 1, REPLY_FACTOR = 20, SUBSCRIPTIONS = 70 };

struct bench {
    struct lab lab;
    struct bd_events *events;
    uint64_t now_ms;
    unsigned cseq, call, register_cseq;
    char out[BD_OUTBOUND_MAX + 1]; /* the last datagram that was sent */
    char branch[64], tag[32];      /* of the last NOTIFY, of the last 200 */
    unsigned version;
};

int open_bench(void **state);
int close_bench(void **state);

/* The worker hands a datagram over. */
void give(struct bench *b, const char *watcher, const char *resource, const char *datagram);
/* Takes one datagram out into b->out. False when there is none. */
bool take(struct bench *b);
void turn(struct bench *b, uint64_t ms);
const char *subscribe_text(struct bench *b, const char *extra);
/* Returns the status that a SUBSCRIBE draws at once. */
unsigned send_text(struct bench *b, const char *watcher, const char *resource, const char *text);
unsigned subscribe(struct bench *b, const char *extra);
/* To the last NOTIFY, of which some retransmissions may be on the way. */
void answer(struct bench *b, const char *status);
void want_notify(struct bench *b, const char *part, const char *other);
/* Joe has one contact, for so long; 0: none. */
void put(struct bench *b, uint32_t expires_s);
/* A new subscription whose first NOTIFY is answered. */
void subscribed(struct bench *b);
/* How often a part stands in a text. */
unsigned count_of(const char *text, const char *part);
/* A number that the notifier counts, by its offset. */
uint64_t number(struct bench *b, size_t off);
#define NUMBER(b, name) number(b, offsetof(struct bd_events_numbers, name))

#define NOTIFIER_TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

#endif
