/* SPDX-License-Identifier: BSD-3-Clause */
/* Number ranges in the policy blob: what is found, against a plain search, and how fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bulk.h"
#include "clock.h"

#define TEXT(z) bd_str_from(z)

static struct bd_e164_set set_of(const char *text)
{
    struct bd_e164_set set;
    assert_true(bd_e164_set_parse(TEXT(text), &set));
    return set;
}

/* One domain with these entries, and one without any. */
static struct bd_policy *make(const struct bd_bulk_in *bulk, unsigned cnt, bool case_sensitive)
{
    struct bd_policy *policy = malloc(BD_POLICY_BLOB_MAX);
    const struct bd_policy_domain_in domains[] = {
        {.name = BD_STR("none.example"), .realm = BD_STR("r")},
        {.name = BD_STR("Numbers.Example"),
         .realm = BD_STR("r"),
         .bulk = bulk,
         .bulk_cnt = cnt,
         .settings = {.case_sensitive = case_sensitive}},
    };
    struct bd_policy_in in = {
        .domains = domains, .domain_cnt = 2, .default_domain = -1, .hash_seed = 7};
    assert_non_null(policy);
    uint32_t size = bd_policy_build(policy, BD_POLICY_BLOB_MAX, &in, NULL);
    assert_int_equal(size, policy->size);
    assert_true(size > 0);
    return policy;
}

static const struct bd_policy_domain *domain_of(const struct bd_policy *policy, const char *name)
{
    bool by_default;
    const struct bd_policy_domain *domain = bd_policy_find(policy, TEXT(name), &by_default);
    assert_non_null(domain);
    return domain;
}

static struct bd_policy *sample(bool case_sensitive)
{
    static struct bd_e164_set one[2], two[3], three[1];
    one[0] = set_of("+4930555000-999");
    one[1] = set_of("+493044*");
    two[0] = set_of("+4930555");
    two[1] = set_of("+49305551230*"); /* longer than those of the range */
    two[2] = set_of("+4930666*");
    three[0] = set_of("+1*");
    const struct bd_bulk_in bulk[] = {{BD_STR("pbx1"), one, 2},
                                      {BD_STR("PBX2"), two, 2},
                                      {BD_STR("pbx2"), two + 2, 1},
                                      {BD_STR("+4940"), three, 1}};
    return make(bulk, 4, case_sensitive);
}

static void test_found(void **state)
{
    static const struct {
        const char *user, *pbx; /* NULL: nobody's */
    } rows[] = {
        {"+4930555000", "pbx1@numbers.example"},
        {"+4930555999", "pbx1@numbers.example"},
        {"+49-30-555-123", "pbx1@numbers.example"},
        {"+4930554999", NULL},
        {"+4930556000", NULL},
        {"+493055512", NULL},
        {"+49305551234", NULL},
        {"+493044", "pbx1@numbers.example"},
        {"+4930440", "pbx1@numbers.example"},
        {"+493044999999999", "pbx1@numbers.example"},
        {"+4930449999999999", NULL}, /* 16 digits */
        {"+49304", NULL},
        {"+493043999999999", NULL},
        {"+493045", NULL},
        {"+4930555", "pbx2@numbers.example"},
        {"+49305551230", "pbx2@numbers.example"},
        {"+493055512300", "pbx2@numbers.example"},
        {"+4930666", "pbx2@numbers.example"},
        {"+1", "+4940@numbers.example"},
        {"+199999999999999", "+4940@numbers.example"},
        {"+2", NULL},
        {"4930555000", NULL}, /* a local number */
        {"alice", NULL},
        {"", NULL},
    };
    struct bd_policy *p = sample(false);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_bulk_hit hit;
        const char *pbx = rows[i].pbx;
        bool found = bd_bulk_find(p, domain_of(p, "numbers.example"), TEXT(rows[i].user), &hit);
        if (found != (pbx != NULL) || (found && !bd_str_eq(hit.pbx, TEXT(pbx))))
            fail_msg("%s: %s", rows[i].user, found ? "found" : "not found");
        assert_false(bd_bulk_find(p, domain_of(p, "none.example"), TEXT(rows[i].user), &hit));
    }
    free(p);
}

static void test_pbxes(void **state)
{
    static const struct {
        const char *aor;
        bool is_pbx, is_when_case_counts;
    } rows[] = {
        {"pbx1@numbers.example", true, true},  {"pbx2@numbers.example", true, true},
        {"PBX2@numbers.example", false, true}, {"+4940@numbers.example", true, true},
        {"pbx@numbers.example", false, false}, {"pbx11@numbers.example", false, false},
        {"pbx1@none.example", false, false},   {"+4930555000@numbers.example", false, false},
        {"zzz@numbers.example", false, false}, {"", false, false},
    };
    struct bd_policy *p = sample(false), *q = sample(true);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bd_str aor = TEXT(rows[i].aor);
        assert_int_equal(bd_bulk_is_pbx(p, domain_of(p, "numbers.example"), aor), rows[i].is_pbx);
        assert_int_equal(bd_bulk_is_pbx(q, domain_of(q, "numbers.example"), aor),
                         rows[i].is_when_case_counts);
        assert_false(bd_bulk_is_pbx(p, domain_of(p, "none.example"), aor));
    }
    free(p);
    free(q);
}

static void test_nothing_costs_nothing(void **state)
{
    struct bd_policy *p = make(NULL, 0, false);
    assert_int_equal(domain_of(p, "numbers.example")->bulk_off, 0);
    assert_int_equal(p->size, (p->text_off + p->text_len + 7U) & ~7U);
    free(p);
}

/* --- against a plain search ------------------------------------------------------------------- */

static bool covers(const struct bd_e164_set *set, const struct bd_e164 *n)
{
    if (!set->prefix)
        return n->value >= set->first && n->value <= set->last;
    return n->digits >= set->digits &&
           n->value / bd_e164_power[n->digits - set->digits] == set->first;
}

static bool touch(const struct bd_e164_set *a, const struct bd_e164_set *b)
{
    for (unsigned digits = 1; digits <= BD_E164_DIGITS_MAX; digits++) {
        uint64_t first[2] = {1, 1}, last[2] = {0, 0};
        const struct bd_e164_set *set[] = {a, b};
        for (unsigned i = 0; i < 2; i++) {
            bool has = set[i]->prefix ? digits >= set[i]->digits : digits == set[i]->digits;
            uint64_t power = has ? bd_e164_power[digits - set[i]->digits] : 1;
            if (!has)
                continue;
            first[i] = set[i]->first * power;
            last[i] = (set[i]->last + 1) * power - 1;
        }
        if (first[0] <= last[1] && first[1] <= last[0] && first[0] <= last[0])
            return true;
    }
    return false;
}

enum { MODEL_SETS = 60, MODEL_NUMBERS = 2000, MODEL_ROUNDS = 50 };

/* Numbers of two digits and four lengths meet often. */
static uint64_t random_value(unsigned *digits)
{
    uint64_t value = 1 + (unsigned)rand() % 2;
    *digits = 1 + (unsigned)rand() % 6;
    for (unsigned i = 1; i < *digits; i++)
        value = value * 10 + (unsigned)rand() % 4;
    return value;
}

static struct bd_e164_set random_set(void)
{
    unsigned digits;
    uint64_t first = random_value(&digits), last = first;
    bool prefix = rand() % 3 == 0;
    if (!prefix && digits > 1)
        last = first - first % 10 + 10 * ((unsigned)rand() % 2) + 9;
    if (last >= bd_e164_power[digits] || last < first)
        last = first;
    return (struct bd_e164_set){first, last, (uint8_t)digits, prefix};
}

static void compare_with_model(unsigned seed)
{
    struct bd_e164_set sets[MODEL_SETS];
    struct bd_bulk_in bulk[MODEL_SETS];
    char names[MODEL_SETS][16], aor[64];
    unsigned cnt = 0;
    srand(seed);
    for (unsigned i = 0; i < MODEL_SETS; i++) {
        bool clash = false;
        sets[cnt] = random_set();
        for (unsigned k = 0; k < cnt; k++)
            clash |= touch(&sets[k], &sets[cnt]);
        if (clash)
            continue;
        snprintf(names[cnt], sizeof(names[cnt]), "pbx%u", cnt);
        bulk[cnt] = (struct bd_bulk_in){TEXT(names[cnt]), &sets[cnt], 1};
        cnt++;
    }
    struct bd_policy *p = make(bulk, cnt, false);
    const struct bd_policy_domain *domain = domain_of(p, "numbers.example");
    for (unsigned i = 0; i < MODEL_NUMBERS; i++) {
        struct bd_e164 n;
        n.value = random_value(&n.digits);
        char text[BD_E164_TEXT_MAX];
        struct bd_str user = {text, bd_e164_format(&n, text)};
        struct bd_bulk_hit hit;
        unsigned k = 0;
        while (k < cnt && !covers(&sets[k], &n))
            k++;
        bool found = bd_bulk_find(p, domain, user, &hit);
        snprintf(aor, sizeof(aor), "pbx%u@numbers.example", k);
        if (found != (k < cnt) || (found && !bd_str_eq(hit.pbx, TEXT(aor))))
            fail_msg("seed %u: %s differs", seed, text);
    }
    free(p);
}

static void test_model(void **state)
{
    for (unsigned seed = 1; seed <= MODEL_ROUNDS; seed++)
        compare_with_model(seed);
}

/* As many as a domain may have, half of them prefixes. */
static void test_many(void **state)
{
    struct bd_e164_set *sets = calloc(BD_BULK_SETS_MAX, sizeof(*sets));
    struct bd_bulk_in *bulk = calloc(BD_BULK_ENTRIES_MAX, sizeof(*bulk));
    enum { EACH = BD_BULK_SETS_MAX / BD_BULK_ENTRIES_MAX, ROUNDS = 1000000 };
    for (unsigned i = 0; i < BD_BULK_SETS_MAX; i++)
        sets[i] = i % 2 ? (struct bd_e164_set){49100000 + i, 49100000 + i, 8, true}
                        : (struct bd_e164_set){49100000000 + i * 1000ULL, 49100000999 + i * 1000ULL,
                                               11, false};
    char(*names)[16] = calloc(BD_BULK_ENTRIES_MAX, sizeof(*names));
    for (unsigned i = 0; i < BD_BULK_ENTRIES_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "pbx%u", i);
        bulk[i] = (struct bd_bulk_in){TEXT(names[i]), sets + i * EACH, EACH};
    }
    struct bd_policy *p = make(bulk, BD_BULK_ENTRIES_MAX, false);
    const struct bd_policy_domain *domain = domain_of(p, "numbers.example");
    uint64_t begin = bd_clock_ms(), found = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[BD_E164_TEXT_MAX];
        uint64_t at = (i * 2654435761ULL) % BD_BULK_SETS_MAX;
        struct bd_e164 n = {49100000000 + at * 1000 + i % 1000, 11};
        struct bd_bulk_hit hit;
        found += bd_bulk_find(p, domain, (struct bd_str){text, bd_e164_format(&n, text)}, &hit);
    }
    assert_int_equal(found, ROUNDS);
    print_message("%u sets, policy %u bytes, find and printing the number: %u ns\n",
                  BD_BULK_SETS_MAX, p->size,
                  (unsigned)((bd_clock_ms() - begin) * 1000000 / ROUNDS));
    free(p);
    free(names);
    free(bulk);
    free(sets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_pbxes),
        cmocka_unit_test(test_nothing_costs_nothing),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
