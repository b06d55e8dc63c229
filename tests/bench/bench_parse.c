/* SPDX-License-Identifier: BSD-3-Clause */
/* What one message costs on one core: bd_message_parse() alone; with what a registrar walks besides
 * (Contacts, credentials, AoR); and with the reply written.
 *
 *     bench_parse [SECONDS PER MESSAGE AND STAGE, default 0.05]
 *
 * First each message of the corpus for itself, again and again ("hot"), a line each. Then messages
 * of many makes, each of them different, in bursts of 32 that have just been copied from elsewhere,
 * as a port does ("varied"): once from the whole corpus of 450 to 950 bytes, once those of about
 * 600. The lines of the summary are for programs too:
 *
 *     parse WHICH bytes N hot NS varied NS varied_contact NS varied_walk NS
 *
 * Run on an idle machine, pinned: taskset -c 1. */
#include "limits.h"
#include "varied.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum stage { PARSE, CONTACT, WALK, REPLY, STAGES };
static struct bd_message burst[BD_BURST];
/* What was computed goes here, so that the compiler cannot leave it out. */
static volatile uint64_t sink;

static void walk_contacts(const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_CONTACT);
    struct bd_contact contact;
    while (bd_contact_next(&list, &contact))
        sink += contact.q_milli;
}

static void walk_rest(const struct bd_message *m)
{
    struct bd_credentials credentials;
    char key[BD_AOR_MAX];
    const struct bd_header *h = bd_header_first(m, BD_HDR_AUTHORIZATION);
    if (h)
        sink += (uint64_t)bd_credentials_parse(h->value, &credentials);
    sink += bd_aor_canonical(&m->to.uri, BD_STR_NULL, false, key, sizeof(key));
}

static void reply(const struct bd_message *m)
{
    char out[BD_SIP_REPLY_MAX];
    struct bd_endpoint source = {.port = 5060};
    struct bd_wire w = bd_wire_init(out, sizeof(out));
    bd_reply_begin(&w, m, 200, BD_STR("OK"), BD_STR("0123456789abcdef"), &source);
    bd_reply_end(&w);
    sink += bd_wire_len(&w);
}

static void run(struct bd_message *m, struct bd_str text, enum stage stage)
{
    sink += (uint64_t)bd_message_parse(m, text.p, text.len);
    if (stage >= CONTACT)
        walk_contacts(m);
    if (stage >= WALK)
        walk_rest(m);
    if (stage >= REPLY)
        reply(m);
}

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double hot_ns(struct bd_str text, enum stage stage, double limit_ns)
{
    enum { BATCH = 1000 };
    double best = 1e18, begin = now_ns();
    do {
        double t = now_ns();
        for (int i = 0; i < BATCH; i++)
            run(&burst[0], text, stage);
        t = (now_ns() - t) / BATCH;
        if (t < best)
            best = t;
    } while (now_ns() - begin < limit_ns);
    return best;
}

/* One round over all messages; only what is done with them is timed, not how they get there. */
static double varied_round_ns(const struct varied *varied, enum stage stage)
{
    static char frame[BD_BURST][VARIED_SLOT];
    double sum = 0;
    for (unsigned i = 0; i < VARIED_CNT; i += BD_BURST) {
        for (unsigned k = 0; k < BD_BURST; k++)
            memcpy(frame[k], varied->text[i + k], varied->len[i + k]);
        double t = now_ns();
        for (unsigned k = 0; k < BD_BURST; k++)
            run(&burst[k], (struct bd_str){frame[k], varied->len[i + k]}, stage);
        sum += now_ns() - t;
    }
    return sum / VARIED_CNT;
}

static double varied_ns(const struct varied *varied, enum stage stage, double limit_ns)
{
    double best = 1e18, begin = now_ns();
    do {
        double t = varied_round_ns(varied, stage);
        if (t < best)
            best = t;
    } while (now_ns() - begin < limit_ns);
    return best;
}

static void varied_line(const struct corpus *corpus, const char *name, uint32_t min, uint32_t max,
                        double limit_ns)
{
    static struct varied varied;
    double bytes = 0, hot = 0, cnt = 0;
    varied_fill(&varied, corpus, min, max, 0x9e3779b97f4a7c15);
    for (unsigned i = 0; i < VARIED_CNT; i++)
        bytes += (double)varied.len[i] / VARIED_CNT;
    for (unsigned i = 0; i < corpus->cnt; i++) {
        struct bd_str text = corpus->file[i].text;
        if (text.len >= min && text.len <= max) {
            hot += hot_ns(text, PARSE, limit_ns);
            cnt++;
        }
    }
    printf("parse %s bytes %.0f hot %.0f varied %.0f varied_contact %.0f varied_walk %.0f\n", name,
           bytes, hot / cnt, varied_ns(&varied, PARSE, 10 * limit_ns),
           varied_ns(&varied, CONTACT, 10 * limit_ns), varied_ns(&varied, WALK, 10 * limit_ns));
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    double limit_ns = (argc > 1 ? atof(argv[1]) : 0.05) * 1e9;
    corpus_load(&corpus, "", ".sip");
    printf("%-42s %6s %9s %9s %9s %9s\n", "message, hot, best of batches, ns", "bytes", "parse",
           "+contact", "+walk", "+reply");
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        printf("%-42s %6u", corpus.file[i].name, text.len);
        for (int stage = PARSE; stage < STAGES; stage++)
            printf(" %9.0f", hot_ns(text, (enum stage)stage, limit_ns));
        printf("\n");
    }
    varied_line(&corpus, "corpus", 450, 950, limit_ns);
    varied_line(&corpus, "600", 500, 700, limit_ns);
    return 0;
}
