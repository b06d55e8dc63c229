/* SPDX-License-Identifier: BSD-3-Clause */
/* Path (RFC 3327), Service-Route (RFC 3608), P-Associated-URI (RFC 7315), feature tags (RFC 3840),
 * profiles, third parties, the wildcard domain, and expiries that are spread. */
#include "lab.h"

#define REG_AS(FROM, URI, TO, CALL_ID, CSEQ, EXTRA)                                                \
    "REGISTER " URI " SIP/2.0\r\n"                                                                 \
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK" CALL_ID CSEQ "\r\n"                           \
    "Max-Forwards: 70\r\nFrom: " FROM ";tag=f1\r\nTo: <" TO ">\r\nCall-ID: " CALL_ID "\r\n"        \
    "CSeq: " CSEQ " REGISTER\r\n" EXTRA "Content-Length: 0\r\n\r\n"
#define ALICE "sip:alice@example.com"
#define REG(CALL_ID, CSEQ, EXTRA)                                                                  \
    REG_AS("<" ALICE ">", "sip:example.com", ALICE, CALL_ID, CSEQ, EXTRA)
#define A  "Contact: <sip:alice@192.0.2.1>\r\n"
#define P1 "<sip:p1.example.net;lr>"
#define P2 "<sip:p2.example.net;lr;ob>;x=\"a,b\""

/* --- the policy of these tests ---------------------------------------------------------------- */

static char *const route[] = {"sip:orig@home.example.com;lr", "sip:second.example.com;lr"};
static char *const trunk_route[] = {"sip:trunk.example.com;lr"};
static char *const identities[] = {"tel:{user}", "sip:{user}@ims.example.com",
                                   "sip:{user}@alias.example.com;user={user}"};
static char *const registrants[] = {"admin", "clerk@EXAMPLE.com"};

struct rig {
    struct bd_policy_domain settings;
    bool announces, wildcard, registrants;
};

static void make_policy(struct lab *lab, const struct rig *rig)
{
    const struct bd_str aliases[] = {BD_STR("alias.example.com")};
    struct bd_endpoint listen;
    assert_true(bd_endpoint_parse(BD_STR("198.18.0.1:5060"), &listen));
    struct bd_policy_profile_in profile[3] = {
        [2] = {.name = BD_STR("trunk"),
               .service_route = {trunk_route, 1},
               .settings = {.max_contacts = 1,
                            .max_contacts_policy = 1 + BD_CONTACTS_OLDEST,
                            .min_expires_s = 600,
                            .default_expires_s = 900}}};
    struct bd_policy_domain_in domain[2] = {{.name = BD_STR("example.com"),
                                             .realm = BD_STR("example.com"),
                                             .aliases = aliases,
                                             .alias_cnt = 1,
                                             .settings = rig->settings},
                                            {.name = BD_STR("*"), .settings = rig->settings}};
    domain[1].settings.wildcard = domain[1].settings.own_realm = true;
    if (rig->announces) {
        domain[0].service_route = (struct bd_policy_texts){route, 2};
        domain[0].associated_uris = (struct bd_policy_texts){identities, 3};
    }
    if (rig->registrants)
        domain[0].registrants = (struct bd_policy_texts){registrants, 2};
    struct bd_policy_in in = {.domains = domain,
                              .domain_cnt = rig->wildcard ? 2 : 1,
                              .default_domain = -1,
                              .addresses = &listen,
                              .address_cnt = 1,
                              .profiles = profile,
                              .profile_cnt = 3,
                              .hash_seed = 3};
    memset(in.nonce_key[0], 0x5a, sizeof(in.nonce_key[0]));
    assert_int_not_equal(bd_policy_build(lab->policy, 1 << 20, &in, NULL), 0);
}

static struct lab *lab_of(const struct rig *rig)
{
    struct lab *lab = lab_new(1000);
    make_policy(lab, rig);
    return lab;
}

static void provision(struct lab *lab, const char *aor, uint8_t profile)
{
    struct bd_provision p = {.profile = profile};
    struct bd_hash128 hash = bd_hash128(&lab->arena.hash_key, aor, (uint32_t)strlen(aor));
    assert_int_equal(bd_provisioned_put(&lab->arena, lab->table.epoch, hash, &p), BD_PROVISION_OK);
}

static void assert_header(const struct lab *lab, const char *name, const char *wanted)
{
    char value[2048] = "";
    bool there = lab_header(lab, name, 0, value, sizeof(value));
    if (there != (wanted != NULL) || (wanted && strcmp(value, wanted) != 0))
        fail_msg("%s: '%s', wanted '%s' in\n%s", name, value, wanted ? wanted : "none", lab->reply);
}

/* The Path that stands with the n-th binding of an AoR. */
static void assert_stored(struct lab *lab, const char *aor, unsigned n, const char *path)
{
    struct bd_slot_ref ref;
    struct bd_str key = bd_str_from(aor);
    struct bd_binding b;
    assert_true(bd_table_find(&lab->table, bd_table_hash(&lab->table, key), key, &ref));
    bd_record_view(ref.record, n, &b);
    assert_int_equal(b.text[BD_TEXT_PATH].len, strlen(path));
    if (*path)
        assert_memory_equal(b.text[BD_TEXT_PATH].p, path, strlen(path));
}

/* --- Path ------------------------------------------------------------------------------------- */

static struct rig path_rig(uint8_t mode)
{
    struct rig rig = {.settings = lab_settings};
    rig.settings.use_path = true;
    rig.settings.path_mode = mode;
    return rig;
}

#define SUPPORTED "Supported: replaces, PATH\r\n"

static const struct {
    uint8_t mode;
    const char *fields;
    unsigned status;
    const char *echoed, *stored, *unsupported;
} path_rows[] = {
    {BD_PATH_STRICT, SUPPORTED "Path: " P2 "," P1 "\r\n", 200, P2 "," P1, P2 "," P1, NULL},
    {BD_PATH_STRICT, SUPPORTED "Path: " P2 "\r\nPath:\r\n " P1 "\r\n", 200, P2 "," P1, P2 "," P1,
     NULL},
    {BD_PATH_STRICT, "Require: path\r\nPath: " P1 "\r\n", 200, P1, P1, NULL},
    {BD_PATH_STRICT, "Path: " P1 "\r\n", 420, NULL, NULL, "path"},
    {BD_PATH_STRICT, "Supported: outbound\r\nPath: " P1 "\r\n", 420, NULL, NULL, "path"},
    {BD_PATH_STRICT, SUPPORTED, 200, NULL, "", NULL},
    {BD_PATH_LAZY, "Path: " P1 "\r\n", 200, NULL, P1, NULL},
    {BD_PATH_LAZY, SUPPORTED "Path: " P1 "\r\n", 200, P1, P1, NULL},
    {BD_PATH_OFF, SUPPORTED "Path: " P1 "\r\n", 200, NULL, P1, NULL},
    {BD_PATH_LAZY, "Path: sip:p1.example.net;lr\r\n", 400, NULL, NULL, NULL},
    {BD_PATH_LAZY, "Path: <sip:p1.example.net;lr\r\n", 400, NULL, NULL, NULL},
    {BD_PATH_LAZY, "Path: " P1 ",," P2 "\r\n", 400, NULL, NULL, NULL},
    {BD_PATH_LAZY, "Path: <tel:+1>\r\n", 400, NULL, NULL, NULL},
    {BD_PATH_LAZY, "Path:\r\n", 400, NULL, NULL, NULL},
};

static void test_path(void **state)
{
    for (unsigned i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
        struct rig rig = path_rig(path_rows[i].mode);
        struct lab *lab = lab_of(&rig);
        char text[2048];
        snprintf(text, sizeof(text), REG("p", "1", A "%s"), path_rows[i].fields);
        if (lab_send(lab, text) != path_rows[i].status)
            fail_msg("row %u: %s", i, lab->reply);
        assert_header(lab, "Path", path_rows[i].echoed);
        assert_header(lab, "Unsupported", path_rows[i].unsupported);
        if (path_rows[i].stored)
            assert_stored(lab, "alice@example.com", 0, path_rows[i].stored);
        lab_free(lab);
    }
}

/* RFC 5630 5.2: a sips Contact is bound when its whole way is sips; a removal binds nothing. */
static void test_path_of_sips(void **state)
{
    static const struct {
        const char *contact, *path;
        unsigned status;
    } rows[] = {
        {"<sips:a@h>", "<sips:p1.example.net;lr>, <sips:p2.example.net;lr>", 200},
        {"<sips:a@h>", P1, 400},
        {"<sips:a@h>", "<sips:p1.example.net;lr>, " P2, 400},
        {"<sips:a@h>;expires=0", P1, 200},
        {"<tel:+1>", P1, 200},
    };
    struct rig rig = path_rig(BD_PATH_LAZY);
    struct lab *lab = lab_of(&rig);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[2048];
        snprintf(
            text, sizeof(text),
            "REGISTER sips:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
            "From: <sip:alice@example.com>;tag=f\r\nTo: <sip:alice@example.com>\r\n"
            "Call-ID: c\r\nCSeq: %u REGISTER\r\nContact: %s\r\nPath: %s\r\n\r\n",
            i, i, rows[i].contact, rows[i].path);
        if (lab_send(lab, text) != rows[i].status)
            fail_msg("row %u: %s", i, lab->reply);
    }
    lab_free(lab);
}

static void test_path_unused(void **state)
{
    struct rig rig = {.settings = lab_settings};
    struct lab *lab = lab_of(&rig);
    assert_int_equal(lab_send(lab, REG("p", "1", A "Path: junk\r\n")), 200);
    assert_stored(lab, "alice@example.com", 0, "");
    assert_int_equal(lab_send(lab, REG("p", "2", A "Require: path\r\n")), 420);
    assert_header(lab, "Unsupported", "path");
    lab_free(lab);
}

/* A phone that moves behind another proxy must not keep the old way. */
static void test_path_change(void **state)
{
    struct rig rig = path_rig(BD_PATH_STRICT);
    struct lab *lab = lab_of(&rig);
    assert_int_equal(lab_send(lab, REG("p", "1", A SUPPORTED "Path: " P1 "\r\n")), 200);
    assert_int_equal(lab_send(lab, REG("p", "2", A SUPPORTED "Path: " P1 "\r\n")), 200);
    assert_int_equal(lab->verdict, BD_SIP_REFRESHED);
    assert_int_equal(lab_send(lab, REG("p", "3", A SUPPORTED "Path: " P2 "\r\n")), 200);
    assert_int_equal(lab->verdict, BD_SIP_REGISTERED);
    assert_stored(lab, "alice@example.com", 0, P2);
    assert_int_equal(lab_send(lab, REG("p", "4", A)), 200);
    assert_int_equal(lab->verdict, BD_SIP_REGISTERED);
    assert_stored(lab, "alice@example.com", 0, "");
    lab_free(lab);
}

static void test_path_bound(void **state)
{
    struct rig rig = path_rig(BD_PATH_LAZY);
    struct lab *lab = lab_of(&rig);
    char value[BD_PATH_VECTOR_MAX + 1], text[3000];
    for (unsigned longer = 0; longer < 2; longer++) {
        unsigned len = BD_PATH_VECTOR_MAX - 1 + longer;
        memset(value, 'p', sizeof(value));
        memcpy(value, "<sip:", 5);
        value[len - 1] = '>';
        value[len] = 0;
        snprintf(text, sizeof(text), REG("p", "%u", A "Path: %s\r\n"), longer, longer + 1, value);
        assert_int_equal(lab_send(lab, text), longer ? 400 : 200);
    }
    lab_free(lab);
}

/* --- Service-Route, P-Associated-URI ---------------------------------------------------------- */

#define ROUTE "<sip:orig@home.example.com;lr>, <sip:second.example.com;lr>"
#define ASSOCIATED                                                                                 \
    "<sip:alice@example.com>, <sip:alice@ims.example.com>, "                                       \
    "<sip:alice@alias.example.com;user=alice>"

static void test_announce(void **state)
{
    struct rig rig = {.settings = lab_settings, .announces = true};
    struct lab *lab = lab_of(&rig);
    assert_int_equal(lab_send(lab, REG("q", "1", "")), 200);
    assert_header(lab, "Service-Route", NULL);
    assert_int_equal(lab_send(lab, REG("a", "1", A)), 200);
    assert_header(lab, "Service-Route", ROUTE);
    assert_header(lab, "P-Associated-URI", ASSOCIATED);
    assert_int_equal(lab_send(lab, REG("q", "2", "")), 200);
    assert_header(lab, "Service-Route", ROUTE); /* RFC 3608 6.3: fetching */
    assert_int_equal(lab_send(lab, REG("a", "2", A "Expires: 0\r\n")), 200);
    assert_header(lab, "Service-Route", NULL);
    assert_header(lab, "P-Associated-URI", ASSOCIATED); /* RFC 7315: all 200s */
    assert_int_equal(lab_send(lab, REG("a", "3", A "Expires: 1\r\n")), 423);
    assert_header(lab, "P-Associated-URI", NULL);
    lab_free(lab);
}

/* Escapes that 10.3 (5) takes away come back before a user part is written as a URI. */
static void test_associated_escapes(void **state)
{
    struct rig rig = {.settings = lab_settings, .announces = true};
    struct lab *lab = lab_of(&rig);
    const char *odd = "sip:a%3e%0d%20b@example.com";
    char text[1024], value[1024];
    snprintf(text, sizeof(text), REG_AS("<%s>", "sip:example.com", "%s", "a", "1", A), odd, odd);
    assert_int_equal(lab_send(lab, text), 200);
    assert_true(lab_header(lab, "P-Associated-URI", 0, value, sizeof(value)));
    assert_memory_equal(value, "<sip:a%3e%0D%20b@example.com>, <sip:a%3e%0D%20b@ims", 51);
    lab_free(lab);
}

static void test_associated_number(void **state)
{
    static const struct {
        const char *user;
        bool number;
    } rows[] = {{"+1202", true}, {"4711", true}, {"+", false}, {"1+2", false}, {"a1", false}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig = {.settings = lab_settings, .announces = true};
        struct lab *lab = lab_of(&rig);
        char text[1024], value[1024];
        snprintf(text, sizeof(text),
                 REG_AS("<" ALICE ">", "sip:example.com", "sip:%s@example.com", "a", "1", A),
                 rows[i].user);
        assert_int_equal(lab_send(lab, text), 200);
        assert_true(lab_header(lab, "P-Associated-URI", 0, value, sizeof(value)));
        assert_int_equal(strstr(value, "<tel:") != NULL, rows[i].number);
        lab_free(lab);
    }
}

/* --- profiles --------------------------------------------------------------------------------- */

static void test_profile(void **state)
{
    struct rig rig = {.settings = lab_settings, .announces = true};
    struct lab *lab = lab_of(&rig);
    char contacts[1024];
    provision(lab, "alice@example.com", 2);
    assert_int_equal(lab_send(lab, REG("a", "1", A)), 200);
    lab_contacts(lab, contacts, sizeof(contacts));
    assert_string_equal(contacts, "<sip:alice@192.0.2.1>;expires=900");
    assert_header(lab, "Service-Route", "<sip:trunk.example.com;lr>");
    assert_header(lab, "P-Associated-URI", ASSOCIATED);
    assert_int_equal(lab_send(lab, REG("a", "2", A "Expires: 599\r\n")), 423);
    assert_header(lab, "Min-Expires", "600");
    assert_int_equal(lab_send(lab, REG("b", "1", "Contact: <sip:alice@192.0.2.2>\r\n")), 200);
    lab_contacts(lab, contacts, sizeof(contacts));
    assert_string_equal(contacts, "<sip:alice@192.0.2.2>;expires=900");
    /* A number that nobody has, or none: the domain's settings. */
    for (uint8_t number = 0; number < 2; number++) {
        provision(lab, "alice@example.com", number);
        assert_int_equal(lab_send(lab, number ? REG("b", "3", A) : REG("b", "2", A)), 200);
        assert_header(lab, "Service-Route", ROUTE);
    }
    lab_free(lab);
}

/* --- spread ----------------------------------------------------------------------------------- */

static uint32_t granted(struct lab *lab, unsigned cseq, const char *expires)
{
    char text[1024], value[256];
    snprintf(text, sizeof(text), REG("s", "%u", A "%s"), cseq, cseq, expires);
    assert_int_equal(lab_send(lab, text), 200);
    assert_true(lab_header(lab, "Contact", 0, value, sizeof(value)));
    return (uint32_t)strtoul(strstr(value, "expires=") + 8, NULL, 10);
}

static void test_spread(void **state)
{
    struct rig rig = {.settings = lab_settings};
    rig.settings.expires_range = 50;
    rig.settings.default_expires_range = 10;
    struct lab *lab = lab_of(&rig);
    uint32_t least = UINT32_MAX, most = 0;
    for (unsigned i = 1; i < 200; i++) {
        uint32_t s = granted(lab, i, "Expires: 1000\r\n");
        assert_true(s >= 500 && s <= 1000);
        least = s < least ? s : least;
        most = s > most ? s : most;
        assert_int_equal(granted(lab, i, "Expires: 1000\r\n"), s); /* a retransmission */
    }
    assert_true(least < 550 && most > 950);
    for (unsigned i = 200; i < 250; i++) {
        uint32_t s = granted(lab, i, "Expires: 70\r\n"), unasked = granted(lab, i + 100, "");
        assert_true(s >= 60 && s <= 70);
        assert_true(unasked >= 3240 && unasked <= 3600);
        lab_free(lab);
        lab = lab_of(&rig);
    }
    lab_free(lab);
}

/* --- third parties ---------------------------------------------------------------------------- */

static const struct {
    const char *from, *to;
    unsigned denied, listed; /* status under deny, and with registrants beside it */
} party_rows[] = {
    {"<sip:alice@example.com>", ALICE, 200, 200},
    {"\"Alice\" <sip:ALICE@Alias.Example.com:5070;x=y>;z=1", ALICE, 200, 200},
    {"<sips:%61lice@198.18.0.1>", ALICE, 200, 200},
    {"<tel:+1-202-555>", "sip:+1202555@example.com", 200, 200},
    {"<sip:bob@example.com>", ALICE, 403, 403},
    {"<sip:example.com>", ALICE, 403, 403},
    {"<http://example.com/alice>", ALICE, 403, 403},
    {"<sip:alice@example.org>", ALICE, 403, 403},
    {"<sip:admin@example.com>", ALICE, 403, 200},
    {"<sip:Admin@alias.example.com>", ALICE, 403, 200},
    {"<sip:clerk@example.com>", ALICE, 403, 200},
    {"<sip:admin@example.org>", ALICE, 403, 403},
    {"<sip:clerk@example.org>", ALICE, 403, 403},
};

static void test_third_party(void **state)
{
    for (unsigned i = 0; i < 2 * sizeof(party_rows) / sizeof(party_rows[0]); i++) {
        struct rig rig = {.settings = lab_settings, .registrants = i % 2};
        unsigned wanted = i % 2 ? party_rows[i / 2].listed : party_rows[i / 2].denied;
        rig.settings.third_party = BD_THIRD_PARTY_DENY;
        struct lab *lab = lab_of(&rig);
        char text[1024];
        snprintf(text, sizeof(text), REG_AS("%s", "sip:example.com", "%s", "t", "1", A),
                 party_rows[i / 2].from, party_rows[i / 2].to);
        if (lab_send(lab, text) != wanted)
            fail_msg("%s, %s: %s", party_rows[i / 2].from, i % 2 ? "listed" : "denied", lab->reply);
        assert_int_equal(lab->verdict == BD_SIP_THIRD_PARTY, wanted == 403);
        lab_free(lab);
    }
}

/* The registrant's credentials, not To's, are what the verifier is asked about. */
static void test_third_party_digest(void **state)
{
    struct rig rig = {.settings = lab_settings, .registrants = true};
    rig.settings.auth = BD_AUTH_DIGEST;
    struct lab *lab = lab_of(&rig);
    char challenge[512], nonce[BD_NONCE_TEXT + 1], text[2048];
    static const char *const from[] = {"admin", "alice"};
    for (unsigned i = 0; i < 2; i++) {
        const char *form =
            REG_AS("<sip:%s@example.com>", "sip:example.com", ALICE, "d", "%u", A "%s");
        snprintf(text, sizeof(text), form, 2 * i + 1, from[i], 2 * i + 1, "");
        assert_int_equal(lab_send(lab, text), 401);
        assert_true(lab_header(lab, "WWW-Authenticate", 0, challenge, sizeof(challenge)));
        snprintf(nonce, sizeof(nonce), "%s", strstr(challenge, "nonce=\"") + 7);
        char auth[512];
        snprintf(auth, sizeof(auth),
                 "Authorization: Digest username=\"%s\", realm=\"example.com\", nonce=\"%s\", "
                 "uri=\"sip:example.com\", response=\"%032x\", algorithm=SHA-256, qop=auth, "
                 "nc=00000001, cnonce=\"x\"\r\n",
                 from[i], nonce, 0);
        snprintf(text, sizeof(text), form, 2 * i + 2, from[i], 2 * i + 2, auth);
        lab_send(lab, text);
        if (lab->step != BD_STEP_VERIFY)
            fail_msg("%s", lab->reply);
        struct bd_str aor = bd_job_get(&lab->job, BD_JOB_AOR);
        assert_int_equal(aor.len, strlen("admin@example.com"));
        assert_memory_equal(aor.p, from[i], 5);
        /* 10.3 (5): whom he registers must exist. */
        assert_int_equal(lab_resume(lab, BD_VERIFY_OK), i == 0 ? 404 : 200);
        provision(lab, "alice@example.com", 0);
        assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 200);
    }
    lab_free(lab);
}

/* --- the wildcard domain ---------------------------------------------------------------------- */

static const struct {
    const char *uri, *to;
    unsigned status;
    const char *aor;
} wildcard_rows[] = {
    {"sip:any.example", "sip:bob@Any.Example", 200, "bob@any.example"},
    {"sip:198.18.0.1", "sip:bob@two.example", 200, "bob@two.example"},
    {"sip:[2001:DB8::5]", "sip:bob@[2001:db8::5]", 200, "bob@[2001:db8::5]"},
    {"sip:[2001:db8:0::5]", "sip:bob@[2001:db8:0::5]", 200, "bob@[2001:db8::5]"},
    {"sip:any.example", "sip:bob@two.example", 404, NULL},
    {"sip:example.com", "sip:bob@two.example", 404, NULL},
    {"sip:alias.example.com", "sip:bob@example.com", 200, "bob@example.com"},
    {"sip:any.example", "tel:+1-202", 200, "+1202@any.example"},
};

static void test_wildcard(void **state)
{
    for (unsigned i = 0; i < sizeof(wildcard_rows) / sizeof(wildcard_rows[0]); i++) {
        struct rig rig = {.settings = lab_settings, .wildcard = true};
        struct lab *lab = lab_of(&rig);
        char text[1024];
        snprintf(text, sizeof(text), REG_AS("<%s>", "%s", "%s", "w", "1", A), wildcard_rows[i].uri,
                 wildcard_rows[i].to, wildcard_rows[i].to);
        if (lab_send(lab, text) != wildcard_rows[i].status)
            fail_msg("%s at %s: %s", wildcard_rows[i].to, wildcard_rows[i].uri, lab->reply);
        if (wildcard_rows[i].aor)
            assert_stored(lab, wildcard_rows[i].aor, 0, "");
        lab_free(lab);
    }
}

static void test_wildcard_realm(void **state)
{
    struct rig rig = {.settings = lab_settings, .wildcard = true};
    rig.settings.auth = BD_AUTH_DIGEST;
    struct lab *lab = lab_of(&rig);
    char challenge[512];
    assert_int_equal(
        lab_send(lab, REG_AS("<sip:b@x.example>", "sip:x.example", "sip:b@X.example", "w", "1", A)),
        401);
    assert_true(lab_header(lab, "WWW-Authenticate", 0, challenge, sizeof(challenge)));
    assert_non_null(strstr(challenge, "realm=\"x.example\""));
    lab_free(lab);
}

/* Its hosts are strangers to one another: who is asked to prove himself must be of the called one.
 */
static void test_wildcard_caller(void **state)
{
    static const struct {
        const char *from;
        unsigned status;
    } rows[] = {{"sip:a@x.example", 401},
                {"sip:a@X.example", 401},
                {"sip:a@y.example", 403},
                {"sip:a@example.com", 403},
                {"tel:+1202", 401}};
    struct rig rig = {.settings = lab_settings, .wildcard = true};
    rig.settings.auth = BD_AUTH_DIGEST;
    rig.settings.redirect = rig.settings.redirect_auth = true;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lab *lab = lab_of(&rig);
        char text[1024], challenge[512];
        snprintf(text, sizeof(text),
                 "INVITE sip:b@x.example SIP/2.0\r\n"
                 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKi%u\r\nMax-Forwards: 70\r\n"
                 "From: <%s>;tag=f1\r\nTo: <sip:b@x.example>\r\nCall-ID: i\r\n"
                 "CSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.1>\r\nContent-Length: 0\r\n\r\n",
                 i, rows[i].from);
        if (lab_send(lab, text) != rows[i].status)
            fail_msg("%s: %s", rows[i].from, lab->reply);
        if (rows[i].status == 401) {
            assert_true(lab_header(lab, "WWW-Authenticate", 0, challenge, sizeof(challenge)));
            assert_non_null(strstr(challenge, "realm=\"x.example\""));
        }
        lab_free(lab);
    }
}

/* --- RFC 3840 --------------------------------------------------------------------------------- */

static void test_feature_tags(void **state)
{
    static const char tags[] =
        "<sip:alice@192.0.2.1;transport=udp>;audio;video=FALSE;methods=\"INVITE,BYE\";"
        "+sip.message;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp\";class=\"business\";unknown=<x>;"
        "mobility=\"fixed\";description=\"<A \\\"phone\\\">\";priority=\"#=10\"";
    struct rig rig = {.settings = lab_settings};
    struct lab *lab = lab_of(&rig);
    char text[2048], value[2048], wanted[2048];
    /* RFC 3840 6: unknown=<x> is no parameter; everything else comes back as it came. */
    snprintf(text, sizeof(text), REG("f", "1", "Contact: %s\r\n"), tags);
    assert_int_equal(lab_send(lab, text), 400);
    char *cut = strstr(text, "unknown=<x>;");
    memmove(cut, cut + 12, strlen(cut + 12) + 1);
    assert_int_equal(lab_send(lab, text), 200);
    assert_true(lab_header(lab, "Contact", 0, value, sizeof(value)));
    snprintf(wanted, sizeof(wanted), "%s;expires=3600", strstr(text, "Contact: ") + 9);
    char *end = strstr(wanted, "\r\n");
    strcpy(end, ";expires=3600");
    assert_string_equal(value, wanted);
    /* 3.1 of RFC 3840 lets a refresh say something else: it replaces. */
    assert_int_equal(lab_send(lab, REG("f", "2",
                                       "Contact: <sip:alice@192.0.2.1;transport=udp>;"
                                       "audio=\"FALSE\";q=0.5\r\n")),
                     200);
    assert_header(lab, "Contact",
                  "<sip:alice@192.0.2.1;transport=udp>;audio=\"FALSE\";q=0.5;expires=3600");
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_path_of_sips),
        cmocka_unit_test(test_path_unused),
        cmocka_unit_test(test_path_change),
        cmocka_unit_test(test_path_bound),
        cmocka_unit_test(test_announce),
        cmocka_unit_test(test_associated_escapes),
        cmocka_unit_test(test_associated_number),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_third_party),
        cmocka_unit_test(test_third_party_digest),
        cmocka_unit_test(test_wildcard),
        cmocka_unit_test(test_wildcard_realm),
        cmocka_unit_test(test_wildcard_caller),
        cmocka_unit_test(test_feature_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
