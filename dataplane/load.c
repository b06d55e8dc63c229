/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker sees of its own load, for overload control, and what control sees of that. */
#include "worker_private.h"

static void publish(struct bd_worker *w)
{
    const struct bd_overload *o = &w->overload;
    struct bd_worker_stats *stats = w->stats;
    /* Relaxed: gauges for people. */
    atomic_store_explicit(&stats->overload_wait_us, o->wait_us, memory_order_relaxed);
    for (unsigned n = 0; n < BD_NEED_CNT; n++) {
        for (unsigned c = 0; c < BD_CLASS_CNT; c++)
            atomic_store_explicit(&stats->overload_shed[n][c],
                                  BD_ADMIT_ALL - o->shedding.admit[n][c], memory_order_relaxed);
    }
}

void bd_worker_watch_load(struct bd_worker *w, uint64_t now_tsc, bool burst_full)
{
    _Static_assert(BD_NEED_CNT == 2 && BD_CLASS_CNT == 3, "as in struct bd_worker_stats");
    struct bd_overload *o = &w->overload;
    const struct bd_pending *pending = &w->pending;
    const struct bd_policy *policy = w->policy;
    bool aimed =
        o->target_us == policy->overload_target_us && o->silence_ms == policy->overload_silence_ms;
    if (!aimed)
        bd_overload_aim(o, policy->overload_target_us, policy->overload_silence_ms);
    struct bd_load load = {.now_tsc = now_tsc,
                           .wall_ms = w->wall_ms,
                           .burst_full = burst_full,
                           .waiting = BD_PENDING_MAX - (uint32_t)pending->free_cnt};
    if (load.waiting)
        load.oldest_tsc = pending->entry[pending->oldest].received_tsc;
    if (bd_overload_turn(o, &load) || !aimed)
        publish(w);
}
