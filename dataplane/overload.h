/* SPDX-License-Identifier: BSD-3-Clause */
/* Overload control of one worker: from how long requests wait to how many of each class are served.
 *
 * Two loops, one for the worker itself and one for its verifiers. Each measures a standing queue:
 *
 *   worker     for how long each burst has been full: the port has more than a worker takes at once
 *   verifiers  for how long the oldest request has waited for one, when some dozens do
 *
 * What counts is the least wait of an interval, as in CoDel (Nichols and Jacobson, ACM Queue 10(5),
 * 2012; RFC 8289): a burst of arrivals, or a thread that did not get its core for a while, empties
 * again and is none; a queue that stays above the target for an interval is. Then the level rises,
 * by more the longer the wait, but not while the queue is shrinking already; else it falls.
 *
 *   level    0 ........... 128 ........... 256 ........... 383
 *   shed     unknown 0..100 %, new 0..100 %, refreshes 0..99.6 %
 *
 * One level over ordered classes is DAGOR's (Zhou et al., SoCC 2018). A step of the level changes
 * what is admitted of a class by a sixteenth of an octave, 4 %, so the same law holds for a load of
 * twice the capacity and of a hundred times.
 *
 * What is shed by whom follows from what it saves. A verifier is spared all of its work. A worker
 * that drops what it has read is spared a quarter of it, one that answers 503 hardly any:
 * "discarding a SIP message after spending the resources to parse it is expensive" (RFC 6357 2),
 * and one that refuses all that it reads is busy and serves nobody. So its loop ends at 16, half of
 * the unknown: beyond that its port is so full that most is lost there, whoever sent it, and each
 * request that is served is one that does not come again. What spares it nearly all is not to read:
 * strangers.h, and in the same order. Nothing grows old meanwhile: a port holds some milliseconds
 * of work, and an answer is of use till Timer F, 32 s.
 *
 * And how a phone is told. Whoever draws 503 stays away for Retry-After, or for the half minute
 * that its maker chose, though there may be room a moment later; whoever draws nothing comes again
 * after T1, twice that, and at last each T2, 4 s. RFC 3261 21.5.4 leaves it to the server: "MAY ...
 * drop the request instead". So an overload is silent while
 *
 *   work gets done      nothing has waited for a verifier longer than T1: else requests would come
 *                       again before the first one is answered, and none of them helps
 *   and it is young     T2 if nobody says otherwise (overload_silence_ms): by then each phone has
 *                       tried again, and who has sent in vain for longer had better draw a 503,
 *                       as "no answer" may mean a minute's wait. At most Timer F less T2: phones
 *                       that began with it have one more try then
 *
 * All requests that are silent cost a quarter of their number a second; a million such phones take
 * a worker an eighth of its time. Proxies always get their 503 (RFC 7339 5.10.2): to them silence
 * is a server that is dead.
 *
 * Besides the loops, refreshes have the last quarter of the room for waiting requests to
 * themselves, whatever the level.
 *
 * Single thread, no system call, no allocation. A turn costs a few comparisons; an interval, 10 ms,
 * some hundred nanoseconds. */
#ifndef BD_OVERLOAD_H
#define BD_OVERLOAD_H

#include <stdint.h>

#include "limits.h"
#include "shed.h"

enum { BD_LEVELS_PER_OCTAVE = 16, BD_LEVELS_PER_CLASS = 128 };
#define BD_LEVEL_WORKER_MAX   BD_LEVELS_PER_OCTAVE
#define BD_LEVEL_VERIFIER_MAX (3 * BD_LEVELS_PER_CLASS - 1)
/* Fewer requests that wait for a verifier are no overload, however long they do: a verifier that
 * hangs is the health check's business. */
#define BD_OVERLOAD_WAITING_MIN 64
/* So many leave room for refreshes alone. */
#define BD_OVERLOAD_WAITING_TIGHT (BD_PENDING_MAX / 4 * 3)

/* What a turn saw. */
struct bd_load {
    uint64_t now_tsc, wall_ms;
    bool burst_full;
    uint32_t waiting;    /* for a verifier */
    uint64_t oldest_tsc; /* when the oldest of them was received */
};

struct bd_loop {
    uint64_t least_tsc; /* least wait of this interval */
    int32_t wait;       /* of the one before, in parts of the target */
    int32_t level_parts;
    uint32_t level, level_max;
    bool busy; /* the queue stood at some turn of this interval */
};

struct bd_overload {
    struct bd_shedding shedding;
    struct bd_loop loop[BD_NEED_CNT];
    uint64_t calm_tsc;    /* when nothing was shed last */
    uint64_t drained_tsc; /* when the port was last seen to have less than a burst */
    uint64_t begun_tsc;   /* this interval */
    uint64_t turned_tsc;  /* the last turn */
    bool tight;
    uint64_t target_tsc, interval_tsc;
    uint64_t tsc_per_us, us_per_tsc_q32;
    uint32_t target_us, silence_ms;
    uint32_t wait_us; /* the longer of the two least waits of the last interval */
    uint64_t oc_sequence_ms;
    uint32_t asked[BD_NEED_CNT][BD_CLASS_CNT]; /* shedding.asked of the last intervals, decaying */
    char oc_text[80];
};

/* Nothing is shed yet. */
void bd_overload_init(struct bd_overload *overload, uint64_t tsc_hz);
/* How long a request may wait; 0: nothing is ever shed. For how long from its begin an overload is
 * silent: at most BD_SILENCE_MAX_MS. */
void bd_overload_aim(struct bd_overload *overload, uint32_t target_us, uint32_t silence_ms);
/* Once a turn, between receiving and serving. Whether an interval ended, so that levels, wait_us
 * and shedding may have changed. */
bool bd_overload_turn(struct bd_overload *overload, const struct bd_load *load);
/* What part of a class a level admits, of BD_ADMIT_ALL. */
uint32_t bd_overload_admits(uint32_t level, enum bd_class class_);
/* RFC 7339 7.1: the part of the requests of those who ask that is shed now, in percent. */
uint32_t bd_overload_loss(const struct bd_overload *overload);

#endif
