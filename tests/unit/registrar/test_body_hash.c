/* SPDX-License-Identifier: BSD-3-Clause */
/* H(entity-body) against OpenSSL's EVP, for bodies of all lengths around its blocks. */
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "body_hash.h"

static void test_as_evp(void **state)
{
    static const char *const name[BD_ALG_CNT] = {
        [BD_ALG_MD5] = "MD5", [BD_ALG_SHA256] = "SHA2-256", [BD_ALG_SHA512_256] = "SHA2-512/256"};
    char body[600];
    for (unsigned i = 0; i < sizeof(body); i++)
        body[i] = (char)(i * 7);
    for (unsigned alg = 0; alg < BD_ALG_CNT; alg++) {
        for (uint32_t len = 0; len <= sizeof(body); len++) {
            uint8_t got[BD_BODY_HASH_MAX], wanted[EVP_MAX_MD_SIZE];
            size_t wanted_sz = 0;
            assert_int_equal(EVP_Q_digest(NULL, name[alg], NULL, body, len, wanted, &wanted_sz), 1);
            assert_int_equal(bd_body_hash((enum bd_digest_alg)alg, (struct bd_str){body, len}, got),
                             wanted_sz);
            assert_memory_equal(got, wanted, wanted_sz);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_evp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
