/* SPDX-License-Identifier: BSD-3-Clause */
/* How far the first and the last core are from each other: nanoseconds that a written cache line
 * takes from one to the other, the best of some tries. What crosses a memif or a ring is paid in
 * this coin. A virtual machine's cores may move apart and together again while it runs. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 2000, TRIES = 5 };

/* Invariant: grows by one, odd values by the first core, even ones by the last. Each side's acquire
 * pairs with the other's release. */
static _Alignas(128) _Atomic unsigned ball;

static void pin(long core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void wait_for(unsigned value)
{
    while (atomic_load_explicit(&ball, memory_order_acquire) != value)
        ;
}

static void *play(void *core)
{
    pin(*(long *)core);
    for (unsigned i = 0; i < ROUNDS; i++) {
        wait_for(2 * i + 1);
        atomic_store_explicit(&ball, 2 * i + 2, memory_order_release);
    }
    return NULL;
}

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* The first round waits for the other thread to begin, and is not counted. */
static double one_way_ns(long last)
{
    pthread_t other;
    double begin = 0;
    atomic_store_explicit(&ball, 0, memory_order_relaxed);
    if (pthread_create(&other, NULL, play, &last) != 0)
        return 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        atomic_store_explicit(&ball, 2 * i + 1, memory_order_release);
        wait_for(2 * i + 2);
        begin = i == 0 ? now_ns() : begin;
    }
    double ns = (now_ns() - begin) / (ROUNDS - 1) / 2;
    pthread_join(other, NULL);
    return ns;
}

int main(void)
{
    long last = sysconf(_SC_NPROCESSORS_ONLN) - 1;
    double best = 0;
    if (last < 1)
        return 1;
    pin(0);
    for (unsigned i = 0; i < TRIES; i++) {
        double ns = one_way_ns(last);
        best = best <= 0 || ns < best ? ns : best;
    }
    printf("%.0f\n", best);
    return 0;
}
