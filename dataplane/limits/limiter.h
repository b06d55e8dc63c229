/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's limiter: who is heard at all, how often, and whose credentials are tried.
 *
 *   bd_limiter_use()      once a turn: the policy, the clock
 *   bd_limiter_guard()    and that the worker is behind
 *   bd_limiter_prefetch() for each datagram of a burst, then
 *   bd_limiter_admit()    for each: goes on, or the verdict that it ends in, unread
 *   bd_limiter_took_turn()
 *                         for each that goes on: whether by a turn
 *   bd_limiter_aor()      a registration of an AoR, where it would cost a verifier or a commit
 *   bd_limiter_guess()    credentials, before a verifier has them
 *   bd_limiter_failed()   what a verifier found wrong
 *
 * A failure is charged only to who can be shown to have sent it. A nonce has a mark of the source
 * that it was given to (nonce.h), and nobody sees what is sent to an address that he has forged; so
 * wrong credentials with a source's own nonce are that source's. With another's nonce they are
 * "foreign": they count for themselves, and once there were some, such credentials draw a nonce of
 * their own instead of a verifier. So nobody has somebody else banned, nor his phone refused.
 *
 *   own nonce, wrong   -> (AoR, source)   20, one more each 9 s: enough for a phone that tries its
 *                                         wrong password for ever. Beyond: not tried, and to
 *                      -> source          which also pays for each AoR that it fails at for the
 *                                         first time: failed_per_source, forgiven within an hour.
 *                                         Beyond: banned, twice as long each time
 *   foreign, wrong     -> foreign source  20, one more each 9 s. Beyond: challenged, not tried
 *   all, unless the AoR is registered from that source
 *                      -> AoR             failed_per_aor, one more each 5 s. Beyond: guarded. Who
 *                                         has failed at it lately is not tried for
 *                                         failed_aor_pause; a phone that comes with the right
 *                                         password has not
 *
 * Memory is fixed: rates, and AoRs by name, a worker each; failures and bans for all. */
#ifndef BD_LIMITER_H
#define BD_LIMITER_H

#include "arena.h"
#include "failures.h"
#include "known.h"
#include "policy.h"
#include "rate.h"
#include "refused.h"
#include "stats.h"
#include "strangers.h"

/* The region of the arena. */
struct bd_worker_limits {
    struct bd_rates sources; /* by bd_source_key(), masked */
    struct bd_rates
        aors; /* by hash: of an AoR, and of an AoR and a source where it is registered */
    struct bd_refused refused;
};
struct bd_limits {
    struct bd_failures failures;
    struct bd_known known;
    struct bd_worker_limits worker[];
};
uint64_t bd_limits_footprint(unsigned workers);
static inline struct bd_limits *bd_limits_of(const struct bd_arena *arena)
{
    return bd_arena_region(arena, BD_REGION_LIMITS);
}

/* Forgets what a source was charged with, its bans too, for who lifts one. Any process. */
void bd_limits_forgive(const struct bd_arena *arena, const struct bd_ip *source);

/* Notes that somebody is, or lately was, registered from there. `mask`:
 * bd_policy_limits.source_mask. The dataplane. */
void bd_limits_know(const struct bd_arena *arena, const uint64_t mask[2],
                    const struct bd_ip *source, uint32_t now_s);

struct bd_limiter;
/* NULL: no memory. */
struct bd_limiter *bd_limiter_new(const struct bd_arena *arena, struct bd_worker_stats *stats,
                                  unsigned worker, struct bd_error *error);
void bd_limiter_free(struct bd_limiter *limiter);

/* Of the turn that follows; the policy must stay as long. */
void bd_limiter_use(struct bd_limiter *limiter, const struct bd_policy *policy, uint64_t now_ms);

/* The worker is behind: for a second sources take turns (strangers.h), and of strangers nothing
 * else is read. They are those from which nobody was registered within a day, in neither allow nor
 * never_ban. */
void bd_limiter_guard(struct bd_limiter *limiter);

/* Whether there is anything to ask for datagrams at all. */
bool bd_limiter_is_needed(const struct bd_limiter *limiter);
/* `place` < BD_BURST tells the datagrams of a burst apart. */
void bd_limiter_prefetch(struct bd_limiter *limiter, unsigned place, const struct bd_ip *source);
/* BD_VERDICT_NONE, or BD_FRAME_DENIED, _BANNED, _LIMITED, _UNHEARD. */
enum bd_verdict bd_limiter_admit(struct bd_limiter *limiter, unsigned place,
                                 const struct bd_endpoint *source);

/* Of one that was admitted: whether it took a turn, as known sources do while theirs last. */
bool bd_limiter_took_turn(const struct bd_limiter *limiter, unsigned place);
/* Somebody is registered from there now. */
void bd_limiter_know(struct bd_limiter *limiter, const struct bd_ip *source);

/* An AoR, and who speaks for it. `key` is a keyed hash of the AoR. */
struct bd_limit_claim {
    uint64_t key;
    const struct bd_ip *source;
    struct bd_str aor;
    bool foreign; /* with a nonce that another source was given */
};

void bd_limiter_prefetch_aor(struct bd_limiter *limiter, uint64_t key);
/* Takes a registration from the AoR's bucket. False: it has none left. Then whoever has it
 * registered from this very source asks for the bucket of the two. */
bool bd_limiter_aor(struct bd_limiter *limiter, const struct bd_limit_claim *claim);
bool bd_limiter_aor_known(struct bd_limiter *limiter, const struct bd_limit_claim *claim);
/* Notes the refusal of either kind. BD_SIP_AOR_LIMITED, BD_SIP_AUTH_SLOWED or, when nothing is to
 * be said, BD_SIP_LIMIT_DROP; BD_VERDICT_NONE when refusals are only counted. */
enum bd_verdict bd_limiter_refuse(struct bd_limiter *limiter, const struct bd_limit_claim *claim,
                                  enum bd_verdict verdict);

/* Whether strangers have failed so often that `known` is worth finding out for bd_limiter_guess. */
bool bd_limiter_guards(const struct bd_limiter *limiter, const struct bd_limit_claim *claim);
/* BD_VERDICT_NONE: let them be tried. BD_SIP_AUTH_SLOWED: not now. BD_SIP_STALE: not with that
 * nonce. `known`: the AoR is registered from this source, or the AoR is not guarded. */
enum bd_verdict bd_limiter_guess(struct bd_limiter *limiter, const struct bd_limit_claim *claim,
                                 bool known);
/* `known`: the AoR is registered from this source. */
void bd_limiter_failed(struct bd_limiter *limiter, const struct bd_limit_claim *claim, bool known);

#endif
