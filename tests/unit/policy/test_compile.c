/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_arena.h"

#include <stdio.h>
#include <unistd.h>

#include "bulk.h"
#include "compile.h"

#define HEAD                                                                                       \
    "ports: [{name: a, driver: ring, addresses: [198.18.0.1/24]}]\n"                               \
    "listen: [\"198.18.0.1:5060\"]\n"

static struct bd_config *load(const char *text)
{
    char file[] = "/tmp/bindery-compile-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    struct bd_config *config = bd_config_load(file, stderr);
    unlink(file);
    assert_non_null(config);
    return config;
}

static struct bd_policy *compile(const struct bd_arena *arena, const char *text)
{
    struct bd_config *config = load(text);
    struct bd_error error;
    uint32_t size;
    struct bd_policy *policy = bd_policy_compile(arena, config, &size, &error);
    assert_non_null(policy);
    assert_int_equal(policy->size, size);
    bd_config_free(config);
    return policy;
}

static void test_domains(void **state)
{
    struct bd_arena arena;
    test_arena_make(&arena, 64);
    struct bd_policy *p =
        compile(&arena, HEAD
                "registrar: {default_domain: B.example, server_header: \"x y\"}\n"
                "domains:\n"
                "  - {name: a.example, aliases: [198.18.0.1], auth: trusted, max_contacts: 0,\n"
                "     max_contacts_policy: oldest, max_contacts_code: 403, min_expires: 7,\n"
                "     max_expires: 0, algorithms: [SHA-512-256, MD5], qop: [auth-int],\n"
                "     case_sensitive: true, trusted_prefixes: [192.0.2.0/24], realm: R}\n"
                "  - {name: b.example, min_expires_mode: 0, nonce_expire: 9, retry_after: 8}\n");
    bool is_default;
    struct bd_ip source;
    const struct bd_policy_domain *a = bd_policy_find(p, BD_STR("198.18.0.1"), &is_default);
    assert_int_equal(a->auth, BD_AUTH_TRUSTED);
    assert_int_equal(a->max_contacts, BD_CONTACTS_PER_AOR_MAX);
    assert_int_equal(a->max_contacts_policy, BD_CONTACTS_OLDEST);
    assert_int_equal(a->max_contacts_code, 403);
    assert_int_equal(a->min_expires_s, 7);
    assert_int_equal(a->max_expires_s, 0);
    assert_int_equal(a->algorithm_cnt, 2);
    assert_int_equal(a->algorithm[0], 2);
    assert_int_equal(a->algorithm[1], 0);
    assert_int_equal(a->qop, BD_QOP_BIT_AUTH_INT);
    assert_true(a->case_sensitive);
    assert_int_equal(a->realm_len, 1);
    assert_true(bd_ip_parse(BD_STR("192.0.2.77"), &source));
    assert_true(bd_policy_trusts(p, a, &source));
    const struct bd_policy_domain *b = bd_policy_find(p, BD_STR("other.example"), &is_default);
    assert_true(is_default);
    assert_int_equal(b->auth, BD_AUTH_DIGEST);
    assert_int_equal(b->min_expires_mode, 0);
    assert_int_equal(b->nonce_expire_s, 9);
    assert_int_equal(b->retry_after_s, 8);
    assert_true(bd_policy_is_self(p, BD_STR("198.18.0.1"), 5060));
    assert_int_equal(p->server_len, 3);
    free(p);
    bd_arena_leave(&arena);
}

#define DOMAINS "domains: [{name: a.example}]\n"

static void test_bulk(void **state)
{
    struct bd_arena arena;
    test_arena_make(&arena, 64);
    struct bd_policy *p =
        compile(&arena, HEAD "domains:\n"
                             "  - {name: a.example, bulk: [Pbx1 +49305550-9 +4940*]}\n"
                             "  - {name: b.example}\n"
                             "  - {name: c.example, bulk: [x +1, y +4940*], case_sensitive: "
                             "true}\n");
    static const struct {
        const char *domain, *user, *pbx;
    } rows[] = {
        {"a.example", "+49305557", "pbx1@a.example"},
        {"a.example", "+49401", "pbx1@a.example"},
        {"a.example", "+1", NULL},
        {"b.example", "+49401", NULL},
        {"c.example", "+49401", "y@c.example"},
        {"c.example", "+1", "x@c.example"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_default;
        struct bd_bulk_hit hit;
        const struct bd_policy_domain *d =
            bd_policy_find(p, bd_str_from(rows[i].domain), &is_default);
        bool found = bd_bulk_find(p, d, bd_str_from(rows[i].user), &hit);
        assert_int_equal(found, rows[i].pbx != NULL);
        assert_true(!found || bd_str_eq(hit.pbx, bd_str_from(rows[i].pbx)));
    }
    free(p);
    bd_arena_leave(&arena);
}

/* HMAC-SHA-256 of the label under "sixteen letters!", as `openssl dgst -sha256 -hmac` gives it. */
static const uint8_t sixteen_letters_key[4] = {0x8c, 0xcb, 0x78, 0xdb};

static void test_secret(void **state)
{
    struct bd_arena arena;
    static struct bd_epoch epoch;
    test_arena_make(&arena, 64);
    bd_epoch_init(&epoch);
    struct bd_policy *p = compile(&arena, HEAD DOMAINS "auth: {secret: \"sixteen letters!\"}\n");
    assert_memory_equal(p->nonce_key[0], sixteen_letters_key, sizeof(sixteen_letters_key));
    assert_memory_equal(p->nonce_key[1], p->nonce_key[0], 32);
    struct bd_policy *q =
        compile(&arena, HEAD DOMAINS "auth: {secret: \"another secret text\",\n"
                                     "  secret_previous: \"sixteen letters!\"}\n");
    assert_memory_equal(q->nonce_key[1], p->nonce_key[0], 32);
    assert_memory_not_equal(q->nonce_key[0], p->nonce_key[0], 32);
    free(p);
    free(q);
    bd_arena_leave(&arena);
}

/* A random secret is drawn once per arena; another arena has another. */
static void test_random_secret(void **state)
{
    static const uint8_t zeros[32];
    struct bd_arena arena;
    static struct bd_epoch epoch;
    test_arena_make(&arena, 64);
    bd_epoch_init(&epoch);
    bd_log_set_level(0);
    struct bd_policy *p = compile(&arena, HEAD DOMAINS), *other = compile(&arena, HEAD DOMAINS);
    assert_memory_not_equal(p->nonce_key[0], zeros, 32);
    assert_memory_not_equal(p->nonce_key[0], other->nonce_key[0], 32);
    assert_int_equal(bd_policy_publish(&arena, &epoch, p, p->size), 0);
    struct bd_policy *again = compile(&arena, HEAD DOMAINS);
    assert_memory_equal(again->nonce_key, p->nonce_key, sizeof(p->nonce_key));
    struct bd_policy *rotated =
        compile(&arena, HEAD DOMAINS "auth: {secret_previous: \"sixteen letters!\"}\n");
    assert_memory_equal(rotated->nonce_key[0], p->nonce_key[0], 32);
    assert_memory_equal(rotated->nonce_key[1], sixteen_letters_key, sizeof(sixteen_letters_key));
    free(p);
    free(other);
    free(again);
    free(rotated);
    bd_arena_leave(&arena);
}

/* Each list within its bound, together beyond the blob: said, not cut. */
static void test_too_large(void **state)
{
    static struct bd_prefix prefixes[BD_PREFIXES_PER_DOMAIN_MAX];
    static struct bd_config_domain domains[BD_DOMAINS_MAX];
    static char names[BD_DOMAINS_MAX][16];
    struct bd_arena arena;
    struct bd_error error;
    uint32_t size;
    test_arena_make(&arena, 64);
    struct bd_config *config = load(HEAD DOMAINS "auth: {secret: \"sixteen letters!\"}\n");
    struct bd_config large = *config;
    for (unsigned d = 0; d < BD_DOMAINS_MAX; d++) {
        snprintf(names[d], sizeof(names[d]), "d%u.example", d);
        domains[d] = (struct bd_config_domain){.name = names[d],
                                               .realm = names[d],
                                               .trusted_prefixes = prefixes,
                                               .trusted_prefix_cnt = BD_PREFIXES_PER_DOMAIN_MAX};
    }
    large.domains = domains;
    large.domain_cnt = BD_DOMAINS_MAX;
    assert_null(bd_policy_compile(&arena, &large, &size, &error));
    assert_non_null(strstr(error.text, "more than 4 MiB"));
    bd_config_free(config);
    bd_arena_leave(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domains),   cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_secret),    cmocka_unit_test(test_random_secret),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
