/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_arena.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "clock.h"

#define TEXT(s) bd_str_from(s)

static const struct bd_policy *sample(void *blob)
{
    static const struct bd_str aliases[] = {
        {"www.Example.com", 15}, {"198.18.0.1", 10}, {"2001:DB8:0::1", 13}};
    static struct bd_prefix prefixes[3];
    static struct bd_endpoint addresses[2];
    assert_true(bd_prefix_parse(TEXT("192.0.2.0/24"), &prefixes[0]));
    assert_true(bd_prefix_parse(TEXT("198.51.100.0/24"), &prefixes[1]));
    assert_true(bd_prefix_parse(TEXT("2001:db8::/32"), &prefixes[2]));
    assert_true(bd_endpoint_parse(TEXT("198.18.0.1:5060"), &addresses[0]));
    assert_true(bd_endpoint_parse(TEXT("[2001:db8::2]:5070"), &addresses[1]));
    const struct bd_policy_domain_in domains[] = {
        {.name = TEXT("Example.COM"),
         .realm = TEXT("The Realm"),
         .aliases = aliases,
         .alias_cnt = 3,
         .prefixes = prefixes,
         .prefix_cnt = 1,
         .settings = {.max_contacts = 7, .auth = BD_AUTH_TRUSTED}},
        {.name = TEXT("example.net"),
         .realm = TEXT("example.net"),
         .prefixes = prefixes + 1,
         .prefix_cnt = 2,
         .settings = {.max_contacts = 9}},
    };
    struct bd_policy_in in = {.domains = domains,
                              .domain_cnt = 2,
                              .default_domain = 1,
                              .addresses = addresses,
                              .address_cnt = 2,
                              .server = TEXT("Bindery"),
                              .nonce_key = {{1}, {2}},
                              .verdict_timeout_ms = 123,
                              .hash_seed = 42};
    struct bd_str twice;
    uint32_t size = bd_policy_build(blob, BD_POLICY_BLOB_MAX, &in, &twice);
    assert_true(size > 0);
    assert_null(twice.p);
    assert_int_equal(((struct bd_policy *)blob)->size, size);
    assert_int_equal(bd_policy_build(blob, size - 1, &in, &twice), 0);
    assert_null(twice.p);
    assert_int_equal(bd_policy_build(blob, size, &in, NULL), size);
    return blob;
}

static void assert_text(const struct bd_policy *p, uint32_t off, uint32_t len, const char *text)
{
    assert_int_equal(len, strlen(text));
    assert_memory_equal(bd_policy_text(p, off, len).p, text, len);
}

static void test_content(void **state)
{
    void *blob = malloc(BD_POLICY_BLOB_MAX);
    const struct bd_policy *p = sample(blob);
    bool is_default;
    const struct bd_policy_domain *d = bd_policy_find(p, TEXT("example.com"), &is_default);
    assert_text(p, d->name_off, d->name_len, "example.com");
    assert_text(p, d->realm_off, d->realm_len, "The Realm");
    assert_text(p, p->server_off, p->server_len, "Bindery");
    assert_int_equal(d->max_contacts, 7);
    assert_int_equal(p->nonce_key[1][0], 2);
    assert_int_equal(p->verdict_timeout_ms, 123);
    free(blob);
}

static void test_find(void **state)
{
    static const struct {
        const char *host;
        unsigned max_contacts;
        bool is_default;
    } rows[] = {
        {"example.com", 7, false},
        {"EXAMPLE.com.", 7, false},
        {"www.example.com", 7, false},
        {"198.18.0.1", 7, false},
        {"[2001:db8::1]", 7, false},
        {"[2001:DB8:0:0::1]", 7, false},
        {"[::ffff:198.18.0.1]", 7, false},
        {"example.net", 9, false},
        {"example.org", 9, true},
        {"198.18.0.2", 9, true},
        {"", 9, true},
        {".", 9, true},
        {"[2001:db8::2]", 9, true},
        {"198.18.0.1.5", 9, true},
        {"[", 9, true},
    };
    void *blob = malloc(BD_POLICY_BLOB_MAX);
    const struct bd_policy *p = sample(blob);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_default = !rows[i].is_default;
        const struct bd_policy_domain *d = bd_policy_find(p, TEXT(rows[i].host), &is_default);
        assert_non_null(d);
        assert_int_equal(d->max_contacts, rows[i].max_contacts);
        assert_int_equal(is_default, rows[i].is_default);
    }
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    bool is_default;
    assert_int_equal(bd_policy_find(p, (struct bd_str){longest, 300}, &is_default)->max_contacts,
                     9);
    ((struct bd_policy *)blob)->default_domain = UINT32_MAX;
    assert_null(bd_policy_find(p, TEXT("example.org"), &is_default));
    assert_false(is_default);
    free(blob);
}

static void test_is_self(void **state)
{
    static const struct {
        const char *host;
        uint16_t port;
        bool self;
    } rows[] = {
        {"198.18.0.1", 0, true},
        {"198.18.0.1", 5060, true},
        {"198.18.0.1", 5080, false},
        {"[2001:db8::2]", 0, true},
        {"[2001:db8::2]", 5070, true},
        {"[2001:db8::2]", 5060, false},
        {"example.com", 0, true},
        {"Example.net", 5070, true},
        {"example.com", 5080, false},
        {"[2001:db8::1]", 0, true},
        {"example.org", 0, false},
        {"198.18.0.2", 0, false},
        {"", 0, false},
    };
    void *blob = malloc(BD_POLICY_BLOB_MAX);
    const struct bd_policy *p = sample(blob);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(bd_policy_is_self(p, TEXT(rows[i].host), rows[i].port), rows[i].self);
    free(blob);
}

static void test_trusts(void **state)
{
    static const struct {
        const char *source, *domain;
        bool trusted;
    } rows[] = {
        {"192.0.2.9", "example.com", true},    {"198.51.100.9", "example.com", false},
        {"198.51.100.9", "example.net", true}, {"2001:db8:5::1", "example.net", true},
        {"2001:db9::1", "example.net", false}, {"192.0.3.1", "example.com", false},
    };
    void *blob = malloc(BD_POLICY_BLOB_MAX);
    const struct bd_policy *p = sample(blob);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_ip ip;
        bool is_default;
        assert_true(bd_ip_parse(TEXT(rows[i].source), &ip));
        const struct bd_policy_domain *d = bd_policy_find(p, TEXT(rows[i].domain), &is_default);
        assert_int_equal(bd_policy_trusts(p, d, &ip), rows[i].trusted);
    }
    free(blob);
}

static void test_twice(void **state)
{
    static const struct {
        const char *name, *alias, *twice;
    } rows[] = {
        {"A.example", "x.example", "A.example"},
        {"b.example", "[2001:db8::1]", "[2001:db8::1]"},
        {"b.example", "a.example.", "a.example."},
    };
    static const struct bd_str aliases[] = {{"2001:0db8::1", 12}};
    char blob[8192];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_str alias = TEXT(rows[i].alias), twice;
        const struct bd_policy_domain_in domains[] = {
            {.name = TEXT("a.example"), .realm = TEXT("r"), .aliases = aliases, .alias_cnt = 1},
            {.name = TEXT(rows[i].name), .realm = TEXT("r"), .aliases = &alias, .alias_cnt = 1},
        };
        struct bd_policy_in in = {.domains = domains, .domain_cnt = 2, .default_domain = -1};
        assert_int_equal(bd_policy_build(blob, sizeof(blob), &in, &twice), 0);
        assert_true(bd_str_eq(twice, TEXT(rows[i].twice)));
    }
}

/* All domains a configuration may have, found in a time that a packet can afford. */
static void test_many(void **state)
{
    static char names[BD_DOMAINS_MAX][32];
    static struct bd_policy_domain_in domains[BD_DOMAINS_MAX];
    void *blob = malloc(BD_POLICY_BLOB_MAX);
    for (unsigned d = 0; d < BD_DOMAINS_MAX; d++) {
        snprintf(names[d], sizeof(names[d]), "domain-%u.example.com", d);
        domains[d].name = domains[d].realm = TEXT(names[d]);
        domains[d].settings.nonce_expire_s = d;
    }
    struct bd_policy_in in = {
        .domains = domains, .domain_cnt = BD_DOMAINS_MAX, .default_domain = -1, .hash_seed = 7};
    assert_true(bd_policy_build(blob, BD_POLICY_BLOB_MAX, &in, NULL) > 0);
    uint64_t begin = bd_clock_ms();
    for (unsigned n = 0; n < 200; n++) {
        for (unsigned d = 0; d < BD_DOMAINS_MAX; d++) {
            bool is_default;
            const struct bd_policy_domain *found =
                bd_policy_find(blob, domains[d].name, &is_default);
            assert_true(found && found->nonce_expire_s == d);
        }
    }
    print_message("find: %u ns\n",
                  (unsigned)((bd_clock_ms() - begin) * 1000000 / (200 * BD_DOMAINS_MAX)));
    free(blob);
}

/* A slot with a reader is never written: with three old policies in readers' hands there is no
 * room. */
static void test_publish(void **state)
{
    struct bd_arena arena;
    static struct bd_epoch epoch;
    test_arena_make(&arena, 64);
    bd_epoch_init(&epoch);
    void *blob = malloc(BD_POLICY_BLOB_MAX);
    uint32_t size = sample(blob)->size;
    assert_null(bd_policy_current(&arena));
    bd_epoch_online(&epoch, 0, 1);
    for (unsigned i = 1; i <= BD_POLICY_SLOTS; i++) {
        assert_int_equal(bd_policy_publish(&arena, &epoch, blob, size), 0);
        assert_int_equal(bd_policy_current(&arena)->sequence, i);
    }
    const struct bd_policy *last = bd_policy_current(&arena);
    assert_int_equal(bd_policy_publish(&arena, &epoch, blob, size), -1);
    assert_ptr_equal(bd_policy_current(&arena), last);
    bd_epoch_quiescent(&epoch, 0, 1);
    assert_int_equal(bd_policy_publish(&arena, &epoch, blob, size), 0);
    assert_int_equal(bd_policy_current(&arena)->sequence, BD_POLICY_SLOTS + 1);
    bd_epoch_offline(&epoch, 0);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(bd_policy_publish(&arena, &epoch, blob, size), 0);
    free(blob);
    bd_arena_leave(&arena);
}

/* A policy too large for the small slots goes by turns through the large ones, and one that still
 * has readers is not written; small ones find room meanwhile. */
static void test_publish_large(void **state)
{
    struct bd_arena arena;
    static struct bd_epoch epoch;
    test_arena_make(&arena, 64);
    bd_epoch_init(&epoch);
    struct bd_policy *blob = calloc(1, BD_POLICY_BLOB_MAX);
    uint32_t small = sample(blob)->size;
    char *last_byte = (char *)blob + BD_POLICY_BLOB_MAX - 1;
    bd_epoch_online(&epoch, 0, 1);
    for (unsigned i = 0; i < BD_POLICY_LARGE_SLOTS; i++) {
        *last_byte = (char)('a' + i);
        assert_int_equal(bd_policy_publish(&arena, &epoch, blob, BD_POLICY_BLOB_MAX), 0);
        const char *now = (const char *)bd_policy_current(&arena);
        assert_int_equal(now[BD_POLICY_BLOB_MAX - 1], 'a' + i);
    }
    assert_int_equal(bd_policy_publish(&arena, &epoch, blob, BD_POLICY_SMALL_MAX + 1), -1);
    for (unsigned i = 0; i < BD_POLICY_SMALL_SLOTS; i++)
        assert_int_equal(bd_policy_publish(&arena, &epoch, blob, small), 0);
    assert_int_equal(bd_policy_publish(&arena, &epoch, blob, small), -1);
    bd_epoch_quiescent(&epoch, 0, 1);
    assert_int_equal(bd_policy_publish(&arena, &epoch, blob, BD_POLICY_BLOB_MAX), 0);
    bd_epoch_offline(&epoch, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(bd_policy_publish(&arena, &epoch, blob, BD_POLICY_BLOB_MAX), 0);
    free(blob);
    bd_arena_leave(&arena);
}

/* A kill between the publication and the note about the old slot: the old one counts as read until
 * a grace period has passed from when the successor sees it. */
static void test_publish_killed(void **state)
{
    struct bd_arena arena;
    static struct bd_epoch epoch;
    test_arena_make(&arena, 64);
    bd_epoch_init(&epoch);
    void *blob = malloc(BD_POLICY_BLOB_MAX);
    uint32_t size = sample(blob)->size;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(bd_policy_publish(&arena, &epoch, blob, size), 0);
    uint64_t *free_from = (uint64_t *)((char *)bd_arena_region(&arena, BD_REGION_POLICY) + 64);
    for (unsigned i = 0; i < BD_POLICY_SLOTS; i++)
        free_from[i] = UINT64_MAX;
    bd_epoch_online(&epoch, 0, 1);
    assert_int_equal(bd_policy_publish(&arena, &epoch, blob, size), -1);
    bd_epoch_quiescent(&epoch, 0, 1);
    assert_int_equal(bd_policy_publish(&arena, &epoch, blob, size), 0);
    assert_int_equal(bd_policy_current(&arena)->sequence, 3);
    free(blob);
    bd_arena_leave(&arena);
}

struct reader {
    struct bd_arena *arena;
    struct bd_epoch *epoch;
    _Atomic bool stop;
    _Atomic uint64_t turns;
};

/* Every policy it sees is whole: the fields that the writer changes together agree. */
static void *read_policies(void *arg)
{
    struct reader *r = arg;
    bd_epoch_online(r->epoch, 0, 1);
    while (!atomic_load(&r->stop)) {
        const struct bd_policy *p = bd_policy_current(r->arena);
        bool is_default;
        const struct bd_policy_domain *d = bd_policy_find(p, BD_STR("example.com"), &is_default);
        if (p->verdict_timeout_ms != p->server_len || d->max_contacts != 7)
            abort();
        r->turns++;
        bd_epoch_quiescent(r->epoch, 0, 1);
    }
    bd_epoch_offline(r->epoch, 0);
    return NULL;
}

static void test_publish_concurrently(void **state)
{
    struct bd_arena arena;
    static struct bd_epoch epoch;
    test_arena_make(&arena, 64);
    bd_epoch_init(&epoch);
    struct bd_policy *blob = malloc(BD_POLICY_BLOB_MAX);
    uint32_t size = sample(blob)->size, published = 0;
    blob->verdict_timeout_ms = blob->server_len;
    assert_int_equal(bd_policy_publish(&arena, &epoch, blob, size), 0);
    struct reader reader = {.arena = &arena, .epoch = &epoch};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_policies, &reader), 0);
    while (published < 5000 || atomic_load(&reader.turns) < 5000) {
        blob->verdict_timeout_ms = blob->server_len = published % 8;
        if (bd_policy_publish(&arena, &epoch, blob, size) == 0)
            published++;
        else
            sched_yield(); /* the reader has one that is to be written anew */
    }
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    free(blob);
    bd_arena_leave(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),        cmocka_unit_test(test_find),
        cmocka_unit_test(test_is_self),        cmocka_unit_test(test_trusts),
        cmocka_unit_test(test_twice),          cmocka_unit_test(test_many),
        cmocka_unit_test(test_publish),        cmocka_unit_test(test_publish_large),
        cmocka_unit_test(test_publish_killed), cmocka_unit_test(test_publish_concurrently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
