/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV import: what a line may look like, all or nothing, and lines that are bad. */
#include "csv.h"
#include "place.h"

#include <stdatomic.h>

/* Of the last import. */
static struct {
    struct bd_import_result result;
    unsigned bad_cnt;
    unsigned long bad_line[8];
    char bad_text[8][256];
} told;

/* Of the next import: without "*". */
enum { SERVED = 3 };
static unsigned domain_cnt = SERVED;
static _Atomic bool stop;

static void on_bad_line(void *arg, unsigned long line, const char *what)
{
    assert_true(told.bad_cnt < 8);
    told.bad_line[told.bad_cnt] = line;
    snprintf(told.bad_text[told.bad_cnt++], sizeof(told.bad_text[0]), "%s", what);
}

static int import_bytes(struct place *p, const char *csv, size_t len)
{
    static const struct bd_import_domain domains[] = {
        {BD_STR("other.example"), BD_STR("other.example"), BD_STR("the other")},
        {BD_STR("192.0.2.7"), BD_STR("other.example"), BD_STR("the other")},
        {BD_STR("example.com"), BD_STR("example.com"), BD_STR_NULL},
        {BD_STR("*"), BD_STR("*"), BD_STR_NULL},
    };
    FILE *f = fmemopen((void *)csv, len, "r");
    assert_non_null(f);
    told.bad_cnt = 0;
    struct bd_import import = {.database = p->file,
                               .csv = f,
                               .domains = domains,
                               .domain_cnt = domain_cnt,
                               .stop = &stop,
                               .bad_line = on_bad_line,
                               .bad_max = 8};
    int rc = bd_subscribers_import(&import, &told.result, &p->error);
    fclose(f);
    return rc;
}

static int import(struct place *p, const char *csv)
{
    return import_bytes(p, csv, strlen(csv));
}

static int find(struct place *p, const char *username, const char *domain,
                struct bd_subscriber *row)
{
    struct bd_subscribers *s = bd_subscribers_open(p->file, &p->error);
    assert_non_null(s);
    int rc = bd_subscribers_find(s, bd_str_from(username), bd_str_from(domain), row, &p->error);
    bd_subscribers_close(s);
    return rc;
}

static void assert_md5_of(const struct bd_subscriber *row, const char *realm, const char *password)
{
    struct bd_error error;
    struct bd_digest *d = bd_digest_new(&error);
    struct bd_ha1_set set;
    assert_true(bd_ha1_make(d, bd_str_from(row->username), bd_str_from(row->domain),
                            bd_str_from(realm), bd_str_from(password), &set));
    assert_int_equal(set.present, row->ha1.present);
    assert_memory_equal(&set, &row->ha1, sizeof(set));
    bd_digest_free(d);
}

static void test_csv_split(void **state)
{
    static const struct {
        const char *line;
        int cnt;
        const char *field[4];
    } cases[] = {
        {"a,b,c\n", 3, {"a", "b", "c"}}, {"a,,c\r\n", 3, {"a", "", "c"}},
        {",,", 3, {"", "", ""}},         {"\n", 1, {""}},
        {"\"a,b\",c", 2, {"a,b", "c"}},  {"\"a\"\"b\",\"\",\"\"\"\"", 3, {"a\"b", "", "\""}},
        {"a,\"b", -1, {NULL}},           {"a,\"b\"c", -1, {NULL}},
        {"a\"b,c", -1, {NULL}},          {"\"a\"\"", -1, {NULL}},
        {"1,2,3,4,5", 5, {NULL}},        {"1,2,3,4,", 5, {NULL}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[64];
        strcpy(line, cases[i].line);
        struct bd_str f[4];
        int cnt = bd_csv_split(line, (uint32_t)strlen(line), f, 4);
        assert_int_equal(cnt, cases[i].cnt);
        for (int j = 0; j < cnt && cnt <= 4; j++)
            assert_true(bd_str_eq(f[j], bd_str_from(cases[i].field[j])));
    }
}

static void test_passwords(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    assert_int_equal(import(p, "1000,example.com,secret-1000\r\n"
                               "\n"
                               "1001,Example.com,\"a,\"\"b\",198.51.100.7\n"
                               "1002,other.example,x"),
                     0);
    assert_int_equal(told.result.added, 3);
    assert_int_equal(told.result.changed, 0);
    assert_int_equal(told.result.lines, 4);
    assert_int_equal(find(p, "1000", "example.com", &row), 0);
    assert_md5_of(&row, "example.com", "secret-1000");
    assert_int_equal(find(p, "1001", "example.com", &row), 0);
    assert_md5_of(&row, "example.com", "a,\"b");
    assert_true(row.has_prefix);
    assert_int_equal(find(p, "1002", "other.example", &row), 0);
    assert_string_equal(row.realm, "the other");
    assert_md5_of(&row, "the other", "x");
}

#define MD5_A "0123456789abcdef0123456789ABCDEF"
#define SHA_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_hashes(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    assert_int_equal(import(p, "1000,example.com," MD5_A "," SHA_A ",\n"
                               "1001,example.com," MD5_A ",,,2001:db8::1\n"),
                     0);
    assert_int_equal(find(p, "1000", "example.com", &row), 0);
    assert_int_equal(row.ha1.present, BD_HA1_BIT(BD_HA1_PLAIN, BD_ALG_MD5) |
                                          BD_HA1_BIT(BD_HA1_PLAIN, BD_ALG_SHA256));
    assert_int_equal(row.ha1.md5[BD_HA1_PLAIN][15], 0xef);
    assert_int_equal(row.ha1.sha256[BD_HA1_PLAIN][1], 0x11);
    assert_int_equal(find(p, "1001", "example.com", &row), 0);
    assert_true(row.has_prefix);
}

static void test_header(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    assert_int_equal(import(p, "\xef\xbb\xbf"
                               "Domain,trusted_prefix,username,ha1b,password\n"
                               "example.com,,1000,,pw\n"
                               "example.com,,1001," MD5_A ",\n"),
                     0);
    assert_int_equal(find(p, "1000", "example.com", &row), 0);
    assert_md5_of(&row, "example.com", "pw");
    assert_int_equal(find(p, "1001", "example.com", &row), 0);
    assert_int_equal(row.ha1.present, BD_HA1_BIT(BD_HA1_WITH_DOMAIN, BD_ALG_MD5));
    assert_int_equal(import(p, "username,domain,password,profile\n1002,example.com,pw,trunk\n"
                               "1000,example.com,pw,\n"),
                     0);
    assert_int_equal(find(p, "1002", "example.com", &row), 0);
    assert_string_equal(row.profile, "trunk");
    assert_int_equal(find(p, "1000", "example.com", &row), 0);
    assert_string_equal(row.profile, "");
    assert_int_equal(import(p, "username,password\n1,2\n"), BD_SUBSCRIBERS_INVALID);
    assert_int_equal(import(p, "username,domain,username\n1,2,3\n"), BD_SUBSCRIBERS_INVALID);
    assert_int_equal(import(p, "username,domain,colour\n1,2,3\n"), BD_SUBSCRIBERS_INVALID);
    assert_int_equal(told.bad_line[0], 1);
}

/* The primary may stand behind; whatever does not fit together takes the whole file back. */
static void test_sets(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    const char *head = "username,domain,password,implicit_of\n";
    static const struct {
        const char *lines, *why;
    } rows[] = {
        {"2,example.com,pw,1@Example.com\n1,example.com,pw,\n", NULL},
        {"3,example.com,pw,9@example.com\n", "3@example.com: its primary 9@example.com is no"},
        {"3,example.com,pw,2@example.com\n", "belongs to the set of 1@example.com itself"},
        {"1,example.com,pw,3@example.com\n3,example.com,pw,\n", "2@example.com: its primary"},
        {"3,example.com,pw,1@other.example\n", "1 of 2 lines are bad"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "%s%s", head, rows[i].lines);
        assert_int_equal(import(p, text), rows[i].why ? BD_SUBSCRIBERS_INVALID : 0);
        if (rows[i].why && !strstr(p->error.text, rows[i].why))
            fail_msg("%s", p->error.text);
    }
    char crowd[2048];
    size_t len = (size_t)snprintf(crowd, sizeof(crowd), "%s", head);
    for (unsigned i = 0; i < BD_IDENTITIES_PER_SET_MAX; i++)
        len += (size_t)snprintf(crowd + len, sizeof(crowd) - len,
                                "a%u,example.com,,1@example.com\n", i);
    assert_int_equal(import(p, crowd), BD_SUBSCRIBERS_INVALID);
    assert_non_null(strstr(p->error.text, "the set of 1@example.com has 17 identities"));
    assert_int_equal(find(p, "2", "example.com", &row), 0);
    assert_string_equal(row.implicit_of, "1@example.com");
}

static void test_import_replaces(void **state)
{
    struct place *p = *state;
    struct bd_subscriber before, row;
    assert_int_equal(import(p, "1000,example.com,one\n1001,example.com,two\n"), 0);
    assert_int_equal(find(p, "1000", "example.com", &before), 0);
    assert_int_equal(import(p, "1000,example.com,new\n1002,example.com,three\n"), 0);
    assert_int_equal(told.result.added, 1);
    assert_int_equal(told.result.changed, 1);
    assert_int_equal(find(p, "1000", "example.com", &row), 0);
    assert_md5_of(&row, "example.com", "new");
    assert_int_equal(row.created_s, before.created_s);
    assert_int_equal(find(p, "1001", "example.com", &row), 0);
    assert_md5_of(&row, "example.com", "two");
}

/* A list of profiles, or of passwords, must not take away what it does not speak of. */
static void test_what_is_not_named_stays(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    assert_int_equal(import(p, "username,domain,password,trusted_prefix,profile,implicit_of\n"
                               "1,other.example,one,,,\n"
                               "1000,other.example,one,198.51.100.0/24,trunk,1@other.example\n"),
                     0);
    assert_int_equal(import(p, "username,domain,profile\n1000,other.example,desk\n"), 0);
    assert_int_equal(told.result.changed, 1);
    assert_int_equal(find(p, "1000", "other.example", &row), 0);
    assert_md5_of(&row, "the other", "one");
    assert_true(row.has_prefix);
    assert_string_equal(row.profile, "desk");
    assert_int_equal(import(p, "1000,other.example,two\n"), 0);
    assert_int_equal(find(p, "1000", "other.example", &row), 0);
    assert_md5_of(&row, "the other", "two");
    assert_true(row.has_prefix);
    assert_string_equal(row.profile, "desk");
    assert_string_equal(row.implicit_of, "1@other.example");
    assert_int_equal(import(p, "username,domain,ha1,profile\n1000,other.example," MD5_A ",\n"), 0);
    assert_int_equal(find(p, "1000", "other.example", &row), 0);
    assert_int_equal(row.ha1.present, BD_HA1_BIT(BD_HA1_PLAIN, BD_ALG_MD5));
    assert_string_equal(row.profile, "");
    assert_int_equal(import(p, "1000,other.example,,\n"), 0);
    assert_int_equal(find(p, "1000", "other.example", &row), 0);
    assert_false(row.has_prefix || row.ha1.present);
}

/* As `subscriber add` has it: the realm would be a guess, and a slip of the pen a phone that never
 * registers. "*" serves all. */
static void test_a_domain_that_is_not_served(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    assert_int_equal(import(p, "1,example.com,x\n2,exmaple.com,x\n"), BD_SUBSCRIBERS_INVALID);
    assert_int_equal(told.bad_line[0], 2);
    assert_string_equal(told.bad_text[0], "no domain 'exmaple.com' is served here");
    domain_cnt = SERVED + 1;
    assert_int_equal(import(p, "1,example.com,x\n2,exmaple.com,x\n"), 0);
    domain_cnt = SERVED;
    assert_int_equal(find(p, "2", "exmaple.com", &row), 0);
    assert_string_equal(row.realm, "exmaple.com");
}

static void test_a_stop_imports_nothing(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    atomic_store(&stop, true);
    assert_int_equal(import(p, "1000,example.com,x\n1001,example.com,x\n"), -1);
    assert_int_equal(told.result.lines, 1);
    atomic_store(&stop, false);
    assert_int_equal(find(p, "1000", "example.com", &row), BD_SUBSCRIBERS_NOT_FOUND);
}

static void test_bad_lines_import_nothing(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    assert_int_equal(import(p, "1000,example.com,old\n"), 0);
    static const char csv[] = "1000,example.com,new\n"
                              "1001,example.com\n"
                              "10:02,example.com,x\n"
                              "1003,example.com,x,198.51.100.0/33\n"
                              "1004,example.com,\"x\n"
                              "1005,example.com,x\n"
                              "1005,EXAMPLE.com,y\n"
                              "1006,example.com," MD5_A "," MD5_A ",\n"
                              "10\0,example.com,x\n";
    assert_int_equal(import_bytes(p, csv, sizeof(csv) - 1), BD_SUBSCRIBERS_INVALID);
    static const unsigned long lines[] = {2, 3, 4, 5, 7, 8, 9};
    assert_int_equal(told.bad_cnt, 7);
    assert_memory_equal(told.bad_line, lines, sizeof(lines));
    assert_non_null(strstr(told.bad_text[4], "twice"));
    assert_non_null(strstr(p->error.text, "7 of 9 lines"));
    assert_int_equal(find(p, "1000", "example.com", &row), 0);
    assert_md5_of(&row, "example.com", "old");
    assert_int_equal(find(p, "1005", "example.com", &row), BD_SUBSCRIBERS_NOT_FOUND);
}

/* The same twice in one file is found also when it is in the database already. */
static void test_twice_over_old(void **state)
{
    struct place *p = *state;
    assert_int_equal(import(p, "1000,example.com,old\n"), 0);
    assert_int_equal(import(p, "1000,example.com,a\n1000,example.com,b\n"), BD_SUBSCRIBERS_INVALID);
    assert_int_equal(told.bad_line[0], 2);
}

static void test_empty_file(void **state)
{
    struct place *p = *state;
    assert_int_equal(import(p, "\n"), 0);
    assert_int_equal(told.result.added + told.result.changed, 0);
}

/* As `subscriber add` has it: a phone's binding is under the name, whatever it writes. */
static void test_alias(void **state)
{
    struct place *p = *state;
    struct bd_subscriber row;
    assert_int_equal(import(p, "1000,192.0.2.7,x\n"), 0);
    assert_int_equal(find(p, "1000", "other.example", &row), 0);
    assert_md5_of(&row, "the other", "x");
    assert_int_equal(import(p, "1001,192.0.2.7,x\n1001,other.example,y\n"), BD_SUBSCRIBERS_INVALID);
    assert_non_null(strstr(told.bad_text[0], "twice"));
}

/* No more of a line is held in memory than one may have; the next one counts as ever. */
static void test_line_without_end(void **state)
{
    struct place *p = *state;
    enum { LEN = 1 << 20 };
    static char csv[LEN];
    memset(csv, 'x', LEN);
    memcpy(csv, "1000,example.com,", 17);
    csv[LEN / 2] = '\n';
    memcpy(csv + LEN - 17, "\n1,example.com,x\n", 17);
    assert_int_equal(import_bytes(p, csv, LEN), BD_SUBSCRIBERS_INVALID);
    assert_int_equal(told.result.lines, 3);
    assert_int_equal(told.bad_cnt, 2);
    assert_string_equal(told.bad_text[0], "is too long");
    assert_int_equal(told.bad_line[1], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_split),
        PLACE_TEST(test_passwords),
        PLACE_TEST(test_hashes),
        PLACE_TEST(test_header),
        PLACE_TEST(test_sets),
        PLACE_TEST(test_import_replaces),
        PLACE_TEST(test_what_is_not_named_stays),
        PLACE_TEST(test_a_domain_that_is_not_served),
        PLACE_TEST(test_a_stop_imports_nothing),
        PLACE_TEST(test_bad_lines_import_nothing),
        PLACE_TEST(test_twice_over_old),
        PLACE_TEST(test_empty_file),
        PLACE_TEST(test_alias),
        PLACE_TEST(test_line_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
