/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of RFC 4475 and RFC 5118 at a registrar for all domains that they name, open, so
 * that no challenge hides what comes after it. tests/unit/sip/test_torture.c looks into their
 * parsing.
 *
 *   test_torture CORPUS_DIRECTORY */
#include "lab.h"

static const char *corpus;

/* 0: silence. 405: not a registrar's method, once nothing worse was found. */
static const struct row {
    const char *name;
    unsigned status;
} rows[] = {
    {"rfc4475/wsinv", 405},
    {"rfc4475/intmeth", 501},
    {"rfc4475/esc01", 405},
    {"rfc4475/escnull", 200},
    {"rfc4475/esc02", 501},
    {"rfc4475/lwsdisp", 200},
    {"rfc4475/longreq", 405},
    {"rfc4475/dblreq", 200},
    {"rfc4475/semiuri", 200},
    {"rfc4475/transports", 200},
    {"rfc4475/mpart01", 405},
    {"rfc4475/unreason", 0},
    {"rfc4475/noreason", 0},
    {"rfc4475/badinv01", 400},
    {"rfc4475/clerr", 400},
    {"rfc4475/ncl", 400},
    {"rfc4475/scalar02", 400},
    {"rfc4475/scalarlg", 0},
    {"rfc4475/quotbal", 400},
    {"rfc4475/ltgtruri", 400},
    {"rfc4475/lwsruri", 400},
    {"rfc4475/lwsstart", 400},
    {"rfc4475/trws", 400},
    {"rfc4475/escruri", 400},
    {"rfc4475/baddate", 405},
    {"rfc4475/regbadct", 400},
    {"rfc4475/badaspec", 400},
    {"rfc4475/baddn", 400},
    {"rfc4475/badvers", 505},
    {"rfc4475/mismatch01", 400},
    {"rfc4475/mismatch02", 501},
    {"rfc4475/bigcode", 0},
    {"rfc4475/badbranch", 200},
    {"rfc4475/insuf", 400},
    {"rfc4475/unkscm", 416},
    {"rfc4475/novelsc", 416},
    {"rfc4475/unksm2", 404}, /* the address of record is no SIP URI */
    {"rfc4475/bext01", 420},
    {"rfc4475/invut", 405},
    {"rfc4475/regaut01", 200}, /* another scheme of credentials; nobody asks for any here */
    {"rfc4475/multi01", 400},
    {"rfc4475/mcl01", 400},
    {"rfc4475/bcast", 0},
    {"rfc4475/zeromf", 200},
    {"rfc4475/cparam01", 200},
    {"rfc4475/cparam02", 200},
    {"rfc4475/regescrt", 200},
    {"rfc4475/sdp01", 405},
    {"rfc4475/inv2543", 405},
    {"rfc5118/ipv6-good", 200},
    {"rfc5118/ipv6-bad", 400},
    {"rfc5118/port-ambiguous", 200},
    {"rfc5118/port-unambiguous", 200},
    {"rfc5118/via-received-param-with-delim", 405},
    {"rfc5118/via-received-param-no-delim", 200},
    {"rfc5118/ipv6-in-sdp", 400},
    {"rfc5118/mult-ip-in-header", 405},
    {"rfc5118/mult-ip-in-sdp", 405},
    {"rfc5118/ipv4-mapped-ipv6", 405},
    {"rfc5118/ipv6-bug-abnf-3-colons", 200},
    {"rfc5118/ipv6-correct-abnf-2-colons", 200},
};

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

static void test_statuses(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lab *lab = lab_new(256);
        unsigned status = send_file(lab, rows[i].name);
        if (status != rows[i].status) {
            print_error("%s: %u instead of %u\n%s", rows[i].name, status, rows[i].status,
                        lab->reply);
            wrong++;
        }
        lab_free(lab);
    }
    assert_int_equal(wrong, 0);
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
        cmocka_unit_test(test_bext01),
        cmocka_unit_test(test_contacts),
    };
    corpus = argc > 1 ? argv[1] : "tests/corpus";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
