/* SPDX-License-Identifier: BSD-3-Clause */
/* The judgement on credentials: every result, in the right order, for every form of credentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "fixture.h"

#define NOW 1790000000000ULL

struct bench {
    struct bd_epoch epoch;
    struct bd_subscriber_store *store;
    struct bd_hash_key hash_key;
    struct bd_verify verify;
    void *memory;
    uint64_t issued; /* each nonce of a test is another one */
};

static struct bd_error error;

static void put(struct bench *b, const char *username, const char *domain, const char *realm,
                const char *password)
{
    struct bd_subscriber row = make_row(b->verify.digest, username, domain, realm, password);
    assert_int_equal(bd_subscriber_store_put(b->store, &row, &error), 0);
}

static int setup(void **state)
{
    struct bench *b = aligned_alloc(64, (sizeof(*b) + 63) & ~63UL);
    memset(b, 0, sizeof(*b));
    bd_epoch_init(&b->epoch);
    bd_hash_key_init(&b->hash_key, 1);
    uint64_t size = (bd_replay_footprint(1000) + 63) & ~63ULL;
    b->memory = aligned_alloc(64, size);
    memset(b->memory, 0, size);
    b->store = bd_subscriber_store_new(&b->epoch, &error);
    b->verify = (struct bd_verify){bd_digest_new(&error), bd_nonce_new(&error),
                                   bd_replay_new(b->memory, size, NOW - 1000000, &error), b->store,
                                   &b->hash_key};
    const uint8_t keys[2][32] = {{1}};
    assert_int_equal(bd_nonce_set_keys(b->verify.nonce, keys), 0);
    b->issued = NOW - 1000;
    put(b, "1000", "example.com", "example.com", "secret-1000");
    put(b, "1001", "example.com", "example.com", "secret-1001");
    put(b, "Alice", "example.com", "example.com", "wonder");
    put(b, "1000", "other.example", "shared", "else");
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    bd_subscriber_store_free(b->store);
    bd_digest_free(b->verify.digest);
    bd_nonce_free(b->verify.nonce);
    bd_replay_free(b->verify.replay);
    free(b->memory);
    free(b);
    return 0;
}

static void challenge(struct bench *b, struct phone *p)
{
    bd_nonce_make(b->verify.nonce, b->issued++, 77, bd_str_from(p->realm), p->nonce);
}

static enum bd_verify_rc judge(struct bench *b, const struct phone *p)
{
    _Alignas(8) char place[BD_JOB_SZ];
    struct bd_verify_job *job = (struct bd_verify_job *)place;
    make_job(b->verify.digest, p, job);
    return bd_verify_job(&b->verify, job, false, NOW);
}

static enum bd_verify_rc judge_new(struct bench *b, struct phone *p)
{
    challenge(b, p);
    return judge(b, p);
}

static void test_all_algorithms_and_qops(void **state)
{
    for (unsigned alg = 0; alg < BD_ALG_CNT; alg++) {
        for (unsigned qop = 0; qop < BD_QOP_UNKNOWN; qop++) {
            for (unsigned hashed = 0; hashed < 2; hashed++) {
                struct phone p = phone_1000();
                p.alg = alg;
                p.qop = qop;
                p.userhash = hashed;
                p.body = "hello";
                assert_int_equal(judge_new(*state, &p), BD_VERIFY_OK);
                p.password = "wrong";
                assert_int_equal(judge_new(*state, &p), BD_VERIFY_WRONG);
                p = phone_1000();
                p.alg = alg;
                p.qop = qop;
                p.userhash = hashed;
                p.username = "1000@example.com";
                assert_int_equal(judge_new(*state, &p), BD_VERIFY_OK);
            }
        }
    }
}

static void test_wrong_and_unknown_are_the_same(void **state)
{
    struct phone p = phone_1000();
    p.password = "guess";
    assert_int_equal(judge_new(*state, &p), BD_VERIFY_WRONG);
    p = phone_1000();
    p.username = "9999";
    assert_int_equal(judge_new(*state, &p), BD_VERIFY_WRONG);
    p.username = "1000@other.example";
    assert_int_equal(judge_new(*state, &p), BD_VERIFY_WRONG);
    p.username = "";
    assert_int_equal(judge_new(*state, &p), BD_VERIFY_WRONG);
    p = phone_1000();
    p.aor = "1000@unknown.example";
    assert_int_equal(judge_new(*state, &p), BD_VERIFY_WRONG);
}

/* The linker puts these around the real one (meson.build), so that hashes can be counted. */
bool __real_bd_digest_hash(struct bd_digest *digest, enum bd_digest_alg alg,
                           const struct bd_str *parts, unsigned cnt, uint8_t out[BD_DIGEST_MAX]);
bool __wrap_bd_digest_hash(struct bd_digest *digest, enum bd_digest_alg alg,
                           const struct bd_str *parts, unsigned cnt, uint8_t out[BD_DIGEST_MAX]);
static struct {
    unsigned calls;
    uint64_t bytes;
} hashed;

bool __wrap_bd_digest_hash(struct bd_digest *digest, enum bd_digest_alg alg,
                           const struct bd_str *parts, unsigned cnt, uint8_t out[BD_DIGEST_MAX])
{
    hashed.calls++;
    for (unsigned i = 0; i < cnt; i++)
        hashed.bytes += parts[i].len;
    return __real_bd_digest_hash(digest, alg, parts, cnt, out);
}

/* Whoever is asked for, the same bytes are hashed: who exists is not told by the time either. */
static void test_unknown_user_takes_the_same_work(void **state)
{
    static const struct {
        const char *username, *aor, *primary;
        enum bd_verify_rc rc;
    } rows[] = {
        {"1000", "1000@example.com", "", BD_VERIFY_OK},
        {"1000@example.com", "1000@example.com", "", BD_VERIFY_OK},
        {"1001", "1000@example.com", "", BD_VERIFY_WRONG}, /* a hash of somebody else */
        {"9999", "9999@example.com", "", BD_VERIFY_WRONG}, /* nobody */
        {"", "9999@example.com", "", BD_VERIFY_WRONG},     /* no hash at all, below */
        {"1000", "5555@example.com", "1000@example.com", BD_VERIFY_OK}, /* of his set */
        {"9999", "5555@example.com", "1000@example.com", BD_VERIFY_WRONG},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct phone p = phone_1000();
        p.userhash = true;
        p.username = rows[i].username;
        p.aor = rows[i].aor;
        p.primary = rows[i].primary;
        challenge(b, &p);
        _Alignas(8) char place[BD_JOB_SZ];
        struct bd_verify_job *job = (struct bd_verify_job *)place;
        make_job(b->verify.digest, &p, job);
        if (!*rows[i].username)
            memset((char *)bd_job_get(job, BD_JOB_USERNAME).p, 'z', 32);
        memset(&hashed, 0, sizeof(hashed));
        assert_int_equal(bd_verify_job(&b->verify, job, false, NOW), rows[i].rc);
        assert_int_equal(hashed.calls, 4);
        assert_int_equal(hashed.bytes, 4 * strlen("1000example.com") + 2 * strlen("@example.com"));
    }
}

/* The response of a plain name is computed for whoever is named; what the verifier calls for that
 * is counted by the linker's wrap as well. */
static struct {
    unsigned calls, bytes;
} checked;
bool __real_bd_digest_check(struct bd_digest *digest, const struct bd_digest_input *in,
                            const uint8_t *ha1, struct bd_str response);
bool __wrap_bd_digest_check(struct bd_digest *digest, const struct bd_digest_input *in,
                            const uint8_t *ha1, struct bd_str response);
bool __wrap_bd_digest_check(struct bd_digest *digest, const struct bd_digest_input *in,
                            const uint8_t *ha1, struct bd_str response)
{
    checked.calls++;
    checked.bytes += in->nonce.len + in->nc.len + in->cnonce.len + in->uri.len;
    assert_non_null(ha1); /* an unknown user's, too */
    return __real_bd_digest_check(digest, in, ha1, response);
}

static void test_wrong_password_takes_the_same_work(void **state)
{
    static const struct {
        const char *username, *aor;
    } rows[] = {
        {"1000", "1000@example.com"},             /* a wrong password */
        {"9999", "9999@example.com"},             /* nobody */
        {"1000", "1001@example.com"},             /* another's */
        {"1000@example.com", "1000@example.com"}, /* by the whole name */
        {"1000@example.net", "1000@example.com"}, /* of another domain */
        {"9999@example.com", "9999@example.com"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned alg = 0; alg < BD_ALG_CNT; alg++) {
            struct phone p = phone_1000();
            p.username = rows[i].username;
            p.aor = rows[i].aor;
            p.alg = (enum bd_digest_alg)alg;
            p.password = "guess";
            challenge(b, &p);
            memset(&checked, 0, sizeof(checked));
            assert_int_equal(judge(b, &p), BD_VERIFY_WRONG);
            assert_int_equal(checked.calls, 1);
            assert_int_equal(checked.bytes, BD_NONCE_TEXT + 8 + 2 + strlen(p.uri));
        }
    }
}

/* RFC 7616 3.5: as the response, without the method, over the empty body of the reply. */
static void test_rspauth(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 2 * BD_ALG_CNT; i++) {
        struct phone p = phone_1000();
        p.alg = i / 2;
        p.qop = i % 2 ? BD_QOP_AUTH_INT : BD_QOP_AUTH;
        p.userhash = p.alg == BD_ALG_SHA256;
        p.body = "of the request";
        challenge(b, &p);
        _Alignas(8) char place[BD_JOB_SZ];
        struct bd_verify_job *job = (struct bd_verify_job *)place;
        make_job(b->verify.digest, &p, job);
        uint8_t rspauth[BD_DIGEST_MAX], ha1[BD_DIGEST_MAX], expected[BD_DIGEST_MAX];
        assert_true(bd_verify_rspauth(&b->verify, job, rspauth));
        char empty[BD_DIGEST_TEXT_MAX + 1];
        hash_text(b->verify.digest, p.alg, &BD_STR(""), 1, empty);
        bd_digest_hash(
            b->verify.digest, p.alg,
            (struct bd_str[]){BD_STR("1000"), BD_STR("example.com"), BD_STR("secret-1000")}, 3,
            ha1);
        const struct bd_digest_input in = {
            p.alg,        p.qop,      {p.nonce, BD_NONCE_TEXT},  BD_STR("00000001"),
            BD_STR("cn"), BD_STR(""), BD_STR("sip:example.com"), bd_str_from(empty)};
        assert_true(bd_digest_response(b->verify.digest, &in, ha1, expected));
        assert_memory_equal(rspauth, expected, bd_digest_sz(p.alg));
        bd_subscriber_store_remove(b->store, BD_STR("1000"), BD_STR("example.com"));
        assert_false(bd_verify_rspauth(&b->verify, job, rspauth));
        put(b, "1000", "example.com", "example.com", "secret-1000");
    }
}

static void test_domain_is_the_aors(void **state)
{
    struct phone p = {.username = "1000",
                      .realm = "shared",
                      .password = "else",
                      .aor = "1000@other.example",
                      .uri = "sip:other.example",
                      .body = "",
                      .qop = BD_QOP_AUTH,
                      .nc = 1};
    assert_int_equal(judge_new(*state, &p), BD_VERIFY_OK);
    p.aor = "1000@example.com";
    assert_int_equal(judge_new(*state, &p), BD_VERIFY_WRONG);
}

static void test_forged_nonce(void **state)
{
    struct bench *b = *state;
    struct phone p = phone_1000();
    challenge(b, &p);
    p.nonce[20] = p.nonce[20] == 'a' ? 'b' : 'a';
    assert_int_equal(judge(b, &p), BD_VERIFY_BAD_NONCE);
    struct phone other = phone_1000();
    other.realm = "elsewhere";
    challenge(b, &other);
    other.realm = "example.com";
    assert_int_equal(judge(b, &other), BD_VERIFY_BAD_NONCE);
}

static void test_age(void **state)
{
    struct bench *b = *state;
    struct phone p = phone_1000();
    static const struct {
        int64_t age_ms;
        enum bd_verify_rc rc;
    } cases[] = {
        {300000, BD_VERIFY_OK}, {300001, BD_VERIFY_STALE}, {0, BD_VERIFY_OK},
        {-3000, BD_VERIFY_OK},  {-3001, BD_VERIFY_STALE},  {900000, BD_VERIFY_STALE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        b->issued = NOW - (uint64_t)cases[i].age_ms;
        assert_int_equal(judge_new(b, &p), cases[i].rc);
    }
    /* Only who knows the password learns that his nonce is stale. */
    b->issued = NOW - 400000;
    p.password = "guess";
    assert_int_equal(judge_new(b, &p), BD_VERIFY_WRONG);
}

static void test_replay(void **state)
{
    struct bench *b = *state;
    struct phone p = phone_1000();
    assert_int_equal(judge_new(b, &p), BD_VERIFY_OK);
    assert_int_equal(judge(b, &p), BD_VERIFY_OK); /* a retransmission */
    p.transaction = 2;
    assert_int_equal(judge(b, &p), BD_VERIFY_REPLAYED);
    p.nc = 2;
    assert_int_equal(judge(b, &p), BD_VERIFY_OK);
    p.nc = 1;
    p.transaction = 1;
    assert_int_equal(judge(b, &p), BD_VERIFY_REPLAYED);
    /* A count that went up on the wire only does not fit the response. */
    _Alignas(8) char place[BD_JOB_SZ];
    struct bd_verify_job *job = (struct bd_verify_job *)place;
    make_job(b->verify.digest, &p, job);
    memcpy((char *)bd_job_get(job, BD_JOB_NC).p, "00000009", 8);
    job->nc = 9;
    assert_int_equal(bd_verify_job(&b->verify, job, false, NOW), BD_VERIFY_WRONG);
}

static void test_without_qop_one_transaction(void **state)
{
    struct phone p = phone_1000();
    p.qop = BD_QOP_NONE;
    p.nc = 5; /* whatever the field says, nothing vouches for it */
    assert_int_equal(judge_new(*state, &p), BD_VERIFY_OK);
    assert_int_equal(judge(*state, &p), BD_VERIFY_OK);
    p.nc = 6;
    p.transaction = 2;
    assert_int_equal(judge(*state, &p), BD_VERIFY_REPLAYED);
}

static void test_body_is_protected(void **state)
{
    struct bench *b = *state;
    struct phone p = phone_1000();
    p.qop = BD_QOP_AUTH_INT;
    p.body = "v=0";
    challenge(b, &p);
    _Alignas(8) char place[BD_JOB_SZ];
    struct bd_verify_job *job = (struct bd_verify_job *)place;
    make_job(b->verify.digest, &p, job);
    char *hash = (char *)bd_job_get(job, BD_JOB_BODY_HASH).p;
    hash[0] = hash[0] == '0' ? '1' : '0';
    assert_int_equal(bd_verify_job(&b->verify, job, false, NOW), BD_VERIFY_WRONG);
}

/* Of an implicit registration set's identity also the primary's user may ask, by name or by hash.
 */
static void test_primary(void **state)
{
    struct bench *b = *state;
    struct phone p = phone_1000();
    p.aor = "1001@example.com";
    for (unsigned i = 0; i < 2; i++) {
        _Alignas(8) char place[BD_JOB_SZ];
        struct bd_verify_job *job = (struct bd_verify_job *)place;
        p.userhash = i == 1;
        p.primary = "1002@example.com";
        challenge(b, &p);
        make_job(b->verify.digest, &p, job);
        assert_int_not_equal(bd_verify_job(&b->verify, job, false, NOW), BD_VERIFY_OK);
        p.primary = "1000@other.example"; /* no set is of two domains */
        challenge(b, &p);
        make_job(b->verify.digest, &p, job);
        assert_int_not_equal(bd_verify_job(&b->verify, job, false, NOW), BD_VERIFY_OK);
        p.primary = "1000@example.com";
        challenge(b, &p);
        make_job(b->verify.digest, &p, job);
        assert_int_equal(bd_verify_job(&b->verify, job, false, NOW), BD_VERIFY_OK);
    }
}

/* RFC 3261 10.3 (4) */
static void test_owner(void **state)
{
    struct bench *b = *state;
    struct phone p = phone_1000();
    p.aor = "1001@example.com";
    assert_int_equal(judge_new(b, &p), BD_VERIFY_OTHER_AOR);
    p.aor = "example.com";
    assert_int_equal(judge_new(b, &p), BD_VERIFY_OTHER_AOR);

    p = phone_1000();
    p.username = "Alice";
    p.password = "wonder";
    p.aor = "alice@example.com";
    assert_int_equal(judge_new(b, &p), BD_VERIFY_OK);
    p.userhash = true;
    assert_int_equal(judge_new(b, &p), BD_VERIFY_OK);
    p.userhash = false;
    challenge(b, &p);
    _Alignas(8) char place[BD_JOB_SZ];
    struct bd_verify_job *job = (struct bd_verify_job *)place;
    make_job(b->verify.digest, &p, job);
    assert_int_equal(bd_verify_job(&b->verify, job, true, NOW), BD_VERIFY_OTHER_AOR);
    p.aor = "Alice@example.com";
    challenge(b, &p);
    make_job(b->verify.digest, &p, job);
    assert_int_equal(bd_verify_job(&b->verify, job, true, NOW), BD_VERIFY_OK);
}

static void test_missing_ha1(void **state)
{
    struct bench *b = *state;
    struct bd_subscriber row =
        make_row(b->verify.digest, "1002", "example.com", "example.com", "x");
    row.ha1.present = BD_HA1_BIT(BD_HA1_PLAIN, BD_ALG_MD5);
    assert_int_equal(bd_subscriber_store_put(b->store, &row, &error), 0);
    struct phone p = phone_1000();
    p.username = "1002";
    p.password = "x";
    p.aor = "1002@example.com";
    assert_int_equal(judge_new(b, &p), BD_VERIFY_OK);
    p.alg = BD_ALG_SHA256;
    assert_int_equal(judge_new(b, &p), BD_VERIFY_WRONG);
}

/* What lies in a ring may be anything: it must be judged without a fault (ASan looks on). */
static void test_garbage(void **state)
{
    struct bench *b = *state;
    struct phone p = phone_1000();
    for (unsigned i = 0; i < 20000; i++) {
        _Alignas(8) char place[BD_JOB_SZ] = {0};
        struct bd_verify_job *job = (struct bd_verify_job *)place;
        challenge(b, &p);
        make_job(b->verify.digest, &p, job);
        for (unsigned n = 0; n < 3; n++)
            place[(unsigned)rand() % (sizeof(*job) + 40)] = (char)rand();
        bd_verify_job(&b->verify, job, false, NOW);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_algorithms_and_qops, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_and_unknown_are_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_password_takes_the_same_work, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_user_takes_the_same_work, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rspauth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_domain_is_the_aors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged_nonce, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_qop_one_transaction, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_is_protected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_primary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_ha1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
