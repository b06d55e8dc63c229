/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's limiter with the limits as they come: who is let through by a clock that jumps, among
 * honest phones and several kinds of attackers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ban.h"
#include "limiter.h"
#include "source.h"

enum { POLICY_CAP = 1 << 16 };

static struct lab {
    struct bd_arena arena;
    struct bd_worker_stats *stats;
    struct bd_limiter *limiter;
    void *policy;
    uint64_t policies, now_ms;
} lab;

/* As config/schema_limits.c has them. */
static struct bd_policy_limits defaults(void)
{
    return (struct bd_policy_limits){
        .source = bd_rate_terms_of(10000, 50000),
        .aor = bd_rate_terms_of(10, 100),
        .source_mask = {bd_source_mask(64), bd_source_mask_v4(32)},
        .failed_per_source = 100,
        .failed_per_aor = 20,
        .failed_aor_pause_s = 600,
        .failed_ban_s = 60,
        .failed_ban_max_s = 3600,
        .failed_forget_s = 86400,
        .rates_enforced = true,
    };
}

static struct bd_prefix prefix(const char *text)
{
    struct bd_prefix p;
    assert_true(bd_prefix_parse(bd_str_from(text), &p));
    return p;
}

/* allow, deny: NULL: none. */
static void publish(struct bd_policy_limits limits, const char *allow, const char *deny, bool bans)
{
    const struct bd_prefix a = prefix(allow ? allow : "::"), d = prefix(deny ? deny : "::");
    const struct bd_prefixes as = {&a, allow != NULL}, ds = {&d, deny != NULL};
    struct bd_prefix_map *map = bd_prefix_map_make(&as, 1, &ds, 1);
    struct bd_policy_in in = {.default_domain = -1,
                              .limits = limits,
                              .bans_enforced = bans,
                              .prefix_map = allow || deny ? map : NULL};
    assert_int_not_equal(bd_policy_build(lab.policy, POLICY_CAP, &in, NULL), 0);
    ((struct bd_policy *)lab.policy)->sequence = ++lab.policies;
    free(map);
    bd_limiter_use(lab.limiter, lab.policy, lab.now_ms);
}

static int open_lab(void **state)
{
    struct bd_arena_params params = {0};
    struct bd_error error;
    for (unsigned i = 0; i < BD_REGION_CNT; i++)
        params.region_sz[i] = 4096;
    params.region_sz[BD_REGION_BANS] = bd_bans_footprint();
    params.region_sz[BD_REGION_LIMITS] = bd_limits_footprint(2);
    params.region_sz[BD_REGION_STATS] = sizeof(struct bd_worker_stats);
    assert_int_equal(bd_arena_create_private(&lab.arena, &params, &error), 0);
    lab.stats = bd_arena_region(&lab.arena, BD_REGION_STATS);
    lab.limiter = bd_limiter_new(&lab.arena, lab.stats, 0, &error);
    assert_non_null(lab.limiter);
    lab.policy = aligned_alloc(64, POLICY_CAP);
    lab.now_ms = 1000000000;
    publish(defaults(), NULL, NULL, true);
    return 0;
}

static int close_lab(void **state)
{
    bd_limiter_free(lab.limiter);
    bd_arena_leave(&lab.arena);
    free(lab.policy);
    return 0;
}

static void pass_ms(uint64_t ms)
{
    lab.now_ms += ms;
    bd_limiter_use(lab.limiter, lab.policy, lab.now_ms);
}

static struct bd_ip ip(const char *text)
{
    struct bd_ip address;
    assert_true(bd_ip_parse(bd_str_from(text), &address));
    return address;
}

static struct bd_ip nth(uint32_t i)
{
    uint32_t network = __builtin_bswap32(0x0a000000 + i);
    return bd_ip_from_v4(&network);
}

static enum bd_verdict admit_from(struct bd_ip source, uint16_t port)
{
    if (!bd_limiter_is_needed(lab.limiter))
        return BD_VERDICT_NONE;
    bd_limiter_prefetch(lab.limiter, 0, &source);
    return bd_limiter_admit(lab.limiter, 0, &(struct bd_endpoint){source, port});
}

static enum bd_verdict admit(struct bd_ip source)
{
    return admit_from(source, 5060);
}

static uint64_t counter(enum bd_counter which)
{
    return bd_stat_read(&lab.stats->counter[which]);
}

/* Keyed hashes of AoRs, as good as any. */
static struct bd_limit_claim claim(uint64_t aor, const struct bd_ip *source)
{
    uint64_t key = bd_hash64(&lab.arena.hash_key, &aor, sizeof(aor));
    return (struct bd_limit_claim){.key = key, .source = source, .aor = BD_STR("a@example.com")};
}

enum outcome { TRIED, SLOWED, STALE, UNHEARD };

/* Credentials for an AoR that are found wrong when they are tried. `known`: the AoR is registered
 * from there. */
static enum outcome fail_as(struct bd_limit_claim c, bool known)
{
    if (admit(*c.source) != BD_VERDICT_NONE)
        return UNHEARD;
    bool unguarded = !bd_limiter_guards(lab.limiter, &c) || known;
    enum bd_verdict verdict = bd_limiter_guess(lab.limiter, &c, unguarded);
    if (verdict != BD_VERDICT_NONE)
        return verdict == BD_SIP_STALE ? STALE : SLOWED;
    bd_limiter_failed(lab.limiter, &c, known);
    return TRIED;
}

static enum outcome fail_at(uint64_t aor, struct bd_ip source)
{
    return fail_as(claim(aor, &source), false);
}

static uint32_t ban_left_s(struct bd_ip source)
{
    struct bd_ban ban;
    for (unsigned i = 0; i < BD_BANS_MAX; i++) {
        if (bd_ban_at(&lab.arena, i, (uint32_t)(lab.now_ms / 1000), &ban) &&
            bd_ip_eq(&ban.source.ip, &source)) {
            assert_int_equal(ban.cause, BD_BAN_FAILURES);
            return ban.left_s;
        }
    }
    return 0;
}

/* --- datagrams -------------------------------------------------------------------------------- */

/* Behind one address 5,000 phones come up at once: each registers, is challenged, answers, and
 * sends each request twice more as the answers are slow. */
static void test_office(void **state)
{
    for (unsigned i = 0; i < 5000 * 2 * 3; i++)
        assert_int_equal(admit(ip("192.0.2.1")), BD_VERDICT_NONE);
}

static void test_heavy_source(void **state)
{
    unsigned heard = 0;
    for (unsigned ms = 0; ms < 1000; ms++, pass_ms(1)) {
        for (unsigned i = 0; i < 1000; i++)
            heard += admit(ip("192.0.2.1")) == BD_VERDICT_NONE;
        assert_int_equal(admit(ip("192.0.2.2")), BD_VERDICT_NONE);
    }
    assert_in_range(heard, 59000, 61100);
}

static void test_prefix_lengths(void **state)
{
    struct bd_policy_limits limits = defaults();
    limits.source = bd_rate_terms_of(1, 1);
    publish(limits, NULL, NULL, true);
    assert_int_equal(admit(ip("2001:db8::1")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("2001:db8::2")), BD_FRAME_LIMITED);
    assert_int_equal(admit(ip("2001:db8:0:1::1")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("192.0.2.1")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("192.0.2.2")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("192.0.2.2")), BD_FRAME_LIMITED);
    limits.source_mask[0] = bd_source_mask(48);
    limits.source_mask[1] = bd_source_mask_v4(24);
    publish(limits, NULL, NULL, true);
    pass_ms(10000);
    assert_int_equal(admit(ip("192.0.2.1")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("192.0.2.2")), BD_FRAME_LIMITED);
    assert_int_equal(admit(ip("2001:db8:0:1::1")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("2001:db8:0:2::1")), BD_FRAME_LIMITED);
    assert_int_equal(admit(ip("2001:db8:1::1")), BD_VERDICT_NONE);
}

static void test_lists(void **state)
{
    struct bd_policy_limits limits = defaults();
    limits.source = bd_rate_terms_of(1, 1);
    publish(limits, "192.0.2.0/24", "0.0.0.0/0", true);
    struct bd_ip friend = ip("192.0.2.1");
    bd_ban_put(&lab.arena, &friend, (uint32_t)(lab.now_ms / 1000), 100, BD_BAN_OPERATOR);
    pass_ms(0);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(admit(friend), BD_VERDICT_NONE); /* neither rate nor ban */
    assert_int_equal(admit(ip("192.0.3.1")), BD_FRAME_DENIED);
    assert_int_equal(admit(ip("2001:db8::1")), BD_VERDICT_NONE);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(fail_at(1, friend), TRIED);
    publish(limits, NULL, NULL, true);
    assert_int_equal(admit(friend), BD_FRAME_BANNED);
    publish(limits, NULL, NULL, false);
    assert_int_equal(admit(friend), BD_VERDICT_NONE);
    assert_int_equal(counter(BD_CTR_BANNED_PASSED), 1);
}

/* What was spent stays so over a reload. */
static void test_reload(void **state)
{
    struct bd_policy_limits limits = defaults();
    limits.source = bd_rate_terms_of(1, 2);
    publish(limits, NULL, NULL, true);
    assert_int_equal(admit(ip("192.0.2.1")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("192.0.2.1")), BD_VERDICT_NONE);
    publish(limits, NULL, "203.0.113.0/24", true);
    assert_int_equal(admit(ip("192.0.2.1")), BD_FRAME_LIMITED);
    limits.rates_enforced = false;
    publish(limits, NULL, NULL, true);
    assert_int_equal(admit(ip("192.0.2.1")), BD_VERDICT_NONE);
    assert_int_equal(counter(BD_CTR_LIMITED_PASSED), 1);
    limits.source.interval = 0;
    publish(limits, NULL, NULL, true);
    assert_false(bd_limiter_is_needed(lab.limiter));
}

/* --- a worker that is behind ------------------------------------------------------------------ */

static bool took_turn(struct bd_ip source)
{
    assert_int_equal(admit(source), BD_VERDICT_NONE);
    return bd_limiter_took_turn(lab.limiter, 0);
}

/* Of ten datagrams sent at once; `turns`: how many of them came by a turn. */
static unsigned heard_of_ten(struct bd_ip source, unsigned *turns)
{
    unsigned heard = 0;
    *turns = 0;
    for (unsigned i = 0; i < 10; i++) {
        enum bd_verdict verdict = admit(source);
        heard += verdict == BD_VERDICT_NONE;
        *turns += verdict == BD_VERDICT_NONE && bd_limiter_took_turn(lab.limiter, 0);
        assert_true(verdict == BD_VERDICT_NONE || verdict == BD_FRAME_UNHEARD);
    }
    return heard;
}

static void test_guard(void **state)
{
    struct bd_ip known = ip("192.0.2.1"), stranger = ip("192.0.2.2");
    unsigned turns;
    bd_limiter_know(lab.limiter, &known);
    assert_false(took_turn(stranger));
    bd_limiter_guard(lab.limiter);
    assert_int_equal(heard_of_ten(stranger, &turns), BD_TURNS_EACH);
    assert_int_equal(turns, BD_TURNS_EACH);
    /* Known sources are heard beyond their turns. */
    assert_int_equal(heard_of_ten(known, &turns), 10);
    assert_int_equal(turns, BD_TURNS_EACH);
    pass_ms(BD_TURN_MS);
    assert_int_equal(heard_of_ten(stranger, &turns), BD_TURNS_EACH);
    pass_ms(BD_GUARD_MS - BD_TURN_MS); /* nothing has said since that the worker is behind */
    assert_int_equal(heard_of_ten(stranger, &turns), 10);
    assert_int_equal(turns, 0);
    pass_ms(2ULL * 86400 * 1000);
    bd_limiter_guard(lab.limiter);
    assert_int_equal(heard_of_ten(known, &turns), BD_TURNS_EACH); /* forgotten */
}

/* Limits are off, so nothing but the guard is a reason to look at sources. */
static void test_guard_alone(void **state)
{
    unsigned turns;
    publish((struct bd_policy_limits){.source_mask = {~0ULL, ~0ULL}}, NULL, NULL, true);
    assert_false(bd_limiter_is_needed(lab.limiter));
    bd_limiter_guard(lab.limiter);
    assert_true(bd_limiter_is_needed(lab.limiter));
    assert_int_equal(heard_of_ten(ip("192.0.2.2"), &turns), BD_TURNS_EACH);
    pass_ms(BD_GUARD_MS);
    assert_false(bd_limiter_is_needed(lab.limiter));
}

/* A network of IPv6 is one source: nobody has more turns by sending from all its addresses. */
static void test_guard_of_networks(void **state)
{
    struct bd_ip home = ip("2001:db8:7::1");
    unsigned turns;
    bd_limiter_know(lab.limiter, &home);
    bd_limiter_guard(lab.limiter);
    assert_int_equal(heard_of_ten(ip("2001:db8:7::2"), &turns), 10);
    assert_int_equal(admit(ip("2001:db8:8::1")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("2001:db8:8::2")), BD_VERDICT_NONE);
    assert_int_equal(admit(ip("2001:db8:8::3")), BD_FRAME_UNHEARD);
    assert_int_equal(admit(ip("2001:db8:9::1")), BD_VERDICT_NONE);
}

/* Phones of an office have turns each, as soon as one of them is registered; a stranger has two,
 * whatever ports he has. */
static void test_guard_of_offices(void **state)
{
    enum { PHONES = 50 };
    struct bd_ip office = ip("192.0.2.1"), stranger = ip("192.0.2.2");
    unsigned turns = 0, heard = 0;
    bd_limiter_know(lab.limiter, &office);
    bd_limiter_guard(lab.limiter);
    for (uint16_t i = 0; i < 10 * PHONES; i++) {
        assert_int_equal(admit_from(office, 10000 + i % PHONES), BD_VERDICT_NONE);
        turns += bd_limiter_took_turn(lab.limiter, 0);
        heard += admit_from(stranger, 10000 + i) == BD_VERDICT_NONE;
    }
    /* Two phones of them may share a byte. */
    assert_in_range(turns, (PHONES - 4) * BD_TURNS_EACH, PHONES * BD_TURNS_EACH);
    assert_int_equal(heard, BD_TURNS_EACH);
}

/* A flood of strangers takes all its turns, and none of those that known sources have. */
static void test_guard_keeps_turns_of_the_known(void **state)
{
    enum { KNOWN = 200 };
    unsigned turns, all = 0;
    for (unsigned i = 0; i < KNOWN; i++) {
        struct bd_ip known = nth(i);
        bd_limiter_know(lab.limiter, &known);
    }
    bd_limiter_guard(lab.limiter);
    for (unsigned i = 0; i < 1000000; i++)
        admit(nth(1000 + i));
    for (unsigned i = 0; i < KNOWN; i++) {
        assert_int_equal(heard_of_ten(nth(i), &turns), 10);
        all += turns;
    }
    /* Two of them share a byte once in a dozen runs. */
    assert_in_range(all, (KNOWN - 4) * BD_TURNS_EACH, KNOWN * BD_TURNS_EACH);
}

static void test_guard_spares_neighbours(void **state)
{
    unsigned turns;
    publish(defaults(), "192.0.2.0/24", NULL, true);
    bd_limiter_guard(lab.limiter);
    assert_int_equal(heard_of_ten(ip("192.0.2.2"), &turns), 10);
    assert_int_equal(turns, 0);
    assert_int_equal(heard_of_ten(ip("198.51.100.1"), &turns), BD_TURNS_EACH);
}

/* --- addresses of record ---------------------------------------------------------------------- */

static void test_aor_rate(void **state)
{
    struct bd_ip stranger = ip("192.0.2.1"), home = ip("192.0.2.2");
    struct bd_limit_claim c = claim(1, &stranger), known = claim(1, &home);
    unsigned taken = 0;
    for (unsigned i = 0; i < 500; i++)
        taken += bd_limiter_aor(lab.limiter, &c);
    assert_int_equal(taken, 100);
    assert_int_equal(bd_limiter_refuse(lab.limiter, &c, BD_SIP_AOR_LIMITED), BD_SIP_AOR_LIMITED);
    assert_false(bd_limiter_aor(lab.limiter, &known));
    taken = 0;
    for (unsigned i = 0; i < 500; i++) /* he is heard, but a broken phone is not, for ever */
        taken += bd_limiter_aor_known(lab.limiter, &known);
    assert_int_equal(taken, 100);
    struct bd_limit_claim other = claim(2, &stranger);
    assert_true(bd_limiter_aor(lab.limiter, &other));
    struct bd_policy_limits limits = defaults();
    limits.aor_silent = true;
    publish(limits, NULL, NULL, true);
    assert_int_equal(bd_limiter_refuse(lab.limiter, &c, BD_SIP_AOR_LIMITED), BD_SIP_LIMIT_DROP);
    limits.rates_enforced = false;
    publish(limits, NULL, NULL, true);
    assert_int_equal(bd_limiter_refuse(lab.limiter, &c, BD_SIP_AOR_LIMITED), BD_VERDICT_NONE);
    assert_int_equal(counter(BD_CTR_AOR_LIMITED_PASSED), 1);
    publish(defaults(), "192.0.2.0/24", NULL, true);
    assert_true(bd_limiter_aor(lab.limiter, &c));
}

/* --- wrong passwords: honest ones ------------------------------------------------------------- */

/* A phone tries its wrong password for a day, three times in a row each 30 s (OpenStage: 30 s after
 * a failure), and is tried at once when it is put right. */
static void test_phone_with_a_wrong_password(void **state)
{
    struct bd_ip source = ip("192.0.2.1");
    for (unsigned s = 0; s < 86400; s += 30, pass_ms(30000)) {
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(fail_at(1, source), TRIED);
    }
    assert_int_equal(ban_left_s(source), 0);
}

/* 90 of them behind one address. */
static void test_office_with_wrong_passwords(void **state)
{
    struct bd_ip source = ip("192.0.2.1");
    for (unsigned s = 0; s < 6 * 3600; s += 30, pass_ms(30000)) {
        for (unsigned aor = 0; aor < 90; aor++) {
            assert_int_equal(fail_at(aor, source), TRIED);
            assert_int_equal(fail_at(aor, source), TRIED);
        }
    }
    assert_int_equal(ban_left_s(source), 0);
}

/* --- wrong passwords: guesses ----------------------------------------------------------------- */

/* A thousand guesses a second at one AoR from one source: bans of a minute, two, four... up to an
 * hour. */
static void test_one_guesser(void **state)
{
    struct bd_ip source = ip("192.0.2.1");
    unsigned tried = 0, bans = 0;
    uint32_t last_s = 0;
    uint64_t end_ms = lab.now_ms + 86400000;
    while (lab.now_ms < end_ms) {
        enum outcome o = fail_at(1, source);
        tried += o == TRIED;
        if (o == UNHEARD) {
            uint32_t wanted_s = last_s == 0 ? 60 : last_s * 2 < 3600 ? last_s * 2 : 3600;
            assert_in_range(ban_left_s(source), wanted_s - 1, wanted_s);
            last_s = wanted_s;
            bans++;
            pass_ms(wanted_s * 1000);
        }
        pass_ms(1);
    }
    assert_int_equal(last_s, 3600);
    assert_in_range(bans, 25, 35);
    assert_in_range(tried, 50, 900); /* of 86,400,000 */
    pass_ms(2ULL * 86400 * 1000);    /* forgotten */
    for (unsigned i = 0; i < 1000; i++)
        fail_at(1, source);
    assert_in_range(ban_left_s(source), 59, 60);
}

/* One password at many AoRs. */
static void test_sprayer(void **state)
{
    struct bd_ip source = ip("2001:db8::1");
    unsigned tried = 0;
    for (unsigned aor = 0; aor < 10000; aor++, pass_ms(1))
        tried += fail_at(aor, source) == TRIED;
    assert_int_equal(tried, 101);
    assert_int_equal(admit(ip("2001:db8::2")), BD_FRAME_BANNED); /* all of the /64 */
    bd_limits_forgive(&lab.arena, &source);
    bd_ban_remove(&lab.arena, &source, (uint32_t)(lab.now_ms / 1000));
    for (unsigned aor = 20000; aor < 20100; aor++) /* an operator's unban is one */
        assert_int_equal(fail_at(aor, source), TRIED);
    assert_int_equal(fail_at(1, ip("192.0.2.1")), TRIED); /* nobody else pays */
}

/* Many sources guess one AoR's password. Where it is registered the phone goes on; one that comes
 * from a new place with the right password is tried at once. */
static void test_many_guessers(void **state)
{
    struct bd_ip home = ip("192.0.2.1");
    unsigned tried = 0, newcomer = 0;
    for (unsigned s = 0; s < 3600; s++, pass_ms(1000)) {
        for (unsigned i = 0; i < 1000; i++)
            tried += fail_at(1, nth(i)) == TRIED;
        struct bd_limit_claim at_home = claim(1, &home);
        assert_int_equal(bd_limiter_guess(lab.limiter, &at_home, true), BD_VERDICT_NONE);
        struct bd_ip moved = nth(1000000 + newcomer++);
        struct bd_limit_claim away = claim(1, &moved);
        bool known = !bd_limiter_guards(lab.limiter, &away);
        assert_int_equal(bd_limiter_guess(lab.limiter, &away, known), BD_VERDICT_NONE);
    }
    /* Each at most once in ten minutes, and one each 5 s, of 3,600,000. */
    assert_in_range(tried, 1000, 1000 * 6 + 3600 / 5 + 20);
    assert_true(counter(BD_CTR_AUTH_GUARDED) > 3000000);
}

/* Who forges a phone's address has no nonce of its own: neither is the phone's source banned, nor
 * are its credentials refused; what the forger sends is soon not tried either. */
static void test_forger(void **state)
{
    struct bd_ip victim = ip("192.0.2.1");
    struct bd_limit_claim forged = claim(1, &victim), own = claim(1, &victim);
    unsigned tried = 0;
    forged.foreign = true;
    for (unsigned s = 0; s < 3600; s++, pass_ms(1000)) {
        for (unsigned i = 0; i < 100; i++) {
            enum outcome o = fail_as(forged, false);
            assert_true(o == TRIED || o == STALE);
            tried += o == TRIED;
        }
        bool known = !bd_limiter_guards(lab.limiter, &own);
        assert_int_equal(bd_limiter_guess(lab.limiter, &own, known), BD_VERDICT_NONE);
    }
    assert_in_range(tried, 20, 20 + 400 + 2);
    assert_int_equal(ban_left_s(victim), 0);
}

static void test_only_counted(void **state)
{
    struct bd_ip source = ip("192.0.2.1");
    struct bd_policy_limits limits = defaults();
    limits.rates_enforced = false;
    publish(limits, NULL, NULL, false);
    for (unsigned i = 0; i < 1000; i++, pass_ms(10))
        assert_int_equal(fail_at(1, source), TRIED);
    assert_true(counter(BD_CTR_AUTH_SLOWED_PASSED) > 900);
    assert_int_equal(counter(BD_CTR_AUTH_FAILED), 1000);
    assert_true(ban_left_s(source) > 0);
    assert_true(counter(BD_CTR_BANNED_PASSED) > 0);
}

static void test_switched_off(void **state)
{
    struct bd_policy_limits limits = defaults();
    limits.failed_per_source = limits.failed_per_aor = 0;
    publish(limits, NULL, NULL, true);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(fail_at(i, ip("192.0.2.1")), TRIED);
    assert_int_equal(ban_left_s(ip("192.0.2.1")), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_lab, close_lab)
    const struct CMUnitTest tests[] = {
        TEST(test_office),
        TEST(test_heavy_source),
        TEST(test_prefix_lengths),
        TEST(test_lists),
        TEST(test_reload),
        TEST(test_guard),
        TEST(test_guard_alone),
        TEST(test_guard_of_networks),
        TEST(test_guard_of_offices),
        TEST(test_guard_keeps_turns_of_the_known),
        TEST(test_guard_spares_neighbours),
        TEST(test_aor_rate),
        TEST(test_phone_with_a_wrong_password),
        TEST(test_office_with_wrong_passwords),
        TEST(test_one_guesser),
        TEST(test_sprayer),
        TEST(test_many_guessers),
        TEST(test_forger),
        TEST(test_only_counted),
        TEST(test_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
