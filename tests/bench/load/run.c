/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <string.h>

#include "digits.h"

/* No eight decimal digits look like the first half of it: see check.c. */
#define FIRST_SEQUENCE 0xb100000000000000ULL

/* A run under way. */
struct state {
    struct run *run;
    const struct run_plan *plan;
    struct run_outcome *outcome;
    uint64_t start_tsc, now_tsc, threshold_tsc;
    double tsc_per_request, ns_per_tsc;
    uint64_t oldest; /* no attempt before it is under way */
    unsigned under_way;
};

void run_init(struct run *run, struct wire *wire, double threshold_s, unsigned window)
{
    memset(run, 0, sizeof(*run));
    run->wire = wire;
    run->tsc_hz = (double)rte_get_tsc_hz();
    run->threshold_s = threshold_s;
    run->window = window;
    run->sequence = FIRST_SEQUENCE;
}

static struct run_slot *slot_of(struct run *run, uint64_t sequence)
{
    return &run->slot[sequence & (RUN_SLOTS - 1)];
}

static bool over(const struct state *s)
{
    return s->outcome->sent == s->plan->cnt || (s->outcome->failed > 0 && !s->plan->to_the_end);
}

/* --- sending ---------------------------------------------------------------------------------- */

static uint64_t meant_tsc(const struct state *s, uint64_t request)
{
    return s->start_tsc + (uint64_t)((double)request * s->tsc_per_request);
}

static void write_request(struct state *s, unsigned i)
{
    struct run *run = s->run;
    const struct run_plan *plan = s->plan;
    uint32_t number = plan->first + (uint32_t)order_next(plan->order);
    struct run_slot *slot = slot_of(run, run->sequence);
    *slot = (struct run_slot){.sequence = run->sequence,
                              .meant_tsc = meant_tsc(s, s->outcome->sent),
                              .user = digits_decimal8(number),
                              .cseq = digits_decimal8(plan->cseq + plan->order->pass)};
    struct phone_request request = phone_request_of(slot->user, slot->cseq, slot->sequence);
    const struct phone_form *form = &plan->form[phone_make_of(slot->user)];
    phone_write(form, &request, wire_frame(run->wire, i, form->len));
    run->sequence++;
    s->outcome->sent++;
    s->under_way++;
}

/* How many are due and may go; a slot whose attempt still waits holds up those behind it. */
static unsigned due(const struct state *s)
{
    uint64_t left = s->plan->cnt - s->outcome->sent;
    unsigned n = 0;
    while (n < WIRE_BURST && n < left && s->under_way + n < s->run->window &&
           meant_tsc(s, s->outcome->sent + n) <= s->now_tsc &&
           slot_of(s->run, s->run->sequence + n)->sequence == 0)
        n++;
    return n;
}

static void send_due(struct state *s)
{
    if (!wire_push(s->run->wire) || over(s))
        return;
    unsigned n = wire_room(s->run->wire, due(s));
    for (unsigned i = 0; i < n; i++)
        write_request(s, i);
    wire_push(s->run->wire);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void judge(struct state *s, const struct run_slot *slot, const uint8_t *frame, uint32_t len)
{
    struct phone_request request = phone_request_of(slot->user, slot->cseq, slot->sequence);
    enum check_verdict verdict = check_reply(s->plan->check, &request, frame, len);
    uint64_t waited = s->now_tsc - slot->meant_tsc;
    bool late = waited > s->threshold_tsc;
    histogram_add(&s->outcome->latency, (uint64_t)((double)waited * s->ns_per_tsc));
    if (verdict == CHECK_STATUS && s->outcome->wrong[CHECK_STATUS] == 0)
        s->outcome->first_status = check_status(frame, len);
    s->outcome->wrong[verdict] += verdict != CHECK_RIGHT;
    s->outcome->late += verdict == CHECK_RIGHT && late;
    if (verdict == CHECK_RIGHT && !late)
        s->outcome->right++;
    else
        s->outcome->failed++;
}

static void take(struct state *s, const struct rte_mbuf *mbuf)
{
    const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
    uint64_t sequence = check_sequence(frame, mbuf->data_len);
    struct run_slot *slot = slot_of(s->run, sequence);
    if (sequence == 0 || slot->sequence != sequence) {
        s->outcome->strange += sequence != 0;
        return;
    }
    judge(s, slot, frame, mbuf->data_len);
    slot->sequence = 0;
    s->under_way--;
}

static void receive(struct state *s)
{
    struct rte_mbuf *mbuf[2 * WIRE_BURST];
    unsigned n = rte_eth_rx_burst(s->run->wire->port, 0, mbuf, 2 * WIRE_BURST);
    if (n == 0)
        return;
    s->run->wire->received += n;
    for (unsigned i = 0; i < n; i++)
        take(s, mbuf[i]);
    rte_pktmbuf_free_bulk(mbuf, n);
}

/* Gives up the oldest attempts when their time is over. */
static void give_up(struct state *s, uint64_t patience_tsc)
{
    for (; s->oldest < s->run->sequence; s->oldest++) {
        struct run_slot *slot = slot_of(s->run, s->oldest);
        if (slot->sequence != s->oldest)
            continue;
        if (s->now_tsc < slot->meant_tsc + patience_tsc)
            return;
        slot->sequence = 0;
        s->under_way--;
        s->outcome->lost++;
        s->outcome->failed++;
    }
}

/* --- the run ---------------------------------------------------------------------------------- */

static void turn(struct state *s)
{
    uint64_t now = rte_rdtsc(), stall = now - s->now_tsc;
    s->now_tsc = now;
    if ((double)stall * s->ns_per_tsc > (double)s->outcome->stall_ns)
        s->outcome->stall_ns = (uint64_t)((double)stall * s->ns_per_tsc);
    receive(s);
    give_up(s, 2 * s->threshold_tsc);
    send_due(s);
}

void run_execute(struct run *run, const struct run_plan *plan, struct run_outcome *outcome)
{
    *outcome = (struct run_outcome){0};
    struct state s = {.run = run,
                      .plan = plan,
                      .outcome = outcome,
                      .threshold_tsc = (uint64_t)(run->threshold_s * run->tsc_hz),
                      .tsc_per_request = run->tsc_hz / (double)plan->rate,
                      .ns_per_tsc = 1e9 / run->tsc_hz};
    s.now_tsc = s.start_tsc = rte_rdtsc();
    s.oldest = run->sequence;
    /* A ring that takes nothing any more must not hold us for ever. */
    uint64_t patience_tsc = 2 * s.threshold_tsc + (uint64_t)run->tsc_hz;
    while (!over(&s) && s.now_tsc < meant_tsc(&s, outcome->sent) + patience_tsc)
        turn(&s);
    while (s.under_way > 0)
        turn(&s);
    outcome->seconds = (double)(s.now_tsc - s.start_tsc) / run->tsc_hz;
}
