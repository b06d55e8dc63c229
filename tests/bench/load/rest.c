/* SPDX-License-Identifier: BSD-3-Clause */
#include "rest.h"

#include <sched.h>
#include <time.h>

/* A twentieth of the time: what the kernel would take. Many short ones, as the requests that are
 * due meanwhile leave late, and that counts as their latency. */
enum { EVERY_US = 400, REST_US = 20 };

void rest_init(struct rest *rest, uint64_t tsc_hz)
{
    bool needed = (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
    *rest = (struct rest){.every_tsc = needed ? tsc_hz / 1000000 * EVERY_US : 0};
}

void rest_now(struct rest *rest, uint64_t now_tsc)
{
    nanosleep(&(struct timespec){.tv_nsec = REST_US * 1000}, NULL);
    rest->next_tsc = now_tsc + rest->every_tsc;
}
