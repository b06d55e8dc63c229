/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "hash.h"
#include "ip.h"
#include "log.h"
#include "options.h"
#include "stats.h"

static const struct {
    const char *text;
    bool ok;
    const char *canonical;
} ips[] = {
    {"198.18.0.1", true, "198.18.0.1"},
    {"::ffff:198.18.0.1", true, "198.18.0.1"},
    {"2001:db8::1", true, "2001:db8::1"},
    {"[2001:DB8:0::1]", true, "2001:db8::1"},
    {"", false, ""},
    {"198.18.0", false, ""},
    {"198.18.0.256", false, ""},
    {"[2001:db8::1", false, ""},
    {"2001:db8::1%eth0", false, ""},
    {"198.18.0.1 ", false, ""},
};

static void test_ip(void **state)
{
    for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
        struct bd_ip ip;
        assert_int_equal(bd_ip_parse(bd_str_from(ips[i].text), &ip), ips[i].ok);
        if (!ips[i].ok)
            continue;
        char out[BD_IP_TEXT_MAX];
        assert_int_equal(bd_ip_format(&ip, out), strlen(ips[i].canonical));
        assert_string_equal(out, ips[i].canonical);
    }
}

static const struct {
    const char *prefix;
    bool ok;
    const char *in, *out;
} prefixes[] = {
    {"198.18.0.0/15", true, "198.19.255.255", "198.20.0.0"},
    {"198.18.0.7", true, "198.18.0.7", "198.18.0.6"},
    {"0.0.0.0/0", true, "203.0.113.1", "2001:db8::1"},
    {"2001:db8::/32", true, "2001:db8:ffff::1", "2001:db9::1"},
    {"::/0", true, "2001:db8::1", "203.0.113.1"},
    {"::/64", true, "::1", "203.0.113.1"},
    {"198.18.0.1/15", false, NULL, NULL}, /* host bits set */
    {"198.18.0.0/33", false, NULL, NULL},
    {"198.18.0.0/", false, NULL, NULL},
    {"2001:db8::/129", false, NULL, NULL},
};

static void test_prefix(void **state)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct bd_prefix p;
        assert_int_equal(bd_prefix_parse(bd_str_from(prefixes[i].prefix), &p), prefixes[i].ok);
        if (!prefixes[i].ok)
            continue;
        struct bd_ip in, out;
        assert_true(bd_ip_parse(bd_str_from(prefixes[i].in), &in));
        assert_true(bd_ip_parse(bd_str_from(prefixes[i].out), &out));
        assert_true(bd_prefix_covers(&p, &in));
        assert_false(bd_prefix_covers(&p, &out));
    }
}

static void test_endpoint(void **state)
{
    static const char *const good[] = {"198.18.0.1:5060", "[2001:db8::1]:5060"};
    static const char *const bad[] = {"198.18.0.1", "198.18.0.1:",      "198.18.0.1:0",
                                      ":5060",      "198.18.0.1:65536", "2001:db8::1:5060",
                                      "[::1]5060"};
    struct bd_endpoint e;
    char out[BD_ENDPOINT_TEXT_MAX];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(bd_endpoint_parse(bd_str_from(good[i]), &e));
        bd_endpoint_format(&e, out);
        assert_string_equal(out, good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(bd_endpoint_parse(bd_str_from(bad[i]), &e));
}

/* Buckets tile the line: each value lies in the bucket it is given, bounds meet without a gap. */
static void test_latency_buckets(void **state)
{
    for (unsigned b = 0; b + 1 < BD_LATENCY_BUCKETS; b++)
        assert_int_equal(bd_latency_upper_ns(b), bd_latency_lower_ns(b + 1));
    for (uint64_t ns = 0; ns < 1ULL << 40; ns = ns * 5 / 4 + 1) {
        unsigned b = bd_latency_bucket(ns);
        assert_true(b < BD_LATENCY_BUCKETS);
        assert_true(bd_latency_lower_ns(b) <= ns && ns < bd_latency_upper_ns(b));
    }
    assert_int_equal(bd_latency_bucket(UINT64_MAX), BD_LATENCY_BUCKETS - 1);
}

static void test_hash_depends_on_seed(void **state)
{
    struct bd_hash_key a, b, again;
    bd_hash_key_init(&a, 1);
    bd_hash_key_init(&b, 2);
    bd_hash_key_init(&again, 1);
    assert_int_equal(bd_hash64(&a, "alice", 5), bd_hash64(&again, "alice", 5));
    assert_int_not_equal(bd_hash64(&a, "alice", 5), bd_hash64(&b, "alice", 5));
    assert_int_not_equal(bd_hash64(&a, "alice", 5), bd_hash64(&a, "alicf", 5));
}

static void test_verdict_table(void **state)
{
    for (unsigned i = 0; i < BD_VERDICT_CNT; i++) {
        assert_non_null(bd_verdict_info[i].text);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(bd_verdict_info[i].text, bd_verdict_info[j].text);
    }
}

static void test_options(void **state)
{
    struct bd_options o;
    char *ok[] = {"x", "-t", "-c", "f.yaml", NULL};
    assert_true(bd_options_parse(&o, 4, ok, "x"));
    assert_true(o.check_only);
    assert_string_equal(o.config_file, "f.yaml");
    assert_false(o.arena_only);
    ok[1] = "--arena";
    optind = 1; /* getopt goes on from where it was */
    assert_true(bd_options_parse(&o, 4, ok, "x"));
    assert_true(o.arena_only && !o.check_only);
    char *twice[] = {"x", "-c", "f.yaml", "-c", "g.yaml", NULL};
    optind = 1;
    assert_false(bd_options_parse(&o, 5, twice, "x")); /* neither overrides the other */
    assert_int_equal(o.exit_status, 2);
}

/* What a line of the log looks like with JOURNAL_STREAM naming stderr, or another file. */
static void log_to_file(bool named, char text[128])
{
    char stream[64];
    struct stat st = {0};
    int before = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    assert_true(before >= 0 && file && fstat(fileno(file), &st) == 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino + !named);
    setenv("JOURNAL_STREAM", stream, 1);
    dup2(fileno(file), STDERR_FILENO);
    bd_log_init("test", BD_LOG_INFO);
    bd_log(BD_LOG_ERROR, "words");
    unsetenv("JOURNAL_STREAM");
    bd_log_init("test", BD_LOG_INFO);
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t n = pread(fileno(file), text, 127, 0);
    text[n > 0 ? n : 0] = '\0';
    fclose(file);
}

static void test_log_knows_the_journal(void **state)
{
    char text[128];
    log_to_file(true, text);
    assert_string_equal(text, "<3>words\n");
    log_to_file(false, text);
    assert_string_equal(text, "test: error: words\n");
}

/* Lines are lost, and told of, where a write would wait. */
static void test_log_waits_for_nobody(void **state)
{
    enum { LINES = 2000 };
    char text[4096];
    int ends[2], before = dup(STDERR_FILENO);
    unsigned lines = 0, lost = 0;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_true(fcntl(ends[1], F_SETFL, 0) == 0); /* as a process gets it */
    dup2(ends[1], STDERR_FILENO);
    alarm(20); /* instead of standing still */
    for (unsigned i = 0; i < LINES; i++)
        bd_log(BD_LOG_ERROR, "%0100u", i);
    for (ssize_t n; (n = read(ends[0], text, sizeof(text))) > 0;) {
        for (ssize_t i = 0; i < n; i++)
            lines += text[i] == '\n';
    }
    bd_log(BD_LOG_ERROR, "words");
    dup2(before, STDERR_FILENO);
    alarm(0);
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    assert_int_equal(sscanf(text, "test: warning: %u lines of this log are lost", &lost), 1);
    assert_int_equal(lines + lost, LINES);
    assert_non_null(strstr(text, "\ntest: error: words\n"));
    close(before);
    close(ends[0]);
    close(ends[1]);
}

/* The same text as inet_ntop() makes, over addresses that are mostly zeros. */
static void test_ip_format(void **state)
{
    for (unsigned n = 0; n < 200000; n++) {
        struct bd_ip ip = {{0}};
        unsigned kept = (unsigned)rand() | (unsigned)rand() << 8;
        for (unsigned i = 0; i < 16; i++)
            ip.b[i] = (uint8_t)(kept >> i & 1 ? rand() >> (kept >> 16 & 7) : 0);
        if (n % 4 == 0)
            memcpy(ip.b, bd_ip_from_v4("abcd").b, 12);
        char want[BD_IP_TEXT_MAX], got[BD_IP_TEXT_MAX];
        bool v4 = bd_ip_is_v4(&ip);
        inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip.b + 12 : ip.b, want, sizeof(want));
        assert_int_equal(bd_ip_format(&ip, got), strlen(want));
        assert_string_equal(got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ip),
        cmocka_unit_test(test_ip_format),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_latency_buckets),
        cmocka_unit_test(test_hash_depends_on_seed),
        cmocka_unit_test(test_verdict_table),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_log_knows_the_journal),
        cmocka_unit_test(test_log_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
