/* SPDX-License-Identifier: BSD-3-Clause */
#include "health.h"

#include <stdlib.h>
#include <unistd.h>

#include "census.h"
#include "clock.h"
#include "peer.h"
#include "shedding.h"
#include "verifier.h"

enum { TICK_MS = 100, ALARM_TICKS = 10, EXIT_TICKS = 30, COMING_TICKS = 20, CALM_TICKS = 30 };

/* A number that changes as long as somebody turns. */
struct pulse {
    uint64_t last;
    unsigned still_ticks;
};

struct bd_health {
    struct bd_control *control;
    struct event *timer;
    struct pulse verifier[BD_VERIFIERS_MAX], worker[BD_WORKERS_MAX], dataplane, shed, unscreened;
    uint64_t shed_before, unscreened_before; /* the alarm */
    uint64_t screened;                       /* when the last one was not */
    unsigned absent_ticks;
    bool seen; /* a dataplane, ever */
};

/* For how many ticks it has stood still. */
static unsigned feel(struct pulse *pulse, uint64_t now)
{
    pulse->still_ticks = now == pulse->last ? pulse->still_ticks + 1 : 0;
    pulse->last = now;
    return pulse->still_ticks;
}

/* --- verifiers -------------------------------------------------------------------------------- */

/* Of the workers that a thread serves. */
static uint32_t jobs_waiting(const struct bd_control *control, unsigned thread)
{
    uint32_t cnt = 0;
    for (unsigned w = thread; w < bd_control_workers(control); w += control->started->verifiers)
        cnt += bd_ring_used(bd_channel_of(&control->arena, w).jobs);
    return cnt;
}

_Noreturn static void give_up(struct bd_control *control, unsigned thread, unsigned ticks)
{
    bd_log(BD_LOG_ERROR,
           "verifier thread %u is stuck for %u ms: exiting, to be started anew by the service "
           "manager",
           thread, ticks * TICK_MS);
    atomic_store(&bd_control_line(control, BD_ROLE_CONTROL)->serving, 0);
    _exit(1);
}

static void look_at_verifiers(struct bd_health *health)
{
    struct bd_control *control = health->control;
    bool stuck = false;
    for (unsigned i = 0; i < control->started->verifiers; i++) {
        struct bd_verifier_stats stats;
        bd_verifiers_stats(control->verifiers, i, &stats);
        unsigned ticks = feel(&health->verifier[i], stats.heartbeat_ms);
        if (ticks >= EXIT_TICKS)
            give_up(control, i, ticks);
        if (ticks < ALARM_TICKS)
            continue;
        stuck = true;
        bd_alarm_raise(control->alarms, BD_ALARM_VERIFIER,
                       "verifier thread %u has not turned for %u ms, %u jobs wait for it", i,
                       ticks * TICK_MS, jobs_waiting(control, i));
    }
    if (!stuck)
        bd_alarm_clear(control->alarms, BD_ALARM_VERIFIER);
}

/* --- the dataplane ---------------------------------------------------------------------------- */

static bool absent(struct bd_health *health)
{
    if (bd_peer_alive(health->control->peer)) {
        health->absent_ticks = 0;
        health->seen = true;
        return false;
    }
    if (!health->seen && ++health->absent_ticks < COMING_TICKS)
        return true; /* they may start in any order */
    bd_alarm_raise(health->control->alarms, BD_ALARM_DATAPLANE,
                   "bindery-dataplane is %s: nobody answers phones",
                   health->seen ? "gone" : "not there");
    return true;
}

static bool hangs(struct bd_health *health)
{
    struct bd_control *control = health->control;
    uint64_t beat_ms = atomic_load_explicit(
        &bd_control_line(control, BD_ROLE_DATAPLANE)->heartbeat_ms, memory_order_relaxed);
    unsigned ticks = feel(&health->dataplane, beat_ms);
    if (ticks == ALARM_TICKS)
        atomic_fetch_add(&bd_control_line(control, BD_ROLE_CONTROL)->peer_hangs, 1);
    if (ticks >= ALARM_TICKS)
        bd_alarm_raise(control->alarms, BD_ALARM_DATAPLANE,
                       "the main thread of bindery-dataplane has not turned for %u ms",
                       ticks * TICK_MS);
    return ticks >= ALARM_TICKS;
}

/* For how many ticks the worker that stands still longest has; its number. */
static unsigned feel_workers(struct bd_health *health, unsigned *worst)
{
    unsigned most = 0;
    for (unsigned w = 0; w < bd_control_workers(health->control); w++) {
        const struct bd_worker_stats *stats = bd_control_stats(health->control, w);
        unsigned ticks = feel(&health->worker[w], bd_stat_read(&stats->counter[BD_CTR_POLLS]));
        if (ticks > most) {
            most = ticks;
            *worst = w;
        }
    }
    return most;
}

/* Only one of the two was restarted after a change: workers that control does not know have no
 * verifier, and nobody comes for what it asks of those that are not there. */
static bool workers_differ(struct bd_health *health)
{
    struct bd_control *control = health->control;
    unsigned there = atomic_load(&bd_control_line(control, BD_ROLE_DATAPLANE)->workers);
    unsigned known = bd_control_workers(control);
    if (there != known)
        bd_alarm_raise(control->alarms, BD_ALARM_DATAPLANE,
                       "bindery-dataplane runs %u worker(s), bindery-control serves %u: restart "
                       "both with the same dataplane.workers",
                       there, known);
    return there != known;
}

static void forget_dataplane(struct bd_health *health)
{
    memset(health->worker, 0, sizeof(health->worker));
    memset(&health->dataplane, 0, sizeof(health->dataplane));
}

static void look_at_dataplane(struct bd_health *health)
{
    if (absent(health) || !bd_peer_serving(health->control->peer)) {
        forget_dataplane(health); /* not there, or it starts or stops */
        return;
    }
    struct bd_alarms *alarms = health->control->alarms;
    unsigned worker = 0, ticks = feel_workers(health, &worker);
    if (hangs(health) || workers_differ(health))
        return;
    if (ticks >= ALARM_TICKS)
        bd_alarm_raise(alarms, BD_ALARM_DATAPLANE,
                       "worker %u has not turned for %u ms: restart bindery-dataplane", worker,
                       ticks * TICK_MS);
    else
        bd_alarm_clear(alarms, BD_ALARM_DATAPLANE);
}

/* --- the arena -------------------------------------------------------------------------------- */

/* Both go on in the memory that they have, but no successor of either finds it. */
static void look_at_arena(struct bd_health *health)
{
    struct bd_control *control = health->control;
    if (bd_arena_in_place(&control->arena))
        bd_alarm_clear(control->alarms, BD_ALARM_ARENA);
    else
        bd_alarm_raise(control->alarms, BD_ALARM_ARENA,
                       "%s was removed or replaced: restart both processes together, one alone "
                       "would not find the other; what the journal has comes back",
                       control->arena.path);
}

static void look_at_table(struct bd_health *health)
{
    struct bd_control *control = health->control;
    bd_census_note_refused(control->census, bd_control_judged(control, BD_SIP_TABLE_FULL),
                           bd_clock_ms());
}

/* --- overload --------------------------------------------------------------------------------- */

/* Raised by the first request that is shed, over when none was for a while. */
static void look_at_overload(struct bd_health *health)
{
    struct bd_alarms *alarms = health->control->alarms;
    uint64_t sum = bd_shedding_sum(health->control);
    uint64_t before = health->shed.last;
    unsigned ticks = feel(&health->shed, sum);
    if (ticks >= CALM_TICKS) {
        bd_alarm_clear(alarms, BD_ALARM_OVERLOAD);
        health->shed_before = sum;
    } else if (ticks == 0 && sum > before) {
        bd_alarm_raise(alarms, BD_ALARM_OVERLOAD,
                       "requests draw 503 or no answer, %llu so far: see `show overload`",
                       (unsigned long long)(sum - health->shed_before));
    }
}

/* --- screening -------------------------------------------------------------------------------- */

static uint64_t screened(const struct bd_control *control)
{
    return bd_control_counted(control, BD_CTR_SCREEN_SCANNED) +
           bd_control_counted(control, BD_CTR_SCREEN_SKIPPED);
}

/* Raised by the first request that went through unscreened. Over when for a second none did while
 * others were screened: without traffic nobody knows; or when there is nothing to screen for. */
static void look_at_screening(struct bd_health *health)
{
    struct bd_control *control = health->control;
    uint64_t sum = bd_control_counted(control, BD_CTR_SCREEN_FAILED);
    bool more = sum != health->unscreened.last;
    unsigned ticks = feel(&health->unscreened, sum);
    if (more) {
        health->screened = screened(control);
        bd_alarm_raise(control->alarms, BD_ALARM_SCREENING,
                       "%llu requests went through unscreened: bindery-dataplane cannot use the "
                       "rules that bindery-control compiled: start both with the same Hyperscan",
                       (unsigned long long)(sum - health->unscreened_before));
    } else if (control->config->rule_cnt == 0 ||
               (ticks >= ALARM_TICKS && screened(control) != health->screened)) {
        bd_alarm_clear(control->alarms, BD_ALARM_SCREENING);
        health->unscreened_before = sum;
    }
}

/* --- the object ------------------------------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    look_at_verifiers(arg);
    look_at_dataplane(arg);
    look_at_arena(arg);
    look_at_table(arg);
    look_at_overload(arg);
    look_at_screening(arg);
}

struct bd_health *bd_health_new(struct bd_control *control, struct bd_error *error)
{
    struct bd_health *health = calloc(1, sizeof(*health));
    struct timeval tick = {.tv_usec = TICK_MS * 1000};
    if (health) {
        health->control = control;
        /* An arena outlives us: what was shed before is no news. */
        health->shed.last = health->shed_before = bd_shedding_sum(control);
        health->unscreened.last = health->unscreened_before =
            bd_control_counted(control, BD_CTR_SCREEN_FAILED);
        health->timer = event_new(control->base, -1, EV_PERSIST, on_tick, health);
    }
    if (!health || !health->timer || event_add(health->timer, &tick) < 0) {
        bd_health_free(health);
        bd_fail(error, "out of memory");
        return NULL;
    }
    return health;
}

void bd_health_free(struct bd_health *health)
{
    if (!health)
        return;
    if (health->timer)
        event_free(health->timer);
    free(health);
}

uint32_t bd_health_stalled_ms(const struct bd_health *health, unsigned worker)
{
    unsigned ticks = health->worker[worker].still_ticks;
    return ticks > 1 ? ticks * TICK_MS : 0; /* one may be a matter of phase */
}
