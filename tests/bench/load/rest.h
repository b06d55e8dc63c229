/* SPDX-License-Identifier: BSD-3-Clause */
/* Rests of a generator that runs under SCHED_FIFO (bench_fifo). It polls, so whatever else lives on
 * its core would wait until the kernel takes the core away: for 50 ms in each second, as kernels
 * since 6.12 do. Instead it sleeps now and then, and has the core back when it wakes. */
#ifndef LOAD_REST_H
#define LOAD_REST_H

#include <stdbool.h>
#include <stdint.h>

struct rest {
    uint64_t every_tsc, next_tsc;
};

/* Looks at how the calling thread is scheduled: others than real-time threads need no rest. */
void rest_init(struct rest *rest, uint64_t tsc_hz);

void rest_now(struct rest *rest, uint64_t now_tsc);

/* Sleeps when it is time to. Returns whether it did. */
static inline bool rest_if_due(struct rest *rest, uint64_t now_tsc)
{
    if (rest->every_tsc == 0 || now_tsc < rest->next_tsc)
        return false;
    rest_now(rest, now_tsc);
    return true;
}

#endif
