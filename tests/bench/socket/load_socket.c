/* SPDX-License-Identifier: BSD-3-Clause */
/* A load generator of kernel sockets, for a registrar of any make: REGISTERs of 600 bytes over UDP,
 * one thread, every reply checked.
 *
 *   load_socket fill       [OPTIONS]   registers all addresses of record once
 *   load_socket register   [OPTIONS]   the highest rate of initial registrations without a failure
 *   load_socket reregister [OPTIONS]   the same for refreshes; fills first
 *   load_socket trial      [OPTIONS]   refreshes at --start for --seconds, no search; fills first
 *   load_socket outage     [OPTIONS]   the same, whatever fails, and the longest time without reply
 *   load_socket first      [OPTIONS]   waits for the first 200 to a refresh of one AoR
 *
 *   --server IP:PORT  --from IP:PORT    default 198.18.0.1:5060 and 198.18.0.2:5062
 *   --aors N      addresses of record, default 100000
 *   --first N     number of the first one, default 0
 *   --seconds S   length of the trial that confirms a rate, default 5; a tenth of that for those
 *                 that search
 *   --start R     rate to begin the search with, default 50000
 *   --since NS    (first) CLOCK_REALTIME that the time is counted from
 *   --cseq N      (first) of the first request, default 1: before all that the other commands send
 *   --poll        carries what the interface has received into the socket itself, whenever it looks
 *                 for a reply, instead of being interrupted for that (SO_BUSY_POLL)
 *
 * The search is that of RFC 7502 4.10 with r = --start, w = 1 and d = w / 2, which fall to 0.02
 * instead of 0.10 so that the answer is finer; it has converged when a rate that is not above the
 * best one was reached three times. The rate found must then hold for the whole of --seconds; while
 * it does not, it is lowered by 3 %. Registration uses new addresses of record in each trial, so
 * that none is a refresh. Prints lines of key=value. */
#include "message.h"
#include "trial.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BUFFER_SZ = 8 << 20, CONVERGED = 3, TRIALS_MAX = 60 };

/* A trial whose last request went out later than by this part of it and this time, some slices of
 * the scheduler, was not at its rate: the generator is the limit. The rate that is printed is that
 * of what went out. */
static const double late_max = 0.05, late_max_s = 0.02;

struct bench {
    struct plan plan;
    bool initial; /* each request for an address of record that is not registered yet */
    double seconds, start;
    uint64_t since_ns;
    uint32_t cseq;
    bool poll;
    uint32_t registered;
    bool generator_late; /* what ended the last trial that failed */
    struct outcome outcome;
};

static struct sockaddr_in endpoint(const char *text)
{
    char host[64];
    unsigned port;
    struct sockaddr_in sin = {.sin_family = AF_INET};
    if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || port > 65535 ||
        inet_pton(AF_INET, host, &sin.sin_addr) != 1) {
        fprintf(stderr, "load_socket: %s is not IP:PORT\n", text);
        exit(2);
    }
    sin.sin_port = htons((uint16_t)port);
    return sin;
}

static int open_socket(const struct sockaddr_in *from, const struct sockaddr_in *server)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), size = BUFFER_SZ, on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
        setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
        bind(fd, (const struct sockaddr *)from, sizeof(*from)) ||
        connect(fd, (const struct sockaddr *)server, sizeof(*server))) {
        perror("load_socket: socket");
        exit(1);
    }
    return fd;
}

/* As long as somebody looks, the interface interrupts nobody; if not, after its gro_flush_timeout.
 */
static void poll_interface(int fd)
{
    enum { PATIENCE_US = 1, BUDGET = 64 };
    int us = PATIENCE_US, budget = BUDGET, on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &on, sizeof(on)) ||
        setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof(us)) ||
        setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget))) {
        perror("load_socket: --poll");
        exit(1);
    }
}

/* A run's first CSeq is above all of earlier runs: they grow with the time, a hundred a second. */
static uint32_t first_cseq(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t hundredths = (uint64_t)now.tv_sec * 100 + (uint64_t)now.tv_nsec / 10000000;
    return (uint32_t)(10000000 + hundredths % 80000000);
}

/* --- rates ------------------------------------------------------------------------------------ */

/* One trial. Returns whether every request was accepted, at that rate. */
static bool reached(struct bench *b, double rate_per_s, double seconds)
{
    struct plan *p = &b->plan;
    p->trial++;
    p->rate_per_s = rate_per_s;
    p->requests = (uint64_t)(rate_per_s * seconds) + 1;
    if (b->initial) {
        p->first = b->registered;
        p->cnt = (uint32_t)p->requests;
        b->registered += p->cnt;
    }
    trial_run(p, &b->outcome);
    p->cseq += (uint32_t)(p->requests / p->cnt) + 1;
    bool late = (double)b->outcome.late_ns > (late_max * seconds + late_max_s) * 1e9;
    bool whole = b->outcome.accepted == p->requests && b->outcome.wrong == 0 && !late;
    if (!whole)
        b->generator_late = late || b->outcome.overflow_cnt;
    fprintf(stderr,
            "%8.0f/s %7.0f ms  %llu of %llu accepted, %llu wrong, %u lost here, %.1f ms late%s\n",
            rate_per_s, seconds * 1e3, (unsigned long long)b->outcome.accepted,
            (unsigned long long)p->requests, (unsigned long long)b->outcome.wrong,
            b->outcome.overflow_cnt, (double)b->outcome.late_ns / 1e6, whole ? "" : "  FAILED");
    return whole;
}

/* RFC 7502 4.10. */
static double search(struct bench *b)
{
    double r = b->start, w = 1, d = 0.5, best = 0;
    for (int count = 0, trials = 0; count < CONVERGED && trials < TRIALS_MAX; trials++) {
        if (reached(b, r, b->seconds / 5)) {
            if (r > best)
                best = r;
            else
                count++;
            r += w * r;
        } else {
            r -= d * r;
            d = d / 2 < 0.02 ? 0.02 : d / 2;
            w = w / 2 < 0.02 ? 0.02 : w / 2;
        }
        if (r < 100)
            return 0;
    }
    return best;
}

static double confirmed(struct bench *b, double rate_per_s)
{
    while (rate_per_s >= 100 && !reached(b, rate_per_s, b->seconds))
        rate_per_s *= 0.97;
    return rate_per_s;
}

static void print_latency(struct bench *b, const char *op, double rate_per_s, int percent)
{
    const struct outcome *o = &b->outcome;
    if (percent < 100)
        reached(b, rate_per_s * percent / 100, b->seconds / 2);
    printf("op=%s load=%d rate=%.0f sent=%llu failed=%llu p50_ns=%llu p90_ns=%llu p99_ns=%llu "
           "p999_ns=%llu max_ns=%llu limit=%s\n",
           op, percent, o->rate_per_s, (unsigned long long)o->sent,
           (unsigned long long)(b->plan.requests - o->accepted + o->wrong),
           (unsigned long long)outcome_quantile(o, 0.5),
           (unsigned long long)outcome_quantile(o, 0.9),
           (unsigned long long)outcome_quantile(o, 0.99),
           (unsigned long long)outcome_quantile(o, 0.999), (unsigned long long)o->latency_max_ns,
           b->generator_late ? "generator" : "server");
}

static int fill(struct bench *b)
{
    struct plan *p = &b->plan;
    uint64_t begin = now_ns();
    p->trial++;
    p->requests = p->cnt;
    p->rate_per_s = 0;
    if (!trial_fill(p))
        return 1;
    p->cseq++;
    b->registered = p->cnt;
    fprintf(stderr, "registered %u in %.1f s\n", p->cnt, (double)(now_ns() - begin) / 1e9);
    return 0;
}

static int rate(struct bench *b, const char *op)
{
    /* Fewer than 100: there is no server worth the name. */
    double found = confirmed(b, search(b));
    if (found < 100) {
        fprintf(stderr, "load_socket: no rate without a failure was found\n");
        return 1;
    }
    bool generator_late = b->generator_late;
    print_latency(b, op, found, 100);
    for (int i = 0; i < 3 && !b->initial; i++) {
        b->generator_late = generator_late;
        print_latency(b, op, found, (const int[]){10, 50, 90}[i]);
    }
    printf("op=table aors=%u\n", b->initial ? b->registered : b->plan.cnt);
    return 0;
}

static int trial(struct bench *b)
{
    bool whole = reached(b, b->start, b->seconds);
    print_latency(b, "trial", b->start, 100);
    return whole ? 0 : 1;
}

static int outage(struct bench *b)
{
    const struct outcome *o = &b->outcome;
    reached(b, b->start, b->seconds);
    printf("op=outage rate=%.0f sent=%llu accepted=%llu wrong=%llu gap_ms=%.1f\n", o->rate_per_s,
           (unsigned long long)o->sent, (unsigned long long)o->accepted,
           (unsigned long long)o->wrong, (double)o->gap_ns / 1e6);
    return 0;
}

/* --- the first answer after a restart --------------------------------------------------------- */

static int first(struct bench *b)
{
    b->plan.cnt = 1;
    b->plan.requests = 1;
    b->plan.rate_per_s = 0;
    for (b->plan.cseq = b->cseq;; b->plan.cseq++, b->plan.trial++) {
        struct timespec now;
        bool answered = trial_first(&b->plan);
        clock_gettime(CLOCK_REALTIME, &now);
        if (!b->since_ns)
            b->since_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
        double s = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)b->since_ns / 1e9;
        if (answered) {
            printf("op=first seconds=%.4f\n", s);
            return 0;
        }
        if (s > b->seconds) {
            fprintf(stderr, "load_socket: no answer within %.0f s\n", b->seconds);
            return 1;
        }
    }
}

static void options(struct bench *b, int argc, char **argv)
{
    static const struct option known[] = {
        {"server", 1, 0, 's'},  {"from", 1, 0, 'f'},  {"aors", 1, 0, 'a'},  {"first", 1, 0, 'n'},
        {"seconds", 1, 0, 't'}, {"start", 1, 0, 'r'}, {"since", 1, 0, 'b'}, {"cseq", 1, 0, 'c'},
        {"poll", 0, 0, 'p'},    {NULL, 0, 0, 0}};
    struct sockaddr_in server = endpoint("198.18.0.1:5060"), from = endpoint("198.18.0.2:5062");
    char host[INET_ADDRSTRLEN];
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 's':
            server = endpoint(optarg);
            break;
        case 'f':
            from = endpoint(optarg);
            break;
        case 'a':
            b->plan.cnt = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'n':
            b->plan.first = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 't':
            b->seconds = atof(optarg);
            break;
        case 'r':
            b->start = atof(optarg);
            break;
        case 'b':
            b->since_ns = strtoull(optarg, NULL, 10);
            break;
        case 'c':
            b->cseq = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'p':
            b->poll = true;
            break;
        default:
            exit(2);
        }
    }
    if (b->plan.cnt < 1 || b->plan.cnt > 90000000 || b->seconds <= 0 || b->start < 100)
        exit(2);
    inet_ntop(AF_INET, &from.sin_addr, host, sizeof(host));
    message_prepare(host, ntohs(from.sin_port), 3600);
    b->plan.fd = open_socket(&from, &server);
    if (b->poll)
        poll_interface(b->plan.fd);
    b->plan.cseq = first_cseq();
}

int main(int argc, char **argv)
{
    static struct bench b = {.plan = {.cnt = 100000}, .seconds = 5, .start = 50000, .cseq = 1};
    const char *verb = argc > 1 ? argv[1] : "";
    options(&b, argc, argv);
    if (strcmp(verb, "fill") == 0)
        return fill(&b);
    if (strcmp(verb, "first") == 0)
        return first(&b);
    if (strcmp(verb, "register") == 0) {
        b.initial = true;
        return rate(&b, verb);
    }
    if (strcmp(verb, "reregister") == 0)
        return fill(&b) ? 1 : rate(&b, verb);
    if (strcmp(verb, "trial") == 0)
        return fill(&b) ? 1 : trial(&b);
    if (strcmp(verb, "outage") == 0)
        return fill(&b) ? 1 : outage(&b);
    fprintf(stderr, "usage: load_socket fill|register|reregister|trial|outage|first [OPTIONS]\n");
    return 2;
}
