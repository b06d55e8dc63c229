/* SPDX-License-Identifier: BSD-3-Clause */
/* Token buckets by key: what they let through, by whatever clock and in whatever flood. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hash.h"
#include "rate.h"

static struct bd_rates *rates;
static struct bd_hash_key key;

static int make(void **state)
{
    rates = aligned_alloc(64, sizeof(*rates));
    assert_non_null(rates);
    memset(rates, 0, sizeof(*rates));
    bd_hash_key_init(&key, 42);
    return 0;
}

static int drop(void **state)
{
    free(rates);
    return 0;
}

static bool take(uint64_t source, uint64_t now_ms, struct bd_rate_terms terms)
{
    return bd_rate_take(rates, bd_hash64(&key, &source, sizeof(source)), source,
                        bd_rate_now(now_ms), &terms);
}

static unsigned take_many(uint64_t source, unsigned cnt, uint64_t now_ms,
                          struct bd_rate_terms terms)
{
    unsigned taken = 0;
    while (cnt-- > 0)
        taken += take(source, now_ms, terms);
    return taken;
}

static void test_burst_and_rate(void **state)
{
    struct bd_rate_terms terms = bd_rate_terms_of(10, 5);
    assert_int_equal(take_many(1, 100, 5000, terms), 5);
    assert_int_equal(take_many(1, 100, 5099, terms), 0);
    assert_int_equal(take_many(1, 100, 5100, terms), 1);
    assert_int_equal(take_many(1, 100, 5400, terms), 3);
    assert_int_equal(take_many(1, 100, 60000, terms), 5); /* never more than the burst */
    assert_int_equal(take_many(2, 100, 60000, terms), 5); /* others are others */
    uint64_t refused = 0, source;
    uint32_t over;
    for (unsigned i = 0; i < BD_RATES_MAX; i++) {
        if (bd_rate_refused_at(rates, i, bd_rate_now(60000), &source, &over) && source == 1)
            refused = over;
        /* Who has not come for an hour, and has long had all of his burst again. */
        assert_false(bd_rate_refused_at(rates, i, bd_rate_now(3660000), &source, &over));
    }
    assert_int_equal(refused, 500 - 5 - 1 - 3 - 5);
}

/* Against a bucket that is filled drop by drop. */
static void test_model(void **state)
{
    static const struct {
        uint32_t per_s, burst;
    } kinds[] = {{1, 1}, {3, 2}, {10, 100}, {1000, 50}, {100000, 1000}};
    for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct bd_rate_terms terms = bd_rate_terms_of(kinds[k].per_s, kinds[k].burst);
        double interval_ms = (double)terms.interval / BD_RATE_UNITS_PER_MS;
        double level = kinds[k].burst;
        uint64_t now_ms = 1000, passed_ms;
        srand(k + 1);
        for (unsigned i = 0; i < 20000; i++, now_ms += passed_ms) {
            passed_ms = rand() % 3 ? 0 : (uint64_t)rand() % (uint64_t)(2 * interval_ms + 2);
            bool wanted = level >= 1 - 1e-9;
            assert_int_equal(take(100 + k, now_ms, terms), wanted);
            level = (wanted ? level - 1 : level) + (double)passed_ms / interval_ms;
            level = level > kinds[k].burst ? kinds[k].burst : level;
        }
    }
}

static void test_time_goes_back(void **state)
{
    struct bd_rate_terms terms = bd_rate_terms_of(10, 5);
    assert_int_equal(take_many(1, 100, 1000000, terms), 5);
    /* The burst is spent, but the rate goes on at once. */
    assert_int_equal(take_many(1, 100, 2000, terms), 0);
    assert_int_equal(take_many(1, 100, 2100, terms), 1);
    assert_int_equal(take_many(1, 100, 3200, terms), 5);
}

static void test_stricter_terms(void **state)
{
    take_many(1, 1000, 1000, bd_rate_terms_of(1, 1000)); /* empty for 1000 s */
    struct bd_rate_terms terms = bd_rate_terms_of(10, 5);
    assert_int_equal(take_many(1, 1, 1000, terms), 0);
    assert_int_equal(take_many(1, 100, 1100, terms), 1);
}

/* 100,000 sources that never come twice in a row, a heavy one, and an honest one. */
static void test_flood(void **state)
{
    struct bd_rate_terms terms = bd_rate_terms_of(100, 200);
    unsigned heavy = 0, honest = 0, forged = 0;
    uint64_t next = 0;
    for (uint64_t now_ms = 1000; now_ms < 21000; now_ms++) {
        for (unsigned i = 0; i < 50; i++)
            forged += take(1000000 + next++ % 100000, now_ms, terms);
        heavy += take_many(1, 20, now_ms, terms);
        honest += now_ms % 20 ? 0 : take(2, now_ms, terms);
    }
    assert_int_equal(honest, 1000);
    assert_int_equal(forged, 1000000); /* nobody is refused for another one */
    assert_in_range(heavy, 2000, 2200);
}

/* More sources at their limit than there are places: who is displaced begins anew, nobody else is
 * refused, nothing grows. */
static void test_full(void **state)
{
    struct bd_rate_terms terms = bd_rate_terms_of(1, 10);
    for (uint64_t source = 1; source <= 4 * BD_RATES_MAX; source++)
        assert_int_equal(take_many(source, 20, 1000, terms), 10);
    assert_int_equal(take_many(9999999, 20, 1000, terms), 10);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { HEAVY = 64, BURST = 10 };

static atomic_bool seen_all;
static uint64_t taken; /* by the worker; read when it has ended */

/* The worker: sources at their limit, among others that come and go. */
static void *serve(void *arg)
{
    struct bd_rate_terms terms = bd_rate_terms_of(1, BURST);
    for (uint64_t i = 0; !seen_all; i++) {
        for (uint64_t source = 1; source <= HEAVY; source++)
            taken += take(source, 1000, terms);
        take(1000 + i, 1000, terms);
    }
    return NULL;
}

/* Control reads while the worker writes: it finds each that was refused, and nobody else. */
static void test_threads(void **state)
{
    pthread_t worker;
    bool found[HEAVY + 1] = {false};
    unsigned cnt = 0, wrong = 0;
    uint64_t source;
    uint32_t over;
    seen_all = false;
    taken = 0;
    assert_int_equal(pthread_create(&worker, NULL, serve, NULL), 0);
    for (unsigned i = 0; cnt < HEAVY; i = (i + 1) % BD_RATES_MAX) {
        if (!bd_rate_refused_at(rates, i, 0, &source, &over))
            continue;
        wrong += source == 0 || source > HEAVY;
        if (source <= HEAVY && !found[source]) {
            found[source] = true;
            cnt++;
        }
    }
    seen_all = true;
    pthread_join(worker, NULL);
    assert_int_equal(wrong, 0);
    assert_int_equal(taken, HEAVY * BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_burst_and_rate, make, drop),
        cmocka_unit_test_setup_teardown(test_model, make, drop),
        cmocka_unit_test_setup_teardown(test_time_goes_back, make, drop),
        cmocka_unit_test_setup_teardown(test_stricter_terms, make, drop),
        cmocka_unit_test_setup_teardown(test_flood, make, drop),
        cmocka_unit_test_setup_teardown(test_full, make, drop),
        cmocka_unit_test_setup_teardown(test_threads, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
