/* SPDX-License-Identifier: BSD-3-Clause */
/* The subscribers in memory: changes, growth, reload, and readers that look on meanwhile. */
#include <pthread.h>
#include <sched.h>

#include "place.h"
#include "store.h"

static struct bd_epoch epoch;
static struct bd_error error;

#define DOMAIN BD_STR("example.com")

static struct bd_subscriber_store *make(void)
{
    bd_epoch_init(&epoch);
    struct bd_subscriber_store *store = bd_subscriber_store_new(&epoch, &error);
    assert_non_null(store);
    return store;
}

/* Every byte of a row's HA1s says the same, so that a torn read would show. */
static struct bd_subscriber row_of(const char *username, uint8_t mark)
{
    struct bd_subscriber row = {.domain = "example.com"};
    snprintf(row.username, sizeof(row.username), "%s", username);
    memset(&row.ha1, mark, sizeof(row.ha1));
    return row;
}

static void put(struct bd_subscriber_store *store, const char *username, uint8_t mark)
{
    struct bd_subscriber row = row_of(username, mark);
    assert_int_equal(bd_subscriber_store_put(store, &row, &error), 0);
}

static int mark_of(const struct bd_subscriber_store *store, const char *username)
{
    const struct bd_subscriber_entry *entry =
        bd_subscriber_lookup(store, bd_str_from(username), DOMAIN);
    return entry ? entry->ha1.md5[0][0] : -1;
}

static void test_put_replace_remove(void **state)
{
    struct bd_subscriber_store *store = make();
    put(store, "1000", 1);
    put(store, "1001", 2);
    put(store, "1000", 3);
    assert_int_equal(bd_subscriber_store_cnt(store), 2);
    assert_int_equal(mark_of(store, "1000"), 3);
    assert_int_equal(mark_of(store, "1001"), 2);
    assert_int_equal(mark_of(store, "1002"), -1);
    assert_null(bd_subscriber_lookup(store, BD_STR("1000"), BD_STR("example.org")));
    assert_null(bd_subscriber_lookup(store, BD_STR("1000"), BD_STR_NULL));
    bd_subscriber_store_remove(store, BD_STR("1000"), DOMAIN);
    bd_subscriber_store_remove(store, BD_STR("nobody"), DOMAIN);
    assert_int_equal(mark_of(store, "1000"), -1);
    assert_int_equal(bd_subscriber_store_cnt(store), 1);
    bd_subscriber_store_free(store);
}

static void test_lookup_by_aor(void **state)
{
    struct bd_subscriber_store *store = make();
    put(store, "Alice", 1);
    put(store, "BOB", 2);
    put(store, "bob", 3);
    assert_int_equal(mark_of(store, "alice"), -1);
    const struct bd_subscriber_entry *e = bd_subscriber_lookup_aor(store, BD_STR("alice"), DOMAIN);
    assert_non_null(e);
    assert_true(bd_str_eq(bd_entry_username(e), BD_STR("Alice")));
    e = bd_subscriber_lookup_aor(store, BD_STR("bob"), DOMAIN);
    assert_int_equal(e->ha1.md5[0][0], 3);
    e = bd_subscriber_lookup_aor(store, BD_STR("BOB"), DOMAIN);
    assert_int_equal(e->ha1.md5[0][0], 2);
    assert_null(bd_subscriber_lookup_aor(store, BD_STR("carol"), DOMAIN));
    bd_subscriber_store_free(store);
}

/* Random operations against an array. */
static void test_against_model(void **state)
{
    enum { NAMES = 5000 };
    static int model[NAMES];
    struct bd_subscriber_store *store = make();
    for (unsigned i = 0; i < NAMES; i++)
        model[i] = -1;
    srand(7);
    for (unsigned i = 0; i < 60000; i++) {
        unsigned n = (unsigned)rand() % NAMES;
        char name[16];
        snprintf(name, sizeof(name), "%u", n);
        if (rand() % 3 == 0) {
            bd_subscriber_store_remove(store, bd_str_from(name), DOMAIN);
            model[n] = -1;
        } else {
            model[n] = rand() % 256;
            put(store, name, (uint8_t)model[n]);
        }
        n = (unsigned)rand() % NAMES;
        snprintf(name, sizeof(name), "%u", n);
        assert_int_equal(mark_of(store, name), model[n]);
        if (i % 100 == 0)
            bd_subscriber_store_reclaim(store);
    }
    uint64_t live = 0;
    for (unsigned i = 0; i < NAMES; i++)
        live += model[i] >= 0;
    assert_int_equal(bd_subscriber_store_cnt(store), live);
    bd_subscriber_store_free(store);
}

/* While a reader is online what it holds stays whole, however often it is replaced. */
static void test_grace_period(void **state)
{
    struct bd_subscriber_store *store = make();
    unsigned line = bd_epoch_control(1);
    put(store, "1000", 1);
    bd_epoch_online(&epoch, line, 1);
    const struct bd_subscriber_entry *held = bd_subscriber_lookup(store, BD_STR("1000"), DOMAIN);
    put(store, "1000", 2);
    bd_subscriber_store_remove(store, BD_STR("1000"), DOMAIN);
    bd_subscriber_store_reclaim(store);
    assert_int_equal(held->ha1.md5[0][0], 1); /* ASan would tell */
    bd_epoch_quiescent(&epoch, line, 1);
    bd_subscriber_store_reclaim(store);
    bd_epoch_offline(&epoch, line);
    bd_subscriber_store_free(store);
}

/* --- reload from a database ------------------------------------------------------------------- */

struct database {
    struct place place;
    struct bd_subscribers *s;
};

static void database_open(struct database *d)
{
    place_make(&d->place);
    d->s = bd_subscribers_open(d->place.file, &error);
    assert_non_null(d->s);
}

static void database_close(struct database *d)
{
    bd_subscribers_close(d->s);
    place_remove(&d->place);
}

static struct bd_subscriber add(struct database *d, const char *username)
{
    struct bd_subscriber row;
    struct bd_subscriber_change change = {
        .username = bd_str_from(username), .domain = DOMAIN, .password = BD_STR("x")};
    assert_int_equal(bd_subscribers_add(d->s, &change, &row, &error), 0);
    return row;
}

static void count_row(void *arg, const struct bd_subscriber *row)
{
    ++*(unsigned *)arg;
}

static void test_reload(void **state)
{
    struct database d;
    database_open(&d);
    struct bd_subscriber_store *store = make();
    put(store, "gone", 9);
    add(&d, "1000");
    add(&d, "1001");
    unsigned rows = 0;
    assert_int_equal(bd_subscriber_reload_begin(store, &error), 0);
    assert_int_equal(bd_subscriber_reload_step(store, d.s, 1, count_row, &rows, &error), 1);
    assert_int_equal(mark_of(store, "gone"), 9); /* the old content until the end */
    assert_int_equal(mark_of(store, "1000"), -1);

    /* Changes on the way count: behind the cursor, ahead of it, and taken away. */
    struct bd_subscriber row = add(&d, "1002");
    assert_int_equal(bd_subscriber_store_put(store, &row, &error), 0);
    assert_int_equal(bd_subscribers_remove(d.s, BD_STR("1000"), DOMAIN, &row, &error), 0);
    bd_subscriber_store_remove(store, BD_STR("1000"), DOMAIN);
    while (bd_subscriber_reload_step(store, d.s, 1, count_row, &rows, &error) == 1)
        ;
    assert_int_equal(rows, 3);
    assert_int_equal(mark_of(store, "gone"), -1);
    assert_int_equal(mark_of(store, "1000"), -1);
    assert_true(mark_of(store, "1001") >= 0);
    assert_true(mark_of(store, "1002") >= 0);
    assert_int_equal(bd_subscriber_store_cnt(store), 2);
    assert_int_equal(bd_subscriber_reload_begin(store, &error), 0);
    assert_int_equal(bd_subscriber_reload_begin(store, &error), 0); /* begun anew */
    bd_subscriber_store_free(store);
    database_close(&d);
}

/* What was read before a reload begins anew is not freed at once. */
static void test_given_up_in_pieces(void **state)
{
    struct bd_subscriber_store *store = make();
    char name[16];
    assert_int_equal(bd_subscriber_reload_begin(store, &error), 0);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "%u", i);
        put(store, name, 1);
    }
    while (bd_subscriber_store_reclaim(store))
        ;
    assert_int_equal(bd_subscriber_reload_begin(store, &error), 0);
    unsigned pieces = 1;
    while (bd_subscriber_store_reclaim(store))
        pieces++;
    assert_in_range(pieces, 2, 10);
    assert_int_equal(bd_subscriber_store_cnt(store), 10000);
    bd_subscriber_store_free(store);
}

/* --- readers beside the writer ---------------------------------------------------------------- */

enum { READERS = 3, FIXED = 2000, CHANGES = 20000 };

struct reader {
    const struct bd_subscriber_store *store;
    unsigned index;
    unsigned long looked;
    bool wrong;
};

static _Atomic bool stop;
static _Atomic unsigned looking; /* readers that have begun */

static bool is_whole(const struct bd_subscriber_entry *entry)
{
    const uint8_t *b = (const uint8_t *)&entry->ha1;
    for (size_t i = 1; i < sizeof(entry->ha1); i++) {
        if (b[i] != b[0])
            return false;
    }
    return true;
}

/* The names f0..f1999 are always there, whatever is done to them and to others. */
static void *read_on(void *arg)
{
    struct reader *r = arg;
    unsigned line = bd_epoch_control(1 + r->index);
    bd_epoch_online(&epoch, line, 1);
    atomic_fetch_add(&looking, 1);
    while (!atomic_load(&stop)) {
        char name[16];
        snprintf(name, sizeof(name), "f%lu", r->looked++ % FIXED);
        const struct bd_subscriber_entry *e =
            bd_subscriber_lookup(r->store, bd_str_from(name), DOMAIN);
        r->wrong = r->wrong || !e || !is_whole(e);
        bd_epoch_quiescent(&epoch, line, 1);
    }
    bd_epoch_offline(&epoch, line);
    return NULL;
}

static void test_readers_see_whole_entries(void **state)
{
    struct bd_subscriber_store *store = make();
    char name[16];
    for (unsigned i = 0; i < FIXED; i++) {
        snprintf(name, sizeof(name), "f%u", i);
        put(store, name, 0);
    }
    struct reader r[READERS];
    pthread_t id[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        r[i] = (struct reader){.store = store, .index = i};
        assert_int_equal(pthread_create(&id[i], NULL, read_on, &r[i]), 0);
    }
    while (atomic_load(&looking) < READERS)
        sched_yield();
    for (unsigned i = 0; i < CHANGES; i++) {
        snprintf(name, sizeof(name), "f%u", (unsigned)rand() % FIXED);
        put(store, name, (uint8_t)i);
        snprintf(name, sizeof(name), "x%u", i);
        put(store, name, (uint8_t)i);
        if (i % 2)
            bd_subscriber_store_remove(store, bd_str_from(name), DOMAIN);
        if (i % 64 == 0)
            bd_subscriber_store_reclaim(store);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(id[i], NULL);
        assert_false(r[i].wrong);
    }
    bd_subscriber_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_replace_remove),
        cmocka_unit_test(test_lookup_by_aor),
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_grace_period),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_given_up_in_pieces),
        cmocka_unit_test(test_readers_see_whole_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
