/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_arena.h"

#include <stdio.h>
#include <unistd.h>

#include "bulk.h"
#include "compile.h"
#include "profile.h"

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

/* The limits, the longest prefix of either list, and that allow spares bans as never_ban does. */
static void test_limits(void **state)
{
    struct bd_arena arena;
    test_arena_make(&arena, 64);
    struct bd_policy *p =
        compile(&arena, HEAD "domains: [{name: a.example}]\n"
                             "limits:\n"
                             "  allow: [192.0.2.0/24, \"2001:db8::/32\"]\n"
                             "  deny: [0.0.0.0/0]\n"
                             "  never_ban: [198.51.100.7]\n"
                             "  rates: count\n"
                             "  source_rate: 100\n  source_burst: 11\n"
                             "  source_prefix_ipv4: 24\n  aor_rate: 0\n  aor_answer: drop\n"
                             "  failed_per_source: 7\n");
    const struct bd_policy_limits *l = &p->limits;
    assert_false(l->rates_enforced);
    assert_true(l->aor_silent);
    assert_int_equal(l->source.interval, 10240); /* a hundredth of a second */
    assert_int_equal(l->source.tolerance, 102400);
    assert_int_equal(l->aor.interval, 0);
    assert_int_equal(l->failed_per_source, 7);
    assert_int_equal(l->failed_ban_s, 60);
    static const struct {
        const char *source;
        enum bd_prefix_list list;
        bool may_ban;
    } cases[] = {{"192.0.2.1", BD_PREFIX_ALLOW, false},
                 {"192.0.3.1", BD_PREFIX_DENY, true},
                 {"198.51.100.7", BD_PREFIX_DENY, false},
                 {"2001:db8::1", BD_PREFIX_ALLOW, false},
                 {"2001:db9::1", BD_PREFIX_NONE, true}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bd_ip source;
        assert_true(bd_ip_parse(bd_str_from(cases[i].source), &source));
        assert_int_equal(bd_policy_list_of(p, &source), cases[i].list);
        assert_int_equal(bd_policy_may_ban(p, &source), cases[i].may_ban);
        /* Neighbours may name another host in their Via; everybody, where that is allowed. */
        p->limits.maddr_followed = false;
        assert_int_equal(bd_policy_follows_maddr(p, &source), !cases[i].may_ban);
        p->limits.maddr_followed = true;
        assert_true(bd_policy_follows_maddr(p, &source));
    }
    free(p);
    bd_arena_leave(&arena);
}

static void test_domains(void **state)
{
    struct bd_arena arena;
    test_arena_make(&arena, 64);
    struct bd_policy *p = compile(
        &arena,
        HEAD "registrar: {default_domain: B.example, server_header: \"x y\"}\n"
             "domains:\n"
             "  - {name: a.example, aliases: [198.18.0.1], auth: trusted, max_contacts: 0,\n"
             "     max_contacts_policy: oldest, max_contacts_code: 403, min_expires: 7,\n"
             "     max_expires: 0, algorithms: [SHA-512-256, MD5], qop: [auth-int],\n"
             "     case_sensitive: true, userhash: true, add_authinfo_hdr: true, charset: none,\n"
             "     trusted_prefixes: [192.0.2.0/24], realm: R}\n"
             "  - {name: b.example, min_expires_mode: 0, nonce_expire: 9, retry_after_s: 8}\n");
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
    assert_true(a->userhash && a->add_authinfo_hdr && !a->charset_utf8);
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

static void assert_text(const struct bd_policy *p, struct bd_policy_list list, unsigned i,
                        const char *wanted)
{
    struct bd_str text = BD_STR_NULL;
    for (unsigned n = 0; n <= i; n++)
        assert_true(bd_policy_list_next(p, &list, &text));
    assert_int_equal(text.len, strlen(wanted));
    assert_memory_equal(text.p, wanted, text.len);
}

static void test_extensions(void **state)
{
    struct bd_arena arena;
    bool is_default;
    test_arena_make(&arena, 64);
    struct bd_policy *p =
        compile(&arena, HEAD
                "registrar: {expires_range: 7, associated_uris: [\"tel:{user}\"]}\n"
                "domains:\n"
                "  - {name: a.example, path_mode: 1, third_party: allow, registrants: [x, y@z]}\n"
                "  - {name: \"*\", use_path: false, associated_uris: [], expires_range: 8,\n"
                "     service_route: [\"sip:r.example;lr\", \"sips:s.example;lr\"]}\n");
    const struct bd_policy_domain *a = bd_policy_find(p, BD_STR("A.example"), &is_default);
    assert_false(is_default || a->wildcard || a->own_realm);
    assert_true(a->use_path && a->path_mode == BD_PATH_LAZY && a->expires_range == 7);
    assert_int_equal(a->third_party, BD_THIRD_PARTY_ALLOW);
    assert_int_equal(a->registrants.cnt, 2);
    assert_text(p, a->registrants, 1, "y@z");
    assert_text(p, a->associated_uris, 0, "tel:{user}");
    assert_int_equal(a->service_route.cnt, 0);
    const struct bd_policy_domain *rest = bd_policy_find(p, BD_STR("b.example"), &is_default);
    assert_true(is_default && rest->wildcard && rest->own_realm && !rest->use_path);
    assert_int_equal(rest->third_party, BD_THIRD_PARTY_DENY);
    assert_int_equal(rest->path_mode, BD_PATH_STRICT);
    assert_int_equal(rest->associated_uris.cnt, 0);
    assert_text(p, rest->service_route, 1, "sips:s.example;lr");
    free(p);
    bd_arena_leave(&arena);
}

/* The memo says what the search says, whatever was asked before and of which policy. */
static void test_memo(void **state)
{
    static const char *const hosts[] = {"a.example", "a.example", "A.example",
                                        "",          "b.example", "b.example",
                                        "a.exampl",  "[::1]",     "a.example"};
    struct bd_arena arena;
    test_arena_make(&arena, 64);
    struct bd_policy *p[] = {compile(&arena, HEAD "domains: [{name: a.example}]\n"),
                             compile(&arena,
                                     HEAD "registrar: {default_domain: a.example}\n"
                                          "domains: [{name: a.example}, {name: b.example}]\n")};
    struct bd_policy_memo memo = {.policy = NULL};
    for (unsigned turn = 0; turn < 8; turn++) {
        struct bd_policy *policy = p[turn >> 1 & 1];
        policy->sequence = turn; /* a new one in the same place */
        policy->default_domain = turn & 4 ? UINT32_MAX : policy->default_domain;
        for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
            bool found_default, kept_default;
            struct bd_str host = bd_str_from(hosts[i]);
            const struct bd_policy_domain *found = bd_policy_find(policy, host, &found_default);
            assert_ptr_equal(bd_policy_find_memo(&memo, policy, host, &kept_default), found);
            assert_int_equal(kept_default, found_default);
        }
    }
    free(p[0]);
    free(p[1]);
    bd_arena_leave(&arena);
}

/* A name keeps its number while it stands in the configuration; a number that has just become free
 * is lent to nobody yet. */
static void test_profile_numbers(void **state)
{
    struct bd_arena arena;
    static struct bd_epoch epoch;
    static const char *const lists[] = {"[]", "[{name: a}, {name: b}, {name: c}]",
                                        "[{name: d}, {name: c, max_contacts: 3}]",
                                        "[{name: e}, {name: f}, {name: c}]"};
    static const uint8_t numbers[][6] = {{0}, {1, 2, 3}, {0, 0, 3, 4}, {0, 0, 3, 0, 1, 2}};
    test_arena_make(&arena, 64);
    bd_epoch_init(&epoch);
    for (unsigned i = 0; i < 4; i++) {
        char text[1024];
        snprintf(text, sizeof(text), HEAD DOMAINS "profiles: %s\n", lists[i]);
        struct bd_policy *p = compile(&arena, text);
        for (unsigned n = 0; n < 6; n++)
            assert_int_equal(bd_profile_find(p, (struct bd_str){&"abcdef"[n], 1}), numbers[i][n]);
        const struct bd_policy_domain *domains =
            (const void *)((const uint8_t *)p + p->domains_off);
        struct bd_policy_domain own = {0};
        assert_int_equal(bd_profile_apply(p, 3, domains, &own), i > 0);
        assert_false(bd_profile_apply(p, 0, domains, &own));
        assert_false(bd_profile_apply(p, BD_PROFILES_MAX, domains, &own));
        assert_int_equal(own.max_contacts, i == 2 ? 3 : i ? domains->max_contacts : 0);
        assert_int_equal(bd_policy_publish(&arena, &epoch, p, p->size), 0);
        free(p);
    }
    bd_arena_leave(&arena);
}

/* 127 of them, all new, leave no former number free: each still gets one of its own. */
static void test_all_profiles_replaced(void **state)
{
    struct bd_arena arena;
    static struct bd_epoch epoch;
    static char text[16384];
    test_arena_make(&arena, 64);
    bd_epoch_init(&epoch);
    for (char kind = 'a'; kind <= 'b'; kind++) {
        size_t used = (size_t)snprintf(text, sizeof(text), HEAD DOMAINS "profiles:\n");
        for (unsigned i = 0; i < BD_PROFILES_MAX; i++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "  - name: %c%u\n", kind, i);
        struct bd_policy *p = compile(&arena, text);
        assert_int_equal(p->profile_cnt, BD_PROFILES_MAX + 1);
        bool seen[BD_PROFILES_MAX + 1] = {false};
        for (unsigned i = 0; i < BD_PROFILES_MAX; i++) {
            char name[8];
            snprintf(name, sizeof(name), "%c%u", kind, i);
            uint8_t number = bd_profile_find(p, bd_str_from(name));
            assert_true(number > 0 && !seen[number]);
            seen[number] = true;
        }
        assert_int_equal(bd_policy_publish(&arena, &epoch, p, p->size), 0);
        free(p);
    }
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
        cmocka_unit_test(test_domains),         cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_extensions),      cmocka_unit_test(test_memo),
        cmocka_unit_test(test_profile_numbers), cmocka_unit_test(test_all_profiles_replaced),
        cmocka_unit_test(test_secret),          cmocka_unit_test(test_random_secret),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
