/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker under overload tells its registrar, and what the registrar makes of it: who is
 * served, and who draws 503 (overload.h has the other half, which finds out).
 *
 *   class        who                                                                shed
 *   unknown      nothing speaks for the source                                      first
 *   new          its nonce, its prefix or the policy speaks for it, but the AoR has
 *                no live binding from there                                         then
 *   refresh      the AoR has a live binding from this source address                last
 *
 * Two resources are controlled apart: the worker, which all need, and the verifiers, which only
 * domains with digest do. A class is admitted in parts of 65,536; which requests these are, the
 * keyed hash of the datagram and the half second that it comes in decide: copies of it fare alike,
 * a phone's next try has another chance.
 *
 * Of one worker; written by it between two bursts, read by its registrar. */
#ifndef BD_SHED_H
#define BD_SHED_H

#include "str.h"

enum bd_class { BD_CLASS_UNKNOWN, BD_CLASS_NEW, BD_CLASS_REFRESH, BD_CLASS_CNT };
/* By what a request needs. */
enum bd_need { BD_NEED_WORKER, BD_NEED_VERIFIER, BD_NEED_CNT };

#define BD_ADMIT_ALL 65536U

struct bd_shedding {
    bool active; /* something is shed: the rest is looked at */
    /* Nothing of the unknown is admitted: only one of BD_FLOOD_ANSWERED of them draws its 503. */
    bool flood;
    /* Phones that are not served draw nothing: they come again sooner so (overload.h). */
    bool silent;
    uint32_t admit[BD_NEED_CNT][BD_CLASS_CNT]; /* parts of BD_ADMIT_ALL */
    /* The worker is behind: datagrams of strangers are dropped unread but for their turns
     * (strangers.h). So they cost it little, and requests that came by a turn are refused for the
     * verifiers' sake alone, in these parts. Known sources have turns, too: a phone whose binding
     * ran out, as the flood took its refreshes, is let in again like a stranger at least. */
    bool guard;
    uint32_t turns[BD_NEED_CNT][BD_CLASS_CNT];
    /* Requests of neighbours that asked for feedback (RFC 7339), by the registrar while active. */
    uint32_t asked[BD_NEED_CNT][BD_CLASS_CNT];
    struct bd_str oc; /* what they are told: the parameters of the Via */
};

#define BD_FLOOD_ANSWERED 16

#endif
