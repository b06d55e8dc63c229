/* SPDX-License-Identifier: BSD-3-Clause */
/* Verifier threads on a real arena: jobs in, verdicts out, for several workers and threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "fixture.h"
#include "policy.h"
#include "verifier.h"

enum { WORKERS = 3, CONTROL = 5, DATAPLANE = 9 };

struct lab {
    struct bd_arena arena;
    struct bd_epoch epoch;
    struct bd_subscriber_store *store;
    struct bd_replay *replay;
    struct bd_digest *digest;
    struct bd_nonce *nonce;
    struct bd_verifiers *verifiers;
    uint8_t key[2][32];
};

static struct bd_error error;

static void publish(struct lab *lab, uint8_t current, uint8_t previous)
{
    static _Alignas(8) uint8_t blob[65536];
    struct bd_policy_domain_in domain = {.name = BD_STR("example.com"),
                                         .realm = BD_STR("example.com")};
    struct bd_policy_in in = {.domains = &domain, .domain_cnt = 1, .default_domain = -1};
    memset(in.nonce_key[0], current, 32);
    memset(in.nonce_key[1], previous, 32);
    memcpy(lab->key, in.nonce_key, sizeof(lab->key));
    uint32_t size = bd_policy_build(blob, sizeof(blob), &in, NULL);
    assert_true(size > 0);
    assert_int_equal(bd_policy_publish(&lab->arena, &lab->epoch, blob, size), 0);
}

static int setup(void **state)
{
    struct lab *lab = aligned_alloc(64, (sizeof(*lab) + 63) & ~63UL);
    memset(lab, 0, sizeof(*lab));
    struct bd_arena_params params = {
        .region_sz = {[BD_REGION_POLICY] = bd_policy_footprint(),
                      [BD_REGION_NONCES] = bd_replay_footprint(100000),
                      [BD_REGION_CHANNELS] = bd_channels_footprint(WORKERS)}};
    for (unsigned i = 0; i < BD_REGION_CNT; i++)
        params.region_sz[i] = params.region_sz[i] ? params.region_sz[i] : 4096;
    assert_int_equal(bd_arena_create_private(&lab->arena, &params, &error), 0);
    bd_policy_format(&lab->arena);
    bd_channels_format(&lab->arena, WORKERS);
    bd_epoch_init(&lab->epoch);
    atomic_store(&lab->arena.header->role[BD_ROLE_CONTROL].generation, CONTROL);
    atomic_store(&lab->arena.header->role[BD_ROLE_DATAPLANE].generation, DATAPLANE);
    lab->digest = bd_digest_new(&error);
    lab->nonce = bd_nonce_new(&error);
    lab->store = bd_subscriber_store_new(&lab->epoch, &error);
    lab->replay = bd_replay_new(bd_arena_region(&lab->arena, BD_REGION_NONCES),
                                bd_replay_footprint(100000), bd_wall_ms() - 1000000, &error);
    assert_non_null(lab->replay);
    struct bd_subscriber row =
        make_row(lab->digest, "1000", "example.com", "example.com", "secret-1000");
    assert_int_equal(bd_subscriber_store_put(lab->store, &row, &error), 0);
    *state = lab;
    return 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;
    bd_verifiers_stop(lab->verifiers);
    bd_subscriber_store_free(lab->store);
    bd_replay_free(lab->replay);
    bd_digest_free(lab->digest);
    bd_nonce_free(lab->nonce);
    bd_arena_leave(&lab->arena);
    free(lab);
    return 0;
}

static void start(struct lab *lab, unsigned threads)
{
    struct bd_verifiers_deps deps = {&lab->arena, &lab->epoch, lab->store,
                                     lab->replay, WORKERS,     threads};
    lab->verifiers = bd_verifiers_start(&deps, &error);
    assert_non_null(lab->verifiers);
}

/* A phone's request with a nonce of its own, put on a worker's ring. */
static bool send(struct lab *lab, unsigned worker, uint32_t slot, const char *password,
                 uint32_t control_generation)
{
    struct bd_channel channel = bd_channel_of(&lab->arena, worker);
    struct bd_verify_job *job = bd_ring_reserve(channel.jobs);
    if (!job)
        return false;
    struct phone p = phone_1000();
    p.password = password;
    bd_nonce_set_keys(lab->nonce, lab->key);
    bd_nonce_make(lab->nonce, bd_wall_ms(), slot * 64ULL + worker, bd_str_from(p.realm), p.nonce);
    make_job(lab->digest, &p, job);
    job->authinfo = slot % 4 == 0;
    job->slot = slot;
    job->sequence = ~slot;
    job->dataplane_generation = DATAPLANE;
    job->control_generation = control_generation;
    bd_ring_publish(channel.jobs);
    return true;
}

/* Fails when none comes. */
static struct bd_verify_result receive(struct lab *lab, unsigned worker)
{
    struct bd_channel channel = bd_channel_of(&lab->arena, worker);
    const struct bd_verify_result *shared = bd_ring_peek(channel.verdicts);
    for (unsigned i = 0; i < 20000 && !shared; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        shared = bd_ring_peek(channel.verdicts);
    }
    assert_non_null(shared);
    struct bd_verify_result result = *shared;
    bd_ring_release(channel.verdicts);
    return result;
}

static void run_jobs(struct lab *lab, unsigned threads)
{
    publish(lab, 1, 0);
    start(lab, threads);
    for (uint32_t slot = 0; slot < 200; slot++) {
        for (unsigned w = 0; w < WORKERS; w++)
            assert_true(send(lab, w, slot, slot % 2 ? "wrong" : "secret-1000", CONTROL));
    }
    for (uint32_t slot = 0; slot < 200; slot++) {
        for (unsigned w = 0; w < WORKERS; w++) {
            struct bd_verify_result result = receive(lab, w);
            assert_int_equal(result.slot, slot); /* in order */
            assert_int_equal(result.sequence, ~slot);
            assert_int_equal(result.dataplane_generation, DATAPLANE);
            assert_int_equal(result.rc, slot % 2 ? BD_VERIFY_WRONG : BD_VERIFY_OK);
            assert_int_equal(result.rspauth_sz, slot % 4 == 0 ? 16 : 0);
            assert_int_equal(result.qop, BD_QOP_AUTH);
        }
    }
    uint64_t jobs = 0, ok = 0;
    for (unsigned i = 0; i < threads; i++) {
        struct bd_verifier_stats stats;
        bd_verifiers_stats(lab->verifiers, i, &stats);
        jobs += stats.jobs;
        ok += stats.result[BD_VERIFY_OK];
    }
    assert_int_equal(jobs, 200 * WORKERS);
    assert_int_equal(ok, 100 * WORKERS);
}

/* A worker that has gone wild: bytes of any value, and a job that changes while it is judged, which
 * under the sanitizers must not lead anywhere. */
static void test_wild_worker(void **state)
{
    struct lab *lab = *state;
    struct bd_channel channel = bd_channel_of(&lab->arena, 0);
    struct bd_verify_result result;
    publish(lab, 1, 0);
    start(lab, 1);
    for (unsigned byte = 0; byte < 256; byte++) {
        struct bd_verify_job *job = bd_ring_reserve(channel.jobs);
        assert_non_null(job);
        memset(job, (int)byte, BD_JOB_SZ);
        job->dataplane_generation = DATAPLANE;
        job->control_generation = CONTROL;
        bd_ring_publish(channel.jobs);
        result = receive(lab, 0);
        assert_int_equal(result.rc, BD_VERIFY_BAD_NONCE);
    }
    for (uint32_t slot = 0; slot < 1000; slot++) {
        volatile struct bd_verify_job *job = bd_ring_reserve(channel.jobs);
        assert_true(send(lab, 0, slot, "secret-1000", CONTROL));
        while (!bd_ring_peek(channel.verdicts))
            job->algorithm ^= 0x5a;
        result = receive(lab, 0);
        assert_true(result.rc == BD_VERIFY_OK || result.rc == BD_VERIFY_WRONG);
    }
}

static void test_one_thread(void **state)
{
    run_jobs(*state, 1);
}

static void test_two_threads(void **state)
{
    run_jobs(*state, 2);
}

static void test_more_threads_than_workers(void **state)
{
    run_jobs(*state, 5);
}

static void test_other_generations_are_dropped(void **state)
{
    struct lab *lab = *state;
    publish(lab, 1, 0);
    assert_true(send(lab, 0, 1, "secret-1000", CONTROL - 1));
    assert_true(send(lab, 0, 2, "secret-1000", CONTROL));
    start(lab, 1);
    struct bd_verify_result result = receive(lab, 0);
    assert_int_equal(result.slot, 2);
    struct bd_verifier_stats stats;
    bd_verifiers_stats(lab->verifiers, 0, &stats);
    assert_int_equal(stats.outdated, 1);
}

/* Jobs wait for the first policy; a job is judged by a policy not older than itself. */
static void test_policy_and_key_rotation(void **state)
{
    struct lab *lab = *state;
    struct bd_verify_result result;
    memset(lab->key[0], 1, 32);
    start(lab, 1);
    assert_true(send(lab, 0, 1, "secret-1000", CONTROL));
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    assert_int_equal(bd_ring_used(bd_channel_of(&lab->arena, 0).jobs), 1);
    publish(lab, 1, 0);
    result = receive(lab, 0);
    assert_int_equal(result.rc, BD_VERIFY_OK);
    publish(lab, 2, 1);
    assert_true(send(lab, 0, 2, "secret-1000", CONTROL));
    result = receive(lab, 0);
    assert_int_equal(result.rc, BD_VERIFY_OK);
    memset(lab->key[0], 3, 32); /* a key the policy does not know */
    assert_true(send(lab, 0, 3, "secret-1000", CONTROL));
    result = receive(lab, 0);
    assert_int_equal(result.rc, BD_VERIFY_BAD_NONCE);
}

/* A worker that takes no verdicts loses some, and holds nobody up for ever. */
static void test_full_verdict_ring(void **state)
{
    struct lab *lab = *state;
    publish(lab, 1, 0);
    struct bd_channel channel = bd_channel_of(&lab->arena, 0);
    while (bd_ring_reserve(channel.verdicts))
        bd_ring_publish(channel.verdicts);
    for (uint32_t slot = 0; slot < 10; slot++)
        assert_true(send(lab, 0, slot, "secret-1000", CONTROL));
    assert_true(send(lab, 1, 99, "secret-1000", CONTROL));
    start(lab, 1);
    struct bd_verify_result result = receive(lab, 1);
    assert_int_equal(result.slot, 99);
    struct bd_verifier_stats stats;
    bd_verifiers_stats(lab->verifiers, 0, &stats);
    assert_int_equal(stats.verdicts_lost, 10);
}

static void test_heartbeat_and_sleep(void **state)
{
    struct lab *lab = *state;
    publish(lab, 1, 0);
    start(lab, 2);
    struct bd_verifier_stats stats;
    uint64_t now = bd_clock_ms();
    for (unsigned tries = 0; tries < 1000; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        bd_verifiers_stats(lab->verifiers, 1, &stats);
        if (stats.heartbeat_ms > now)
            break;
    }
    assert_true(stats.heartbeat_ms > now);
    /* Asleep most of the time: a grace period ends although nothing is going on. */
    uint64_t target = bd_epoch_advance(&lab->epoch);
    for (unsigned tries = 0; tries < 1000 && !bd_epoch_passed(&lab->epoch, target); tries++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_true(bd_epoch_passed(&lab->epoch, target));
    bd_verifiers_stop(lab->verifiers);
    lab->verifiers = NULL;
    for (unsigned i = 0; i < BD_EPOCH_LINES; i++)
        assert_int_equal(atomic_load(&lab->epoch.line[i].seen), 0);
}

static void test_thread_number(void **state)
{
    struct lab *lab = *state;
    struct bd_verifiers_deps deps = {&lab->arena, &lab->epoch, lab->store, lab->replay, WORKERS, 0};
    assert_null(bd_verifiers_start(&deps, &error));
    deps.threads = BD_VERIFIERS_MAX + 1;
    assert_null(bd_verifiers_start(&deps, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wild_worker, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_threads_than_workers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_generations_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policy_and_key_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_verdict_ring, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heartbeat_and_sleep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thread_number, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
