/* SPDX-License-Identifier: BSD-3-Clause */
/* Implicit registration sets (3GPP TS 24.229 5.4.1.2): alice's identities are bob and carol. */
#include "lab.h"

#include "identities.h"

static void provision(struct lab *lab, const char *aor)
{
    struct bd_provision p = {.has_prefix = false};
    struct bd_hash128 hash = bd_hash128(&lab->arena.hash_key, aor, strlen(aor));
    assert_int_equal(bd_provisioned_put(&lab->arena, lab->table.epoch, hash, &p), BD_PROVISION_OK);
}

static void join(struct lab *lab, const char *alias, const char *primary)
{
    assert_int_equal(
        bd_identities_put(&lab->arena, lab->table.epoch, bd_str_from(alias), bd_str_from(primary)),
        BD_IDENTITIES_OK);
}

static struct lab *lab_with_set(void)
{
    struct bd_policy_domain settings = lab_settings;
    settings.redirect = settings.gruu_enabled = true;
    settings.max_contacts = 2;
    struct lab *lab = lab_new(256);
    lab_policy(lab, &settings, true);
    join(lab, "bob@example.com", "alice@example.com");
    join(lab, "carol@example.com", "alice@example.com");
    return lab;
}

static unsigned request(struct lab *lab, const char *method, const char *uri, const char *to,
                        const char *extra)
{
    static unsigned n;
    char text[4096];
    n++;
    snprintf(text, sizeof(text),
             "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKi%u\r\nFrom: <%s>;tag=f\r\n"
             "To: <%s>\r\nCall-ID: i%u\r\nCSeq: 1 %s\r\n%s\r\n",
             method, uri, n, to, to, n, method, extra);
    return lab_send(lab, text);
}

static unsigned enrol(struct lab *lab, const char *to, const char *extra)
{
    return request(lab, "REGISTER", "sip:example.com", to, extra);
}

static unsigned bindings_of(struct lab *lab, const char *aor)
{
    struct bd_slot_ref ref;
    struct bd_str key = bd_str_from(aor);
    return bd_table_find(&lab->table, bd_table_hash(&lab->table, key), key, &ref)
               ? bd_record_cnt(ref.record)
               : 0;
}

static void expect(const struct lab *lab, const char *field, const char *wanted)
{
    char value[2048] = "";
    bool there = lab_header(lab, field, 0, value, sizeof(value));
    if (there != (wanted != NULL) || (wanted && strcmp(value, wanted) != 0))
        fail_msg("%s: '%s' in\n%s", field, value, lab->reply);
}

#define SET "<sip:alice@example.com>, <sip:bob@example.com>, <sip:carol@example.com>"
#define C1  "Contact: <sip:x@192.0.2.1>\r\n"
#define C2  "Contact: <sip:x@192.0.2.2>\r\n"
#define C3  "Contact: <sip:x@192.0.2.3>\r\n"

/* Whichever identity registers, the bindings are the set's, and max_contacts counts them all. */
static void test_one_registers_all(void **state)
{
    (void)state;
    struct lab *lab = lab_with_set();
    assert_int_equal(enrol(lab, "sip:Bob@alias.example.com", C1), 200);
    expect(lab, "P-Associated-URI", SET);
    assert_int_equal(bindings_of(lab, "bob@example.com"), 0);
    assert_int_equal(bindings_of(lab, "alice@example.com"), 1);
    assert_int_equal(enrol(lab, "sip:alice@example.com", C2), 200);
    expect(lab, "P-Associated-URI", SET);
    assert_int_equal(enrol(lab, "sip:carol@example.com", C3), 503);
    char contacts[1024];
    assert_int_equal(enrol(lab, "sip:carol@example.com", ""), 200);
    lab_contacts(lab, contacts, sizeof(contacts));
    assert_string_equal(contacts, "<sip:x@192.0.2.1>;expires=3600|<sip:x@192.0.2.2>;expires=3600");
    assert_int_equal(enrol(lab, "sip:carol@example.com", "Contact: *\r\nExpires: 0\r\n"), 200);
    assert_int_equal(bindings_of(lab, "alice@example.com"), 0);
    lab_free(lab);
}

/* Nobody outside of a set notices that there are sets. */
static void test_others(void **state)
{
    (void)state;
    struct lab *lab = lab_with_set();
    assert_int_equal(enrol(lab, "sip:dave@example.com", C1), 200);
    expect(lab, "P-Associated-URI", NULL);
    assert_int_equal(bindings_of(lab, "dave@example.com"), 1);
    assert_int_equal(bindings_of(lab, "alice@example.com"), 0);
    lab_free(lab);
}

/* A set that changes between two REGISTERs. */
static void test_leaving(void **state)
{
    (void)state;
    struct lab *lab = lab_with_set();
    assert_int_equal(enrol(lab, "sip:bob@example.com", C1), 200);
    assert_true(bd_identities_remove(&lab->arena, lab->table.epoch, BD_STR("bob@example.com")));
    assert_int_equal(enrol(lab, "sip:bob@example.com", ""), 200);
    expect(lab, "P-Associated-URI", NULL);
    expect(lab, "Contact", NULL);
    assert_int_equal(enrol(lab, "sip:carol@example.com", ""), 200);
    expect(lab, "P-Associated-URI", "<sip:alice@example.com>, <sip:carol@example.com>");
    expect(lab, "Contact", "<sip:x@192.0.2.1>;expires=3600");
    lab_free(lab);
}

/* A call to any of them, and to a GRUU that any of them was given (RFC 5627: it is of the AoR that
 * was registered). */
static void test_calls(void **state)
{
    (void)state;
    struct lab *lab = lab_with_set();
    const char *instance = "Supported: gruu\r\nContact: <sip:x@192.0.2.1>"
                           ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000000000001>\"\r\n";
    char contact[2048];
    assert_int_equal(enrol(lab, "sip:bob@example.com", instance), 200);
    assert_true(lab_header(lab, "Contact", 0, contact, sizeof(contact)));
    assert_non_null(strstr(contact, "pub-gruu=\"sip:bob@example.com;gr="));
    char *temp = strstr(contact, "temp-gruu=\"");
    assert_non_null(temp);
    temp += strlen("temp-gruu=\"");
    *strchr(temp, '"') = '\0';
    const char *called[] = {
        "sip:alice@example.com",
        "sip:bob@example.com",
        "sip:CAROL@example.com",
        "sip:bob@example.com;gr=urn:uuid:00000000-0000-1000-8000-000000000001",
        "sip:alice@example.com;gr=urn:uuid:00000000-0000-1000-8000-000000000001",
        temp};
    for (unsigned i = 0; i < sizeof(called) / sizeof(called[0]); i++) {
        assert_int_equal(request(lab, "INVITE", called[i], "sip:z@example.com", ""), 302);
        assert_non_null(strstr(lab->reply, "Contact: <sip:x@192.0.2.1>"));
    }
    char loop[2048];
    snprintf(loop, sizeof(loop),
             "Supported: gruu\r\nContact: <%s>;+sip.instance=\"<urn:uuid:2>\"\r\n", temp);
    assert_int_equal(enrol(lab, "sip:carol@example.com", loop), 403);
    lab_free(lab);
}

/* The verifier is told who else may ask. */
static void test_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *to, *aor, *primary;
    } rows[] = {
        {"sip:three@digest.example", "three@digest.example", ""},
        {"sip:one@digest.example", "one@digest.example", ""},
        {"sip:two@digest.example", "two@digest.example", "one@digest.example"},
    };
    struct lab *lab = lab_with_set();
    lab_digest_policy(lab, &lab_settings);
    provision(lab, "one@digest.example");
    provision(lab, "two@digest.example");
    provision(lab, "three@digest.example");
    join(lab, "two@digest.example", "one@digest.example");
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char challenge[1024], nonce[65] = "", extra[2048];
        assert_int_equal(request(lab, "REGISTER", "sip:digest.example", rows[i].to, C1), 401);
        assert_true(lab_header(lab, "WWW-Authenticate", 0, challenge, sizeof(challenge)));
        memcpy(nonce, strstr(challenge, "nonce=\"") + 7, 64);
        snprintf(extra, sizeof(extra),
                 C1 "Authorization: Digest username=\"one\", realm=\"a \\\"quoted\\\" realm\", "
                    "nonce=\"%s\", uri=\"sip:digest.example\", algorithm=MD5, qop=auth, "
                    "nc=00000001, cnonce=\"c\", response=\"00000000000000000000000000000000\"\r\n",
                 nonce);
        request(lab, "REGISTER", "sip:digest.example", rows[i].to, extra);
        assert_int_equal(lab->step, BD_STEP_VERIFY);
        assert_true(bd_str_eq(bd_job_get(&lab->job, BD_JOB_AOR), bd_str_from(rows[i].aor)));
        assert_true(bd_str_eq(bd_job_get(&lab->job, BD_JOB_PRIMARY), bd_str_from(rows[i].primary)));
        join(lab, "three@digest.example", "one@digest.example"); /* while the first one waits */
        assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 200);
        assert_int_equal(bindings_of(lab, "one@digest.example"), 1);
        assert_int_equal(lab_resume(lab, BD_VERIFY_OTHER_AOR), 403);
    }
    lab_free(lab);
}

/* An address that may speak for the primary may speak for its identities; not the other way. */
static void test_trusted(void **state)
{
    (void)state;
    struct lab *lab = lab_with_set();
    struct bd_provision here = {.has_prefix = true}, elsewhere = {.has_prefix = true};
    assert_true(bd_prefix_parse(BD_STR("192.0.2.1"), &here.prefix));
    assert_true(bd_prefix_parse(BD_STR("203.0.113.1"), &elsewhere.prefix));
    const char *one = "one@trusted.example", *two = "two@trusted.example";
    struct bd_hash128 hash_one = bd_hash128(&lab->arena.hash_key, one, strlen(one));
    struct bd_hash128 hash_two = bd_hash128(&lab->arena.hash_key, two, strlen(two));
    bd_provisioned_put(&lab->arena, lab->table.epoch, hash_one, &here);
    bd_provisioned_put(&lab->arena, lab->table.epoch, hash_two, &elsewhere);
    assert_int_equal(request(lab, "REGISTER", "sip:trusted.example", "sip:two@trusted.example", C1),
                     403);
    join(lab, two, one);
    assert_int_equal(request(lab, "REGISTER", "sip:trusted.example", "sip:two@trusted.example", C1),
                     200);
    bd_provisioned_put(&lab->arena, lab->table.epoch, hash_one, &elsewhere);
    bd_provisioned_put(&lab->arena, lab->table.epoch, hash_two, &here);
    assert_int_equal(request(lab, "REGISTER", "sip:trusted.example", "sip:one@trusted.example", C1),
                     403);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_registers_all), cmocka_unit_test(test_others),
        cmocka_unit_test(test_leaving),           cmocka_unit_test(test_calls),
        cmocka_unit_test(test_credentials),       cmocka_unit_test(test_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
