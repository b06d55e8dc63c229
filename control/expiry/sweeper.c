/* SPDX-License-Identifier: BSD-3-Clause */
#include "sweeper.h"

#include <stdlib.h>

#include "clock.h"

enum { STEP = 2048, TICKS_PER_ROUND = BD_SWEEP_ROUND_MS / BD_SWEEP_TICK_MS };

struct bd_sweeper {
    struct bd_control *control;
    struct event *timer, *again;
    bool paused;
    uint32_t cursor;
    uint64_t walked;   /* buckets of this round so far */
    uint64_t total;    /* buckets of a round; 0 before the first is over */
    uint64_t share;    /* buckets left to walk in this tick */
    uint64_t next_ms;  /* when the next share is due */
    uint64_t began_ms; /* when this round began */
    struct bd_sweeper_numbers numbers;
};

/* Hands due buckets to their workers; returns how many before one that a full ring did not take. */
static unsigned send_due(struct bd_sweeper *sweeper, const uint32_t *buckets, unsigned cnt)
{
    struct bd_control *control = sweeper->control;
    for (unsigned i = 0; i < cnt; i++) {
        unsigned worker = buckets[i] % bd_control_workers(control);
        struct bd_ring *ring = bd_channel_of(&control->arena, worker).sweeps;
        uint64_t *place = bd_ring_reserve(ring);
        if (!place)
            return i;
        *place = buckets[i];
        bd_ring_publish(ring);
        sweeper->numbers.sent++;
    }
    return cnt;
}

static void begin_round(struct bd_sweeper *sweeper, uint64_t now_ms)
{
    sweeper->cursor = 0;
    sweeper->walked = 0;
    sweeper->began_ms = now_ms;
}

static void end_round(struct bd_sweeper *sweeper, uint64_t now_ms)
{
    sweeper->numbers.rounds++;
    sweeper->numbers.round_ms = now_ms - sweeper->began_ms;
    sweeper->total = sweeper->walked;
    begin_round(sweeper, now_ms);
}

/* One step of the walk. False when the tick is over: the share is used up, the table has been seen
 * to its end, or a ring is full. */
static bool step(struct bd_sweeper *sweeper, uint64_t now_ms)
{
    uint32_t due[STEP];
    unsigned cnt;
    uint32_t from = sweeper->cursor;
    bool more = bd_table_due(&sweeper->control->table, &sweeper->cursor, STEP,
                             (uint32_t)(now_ms / 1000), due, STEP, &cnt);
    unsigned sent = send_due(sweeper, due, cnt);
    if (sent < cnt) {
        sweeper->cursor = due[sent];
        sweeper->walked += due[sent] - from;
        sweeper->numbers.waits++;
        return false;
    }
    uint64_t seen = sweeper->cursor - from;
    sweeper->walked += seen;
    if (!more) {
        end_round(sweeper, now_ms);
        return false;
    }
    sweeper->share -= seen < sweeper->share ? seen : sweeper->share;
    return sweeper->share > 0;
}

bool bd_sweeper_tick(struct bd_sweeper *sweeper, uint64_t now_ms)
{
    if (sweeper->paused)
        return false;
    if (now_ms >= sweeper->next_ms) {
        sweeper->share = sweeper->total ? sweeper->total / TICKS_PER_ROUND + 1 : UINT64_MAX;
        sweeper->next_ms = now_ms + BD_SWEEP_TICK_MS;
    }
    for (unsigned seen = 0; seen < BD_SWEEP_SLICE && sweeper->share > 0; seen += STEP) {
        if (!step(sweeper, now_ms))
            sweeper->share = 0;
    }
    return sweeper->share > 0;
}

void bd_sweeper_pause(struct bd_sweeper *sweeper, bool pause)
{
    if (sweeper->paused && !pause)
        begin_round(sweeper, bd_clock_ms());
    sweeper->paused = pause;
}

void bd_sweeper_read(const struct bd_sweeper *sweeper, uint64_t now_ms,
                     struct bd_sweeper_numbers *numbers)
{
    *numbers = sweeper->numbers;
    numbers->lag_ms = sweeper->paused ? 0 : now_ms - sweeper->began_ms;
}

/* --- in the event loop ------------------------------------------------------------------------ */

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct bd_sweeper *sweeper = arg;
    if (bd_sweeper_tick(sweeper, bd_clock_ms()))
        bd_next_turn(sweeper->again);
}

struct bd_sweeper *bd_sweeper_new(struct bd_control *control, struct bd_error *error)
{
    struct bd_sweeper *sweeper = calloc(1, sizeof(*sweeper));
    if (!sweeper) {
        bd_fail(error, "out of memory");
        return NULL;
    }
    sweeper->control = control;
    begin_round(sweeper, bd_clock_ms());
    return sweeper;
}

int bd_sweeper_start(struct bd_sweeper *sweeper, struct bd_error *error)
{
    struct event_base *base = sweeper->control->base;
    struct timeval tick = {.tv_usec = BD_SWEEP_TICK_MS * 1000};
    sweeper->again = event_new(base, -1, 0, on_turn, sweeper);
    sweeper->timer = event_new(base, -1, EV_PERSIST, on_turn, sweeper);
    if (!sweeper->again || !sweeper->timer || event_add(sweeper->timer, &tick) < 0)
        return bd_fail(error, "out of memory");
    return 0;
}

void bd_sweeper_free(struct bd_sweeper *sweeper)
{
    if (!sweeper)
        return;
    if (sweeper->timer)
        event_free(sweeper->timer);
    if (sweeper->again)
        event_free(sweeper->again);
    free(sweeper);
}
