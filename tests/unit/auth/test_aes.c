/* SPDX-License-Identifier: BSD-3-Clause */
/* AES as workers have it: the standards' examples, and whatever else as OpenSSL does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "aes.h"
#include "hex.h"

enum { BLOCKS = 19, BYTES = BLOCKS * BD_AES_BLOCK };

static void bytes_of(const char *hex, uint8_t *out)
{
    struct bd_str text = bd_str_from(hex);
    assert_true(bd_hex_decode(text, out, text.len / 2));
}

static struct bd_aes aes_with(const uint8_t *key)
{
    struct bd_aes aes = {.openssl = NULL};
    assert_true(bd_aes_open(&aes));
    assert_true(bd_aes_set(&aes, key));
    return aes;
}

/* FIPS 197 C.1 */
static void test_block(void **state)
{
    uint8_t key[BD_AES_BLOCK], block[BD_AES_BLOCK], expected[BD_AES_BLOCK];
    bytes_of("000102030405060708090a0b0c0d0e0f", key);
    bytes_of("00112233445566778899aabbccddeeff", block);
    bytes_of("69c4e0d86a7b0430d8cdb78070b4c55a", expected);
    struct bd_aes aes = aes_with(key);
    assert_true(bd_aes_run(&aes, block, 1, block));
    assert_memory_equal(block, expected, sizeof(block));
    assert_true(bd_aes_block_eq(block, expected));
    for (unsigned i = 0; i < BD_AES_BLOCK; i++) {
        block[i] ^= 0x80;
        assert_false(bd_aes_block_eq(block, expected));
        block[i] ^= 0x80;
    }
    bd_aes_close(&aes);
}

/* NIST SP 800-38A F.5.1 */
static void test_counter(void **state)
{
    uint8_t key[BD_AES_BLOCK], first[BD_AES_BLOCK], text[4 * BD_AES_BLOCK], expected[sizeof(text)];
    bytes_of("2b7e151628aed2a6abf7158809cf4f3c", key);
    bytes_of("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", first);
    bytes_of("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
             "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
             text);
    bytes_of("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
             "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
             expected);
    struct bd_aes aes = aes_with(key);
    assert_true(bd_aes_counter(&aes, first, text, 4, text));
    assert_memory_equal(text, expected, sizeof(text));
    bd_aes_close(&aes);
}

static void openssl(const char *cipher, const uint8_t *key, const uint8_t *iv, const uint8_t *in,
                    uint32_t len, uint8_t *out)
{
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, cipher, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    assert_int_equal(EVP_EncryptInit_ex2(ctx, fetched, key, iv, NULL), 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, in, (int)len), 1);
    assert_int_equal(n, len);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(fetched);
}

static void fill(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)random();
}

static void test_as_openssl(void **state)
{
    static const uint8_t zeros[BD_AES_BLOCK];
    uint8_t key[BD_AES_BLOCK], first[BD_AES_BLOCK], text[BYTES], out[BYTES], expected[BYTES];
    srandom(1);
    for (unsigned round = 0; round < 500; round++) {
        fill(key, sizeof(key));
        fill(first, sizeof(first));
        fill(text, sizeof(text));
        /* The counter runs over into each of its bytes. */
        memset(first + BD_AES_BLOCK - round % 17, 0xff, round % 17);
        uint32_t blocks = 1 + round % BLOCKS, len = blocks * BD_AES_BLOCK;
        struct bd_aes aes = aes_with(key);
        openssl("AES-128-ECB", key, NULL, text, len, expected);
        assert_true(bd_aes_run(&aes, text, blocks, out));
        assert_memory_equal(out, expected, len);
        openssl("AES-128-CTR", key, first, text, len, expected);
        assert_true(bd_aes_counter(&aes, first, text, blocks, out));
        assert_memory_equal(out, expected, len);
        openssl("AES-128-CBC", key, zeros, text, len, expected);
        assert_true(bd_aes_mac(&aes, text, blocks, out));
        assert_memory_equal(out, expected + len - BD_AES_BLOCK, BD_AES_BLOCK);
        bd_aes_close(&aes);
    }
}

/* What every node must derive alike. */
static void test_derive(void **state)
{
    uint8_t secret[BD_AES_SECRET], block[2 * BD_AES_BLOCK] = {0}, out[sizeof(block)],
                                             expected[sizeof(block)];
    fill(secret, sizeof(secret));
    memcpy(block, "purpose", 7);
    memcpy(block + BD_AES_BLOCK, "purpose", 7);
    block[BD_AES_BLOCK - 1] = 1;
    block[2 * BD_AES_BLOCK - 1] = 2;
    openssl("AES-256-ECB", secret, NULL, block, sizeof(block), expected);
    EVP_CIPHER_CTX *aes256 = bd_aes256_new();
    assert_true(bd_aes_derive(aes256, secret, BD_STR("purpose"), out));
    assert_memory_equal(out, expected, sizeof(out));
    EVP_CIPHER_CTX_free(aes256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_as_openssl),
        cmocka_unit_test(test_derive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
