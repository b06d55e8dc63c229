/* SPDX-License-Identifier: BSD-3-Clause */
/* bindery-avalanche: a million phones after a power cut, in one thread. */
#include <rte_cycles.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>

#include "curve.h"
#include "options.h"
#include "receive.h"
#include "report.h"
#include <watch.h>

/* Whoever else has work on this core may have the turns that had none: what carries replies over a
 * veth is a thread of the kernel. */
static uint32_t run(struct wire *wire, struct crowd *crowd, struct curve *curve, double limit_s)
{
    const struct crowd_counts *counts = crowd_counts(crowd);
    double ticks_per_tsc = CROWD_TICKS_PER_S / (double)rte_get_tsc_hz();
    uint32_t now = 0, limit = (uint32_t)(limit_s * CROWD_TICKS_PER_S);
    uint64_t start = rte_rdtsc();
    while (now < limit && counts->mark[CROWD_MARKS - 1] == 0) {
        now = (uint32_t)((double)(rte_rdtsc() - start) * ticks_per_tsc);
        bool worked = crowd_receive(wire, crowd, now);
        worked |= crowd_turn(crowd, now);
        curve_note(curve, now, crowd);
        if (!worked)
            sched_yield();
    }
    return now;
}

int main(int argc, char **argv)
{
    static struct options options;
    static struct wire wire;
    struct curve curve;
    struct watch watch;
    int rc = options_read(&options, argc, argv);
    if (rc != 0)
        return rc < 0 ? 0 : rc;
    /* No page of the phones is to be touched for the first time in the second that counts. */
    if (mlockall(MCL_CURRENT | MCL_FUTURE))
        perror("bindery-avalanche: mlockall");
    struct crowd *crowd = crowd_new(&options.crowd, &wire);
    if (!crowd ||
        !curve_open(&curve, options.csv, options.series, options.crowd.cnt, options.step_s) ||
        !watch_open(&watch, options.watch) || !wire_open(&wire, &options.wire, 10))
        return 1;
    uint64_t waited_ns = watch_waited_ns(&watch);
    uint32_t now = run(&wire, crowd, &curve, options.limit_s);
    waited_ns = watch_waited_ns(&watch) - waited_ns;
    bool whole = report(crowd, options.crowd.cnt, now, waited_ns);
    whole = curve_close(&curve, now, crowd) && whole;
    crowd_free(crowd);
    wire_close(&wire);
    return whole ? 0 : 1;
}
