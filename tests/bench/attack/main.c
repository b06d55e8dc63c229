/* SPDX-License-Identifier: BSD-3-Clause */
/* bindery-attack: phones that register while a flood comes in by the same wire, in one thread. */
#include <rte_cycles.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <receive.h>

#include "report.h"

/* The phones' frames stand anywhere among those of the flood, so a ring that is full treats them
 * alike. */
static bool send_due(struct flood *flood, struct crowd *crowd, uint32_t now, unsigned due)
{
    unsigned before = due ? (unsigned)rand() % (due + 1) : 0;
    flood_send(flood, before);
    bool worked = crowd_turn(crowd, now);
    flood_send(flood, due - before);
    return worked || due > 0;
}

static double seconds_since(uint64_t start)
{
    return (double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz();
}

static bool goes_on(const struct options *o, const struct crowd_counts *c, double now_s)
{
    return now_s < o->limit_s && (now_s < o->seconds || c->registered < o->crowd.cnt);
}

static double run(const struct options *o, struct wire *wire, struct crowd *crowd,
                  struct flood *flood)
{
    const struct crowd_counts *counts = crowd_counts(crowd);
    uint64_t start = rte_rdtsc();
    double now_s = 0;
    while (goes_on(o, counts, now_s)) {
        now_s = seconds_since(start);
        uint32_t now = (uint32_t)(now_s * CROWD_TICKS_PER_S);
        bool worked = crowd_receive(wire, crowd, now);
        worked |= send_due(flood, crowd, now, flood_due(flood, now_s - o->head_s));
        if (!worked)
            sched_yield();
    }
    return now_s;
}

/* Till the registrar has read what the ring still holds: no reply for a while. */
static void settle(struct wire *wire, struct crowd *crowd, double now_s)
{
    enum { QUIET_MS = 300 };
    uint64_t start = rte_rdtsc();
    while (seconds_since(start) * 1000 < QUIET_MS) {
        if (crowd_receive(wire, crowd, (uint32_t)(now_s * CROWD_TICKS_PER_S)))
            start = rte_rdtsc();
        sched_yield();
    }
}

int main(int argc, char **argv)
{
    static struct options options;
    static struct wire wire;
    int rc = options_read(&options, argc, argv);
    if (rc != 0)
        return rc < 0 ? 0 : rc;
    mlockall(MCL_CURRENT | MCL_FUTURE);
    struct crowd *crowd = crowd_new(&options.crowd, &wire);
    struct flood *flood = flood_new(&options.flood, &wire);
    if (!crowd || !flood || !wire_open(&wire, &options.wire, 10))
        return 1;
    double ran_s = run(&options, &wire, crowd, flood);
    settle(&wire, crowd, ran_s);
    bool whole = report(&options, crowd, flood, ran_s);
    crowd_free(crowd);
    flood_free(flood);
    wire_close(&wire);
    return whole ? 0 : 1;
}
