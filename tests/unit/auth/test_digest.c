/* SPDX-License-Identifier: BSD-3-Clause */
/* Digest computation against the published examples, in steady memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "digest.h"
#include "hex.h"

static long outstanding;

static void *count_malloc(size_t n, const char *file, int line)
{
    outstanding++;
    return malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
    outstanding += p == NULL;
    return realloc(p, n);
}

static void count_free(void *p, const char *file, int line)
{
    outstanding -= p != NULL;
    free(p);
}

struct example {
    const char *username, *realm, *password;
    struct bd_digest_input in;
    const char *response;
};

#define NONCE_7616  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define CNONCE_7616 "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define JASON       "J\xc3\xa4s\xc3\xb8n Doe"

static const struct example examples[] = {
    /* RFC 7616 3.9.1 */
    {"Mufasa",
     "http-auth@example.org",
     "Circle of Life",
     {BD_ALG_MD5,
      BD_QOP_AUTH,
      {NONCE_7616, 44},
      {"00000001", 8},
      {CNONCE_7616, 44},
      {"GET", 3},
      {"/dir/index.html", 15},
      {NULL, 0}},
     "8ca523f5e9506fed4657c9700eebdbec"},
    {"Mufasa",
     "http-auth@example.org",
     "Circle of Life",
     {BD_ALG_SHA256,
      BD_QOP_AUTH,
      {NONCE_7616, 44},
      {"00000001", 8},
      {CNONCE_7616, 44},
      {"GET", 3},
      {"/dir/index.html", 15},
      {NULL, 0}},
     "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
    /* RFC 7616 3.9.2 with the values of SHA-512/256; the printed ones are wrong, see below. */
    {JASON,
     "api@example.org",
     "Secret, or not?",
     {BD_ALG_SHA512_256,
      BD_QOP_AUTH,
      {"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", 44},
      {"00000001", 8},
      {"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", 44},
      {"GET", 3},
      {"/doe.json", 9},
      {NULL, 0}},
     "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
    /* RFC 2617 3.5 */
    {"Mufasa",
     "testrealm@host.com",
     "Circle Of Life",
     {BD_ALG_MD5,
      BD_QOP_AUTH,
      {"dcd98b7102dd2f0e8b11d0f600bfb0c093", 34},
      {"00000001", 8},
      {"0a4f113b", 8},
      {"GET", 3},
      {"/dir/index.html", 15},
      {NULL, 0}},
     "6629fae49393a05397450978507c4ef1"},
};

static void ha1_of(struct bd_digest *d, const struct example *e, uint8_t ha1[BD_DIGEST_MAX])
{
    const struct bd_str a1[] = {bd_str_from(e->username), bd_str_from(e->realm),
                                bd_str_from(e->password)};
    assert_true(bd_digest_hash(d, e->in.alg, a1, 3, ha1));
}

static void test_published_examples(void **state)
{
    struct bd_digest *d = *state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        uint8_t ha1[BD_DIGEST_MAX];
        ha1_of(d, &examples[i], ha1);
        assert_true(bd_digest_check(d, &examples[i].in, ha1, bd_str_from(examples[i].response)));
    }
}

/* An independent computation by text, for the qops that the RFCs give no example of. */
static void text_digest(const char *md, const char *text, char hex[2 * EVP_MAX_MD_SIZE + 1])
{
    uint8_t out[EVP_MAX_MD_SIZE];
    size_t len;
    assert_int_equal(EVP_Q_digest(NULL, md, NULL, text, strlen(text), out, &len), 1);
    bd_hex_encode(out, (uint32_t)len, hex);
    hex[2 * len] = '\0';
}

/* Nor does the printed example of 3.9.2 come from SHA-512/256: it is SHA-512 cut to 256 bits
 * (RFC erratum). Kept, so that nobody "corrects" the expected values above. */
static void test_printed_sha512_256_is_cut_sha512(void **state)
{
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    text_digest("SHA512", JASON ":api@example.org", hex);
    assert_memory_equal(hex, "488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec",
                        64);
    const struct bd_str parts[] = {bd_str_from(JASON), BD_STR("api@example.org")};
    uint8_t hash[BD_DIGEST_MAX];
    assert_true(bd_digest_hash(*state, BD_ALG_SHA512_256, parts, 2, hash));
    bd_hex_encode(hash, 32, hex);
    assert_memory_equal(hex, "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
                        64);
}

static void test_all_qops_and_algorithms(void **state)
{
    static const char *const md[] = {"MD5", "SHA256", "SHA512-256"};
    for (unsigned alg = 0; alg < BD_ALG_CNT; alg++) {
        for (unsigned qop = BD_QOP_NONE; qop < BD_QOP_UNKNOWN; qop++) {
            char a1[130], a2[130], body[130], text[1024], expected[130];
            text_digest(md[alg], "1000:example.com:secret-1000", a1);
            text_digest(md[alg], "v=0", body);
            snprintf(text, sizeof(text), "REGISTER:sip:example.com%s%s",
                     qop == BD_QOP_AUTH_INT ? ":" : "", qop == BD_QOP_AUTH_INT ? body : "");
            text_digest(md[alg], text, a2);
            static const char *const middle[] = {"", ":0000000a:xyz:auth",
                                                 ":0000000a:xyz:auth-int"};
            snprintf(text, sizeof(text), "%s:abc%s:%s", a1, middle[qop], a2);
            text_digest(md[alg], text, expected);
            struct bd_digest_input in = {alg,
                                         qop,
                                         BD_STR("abc"),
                                         BD_STR("0000000a"),
                                         BD_STR("xyz"),
                                         BD_STR("REGISTER"),
                                         BD_STR("sip:example.com"),
                                         bd_str_from(body)};
            uint8_t ha1[BD_DIGEST_MAX];
            assert_true(bd_hex_decode(bd_str_from(a1), ha1, bd_digest_sz(alg)));
            assert_true(bd_digest_check(*state, &in, ha1, bd_str_from(expected)));
        }
    }
}

static void test_any_wrong_character_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        uint8_t ha1[BD_DIGEST_MAX];
        ha1_of(*state, &examples[i], ha1);
        char response[BD_DIGEST_TEXT_MAX + 1];
        uint32_t len = (uint32_t)strlen(examples[i].response);
        for (uint32_t at = 0; at < len; at++) {
            memcpy(response, examples[i].response, len + 1);
            response[at] = response[at] == '0' ? '1' : '0';
            assert_false(bd_digest_check(*state, &examples[i].in, ha1, bd_str_from(response)));
        }
        memcpy(response, examples[i].response, len);
        assert_false(
            bd_digest_check(*state, &examples[i].in, ha1, (struct bd_str){response, len - 1}));
        assert_false(bd_digest_check(*state, &examples[i].in, ha1, BD_STR_NULL));
    }
}

static void test_unknown_qop_and_algorithm_are_refused(void **state)
{
    struct bd_digest_input in = examples[0].in;
    uint8_t ha1[BD_DIGEST_MAX] = {0}, out[BD_DIGEST_MAX];
    in.qop = BD_QOP_UNKNOWN;
    assert_false(bd_digest_response(*state, &in, ha1, out));
    in = examples[0].in;
    in.alg = BD_ALG_UNKNOWN;
    assert_false(bd_digest_response(*state, &in, ha1, out));
}

/* Parts longer than the gathering buffer, at every alignment to its end. */
static void test_long_parts(void **state)
{
    char text[1600];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (uint32_t cut = 500; cut < 530; cut++) {
        const struct bd_str parts[] = {{text, cut}, {text, 1000}};
        char joined[1600], expected[130], hex[130] = "";
        snprintf(joined, sizeof(joined), "%.*s:%.1000s", (int)cut, text, text);
        text_digest("SHA256", joined, expected);
        uint8_t out[BD_DIGEST_MAX];
        assert_true(bd_digest_hash(*state, BD_ALG_SHA256, parts, 2, out));
        bd_hex_encode(out, 32, hex);
        assert_string_equal(hex, expected);
    }
}

/* OpenSSL 3.0 takes a provider context anew for each digest, and gives the former one back. */
static void test_memory_is_steady(void **state)
{
    uint8_t ha1[BD_DIGEST_MAX] = {0}, out[BD_DIGEST_MAX];
    long before = outstanding;
    assert_true(before > 0);
    for (size_t i = 0; i < 1000; i++)
        assert_true(bd_digest_response(*state, &examples[i % 4].in, ha1, out));
    assert_int_equal(outstanding, before);
}

static int setup(void **state)
{
    struct bd_error error;
    *state = bd_digest_new(&error);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    bd_digest_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_examples),
        cmocka_unit_test(test_printed_sha512_256_is_cut_sha512),
        cmocka_unit_test(test_all_qops_and_algorithms),
        cmocka_unit_test(test_any_wrong_character_is_refused),
        cmocka_unit_test(test_unknown_qop_and_algorithm_are_refused),
        cmocka_unit_test(test_long_parts),
        cmocka_unit_test(test_memory_is_steady),
    };
    if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
        return 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}
