/* SPDX-License-Identifier: BSD-3-Clause */
/* The law of overload control against a model of a worker with its port and its verifiers: what is
 * offered comes at random, a multiple of what can be served; what comes of it is counted once the
 * law has settled. Times are of the model; a nanosecond is a tick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overload.h"

#define MS 1000000ULL
#define S  1000000000ULL

enum { PORT_MAX = 1024, VERIFIER_MAX = BD_PENDING_MAX };
/* Of one request, ns. */
enum { SERVE = 1000, SHED = 760, TURN = 200 };

struct model {
    struct bd_overload overload;
    uint64_t now, seed;
    double rate[BD_CLASS_CNT]; /* offered, a second */
    double due[BD_CLASS_CNT];  /* that come together, next turn */
    uint8_t port[PORT_MAX];
    unsigned port_cnt;
    uint64_t verify_ns; /* 0: no request wants a verifier */
    uint64_t waiting[VERIFIER_MAX], verifier_free;
    unsigned waiting_first, waiting_cnt;
    uint64_t offered[BD_CLASS_CNT], served[BD_CLASS_CNT], shed[BD_CLASS_CNT];
    uint64_t wait_sum, wait_cnt;
};

static uint32_t random32(struct model *m)
{
    m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(m->seed >> 32);
}

static void model_init(struct model *m, uint32_t target_us)
{
    memset(m, 0, sizeof(*m));
    m->seed = 1;
    m->now = S;
    bd_overload_init(&m->overload, S);
    bd_overload_aim(&m->overload, target_us, 0);
}

/* What came since `before`, in any order; the port drops what it has no room for. */
static void arrive(struct model *m, uint64_t before)
{
    uint32_t cnt[BD_CLASS_CNT], left = 0;
    for (unsigned c = 0; c < BD_CLASS_CNT; c++) {
        m->due[c] += m->rate[c] * (double)(m->now - before) / 1e9;
        double mean = m->due[c];
        cnt[c] = (uint32_t)(mean + random32(m) / 4294967296.0);
        m->due[c] = 0;
        left += cnt[c];
    }
    for (; left; left--) {
        uint32_t pick = random32(m) % left, c = 0;
        while (c < BD_CLASS_CNT - 1 && pick >= cnt[c])
            pick -= cnt[c++];
        cnt[c]--;
        m->offered[c]++;
        if (m->port_cnt < PORT_MAX)
            m->port[m->port_cnt++] = (uint8_t)c;
    }
}

static void verify(struct model *m)
{
    while (m->waiting_cnt) {
        uint64_t begin = m->waiting[m->waiting_first % VERIFIER_MAX] & ~3ULL;
        if (begin < m->verifier_free)
            begin = m->verifier_free;
        if (begin + m->verify_ns > m->now)
            return;
        m->served[m->waiting[m->waiting_first % VERIFIER_MAX] & 3]++;
        m->wait_sum += begin - m->waiting[m->waiting_first % VERIFIER_MAX];
        m->wait_cnt++;
        m->verifier_free = begin + m->verify_ns;
        m->waiting_first++;
        m->waiting_cnt--;
    }
}

static void serve(struct model *m, unsigned c)
{
    enum bd_need need = m->verify_ns ? BD_NEED_VERIFIER : BD_NEED_WORKER;
    if ((random32(m) & 0xffff) >= m->overload.shedding.admit[need][c] ||
        (m->verify_ns && m->waiting_cnt == VERIFIER_MAX)) {
        m->shed[c]++;
        m->now += SHED;
        return;
    }
    m->now += m->verify_ns ? SHED : SERVE;
    if (m->verify_ns)
        m->waiting[(m->waiting_first + m->waiting_cnt++) % VERIFIER_MAX] = (m->now & ~3ULL) | c;
    else
        m->served[c]++;
}

static void turn(struct model *m)
{
    uint64_t before = m->now;
    unsigned cnt = m->port_cnt < BD_BURST ? m->port_cnt : BD_BURST;
    struct bd_load load = {.now_tsc = m->now,
                           .wall_ms = m->now / MS,
                           .burst_full = cnt == BD_BURST,
                           .waiting = m->waiting_cnt,
                           .oldest_tsc = m->waiting[m->waiting_first % VERIFIER_MAX]};
    bd_overload_turn(&m->overload, &load);
    uint8_t burst[BD_BURST];
    memcpy(burst, m->port, cnt);
    memmove(m->port, m->port + cnt, m->port_cnt - cnt);
    m->port_cnt -= cnt;
    for (unsigned i = 0; i < cnt; i++)
        serve(m, burst[i]);
    m->now += cnt ? TURN : 5 * TURN;
    verify(m);
    arrive(m, before);
}

static void run(struct model *m, uint64_t ns)
{
    for (uint64_t end = m->now + ns; m->now < end;)
        turn(m);
}

/* Forgets what was counted so far, so that only the settled law counts. */
static void begin_count(struct model *m)
{
    memset(m->offered, 0, sizeof(m->offered));
    memset(m->served, 0, sizeof(m->served));
    memset(m->shed, 0, sizeof(m->shed));
    m->wait_sum = m->wait_cnt = 0;
}

static double share(const struct model *m, unsigned c)
{
    return (double)m->served[c] / (double)m->offered[c];
}

static uint64_t served(const struct model *m)
{
    return m->served[0] + m->served[1] + m->served[2];
}

static void tell(const struct model *m, const char *what, double times)
{
    print_message("%s x%.1f: levels %u %u, served %.3f %.3f %.3f, mean wait %.1f ms\n", what, times,
                  m->overload.loop[0].level, m->overload.loop[1].level, share(m, 0), share(m, 1),
                  share(m, 2), m->wait_cnt ? (double)m->wait_sum / (double)m->wait_cnt / MS : 0);
}

/* Verifiers that do 100,000 a second are offered up to ten times as much: the load of the
 * verifiers stays near what they can, refreshes are served first, the wait near the target. */
static void test_verifiers_are_behind(void **state)
{
    (void)state;
    static const double times[] = {2, 4, 7, 10};
    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct model m;
        model_init(&m, 10000);
        m.verify_ns = 10000;
        m.rate[BD_CLASS_REFRESH] = 60000;
        m.rate[BD_CLASS_NEW] = 30000;
        m.rate[BD_CLASS_UNKNOWN] = 100000 * times[i] - 90000;
        run(&m, 2 * S);
        begin_count(&m);
        run(&m, 2 * S);
        tell(&m, "verifiers", times[i]);
        assert_true((double)served(&m) > 0.98 * 200000);
        assert_true(share(&m, BD_CLASS_REFRESH) > 0.99);
        assert_true(share(&m, BD_CLASS_NEW) > 0.98);
        assert_true(m.wait_sum < m.wait_cnt * 15 * MS);
    }
}

/* Verifiers so fast that the room for waiting requests is full before the target is reached: its
 * last quarter is for refreshes. */
static void test_room_is_short(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 50000);
    m.verify_ns = 5000;
    m.rate[BD_CLASS_REFRESH] = 150000;
    m.rate[BD_CLASS_NEW] = 400000;
    run(&m, S);
    begin_count(&m);
    run(&m, S);
    tell(&m, "short room", 2.75);
    assert_true((double)served(&m) > 0.99 * 200000);
    assert_true(share(&m, BD_CLASS_REFRESH) > 0.99);
    assert_true(share(&m, BD_CLASS_NEW) > 0.1);
}

/* Refreshes alone are too many: they are shed too, and what is served stays near what can be. */
static void test_refreshes_alone_are_too_many(void **state)
{
    (void)state;
    for (unsigned times = 2; times <= 8; times *= 2) {
        struct model m;
        model_init(&m, 10000);
        m.verify_ns = 10000;
        m.rate[BD_CLASS_REFRESH] = 100000 * times;
        m.rate[BD_CLASS_NEW] = 50000;
        m.rate[BD_CLASS_UNKNOWN] = 50000;
        run(&m, 2 * S);
        begin_count(&m);
        run(&m, 2 * S);
        tell(&m, "refreshes", times);
        assert_true((double)served(&m) > 0.98 * 200000);
        assert_true(share(&m, BD_CLASS_NEW) < 0.01);
        assert_true(share(&m, BD_CLASS_UNKNOWN) < 0.01);
    }
}

/* The worker itself: 1,000,000 a second when all are served. Half of the unknown is all that it may
 * shed, which saves it less than their number. */
static void test_worker_is_behind(void **state)
{
    (void)state;
    static const double times[] = {1.03, 1.06};
    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct model m;
        model_init(&m, 10000);
        m.rate[BD_CLASS_REFRESH] = 100000;
        m.rate[BD_CLASS_NEW] = 50000;
        m.rate[BD_CLASS_UNKNOWN] = 1e6 * times[i] - 150000;
        run(&m, S);
        begin_count(&m);
        run(&m, 2 * S);
        tell(&m, "worker", times[i]);
        assert_true(share(&m, BD_CLASS_REFRESH) > 0.97);
        assert_true(share(&m, BD_CLASS_NEW) > 0.97);
        assert_true(share(&m, BD_CLASS_NEW) > share(&m, BD_CLASS_UNKNOWN));
    }
}

/* More than a worker can even read: the port drops blindly, and what it lets through is served, but
 * for half of the unknown. Who is served does not come again. */
static void test_worker_is_drowned(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 10000);
    m.rate[BD_CLASS_REFRESH] = 300000;
    m.rate[BD_CLASS_NEW] = 300000;
    m.rate[BD_CLASS_UNKNOWN] = 9.4e6;
    run(&m, S);
    begin_count(&m);
    run(&m, S);
    tell(&m, "drowned", 10);
    double taken = (double)(served(&m) + m.shed[0] + m.shed[1] + m.shed[2]) /
                   (double)(m.offered[0] + m.offered[1] + m.offered[2]);
    assert_true(share(&m, BD_CLASS_REFRESH) > 0.97 * taken);
    assert_true(share(&m, BD_CLASS_NEW) > 0.97 * taken);
    assert_true(share(&m, BD_CLASS_UNKNOWN) > 0.48 * taken);
    assert_true(served(&m) > 550000);
}

static unsigned intervals_to_recover(struct model *m)
{
    unsigned cnt = 0;
    while (m->overload.shedding.active && cnt < 1000) {
        run(m, 10 * MS);
        cnt++;
    }
    return cnt;
}

/* The storm ends: by itself everybody is served again, within a second. */
static void test_recovery(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 10000);
    m.verify_ns = 10000;
    m.rate[BD_CLASS_REFRESH] = 800000;
    m.rate[BD_CLASS_UNKNOWN] = 500000;
    run(&m, 2 * S);
    assert_true(m.overload.loop[BD_NEED_VERIFIER].level > 2 * BD_LEVELS_PER_CLASS);
    assert_true(m.overload.wait_us > 1000);
    m.rate[BD_CLASS_REFRESH] = 20000;
    m.rate[BD_CLASS_UNKNOWN] = 10000;
    unsigned cnt = intervals_to_recover(&m);
    print_message("recovered after %u intervals\n", cnt);
    assert_in_range(cnt, 1, 150);
    begin_count(&m);
    run(&m, S);
    assert_int_equal(m.shed[0] + m.shed[1] + m.shed[2], 0);
    assert_int_equal(m.overload.wait_us, 0);
}

/* Well below what can be served nothing is ever shed, with bursts of a thousand in it. */
static void test_nothing_is_shed_without_need(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 10000);
    m.verify_ns = 5000;
    m.rate[BD_CLASS_REFRESH] = 50000;
    m.rate[BD_CLASS_UNKNOWN] = 50000;
    for (unsigned i = 0; i < 200; i++) {
        m.due[BD_CLASS_UNKNOWN] += 500;
        run(&m, 10 * MS);
    }
    tell(&m, "enough", 0.75);
    assert_int_equal(m.shed[0] + m.shed[2], 0);
}

/* A worker that had no core for a while finds its port full: no reason to shed. */
static void test_a_pause_is_no_overload(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 10000);
    m.rate[BD_CLASS_UNKNOWN] = 100000;
    for (unsigned i = 0; i < 20; i++) {
        run(&m, 50 * MS);
        uint64_t before = m.now;
        m.now += 200 * MS;
        arrive(&m, before);
    }
    assert_int_equal(m.shed[BD_CLASS_UNKNOWN], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verifiers_are_behind),
        cmocka_unit_test(test_room_is_short),
        cmocka_unit_test(test_refreshes_alone_are_too_many),
        cmocka_unit_test(test_worker_is_behind),
        cmocka_unit_test(test_worker_is_drowned),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_nothing_is_shed_without_need),
        cmocka_unit_test(test_a_pause_is_no_overload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
