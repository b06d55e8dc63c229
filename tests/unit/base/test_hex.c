/* SPDX-License-Identifier: BSD-3-Clause */
/* Hexadecimal: each byte there and back, and nothing but lower-case digits is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "hex.h"

enum { BYTES_MAX = 37 };

/* Each length, each value at each place. */
static void test_there_and_back(void **state)
{
    uint8_t bytes[BYTES_MAX], read[BYTES_MAX + 1];
    char text[2 * BYTES_MAX], expected[2 * BYTES_MAX + 1];
    for (uint32_t n = 0; n <= BYTES_MAX; n++) {
        for (unsigned value = 0; value < 256; value++) {
            for (uint32_t i = 0; i < n; i++) {
                bytes[i] = (uint8_t)(value + 7 * i);
                snprintf(expected + 2 * i, 3, "%02x", bytes[i]);
            }
            bd_hex_encode(bytes, n, text);
            assert_memory_equal(text, expected, 2 * n);
            read[n] = 0x5a;
            assert_true(bd_hex_decode((struct bd_str){text, 2 * n}, read, n));
            assert_memory_equal(read, bytes, n);
            assert_int_equal(read[n], 0x5a);
        }
    }
}

static void test_only_digits(void **state)
{
    uint8_t read[BYTES_MAX];
    char text[2 * BYTES_MAX];
    for (uint32_t n = 1; n <= BYTES_MAX; n++) {
        for (uint32_t at = 0; at < 2 * n; at++) {
            memset(text, 'b', sizeof(text));
            for (unsigned c = 0; c < 256; c++) {
                text[at] = (char)c;
                bool digit = c && strchr("0123456789abcdef", (int)c);
                assert_int_equal(bd_hex_decode((struct bd_str){text, 2 * n}, read, n), digit);
            }
        }
    }
    memset(text, 'b', sizeof(text));
    assert_false(bd_hex_decode((struct bd_str){text, 7}, read, 4));
    assert_false(bd_hex_decode((struct bd_str){text, 9}, read, 4));
    assert_false(bd_hex_decode(BD_STR_NULL, read, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_only_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
