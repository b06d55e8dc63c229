/* SPDX-License-Identifier: BSD-3-Clause */
/* Implicit registration sets against a plain model: an array that says who belongs to whom. */
#include "test_arena.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "../../xorshift.h"
#include "clock.h"
#include "identities.h"

/* Aliases a0.. belong to primaries p0..; NOBODY: to none. */
enum { ALIASES = 200, PRIMARIES = 20, NOBODY = -1 };

struct model {
    struct bd_arena arena;
    struct bd_epoch epoch;
    uint64_t random;
    int primary[ALIASES];
};

static uint64_t draw(struct model *m)
{
    return xorshift64(&m->random);
}

static void make_arena(struct bd_arena *arena, uint64_t identities_max)
{
    struct bd_arena_params params = {0};
    struct bd_error error;
    for (unsigned i = 0; i < BD_REGION_CNT; i++)
        params.region_sz[i] = 4096;
    params.region_sz[BD_REGION_IDENTITIES] = bd_identities_footprint(identities_max);
    assert_int_equal(bd_arena_create_private(arena, &params, &error), 0);
    bd_identities_format(arena, identities_max);
}

static struct model *model_new(uint64_t identities_max)
{
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    make_arena(&m->arena, identities_max);
    bd_epoch_init(&m->epoch);
    m->random = (uint64_t)time(NULL) << 16 | 1;
    print_message("seed %llu\n", (unsigned long long)m->random);
    for (unsigned i = 0; i < ALIASES; i++)
        m->primary[i] = NOBODY;
    return m;
}

static void model_free(struct model *m)
{
    bd_arena_leave(&m->arena);
    free(m);
}

/* Long names: the whole of an entry is compared. */
static struct bd_str name(char kind, unsigned n, char text[BD_AOR_MAX])
{
    int len = snprintf(text, BD_AOR_MAX, "%c%0*u@a.rather.long.domain.example.com", kind,
                       (int)(1 + n % 200), n);
    return (struct bd_str){text, (uint32_t)len};
}

static unsigned size_of_set(const struct model *m, int primary)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < ALIASES; i++)
        cnt += m->primary[i] == primary;
    return cnt;
}

static bool lists(const struct model *m, struct bd_str primary, struct bd_str alias)
{
    struct bd_str there;
    unsigned times = 0;
    for (unsigned n = 0; (there = bd_identities_alias(&m->arena, primary, n)).len > 0; n++)
        times += bd_str_eq(there, alias);
    assert_true(times <= 1);
    return times == 1;
}

static void assert_same(const struct model *m)
{
    char a[BD_AOR_MAX], p[BD_AOR_MAX];
    uint64_t cnt = 0;
    for (unsigned i = 0; i < ALIASES; i++) {
        struct bd_str alias = name('a', i, a), got = bd_identities_primary(&m->arena, alias);
        cnt += m->primary[i] != NOBODY;
        if (m->primary[i] == NOBODY) {
            assert_int_equal(got.len, 0);
            continue;
        }
        assert_true(bd_str_eq(got, name('p', (unsigned)m->primary[i], p)));
        assert_true(lists(m, bd_str_from(p), alias));
    }
    for (unsigned i = 0; i < PRIMARIES; i++) {
        struct bd_str primary = name('p', i, p);
        unsigned size = size_of_set(m, (int)i);
        assert_int_equal(bd_identities_primary(&m->arena, primary).len, 0);
        assert_int_equal(bd_identities_alias(&m->arena, primary, size).len, 0);
        assert_true(size == 0 || bd_identities_alias(&m->arena, primary, size - 1).len > 0);
    }
    assert_int_equal(bd_identities_cnt(&m->arena), cnt);
}

static void change(struct model *m)
{
    char a[BD_AOR_MAX], p[BD_AOR_MAX];
    unsigned i = (unsigned)(draw(m) % ALIASES);
    int to = (int)(draw(m) % PRIMARIES);
    struct bd_str alias = name('a', i, a);
    if (draw(m) % 3 == 0) {
        bool was = m->primary[i] != NOBODY;
        assert_int_equal(bd_identities_remove(&m->arena, &m->epoch, alias), was);
        m->primary[i] = NOBODY;
        return;
    }
    bool crowded = m->primary[i] != to && size_of_set(m, to) == BD_IDENTITIES_PER_SET_MAX;
    assert_int_equal(bd_identities_put(&m->arena, &m->epoch, alias, name('p', (unsigned)to, p)),
                     crowded ? BD_IDENTITIES_CROWDED : BD_IDENTITIES_OK);
    m->primary[i] = crowded ? NOBODY : to;
}

static void reload(struct model *m)
{
    char a[BD_AOR_MAX], p[BD_AOR_MAX];
    struct bd_map_sync *sync = bd_identities_sync_begin(&m->arena, &m->epoch);
    for (unsigned i = 0; i < ALIASES; i++) {
        if (draw(m) % 2) {
            int to = (int)(draw(m) % PRIMARIES);
            m->primary[i] = NOBODY;
            m->primary[i] = size_of_set(m, to) < BD_IDENTITIES_PER_SET_MAX ? to : NOBODY;
        }
    }
    for (unsigned i = 0; i < ALIASES; i++) {
        if (m->primary[i] != NOBODY)
            assert_int_equal(bd_identities_sync_put(&m->arena, sync, name('a', i, a),
                                                    name('p', (unsigned)m->primary[i], p)),
                             BD_IDENTITIES_OK);
    }
    bd_map_sync_end(sync);
}

static void test_model(void **state)
{
    (void)state;
    struct model *m = model_new(ALIASES);
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < 40; i++)
            change(m);
        assert_same(m);
        if (round % 5 == 0) {
            reload(m);
            assert_same(m);
        }
    }
    model_free(m);
}

static void test_full(void **state)
{
    (void)state;
    char a[BD_AOR_MAX], p[BD_AOR_MAX];
    struct model *m = model_new(3);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bd_identities_put(&m->arena, &m->epoch, name('a', i, a), name('p', i, p)),
                         i < 3 ? BD_IDENTITIES_OK : BD_IDENTITIES_FULL);
    assert_int_equal(bd_identities_primary(&m->arena, name('a', 3, a)).len, 0);
    assert_int_equal(bd_identities_alias(&m->arena, name('p', 3, p), 0).len, 0);
    /* One that is there can still move. */
    assert_int_equal(bd_identities_put(&m->arena, &m->epoch, name('a', 0, a), name('p', 1, p)),
                     BD_IDENTITIES_OK);
    assert_int_equal(bd_identities_cnt(&m->arena), 3);
    assert_true(lists(m, bd_str_from(p), bd_str_from(a)));
    model_free(m);
}

/* Off: no byte of the arena, and every question has its answer. */
static void test_off(void **state)
{
    (void)state;
    struct model *m = model_new(0);
    assert_int_equal(bd_identities_footprint(0), 0);
    assert_false(bd_identities_enabled(&m->arena));
    assert_int_equal(bd_identities_primary(&m->arena, BD_STR("a@b")).len, 0);
    assert_int_equal(bd_identities_alias(&m->arena, BD_STR("a@b"), 0).len, 0);
    assert_int_equal(bd_identities_cnt(&m->arena), 0);
    assert_int_equal(bd_identities_put(&m->arena, &m->epoch, BD_STR("a@b"), BD_STR("c@b")),
                     BD_IDENTITIES_FULL);
    assert_false(bd_identities_remove(&m->arena, &m->epoch, BD_STR("a@b")));
    model_free(m);
}

/* --- a reader beside the writer --------------------------------------------------------------- */

struct reader {
    struct model *m;
    _Atomic bool stop;
    _Atomic uint64_t turns;
};

/* Alias 0 always leads to primary 0 or 1; whatever a look-up yields is a whole name. */
static void *look_up(void *arg)
{
    struct reader *r = arg;
    char a[BD_AOR_MAX], p[BD_AOR_MAX], q[BD_AOR_MAX];
    struct bd_str alias = name('a', 0, a), zero = name('p', 0, p), one = name('p', 1, q);
    bd_epoch_online(&r->m->epoch, 0, 1);
    while (!atomic_load(&r->stop)) {
        struct bd_str got = bd_identities_primary(&r->m->arena, alias);
        if (!bd_str_eq(got, zero) && !bd_str_eq(got, one))
            abort();
        struct bd_str first = bd_identities_alias(&r->m->arena, got, 0);
        if (first.len && (first.p[0] != 'a' || first.p[first.len - 1] != 'm'))
            abort();
        r->turns++;
        if (r->turns % 16 == 0)
            bd_epoch_quiescent(&r->m->epoch, 0, 1);
    }
    bd_epoch_offline(&r->m->epoch, 0);
    return NULL;
}

/* After it the reader has been quiescent once more: what was given up before may be used again. */
static void await_grace_period(const struct reader *reader)
{
    uint64_t from = atomic_load(&reader->turns);
    while (atomic_load(&reader->turns) < from + 32)
        sched_yield();
}

/* A put gives up five entries at most; the map has room for 2 * ALIASES that are and as many again
 * twice. */
enum { PUTS_A_GRACE_PERIOD = 100 };

static void test_concurrent_reader(void **state)
{
    (void)state;
    char a[BD_AOR_MAX], p[BD_AOR_MAX];
    struct model *m = model_new(ALIASES);
    struct reader reader = {.m = m};
    pthread_t thread;
    assert_int_equal(bd_identities_put(&m->arena, &m->epoch, name('a', 0, a), name('p', 0, p)),
                     BD_IDENTITIES_OK);
    assert_int_equal(pthread_create(&thread, NULL, look_up, &reader), 0);
    for (unsigned n = 0; n < 4000; n++) {
        unsigned i = n % 2 ? 0 : (unsigned)(draw(m) % 8);
        if (n % PUTS_A_GRACE_PERIOD == 0)
            await_grace_period(&reader);
        assert_int_equal(
            bd_identities_put(&m->arena, &m->epoch, name('a', i, a), name('p', n / 2 % 2, p)),
            BD_IDENTITIES_OK);
    }
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    model_free(m);
}

/* A reader that stands still: puts are refused before long, and no set has a gap or loses another
 * one by it. When it goes on, so do they. */
static void test_reader_stands_still(void **state)
{
    (void)state;
    char a[BD_AOR_MAX], p[BD_AOR_MAX];
    struct model *m = model_new(ALIASES);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(bd_identities_put(&m->arena, &m->epoch, name('a', i, a), name('p', 0, p)),
                         BD_IDENTITIES_OK);
    bd_epoch_online(&m->epoch, 0, 1);
    unsigned n = 0;
    while (bd_identities_put(&m->arena, &m->epoch, name('a', 0, a), name('p', ++n % 2, p)) ==
           BD_IDENTITIES_OK)
        assert_true(n < 4000);
    assert_int_equal(bd_identities_primary(&m->arena, name('a', 0, a)).len, 0);
    for (unsigned i = 1; i < 8; i++) {
        assert_true(bd_str_eq(bd_identities_primary(&m->arena, name('a', i, a)), name('p', 0, p)));
        assert_true(lists(m, bd_str_from(p), bd_str_from(a)));
    }
    bd_epoch_quiescent(&m->epoch, 0, 1);
    assert_int_equal(bd_identities_put(&m->arena, &m->epoch, name('a', 0, a), name('p', 1, p)),
                     BD_IDENTITIES_OK);
    bd_epoch_offline(&m->epoch, 0);
    for (unsigned i = 0; i < 8; i++)
        m->primary[i] = i == 0;
    reload(m);
    assert_same(m);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_concurrent_reader),
        cmocka_unit_test(test_reader_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
