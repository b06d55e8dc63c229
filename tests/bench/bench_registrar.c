/* SPDX-License-Identifier: BSD-3-Clause */
/* What a request costs the registrar, without network: bursts of 32 REGISTERs with one Contact,
 * each for another AoR in random order, then calls that are redirected. Prints nanoseconds a
 * request for each stage of a burst.
 *
 *   parse     bd_message_parse; the text is in the cache, as it was written just before
 *   prepare   transaction, domain, AoR; fetches the bucket
 *   prefetch  fetches the record
 *   decide    handle without what the reply costs
 *   contact   of that, splitting and parsing the Contact, measured apart
 *   reply     writing a 200, measured apart: that of a burst's last request, over and over
 *
 *   bench_registrar [--aors N] [--rounds N] [--trusted] [--contacts N] [--instances]
 *
 *   --aors      rounded up to a power of two; default 100000
 *   --trusted   in a domain whose subscribers are known by prefixes of their own
 *   --contacts  bindings of each AoR, each by a phone of its own; default 1
 *   --instances each phone has one, a flow, and is told its GRUUs */
#include <getopt.h>
#include <time.h>

#include "lab.h"
#include "private.h"

enum { REQUEST_SZ = 900, REPLIES = 32 };

struct stage_ns {
    uint64_t parse, prepare, prefetch, handle, contact, reply;
};

struct bench {
    struct lab *lab;
    unsigned aors_log2, contacts, rounds;
    const char *domain;
    bool instances;
    char text[BD_BURST][REQUEST_SZ];
    uint32_t len[BD_BURST];
    struct bd_message message[BD_BURST];
    struct bd_turn turn[BD_BURST];
    struct bd_request request[BD_BURST];
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Each number below 2^bits once, in an order without a pattern: rounds of invertible steps. */
static uint32_t shuffled(uint32_t n, unsigned bits, uint32_t seed)
{
    uint32_t mask = (uint32_t)((1ULL << bits) - 1);
    for (unsigned i = 0; i < 4; i++) {
        n = (n * 0x9e3779b1U + seed) & mask;
        n ^= n >> (bits / 2 + 1);
    }
    return n;
}

static uint32_t write_register(const struct bench *b, char *out, unsigned aor, unsigned phone,
                               unsigned cseq)
{
    char instance[160] = "";
    if (b->instances)
        snprintf(instance, sizeof(instance),
                 ";reg-id=1;+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-0000%08x>\"",
                 aor * b->contacts + phone);
    return (uint32_t)snprintf(
        out, REQUEST_SZ,
        "REGISTER sip:%s SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-524287-1-%08x%08x;rport\r\n"
        "Max-Forwards: 70\r\n"
        "Contact: <sip:%u@192.0.2.1:%u;rinstance=%08x;transport=UDP>%s;expires=3600\r\n%s"
        "To: \"Subscriber %u\" <sip:%u@%s>\r\nFrom: \"Subscriber %u\" <sip:%u@%s>;tag=%08x\r\n"
        "Call-ID: %032x\r\nCSeq: %u REGISTER\r\nExpires: 3600\r\n"
        "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n"
        "User-Agent: Example Phone 5.3.8 rv2.10.19\r\nContent-Length: 0\r\n\r\n",
        b->domain, aor * b->contacts + phone, cseq, aor, 5060 + phone, aor, instance,
        b->instances ? "Supported: path, outbound, gruu\r\n" : "", aor, aor, b->domain, aor, aor,
        b->domain, aor, aor * b->contacts + phone, cseq);
}

static uint32_t write_call(const struct bench *b, char *out, unsigned aor, unsigned phone,
                           unsigned cseq)
{
    return (uint32_t)snprintf(
        out, REQUEST_SZ,
        "INVITE sip:%u@%s SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-524287-1-%08x;rport\r\n"
        "Max-Forwards: 70\r\nContact: <sip:caller@192.0.2.1:5060;transport=UDP>\r\n"
        "To: <sip:%u@%s>\r\nFrom: \"Subscriber\" <sip:caller@%s>;tag=%08x\r\n"
        "Call-ID: %032x\r\nCSeq: 1 INVITE\r\n"
        "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n"
        "User-Agent: Example Phone 5.3.8 rv2.10.19\r\nContent-Length: 0\r\n\r\n",
        aor, b->domain, aor, aor, b->domain, b->domain, aor, aor);
}

typedef uint32_t write_fn(const struct bench *b, char *out, unsigned aor, unsigned phone,
                          unsigned cseq);

static void parse(struct bench *b)
{
    struct lab *lab = b->lab;
    for (unsigned i = 0; i < BD_BURST; i++)
        b->request[i] =
            (struct bd_request){.message = &b->message[i],
                                .turn = &b->turn[i],
                                .parsed = bd_message_parse(&b->message[i], b->text[i], b->len[i]),
                                .source = lab->source,
                                .local = lab->local,
                                .now_ms = lab->now_ms,
                                .wall_ms = lab->wall_ms,
                                .policy = lab->policy};
}

static void handle(struct bench *b, enum bd_verdict expected)
{
    struct lab *lab = b->lab;
    for (unsigned i = 0; i < BD_PREFETCH_AHEAD; i++)
        bd_registrar_prefetch_rest(lab->registrar, i);
    for (unsigned i = 0; i < BD_BURST; i++) {
        struct bd_wire w = bd_wire_init(lab->reply, LAB_REPLY_MAX);
        enum bd_verdict verdict;
        if (i + BD_PREFETCH_AHEAD < BD_BURST)
            bd_registrar_prefetch_rest(lab->registrar, i + BD_PREFETCH_AHEAD);
        bd_registrar_handle(lab->registrar, i, &w, &lab->job, &verdict);
        if (verdict != expected) {
            fprintf(stderr, "%s instead of %s\n%.*s\n", bd_verdict_info[verdict].text,
                    bd_verdict_info[expected].text, (int)bd_wire_len(&w), lab->reply);
            exit(1);
        }
    }
    bd_writer_quiescent(lab->writer);
}

static void contacts_again(struct bench *b)
{
    struct bd_contact contact;
    struct bd_str element;
    for (unsigned i = 0; i < BD_BURST; i++) {
        struct bd_list list = bd_list_begin(&b->message[i], BD_HDR_CONTACT);
        while (bd_list_next(&list, &element)) {
            if (!bd_contact_parse(element, &contact))
                exit(1);
        }
    }
}

static void reply_again(struct bench *b)
{
    struct bd_registrar *r = b->lab->registrar;
    for (unsigned i = 0; i < REPLIES; i++) {
        struct bd_wire w = bd_wire_init(b->lab->reply, LAB_REPLY_MAX);
        bd_answer_bindings(r, r->turn[BD_BURST - 1], &w);
    }
}

static void serve_burst(struct bench *b, enum bd_verdict expected, struct stage_ns *ns)
{
    struct bd_registrar *r = b->lab->registrar;
    uint64_t begin = now_ns();
    parse(b);
    uint64_t parsed = now_ns();
    for (unsigned i = 0; i < BD_BURST; i++)
        bd_registrar_prepare(r, i, &b->request[i]);
    uint64_t prepared = now_ns();
    for (unsigned i = 0; i < BD_BURST; i++)
        bd_registrar_prefetch(r, i);
    uint64_t prefetched = now_ns();
    handle(b, expected);
    uint64_t handled = now_ns();
    if (bd_verdict_info[expected].status == 200)
        reply_again(b);
    uint64_t replied = now_ns();
    contacts_again(b);
    ns->contact += now_ns() - replied;
    ns->parse += parsed - begin;
    ns->prepare += prepared - parsed;
    ns->prefetch += prefetched - prepared;
    ns->handle += handled - prefetched;
    ns->reply += (replied - handled) * BD_BURST / REPLIES;
}

static void run_round(struct bench *b, const char *name, write_fn *write, unsigned phone,
                      unsigned cseq, enum bd_verdict expected)
{
    struct stage_ns ns = {0};
    uint32_t cnt = 1U << b->aors_log2;
    for (uint32_t first = 0; first < cnt; first += BD_BURST) {
        for (unsigned i = 0; i < BD_BURST; i++)
            b->len[i] = write(b, b->text[i], shuffled(first + i, b->aors_log2, cseq), phone, cseq);
        serve_burst(b, expected, &ns);
    }
    double n = cnt;
    printf("%-8s parse %4.0f  prepare %4.0f  prefetch %4.0f  decide %4.0f (contact %4.0f)  reply "
           "%4.0f  "
           "all %4.0f ns, %u bytes\n",
           name, (double)ns.parse / n, (double)ns.prepare / n, (double)ns.prefetch / n,
           ((double)ns.handle - (double)ns.reply) / n, (double)ns.contact / n, (double)ns.reply / n,
           (double)(ns.parse + ns.prepare + ns.prefetch + ns.handle) / n, b->len[0]);
}

static void provision(struct bench *b)
{
    struct bd_arena *arena = &b->lab->arena;
    struct bd_provision p = {.has_prefix = true, .prefix = {.ip = b->lab->source.ip, .len = 128}};
    for (uint32_t aor = 0; aor < 1U << b->aors_log2; aor++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "%u@%s", aor, b->domain);
        struct bd_hash128 hash = bd_hash128(&arena->hash_key, text, (size_t)len);
        bd_provisioned_put(arena, b->lab->table.epoch, hash, &p);
    }
}

static void run_all(struct bench *b)
{
    unsigned cseq = 1000;
    struct bd_policy_domain settings = lab_settings;
    settings.gruu_enabled = b->instances;
    settings.outbound_mode = b->instances ? BD_OUTBOUND_SUPPORTED : BD_OUTBOUND_NONE;
    lab_policy(b->lab, &settings, true);
    for (unsigned phone = 0; phone < b->contacts; phone++)
        run_round(b, "insert", write_register, phone, cseq++, BD_SIP_REGISTERED);
    for (unsigned round = 0; round < b->rounds; round++, cseq++)
        run_round(b, "refresh", write_register, round % b->contacts, cseq, BD_SIP_REFRESHED);
    if (b->domain[0] == 't')
        return;
    settings.redirect = 1;
    lab_policy(b->lab, &settings, true);
    run_round(b, "call", write_call, 0, 0, BD_SIP_REDIRECTED);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"aors", required_argument, NULL, 'a'},     {"rounds", required_argument, NULL, 'r'},
        {"contacts", required_argument, NULL, 'c'}, {"trusted", no_argument, NULL, 't'},
        {"instances", no_argument, NULL, 'i'},      {NULL, 0, NULL, 0}};
    static struct bench b = {.contacts = 1, .rounds = 10, .domain = "example.com"};
    unsigned long aors = 100000;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 1;
        if (c == '?' || n == 0)
            return 2;
        aors = c == 'a' ? n : aors;
        b.rounds = c == 'r' ? (unsigned)n : b.rounds;
        b.contacts = c == 'c' ? (unsigned)n : b.contacts;
        b.instances = b.instances || c == 'i';
        if (c == 't')
            b.domain = "trusted.example";
    }
    for (b.aors_log2 = 6; 1UL << b.aors_log2 < aors;)
        b.aors_log2++;
    bool trusted = b.domain[0] == 't';
    /* A record that grows leaves its former size behind, which no other size takes up. */
    uint64_t bindings = (uint64_t)b.contacts * (b.contacts > 1 ? 2 : 1) << b.aors_log2;
    b.lab = lab_new_of(bindings, trusted ? 1ULL << b.aors_log2 : 1);
    if (trusted)
        provision(&b);
    run_all(&b);
    lab_free(b.lab);
    return 0;
}
