/* SPDX-License-Identifier: BSD-3-Clause */
/* Phones that were all switched on at once, each in 32 bytes beside its nonce.
 *
 *   OFF --power--> TRYING --200--> REGISTERED --half of expires--> TRYING, with credentials
 *                  | ^  \--401--> TRYING again at once, with credentials
 *                  | |
 *                  | +--30 s after a refusal, or Retry-After--- WAITING
 *                  | +--60 s after no answer at all----------- WAITING
 *                  +--Timer E: sent again
 *
 * A transaction is RFC 3261 17.1.2 over UDP: sent again after T1, then after twice the time, never
 * more than T2; nobody answered when Timer F fires. What the phone does about a failure is what the
 * administration manual of OpenStage and OpenScape phones says: "every 30 seconds. This is not
 * configurable", and 60 seconds "if the registration is not answered at all". It does not speak of
 * Retry-After; RFC 3261 20.33 has it, so a share of the phones can be told to honour it. A new
 * attempt begins without credentials; a refresh has those of the last challenge, with the next nc.
 *
 * Nothing here reads a clock or knows DPDK: ticks come in, frames come in, and what is to be sent
 * goes out through wire.h. A phone keeps its own time, however far this program is behind: the way
 * to the server is a queue of 50 ms. A frame that would have waited longer, or that the wire does
 * not take, is lost, and the phone cannot know. */
#ifndef AVALANCHE_CROWD_H
#define AVALANCHE_CROWD_H

#include <assert.h>
#include <check.h>
#include <histogram.h>

#include "outbox.h"
#include "wheel.h"

enum { CROWD_TICKS_PER_S = 16000, CROWD_PHONES_MAX = 1 << 28 };

/* RFC 3261 17.1.2.2 with T1 and T2 of 17.1.1.1, and the manual. In ticks. */
enum {
    CROWD_T1 = CROWD_TICKS_PER_S / 2,
    CROWD_T2 = 4 * CROWD_TICKS_PER_S,
    CROWD_TIMER_F = 64 * CROWD_T1,
    CROWD_REFUSED = 30 * CROWD_TICKS_PER_S,
    CROWD_UNANSWERED = 60 * CROWD_TICKS_PER_S,
    CROWD_QUEUE = CROWD_TICKS_PER_S / 20
};

enum crowd_state { CROWD_OFF, CROWD_TRYING, CROWD_WAITING, CROWD_REGISTERED };

struct crowd_phone {
    uint32_t began;      /* the transaction under way */
    uint32_t tx;         /* how many transactions there were; CSeq and branch come of it */
    uint32_t registered; /* when for the first time; 0: never */
    uint32_t nc;
    uint16_t sent;
    uint8_t state;
    uint8_t again : 4;      /* retransmissions in this transaction */
    uint8_t secret : 1;     /* this transaction has credentials */
    uint8_t challenged : 2; /* 401s in this attempt */
};

static_assert(sizeof(struct crowd_phone) + sizeof(struct wheel_link) == 32, "what a phone takes");

struct crowd_options {
    struct phone_world world;
    uint32_t cnt;
    double spread_s;  /* phones come up evenly within this time */
    unsigned honour;  /* of a hundred phones, how many honour Retry-After */
    bool random_wait; /* no answer: wait a random time up to the 60 s */
};

enum { CROWD_MARKS = 4 };

struct crowd_counts {
    uint64_t sent, again; /* messages, and those of them that are retransmissions */
    uint64_t lost;        /* of the sent: the queue or the ring was full */
    uint64_t queue_lost;  /* of the lost: the queue */
    uint64_t ok, challenges, busy, refusals; /* replies taken: 200, 401, 503, any other final one */
    uint64_t unanswered;                     /* transactions that Timer F ended */
    uint64_t first;                          /* answered before anything was sent again */
    uint64_t stray;                          /* replies to no transaction under way */
    uint64_t wrong;                          /* replies that do not answer their request */
    uint64_t strange;                        /* frames that are no reply to us */
    unsigned status;                         /* of the first of the refusals */
    uint32_t registered;                     /* phones, for the first time */
    uint32_t mark[CROWD_MARKS];              /* when 50, 90, 99 and 100 % were; 0: they were not */
    uint32_t late; /* ticks that this program was behind its phones at worst */
};

struct crowd;

/* NULL, with a line on stderr: a request does not fit into a frame. */
struct crowd *crowd_new(const struct crowd_options *options, struct wire *wire);
void crowd_free(struct crowd *crowd);

/* Takes a frame that came at `now`. The buffer can be read as check_reply says. */
void crowd_take(struct crowd *crowd, uint32_t now, const uint8_t *frame, uint32_t len);

/* Does what is due by `now`, but no more than a burst of it, and sends. Whether it did anything. */
bool crowd_turn(struct crowd *crowd, uint32_t now);

const struct crowd_counts *crowd_counts(struct crowd *crowd);
const struct crowd_phone *crowd_phone(const struct crowd *crowd, uint32_t number);

/* From power to the first 200, of those that have it. */
const struct histogram *crowd_waited(const struct crowd *crowd);
/* Of each transaction that drew a final reply, from its first message on. */
const struct histogram *crowd_answered(const struct crowd *crowd);

#endif
