/* SPDX-License-Identifier: BSD-3-Clause */
/* What a plain refresh costs the registrar, and a call that it redirects, without network: bursts
 * of 32 requests, each for another AoR at random, an open domain, one Contact. Prints nanoseconds a
 * request for the parser, the prefetch and the decision with its reply.
 *
 *   bench_registrar [AORS [ROUNDS]]     default 100000 AoRs, 20 rounds */
#include "clock.h"
#include "lab.h"

enum { REQUEST_SZ = 640 };

struct stage_ns {
    uint64_t parse, prefetch, handle;
};

struct bench {
    struct lab *lab;
    unsigned aor_cnt;
    char (*request)[REQUEST_SZ];
    uint32_t *len, *order;
    struct bd_message message[BD_BURST];
    struct bd_request burst[BD_BURST];
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void write_requests(struct bench *b, unsigned cseq)
{
    for (unsigned i = 0; i < b->aor_cnt; i++)
        b->len[i] = (uint32_t)snprintf(
            b->request[i], REQUEST_SZ,
            "REGISTER sip:example.com SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-524287-1-%08x%08x;rport\r\n"
            "Max-Forwards: 70\r\nContact: <sip:%u@192.0.2.1:5060;rinstance=%08x;transport=UDP>\r\n"
            "To: \"Subscriber %u\" <sip:%u@example.com>\r\n"
            "From: \"Subscriber %u\" <sip:%u@example.com>;tag=%08x\r\n"
            "Call-ID: %032x\r\nCSeq: %u REGISTER\r\nExpires: 3600\r\n"
            "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n"
            "User-Agent: Example Phone 5.3.8 rv2.10.19\r\nContent-Length: 0\r\n\r\n",
            i, cseq, i, i, i, i, i, i, i, i, cseq);
}

static void write_calls(struct bench *b)
{
    for (unsigned i = 0; i < b->aor_cnt; i++)
        b->len[i] = (uint32_t)snprintf(
            b->request[i], REQUEST_SZ,
            "INVITE sip:%u@example.com SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-524287-1-%08x;rport\r\n"
            "Max-Forwards: 70\r\nContact: <sip:caller@192.0.2.1:5060;transport=UDP>\r\n"
            "To: <sip:%u@example.com>\r\n"
            "From: \"Subscriber\" <sip:caller@example.com>;tag=%08x\r\n"
            "Call-ID: %032x\r\nCSeq: 1 INVITE\r\n"
            "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n"
            "User-Agent: Example Phone 5.3.8 rv2.10.19\r\nContent-Length: 0\r\n\r\n",
            i, i, i, i, i);
}

static void shuffle(struct bench *b)
{
    for (unsigned i = 0; i < b->aor_cnt; i++)
        b->order[i] = i;
    for (unsigned i = b->aor_cnt; i > 1; i--) {
        unsigned k = (unsigned)rand() % i;
        uint32_t kept = b->order[i - 1];
        b->order[i - 1] = b->order[k];
        b->order[k] = kept;
    }
}

static void serve_burst(struct bench *b, unsigned first, enum bd_verdict expected,
                        struct stage_ns *ns)
{
    struct lab *lab = b->lab;
    uint64_t begin = now_ns(), hash[BD_BURST];
    for (unsigned i = 0; i < BD_BURST; i++) {
        unsigned at = b->order[first + i];
        b->burst[i] = (struct bd_request){
            .message = &b->message[i],
            .parsed = bd_message_parse(&b->message[i], b->request[at], b->len[at]),
            .source = lab->source,
            .local = lab->local,
            .now_ms = lab->now_ms,
            .wall_ms = lab->wall_ms,
            .policy = lab->policy};
    }
    uint64_t parsed = now_ns();
    for (unsigned i = 0; i < BD_BURST; i++)
        hash[i] = bd_registrar_prefetch(lab->registrar, &b->burst[i]);
    for (unsigned i = 0; i < BD_BURST; i++)
        bd_table_prefetch_record(&lab->table, hash[i]);
    uint64_t prefetched = now_ns();
    for (unsigned i = 0; i < BD_BURST; i++) {
        struct bd_wire w = bd_wire_init(lab->reply, LAB_REPLY_MAX);
        enum bd_verdict verdict;
        bd_registrar_handle(lab->registrar, &b->burst[i], &w, &lab->job, &verdict);
        if (verdict != expected) {
            fprintf(stderr, "%s\n%.*s\n", bd_verdict_info[verdict].text, (int)bd_wire_len(&w),
                    lab->reply);
            exit(1);
        }
    }
    bd_writer_quiescent(lab->writer);
    uint64_t done = now_ns();
    ns->parse += parsed - begin;
    ns->prefetch += prefetched - parsed;
    ns->handle += done - prefetched;
}

static void run_round(struct bench *b, const char *name, enum bd_verdict expected)
{
    struct stage_ns ns = {0};
    for (unsigned first = 0; first + BD_BURST <= b->aor_cnt; first += BD_BURST)
        serve_burst(b, first, expected, &ns);
    double cnt = b->aor_cnt / BD_BURST * BD_BURST;
    printf("%-8s parse %4.0f  prefetch %4.0f  handle %4.0f  all %4.0f ns, %u bytes\n", name,
           (double)ns.parse / cnt, (double)ns.prefetch / cnt, (double)ns.handle / cnt,
           (double)(ns.parse + ns.prefetch + ns.handle) / cnt, b->len[0]);
}

int main(int argc, char **argv)
{
    static struct bench b;
    b.aor_cnt = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20;
    b.aor_cnt = (b.aor_cnt + BD_BURST - 1) / BD_BURST * BD_BURST;
    b.lab = lab_new(4 * b.aor_cnt);
    b.request = calloc(b.aor_cnt, sizeof(*b.request));
    b.len = calloc(b.aor_cnt, sizeof(*b.len));
    b.order = calloc(b.aor_cnt, sizeof(*b.order));
    if (!b.request || !b.len || !b.order)
        return 1;
    for (unsigned round = 0; round <= rounds; round++) {
        write_requests(&b, 1000 + round);
        shuffle(&b);
        run_round(&b, round ? "refresh" : "insert", round ? BD_SIP_REFRESHED : BD_SIP_REGISTERED);
    }
    struct bd_policy_domain settings = lab_settings;
    settings.redirect = 1;
    lab_policy(b.lab, &settings, true);
    write_calls(&b);
    run_round(&b, "call", BD_SIP_REDIRECTED);
    settings.caller_preferences = 1;
    lab_policy(b.lab, &settings, true);
    run_round(&b, "prefer", BD_SIP_REDIRECTED);
    lab_free(b.lab);
    free(b.request);
    free(b.len);
    free(b.order);
    return 0;
}
