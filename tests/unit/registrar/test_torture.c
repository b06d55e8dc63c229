/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of RFC 4475 and RFC 5118 at a registrar for all domains that they name, open, so
 * that no challenge hides what comes after it. tests/unit/sip/test_torture.c looks into their
 * parsing. Then 2,000 mutations of each; a failure prints its seed, BINDERY_TEST_SEED=N runs that
 * again.
 *
 *   test_torture CORPUS_DIRECTORY */
#include "lab.h"

#include <time.h>

static const char *corpus;

#define ROW_NAME_MAX 64

struct row {
    char name[ROW_NAME_MAX];
    unsigned status;
};

/* The next row of statuses.txt; false at its end. */
static bool next_row(FILE *in, struct row *row)
{
    char line[256];
    while (fgets(line, sizeof(line), in)) {
        if (line[0] != '#' && sscanf(line, "%63s %u", row->name, &row->status) == 2)
            return true;
    }
    return false;
}

static FILE *open_rows(void)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/torture/statuses.txt", corpus);
    FILE *in = fopen(path, "re");
    if (!in)
        fail_msg("cannot read %s", path);
    return in;
}

static unsigned send_file(struct lab *lab, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/torture/%s.dat", corpus, name);
    FILE *in = fopen(path, "re");
    if (!in)
        fail_msg("cannot read %s", path);
    size_t len = fread(lab->request, 1, sizeof(lab->request), in);
    fclose(in);
    return lab_send_bytes(lab, len);
}

enum { MESSAGES = 61 }; /* 49 of RFC 4475 without the archive's own test.dat, 12 of RFC 5118 */

static void test_statuses(void **state)
{
    (void)state;
    unsigned wrong = 0, cnt = 0;
    struct row row;
    FILE *in = open_rows();
    for (; next_row(in, &row); cnt++) {
        struct lab *lab = lab_new(256);
        unsigned status = send_file(lab, row.name);
        if (status != row.status) {
            print_error("%s: %u instead of %u\n%s", row.name, status, row.status, lab->reply);
            wrong++;
        }
        lab_free(lab);
    }
    fclose(in);
    assert_int_equal(wrong, 0);
    assert_int_equal(cnt, MESSAGES);
}

/* --- mutations -------------------------------------------------------------------------------- */

enum { MUTATIONS = 2000, WOUNDS_MAX = 4, OPTIONS_EVERY = 100 };

static uint64_t seed, rng;

static uint32_t roll(uint32_t n)
{
    rng += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    uint64_t z = rng;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (uint32_t)((z ^ (z >> 31)) % n);
}

/* Puts len bytes in at a place of the request; what no longer fits is not put in. */
static void insert(struct lab *lab, size_t *size, uint32_t at, const char *bytes, size_t len)
{
    if (*size + len > sizeof(lab->request))
        return;
    memmove(lab->request + at + len, lab->request + at, *size - at);
    memmove(lab->request + at, bytes, len);
    *size += len;
}

static void wound(struct lab *lab, size_t *size)
{
    static const char *const nasty[] = {"\r\n",
                                        "\r\n\r\n",
                                        "\xff\xfe",
                                        "\"",
                                        "\\",
                                        "%",
                                        "[::",
                                        "<<<<",
                                        ";;;;",
                                        ",,",
                                        "99999999999999999999",
                                        "-1",
                                        ":",
                                        "@",
                                        "*",
                                        "\t  ",
                                        "\n ",
                                        "%00"};
    static const char nul = 0;
    char copy[80] = {0};
    uint32_t at = roll((uint32_t)*size), len = 1 + roll(60);
    const char *bytes = nasty[roll(sizeof(nasty) / sizeof(nasty[0]))];
    switch (roll(6)) {
    case 0:
        lab->request[at] = (char)roll(256);
        break;
    case 1:
        len = len < *size - at ? len : (uint32_t)*size - at;
        len -= len == *size; /* something stays */
        memmove(lab->request + at, lab->request + at + len, *size - at - len);
        *size -= len;
        break;
    case 2:
        insert(lab, size, at, bytes, strlen(bytes));
        break;
    case 3:
        *size = at + 1;
        break;
    case 4:
        insert(lab, size, at, &nul, 1);
        break;
    default:
        len = len < *size - at ? len : (uint32_t)*size - at;
        memcpy(copy, lab->request + at, len);
        insert(lab, size, roll((uint32_t)*size), copy, len);
        break;
    }
}

/* A reply to a message that is sound in what a reply copies is sound itself. */
static void check_reply(const struct lab *lab, unsigned status)
{
    if (status == 0)
        return;
    struct bd_message reply;
    bool copied = status == 400 || status == 505 || status == 513 || status == 416;
    if (lab->reply_len < 8 || memcmp(lab->reply + lab->reply_len - 4, "\r\n\r\n", 4) != 0 ||
        (!copied && (bd_message_parse(&reply, lab->reply, lab->reply_len) != BD_VERDICT_NONE ||
                     reply.is_request)))
        fail_msg("seed %lu: to\n%.*s\nthe reply\n%s", (unsigned long)seed, (int)lab->request_len,
                 lab->request, lab->reply);
}

static void check_alive(struct lab *lab)
{
    assert_int_equal(lab_send(lab, "OPTIONS sip:example.com SIP/2.0\r\n"
                                   "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKalive\r\n"
                                   "From: <sip:a@example.com>;tag=f\r\nTo: <sip:example.com>\r\n"
                                   "Call-ID: alive\r\nCSeq: 1 OPTIONS\r\n\r\n"),
                     200);
}

static void mutate_file(struct lab *lab, const char *name)
{
    static char original[sizeof(lab->request)];
    send_file(lab, name);
    size_t original_sz = lab->request_len;
    memcpy(original, lab->request, original_sz);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        size_t size = original_sz;
        memcpy(lab->request, original, original_sz);
        for (uint32_t n = 1 + roll(WOUNDS_MAX); n > 0; n--)
            wound(lab, &size);
        lab->now_ms += 10; /* so that bindings come and go */
        lab->wall_ms += 10;
        check_reply(lab, lab_send_bytes(lab, size));
        if (i % OPTIONS_EVERY == 0)
            check_alive(lab);
    }
}

static void test_mutations(void **state)
{
    (void)state;
    struct row row;
    struct lab *lab = lab_new(4096);
    FILE *in = open_rows();
    while (next_row(in, &row))
        mutate_file(lab, row.name);
    fclose(in);
    check_alive(lab);
    lab_free(lab);
}

/* 3.3.5: of the two fields only Require is a registrar's. */
static void test_bext01(void **state)
{
    (void)state;
    char value[256];
    struct lab *lab = lab_new(256);
    assert_int_equal(send_file(lab, "rfc4475/bext01"), 420);
    assert_true(lab_header(lab, "Unsupported", 0, value, sizeof(value)));
    assert_string_equal(value, "nothingSupportsThis, nothingSupportsThisEither");
    lab_free(lab);
}

/* 3.1.2.12 and 3.3.13, 3.3.14: whose parameter it is, and the escaped header of a Contact's URI. */
static void test_contacts(void **state)
{
    (void)state;
    char contacts[512];
    struct lab *lab = lab_new(256);
    send_file(lab, "rfc4475/cparam01");
    lab_contacts(lab, contacts, sizeof(contacts));
    assert_string_equal(contacts, "<sip:+19725552222@gw1.example.net>;unknownparam;expires=3600");
    lab_free(lab);
    lab = lab_new(256);
    send_file(lab, "rfc4475/cparam02");
    lab_contacts(lab, contacts, sizeof(contacts));
    assert_string_equal(contacts, "<sip:+19725552222@gw1.example.net;unknownparam>;expires=3600");
    lab_free(lab);
    lab = lab_new(256);
    send_file(lab, "rfc4475/regescrt");
    lab_contacts(lab, contacts, sizeof(contacts));
    assert_string_equal(contacts,
                        "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires=3600");
    lab_free(lab);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_bext01),
        cmocka_unit_test(test_contacts),
    };
    const char *given = getenv("BINDERY_TEST_SEED");
    seed = rng = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("seed %lu\n", (unsigned long)seed);
    corpus = argc > 1 ? argv[1] : "tests/corpus";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
