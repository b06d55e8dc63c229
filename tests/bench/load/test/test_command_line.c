/* SPDX-License-Identifier: BSD-3-Clause */
/* What command lines give, and which are refused. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <command_line.h>

struct options {
    struct wire_options wire;
    struct phone_world world;
    const char *text;
    bool flag;
    uint32_t u32;
    uint64_t u64;
    double real;
};

static int read(struct options *o, bool operands, const char *first, const char *second)
{
    *o = (struct options){.u32 = 7};
    command_line_defaults(&o->wire, &o->world);
    const struct option_row own[] = {{"text", "T", "", option_text, &o->text},
                                     {"flag", NULL, "", option_flag, &o->flag},
                                     {"u32", "N", "", option_u32, &o->u32, 1, 1000},
                                     {"u64", "N", "", option_u64, &o->u64, 1, 1e10},
                                     {"real", "N", "", option_real, &o->real, 0.5, 2}};
    const struct command_line line = {
        "test", "", "", &o->wire, &o->world, own, sizeof(own) / sizeof(own[0]), operands};
    char *argv[] = {"test", (char *)first, (char *)second, NULL};
    optind = 0; /* getopt begins anew */
    return command_line_read(&line, first ? second ? 3 : 2 : 1, argv);
}

static void test_read(void **state)
{
    struct options o;
    assert_int_equal(read(&o, false, NULL, NULL), 0);
    assert_int_equal(o.u32, 7);
    assert_int_equal(o.world.nonce_words, 8);
    assert_memory_equal(o.world.own_mac, o.wire.mac, 6);
    assert_int_equal(read(&o, false, "--text=a b", "--flag"), 0);
    assert_string_equal(o.text, "a b");
    assert_true(o.flag);
    assert_int_equal(read(&o, false, "--u32=1000", "--u64=5e9"), 0);
    assert_int_equal(o.u32, 1000);
    assert_true(o.u64 == 5000000000);
    assert_int_equal(read(&o, false, "--real", "0.5"), 0);
    assert_true(o.real == 0.5);
    assert_int_equal(read(&o, false, "--nonce=32", "--domain=example.org"), 0);
    assert_int_equal(o.world.nonce_words, 4);
    assert_string_equal(o.world.domain, "example.org");
}

static void test_refused(void **state)
{
    static const char *const wrong[] = {
        "--u32=0",    "--u32=1001",   "--u32=x",    "--u32=",     "--u32=9x",   "--real=0.4",
        "--real=2.1", "--real=nan",   "--u64=2e10", "--nonce=12", "--nonce=72", "--cpu=-1",
        "--ring=15",  "--nonsense=1", "--text",     "--flag=1",   "operand"};
    struct options o;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (read(&o, false, wrong[i], NULL) != 2)
            fail_msg("%s was taken", wrong[i]);
    }
}

static void test_operands(void **state)
{
    struct options o;
    assert_int_equal(read(&o, true, "word", "--flag"), 0);
    assert_true(o.flag);
    assert_int_equal(optind, 2);
    assert_int_equal(read(&o, true, "--help", NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_operands)};
    return cmocka_run_group_tests_name("command_line", tests, NULL, NULL);
}
