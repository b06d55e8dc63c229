/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker itself: made and freed, the turn of its loop, its nap. */
#include "worker_private.h"

#include <rte_cycles.h>
#include <sched.h>
#include <stdlib.h>

#include "clock.h"

/* Turns without work before an adaptive worker naps, and how long it naps at most. */
enum { IDLE_TURNS_BEFORE_NAP = 256, NAP_MAX_US = 500 };

struct bd_worker *bd_worker_new(const struct bd_worker_deps *deps, struct bd_error *error)
{
    struct bd_worker *w = calloc(1, sizeof(*w));
    if (!w) {
        bd_fail(error, "worker %u: out of memory", deps->id);
        return NULL;
    }
    w->deps = *deps;
    w->stats = (struct bd_worker_stats *)bd_arena_region(deps->arena, BD_REGION_STATS) + deps->id;
    w->channel = bd_channel_of(deps->arena, deps->id);
    w->generation = atomic_load(&deps->arena->header->role[BD_ROLE_DATAPLANE].generation);
    w->ns_per_tick_q32 = (1000000000ULL << 32) / rte_get_tsc_hz();
    w->dirty = bd_dirty_of(deps->arena);
    bd_pending_init(&w->pending);
    bd_overload_init(&w->overload, rte_get_tsc_hz());
    for (unsigned i = 0; i < BD_BURST; i++)
        w->parsed[i] = &w->room[i];
    w->limiter = bd_limiter_new(deps->arena, w->stats, deps->id, error);
    struct bd_registrar_deps registrar = {.arena = deps->arena,
                                          .table = deps->table,
                                          .writer = deps->writer,
                                          .stats = w->stats,
                                          .limiter = w->limiter};
    if (w->limiter)
        w->registrar = bd_registrar_new(&registrar, error);
    if (w->registrar)
        w->screener = bd_screener_new(deps->arena, w->stats, deps->phones, error);
    bool holds = deps->held_max == 0 || bd_held_init(&w->held, deps->held_max);
    if (w->screener && holds)
        return w;
    if (!holds)
        bd_fail(error, "worker %u: out of memory", deps->id);
    bd_worker_free(w);
    return NULL;
}

void bd_worker_free(struct bd_worker *worker)
{
    if (!worker)
        return;
    bd_screener_free(worker->screener);
    bd_registrar_free(worker->registrar);
    bd_limiter_free(worker->limiter);
    bd_held_free(&worker->held);
    free(worker);
}

/* The wall clock goes as the other one does but where it steps, or is slewed by more than their
 * milliseconds may be out of phase: what is told of a request is the same when it comes again. A
 * core that was taken away between the two is no step: then the next turn looks again. */
static void read_clocks(struct bd_worker *w)
{
    w->now_ms = bd_clock_ms();
    uint64_t ahead_ms = bd_wall_ms() - w->now_ms;
    if (ahead_ms - w->wall_ahead_ms + 1 > 2 && bd_clock_ms() == w->now_ms)
        w->wall_ahead_ms = ahead_ms;
    w->wall_ms = w->now_ms + w->wall_ahead_ms;
}

static bool turn(struct bd_worker *w)
{
    read_clocks(w);
    w->policy = bd_policy_current(w->deps.arena);
    bd_limiter_use(w->limiter, w->policy, w->now_ms);
    if (w->overload.shedding.guard)
        bd_limiter_guard(w->limiter);
    bd_screener_use(w->screener, w->policy);
    unsigned work = bd_worker_refuse_waiting(w);
    work += bd_worker_serve_burst(w);
    work += bd_worker_take_verdicts(w);
    work += bd_worker_take_commands(w);
    work += bd_worker_take_sweeps(w);
    work += bd_worker_take_outbound(w);
    work += bd_worker_release_held(w);
    bd_worker_flush(w);
    work += bd_writer_quiescent(w->deps.writer);
    bd_stat_add(&w->stats->counter[BD_CTR_POLLS], 1);
    return work > 0;
}

static void nap(struct bd_worker *w)
{
    bd_stat_add(&w->stats->counter[BD_CTR_SLEEPS], 1);
    bd_writer_offline(w->deps.writer);
    bd_nic_wait(w->deps.queue, NAP_MAX_US);
    bd_writer_online(w->deps.writer);
}

/* While a verifier works for us, or the disk, the answer is near: no nap then. But if the verifier
 * waits for this very core it has it now, not when the time slice ends. */
static void rest(struct bd_worker *w, unsigned idle)
{
    if (w->pending.oldest != BD_PENDING_NONE || !bd_held_is_empty(&w->held))
        sched_yield();
    else if (idle > IDLE_TURNS_BEFORE_NAP)
        nap(w);
}

void bd_worker_run(struct bd_worker *w)
{
    unsigned idle = 0;
    /* Relaxed: for people, and for a verifier that shares it. */
    atomic_store_explicit(&w->stats->cpu, (uint64_t)sched_getcpu(), memory_order_relaxed);
    w->wall_ahead_ms = bd_wall_ms() - bd_clock_ms();
    bd_writer_online(w->deps.writer);
    while (!atomic_load_explicit(&w->deps.signals->stop, memory_order_relaxed)) {
        if (turn(w)) {
            idle = 0;
            continue;
        }
        bd_stat_add(&w->stats->counter[BD_CTR_POLLS_IDLE], 1);
        if (w->deps.poll == BD_POLL_ADAPTIVE)
            rest(w, ++idle);
    }
    bd_worker_refuse_all(w);
    bd_worker_flush(w);
    bd_writer_offline(w->deps.writer);
    bd_worker_settle_held(w);
}
