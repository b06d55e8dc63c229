/* SPDX-License-Identifier: BSD-3-Clause */
/* How much larger than its request a reply can be made by whoever has proved nothing: a search over
 * shapes of requests, for each verdict, against an arena that was filled to help.
 *
 * With the argument `table` it prints the worst that it found without a bound, and with the default
 * one. */
#include "lab.h"

#include "../../xorshift.h"
#include "corpus.h"

enum { TRIES = 30000, HUGE_CONTACTS = 8, DEFAULT_FACTOR = 8 };

/* What a request is made of: an index into each of the lists below. */
enum part { METHOD, HOST, USER, FROM, VIA, VIA_MORE, FIELDS, VERSION, PARTS };
struct shape {
    uint8_t part[PARTS];
};

static const char *const methods[] = {"REGISTER", "OPTIONS", "INVITE",  "SUBSCRIBE", "BYE",
                                      "CANCEL",   "MESSAGE", "PUBLISH", "NOTIFY",    "X"};
static const char *const hosts[] = {"example.com",
                                    "digest.example",
                                    "trusted.example",
                                    "198.18.0.1",
                                    "198.18.0.9",
                                    "other.example",
                                    "x"};
static const char *const users[] = {"a@", "b@", "", "zzzzzzzzzz@"};
static const char *const froms[] = {"sip:a@", "sip:", "tel:1;x=", "x:"};
static const char *const vias[] = {
    "h",
    "h;rport",
    "h;keep;rport",
    "h;rport;branch=z9hG4bK1",
    "192.0.2.1",
    "h;received=1;rport",
    "h ; rport",
    "h;maddr=192.0.2.9;rport",
};
#define ONE_MORE "v:SIP/2.0/UDP h\r\n"
static const char *const vias_more[] = {"", ONE_MORE, (ONE_MORE ONE_MORE ONE_MORE ONE_MORE)};
#define X10 "x,x,x,x,x,x,x,x,x,x"
static const char *const fields[] = {
    "",
    "Require:x\r\n",
    "Require:" X10 "," X10 "," X10 "\r\n",
    "Require:outbound\r\nm:<sip:a@h>;reg-id=1;+sip.instance=\"<urn:x>\"\r\n",
    "k:gruu\r\n",
    "k:gruu,outbound,path\r\nm:<sip:a@h>;reg-id=1;+sip.instance=\"<urn:x>\"\r\n",
    "m:<sip:a@h>;expires=1\r\n",
    "m:<sip:a@h>\r\n",
    "m:*\r\n",
    "o:reg\r\n",
    "o:x\r\n",
    "Max-Forwards:0\r\n",
    "l:9\r\n",
    "Path:<sip:p;lr>\r\nk:path\r\nm:<sip:a@h>\r\n",
    "Authorization:Digest\r\n",
    "Authorization:Digest realm=\"r\",nonce=\"n\",username=\"u\",uri=\"sip:h\",response=\"\"\r\n",
    "Content-Encoding:x\r\nl:1\r\n\r\nb",
    "Accept-Contact:*;x\r\n",
};
static const char *const versions[] = {"SIP/2.0", "SIP/3.0"};

#define LIST(a)                                                                                    \
    {                                                                                              \
        a, sizeof(a) / sizeof(a[0])                                                                \
    }
static const struct {
    const char *const *text;
    unsigned cnt;
} lists[PARTS] = {[METHOD] = LIST(methods), [HOST] = LIST(hosts),      [USER] = LIST(users),
                  [FROM] = LIST(froms),     [VIA] = LIST(vias),        [VIA_MORE] = LIST(vias_more),
                  [FIELDS] = LIST(fields),  [VERSION] = LIST(versions)};

static uint64_t random_state = 88172645463325252ULL;

static unsigned below(unsigned n)
{
    return (unsigned)(xorshift64(&random_state) % n);
}

static const char *text_of(const struct shape *s, enum part part)
{
    return lists[part].text[s->part[part]];
}

static void write_request(const struct shape *s, char *out, size_t cap)
{
    const char *host = text_of(s, HOST), *method = text_of(s, METHOD);
    bool enrols = s->part[METHOD] == 0;
    snprintf(out, cap,
             "%s sip:%s%s %s\r\nv:SIP/2.0/UDP %s\r\n%sf:<%s%s>;tag=1\r\nt:<sip:%s%s>\r\ni:1\r\n"
             "CSeq:1 %s\r\n%s\r\n",
             method, enrols ? "" : text_of(s, USER), host, text_of(s, VERSION), text_of(s, VIA),
             text_of(s, VIA_MORE), text_of(s, FROM), host, text_of(s, USER), host, method,
             text_of(s, FIELDS));
}

static struct shape changed(struct shape s)
{
    for (unsigned n = 1 + below(2); n > 0; n--) {
        enum part part = (enum part)below(PARTS);
        s.part[part] = (uint8_t)below(lists[part].cnt);
    }
    return s;
}

/* --- the arena -------------------------------------------------------------------------------- */

static void fill(struct lab *lab, unsigned n)
{
    char text[4096], uri[480], params[480];
    memset(uri, 'u', sizeof(uri));
    memset(params, 'p', sizeof(params));
    snprintf(text, sizeof(text),
             "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
             "From: <sip:a@example.com>;tag=f\r\nTo: <sip:a@example.com>\r\nCall-ID: f%u\r\n"
             "CSeq: 1 REGISTER\r\nContact: <sip:%.*s@192.0.2.1:%u>;x=%.*s\r\n\r\n",
             n, n, (int)sizeof(uri), uri, 1024 + n, (int)sizeof(params), params);
    assert_int_equal(lab_send(lab, text), 200);
}

/* A binding whose Path a 302 has to escape. */
static void fill_path(struct lab *lab)
{
    char text[4096], path[1024] = "<sip:p;lr>";
    while (strlen(path) < sizeof(path) - 12)
        strcat(path, ",<sip:p;lr>");
    snprintf(
        text, sizeof(text),
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKp\r\n"
        "From: <sip:b@example.com>;tag=f\r\nTo: <sip:b@example.com>\r\nCall-ID: p\r\n"
        "CSeq: 1 REGISTER\r\nSupported: path\r\nPath: %s\r\nContact: <sip:b@192.0.2.1>\r\n\r\n",
        path);
    assert_int_equal(lab_send(lab, text), 200);
}

/* The domain that says most. */
static struct bd_policy_domain talkative(void)
{
    struct bd_policy_domain d = lab_settings;
    d.algorithm_cnt = 3;
    d.algorithm[0] = BD_ALG_SHA512_256;
    d.algorithm[1] = BD_ALG_SHA256;
    d.algorithm[2] = BD_ALG_MD5;
    d.charset_utf8 = d.userhash = d.gruu_enabled = d.reg_event = d.redirect = true;
    d.redirect_auth = true;
    d.use_path = 1;
    d.outbound_mode = 1;
    return d;
}

static struct lab *open_lab(unsigned factor)
{
    struct lab *lab = lab_new(256);
    struct bd_policy_domain open = lab_settings, digest = talkative();
    open.redirect = open.gruu_enabled = open.reg_event = open.caller_preferences = true;
    open.redirect_path = true;
    open.use_path = 1;
    open.max_contacts = BD_CONTACTS_PER_AOR_MAX;
    lab_policies(lab, &open, &digest);
    for (unsigned n = 0; n < HUGE_CONTACTS; n++)
        fill(lab, n);
    fill_path(lab);
    lab->limits.reply_factor = (uint8_t)factor;
    lab_policies(lab, &open, &digest);
    return lab;
}

/* --- the search ------------------------------------------------------------------------------- */

struct worst {
    struct shape shape;
    uint32_t asked, answered;
};

static double factor_of(const struct worst *w)
{
    return w->asked ? (double)w->answered / w->asked : 0;
}

static struct worst attempt(struct lab *lab, const struct shape *shape)
{
    char text[1024];
    write_request(shape, text, sizeof(text));
    if (lab_send(lab, text) == 0 && lab->step == BD_STEP_VERIFY)
        lab_resume(lab, BD_VERIFY_WRONG);
    return (struct worst){*shape, lab->request_len, lab->reply_len};
}

/* Goes on from the worst of a verdict, or from anywhere. */
static void search(struct lab *lab, struct worst worst[BD_VERDICT_CNT])
{
    for (unsigned i = 0; i < TRIES; i++) {
        const struct worst *from = &worst[below(BD_VERDICT_CNT)];
        struct shape shape = changed(from->asked ? from->shape : (struct shape){{0}});
        struct worst found = attempt(lab, &shape);
        struct worst *w = &worst[lab->verdict < BD_VERDICT_CNT ? lab->verdict : 0];
        if (found.answered && factor_of(&found) > factor_of(w))
            *w = found;
    }
}

static double all_of(const struct worst worst[BD_VERDICT_CNT])
{
    double all = 0;
    for (unsigned v = 0; v < BD_VERDICT_CNT; v++)
        all = factor_of(&worst[v]) > all ? factor_of(&worst[v]) : all;
    return all;
}

static void print_table(const struct worst worst[BD_VERDICT_CNT])
{
    for (unsigned v = 0; v < BD_VERDICT_CNT; v++) {
        char text[1024];
        if (!worst[v].answered)
            continue;
        write_request(&worst[v].shape, text, sizeof(text));
        printf("| `%s` | %u | %u | %u | %.1f | %.*s\n", bd_verdict_info[v].text,
               bd_verdict_info[v].status, worst[v].asked, worst[v].answered, factor_of(&worst[v]),
               (int)strcspn(text, "\r"), text);
    }
}

static void test_bound(void **state)
{
    (void)state;
    for (unsigned factor = 1; factor <= 8; factor++) {
        struct lab *lab = open_lab(factor);
        struct worst worst[BD_VERDICT_CNT] = {{.asked = 0}};
        search(lab, worst);
        if (all_of(worst) > factor) {
            print_table(worst);
            fail_msg("beyond %u: %.2f", factor, all_of(worst));
        }
        assert_true(worst[BD_SIP_AMPLIFIES].answered || factor < 2);
        lab_free(lab);
    }
}

/* The search is able to find what the bound is for. */
static void test_without_bound(void **state)
{
    (void)state;
    struct lab *lab = open_lab(0);
    struct worst worst[BD_VERDICT_CNT] = {{.asked = 0}};
    search(lab, worst);
    assert_true(factor_of(&worst[BD_SIP_QUERIED]) > 60);
    assert_true(factor_of(&worst[BD_SIP_REDIRECTED]) > 15);
    assert_true(factor_of(&worst[BD_SIP_CHALLENGED]) > 4);
    assert_int_equal(worst[BD_SIP_AMPLIFIES].answered, 0);
    lab_free(lab);
}

/* --- who is not bounded ----------------------------------------------------------------------- */

#define SMALL                                                                                      \
    "REGISTER sip:digest.example SIP/2.0\r\nv:SIP/2.0/UDP h\r\nf:<sip:a@digest.example>;tag=1\r\n" \
    "t:<sip:a@digest.example>\r\ni:1\r\nCSeq:1 REGISTER\r\n"

static void test_refused_is_bare(void **state)
{
    (void)state;
    struct lab *lab = open_lab(4);
    char value[64];
    assert_int_equal(lab_send(lab, SMALL "\r\n"), 500);
    assert_int_equal(lab->verdict, BD_SIP_AMPLIFIES);
    assert_false(lab_header(lab, "WWW-Authenticate", 0, value, sizeof(value)));
    /* What it costs to be told more: bytes of one's own. */
    assert_int_equal(lab_send(lab, SMALL
                              "x:                                                        "
                              "                                                          "
                              "                                                      \r\n\r\n"),
                     401);
    lab_free(lab);
}

/* With credentials, or from an address that is trusted, a reply has all its room; and a set of
 * bindings that could not be told is not changed. */
static void test_verified(void **state)
{
    (void)state;
    struct lab *lab = open_lab(1);
    char text[2048], value[2048];
    snprintf(text, sizeof(text), "%sm:<sip:a@h>\r\n\r\n", SMALL);
    lab_send(lab, text);
    assert_int_equal(lab_resume(lab, BD_VERIFY_OK), 200);
    assert_true(lab->reply_len > lab->request_len);
    assert_true(lab_header(lab, "Contact", 0, value, sizeof(value)));
    lab_free(lab);
}

static unsigned bindings_of(struct lab *lab, const char *aor)
{
    struct bd_slot_ref ref;
    struct bd_str key = bd_str_from(aor);
    return bd_table_find(&lab->table, bd_table_hash(&lab->table, key), key, &ref)
               ? bd_record_cnt(ref.record)
               : 0;
}

static void test_nothing_changes_untold(void **state)
{
    (void)state;
    struct lab *lab = open_lab(DEFAULT_FACTOR);
    assert_int_equal(bindings_of(lab, "a@example.com"), HUGE_CONTACTS);
    assert_int_equal(lab_send(lab, "REGISTER sip:example.com SIP/2.0\r\nv:SIP/2.0/UDP h\r\n"
                                   "f:<sip:a@example.com>;tag=1\r\nt:<sip:a@example.com>\r\ni:9\r\n"
                                   "CSeq:1 REGISTER\r\nm:<sip:new@h>\r\n\r\n"),
                     500);
    assert_int_equal(lab->verdict, BD_SIP_AMPLIFIES);
    assert_int_equal(bindings_of(lab, "a@example.com"), HUGE_CONTACTS);
    lab_free(lab);
}

/* Where there is not even room for the 500, there is silence. */
static void test_silence(void **state)
{
    (void)state;
    struct lab *lab = open_lab(1);
    assert_int_equal(lab_send(lab, SMALL "\r\n"), 0);
    assert_int_equal(lab->verdict, BD_SIP_UNADDRESSABLE);
    lab_free(lab);
}

/* --- phones as they are ----------------------------------------------------------------------- */

/* None of the corpus is refused for the bound, by the domain that says most. */
static void test_phones(void **state)
{
    (void)state;
    static struct corpus corpus;
    struct lab *lab = lab_new(256);
    struct bd_policy_domain d = talkative();
    double most = 0;
    d.auth = BD_AUTH_DIGEST;
    lab->limits.reply_factor = DEFAULT_FACTOR;
    lab_policy(lab, &d, true);
    corpus_load(&corpus, "", ".sip");
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        memcpy(lab->request, text.p, text.len);
        lab_send_bytes(lab, text.len);
        assert_int_not_equal(lab->verdict, BD_SIP_AMPLIFIES);
        double factor = (double)lab->reply_len / text.len;
        most = factor > most ? factor : most;
    }
    print_message("a phone's request draws at most %.1f times its size\n", most);
    assert_true(most > 1 && most < DEFAULT_FACTOR);
    lab_free(lab);
}

static int print_tables(void)
{
    for (unsigned factor = 0; factor <= DEFAULT_FACTOR; factor += DEFAULT_FACTOR) {
        struct lab *lab = open_lab(factor);
        struct worst worst[BD_VERDICT_CNT] = {{.asked = 0}};
        search(lab, worst);
        printf("reply_factor: %u\n", factor);
        print_table(worst);
        lab_free(lab);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "table") == 0)
        return print_tables();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_without_bound),
        cmocka_unit_test(test_refused_is_bare),
        cmocka_unit_test(test_verified),
        cmocka_unit_test(test_nothing_changes_untold),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_phones),
    };
    return cmocka_run_group_tests_name("amplification", tests, NULL, NULL);
}
