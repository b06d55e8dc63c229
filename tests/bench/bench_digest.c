/* SPDX-License-Identifier: BSD-3-Clause */
/* Verifications and nonces a second, one thread: the whole judgement of a job (nonce, look-up,
 * digest, replay memory, owner) over random subscribers. Usage: bench_digest [SUBSCRIBERS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/auth/fixture.h"

#define NOW 1790000000000ULL

enum { JOBS = 65536, ROUNDS = 8, BATCH = 32 };

struct place {
    _Alignas(64) char job[BD_JOB_SZ];
};

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void fill_store(struct bd_subscriber_store *store, struct bd_digest *digest, unsigned cnt)
{
    struct bd_error error;
    for (unsigned i = 0; i < cnt; i++) {
        char name[16], password[24];
        snprintf(name, sizeof(name), "%u", i);
        snprintf(password, sizeof(password), "secret-%u", i);
        struct bd_subscriber row = make_row(digest, name, "example.com", "example.com", password);
        if (bd_subscriber_store_put(store, &row, &error) != 0)
            exit(1);
    }
}

static void make_jobs(const struct bd_verify *v, struct place *jobs, unsigned subscribers,
                      enum bd_digest_alg alg)
{
    for (unsigned i = 0; i < JOBS; i++) {
        char name[16], password[24], aor[32];
        unsigned n = (unsigned)rand() % subscribers;
        snprintf(name, sizeof(name), "%u", n);
        snprintf(password, sizeof(password), "secret-%u", n);
        snprintf(aor, sizeof(aor), "%u@example.com", n);
        struct phone p = phone_1000();
        p.username = name;
        p.password = password;
        p.aor = aor;
        p.alg = alg;
        bd_nonce_make(v->nonce, NOW - 1, i + ((uint64_t)alg << 32), bd_str_from(p.realm), p.nonce);
        make_job(v->digest, &p, (struct bd_verify_job *)jobs[i].job);
    }
}

/* As a verifier thread does it. */
static unsigned verify_batch(const struct bd_verify *v, const struct place *jobs)
{
    unsigned ok = 0;
    uint64_t hash[BATCH];
    for (unsigned i = 0; i < BATCH; i++)
        hash[i] = bd_verify_prefetch(v, (const struct bd_verify_job *)jobs[i].job);
    for (unsigned i = 0; i < BATCH; i++)
        bd_verify_prefetch_entry(v, hash[i]);
    for (unsigned i = 0; i < BATCH; i++) {
        const struct bd_verify_job *job = (const struct bd_verify_job *)jobs[i].job;
        ok += bd_verify_job(v, job, false, NOW) == BD_VERIFY_OK;
    }
    return ok;
}

static void bench_verify(const struct bd_verify *v, struct place *jobs, enum bd_digest_alg alg)
{
    unsigned ok = 0;
    double begin = now_s();
    for (unsigned r = 0; r < ROUNDS; r++) {
        for (unsigned i = 0; i < JOBS; i += BATCH)
            ok += verify_batch(v, &jobs[i]);
    }
    double s = now_s() - begin;
    printf("verify %-12s %9.0f /s  %4.0f ns  (%u of %u accepted)\n", bd_digest_alg_name[alg],
           JOBS * ROUNDS / s, s * 1e9 / (JOBS * ROUNDS), ok, JOBS * ROUNDS);
}

static void bench_nonce(struct bd_nonce *nonce)
{
    char text[BD_NONCE_TEXT];
    struct bd_nonce_fields fields;
    const unsigned cnt = 2000000;
    double begin = now_s();
    for (unsigned i = 0; i < cnt; i++)
        bd_nonce_make(nonce, NOW, i, BD_STR("example.com"), text);
    double made = now_s();
    unsigned good = 0;
    for (unsigned i = 0; i < cnt; i++)
        good += bd_nonce_check(nonce, (struct bd_str){text, sizeof(text)}, BD_STR("example.com"),
                               &fields);
    double end = now_s();
    printf("nonce make   %9.0f /s\nnonce check  %9.0f /s  (%u good)\n", cnt / (made - begin),
           cnt / (end - made), good);
}

int main(int argc, char **argv)
{
    unsigned subscribers = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    struct bd_error error;
    static struct bd_epoch epoch;
    bd_epoch_init(&epoch);
    struct bd_hash_key hash_key;
    bd_hash_key_init(&hash_key, 1);
    uint64_t size = (bd_replay_footprint(8 * JOBS) + 63) & ~63ULL;
    void *memory = aligned_alloc(64, size);
    struct place *jobs = aligned_alloc(64, JOBS * sizeof(*jobs));
    if (subscribers == 0 || !memory || !jobs)
        return 2;
    memset(memory, 0, size);
    struct bd_subscriber_store *store = bd_subscriber_store_new(&epoch, &error);
    struct bd_verify v = {bd_digest_new(&error), bd_nonce_new(&error),
                          bd_replay_new(memory, size, NOW - 1000, &error), store, &hash_key};
    const uint8_t keys[2][32] = {{1}};
    if (!store || !v.digest || !v.nonce || !v.replay || bd_nonce_set_keys(v.nonce, keys) != 0)
        return 1;
    fill_store(store, v.digest, subscribers);
    printf("%u subscribers, %d jobs, one thread\n", subscribers, JOBS);
    for (unsigned alg = 0; alg < BD_ALG_CNT; alg++) {
        make_jobs(&v, jobs, subscribers, alg);
        bench_verify(&v, jobs, alg);
    }
    bench_nonce(v.nonce);
    return 0;
}
