/* SPDX-License-Identifier: BSD-3-Clause */
#include "trial.h"

#include "message.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* What one system call sends (the kernel cuts it into datagrams) and receives: single replies, or
 * trains of those of one length, which the kernel puts together. A train has room for the longest
 * datagram, and begins in other sets of the caches than the next one. */
enum { SEND_MAX = 64, TRAINS_MAX = 64, TRAIN_SZ = 65536 + 640, FILL_WINDOW = 1024 };
/* Replies fetched at once from which on they are put together, and below which they no longer are:
 * the kernel waits for more of what it has begun, up to 4 ms. */
enum { GATHER_FROM = TRAINS_MAX, GATHER_UNTIL = 16 };
enum { CONTROL_SZ = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t)) };

/* T1 of RFC 3261: a phone that has no answer by then sends again, so that one is a failure. */
static const uint64_t patience_ns = 500000000;
static const uint64_t first_wait_ns = 500000;
/* Filling is no measurement: a server that had no core for a while may be late. */
static const uint64_t fill_patience_ns = 10000000000;

struct run {
    const struct plan *plan;
    struct outcome *outcome;
    uint8_t *answered; /* one a request */
    bool gathers;      /* UDP_GRO is on */
    uint64_t stride;   /* coprime to the number of AoRs: scatters them */
    uint64_t begin_ns;
    uint64_t reply_ns;       /* when the last one came */
    uint32_t overflow_cnt;   /* replies lost at the socket, in all trials */
    uint32_t overflow_begin; /* before this one */
    char out[SEND_MAX][REQUEST_SZ];
    char in[TRAINS_MAX][TRAIN_SZ];
    struct mmsghdr message[TRAINS_MAX];
    struct iovec piece[TRAINS_MAX];
    _Alignas(struct cmsghdr) char control[TRAINS_MAX][CONTROL_SZ];
};

uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* --- latency: 64 buckets for each power of two ------------------------------------------------ */

static unsigned bucket_of(uint64_t ns)
{
    unsigned shift = ns < 64 ? 0 : 63 - 6 - (unsigned)__builtin_clzll(ns);
    return ns < 64 ? (unsigned)ns : shift * 64 + 64 + (unsigned)(ns >> shift & 63);
}

static uint64_t bucket_top_ns(unsigned bucket)
{
    return bucket < 64 ? bucket : (uint64_t)(64 + bucket % 64 + 1) << (bucket / 64 - 1);
}

uint64_t outcome_quantile(const struct outcome *o, double fraction)
{
    uint64_t rank = (uint64_t)((double)o->accepted * fraction), seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += o->latency_cnt[i];
        if (seen > rank)
            return bucket_top_ns(i) < o->latency_max_ns ? bucket_top_ns(i) : o->latency_max_ns;
    }
    return o->latency_max_ns;
}

/* --- requests --------------------------------------------------------------------------------- */

static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b ? gcd(b, a % b) : a;
}

static uint64_t scatter(uint64_t cnt)
{
    uint64_t stride = (uint64_t)((double)cnt * 0.6180339887) | 1;
    while (gcd(stride, cnt) != 1)
        stride += 2;
    return stride;
}

static struct register_id id_of(const struct run *run, uint64_t seq)
{
    const struct plan *p = run->plan;
    return (struct register_id){.branch = (uint64_t)p->trial << 48 | seq,
                                .index = p->first +
                                         (uint32_t)((unsigned __int128)seq * run->stride % p->cnt),
                                .cseq = p->cseq + (uint32_t)(seq / p->cnt)};
}

/* One datagram for each of n requests, by one call. */
static bool send_requests(struct run *run, unsigned n)
{
    struct iovec piece = {run->out, n * (size_t)REQUEST_SZ};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *segment = CMSG_FIRSTHDR(&message);
    segment->cmsg_level = IPPROTO_UDP;
    segment->cmsg_type = UDP_SEGMENT;
    segment->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    memcpy(CMSG_DATA(segment), &(uint16_t){REQUEST_SZ}, sizeof(uint16_t));
    if (sendmsg(run->plan->fd, &message, MSG_DONTWAIT) >= 0)
        return true;
    /* Nobody listens (yet): what was asked for is lost, as on any wire. */
    if (errno == ECONNREFUSED)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS)
        return false;
    perror("sendmsg");
    exit(1);
}

static uint64_t due_ns(const struct run *run, uint64_t seq)
{
    return run->begin_ns + (uint64_t)((double)seq * 1e9 / run->plan->rate_per_s);
}

/* Sends up to SEND_MAX of those that are due. */
static void offer(struct run *run, uint64_t now)
{
    const struct plan *p = run->plan;
    struct outcome *o = run->outcome;
    uint64_t due = (uint64_t)((double)(now - run->begin_ns) * p->rate_per_s / 1e9) + 1;
    uint64_t n = (due < p->requests ? due : p->requests) - o->sent;
    if (n > SEND_MAX)
        n = SEND_MAX;
    for (unsigned i = 0; i < n; i++) {
        struct register_id id = id_of(run, o->sent + i);
        message_write(run->out[i], &id);
    }
    if (n && send_requests(run, (unsigned)n))
        o->sent += n;
}

/* --- replies ---------------------------------------------------------------------------------- */

/* The first one's status line is kept. */
static void note_wrong(struct outcome *o, const char *reply, size_t len)
{
    const char *end = memchr(reply, '\r', len);
    if (o->wrong++ == 0)
        snprintf(o->first_wrong, sizeof(o->first_wrong), "%.*s", end ? (int)(end - reply) : 0,
                 reply);
}

static bool is_overload(const char *reply, size_t len)
{
    static const char status[] = "SIP/2.0 503 ";
    return len >= sizeof(status) - 1 && memcmp(reply, status, sizeof(status) - 1) == 0;
}

static void judge(struct run *run, const char *reply, size_t len, uint64_t now)
{
    struct outcome *o = run->outcome;
    uint64_t branch, seq;
    if (!message_branch(reply, len, &branch)) {
        o->wrong++;
        return;
    }
    /* Of an earlier trial, which has counted it as missing. */
    if (branch >> 48 != run->plan->trial)
        return;
    seq = branch & ((1ULL << 48) - 1);
    struct register_id id = id_of(run, seq);
    /* While the table is filled, what seemed lost or was too much is sent again: it may be answered
     * twice. */
    if (run->plan->rate_per_s <= 0 && seq < run->plan->requests &&
        (run->answered[seq] || is_overload(reply, len)))
        return;
    if (seq >= run->plan->requests || run->answered[seq] || !message_accepted(reply, len, &id)) {
        note_wrong(o, reply, len);
        return;
    }
    run->answered[seq] = 1;
    if (now - run->reply_ns > o->gap_ns)
        o->gap_ns = now - run->reply_ns;
    run->reply_ns = now;
    uint64_t ns = run->plan->rate_per_s > 0 ? now - due_ns(run, seq) : 0;
    if (ns > patience_ns) {
        o->wrong++;
        return;
    }
    o->accepted++;
    if (run->plan->rate_per_s > 0) {
        o->latency_cnt[bucket_of(ns)]++;
        if (ns > o->latency_max_ns)
            o->latency_max_ns = ns;
    }
}

/* What the kernel says beside a train: the length of each reply in it but the last, and how many
 * replies the socket had no room for since it was opened. */
static void read_control(struct run *run, struct msghdr *message, size_t *reply_len)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        int len;
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&len, CMSG_DATA(c), sizeof(len));
            *reply_len = (size_t)len;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&run->overflow_cnt, CMSG_DATA(c), sizeof(run->overflow_cnt));
        }
    }
}

static void gather(struct run *run, bool on)
{
    int value = on;
    if (on != run->gathers &&
        setsockopt(run->plan->fd, IPPROTO_UDP, UDP_GRO, &value, sizeof(value))) {
        perror("UDP_GRO");
        exit(1);
    }
    run->gathers = on;
}

static unsigned receive(struct run *run)
{
    for (unsigned i = 0; i < TRAINS_MAX; i++)
        run->message[i].msg_hdr.msg_controllen = CONTROL_SZ;
    int n = recvmmsg(run->plan->fd, run->message, TRAINS_MAX, MSG_DONTWAIT, NULL);
    unsigned replies = 0;
    uint64_t now = n > 0 ? now_ns() : 0;
    for (int i = 0; i < n; i++) {
        size_t len = run->message[i].msg_len, reply_len = len;
        read_control(run, &run->message[i].msg_hdr, &reply_len);
        for (size_t at = 0; at < len; at += reply_len, replies++)
            judge(run, run->in[i] + at, len - at < reply_len ? len - at : reply_len, now);
    }
    gather(run, replies >= (run->gathers ? GATHER_UNTIL : GATHER_FROM));
    return replies;
}

/* --- trials ----------------------------------------------------------------------------------- */

static struct run *run_begin(const struct plan *plan, struct outcome *outcome)
{
    static struct run run;
    memset(outcome, 0, sizeof(*outcome));
    run.plan = plan;
    run.outcome = outcome;
    run.stride = scatter(plan->cnt);
    run.answered = calloc(plan->requests, 1);
    if (!run.answered) {
        perror("calloc");
        exit(1);
    }
    for (unsigned i = 0; i < TRAINS_MAX; i++) {
        run.piece[i] = (struct iovec){run.in[i], TRAIN_SZ};
        run.message[i].msg_hdr = (struct msghdr){
            .msg_iov = &run.piece[i], .msg_iovlen = 1, .msg_control = run.control[i]};
    }
    run.overflow_begin = run.overflow_cnt;
    run.begin_ns = run.reply_ns = now_ns();
    return &run;
}

void trial_run(const struct plan *plan, struct outcome *outcome)
{
    struct run *run = run_begin(plan, outcome);
    uint64_t sign_ns = run->begin_ns, sent_ns = 0;
    while (outcome->accepted < plan->requests) {
        uint64_t now = now_ns();
        if (outcome->sent < plan->requests) {
            offer(run, now);
            sign_ns = now;
            if (outcome->sent == plan->requests)
                sent_ns = now_ns();
        }
        if (receive(run))
            sign_ns = now;
        else if (now - sign_ns > patience_ns)
            break;
    }
    uint64_t planned_ns = due_ns(run, plan->requests - 1);
    outcome->late_ns = sent_ns > planned_ns ? sent_ns - planned_ns : 0;
    outcome->overflow_cnt = run->overflow_cnt - run->overflow_begin;
    outcome->rate_per_s = (double)plan->requests * 1e9 / (double)(sent_ns - run->begin_ns);
    free(run->answered);
}

/* Sends what has no answer yet, never more than a window at a time. */
static void fill_pass(struct run *run)
{
    uint64_t next = 0, open = 0, sign_ns = now_ns();
    while ((next < run->plan->requests || open) && !run->outcome->wrong) {
        uint64_t before = run->outcome->accepted;
        unsigned n = 0;
        for (; n < SEND_MAX && open + n < FILL_WINDOW && next < run->plan->requests; next++) {
            struct register_id id = id_of(run, next);
            if (!run->answered[next])
                message_write(run->out[n++], &id);
        }
        while (n && !send_requests(run, n))
            receive(run);
        open += n;
        uint64_t now = now_ns();
        if (receive(run))
            sign_ns = now;
        uint64_t gone = run->outcome->accepted - before;
        open -= gone < open ? gone : open;
        if (now - sign_ns > patience_ns / 10) {
            open = 0; /* lost: the next pass repeats them */
            sign_ns = now;
        }
    }
}

bool trial_fill(const struct plan *plan)
{
    static struct outcome outcome;
    struct run *run = run_begin(plan, &outcome);
    uint64_t sign_ns = now_ns();
    while (!outcome.wrong && outcome.accepted < plan->requests &&
           now_ns() - sign_ns < fill_patience_ns) {
        uint64_t before = outcome.accepted;
        fill_pass(run);
        if (outcome.accepted > before)
            sign_ns = now_ns();
    }
    free(run->answered);
    if (outcome.accepted < plan->requests)
        fprintf(stderr, "load_socket: %llu of %llu registered, %llu replies were wrong: %s\n",
                (unsigned long long)outcome.accepted, (unsigned long long)plan->requests,
                (unsigned long long)outcome.wrong, outcome.first_wrong);
    return outcome.accepted == plan->requests;
}

bool trial_first(const struct plan *plan)
{
    static struct outcome outcome;
    struct run *run = run_begin(plan, &outcome);
    struct register_id id = id_of(run, 0);
    message_write(run->out[0], &id);
    send_requests(run, 1);
    while (!outcome.accepted && now_ns() - run->begin_ns < first_wait_ns)
        receive(run);
    free(run->answered);
    return outcome.accepted;
}
