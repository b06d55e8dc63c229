/* SPDX-License-Identifier: BSD-3-Clause */
/* One trial: requests offered at a fixed rate, whatever the answers do (open loop). Request i is
 * meant for begin + i / rate; its latency counts from then, not from when it was sent, so a
 * generator or server that falls behind cannot hide it. One thread sends and receives. */
#ifndef BENCH_SOCKET_TRIAL_H
#define BENCH_SOCKET_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

enum { LATENCY_BUCKETS = 64 * 64 };

struct plan {
    int fd;              /* a connected UDP socket, the same in all trials; with SO_RXQ_OVFL */
    uint16_t trial;      /* different for each trial of a run */
    uint32_t first, cnt; /* addresses of record first .. first + cnt - 1, in a scattered order */
    uint32_t cseq;       /* of the first pass over them; each further pass adds one */
    uint64_t requests;
    double rate_per_s;
};

struct outcome {
    uint64_t sent, accepted;
    uint64_t wrong; /* replies that were not the 200 of a request of this trial, came twice or after
                       T1 */
    char first_wrong[64]; /* its status line */
    uint64_t late_ns;     /* by how much the generator itself was behind its plan at the end */
    uint32_t
        overflow_cnt;  /* replies that its socket had no room for: it did not fetch them in time */
    double rate_per_s; /* requests by the time that sending them took */
    uint64_t latency_cnt[LATENCY_BUCKETS];
    uint64_t latency_max_ns;
    uint64_t gap_ns; /* longest time between two replies, one after the other */
};

/* Runs it: returns when all are answered, or T1 (500 ms) after the last sign of life. */
void trial_run(const struct plan *plan, struct outcome *outcome);

/* Registers all of them as fast as they are answered, a window at a time, and repeats what was
 * lost. Returns false when a reply is not the 200 expected, or repeating has brought no answer for
 * ten seconds. */
bool trial_fill(const struct plan *plan);

/* Sends the first request of the plan and waits a moment for its 200. Returns whether it came. */
bool trial_first(const struct plan *plan);

/* Nanoseconds that the part `fraction` of the requests stayed below, to 1.6 %. */
uint64_t outcome_quantile(const struct outcome *outcome, double fraction);

/* Monotonic. */
uint64_t now_ns(void);

#endif
