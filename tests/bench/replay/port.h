/* SPDX-License-Identifier: BSD-3-Clause */
/* The replay port: stands in for nic/ at the seam nic.h, so that the real worker runs without
 * ports.
 *
 *   phase > bd_nic_receive: writes the next requests > worker > bd_nic_send > bd_nic_flush: checks
 *
 * One queue a worker. A closed loop: no more than `window` requests are under way, so nothing is
 * ever refused for want of room, and what is measured is the rate that the worker sustains. The
 * time that the queue itself takes is measured a burst at a time and told beside the result. */
#ifndef REPLAY_PORT_H
#define REPLAY_PORT_H

#include "nic.h"
#include "request.h"

/* What all queues send in one go: one request for each of `bindings` subscribers, in an order that
 * looks random and differs by round. Queue q of `queues` has the subscribers q, q + queues, ... */
struct replay_phase {
    enum replay_method method;
    const char *status; /* that every reply must have */
    unsigned round;     /* 0 .. REPLAY_ROUNDS_MAX; gives CSeq and branch */
    uint32_t bindings, queues, window;
    uint32_t nc;
    /* REPLAY_AUTHORIZED reads them by subscriber; a phase of challenges writes their nonces. */
    struct replay_credentials *credentials;
};

struct replay_outcome {
    uint64_t sent, failed; /* failed: wrong reply or none */
    uint64_t begin_tsc, end_tsc;
    uint64_t tier_tsc, idle_tsc; /* the queue's own; of turns that found nothing to do */
};

struct bd_nic_queue *replay_queue_new(unsigned index, const struct bd_endpoint *local);
void replay_queue_free(struct bd_nic_queue *queue);

/* From the main thread: begins a phase, which must live until it is over, and what came of it.
 * False while it is under way. */
void replay_queue_begin(struct bd_nic_queue *queue, const struct replay_phase *phase);
bool replay_queue_ended(const struct bd_nic_queue *queue, struct replay_outcome *outcome);

#endif
