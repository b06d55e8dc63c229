/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_arena.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../xorshift.h"
#include "clock.h"
#include "shared_map_private.h"

/* The model: an array of values by number; the set is keyed by a hash of the number. */
#define MODEL_CNT 4000

struct model {
    struct bd_arena arena;
    struct bd_epoch epoch;
    struct bd_hash_key key;
    uint64_t random;
    int value[MODEL_CNT]; /* -1 absent, 0 no prefix, else the prefix 10.0.0.value/32 */
    uint64_t cnt;
};

static uint64_t draw(struct model *m)
{
    return xorshift64(&m->random);
}

static struct bd_hash128 hash_of(const struct model *m, uint32_t n)
{
    return bd_hash128(&m->key, &n, sizeof(n));
}

static struct bd_provision provision_of(int value)
{
    struct bd_provision p = {.has_prefix = value != 0,
                             .profile = (uint8_t)(value % (BD_PROFILES_MAX + 1))};
    if (value)
        p.prefix = (struct bd_prefix){bd_ip_from_v4((uint8_t[4]){10, 0, 0, (uint8_t)value}), 128};
    return p;
}

static int value_of(const struct bd_provision *p)
{
    int value = p->has_prefix ? p->prefix.ip.b[15] : 0;
    bool whole = !p->has_prefix || p->prefix.len == 128;
    return whole && p->profile == value % (BD_PROFILES_MAX + 1) ? value : 1000;
}

static struct model *model_new(uint64_t subscribers_max)
{
    /* Shared, as in the arena: a child that is killed leaves the epoch to its parent. */
    struct model *m =
        mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(m, MAP_FAILED);
    test_arena_make(&m->arena, subscribers_max);
    bd_epoch_init(&m->epoch);
    m->random = (uint64_t)time(NULL) << 16 | 1;
    print_message("seed %llu\n", (unsigned long long)m->random);
    bd_hash_key_init(&m->key, m->random);
    for (unsigned i = 0; i < MODEL_CNT; i++)
        m->value[i] = -1;
    return m;
}

static void model_free(struct model *m)
{
    bd_arena_leave(&m->arena);
    munmap(m, sizeof(*m));
}

static void set_value(struct model *m, uint32_t n, int value)
{
    m->cnt += (value >= 0) - (m->value[n] >= 0);
    m->value[n] = value;
}

static void assert_same(const struct model *m)
{
    for (uint32_t n = 0; n < MODEL_CNT; n++) {
        struct bd_provision p;
        bool found = bd_provisioned_find(&m->arena, hash_of(m, n), &p);
        assert_int_equal(found ? value_of(&p) : -1, m->value[n]);
    }
    assert_int_equal(bd_provisioned_cnt(&m->arena), m->cnt);
}

static void put_and_remove(struct model *m, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        uint32_t n = (uint32_t)(draw(m) % MODEL_CNT);
        if (draw(m) % 3 == 0) {
            bool was = m->value[n] >= 0;
            assert_int_equal(bd_provisioned_remove(&m->arena, &m->epoch, hash_of(m, n)), was);
            set_value(m, n, -1);
        } else {
            int value = (int)(draw(m) % 4);
            struct bd_provision p = provision_of(value);
            assert_int_equal(bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, n), &p),
                             BD_PROVISION_OK);
            set_value(m, n, value);
        }
        if (draw(m) % 8 == 0)
            bd_epoch_quiescent(&m->epoch, 0, 1);
    }
}

/* A random list of a random length; entries keep, change, come and go. */
static void sync_random(struct model *m)
{
    struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
    uint64_t share = draw(m) % 5, gone = 0;
    for (uint32_t n = 0; n < MODEL_CNT; n++) {
        if (draw(m) % 4 >= share) {
            gone += m->value[n] >= 0;
            set_value(m, n, -1);
            continue;
        }
        int value = draw(m) % 3 ? (int)(draw(m) % 4) : m->value[n] < 0 ? 0 : m->value[n];
        struct bd_provision p = provision_of(value);
        assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, n), &p), BD_PROVISION_OK);
        set_value(m, n, value);
    }
    assert_int_equal(bd_map_sync_end(sync), gone);
}

static void test_model(void **state)
{
    struct model *m = model_new(MODEL_CNT);
    bd_epoch_online(&m->epoch, 0, 1);
    for (unsigned round = 0; round < 20; round++) {
        put_and_remove(m, 2000);
        assert_same(m);
        sync_random(m);
        assert_same(m);
    }
    model_free(m);
}

/* Stamps hold the low bits of an epoch: they must be right across many wraps, and just before one.
 */
static void test_epoch_wrap(void **state)
{
    struct model *m = model_new(MODEL_CNT);
    bd_epoch_online(&m->epoch, 0, 1);
    for (unsigned round = 0; round < 12; round++) {
        atomic_store(&m->epoch.now, (uint64_t)(round + 1) * 0x10000 - 20);
        put_and_remove(m, 500);
        bd_epoch_quiescent(&m->epoch, 0, 1);
        assert_same(m);
    }
    model_free(m);
}

/* Slots that were never used have no grace period, whatever the epoch and whoever lags behind. */
static void test_fresh_slots(void **state)
{
    struct model *m = model_new(MODEL_CNT);
    bd_epoch_online(&m->epoch, 0, 1);
    atomic_store(&m->epoch.now, 0x123456);
    for (uint32_t n = 0; n < MODEL_CNT; n++) {
        struct bd_provision p = provision_of(0);
        assert_int_equal(bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, n), &p),
                         BD_PROVISION_OK);
        set_value(m, n, 0);
    }
    assert_same(m);
    model_free(m);
}

/* However often one changes, its path stays as short as it was. */
static void test_changes_without_end(void **state)
{
    struct model *m = model_new(100);
    for (uint32_t n = 0; n < 2; n++) {
        for (int i = 0; i < 10000; i++) {
            struct bd_provision p = provision_of(i % 4);
            assert_int_equal(bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, n), &p),
                             BD_PROVISION_OK);
        }
        set_value(m, n, 9999 % 4);
    }
    assert_same(m);
    model_free(m);
}

static void test_full(void **state)
{
    struct model *m = model_new(100);
    struct bd_provision p = provision_of(0), changed = provision_of(3);
    for (uint32_t n = 0; n < 100; n++)
        assert_int_equal(bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, n), &p),
                         BD_PROVISION_OK);
    assert_int_equal(bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, 100), &p),
                     BD_PROVISION_FULL);
    assert_int_equal(bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, 99), &changed),
                     BD_PROVISION_OK);
    /* A sync to a list with nothing in common, as long as allowed; one more is refused. */
    struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
    for (uint32_t n = 200; n < 300; n++)
        assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, n), &p), BD_PROVISION_OK);
    assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, 300), &p), BD_PROVISION_FULL);
    assert_int_equal(bd_map_sync_end(sync), 100);
    assert_int_equal(bd_provisioned_cnt(&m->arena), 100);
    model_free(m);
}

/* A reader that never lets go: nothing is reused, changes go on until the slots are used up, then
 * they are refused; what stands stays readable. When it lets go all is well again. */
static void test_stuck_reader(void **state)
{
    struct model *m = model_new(100);
    bd_epoch_online(&m->epoch, 0, 1);
    unsigned done = 0;
    enum bd_provision_rc rc = BD_PROVISION_OK;
    for (; rc == BD_PROVISION_OK && done < 10000; done++) {
        struct bd_provision p = provision_of(1 + (int)(done % 2));
        rc = bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, 7), &p);
    }
    assert_int_equal(rc, BD_PROVISION_FULL);
    assert_in_range(done, 250, 400);
    struct bd_provision p;
    assert_true(bd_provisioned_find(&m->arena, hash_of(m, 7), &p));
    assert_false(bd_provisioned_find(&m->arena, hash_of(m, 8), &p));
    bd_epoch_quiescent(&m->epoch, 0, 1);
    p = provision_of(0);
    assert_int_equal(bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, 8), &p), BD_PROVISION_OK);
    struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
    assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, 8), &p), BD_PROVISION_OK);
    assert_int_equal(bd_map_sync_end(sync), 1);
    assert_false(bd_provisioned_find(&m->arena, hash_of(m, 7), &p));
    model_free(m);
}

static struct bd_map *map_of(const struct model *m)
{
    return bd_arena_region(&m->arena, BD_REGION_PROVISIONED);
}

/* As many as there may be, while all are read again: who is removed leaves room for another. */
static void test_replaced_meanwhile(void **state)
{
    enum { CNT = 100 };
    struct model *m = model_new(CNT);
    struct bd_provision p = provision_of(1);
    for (uint32_t n = 0; n < CNT; n++)
        bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, n), &p);
    struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
    for (uint32_t n = 0; n < CNT; n++) {
        if (n > 0) { /* one that has been put, one that is still to come */
            assert_true(bd_map_sync_remove(sync, hash_of(m, n - 1)));
            assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, CNT + n), &p),
                             BD_PROVISION_OK);
        }
        assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, n), &p), BD_PROVISION_OK);
    }
    assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, 0), &p), BD_PROVISION_FULL);
    assert_true(bd_map_sync_remove(sync, hash_of(m, CNT - 1)));
    assert_false(bd_map_sync_remove(sync, hash_of(m, CNT - 1)));
    assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, 0), &p), BD_PROVISION_OK);
    assert_int_equal(bd_map_sync_end(sync), 0);
    assert_int_equal(bd_provisioned_cnt(&m->arena), CNT);
    model_free(m);
}

/* Subscribers who are removed one by one while all are read again: what a reader holds on to stays
 * as it is, though the removal's stamp is newer than all that the sync has seen; and who had been
 * read already is not counted. */
static void test_removed_meanwhile(void **state)
{
    enum { CNT = 100 };
    struct model *m = model_new(CNT);
    const void *held[CNT];
    struct bd_provision p = provision_of(1), other = provision_of(2);
    uint8_t value[18];
    bd_epoch_online(&m->epoch, 0, 1);
    for (uint32_t n = 0; n < CNT; n++) {
        bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, n), &p);
        held[n] = bd_map_find(map_of(m), hash_of(m, n));
    }
    memcpy(value, held[0], sizeof(value));
    struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
    assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, 0), &p), BD_PROVISION_OK);
    for (uint32_t n = 0; n < CNT; n++)
        assert_true(bd_provisioned_remove(&m->arena, &m->epoch, hash_of(m, n)));
    for (uint32_t n = CNT; n < 2 * CNT - 1; n++)
        assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, n), &other), BD_PROVISION_OK);
    for (uint32_t n = 0; n < CNT; n++)
        assert_memory_equal(held[n], value, sizeof(value));
    assert_int_equal(bd_map_sync_end(sync), 0);
    assert_int_equal(bd_provisioned_cnt(&m->arena), CNT - 1);
    model_free(m);
}

/* The most slots that a search for somebody who is not there looks at. */
static uint64_t longest_path(const struct bd_map *map)
{
    uint64_t longest = 0, run = 0;
    for (uint64_t slot = 0; slot < 2 * map->capacity; slot++) {
        run = entry_at(map, slot % map->capacity)->key == KEY_EMPTY ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* Years of subscribers that come and go one by one: searches stay short without a sync. */
static void test_coming_and_going(void **state)
{
    enum { CNT = 1000, LIVE = 100 };
    struct model *m = model_new(CNT);
    struct bd_provision p = provision_of(0);
    for (uint32_t n = 0; n < 40 * CNT; n++) {
        bd_epoch_quiescent(&m->epoch, 0, 1);
        assert_int_equal(bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, n), &p),
                         BD_PROVISION_OK);
        if (n >= LIVE)
            assert_true(bd_provisioned_remove(&m->arena, &m->epoch, hash_of(m, n - LIVE)));
    }
    assert_in_range(longest_path(map_of(m)), 1, 64);
    model_free(m);
}

static void expect_short_paths(const struct bd_map *map)
{
    uint64_t empty = 0;
    for (uint64_t slot = 0; slot < map->capacity; slot++)
        empty += entry_at(map, slot)->key == KEY_EMPTY;
    assert_in_range(empty, map->capacity / 2, map->capacity);
    assert_in_range(longest_path(map), 1, 100);
}

/* One in the place of another, at random, of a list that is as long as it may be. Returns how many
 * were refused. */
static unsigned replace_some(struct model *m, uint32_t *live, uint32_t cnt, unsigned times,
                             uint32_t *next)
{
    struct bd_provision p = provision_of(0);
    unsigned refused = 0;
    for (unsigned i = 0; i < times; i++) {
        uint32_t *one = &live[draw(m) % cnt];
        bd_provisioned_remove(&m->arena, &m->epoch, hash_of(m, *one));
        *one = ++*next;
        refused +=
            bd_provisioned_put(&m->arena, &m->epoch, hash_of(m, *one), &p) != BD_PROVISION_OK;
    }
    return refused;
}

/* A full list whose members are replaced again and again: what remains of those who went may be
 * neither at the end of a path only, nor for ever. Then a reader stands still until nothing can be
 * put any more; when he is back, a sync makes the map as good as new. */
static void test_ages(void **state)
{
    enum { CNT = 1000 };
    struct model *m = model_new(CNT);
    uint32_t live[CNT] = {0}, next = 0;
    bd_epoch_online(&m->epoch, 0, 1);
    for (unsigned i = 0; i < 100 * CNT; i++) {
        bd_epoch_quiescent(&m->epoch, 0, 1);
        assert_int_equal(replace_some(m, live, CNT, 1, &next), 0);
    }
    expect_short_paths(map_of(m));
    assert_in_range(replace_some(m, live, CNT, 4 * CNT, &next), 1, 4 * CNT);
    bd_epoch_quiescent(&m->epoch, 0, 1);
    struct bd_provision p = provision_of(0);
    struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
    for (uint32_t n = 0; n < CNT; n++)
        assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, live[n]), &p), BD_PROVISION_OK);
    bd_map_sync_end(sync);
    expect_short_paths(map_of(m));
    for (uint32_t n = 0; n < CNT; n++)
        assert_true(bd_provisioned_find(&m->arena, hash_of(m, live[n]), &p));
    model_free(m);
}

struct reader {
    struct model *m;
    _Atomic bool stop;
    _Atomic uint64_t turns;
};

/* Numbers below half are in every list, with one of two values; the rest come and go. */
static void *look_up(void *arg)
{
    struct reader *r = arg;
    bd_epoch_online(&r->m->epoch, 0, 1);
    for (uint32_t n = 0; !atomic_load(&r->stop); n = (n + 1) % MODEL_CNT) {
        struct bd_provision p;
        bool found = bd_provisioned_find(&r->m->arena, hash_of(r->m, n), &p);
        int value = found ? value_of(&p) : -1;
        if ((n < MODEL_CNT / 2 && !found) || (found && value != 1 + (int)n % 100 && value != 200))
            abort();
        r->turns++;
        if (n % 16 == 0)
            bd_epoch_quiescent(&r->m->epoch, 0, 1);
    }
    bd_epoch_offline(&r->m->epoch, 0);
    return NULL;
}

static void sync_half(struct model *m)
{
    struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
    for (uint32_t n = 0; n < MODEL_CNT; n++) {
        if (n >= MODEL_CNT / 2 && draw(m) % 2)
            continue;
        struct bd_provision p = provision_of(draw(m) % 2 ? 1 + (int)n % 100 : 200);
        assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, n), &p), BD_PROVISION_OK);
    }
    bd_map_sync_end(sync);
}

static void test_concurrent_reader(void **state)
{
    struct model *m = model_new(MODEL_CNT);
    sync_half(m);
    struct reader reader = {.m = m};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, look_up, &reader), 0);
    uint64_t syncs = 0;
    for (; syncs < 10 || atomic_load(&reader.turns) < 10000; syncs++)
        sync_half(m);
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    print_message("%llu syncs, %llu lookups\n", (unsigned long long)syncs,
                  (unsigned long long)reader.turns);
    model_free(m);
}

/* A writer that is killed at a random instruction of a sync, again and again: what is in every list
 * is there at once, and the next sync of a successor makes the set exact. */
static void test_killed_writer(void **state)
{
    struct model *m = model_new(MODEL_CNT);
    sync_half(m);
    for (unsigned round = 0; round < 15; round++) {
        pid_t writer = fork();
        assert_true(writer >= 0);
        while (writer == 0)
            sync_half(m);
        usleep((useconds_t)(draw(m) % 5000));
        kill(writer, SIGKILL);
        waitpid(writer, NULL, 0);
        for (uint32_t n = 0; n < MODEL_CNT / 2; n++) {
            struct bd_provision p;
            assert_true(bd_provisioned_find(&m->arena, hash_of(m, n), &p));
            assert_true(value_of(&p) == 200 || value_of(&p) == 1 + (int)n % 100);
        }
        for (uint32_t n = 0; n < MODEL_CNT; n++)
            m->value[n] = -1;
        m->cnt = 0;
        struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
        for (uint32_t n = 0; n < MODEL_CNT; n += 1 + n % 2) {
            set_value(m, n, 1 + (int)n % 100);
            struct bd_provision p = provision_of(m->value[n]);
            assert_int_equal(bd_provisioned_sync_put(sync, hash_of(m, n), &p), BD_PROVISION_OK);
        }
        bd_map_sync_end(sync);
        assert_same(m);
        sync_half(m);
    }
    model_free(m);
}

static uint64_t sync_million(struct model *m, uint32_t cnt, int value)
{
    uint64_t begin = bd_clock_ms();
    struct bd_provision p = provision_of(value);
    struct bd_map_sync *sync = bd_provisioned_sync_begin(&m->arena, &m->epoch);
    for (uint32_t n = 0; n < cnt; n++)
        assert_true(bd_provisioned_sync_put(sync, hash_of(m, n), &p) == BD_PROVISION_OK);
    bd_map_sync_end(sync);
    return bd_clock_ms() - begin;
}

/* Time of a first load, of a reload without change, and of one that changes every entry while a
 * reader holds on. BINDERY_BENCH=1 makes it a million. */
static void test_speed(void **state)
{
    uint32_t cnt = getenv("BINDERY_BENCH") ? 1000000 : 50000;
    struct model *m = model_new(cnt);
    bd_epoch_online(&m->epoch, 0, 1);
    uint64_t first = sync_million(m, cnt, 0), same = sync_million(m, cnt, 0);
    uint64_t changed = sync_million(m, cnt, 5), removed = sync_million(m, 0, 0);
    print_message("%u entries: load %llu ms, same %llu ms, all changed %llu ms, all removed %llu "
                  "ms\n",
                  cnt, (unsigned long long)first, (unsigned long long)same,
                  (unsigned long long)changed, (unsigned long long)removed);
    assert_int_equal(bd_provisioned_cnt(&m->arena), 0);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_epoch_wrap),
        cmocka_unit_test(test_fresh_slots),
        cmocka_unit_test(test_changes_without_end),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_stuck_reader),
        cmocka_unit_test(test_replaced_meanwhile),
        cmocka_unit_test(test_removed_meanwhile),
        cmocka_unit_test(test_coming_and_going),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_concurrent_reader),
        cmocka_unit_test(test_killed_writer),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
