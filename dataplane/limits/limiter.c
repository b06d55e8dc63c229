/* SPDX-License-Identifier: BSD-3-Clause */
#include "limiter.h"

#include <stdlib.h>

#include "ban.h"
#include "source.h"

/* Failures of an AoR from one source, and of foreign nonces from one source. A phone that is told a
 * wrong password fails twice or three times in a row, each 30 s. */
enum { PAIR_BURST = 20, PAIR_INTERVAL_S = 9 };
/* Of an AoR, from strangers. */
enum { AOR_INTERVAL_S = 5 };
/* What a source is charged is forgiven within this time. */
enum { SOURCE_FORGIVEN_S = 3600 };

/* What a key of failures stands for, so that no two of them are one. */
enum kind { KIND_SOURCE, KIND_FOREIGN, KIND_AOR, KIND_PAIR };

/* A datagram of the burst. */
struct place {
    uint64_t key, hash;
    bool drawn;
};

struct bd_limiter {
    const struct bd_arena *arena;
    struct bd_worker_stats *stats;
    struct bd_failures *failures;
    struct bd_worker_limits *own;
    struct bd_refused_times refused_times;
    const struct bd_policy *policy;
    uint64_t sequence; /* of the policy that the terms are of */
    struct bd_failure_terms source_terms, pair_terms, aor_terms;
    uint32_t pause;
    bool bans; /* any may be in force */
    struct bd_strangers *strangers;
    uint64_t now, now_ms;
    uint32_t now_s, steps;
    struct place place[BD_BURST];
};

uint64_t bd_limits_footprint(unsigned workers)
{
    return sizeof(struct bd_limits) + workers * sizeof(struct bd_worker_limits);
}

struct bd_limiter *bd_limiter_new(const struct bd_arena *arena, struct bd_worker_stats *stats,
                                  unsigned worker, struct bd_error *error)
{
    struct bd_limiter *l = calloc(1, sizeof(*l));
    if (l)
        l->strangers = bd_strangers_new();
    if (!l || !l->strangers) {
        free(l);
        bd_fail(error, "limits: out of memory");
        return NULL;
    }
    l->arena = arena;
    l->stats = stats;
    l->failures = &bd_limits_of(arena)->failures;
    l->own = &bd_limits_of(arena)->worker[worker];
    return l;
}

void bd_limiter_free(struct bd_limiter *limiter)
{
    if (limiter)
        free(limiter->strangers);
    free(limiter);
}

static void count(struct bd_limiter *l, enum bd_counter counter)
{
    bd_stat_add(&l->stats->counter[counter], 1);
}

static struct bd_failure_terms terms_of(uint32_t burst, uint32_t interval_ms, uint32_t forget_s)
{
    uint32_t interval = bd_failures_steps(interval_ms);
    return (struct bd_failure_terms){.interval = interval,
                                     .tolerance = burst ? (burst - 1) * interval : 0,
                                     .forget = bd_failures_steps(forget_s * 1000ULL)};
}

static void take_policy(struct bd_limiter *l)
{
    const struct bd_policy_limits *p = &l->policy->limits;
    uint32_t source_ms =
        p->failed_per_source ? SOURCE_FORGIVEN_S * 1000U / p->failed_per_source : 0;
    l->sequence = l->policy->sequence;
    l->source_terms = terms_of(p->failed_per_source, source_ms, p->failed_forget_s);
    l->pair_terms = terms_of(PAIR_BURST, PAIR_INTERVAL_S * 1000, 0);
    l->aor_terms = terms_of(p->failed_per_aor, AOR_INTERVAL_S * 1000, 0);
    l->pause = bd_failures_steps(p->failed_aor_pause_s * 1000ULL);
}

void bd_limiter_use(struct bd_limiter *l, const struct bd_policy *policy, uint64_t now_ms)
{
    l->policy = policy;
    if (policy->sequence != l->sequence)
        take_policy(l);
    l->now = bd_rate_now(now_ms);
    l->now_s = (uint32_t)(now_ms / 1000);
    l->steps = bd_failures_now(now_ms);
    l->bans = bd_bans_any(l->arena, l->now_s);
    l->now_ms = now_ms;
}

void bd_limiter_guard(struct bd_limiter *l)
{
    l->strangers->guarded_until_ms = l->now_ms + BD_GUARD_MS;
}

/* --- datagrams -------------------------------------------------------------------------------- */

static bool is_guarded(const struct bd_limiter *l)
{
    return bd_strangers_wait(l->strangers, l->now_ms);
}

bool bd_limiter_is_needed(const struct bd_limiter *l)
{
    return l->policy->limits.source.interval || l->policy->prefix_map_off || l->bans ||
           is_guarded(l);
}

static uint64_t key_of_source(const uint64_t mask[2], const struct bd_ip *source)
{
    return bd_source_key(source) & mask[bd_ip_is_v4(source)];
}

static struct bd_known *known_of(const struct bd_limiter *l)
{
    return &bd_limits_of(l->arena)->known;
}

void bd_limiter_prefetch(struct bd_limiter *l, unsigned place, const struct bd_ip *source)
{
    struct place *p = &l->place[place];
    p->key = key_of_source(l->policy->limits.source_mask, source);
    p->hash = bd_hash64(&l->arena->hash_key, &p->key, sizeof(p->key));
    p->drawn = false;
    bd_rate_prefetch(&l->own->sources, p->hash);
    /* Asked before the datagram is read while strangers wait; noted when somebody is registered. */
    __builtin_prefetch(bd_known_line_of(known_of(l), p->hash));
}

static bool is_shut_out(struct bd_limiter *l, const struct bd_ip *source)
{
    if (!bd_ban_holds(l->arena, source, l->now_s) || !bd_policy_may_ban(l->policy, source))
        return false;
    if (!l->policy->bans_enforced)
        count(l, BD_CTR_BANNED_PASSED);
    return l->policy->bans_enforced;
}

static bool is_too_fast(struct bd_limiter *l, const struct place *p)
{
    const struct bd_policy_limits *limits = &l->policy->limits;
    if (!limits->source.interval ||
        bd_rate_take(&l->own->sources, p->hash, p->key, l->now, &limits->source))
        return false;
    if (!limits->rates_enforced)
        count(l, BD_CTR_LIMITED_PASSED);
    return limits->rates_enforced;
}

/* Behind a known address each port has its turns: that is a NAT with a phone each. A stranger's
 * ports are as easily forged as he is. */
static bool is_unheard(struct bd_limiter *l, struct place *p, const struct bd_endpoint *source)
{
    if (!is_guarded(l) || !bd_policy_may_ban(l->policy, &source->ip))
        return false;
    bool known = bd_known_has(known_of(l), p->hash, l->now_s);
    p->drawn = known ? bd_turn_take(&l->strangers->known,
                                    p->hash + source->port * 0x9e3779b97f4a7c15ULL, l->now_ms)
                     : bd_turn_take(&l->strangers->strange, p->hash, l->now_ms);
    return !p->drawn && !known;
}

enum bd_verdict bd_limiter_admit(struct bd_limiter *l, unsigned place,
                                 const struct bd_endpoint *source)
{
    enum bd_prefix_list list = bd_policy_list_of(l->policy, &source->ip);
    if (list == BD_PREFIX_DENY)
        return BD_FRAME_DENIED;
    if (list == BD_PREFIX_ALLOW)
        return BD_VERDICT_NONE;
    if (l->bans && is_shut_out(l, &source->ip))
        return BD_FRAME_BANNED;
    if (is_too_fast(l, &l->place[place]))
        return BD_FRAME_LIMITED;
    return is_unheard(l, &l->place[place], source) ? BD_FRAME_UNHEARD : BD_VERDICT_NONE;
}

bool bd_limiter_took_turn(const struct bd_limiter *l, unsigned place)
{
    return l->place[place].drawn;
}

void bd_limits_know(const struct bd_arena *arena, const uint64_t mask[2],
                    const struct bd_ip *source, uint32_t now_s)
{
    uint64_t key = key_of_source(mask, source);
    bd_known_note(&bd_limits_of(arena)->known, bd_hash64(&arena->hash_key, &key, sizeof(key)),
                  now_s);
}

void bd_limiter_know(struct bd_limiter *l, const struct bd_ip *source)
{
    bd_limits_know(l->arena, l->policy->limits.source_mask, source, l->now_s);
}

/* --- addresses of record ---------------------------------------------------------------------- */

static uint64_t key_of(const struct bd_arena *arena, enum kind kind, uint64_t aor,
                       const struct bd_ip *source)
{
    uint64_t part[3] = {kind, aor, source ? bd_source_key(source) : 0};
    return bd_hash64(&arena->hash_key, part, sizeof(part));
}

void bd_limits_forgive(const struct bd_arena *arena, const struct bd_ip *source)
{
    bd_failures_forgive(&bd_limits_of(arena)->failures, key_of(arena, KIND_SOURCE, 0, source));
}

static bool is_exempt(const struct bd_limiter *l, const struct bd_ip *source)
{
    return bd_policy_list_of(l->policy, source) == BD_PREFIX_ALLOW;
}

static bool take_aor(struct bd_limiter *l, uint64_t key)
{
    return bd_rate_take(&l->own->aors, key, key, l->now, &l->policy->limits.aor);
}

void bd_limiter_prefetch_aor(struct bd_limiter *l, uint64_t key)
{
    bd_rate_prefetch(&l->own->aors, key);
}

bool bd_limiter_aor(struct bd_limiter *l, const struct bd_limit_claim *claim)
{
    return !l->policy->limits.aor.interval || take_aor(l, claim->key) ||
           is_exempt(l, claim->source);
}

bool bd_limiter_aor_known(struct bd_limiter *l, const struct bd_limit_claim *claim)
{
    return take_aor(l, key_of(l->arena, KIND_PAIR, claim->key, claim->source));
}

enum bd_verdict bd_limiter_refuse(struct bd_limiter *l, const struct bd_limit_claim *claim,
                                  enum bd_verdict verdict)
{
    bd_refused_note(&l->own->refused, &l->refused_times, claim->key, claim->aor, l->now_s);
    if (l->policy->limits.rates_enforced)
        return l->policy->limits.aor_silent ? BD_SIP_LIMIT_DROP : verdict;
    count(l, verdict == BD_SIP_AOR_LIMITED ? BD_CTR_AOR_LIMITED_PASSED : BD_CTR_AUTH_SLOWED_PASSED);
    return BD_VERDICT_NONE;
}

/* --- failures --------------------------------------------------------------------------------- */

/* A try earlier than its turn, or a failure that is not of a kind with those before. */
static void charge_source(struct bd_limiter *l, const struct bd_ip *source)
{
    const struct bd_policy_limits *limits = &l->policy->limits;
    uint64_t key = key_of(l->arena, KIND_SOURCE, 0, source);
    if (!limits->failed_per_source ||
        !bd_failures_add(l->failures, key, l->steps, &l->source_terms).over)
        return;
    if (!bd_policy_may_ban(l->policy, source) || bd_ban_holds(l->arena, source, l->now_s))
        return;
    uint64_t seconds = (uint64_t)limits->failed_ban_s << bd_failures_raise(l->failures, key);
    if (seconds > limits->failed_ban_max_s)
        seconds = limits->failed_ban_max_s;
    enum bd_ban_rc rc = bd_ban_put(l->arena, source, l->now_s, (uint32_t)seconds, BD_BAN_FAILURES);
    count(l, BD_CTR_BANS_ADDED);
    if (rc == BD_BAN_DISPLACED)
        count(l, BD_CTR_BANS_DISPLACED);
}

/* Nobody has failed for a long time: the usual case. */
static bool is_quiet(const struct bd_limiter *l)
{
    return !bd_failures_any(l->failures, l->steps, l->pause);
}

bool bd_limiter_guards(const struct bd_limiter *l, const struct bd_limit_claim *claim)
{
    if (!l->policy->limits.failed_per_aor || is_quiet(l))
        return false;
    uint64_t key = key_of(l->arena, KIND_AOR, claim->key, NULL);
    return bd_failures_look(l->failures, key, l->steps, &l->aor_terms).over;
}

/* A first try is always free; the next ones are when the bucket of the two has one, and while the
 * AoR is guarded, after the pause. */
static bool is_slowed(struct bd_limiter *l, const struct bd_limit_claim *claim, bool guarded)
{
    uint64_t key = key_of(l->arena, KIND_PAIR, claim->key, claim->source);
    struct bd_failure_state pair = bd_failures_look(l->failures, key, l->steps, &l->pair_terms);
    bool early = guarded && pair.found && pair.since < l->pause;
    if (early)
        count(l, BD_CTR_AUTH_GUARDED);
    if (pair.over && l->policy->limits.rates_enforced)
        charge_source(l, claim->source);
    return pair.over || early;
}

enum bd_verdict bd_limiter_guess(struct bd_limiter *l, const struct bd_limit_claim *claim,
                                 bool known)
{
    if (is_quiet(l) || is_exempt(l, claim->source))
        return BD_VERDICT_NONE;
    if (!claim->foreign)
        return is_slowed(l, claim, !known) ? bd_limiter_refuse(l, claim, BD_SIP_AUTH_SLOWED)
                                           : BD_VERDICT_NONE;
    uint64_t key = key_of(l->arena, KIND_FOREIGN, 0, claim->source);
    bool over = bd_failures_look(l->failures, key, l->steps, &l->pair_terms).over;
    if ((!over && known) || !l->policy->limits.rates_enforced)
        return BD_VERDICT_NONE;
    return BD_SIP_STALE;
}

void bd_limiter_failed(struct bd_limiter *l, const struct bd_limit_claim *claim, bool known)
{
    const struct bd_policy_limits *limits = &l->policy->limits;
    count(l, BD_CTR_AUTH_FAILED);
    if (claim->foreign)
        count(l, BD_CTR_AUTH_FAILED_FOREIGN);
    if (is_exempt(l, claim->source))
        return;
    uint64_t key = claim->foreign ? key_of(l->arena, KIND_FOREIGN, 0, claim->source)
                                  : key_of(l->arena, KIND_PAIR, claim->key, claim->source);
    struct bd_failure_state state = bd_failures_add(l->failures, key, l->steps, &l->pair_terms);
    if (!claim->foreign && (!state.found || state.over))
        charge_source(l, claim->source);
    if (!known && limits->failed_per_aor)
        bd_failures_add(l->failures, key_of(l->arena, KIND_AOR, claim->key, NULL), l->steps,
                        &l->aor_terms);
}
