/* SPDX-License-Identifier: BSD-3-Clause */
#include "overload.h"

#include <string.h>

enum { INTERVALS_PER_S = 100, INTERVAL_MS = 1000 / INTERVALS_PER_S };
/* oc-validity (RFC 7339 4.3), ms. */
#define OC_VALIDITY "500"

/* --- the law ---------------------------------------------------------------------------------- */

/* Waits are in targets, levels in steps, both in parts of ONE. A level falls slowly where a queue
 * stood at some turn of the interval, faster where none did. */
enum { ONE = 256, WAIT_MAX = 16 * ONE, RISE_MAX = 16 * ONE, FALL_BUSY = ONE, FALL_FREE = 4 * ONE };

static int32_t in_targets(uint64_t wait_tsc, uint64_t target_tsc)
{
    uint64_t wait =
        wait_tsc < target_tsc * (WAIT_MAX / ONE) ? wait_tsc * ONE / target_tsc : WAIT_MAX;
    return (int32_t)wait;
}

/* Proportional to what the wait is above the target, and to what it grew: PIE's law (RFC 8033 4.2).
 * With a step of 4 % the second is near what damps it critically. Growth alone begins nothing: a
 * queue that has not stood for the target may be what a pause left behind. */
static int32_t change(const struct bd_loop *loop, int32_t wait)
{
    enum { GROWTH = 8 };
    int32_t change = wait - ONE + GROWTH * (wait - loop->wait);
    if (!loop->busy || (loop->level_parts == 0 && wait < ONE))
        return -FALL_FREE;
    return change > RISE_MAX ? RISE_MAX : change < -FALL_BUSY ? -FALL_BUSY : change;
}

static void move_level(struct bd_loop *loop, uint64_t target_tsc)
{
    int32_t wait = in_targets(loop->least_tsc, target_tsc);
    int32_t level = loop->level_parts + change(loop, wait);
    int32_t max = (int32_t)loop->level_max * ONE;
    loop->level_parts = level < 0 ? 0 : level > max ? max : level;
    loop->level = (uint32_t)loop->level_parts / ONE;
    loop->wait = wait;
    loop->least_tsc = UINT64_MAX;
    loop->busy = false;
}

uint32_t bd_overload_admits(uint32_t level, enum bd_class class_)
{
    /* 65,536 / 2^(i/16) */
    static const uint32_t part[BD_LEVELS_PER_OCTAVE] = {65536, 62757, 60097, 57549, 55109, 52773,
                                                        50535, 48393, 46341, 44376, 42495, 40693,
                                                        38968, 37316, 35734, 34219};
    uint32_t from = (uint32_t)class_ * BD_LEVELS_PER_CLASS;
    if (level <= from)
        return BD_ADMIT_ALL;
    level -= from;
    return level < BD_LEVELS_PER_CLASS
               ? part[level % BD_LEVELS_PER_OCTAVE] >> level / BD_LEVELS_PER_OCTAVE
               : 0;
}

/* --- what the registrar is told --------------------------------------------------------------- */

static uint32_t product(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b / BD_ADMIT_ALL);
}

/* Whether who is refused had better come again by himself. `wait_tsc`: for a verifier. */
static bool is_silent(const struct bd_overload *o, uint64_t wait_tsc, uint64_t now_tsc)
{
    return wait_tsc <= o->interval_tsc * (BD_T1_MS / INTERVAL_MS) &&
           now_tsc - o->calm_tsc < o->tsc_per_us * 1000 * o->silence_ms;
}

static void set_admit(struct bd_overload *o)
{
    struct bd_shedding *s = &o->shedding;
    uint32_t worker = o->loop[BD_NEED_WORKER].level, verifier = o->loop[BD_NEED_VERIFIER].level;
    for (unsigned c = 0; c < BD_CLASS_CNT; c++) {
        uint32_t all = bd_overload_admits(worker, (enum bd_class)c);
        bool kept = o->tight && c != BD_CLASS_REFRESH;
        s->turns[BD_NEED_WORKER][c] = BD_ADMIT_ALL;
        s->turns[BD_NEED_VERIFIER][c] = kept ? 0 : bd_overload_admits(verifier, (enum bd_class)c);
        s->admit[BD_NEED_WORKER][c] = all;
        s->admit[BD_NEED_VERIFIER][c] = product(all, s->turns[BD_NEED_VERIFIER][c]);
    }
    s->guard = worker > 0;
    s->active = worker > 0 || verifier > 0 || o->tight;
    s->flood = worker >= BD_LEVELS_PER_CLASS || verifier >= BD_LEVELS_PER_CLASS;
}

void bd_overload_init(struct bd_overload *overload, uint64_t tsc_hz)
{
    memset(overload, 0, sizeof(*overload));
    overload->interval_tsc = tsc_hz / INTERVALS_PER_S;
    overload->tsc_per_us = tsc_hz / 1000000;
    overload->us_per_tsc_q32 = (1000000ULL << 32) / tsc_hz;
    static const uint32_t level_max[] = {
        [BD_NEED_WORKER] = BD_LEVEL_WORKER_MAX, [BD_NEED_VERIFIER] = BD_LEVEL_VERIFIER_MAX};
    for (unsigned i = 0; i < BD_NEED_CNT; i++)
        overload->loop[i] = (struct bd_loop){.least_tsc = UINT64_MAX, .level_max = level_max[i]};
    overload->shedding.silent = true;
    set_admit(overload);
}

/* --- feedback (RFC 7339) ---------------------------------------------------------------------- */

uint32_t bd_overload_loss(const struct bd_overload *overload)
{
    uint64_t all = 0, shed = 0;
    for (unsigned n = 0; n < BD_NEED_CNT; n++) {
        for (unsigned c = 0; c < BD_CLASS_CNT; c++) {
            uint64_t asked = overload->asked[n][c];
            all += asked;
            shed += asked * (BD_ADMIT_ALL - overload->shedding.admit[n][c]);
        }
    }
    return all ? (uint32_t)(shed * 100 / (all * BD_ADMIT_ALL)) : 0;
}

/* Their mix of the last half second or so. */
static void take_asked(struct bd_overload *o)
{
    enum { DECAY_LOG2 = 5 };
    for (unsigned n = 0; n < BD_NEED_CNT; n++) {
        for (unsigned c = 0; c < BD_CLASS_CNT; c++) {
            uint32_t *asked = &o->asked[n][c];
            *asked -= (*asked + (1U << DECAY_LOG2) - 1) >> DECAY_LOG2;
            *asked += o->shedding.asked[n][c];
            o->shedding.asked[n][c] = 0;
        }
    }
}

static char *put(char *p, const char *text)
{
    size_t len = strlen(text);
    memcpy(p, text, len);
    return p + len;
}

/* With zeros before it. */
static char *put_digits(char *p, uint64_t n, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, n /= 10)
        p[i - 1] = (char)('0' + n % 10);
    return p + digits;
}

/* oc-seq (4.4) is the time of day in seconds, as the RFC's examples have it; it never goes back
 * while the process lives, though the clock may. */
static void write_oc(struct bd_overload *o, uint64_t wall_ms)
{
    uint64_t next_ms = o->oc_sequence_ms + 1;
    o->oc_sequence_ms = wall_ms > next_ms ? wall_ms : next_ms;
    uint32_t loss = bd_overload_loss(o);
    char *p = put(o->oc_text, "oc=");
    p = put_digits(p, loss, loss == 100 ? 3 : loss > 9 ? 2 : 1);
    p = put(p, loss ? ";oc-algo=\"loss\";oc-validity=" OC_VALIDITY
                    : ";oc-algo=\"loss\";oc-validity=0");
    p = put(p, ";oc-seq=");
    p = put_digits(p, o->oc_sequence_ms / 1000, 10);
    *p++ = '.';
    p = put_digits(p, o->oc_sequence_ms % 1000, 3);
    o->shedding.oc = (struct bd_str){o->oc_text, (uint32_t)(p - o->oc_text)};
}

/* --- turns ------------------------------------------------------------------------------------ */

static void measure(struct bd_loop *loop, uint64_t wait_tsc, bool stands)
{
    loop->least_tsc = wait_tsc < loop->least_tsc ? wait_tsc : loop->least_tsc;
    loop->busy |= stands;
}

/* A turn that took a whole interval had no core for most of it. What came meanwhile is no queue
 * yet: the port's is told anew from here, and verdicts may lie there to be taken. */
static bool was_paused(struct bd_overload *o, uint64_t now_tsc)
{
    bool paused = now_tsc - o->turned_tsc > o->interval_tsc;
    o->turned_tsc = now_tsc;
    if (paused)
        o->drained_tsc = now_tsc;
    return paused;
}

static void end_interval(struct bd_overload *o, const struct bd_load *load)
{
    uint64_t wait_tsc = 0, verifier_tsc = o->loop[BD_NEED_VERIFIER].least_tsc;
    for (unsigned i = 0; i < BD_NEED_CNT; i++) {
        struct bd_loop *loop = &o->loop[i];
        wait_tsc = loop->least_tsc > wait_tsc ? loop->least_tsc : wait_tsc;
        move_level(loop, o->target_tsc);
    }
    unsigned __int128 wait_us = (unsigned __int128)wait_tsc * o->us_per_tsc_q32 >> 32;
    o->wait_us = wait_us < UINT32_MAX ? (uint32_t)wait_us : UINT32_MAX;
    o->begun_tsc = load->now_tsc;
    set_admit(o);
    o->shedding.silent = is_silent(o, verifier_tsc, load->now_tsc);
    take_asked(o);
    write_oc(o, load->wall_ms);
}

void bd_overload_aim(struct bd_overload *overload, uint32_t target_us, uint32_t silence_ms)
{
    overload->target_us = target_us;
    overload->silence_ms = silence_ms;
    overload->shedding.silent &= silence_ms > 0;
    overload->target_tsc = target_us * overload->tsc_per_us;
    if (target_us)
        return;
    for (unsigned i = 0; i < BD_NEED_CNT; i++)
        overload->loop[i].level = 0, overload->loop[i].level_parts = 0;
    overload->tight = false;
    overload->wait_us = 0;
    set_admit(overload);
}

bool bd_overload_turn(struct bd_overload *overload, const struct bd_load *load)
{
    struct bd_overload *o = overload;
    bool many = load->waiting >= BD_OVERLOAD_WAITING_MIN;
    bool tight = load->waiting >= BD_OVERLOAD_WAITING_TIGHT;
    if (o->target_us == 0)
        return false;
    if (!o->shedding.active)
        o->calm_tsc = load->now_tsc;
    if (tight != o->tight) {
        o->tight = tight;
        set_admit(o);
    }
    if (was_paused(o, load->now_tsc))
        return false;
    if (!load->burst_full)
        o->drained_tsc = load->now_tsc;
    measure(&o->loop[BD_NEED_WORKER], load->now_tsc - o->drained_tsc, load->burst_full);
    measure(&o->loop[BD_NEED_VERIFIER], many ? load->now_tsc - load->oldest_tsc : 0, many);
    if (load->now_tsc - o->begun_tsc < o->interval_tsc)
        return false;
    end_interval(o, load);
    return true;
}
