/* SPDX-License-Identifier: BSD-3-Clause */
/* What one message costs on one core, caches warm: bd_message_parse() alone; with what a registrar
 * walks besides (Contacts, credentials, AoR); and with the reply written.
 *
 *     bench_parse [SECONDS PER MESSAGE AND STAGE, default 0.05]
 *
 * Prints a line a message and the mean over all. Run on an idle machine, pinned: taskset -c 1. */
#include "corpus.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct bd_message m;
/* What was computed goes here, so that the compiler cannot leave it out. */
static volatile uint64_t sink;

static void stage_parse(struct bd_str text)
{
    sink += (uint64_t)bd_message_parse(&m, text.p, text.len);
}

static void stage_walk(struct bd_str text)
{
    struct bd_contact contact;
    struct bd_credentials credentials;
    struct bd_str element;
    char key[BD_AOR_MAX];
    stage_parse(text);
    struct bd_list list = bd_list_begin(&m, BD_HDR_CONTACT);
    while (bd_list_next(&list, &element))
        sink += bd_contact_parse(element, &contact);
    const struct bd_header *h = bd_header_first(&m, BD_HDR_AUTHORIZATION);
    if (h)
        sink += (uint64_t)bd_credentials_parse(h->value, &credentials);
    sink += bd_aor_canonical(&m.to.uri, BD_STR_NULL, false, key, sizeof(key));
}

static void stage_reply(struct bd_str text)
{
    char out[BD_SIP_REPLY_MAX];
    struct bd_endpoint source = {.port = 5060};
    stage_walk(text);
    struct bd_wire w = bd_wire_init(out, sizeof(out));
    bd_reply_begin(&w, &m, 200, BD_STR("OK"), BD_STR("0123456789abcdef"), &source);
    bd_reply_end(&w);
    sink += bd_wire_len(&w);
}

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double ns_each(void (*stage)(struct bd_str), struct bd_str text, double limit_ns)
{
    enum { BATCH = 1000 };
    double best = 1e18, begin = now_ns();
    do {
        double t = now_ns();
        for (int i = 0; i < BATCH; i++)
            stage(text);
        t = (now_ns() - t) / BATCH;
        if (t < best)
            best = t;
    } while (now_ns() - begin < limit_ns);
    return best;
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    double limit_ns = (argc > 1 ? atof(argv[1]) : 0.05) * 1e9;
    double sum[3] = {0}, bytes = 0;
    corpus_load(&corpus, "", ".sip");
    printf("%-42s %6s %9s %9s %9s\n", "message, best of batches, ns", "bytes", "parse", "+walk",
           "+reply");
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        double ns[3] = {ns_each(stage_parse, text, limit_ns), ns_each(stage_walk, text, limit_ns),
                        ns_each(stage_reply, text, limit_ns)};
        printf("%-42s %6u %9.0f %9.0f %9.0f\n", corpus.file[i].name, text.len, ns[0], ns[1], ns[2]);
        for (int stage = 0; stage < 3; stage++)
            sum[stage] += ns[stage] / corpus.cnt;
        bytes += (double)text.len / corpus.cnt;
    }
    printf("%-42s %6.0f %9.0f %9.0f %9.0f\n", "mean", bytes, sum[0], sum[1], sum[2]);
    return 0;
}
