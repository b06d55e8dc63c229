/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of sources, in the configuration and in files of their own. */
#include "file_lab.h"

static const char *config_of(const char *limits)
{
    static char text[1024];
    snprintf(text, sizeof(text), FILE_LAB_HEAD "limits: {%s}\n", limits);
    return text;
}

static struct bd_config *load(const char *limits, const char *deny, char **errors)
{
    return file_lab_load(config_of(limits), deny, errors);
}

static struct bd_config *load_good(const char *limits, const char *deny)
{
    return file_lab_load_good(config_of(limits), deny);
}

static void test_lists(void **state)
{
    struct bd_config *c = load_good(
        "allow: [192.0.2.0/24, \"2001:db8::/32\"], deny: [0.0.0.0/0], deny_file: deny.txt",
        "# bad neighbours\n\n203.0.113.0/24 # all of them\r\n\t198.51.100.7\n2001:db8:bad::/48\n"
        "198.51.100.7");
    assert_int_equal(c->allow.cnt, 2);
    assert_int_equal(c->deny.cnt, 1);
    assert_int_equal(c->deny.filed_cnt, 4);
    assert_string_equal(c->deny.file, file_lab_other);
    assert_null(c->allow.file);
    assert_int_equal(c->deny.filed[0].len, 120);
    assert_int_equal(c->deny.filed[1].len, 128);
    bd_config_free(c);
    c = load_good("deny_file: deny.txt", "");
    assert_int_equal(c->deny.filed_cnt, 0);
    bd_config_free(c);
}

static void expect(const char *limits, const char *deny, const char *wanted)
{
    char *errors;
    assert_null(load(limits, deny, &errors));
    if (!strstr(errors, wanted))
        fail_msg("says %swanted %s", errors, wanted);
    free(errors);
}

static void test_errors(void **state)
{
    expect("deny_file: deny.txt", "192.0.2.0/24\n  192.0.2.1/24 # host bits\nexample.com\n",
           "deny.txt:2:3 limits.deny_file: must be ADDRESS or ADDRESS/LENGTH with no bits set "
           "beyond LENGTH, got 192.0.2.1/24\n");
    expect("deny_file: deny.txt", "192.0.2.0/24\nexample.com\n",
           "deny.txt:2:1 limits.deny_file: must be ADDRESS or ");
    expect("deny_file: deny.txt", NULL, "bindery.yaml:4:10 limits.deny_file: ");
    expect("deny_file: deny.txt", NULL, "deny.txt cannot be read: No such file or directory");
    expect("allow: [192.0.2.0/24], deny_file: deny.txt", "192.0.2.0/24\n",
           "limits.deny: 192.0.2.0/24 stands in limits.allow, too; remove one");
    expect("deny: [192.0.2.0/24, 192.0.2.0/24]", NULL, "stands twice in the list");
    expect("source_prefix_ipv6: 65", NULL, "limits.source_prefix_ipv6: must be 16..64");
}

/* As many as there may be, and one more. */
static void test_many(void **state)
{
    size_t len;
    char *text, *errors;
    FILE *out = open_memstream(&text, &len);
    for (unsigned i = 0; i < BD_LIMIT_PREFIXES_MAX; i++)
        fprintf(out, "10.%u.%u.0/24\n", i >> 8 & 255, i & 255);
    fflush(out);
    struct bd_config *c = load_good("deny_file: deny.txt", text);
    assert_int_equal(c->deny.filed_cnt, BD_LIMIT_PREFIXES_MAX);
    bd_config_free(c);
    fputs("11.0.0.0/8\n", out);
    fclose(out);
    assert_null(load("deny_file: deny.txt", text, &errors));
    assert_non_null(
        strstr(errors, ":16385:1 limits.deny_file: more than 16384 prefixes; join some"));
    free(errors);
    free(text);
}

static int set_up(void **state)
{
    return file_lab_open("deny.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, set_up, file_lab_close);
}
