/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <string.h>
#include <time.h>

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
    bool worked; /* the last turn sent or received something */
    uint64_t busy_tsc;
};

void run_init(struct run *run, struct wire *wire, double threshold_s, unsigned window)
{
    memset(run, 0, sizeof(*run));
    run->wire = wire;
    run->tsc_hz = (double)rte_get_tsc_hz();
    run->threshold_s = threshold_s;
    run->window = window;
    run->sequence = FIRST_SEQUENCE;
    rest_init(&run->rest, rte_get_tsc_hz());
}

static struct run_slot *slot_of(struct run *run, uint64_t sequence)
{
    return &run->slot[sequence & (RUN_SLOTS - 1)];
}

static struct phone_request request_of(const struct run_slot *slot)
{
    return phone_request_of(slot->user, digits_decimal8(slot->cseq), slot->sequence);
}

static bool over(const struct state *s)
{
    return s->outcome->sent == s->plan->cnt || (s->outcome->failed > 0 && !s->plan->to_the_end);
}

/* --- sending ---------------------------------------------------------------------------------- */

enum { BATCH = 16 }; /* as many as md5_lanes makes at once */

static uint64_t meant_tsc(const struct state *s, uint64_t request)
{
    return s->start_tsc + (uint64_t)((double)request * s->tsc_per_request);
}

/* How many attempts are due and may begin. */
static unsigned due(const struct state *s)
{
    uint64_t left = s->plan->cnt - s->outcome->sent;
    unsigned n = 0;
    while (n < BATCH && n < left && s->under_way + n < s->run->window &&
           meant_tsc(s, s->outcome->sent + n) <= s->now_tsc)
        n++;
    return over(s) ? 0 : n;
}

static struct run_slot new_attempt(struct state *s)
{
    const struct run_plan *plan = s->plan;
    struct run_slot slot = {.meant_tsc = meant_tsc(s, s->outcome->sent)};
    slot.user = digits_decimal8(plan->first + (uint32_t)order_next(plan->order));
    slot.pass = plan->order->pass;
    slot.cseq = plan->cseq + 2 * slot.pass;
    s->outcome->sent++;
    s->under_way++;
    return slot;
}

static struct run_slot second_request(struct run_challenged *challenged)
{
    struct run_slot slot = challenged->slot[challenged->taken++ & (RUN_SLOTS - 1)];
    slot.second = true;
    slot.cseq++;
    return slot;
}

static uint32_t phone_of(const struct state *s, uint64_t user)
{
    return digits_undecimal8(user) - s->plan->first;
}

static void authenticate(struct state *s, const struct run_slot *slot,
                         struct phone_request *request, unsigned cnt)
{
    uint32_t phone[BATCH];
    for (unsigned i = 0; i < cnt; i++) {
        phone[i] = phone_of(s, slot[i].user);
        request[i].field[PHONE_NC] = digits_hex8(s->plan->nc + slot[i].pass);
    }
    digest_answer(s->plan->digest, request, phone, cnt);
}

/* Sends up to BATCH requests of one kind: their slots come without a sequence. */
static void send_batch(struct state *s, struct run_slot *slot, unsigned cnt)
{
    const struct run_kind *kind = &s->plan->kind[slot[0].second];
    struct phone_request request[BATCH];
    for (unsigned i = 0; i < cnt; i++) {
        slot[i].sequence = s->run->sequence++;
        *slot_of(s->run, slot[i].sequence) = slot[i];
        request[i] = request_of(&slot[i]);
    }
    if (kind->authenticates)
        authenticate(s, slot, request, cnt);
    for (unsigned i = 0; i < cnt; i++) {
        const struct phone_form *form = &kind->form[phone_make_of(slot[i].user)];
        phone_write(form, &request[i], wire_frame(s->run->wire, i, form->len));
    }
    wire_push(s->run->wire);
}

/* Answers go first. give_up() has made room for a batch. Whether anything was sent. */
static bool send_due(struct state *s)
{
    struct run_challenged *challenged = &s->run->challenged;
    unsigned answers = (unsigned)RTE_MIN(challenged->put - challenged->taken, (uint64_t)BATCH);
    unsigned cnt = answers ? answers : due(s);
    struct run_slot slot[BATCH];
    if (cnt == 0 || !wire_push(s->run->wire) || wire_room(s->run->wire, cnt) == 0) {
        wire_push(s->run->wire);
        return false;
    }
    for (unsigned i = 0; i < cnt; i++)
        slot[i] = answers ? second_request(challenged) : new_attempt(s);
    send_batch(s, slot, cnt);
    return true;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* An attempt has ended. */
static void judge(struct state *s, const struct run_slot *slot, enum check_verdict verdict,
                  const uint8_t *frame, uint32_t len)
{
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
    s->under_way--;
}

static void take(struct state *s, const struct rte_mbuf *mbuf)
{
    const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
    uint32_t len = mbuf->data_len;
    uint64_t sequence = check_sequence(frame, len);
    struct run_slot *slot = slot_of(s->run, sequence);
    if (sequence == 0 || slot->sequence != sequence) {
        s->outcome->strange += sequence != 0;
        return;
    }
    const struct run_kind *kind = &s->plan->kind[slot->second];
    struct phone_request request = request_of(slot);
    enum check_verdict verdict = check_reply(kind->check, &request, frame, len);
    slot->sequence = 0;
    if (verdict == CHECK_RIGHT && kind->learns &&
        !digest_learn(s->plan->digest, phone_of(s, slot->user), frame, len))
        verdict = CHECK_FIELD;
    if (verdict == CHECK_RIGHT && s->plan->both && !slot->second)
        s->run->challenged.slot[s->run->challenged.put++ & (RUN_SLOTS - 1)] = *slot;
    else
        judge(s, slot, verdict, frame, len);
}

static bool receive(struct state *s)
{
    struct rte_mbuf *mbuf[2 * WIRE_BURST];
    unsigned n = rte_eth_rx_burst(s->run->wire->port, 0, mbuf, 2 * WIRE_BURST);
    if (n == 0)
        return false;
    s->run->wire->received += n;
    for (unsigned i = 0; i < n; i++)
        take(s, mbuf[i]);
    rte_pktmbuf_free_bulk(mbuf, n);
    return true;
}

/* Gives up the oldest attempts when their time is over, or as many as there are slots have
 * overtaken them: it was lost, and what comes next need not wait for it. */
static void give_up(struct state *s, uint64_t patience_tsc)
{
    for (; s->oldest < s->run->sequence; s->oldest++) {
        struct run_slot *slot = slot_of(s->run, s->oldest);
        if (slot->sequence != s->oldest)
            continue;
        if (s->now_tsc < slot->meant_tsc + patience_tsc &&
            s->run->sequence + BATCH <= s->oldest + RUN_SLOTS)
            return;
        slot->sequence = 0;
        s->under_way--;
        s->outcome->lost++;
        s->outcome->failed++;
    }
}

/* --- the run ---------------------------------------------------------------------------------- */

static uint64_t read_slowly(const struct run_plan *plan)
{
    const struct check *second = plan->kind[1].check;
    return plan->kind[0].check->slow + (second ? second->slow : 0);
}

static void turn(struct state *s)
{
    uint64_t now = rte_rdtsc(), stall = now - s->now_tsc;
    s->now_tsc = now;
    if ((double)stall * s->ns_per_tsc > (double)s->outcome->stall_ns)
        s->outcome->stall_ns = (uint64_t)((double)stall * s->ns_per_tsc);
    s->busy_tsc += s->worked ? stall : 0;
    s->worked = receive(s);
    give_up(s, 2 * s->threshold_tsc);
    s->worked |= send_due(s);
    /* What it takes beyond its time is a stall like others; none of it is work. */
    if (rest_if_due(&s->run->rest, now))
        s->worked = false;
}

/* A worker whose core was taken away is only known to have waited when it has it back: kernels
 * since 6.12 take 50 ms at once. And its overload control sheds for two thirds of a second after a
 * rate that was too much (overload.c), at whatever rate comes next. */
static void let_worker_return(void)
{
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
}

static uint64_t behind_ns(const struct state *s)
{
    uint64_t last = s->outcome->sent > 0 ? meant_tsc(s, s->outcome->sent - 1) : s->now_tsc;
    return (uint64_t)((double)(s->now_tsc - last) * s->ns_per_tsc);
}

enum { BEHIND_MAX_NS = 10000000 };

void run_execute(struct run *run, const struct run_plan *plan, struct run_outcome *outcome)
{
    *outcome = (struct run_outcome){0};
    struct state s = {.run = run,
                      .plan = plan,
                      .outcome = outcome,
                      .threshold_tsc = (uint64_t)(run->threshold_s * run->tsc_hz),
                      .tsc_per_request = run->tsc_hz / (double)plan->rate,
                      .ns_per_tsc = 1e9 / run->tsc_hz};
    uint64_t waited_ns = watch_waited_ns(&run->watch), stolen_ns = watch_stolen_ns();
    uint64_t slow = read_slowly(plan);
    s.now_tsc = s.start_tsc = rte_rdtsc();
    s.oldest = run->sequence;
    /* A ring that takes nothing any more must not hold us for ever. */
    uint64_t patience_tsc = 2 * s.threshold_tsc + (uint64_t)run->tsc_hz;
    while (!over(&s) && s.now_tsc < meant_tsc(&s, outcome->sent) + patience_tsc)
        turn(&s);
    while (s.under_way > 0)
        turn(&s);
    outcome->seconds = (double)(s.now_tsc - s.start_tsc) / run->tsc_hz;
    outcome->behind_ns = behind_ns(&s);
    outcome->read_slowly = read_slowly(plan) - slow;
    outcome->busy_percent = (unsigned)(100 * s.busy_tsc / (s.now_tsc - s.start_tsc + 1));
    if (outcome->failed > 0 || outcome->behind_ns > BEHIND_MAX_NS)
        let_worker_return();
    outcome->worker_wait_ns = watch_waited_ns(&run->watch) - waited_ns;
    outcome->stolen_ns = watch_stolen_ns() - stolen_ns;
}

bool run_succeeded(const struct run_plan *plan, const struct run_outcome *outcome)
{
    return outcome->right == plan->cnt;
}

bool run_kept_rate(const struct run_plan *plan, const struct run_outcome *outcome)
{
    return run_succeeded(plan, outcome) && outcome->behind_ns <= BEHIND_MAX_NS;
}

enum { STALL_MAX_NS = 1000000 };

/* More than a hundredth of the time. An idle core's own interrupts take some ten microseconds at a
 * time, and far less than that in all. */
static bool is_much(uint64_t ns, const struct run_outcome *outcome)
{
    return ns > STALL_MAX_NS && (double)ns > outcome->seconds * 1e7;
}

bool run_was_disturbed(const struct run_outcome *outcome)
{
    return outcome->stall_ns > STALL_MAX_NS || is_much(outcome->worker_wait_ns, outcome) ||
           is_much(outcome->stolen_ns, outcome);
}
