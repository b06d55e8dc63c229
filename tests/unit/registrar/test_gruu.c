/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 5627 5: what a phone gets, how long it is good, and who it leads to. */
#include <openssl/crypto.h>

#include "gruu.h"
#include "lab.h"

#define UUID          "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
#define OTHER         "urn:uuid:00000000-0000-1000-8000-00000000000b"
#define INSTANCE(URN) ";+sip.instance=\"<" URN ">\""

enum { GRUU_TEXT = 640 };

struct gruu_text {
    char text[GRUU_TEXT];
};

static struct lab *lab;
static struct bd_gruu_seal *seal;

static int open_lab(void **state)
{
    struct bd_error error;
    lab = lab_new(64);
    seal = bd_gruu_seal_new(&error);
    assert_non_null(seal);
    struct bd_policy_domain settings = lab_settings;
    settings.gruu_enabled = true;
    settings.outbound_mode = BD_OUTBOUND_SUPPORTED;
    lab_policy(lab, &settings, true);
    return 0;
}

static int close_lab(void **state)
{
    bd_gruu_seal_free(seal);
    lab_free(lab);
    return 0;
}

static unsigned send(const char *user, const char *call_id, unsigned cseq, const char *contact,
                     const char *more)
{
    char text[4096];
    snprintf(text, sizeof(text),
             "REGISTER sip:example.com SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s%u\r\n"
             "From: <sip:%s@example.com>;tag=f\r\nTo: <sip:%s@example.com>\r\nCall-ID: %s\r\n"
             "CSeq: %u REGISTER\r\n%s%s%s%s\r\n",
             call_id, cseq, user, user, call_id, cseq, contact ? "Contact: " : "",
             contact ? contact : "", contact ? "\r\n" : "", more);
    return lab_send(lab, text);
}

#define GRUU "Supported: gruu, outbound\r\n"

/* The n-th Contact's pub-gruu or temp-gruu; an empty text when it has none. */
static struct gruu_text gruu_of(const char *name, unsigned n)
{
    struct gruu_text g = {""};
    char contact[2048], wanted[32];
    assert_true(lab_header(lab, "Contact", n, contact, sizeof(contact)));
    snprintf(wanted, sizeof(wanted), ";%s=\"", name);
    const char *p = strstr(contact, wanted);
    if (p)
        sscanf(p + strlen(wanted), "%639[^\"]", g.text);
    return g;
}

/* The Contact URIs that a GRUU leads to, joined by '|'; "invalid" and "none" by themselves. */
static const char *resolve(struct gruu_text g)
{
    static char out[1024];
    static struct bd_gruu gruu;
    struct bd_uri uri;
    struct bd_slot_ref ref;
    struct bd_binding b;
    assert_true(bd_uri_parse(bd_str_from(g.text), &uri));
    enum bd_gruu_kind kind = bd_gruu_resolve(seal, lab->policy, &uri, &gruu);
    if (kind == BD_GRUU_NONE || kind == BD_GRUU_INVALID)
        return kind == BD_GRUU_NONE ? "none" : "invalid";
    struct bd_str aor = {gruu.aor, gruu.aor_len};
    out[0] = 0;
    if (!bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref))
        return out;
    for (unsigned i = 0; i < bd_record_cnt(ref.record); i++) {
        bd_record_view(ref.record, i, &b);
        struct bd_str to = b.text[BD_TEXT_URI];
        if (bd_gruu_owns(&gruu, &b) && bd_state_expires_at_s(b.state) > lab->now_ms / 1000)
            snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%.*s", *out ? "|" : "",
                     BD_STR_ARG(to));
    }
    return out;
}

#define X "sip:x@192.0.2.1"
#define Y "sip:x@192.0.2.2"

static void test_a_phone_gets_both(void **state)
{
    assert_int_equal(send("alice", "a", 1, "<" X ">" INSTANCE(UUID), GRUU), 200);
    struct gruu_text pub = gruu_of("pub-gruu", 0), temp = gruu_of("temp-gruu", 0);
    assert_string_equal(pub.text, "sip:alice@example.com;gr=" UUID);
    assert_memory_equal(temp.text, "sip:tgruu.", 10);
    assert_non_null(strstr(temp.text, "@example.com;gr"));
    assert_null(strstr(temp.text, "alice"));
    assert_string_equal(resolve(pub), X);
    assert_string_equal(resolve(temp), X);
    /* Neither Require nor Supported says gruu (5.2). */
    char got[64];
    assert_false(lab_header(lab, "Require", 0, got, sizeof(got)));
    /* A retransmission draws the same one; a client without gruu gets none; a query the last one.
     */
    send("alice", "a", 1, "<" X ">" INSTANCE(UUID), GRUU);
    assert_string_equal(gruu_of("temp-gruu", 0).text, temp.text);
    send("alice", "q", 1, NULL, GRUU);
    assert_string_equal(gruu_of("temp-gruu", 0).text, temp.text);
    send("alice", "q", 2, NULL, "");
    assert_string_equal(gruu_of("temp-gruu", 0).text, "");
    assert_string_equal(gruu_of("pub-gruu", 0).text, "");
}

static void test_a_new_one_at_every_refresh(void **state)
{
    static struct gruu_text temp[50];
    for (unsigned i = 0; i < 50; i++) {
        lab->now_ms += 60000;
        assert_int_equal(send("alice", "a", i + 1, "<" X ">" INSTANCE(UUID), GRUU), 200);
        temp[i] = gruu_of("temp-gruu", 0);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(temp[i].text, temp[k].text);
    }
    for (unsigned i = 0; i < 50; i++)
        assert_string_equal(resolve(temp[i]), X);
    /* Another Call-ID ends them all (5.1). */
    send("alice", "b", 1, "<" X ">" INSTANCE(UUID), GRUU);
    struct gruu_text fresh = gruu_of("temp-gruu", 0);
    for (unsigned i = 0; i < 50; i++)
        assert_string_equal(resolve(temp[i]), "");
    assert_string_equal(resolve(fresh), X);
    /* And so does the end of the binding, also when the phone comes back. */
    struct gruu_text pub = gruu_of("pub-gruu", 0);
    send("alice", "b", 2, "<" X ">;expires=0" INSTANCE(UUID), GRUU);
    assert_string_equal(resolve(fresh), "");
    assert_string_equal(resolve(pub), "");
    send("alice", "b", 3, "<" X ">" INSTANCE(UUID), GRUU);
    assert_string_equal(resolve(fresh), "");
    assert_string_equal(resolve(pub), X);
    fresh = gruu_of("temp-gruu", 0);
    lab->now_ms += 3600000;
    assert_string_equal(resolve(fresh), "");
    send("alice", "b", 4, "<" X ">" INSTANCE(UUID), GRUU);
    assert_string_equal(resolve(fresh), "");
    assert_string_equal(resolve(gruu_of("temp-gruu", 0)), X);
}

/* Two flows of one instance: what one got is good as long as either lives (4.2). */
static void test_flows_share_a_life(void **state)
{
    send("alice", "one", 1, "<" X ">;reg-id=1;expires=600" INSTANCE(UUID), GRUU);
    struct gruu_text first = gruu_of("temp-gruu", 0);
    send("alice", "two", 1, "<" Y ">;reg-id=2;expires=3600" INSTANCE(UUID), GRUU);
    struct gruu_text second = gruu_of("temp-gruu", 1);
    assert_string_equal(gruu_of("temp-gruu", 0).text, second.text); /* the most recent one */
    assert_string_equal(resolve(first), X "|" Y);
    assert_string_equal(resolve(second), X "|" Y);
    lab->now_ms += 700000;
    assert_string_equal(resolve(first), Y);
    send("alice", "one", 2, "<" X ">;reg-id=1" INSTANCE(UUID), GRUU);
    assert_string_equal(resolve(first), Y "|" X);
    /* The Call-ID of one flow changes: those of the whole instance end (4.1). */
    send("alice", "three", 1, "<" X ">;reg-id=1" INSTANCE(UUID), GRUU);
    assert_string_equal(resolve(first), "");
    assert_string_equal(resolve(second), "");
    assert_string_equal(resolve(gruu_of("temp-gruu", 0)), Y "|" X);
}

static void test_instances_are_apart(void **state)
{
    send("alice", "a", 1, "<" X ">" INSTANCE(UUID), GRUU);
    struct gruu_text one = gruu_of("temp-gruu", 0);
    send("alice", "b", 1, "<" Y ">" INSTANCE(OTHER), GRUU);
    struct gruu_text two = gruu_of("temp-gruu", 1), pub = gruu_of("pub-gruu", 1);
    assert_string_equal(resolve(one), X);
    assert_string_equal(resolve(two), Y);
    assert_string_equal(resolve(pub), Y);
    send("alice", "c", 1, "<sip:x@192.0.2.3>", GRUU); /* without an instance: none */
    assert_string_equal(gruu_of("pub-gruu", 2).text, "");
    send("alice", "d", 1, "<" Y ">" INSTANCE(OTHER), GRUU);
    assert_string_equal(resolve(one), X);
    assert_string_equal(resolve(two), "");
}

/* A refresh without Supported: gruu keeps the life, and the next with it goes on. */
static void test_a_client_that_forgets(void **state)
{
    send("alice", "a", 1, "<" X ">" INSTANCE(UUID), "");
    send("alice", "q", 1, NULL, GRUU);
    assert_string_equal(gruu_of("pub-gruu", 0).text, "sip:alice@example.com;gr=" UUID);
    assert_string_equal(gruu_of("temp-gruu", 0).text, "");
    send("alice", "a", 2, "<" X ">" INSTANCE(UUID), GRUU);
    struct gruu_text temp = gruu_of("temp-gruu", 0);
    send("alice", "a", 3, "<" X ">" INSTANCE(UUID), "");
    assert_string_equal(resolve(temp), X);
    send("alice", "b", 1, "<" X ">" INSTANCE(UUID), "");
    assert_string_equal(resolve(temp), "");
}

/* What a client suggests is not kept (5.1). */
static void test_suggestions_are_ignored(void **state)
{
    send("alice", "a", 1,
         "<" X
         ">;pub-gruu=\"sip:mine@example.com;gr=1\";Temp-GRUU=\"sip:t@example.com;gr\"" INSTANCE(
             UUID),
         GRUU);
    assert_null(strstr(lab->reply, "mine"));
    assert_null(strstr(lab->reply, "sip:t@"));
    assert_string_equal(gruu_of("pub-gruu", 0).text, "sip:alice@example.com;gr=" UUID);
}

static void test_what_is_refused(void **state)
{
    char contact[1024];
    send("alice", "a", 1, "<" X ">" INSTANCE(UUID), GRUU);
    struct gruu_text temp = gruu_of("temp-gruu", 0);
    static const char *const loops[] = {"<sip:alice@example.com>",
                                        "<sip:%61lice@EXAMPLE.com>",
                                        "<mailto:alice@example.com>",
                                        "<tel:+1201>",
                                        "<sip:alice@example.com;gr=" OTHER ">",
                                        "<sip:alice@alias.example.com;gr=x>"};
    for (unsigned i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        snprintf(contact, sizeof(contact), "%s" INSTANCE(UUID), loops[i]);
        if (send("alice", "l", 10 + i, contact, "") != 403)
            fail_msg("%s: %s", loops[i], lab->reply);
        assert_int_equal(lab->verdict, BD_SIP_CONTACT_LOOP);
    }
    snprintf(contact, sizeof(contact), "<%s>" INSTANCE(UUID), temp.text);
    assert_int_equal(send("alice", "l", 30, contact, ""), 403);
    /* Another's GRUU is a Contact; so is anything without an instance, and a removal. */
    assert_int_equal(send("bob", "b", 1, contact, ""), 200);
    assert_int_equal(send("alice", "l", 31, "<tel:+1201>", ""), 200);
    assert_int_equal(send("alice", "l", 32, "<tel:+1202>;expires=0" INSTANCE(UUID), ""), 200);
}

static void test_require(void **state)
{
    char got[64];
    assert_int_equal(send("alice", "a", 1, "<" X ">", "Require: gruu\r\n"), 200);
    lab_policy(lab, &lab_settings, true); /* gruu_enabled: false */
    assert_int_equal(send("alice", "a", 2, "<" X ">", "Require: gruu\r\n"), 420);
    assert_true(lab_header(lab, "Unsupported", 0, got, sizeof(got)));
    assert_string_equal(got, "gruu");
    assert_int_equal(send("alice", "a", 3, "<" X ">" INSTANCE(UUID), GRUU), 200);
    assert_string_equal(gruu_of("pub-gruu", 0).text, "");
    assert_int_equal(send("alice", "a", 4, "<tel:+1201>" INSTANCE(UUID), GRUU), 200);
}

/* A sips Contact gets sips GRUUs (RFC 5630 5.2.1); odd users and instances survive the way. */
static void test_odd_texts(void **state)
{
    static const char *const users[] = {"a%40b",     "a%25b",        "a%00b",
                                        "%22%5c%3e", "+49(30)1-2;x", "A.b"};
    for (unsigned i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        assert_int_equal(
            send(users[i], "o", i + 1, "<" X ">" INSTANCE("urn:foo:a%2cb;c=d?\xc3\xa4"), GRUU),
            200);
        if (strcmp(resolve(gruu_of("pub-gruu", 0)), X) != 0 ||
            strcmp(resolve(gruu_of("temp-gruu", 0)), X) != 0)
            fail_msg("%s: %s", users[i], lab->reply);
    }
    char text[2048];
    snprintf(text, sizeof(text),
             "REGISTER sips:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKs\r\n"
             "From: <sips:s@example.com>;tag=f\r\nTo: <sips:s@example.com>\r\nCall-ID: s\r\n"
             "CSeq: 1 REGISTER\r\n" GRUU "Contact: <sips:s@192.0.2.1>" INSTANCE(UUID) "\r\n\r\n");
    assert_int_equal(lab_send(lab, text), 200);
    assert_string_equal(gruu_of("pub-gruu", 0).text, "sips:s@example.com;gr=" UUID);
    assert_memory_equal(gruu_of("temp-gruu", 0).text, "sips:tgruu.", 11);
    assert_string_equal(resolve(gruu_of("temp-gruu", 0)), "sips:s@192.0.2.1");
}

static void expect(const char *uri, const char *wanted)
{
    struct gruu_text g;
    snprintf(g.text, sizeof(g.text), "%s", uri);
    if (strcmp(resolve(g), wanted) != 0)
        fail_msg("%s: %s, wanted %s", uri, resolve(g), wanted);
}

static void test_forgeries(void **state)
{
    send("alice", "a", 1, "<" X ">" INSTANCE(UUID), GRUU);
    struct gruu_text temp = gruu_of("temp-gruu", 0);
    expect("sip:alice@example.com;gr=URN:UUID:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", X);
    expect("sip:Alice@alias.example.com;method=INVITE;gr=" UUID, X);
    expect("sip:alice@example.com;gr=" OTHER, "");
    expect("sip:alice@example.com", "none");
    expect("sip:alice@unknown.test;gr=" UUID, "none");
    expect("sip:alice@example.com;gr", "invalid");
    expect("sip:tgruu.@example.com;gr", "invalid");
    expect("sip:tgruu.AAAA@example.com;gr", "invalid");
    expect("sip:example.com;gr=" UUID, "invalid");
    char *sealed = temp.text + 10, *at = strchr(temp.text, '@');
    for (char *p = sealed; p < at; p++) {
        char was = *p;
        *p = was == 'A' ? 'B' : 'A';
        expect(temp.text, "invalid");
        *p = was;
    }
    for (uint32_t len = 0; sealed + len < at; len++) {
        char cut[GRUU_TEXT];
        snprintf(cut, sizeof(cut), "sip:tgruu.%.*s@example.com;gr", (int)len, sealed);
        if (len)
            expect(cut, "invalid");
    }
    char other[GRUU_TEXT];
    snprintf(other, sizeof(other), "%.*s@other.example;gr", (int)(at - temp.text), temp.text);
    expect(other, "invalid"); /* gruu_enabled is off there */
}

/* Lengths tell AoRs apart only in steps, and each length up to the bound makes the round. */
static void test_sealing(void **state)
{
    uint8_t keys[2][32] = {{1}, {0}};
    assert_int_equal(bd_gruu_seal_set_keys(seal, keys), 0);
    char aor[BD_AOR_MAX + 1], text[BD_GRUU_SEALED_MAX];
    static struct bd_gruu_sealed opened;
    memset(aor, 'x', sizeof(aor));
    for (uint32_t len = 1; len <= BD_AOR_MAX; len++) {
        struct bd_str s = {aor, len};
        uint32_t n = bd_gruu_seal_close(seal, 7, 9, s, text);
        assert_in_range(n, 107, BD_GRUU_SEALED_MAX);
        assert_true(len > 46 || n == 107);
        assert_true(bd_gruu_seal_open(seal, (struct bd_str){text, n}, &opened));
        assert_true(opened.issue == 7 && opened.life == 9 && opened.aor_len == len);
    }
    assert_int_equal(bd_gruu_seal_close(seal, 7, 9, (struct bd_str){aor, BD_AOR_MAX + 1}, text), 0);
    /* The secret changes: as previous it still opens, then no more. */
    uint32_t n = bd_gruu_seal_close(seal, 7, 9, BD_STR("a@b"), text);
    uint8_t rotated[2][32] = {{2}, {1}}, gone[2][32] = {{3}, {2}}, none[2][32] = {{0}};
    assert_int_equal(bd_gruu_seal_set_keys(seal, rotated), 0);
    assert_true(bd_gruu_seal_open(seal, (struct bd_str){text, n}, &opened));
    assert_int_equal(bd_gruu_seal_set_keys(seal, gone), 0);
    assert_false(bd_gruu_seal_open(seal, (struct bd_str){text, n}, &opened));
    assert_int_equal(bd_gruu_seal_set_keys(seal, none), -1);
    assert_int_equal(bd_gruu_seal_close(seal, 7, 9, BD_STR("a@b"), text), 0);
}

static unsigned call(const char *uri)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKc\r\n"
             "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:x@example.com>\r\nCall-ID: c\r\n"
             "CSeq: 1 INVITE\r\n\r\n",
             uri);
    return lab_send(lab, text);
}

/* 6.1, as far as a redirect server can: the freshest contact of the instance alone. */
static void test_calls(void **state)
{
    struct bd_policy_domain settings = lab_settings;
    settings.gruu_enabled = settings.redirect = true;
    lab_policy(lab, &settings, true);
    send("alice", "a", 1, "<" X ">;expires=600" INSTANCE(UUID), GRUU);
    send("alice", "b", 1, "<" Y ">" INSTANCE(OTHER), GRUU);
    struct gruu_text pub = gruu_of("pub-gruu", 0), temp = gruu_of("temp-gruu", 0);
    char got[512];
    const char *const uris[] = {pub.text, temp.text};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(call(uris[i]), 302);
        lab_contacts(lab, got, sizeof(got));
        assert_memory_equal(got, "<" X ">", strlen("<" X ">"));
        assert_null(strchr(got, '|'));
    }
    send("alice", "c", 1, "<sip:new@192.0.2.3>;expires=900" INSTANCE(UUID), GRUU);
    assert_int_equal(call(pub.text), 302);
    lab_contacts(lab, got, sizeof(got));
    assert_non_null(strstr(got, "sip:new@"));
    assert_int_equal(call(temp.text), 404); /* the Call-ID was another */
    assert_int_equal(call("sip:alice@example.com;gr"), 404);
    lab->now_ms += 900000;
    assert_int_equal(call(pub.text), 480);
}

/* The user part of a temporary GRUU is longer than an AoR may be. */
static void test_calls_of_a_long_name(void **state)
{
    struct bd_policy_domain settings = lab_settings;
    settings.gruu_enabled = settings.redirect = true;
    lab_policy(lab, &settings, true);
    char user[201] = "";
    memset(user, 'a', sizeof(user) - 1);
    assert_int_equal(send(user, "a", 1, "<" X ">" INSTANCE(UUID), GRUU), 200);
    struct gruu_text temp = gruu_of("temp-gruu", 0);
    assert_true(strlen(temp.text) > BD_AOR_MAX);
    assert_int_equal(call(temp.text), 302);
    memcpy(strstr(temp.text, "@example"), "@elsewhe", 8); /* taken by the default domain only */
    assert_int_equal(call(temp.text), 404);
}

/* 6.1: the freshest of the instance's contacts that can be used at all. */
static void test_calls_of_two_flows(void **state)
{
    struct bd_policy_domain settings = lab_settings;
    settings.gruu_enabled = settings.redirect = true;
    settings.outbound_mode = BD_OUTBOUND_SUPPORTED;
    lab_policy(lab, &settings, true);
    send("alice", "a", 1, "<" X ">;expires=900;reg-id=1" INSTANCE(UUID), GRUU);
    send("alice", "a", 2, "<" Y ">;expires=600;reg-id=2" INSTANCE(UUID), GRUU);
    struct gruu_text pub = gruu_of("pub-gruu", 0);
    char got[512];
    assert_int_equal(call(pub.text), 302);
    lab_contacts(lab, got, sizeof(got));
    assert_memory_equal(got, "<" X ">", strlen("<" X ">"));
    assert_null(strchr(got, '|'));
    /* Now the freshest is one behind a Path, where redirect_path is off. */
    settings.use_path = true;
    lab_policy(lab, &settings, true);
    send("alice", "a", 3, "<" X ">;expires=900;reg-id=1" INSTANCE(UUID),
         GRUU "Path: <sip:p1.example;lr>\r\n");
    assert_int_equal(call(pub.text), 302);
    lab_contacts(lab, got, sizeof(got));
    assert_memory_equal(got, "<" Y ">", strlen("<" Y ">"));
}

/* A dialog may know the phone by its GRUU only; for AoRs there is no dialog here. */
static void test_calls_within_a_dialog(void **state)
{
    static const char text[] =
        "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKd\r\n"
        "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>;tag=t\r\nCall-ID: d\r\n"
        "CSeq: 2 %s\r\n\r\n";
    struct bd_policy_domain settings = lab_settings;
    settings.gruu_enabled = settings.redirect = true;
    lab_policy(lab, &settings, true);
    send("alice", "a", 1, "<" X ">" INSTANCE(UUID), GRUU);
    const struct gruu_text temp = gruu_of("temp-gruu", 0);
    static const char *const methods[] = {"INVITE", "BYE"};
    for (unsigned i = 0; i < 2; i++) {
        char request[1024];
        snprintf(request, sizeof(request), text, methods[i], temp.text, methods[i]);
        assert_int_equal(lab_send(lab, request), 302);
        snprintf(request, sizeof(request), text, methods[i], "sip:alice@example.com", methods[i]);
        assert_int_equal(lab_send(lab, request), 481);
    }
}

/* The domain "*" serves any host under its own name: its GRUUs as well. */
static void test_calls_of_the_wildcard_domain(void **state)
{
    static const char text[] =
        "REGISTER sip:tenant.example SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKw%u\r\nFrom: "
        "<sip:w@tenant.example>;tag=f\r\n"
        "To: <sip:w@tenant.example>\r\nCall-ID: w\r\nCSeq: %u REGISTER\r\nContact: %s\r\n" GRUU
        "\r\n";
    struct bd_policy_domain settings = lab_settings;
    settings.gruu_enabled = settings.redirect = settings.wildcard = true;
    lab_policy(lab, &settings, false);
    char request[1024], got[512];
    snprintf(request, sizeof(request), text, 1, 1, "<" X ">;expires=600" INSTANCE(UUID));
    assert_int_equal(lab_send(lab, request), 200);
    struct gruu_text gruu[] = {gruu_of("pub-gruu", 0), gruu_of("temp-gruu", 0)};
    snprintf(request, sizeof(request), text, 2, 2, "<" Y ">");
    assert_int_equal(lab_send(lab, request), 200);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(call(gruu[i].text), 302);
        lab_contacts(lab, got, sizeof(got));
        assert_non_null(strstr(got, X));
        assert_null(strchr(got, '|'));
        char *host = strstr(gruu[i].text, "@tenant");
        memcpy(host, "@TENANT", 7);
        assert_int_equal(call(gruu[i].text), 302);
        memcpy(host, "@lodger", 7);
        assert_int_equal(call(gruu[i].text), i == 0 ? 480 : 404); /* open: any AoR is valid */
    }
}

static size_t allocations;

static void *count_malloc(size_t sz, const char *file, int line)
{
    allocations++;
    return malloc(sz);
}
static void *count_realloc(void *p, size_t sz, const char *file, int line)
{
    allocations++;
    return realloc(p, sz);
}
static void count_free(void *p, const char *file, int line)
{
    free(p);
}

static void test_nothing_is_allocated(void **state)
{
    send("alice", "a", 1, "<" X ">" INSTANCE(UUID), GRUU);
    struct gruu_text temp = gruu_of("temp-gruu", 0);
    resolve(temp);
    allocations = 0;
    for (unsigned i = 2; i < 20; i++) {
        send("alice", "a", i, "<" X ">" INSTANCE(UUID), GRUU);
        resolve(temp);
    }
    assert_int_equal(allocations, 0);
}

#define GRUU_TEST(name) cmocka_unit_test_setup_teardown(name, open_lab, close_lab)

int main(void)
{
    CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
    const struct CMUnitTest tests[] = {
        GRUU_TEST(test_a_phone_gets_both),
        GRUU_TEST(test_a_new_one_at_every_refresh),
        GRUU_TEST(test_flows_share_a_life),
        GRUU_TEST(test_instances_are_apart),
        GRUU_TEST(test_a_client_that_forgets),
        GRUU_TEST(test_suggestions_are_ignored),
        GRUU_TEST(test_what_is_refused),
        GRUU_TEST(test_require),
        GRUU_TEST(test_odd_texts),
        GRUU_TEST(test_forgeries),
        GRUU_TEST(test_sealing),
        GRUU_TEST(test_calls),
        GRUU_TEST(test_calls_of_the_wildcard_domain),
        GRUU_TEST(test_calls_of_a_long_name),
        GRUU_TEST(test_calls_of_two_flows),
        GRUU_TEST(test_calls_within_a_dialog),
        GRUU_TEST(test_nothing_is_allocated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
