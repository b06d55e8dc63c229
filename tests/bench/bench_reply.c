/* SPDX-License-Identifier: BSD-3-Clause */
/* What writing a reply costs, caches as warm as a burst of 32 leaves them: the 200 of a refresh
 * with one binding, the 401 with one MD5 challenge, the 302 to one Contact. The requests are those
 * of tests/corpus, each in many variants whose Call-IDs and tags differ in length.
 *
 *   bench_reply [ROUNDS [FILE]]     default 2000, the whole corpus; FILE (x.sip): that message only
 *
 * Prints ns a reply, median and best of the rounds.
 *
 * A nonce is made for each 401; what that costs alone is in the line "nonce". Run on an idle
 * machine, pinned: taskset -c 1. */
#include "corpus.h"
#include "lab.h"
#include "private.h"

#include <time.h>

enum { VARIANTS = 16, TEXT_SZ = 1536, ROUNDS_MAX = 100000 };

struct shot {
    char text[TEXT_SZ];
    uint32_t len;
    struct bd_message m;
    struct bd_request request;
    struct bd_turn turn;
    struct bd_binding binding;
};

struct bench {
    struct lab *lab;
    const struct bd_policy *policy;
    struct shot *shot;
    unsigned shot_cnt, at;
    uint64_t bytes, replies;
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The Call-ID grows by 0 to 23 characters. */
static void vary(struct shot *s, struct bd_str text)
{
    static const char letters[] = "0123456789abcdefghijklmnop";
    bd_message_parse(&s->m, text.p, text.len);
    uint32_t before = (uint32_t)(s->m.call_id.p - text.p), more = (uint32_t)rand() % 24;
    s->len = (uint32_t)snprintf(s->text, sizeof(s->text), "%.*s%.*s%.*s", (int)before, text.p,
                                (int)more, letters, (int)(text.len - before), text.p + before);
    if (s->len >= sizeof(s->text) || bd_message_parse(&s->m, s->text, s->len) != BD_VERDICT_NONE) {
        fprintf(stderr, "%.*s\n", BD_STR_ARG(text));
        exit(1);
    }
}

static void prepare(struct bench *b, struct shot *s, struct bd_str text)
{
    struct bd_list list;
    struct bd_str element;
    struct bd_contact contact;
    bool by_default;
    vary(s, text);
    s->request = (struct bd_request){.message = &s->m,
                                     .source = b->lab->source,
                                     .local = b->lab->local,
                                     .now_ms = b->lab->now_ms,
                                     .wall_ms = b->lab->wall_ms,
                                     .policy = b->policy};
    bd_ip_parse(s->m.via.host, &s->request.source.ip);
    const struct bd_policy_domain *d =
        bd_policy_find(b->policy, BD_STR("example.com"), &by_default);
    struct bd_str aor = BD_STR("1000@example.com");
    s->turn = (struct bd_turn){.request = &s->request,
                               .m = &s->m,
                               .grant_s = (uint32_t)(b->lab->now_ms / 1000),
                               .transaction = (uint64_t)rand() * 0x9e3779b97f4a7c15ULL,
                               .domain = d,
                               .settings = d,
                               .realm = BD_STR("example.com"),
                               .identity = aor,
                               .aor = aor,
                               .claimed = aor};
    uint32_t expires_at_s = (uint32_t)(b->lab->now_ms / 1000) + 300 + (uint32_t)rand() % 3301;
    s->binding = (struct bd_binding){.q_milli = BD_Q_NONE, .state = bd_state_make(1, expires_at_s)};
    s->binding.text[BD_TEXT_URI] = BD_STR("sip:1000@198.18.0.2:5060");
    list = bd_list_begin(&s->m, BD_HDR_CONTACT);
    if (bd_list_next(&list, &element) && bd_contact_parse(element, &contact) && !contact.star) {
        s->binding.text[BD_TEXT_URI] = contact.addr.uri.text;
        s->binding.text[BD_TEXT_PARAMS] = contact.addr.params;
    }
}

/* --- what is measured ------------------------------------------------------------------------- */

static void write_200(struct bench *b, struct shot *s, struct bd_wire *w)
{
    struct bd_registrar *r = b->lab->registrar;
    r->set.cnt = 1;
    r->set.entry[0].binding = s->binding;
    r->set.entry[0].fate = BD_FATE_REFRESHED;
    bd_answer_bindings(r, &s->turn, w);
}

static void write_nonce(struct bench *b, struct shot *s, struct bd_wire *w)
{
    struct bd_registrar *r = b->lab->registrar;
    bd_turn_make_nonce(r, &s->turn, w->p);
    w->p += BD_NONCE_TEXT;
}

static void write_401(struct bench *b, struct shot *s, struct bd_wire *w)
{
    enum bd_verdict verdict = BD_SIP_CHALLENGED;
    bd_answer(b->lab->registrar, &s->turn, w, &verdict);
}

static void write_302(struct bench *b, struct shot *s, struct bd_wire *w)
{
    struct bd_location *l = &b->lab->registrar->location;
    enum bd_verdict verdict = BD_SIP_REDIRECTED;
    l->cnt = 1;
    l->target[0] = (struct bd_target){.binding = &s->binding, .q_milli = BD_Q_DEFAULT};
    bd_answer(b->lab->registrar, &s->turn, w, &verdict);
}

typedef void (*write_fn)(struct bench *b, struct shot *s, struct bd_wire *w);

/* One burst, parsed just before as the worker does it. */
static uint64_t burst_ns(struct bench *b, write_fn write)
{
    static char out[BD_BURST][2304]; /* as far from each other as the buffers of a port */
    for (unsigned i = 0; i < BD_BURST; i++) {
        struct shot *s = &b->shot[(b->at + i) % b->shot_cnt];
        bd_message_parse(&s->m, s->text, s->len);
    }
    uint64_t begin = now_ns();
    for (unsigned i = 0; i < BD_BURST; i++) {
        struct bd_wire w = bd_wire_init(out[i], sizeof(out[i]));
        write(b, &b->shot[(b->at + i) % b->shot_cnt], &w);
        b->bytes += bd_wire_len(&w);
    }
    uint64_t ns = now_ns() - begin;
    b->at = (b->at + BD_BURST) % b->shot_cnt;
    b->replies += BD_BURST;
    return ns;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* A round is every variant once. */
static void measure(struct bench *b, const char *name, write_fn write, unsigned rounds)
{
    static uint64_t ns[ROUNDS_MAX];
    unsigned bursts = b->shot_cnt / BD_BURST;
    b->bytes = b->replies = 0;
    for (unsigned i = 0; i < rounds; i++) {
        ns[i] = 0;
        for (unsigned k = 0; k < bursts; k++)
            ns[i] += burst_ns(b, write);
    }
    qsort(ns, rounds, sizeof(ns[0]), by_value);
    double cnt = bursts * (double)BD_BURST;
    printf("%-6s %4u bytes  median %6.1f  best %6.1f ns\n", name, (unsigned)(b->bytes / b->replies),
           (double)ns[rounds / 2] / cnt, (double)ns[0] / cnt);
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    static struct bench b;
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000;
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    struct bd_policy_domain settings = lab_settings;
    settings.algorithm_cnt = 1;
    settings.algorithm[0] = BD_ALG_MD5;
    settings.redirect = 1;
    b.lab = lab_new(100);
    lab_policy(b.lab, &settings, true);
    b.policy = b.lab->policy;
    bd_nonce_set_keys(b.lab->registrar->nonce, b.policy->nonce_key);
    corpus_load(&corpus, "", ".sip");
    b.shot_cnt = corpus.cnt * VARIANTS / BD_BURST * BD_BURST;
    b.shot = calloc(b.shot_cnt, sizeof(*b.shot));
    if (!b.shot)
        return 1;
    for (unsigned i = 0; i < b.shot_cnt; i++) {
        const struct corpus_file *file =
            argc > 2 ? corpus_find(&corpus, argv[2]) : &corpus.file[(unsigned)rand() % corpus.cnt];
        prepare(&b, &b.shot[i], file->text);
    }
    measure(&b, "200", write_200, rounds);
    measure(&b, "401", write_401, rounds);
    measure(&b, "nonce", write_nonce, rounds);
    measure(&b, "302", write_302, rounds);
    free(b.shot);
    lab_free(b.lab);
    return 0;
}
