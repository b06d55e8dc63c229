/* SPDX-License-Identifier: BSD-3-Clause */
/* Nobody learns from replies who exists: the same request for each of several users of whom one is
 * registered, one provisioned, one an alias of the first, one a registrant and one nobody draws
 * replies that differ in the name, the tag and the nonce alone. */
#include "lab.h"

#include "identities.h"

static const char *const users[] = {"alice1", "carol1", "alias1", "regis1", "nobody"};
enum { USERS = sizeof(users) / sizeof(users[0]) };

static void provision(struct lab *lab, const char *aor)
{
    struct bd_provision p = {.has_prefix = false};
    struct bd_hash128 hash = bd_hash128(&lab->arena.hash_key, aor, strlen(aor));
    assert_int_equal(bd_provisioned_put(&lab->arena, lab->table.epoch, hash, &p), BD_PROVISION_OK);
}

/* alice1 is registered, in a domain that was open until then. */
static struct lab *open_lab(const struct bd_policy_domain *settings)
{
    struct lab *lab = lab_new(256);
    struct bd_policy_domain open = *settings;
    open.auth = BD_AUTH_OPEN;
    lab->registrants = (struct bd_policy_texts){(char *const[]){(char *)"regis1"}, 1};
    lab_policy(lab, &open, true);
    provision(lab, "alice1@example.com");
    provision(lab, "carol1@example.com");
    provision(lab, "regis1@example.com");
    assert_int_equal(bd_identities_put(&lab->arena, lab->table.epoch, BD_STR("alias1@example.com"),
                                       BD_STR("alice1@example.com")),
                     BD_IDENTITIES_OK);
    assert_int_equal(
        lab_send(lab, "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK0\r\n"
                      "From: <sip:alice1@example.com>;tag=f\r\nTo: <sip:alice1@example.com>\r\n"
                      "Call-ID: 0\r\nCSeq: 1 REGISTER\r\n"
                      "Contact: <sip:a@192.0.2.1>;+sip.instance=\"<urn:x:1>\"\r\n\r\n"),
        200);
    lab_policy(lab, settings, true);
    return lab;
}

/* --- replies that are compared ---------------------------------------------------------------- */

/* Overwrites what follows each `key` up to a character of `ends`. */
static void mask(char *text, const char *key, const char *ends)
{
    for (char *at = text; (at = strstr(at, key));) {
        for (at += strlen(key); *at && !strchr(ends, *at); at++)
            *at = '#';
    }
}

static void mask_user(char *text, const char *user)
{
    for (char *at = text; (at = strstr(at, user));)
        memset(at, 'U', strlen(user));
}

static void masked(struct lab *lab, const char *user, char *out)
{
    memcpy(out, lab->reply, lab->reply_len + 1);
    char *to = strstr(out, "\r\nTo: ");
    if (to)
        mask(to, ";tag=", "\r");
    mask(out, "nonce=\"", "\"");
    mask_user(out, user);
}

/* A request with its user in place of each $. */
static unsigned send_for(struct lab *lab, const char *text, const char *user)
{
    char request[LAB_REPLY_MAX];
    size_t n = 0;
    for (; *text; text++) {
        if (*text == '$')
            n += (size_t)sprintf(request + n, "%s", user);
        else
            request[n++] = *text;
    }
    request[n] = 0;
    return lab_send(lab, request);
}

/* Wrong credentials are what a verifier says of known and unknown alike: test_verify.c. */
static unsigned ask_for(struct lab *lab, const char *text, const char *user)
{
    unsigned status = send_for(lab, text, user);
    return lab->step == BD_STEP_VERIFY ? lab_resume(lab, BD_VERIFY_WRONG) : status;
}

static void expect_alike(struct lab *lab, const char *what, const char *text, unsigned wanted)
{
    char first[LAB_REPLY_MAX + 1], other[LAB_REPLY_MAX + 1];
    for (unsigned i = 0; i < USERS; i++) {
        unsigned status = ask_for(lab, text, users[i]);
        if (status != wanted)
            fail_msg("%s: %u for %s\n%s", what, status, users[i], lab->reply);
        masked(lab, users[i], i ? other : first);
        if (i && strcmp(first, other) != 0)
            fail_msg("%s tells %s from %s:\n%s\n%s", what, users[i], users[0], other, first);
    }
}

/* --- requests --------------------------------------------------------------------------------- */

#define HEAD(method, uri, from, to)                                                                \
    method " " uri " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKe\r\nFrom: <" from        \
           ">;tag=f\r\nTo: <" to ">\r\nCall-ID: e\r\nCSeq: 7 " method "\r\n"
#define USER                "sip:$@example.com"
#define REG(extra)          HEAD("REGISTER", "sip:example.com", USER, USER) extra "\r\n"
#define CALL(method, extra) HEAD(method, USER, "sip:caller@example.com", USER) extra "\r\n"
#define GRUU(method, uri)   HEAD(method, uri, "sip:caller@example.com", "sip:who@example.com") "\r\n"
#define CREDENTIALS(nonce, more)                                                                   \
    "Authorization: Digest username=\"$\", realm=\"example.com\", nonce=\"" nonce "\", "           \
    "uri=\"sip:example.com\", response=\"00000000000000000000000000000000\", algorithm=MD5, "      \
    "cnonce=\"c\", qop=auth, nc=00000001" more "\r\n"
#define FORGED "000000000000000000000000000000000000000000000000000000000000abcd"

static struct bd_policy_domain with_all(void)
{
    struct bd_policy_domain d = lab_settings;
    d.auth = BD_AUTH_DIGEST;
    d.redirect = d.redirect_auth = d.gruu_enabled = d.reg_event = d.userhash = true;
    return d;
}

static void test_digest(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text;
        unsigned status;
    } rows[] = {
        {"REGISTER", REG("Contact: <sip:x@h>\r\n"), 401},
        {"a query", REG(""), 401},
        {"removal", REG("Contact: *\r\nExpires: 0\r\n"), 401},
        {"with gruu", REG("Supported: gruu\r\nContact: <sip:x@h>;+sip.instance=\"<urn:x:1>\"\r\n"),
         401},
        {"forged nonce", REG(CREDENTIALS(FORGED, "")), 401},
        {"forged nonce, userhash", REG(CREDENTIALS(FORGED, ", userhash=true")), 401},
        {"for another, by one who may be a registrant",
         HEAD("REGISTER", "sip:example.com", USER, "sip:x@example.com") "\r\n", 401},
        {"OPTIONS", CALL("OPTIONS", ""), 401},
        {"OPTIONS, Max-Forwards 0", CALL("OPTIONS", "Max-Forwards: 0\r\n"), 200},
        {"INVITE", CALL("INVITE", ""), 401},
        {"MESSAGE", CALL("MESSAGE", ""), 401},
        {"unknown method", CALL("FROB", ""), 401},
        {"BYE", CALL("BYE", ""), 481},
        {"CANCEL", CALL("CANCEL", ""), 481},
        {"SUBSCRIBE", CALL("SUBSCRIBE", "Event: reg\r\n"), 401},
        {"SUBSCRIBE by the user", HEAD("SUBSCRIBE", USER, USER, USER) "Event: reg\r\n\r\n", 401},
        {"SUBSCRIBE to another package", CALL("SUBSCRIBE", "Event: dialog\r\n"), 401},
        {"INVITE by the user",
         HEAD("INVITE", "sip:who@example.com", USER, "sip:who@example.com") "\r\n", 401},
        {"a public GRUU", GRUU("INVITE", USER ";gr=urn:x:1"), 401},
        {"a public GRUU of nothing", GRUU("INVITE", USER ";gr=urn:x:9"), 401},
        {"a temporary GRUU", GRUU("INVITE", "sip:tgruu.$@example.com;gr"), 401},
    };
    struct bd_policy_domain d = with_all();
    struct lab *lab = open_lab(&d);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_alike(lab, rows[i].what, rows[i].text, rows[i].status);
    lab_free(lab);
}

/* With a nonce of ours the request goes to a verifier, whoever is named, and comes back alike. */
static void test_wrong_password(void **state)
{
    (void)state;
    struct bd_policy_domain d = with_all();
    struct lab *lab = open_lab(&d);
    char value[1024], text[4096];
    assert_int_equal(send_for(lab, REG(""), "nobody"), 401);
    assert_true(lab_header(lab, "WWW-Authenticate", 0, value, sizeof(value)));
    const char *nonce = strstr(value, "nonce=\"") + 7;
    for (unsigned hashed = 0; hashed < 2; hashed++) {
        snprintf(text, sizeof(text), REG(CREDENTIALS("%.*s", "%s")), BD_NONCE_TEXT, nonce,
                 hashed ? ", userhash=true" : "");
        uint64_t jobs = 0;
        for (unsigned i = 0; i < USERS; i++) {
            send_for(lab, text, users[i]);
            jobs += lab->step == BD_STEP_VERIFY;
        }
        assert_int_equal(jobs, USERS);
        expect_alike(lab, "wrong password", text, 401);
    }
    lab_free(lab);
}

/* From where a trusted domain trusts nobody. */
static void test_trusted(void **state)
{
    (void)state;
    struct bd_policy_domain d = lab_settings;
    d.auth = BD_AUTH_TRUSTED;
    struct lab *lab = open_lab(&d);
    assert_true(bd_ip_parse(BD_STR("203.0.113.9"), &lab->source.ip));
    expect_alike(lab, "REGISTER", REG("Contact: <sip:x@h>\r\n"), 403);
    expect_alike(lab, "a query", REG(""), 403);
    expect_alike(lab, "for another",
                 HEAD("REGISTER", "sip:example.com", USER, "sip:x@example.com") "\r\n", 403);
    lab_free(lab);
}

/* A domain that does not redirect has no answer that depends on a user. */
static void test_no_redirect(void **state)
{
    (void)state;
    struct bd_policy_domain d = with_all();
    d.redirect = d.redirect_auth = false;
    struct lab *lab = open_lab(&d);
    expect_alike(lab, "INVITE", CALL("INVITE", ""), 405);
    expect_alike(lab, "OPTIONS", CALL("OPTIONS", ""), 200);
    expect_alike(lab, "FROB", CALL("FROB", ""), 501);
    expect_alike(lab, "SUBSCRIBE", CALL("SUBSCRIBE", "Event: dialog\r\n"), 489);
    expect_alike(lab, "a GRUU", GRUU("INVITE", USER ";gr=urn:x:1"), 405);
    lab_free(lab);
}

/* To redirect without redirect_auth is to tell; so says docs/security.md. */
static void test_redirect_tells(void **state)
{
    (void)state;
    struct bd_policy_domain d = with_all();
    d.redirect_auth = false;
    struct lab *lab = open_lab(&d);
    assert_int_equal(ask_for(lab, CALL("INVITE", ""), "alice1"), 302);
    assert_int_equal(ask_for(lab, CALL("INVITE", ""), "alias1"), 302);
    assert_int_equal(ask_for(lab, CALL("INVITE", ""), "carol1"), 480);
    assert_int_equal(ask_for(lab, CALL("INVITE", ""), "nobody"), 404);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest),         cmocka_unit_test(test_wrong_password),
        cmocka_unit_test(test_trusted),        cmocka_unit_test(test_no_redirect),
        cmocka_unit_test(test_redirect_tells),
    };
    return cmocka_run_group_tests_name("enumeration", tests, NULL, NULL);
}
