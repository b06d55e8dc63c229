/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier.h"

#include "clock.h"
#include "policy.h"
#include "stats.h"
#include "verify.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    JOBS_PER_TURN = 32, /* of one ring, before the next one has its turn */
    JOB_LINES = 8,      /* that a job usually has */
    JOBS_AHEAD = 3,     /* fetched while one is looked at */
    IDLE_TURNS = 200,   /* some tens of microseconds */
    IDLE_SPINS = 32,    /* pauses of an idle turn */
    NAP_MIN_NS = 50000,
    NAP_MAX_NS = 500000,
    VERDICT_TRIES = 1000 /* a few tens of microseconds; the worker's ring has 4,096 places */
};

/* Written by the thread, read by anybody. */
struct counters {
    _Alignas(64) _Atomic uint64_t jobs, result[BD_VERIFY_RC_CNT], outdated, verdicts_lost,
        heartbeat_ms;
};

struct verifier {
    struct counters counters;
    const struct bd_verifiers_deps *deps;
    const _Atomic bool *stop;
    struct bd_verify verify;
    const struct bd_policy *policy; /* of this turn */
    uint32_t generation;            /* of this process */
    uint16_t epoch_generation;
    unsigned index, line;
    bool shares_core; /* with a worker of its own, when it rested last */
    pthread_t thread;
};

struct bd_verifiers {
    struct bd_verifiers_deps deps;
    _Atomic bool stop;
    unsigned started;
    struct verifier verifier[];
};

const char *const bd_verify_rc_text[BD_VERIFY_RC_CNT] = {
    [BD_VERIFY_OK] = "ok",
    [BD_VERIFY_OTHER_AOR] = "other_aor",
    [BD_VERIFY_WRONG] = "wrong",
    [BD_VERIFY_STALE] = "stale",
    [BD_VERIFY_REPLAYED] = "replayed",
    [BD_VERIFY_BAD_NONCE] = "bad_nonce",
};

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static uint32_t dataplane_generation(const struct bd_arena *arena)
{
    return atomic_load_explicit(&arena->header->role[BD_ROLE_DATAPLANE].generation,
                                memory_order_relaxed);
}

/* --- one job ---------------------------------------------------------------------------------- */

/* The AoR's domain is found anew, as a reload may have moved it since the worker looked. */
static bool case_sensitive(const struct bd_policy *policy, const struct bd_verify_job *job)
{
    bool is_default;
    const struct bd_policy_domain *domain =
        bd_policy_find(policy, bd_verify_domain(job), &is_default);
    return domain && domain->case_sensitive;
}

static void give_verdict(struct verifier *v, struct bd_ring *ring,
                         const struct bd_verify_result *verdict)
{
    struct bd_verify_result *result = bd_ring_reserve(ring);
    for (unsigned i = 0; !result && i < VERDICT_TRIES; i++) {
        pause_cpu();
        result = bd_ring_reserve(ring);
    }
    if (!result) {
        bd_stat_add(&v->counters.verdicts_lost, 1);
        return;
    }
    *result = *verdict;
    bd_ring_publish(ring);
}

static struct bd_verify_result judge(struct verifier *v, const struct bd_verify_job *job,
                                     uint64_t wall_ms)
{
    struct bd_verify_result result = {
        .slot = job->slot,
        .sequence = job->sequence,
        .dataplane_generation = job->dataplane_generation,
        .rc = bd_verify_job(&v->verify, job, case_sensitive(v->policy, job), wall_ms),
        .algorithm = job->algorithm,
        .qop = job->qop};
    if (job->authinfo && result.rc == BD_VERIFY_OK &&
        bd_verify_rspauth(&v->verify, job, result.rspauth))
        result.rspauth_sz = (uint8_t)bd_digest_sz(job->algorithm);
    return result;
}

/* A job as it is now. It is judged from here: what the other process writes into the ring from now
 * on, however wild, changes nothing between a check and what the check was for. */
union own_job {
    struct bd_verify_job job;
    char space[BD_JOB_SZ];
};

static void take_job(const struct bd_verify_job *shared, union own_job *own)
{
    uint32_t len = 0;
    memcpy(&own->job, shared, sizeof(own->job));
    for (unsigned i = 0; i < BD_JOB_TEXT_CNT; i++)
        len += own->job.text_len[i];
    memcpy(own->job.text, shared->text, len < BD_JOB_TEXT_MAX ? len : BD_JOB_TEXT_MAX);
}

static void serve_job(struct verifier *v, struct bd_ring *verdicts,
                      const struct bd_verify_job *shared, uint32_t dataplane, uint64_t wall_ms)
{
    union own_job own;
    take_job(shared, &own);
    const struct bd_verify_job *job = &own.job;
    if (job->control_generation != v->generation || job->dataplane_generation != dataplane) {
        bd_stat_add(&v->counters.outdated, 1);
        return;
    }
    const struct bd_verify_result result = judge(v, job, wall_ms);
    bd_stat_add(&v->counters.jobs, 1);
    bd_stat_add(&v->counters.result[result.rc], 1);
    give_verdict(v, verdicts, &result);
}

/* --- the loop --------------------------------------------------------------------------------- */

/* The policy is taken after the jobs were seen, so it is at least as new as the one that their
 * worker made the challenges by. Without a policy there are no keys: jobs wait until control has
 * published one. */
static bool take_policy(struct verifier *v)
{
    v->policy = bd_policy_current(v->deps->arena);
    return v->policy && bd_nonce_set_keys(v->verify.nonce, v->policy->nonce_key) == 0;
}

/* The worker wrote the job last: its lines come from the cache of that core. */
static void fetch_job(const struct bd_verify_job *job)
{
    for (unsigned line = 0; line < JOB_LINES; line++)
        __builtin_prefetch((const char *)job + 64 * line);
}

/* Stage by stage, so that the cache misses of the jobs overlap. */
static void serve_jobs(struct verifier *v, const struct bd_channel *channel, unsigned cnt,
                       uint32_t dataplane)
{
    uint64_t hash[JOBS_PER_TURN], wall_ms = bd_wall_ms();
    for (unsigned i = 0; i < cnt + JOBS_AHEAD; i++) {
        if (i < cnt)
            fetch_job(bd_ring_ahead(channel->jobs, i));
        if (i >= JOBS_AHEAD)
            hash[i - JOBS_AHEAD] =
                bd_verify_prefetch(&v->verify, bd_ring_ahead(channel->jobs, i - JOBS_AHEAD));
    }
    for (unsigned i = 0; i < cnt; i++)
        bd_verify_prefetch_entry(&v->verify, hash[i]);
    for (unsigned i = 0; i < cnt; i++)
        serve_job(v, channel->verdicts, bd_ring_ahead(channel->jobs, i), dataplane, wall_ms);
}

static unsigned turn(struct verifier *v)
{
    unsigned served = 0;
    uint32_t dataplane = dataplane_generation(v->deps->arena);
    for (unsigned w = v->index; w < v->deps->workers; w += v->deps->threads) {
        struct bd_channel channel = bd_channel_of(v->deps->arena, w);
        uint32_t ready = bd_ring_ready(channel.jobs);
        unsigned cnt = ready < JOBS_PER_TURN ? ready : JOBS_PER_TURN;
        if (cnt == 0 || !take_policy(v))
            continue;
        serve_jobs(v, &channel, cnt, dataplane);
        bd_ring_release_many(channel.jobs, cnt);
        served += cnt;
    }
    return served;
}

/* Whether a worker of its own is on this very core: who looks for work there keeps it away. */
static bool shares_core(const struct verifier *v)
{
    const struct bd_worker_stats *stats = bd_arena_region(v->deps->arena, BD_REGION_STATS);
    uint64_t cpu = (uint64_t)sched_getcpu();
    bool shares = false;
    for (unsigned w = v->index; w < v->deps->workers; w += v->deps->threads)
        shares |= bd_stat_read(&stats[w].cpu) == cpu;
    return shares;
}

static void pass_time(const struct verifier *v)
{
    if (v->shares_core)
        sched_yield();
    else
        for (unsigned i = 0; i < IDLE_SPINS; i++)
            pause_cpu();
}

/* Offline, so that a sleep holds up nobody's grace period. */
static void nap(struct verifier *v, unsigned doublings)
{
    long ns = doublings < 4 ? (long)NAP_MIN_NS << doublings : NAP_MAX_NS;
    bd_epoch_offline(v->deps->epoch, v->line);
    nanosleep(&(struct timespec){.tv_nsec = ns < NAP_MAX_NS ? ns : NAP_MAX_NS}, NULL);
    bd_epoch_online(v->deps->epoch, v->line, v->epoch_generation);
}

/* After `idle` turns without work. Where the worker is, is asked at a nap only: the line is its
 * own. */
static void rest(struct verifier *v, unsigned idle)
{
    if (idle < IDLE_TURNS) {
        pass_time(v);
        return;
    }
    nap(v, idle - IDLE_TURNS);
    v->shares_core = shares_core(v);
}

static void *run(void *arg)
{
    struct verifier *v = arg;
    unsigned idle = 0;
    bd_epoch_online(v->deps->epoch, v->line, v->epoch_generation);
    while (!atomic_load_explicit(v->stop, memory_order_relaxed)) {
        atomic_store_explicit(&v->counters.heartbeat_ms, bd_clock_ms(), memory_order_relaxed);
        idle = turn(v) > 0 ? 0 : idle + 1;
        bd_epoch_quiescent(v->deps->epoch, v->line, v->epoch_generation);
        if (idle > 0)
            rest(v, idle);
    }
    bd_epoch_offline(v->deps->epoch, v->line);
    return NULL;
}

/* --- start and stop --------------------------------------------------------------------------- */

/* Signals are the event loop's. */
static int create_thread(struct verifier *v)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&v->thread, NULL, run, v);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return -1;
    char name[16];
    snprintf(name, sizeof(name), "verifier-%u", v->index % 100);
    pthread_setname_np(v->thread, name);
    return 0;
}

static void verifier_free(struct verifier *v)
{
    bd_digest_free(v->verify.digest);
    bd_nonce_free(v->verify.nonce);
}

static int start_one(struct bd_verifiers *all, unsigned index, struct bd_error *error)
{
    struct verifier *v = &all->verifier[index];
    const struct bd_arena *arena = all->deps.arena;
    v->deps = &all->deps;
    v->stop = &all->stop;
    v->index = index;
    v->line = bd_epoch_control(1 + index);
    v->generation = atomic_load(&arena->header->role[BD_ROLE_CONTROL].generation);
    v->epoch_generation = (uint16_t)v->generation;
    v->verify = (struct bd_verify){.digest = bd_digest_new(error),
                                   .nonce = NULL,
                                   .replay = all->deps.replay,
                                   .store = all->deps.store,
                                   .hash_key = &arena->hash_key};
    if (v->verify.digest)
        v->verify.nonce = bd_nonce_new(error);
    if (v->verify.nonce && create_thread(v) == 0)
        return 0;
    if (v->verify.nonce)
        bd_fail(error, "verifier thread %u cannot be started: check the limit of threads", index);
    verifier_free(v);
    return -1;
}

struct bd_verifiers *bd_verifiers_start(const struct bd_verifiers_deps *deps,
                                        struct bd_error *error)
{
    if (deps->threads == 0 || deps->threads > BD_VERIFIERS_MAX) {
        bd_fail(error, "%u verifier threads: must be 1..%d", deps->threads, BD_VERIFIERS_MAX);
        return NULL;
    }
    size_t size = sizeof(struct bd_verifiers) + deps->threads * sizeof(struct verifier);
    struct bd_verifiers *all = aligned_alloc(64, (size + 63) & ~(size_t)63);
    if (!all) {
        bd_fail(error, "no memory for the verifiers");
        return NULL;
    }
    memset(all, 0, size);
    all->deps = *deps;
    for (; all->started < deps->threads; all->started++) {
        if (start_one(all, all->started, error) != 0) {
            bd_verifiers_stop(all);
            return NULL;
        }
    }
    return all;
}

void bd_verifiers_stop(struct bd_verifiers *all)
{
    if (!all)
        return;
    atomic_store(&all->stop, true);
    for (unsigned i = 0; i < all->started; i++) {
        pthread_join(all->verifier[i].thread, NULL);
        verifier_free(&all->verifier[i]);
    }
    free(all);
}

void bd_verifiers_stats(const struct bd_verifiers *all, unsigned thread,
                        struct bd_verifier_stats *stats)
{
    const struct counters *c = &all->verifier[thread].counters;
    *stats = (struct bd_verifier_stats){
        .jobs = bd_stat_read(&c->jobs),
        .outdated = bd_stat_read(&c->outdated),
        .verdicts_lost = bd_stat_read(&c->verdicts_lost),
        .heartbeat_ms = bd_stat_read(&c->heartbeat_ms),
    };
    for (unsigned i = 0; i < BD_VERIFY_RC_CNT; i++)
        stats->result[i] = bd_stat_read(&c->result[i]);
}
