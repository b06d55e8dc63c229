/* SPDX-License-Identifier: BSD-3-Clause */
/* The nonce: unforgeable, of one realm, deterministic, through key rotation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "nonce.h"

static const uint8_t no_key[32];

struct keys {
    uint8_t key[2][32];
};

static struct keys keys_of(uint8_t current, uint8_t previous)
{
    struct keys keys;
    memset(keys.key[0], current, 32);
    memset(keys.key[1], previous, 32);
    return keys;
}

static struct bd_nonce *nonce_with(uint8_t current, uint8_t previous)
{
    struct bd_error error;
    struct bd_nonce *nonce = bd_nonce_new(&error);
    assert_non_null(nonce);
    struct keys keys = keys_of(current, previous);
    assert_int_equal(bd_nonce_set_keys(nonce, keys.key), 0);
    return nonce;
}

static bool check(struct bd_nonce *nonce, const char *text, struct bd_str realm)
{
    struct bd_nonce_fields fields;
    return bd_nonce_check(nonce, (struct bd_str){text, BD_NONCE_TEXT}, realm, &fields);
}

#define ISSUED 1790000000123ULL
#define REALM  BD_STR("example.com")

static void test_round_trip(void **state)
{
    struct bd_nonce *nonce = nonce_with(1, 0);
    char text[BD_NONCE_TEXT];
    struct bd_nonce_fields fields;
    bd_nonce_make(nonce, ISSUED, 0xfedcba9876543210, REALM, text);
    assert_true(bd_nonce_check(nonce, (struct bd_str){text, sizeof(text)}, REALM, &fields));
    assert_int_equal(fields.issued_ms, ISSUED);
    assert_true(fields.request == 0xfedcba9876543210);
    bd_nonce_free(nonce);
}

static void test_same_on_every_node(void **state)
{
    struct bd_nonce *a = nonce_with(7, 0), *b = nonce_with(7, 9);
    char x[BD_NONCE_TEXT], y[BD_NONCE_TEXT];
    bd_nonce_make(a, ISSUED, 42, REALM, x);
    bd_nonce_make(b, ISSUED, 42, REALM, y);
    assert_memory_equal(x, y, sizeof(x));
    bd_nonce_make(b, ISSUED, 43, REALM, y);
    assert_memory_not_equal(x, y, sizeof(x));
    bd_nonce_free(a);
    bd_nonce_free(b);
}

/* Also an upper-case digit is a flipped bit: a nonce has one spelling. */
static void test_every_flipped_bit_is_refused(void **state)
{
    struct bd_nonce *nonce = nonce_with(1, 2);
    char text[BD_NONCE_TEXT];
    bd_nonce_make(nonce, ISSUED, 42, REALM, text);
    for (unsigned bit = 0; bit < 8 * BD_NONCE_TEXT; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        assert_false(check(nonce, text, REALM));
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    assert_true(check(nonce, text, REALM));
    bd_nonce_free(nonce);
}

static void test_every_other_digit_is_refused(void **state)
{
    struct bd_nonce *nonce = nonce_with(1, 0);
    char text[BD_NONCE_TEXT];
    bd_nonce_make(nonce, ISSUED, 42, REALM, text);
    for (unsigned at = 0; at < BD_NONCE_TEXT; at++) {
        char right = text[at];
        for (const char *c = "0123456789abcdef"; *c; c++) {
            text[at] = *c;
            assert_int_equal(check(nonce, text, REALM), *c == right);
        }
        text[at] = right;
    }
    bd_nonce_free(nonce);
}

static void test_lengths(void **state)
{
    struct bd_nonce *nonce = nonce_with(1, 0);
    char text[2 * BD_NONCE_TEXT];
    struct bd_nonce_fields fields;
    bd_nonce_make(nonce, ISSUED, 42, REALM, text);
    memcpy(text + BD_NONCE_TEXT, text, BD_NONCE_TEXT);
    for (uint32_t len = 0; len <= sizeof(text); len++)
        assert_int_equal(bd_nonce_check(nonce, (struct bd_str){text, len}, REALM, &fields),
                         len == BD_NONCE_TEXT);
    assert_false(bd_nonce_check(nonce, BD_STR_NULL, REALM, &fields));
    bd_nonce_free(nonce);
}

/* More realms than the cache has places, checked across each other. */
static void test_other_realms_are_refused(void **state)
{
    enum { REALMS = 48 };
    struct bd_nonce *nonce = nonce_with(1, 0);
    char name[REALMS][16], text[REALMS][BD_NONCE_TEXT];
    for (unsigned i = 0; i < REALMS; i++) {
        snprintf(name[i], sizeof(name[i]), "realm-%u", i);
        bd_nonce_make(nonce, ISSUED, 42, bd_str_from(name[i]), text[i]);
    }
    for (unsigned i = 0; i < REALMS; i++) {
        for (unsigned j = 0; j < REALMS; j++)
            assert_int_equal(check(nonce, text[i], bd_str_from(name[j])), i == j);
    }
    assert_false(check(nonce, text[0], BD_STR("Realm-0")));
    assert_false(check(nonce, text[0], BD_STR("")));
    char long_realm[BD_REALM_MAX + 1] = {0};
    assert_false(check(nonce, text[0], (struct bd_str){long_realm, sizeof(long_realm)}));
    bd_nonce_free(nonce);
}

static void test_key_rotation(void **state)
{
    struct bd_nonce *node = nonce_with(1, 0);
    char old[BD_NONCE_TEXT], young[BD_NONCE_TEXT];
    bd_nonce_make(node, ISSUED, 42, REALM, old);
    struct keys rotated = keys_of(2, 1), dropped = keys_of(3, 2);
    assert_int_equal(bd_nonce_set_keys(node, rotated.key), 0);
    bd_nonce_make(node, ISSUED, 42, REALM, young);
    assert_memory_not_equal(old, young, sizeof(old));
    assert_true(check(node, old, REALM));
    assert_true(check(node, young, REALM));
    assert_int_equal(bd_nonce_set_keys(node, rotated.key), 0);
    assert_true(check(node, old, REALM));
    assert_int_equal(bd_nonce_set_keys(node, dropped.key), 0);
    assert_false(check(node, old, REALM));
    assert_true(check(node, young, REALM));
    bd_nonce_free(node);
}

/* The mark of its source: the same on every node, whatever the key that it was made with. */
static void test_source(void **state)
{
    struct bd_nonce *node = nonce_with(1, 0), *other = nonce_with(1, 0);
    static const char *const address[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1",
                                          "2001:db8:0:1::1"};
    char text[BD_NONCE_TEXT];
    struct bd_nonce_fields fields;
    struct keys rotated = keys_of(2, 1);
    assert_int_equal(bd_nonce_set_keys(other, rotated.key), 0);
    for (unsigned i = 0; i < 4; i++) {
        struct bd_ip source, asked;
        assert_true(bd_ip_parse(bd_str_from(address[i]), &source));
        bd_nonce_make(node, ISSUED, bd_nonce_request(node, 42, &source), REALM, text);
        assert_true(bd_nonce_check(other, (struct bd_str){text, sizeof(text)}, REALM, &fields));
        for (unsigned k = 0; k < 4; k++) {
            assert_true(bd_ip_parse(bd_str_from(address[k]), &asked));
            assert_int_equal(bd_nonce_is_of(other, &fields, &asked), i == k);
        }
        source.b[15] ^= 0x10;
        assert_int_equal(bd_nonce_is_of(other, &fields, &source), i >= 2); /* of IPv6 the /64 */
    }
    bd_nonce_free(node);
    bd_nonce_free(other);
}

/* A slot without a key must not become a key that everybody knows. */
static void test_absent_keys(void **state)
{
    struct bd_nonce *node = nonce_with(1, 0);
    struct keys none;
    memcpy(none.key[0], no_key, 32);
    memcpy(none.key[1], no_key, 32);
    char text[BD_NONCE_TEXT];
    bd_nonce_make(node, ISSUED, 42, REALM, text);
    assert_int_equal(bd_nonce_set_keys(node, none.key), -1);
    assert_false(check(node, text, REALM));
    struct keys again = keys_of(1, 0);
    assert_int_equal(bd_nonce_set_keys(node, again.key), 0);
    assert_true(check(node, text, REALM));
    bd_nonce_free(node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_same_on_every_node),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_other_digit_is_refused),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_other_realms_are_refused),
        cmocka_unit_test(test_key_rotation),
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_absent_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
