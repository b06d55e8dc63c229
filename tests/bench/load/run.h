/* SPDX-License-Identifier: BSD-3-Clause */
/* One run: so many requests at a rate, open loop.
 *
 * Request i is meant to leave at start + i / rate, whatever became of those before it; it leaves
 * then, or as soon as the ring has room. Its latency counts from the meant time, so a registrar
 * that stands still is charged for all that waited (no coordinated omission).
 *
 * An attempt fails when its reply is wrong, has another status, or is not there within the
 * threshold after the meant time (the Establishment Threshold Time of RFC 7501 3.3.2). No request
 * is sent twice. A rate is kept when nothing fails and the last reply is not far behind the last
 * meant time: else a run would be over before what piles up fails. At most `window` are under way
 * at once, less than the ring holds: were this program stopped by the machine for a while, the
 * replies would find no room, and that loss would not be the registrar's. What it was stopped for
 * is in the outcome (stall_ns), and what the registrar's worker was. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "check.h"
#include "digest.h"
#include "histogram.h"
#include "order.h"
#include "rest.h"
#include "watch.h"
#include "wire.h"

/* A request under way. */
struct run_slot {
    uint64_t sequence; /* 0: free */
    uint64_t meant_tsc, user;
    uint32_t cseq, pass;
    bool second; /* the answer to a challenge */
};

enum { RUN_SLOTS = 8192 };

/* Attempts that were challenged and will be answered, first in first out. */
struct run_challenged {
    uint64_t put, taken;
    struct run_slot slot[RUN_SLOTS];
};

struct run {
    struct wire *wire;
    struct watch watch; /* the registrar's worker */
    struct rest rest;
    double tsc_hz;
    double threshold_s;
    unsigned window;
    uint64_t sequence; /* of the next request */
    struct run_slot slot[RUN_SLOTS];
    struct run_challenged challenged;
};

/* A kind of request: PHONE_MAKES forms, and what the reply must be. */
struct run_kind {
    const struct phone_form *form;
    struct check *check;
    bool learns;        /* the reply is a challenge, whose nonce is kept */
    bool authenticates; /* the request answers one */
};

/* What is sent. With two kinds an attempt is both of them, one after the other: it has succeeded
 * with the second reply (RFC 6076 4.1: a challenge is no registration). */
struct run_plan {
    struct run_kind kind[2];
    bool both;
    struct digest *digest; /* for kinds that need one */
    uint64_t rate, cnt;
    struct order *order; /* who */
    uint32_t first;      /* added to each number of the order */
    uint32_t cseq;       /* that of a first request, with twice the pass added */
    uint32_t nc;         /* nonce count, with the pass added */
    bool to_the_end;     /* also after the first failure */
};

struct run_outcome {
    uint64_t sent, right, failed;
    uint64_t wrong[CHECK_VERDICTS]; /* of the failed, by verdict */
    uint64_t late, lost;            /* of the failed: too late, never */
    uint64_t strange;               /* frames that answered nothing */
    uint64_t read_slowly;           /* replies that were not what the model of their make has */
    unsigned first_status;          /* of the first reply with another status */
    double seconds;                 /* from the first meant time to the last reply */
    uint64_t behind_ns;             /* the last reply, behind the last meant time */
    uint64_t stall_ns;              /* longest turn of the loop */
    uint64_t worker_wait_ns;        /* the worker's core was somebody else's for so long */
    uint64_t stolen_ns;             /* both cores together were another machine's */
    unsigned busy_percent;          /* of the generator's time: turns that sent or received */
    struct histogram latency;
};

void run_init(struct run *run, struct wire *wire, double threshold_s, unsigned window);
void run_execute(struct run *run, const struct run_plan *plan, struct run_outcome *outcome);

/* Whether all were registered, whenever; and whether the rate was kept, too. */
bool run_succeeded(const struct run_plan *plan, const struct run_outcome *outcome);
bool run_kept_rate(const struct run_plan *plan, const struct run_outcome *outcome);

/* Whether the machine, or the host that it is a guest of, took either core away for longer than
 * happens to an idle one. A run that failed then says nothing of the registrar. */
bool run_was_disturbed(const struct run_outcome *outcome);

#endif
