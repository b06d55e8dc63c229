/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the time that a wrong password takes tells who exists: a verifier's work for a registered
 * user, for nobody, and for an alias of an implicit registration set, in random order.
 *
 *   bench_guess [TRIES]     default 300,000 of each
 *
 * Prints of each kind the median and the mean without the slowest hundredth, and how much the mean
 * differs from that of nobody, with the bounds of 95 % confidence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../xorshift.h"
#include "fixture.h"

#define NOW 1790000000000ULL
enum { SUBSCRIBERS = 100000, KINDS = 3, ROWS = 2 };

static struct bd_verify verify;
static struct bd_error error;
static const char *const kind_name[KINDS] = {"nobody", "a subscriber", "an alias"};

static void make_verify(void)
{
    static struct bd_epoch epoch;
    static struct bd_hash_key key;
    uint64_t size = (bd_replay_footprint(1000) + 63) & ~63ULL;
    void *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    bd_epoch_init(&epoch);
    bd_hash_key_init(&key, 1);
    verify = (struct bd_verify){bd_digest_new(&error), bd_nonce_new(&error),
                                bd_replay_new(memory, size, NOW - 1000000, &error),
                                bd_subscriber_store_new(&epoch, &error), &key};
    const uint8_t keys[2][32] = {{1}};
    if (!verify.digest || !verify.nonce || bd_nonce_set_keys(verify.nonce, keys) < 0)
        exit(1);
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%06u", i);
        struct bd_subscriber row =
            make_row(verify.digest, name, "example.com", "example.com", "secret");
        bd_subscriber_store_put((struct bd_subscriber_store *)verify.store, &row, &error);
    }
}

static uint64_t random_state = 88172645463325252ULL;

static unsigned below(unsigned n)
{
    return (unsigned)(xorshift64(&random_state) % n);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* Each try names somebody else, as a sprayer does: a known one's memory is as cold as the rest. */
static float guess(unsigned kind, bool userhash, uint64_t number)
{
    _Alignas(8) char place[BD_JOB_SZ];
    struct bd_verify_job *job = (struct bd_verify_job *)place;
    char name[16], aor[32], primary[32] = "";
    unsigned who = below(SUBSCRIBERS);
    snprintf(name, sizeof(name), "%06u", kind == 0 ? who + SUBSCRIBERS : who);
    snprintf(aor, sizeof(aor), "%s@example.com", name);
    if (kind == 2) {
        snprintf(primary, sizeof(primary), "%s", aor);
        snprintf(aor, sizeof(aor), "%06u@example.com", who + SUBSCRIBERS);
    }
    struct phone p = phone_1000();
    p.username = name;
    p.aor = aor;
    p.primary = primary;
    p.password = "guess";
    p.userhash = userhash;
    p.alg = userhash ? BD_ALG_SHA256 : BD_ALG_MD5;
    bd_nonce_make(verify.nonce, NOW - 1000, number, bd_str_from(p.realm), p.nonce);
    make_job(verify.digest, &p, job);
    uint64_t begin = now_ns();
    enum bd_verify_rc rc = bd_verify_job(&verify, job, false, NOW);
    uint64_t ns = now_ns() - begin;
    if (rc != BD_VERIFY_WRONG)
        exit(1);
    return (float)ns;
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

struct summary {
    double median, mean, error; /* of the mean */
};

static struct summary summarize(float *ns, unsigned n)
{
    qsort(ns, n, sizeof(*ns), compare);
    unsigned kept = n - n / 100;
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < kept; i++) {
        sum += (double)ns[i];
        squares += (double)ns[i] * (double)ns[i];
    }
    double mean = sum / kept;
    return (struct summary){(double)ns[n / 2], mean, sqrt((squares / kept - mean * mean) / kept)};
}

int main(int argc, char **argv)
{
    unsigned tries = argc > 1 ? (unsigned)atoi(argv[1]) : 300000, cnt[KINDS];
    make_verify();
    for (unsigned row = 0; row < ROWS; row++) {
        float *ns[KINDS];
        for (unsigned k = 0; k < KINDS; k++) {
            ns[k] = malloc(sizeof(float) * tries);
            cnt[k] = 0;
        }
        for (uint64_t i = 0; i < (uint64_t)KINDS * tries; i++) {
            unsigned k = below(KINDS);
            float taken = guess(k, row == 1, i);
            if (cnt[k] < tries)
                ns[k][cnt[k]++] = taken;
        }
        struct summary nobody = {0};
        for (unsigned k = 0; k < KINDS; k++) {
            struct summary s = summarize(ns[k], cnt[k]);
            nobody = k ? nobody : s;
            printf("%-9s %-13s median %6.0f ns  mean %7.1f ns  differs %+6.1f +- %.1f ns\n",
                   row ? "userhash" : "MD5", kind_name[k], s.median, s.mean, s.mean - nobody.mean,
                   1.96 * hypot(s.error, nobody.error));
            free(ns[k]);
        }
    }
    return 0;
}
