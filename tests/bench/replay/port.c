/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <rte_cycles.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

enum { WINDOW_MAX = 2048, REPLIES = 256, REPLY_MAX = 4000 };

/* The worker knows mbufs as names only; here one is a request or a reply. */
struct rte_mbuf {
    struct bd_nic_queue *queue;
    struct rte_mbuf *next;
    struct replay_ids ids;
    uint32_t len;
    bool is_request;
    char text[];
};

struct stack {
    struct rte_mbuf *top;
};

struct bd_nic_queue {
    /* Written by main before `phase` is raised, by the worker after it was. */
    _Alignas(64) const struct replay_phase *phase;
    struct replay_form form[REPLAY_MAKES];
    struct replay_layout layout[REPLAY_MAKES];
    unsigned index, bits;
    uint32_t share, step, handed, under_way;
    uint64_t turn_tsc;
    bool turn_idle;
    char nc[REPLAY_NC];
    struct bd_endpoint local;
    struct stack requests, replies;
    struct rte_mbuf *sent[REPLIES];
    unsigned sent_cnt;
    uint64_t good;
    bool told; /* one bad reply a queue is shown */
    struct replay_outcome outcome;
    void *memory;
    /* Release by main, acquire by the worker: the phase is whole. */
    _Alignas(64) _Atomic uint32_t begun;
    /* Release by the worker, acquire by main: the outcome is whole. */
    _Alignas(64) _Atomic uint32_t ended;
};

/* --- buffers -------------------------------------------------------------------------------- */

static void push(struct stack *stack, struct rte_mbuf *mbuf)
{
    mbuf->next = stack->top;
    stack->top = mbuf;
}

static struct rte_mbuf *pop(struct stack *stack)
{
    struct rte_mbuf *mbuf = stack->top;
    if (mbuf)
        stack->top = mbuf->next;
    return mbuf;
}

static char *fill_stack(struct bd_nic_queue *queue, struct stack *stack, char *at, unsigned cnt,
                        size_t size, bool is_request)
{
    for (unsigned i = 0; i < cnt; i++, at += size) {
        struct rte_mbuf *mbuf = (struct rte_mbuf *)at;
        *mbuf = (struct rte_mbuf){.queue = queue, .is_request = is_request};
        push(stack, mbuf);
    }
    return at;
}

static size_t buffer_sz(size_t text_sz)
{
    return (sizeof(struct rte_mbuf) + text_sz + 63) & ~(size_t)63;
}

struct bd_nic_queue *replay_queue_new(unsigned index, const struct bd_endpoint *local)
{
    const size_t request_sz = buffer_sz(REPLAY_REQUEST_MAX), reply_sz = buffer_sz(REPLY_MAX);
    struct bd_nic_queue *queue = aligned_alloc(64, sizeof(*queue));
    char *memory = aligned_alloc(64, WINDOW_MAX * request_sz + REPLIES * reply_sz);
    if (!queue || !memory) {
        free(queue);
        free(memory);
        return NULL;
    }
    memset(queue, 0, sizeof(*queue));
    queue->index = index;
    queue->local = *local;
    queue->memory = memory;
    char *at = fill_stack(queue, &queue->requests, memory, WINDOW_MAX, request_sz, true);
    fill_stack(queue, &queue->replies, at, REPLIES, reply_sz, false);
    return queue;
}

void replay_queue_free(struct bd_nic_queue *queue)
{
    if (queue)
        free(queue->memory);
    free(queue);
}

/* --- phases --------------------------------------------------------------------------------- */

void replay_queue_begin(struct bd_nic_queue *queue, const struct replay_phase *phase)
{
    queue->phase = phase;
    queue->share = (phase->bindings + phase->queues - 1 - queue->index) / phase->queues;
    for (queue->bits = 1; 1U << queue->bits < queue->share;)
        queue->bits++;
    queue->step = queue->handed = 0;
    queue->good = 0;
    memset(queue->layout, 0, sizeof(queue->layout));
    for (unsigned make = 0; make < REPLAY_MAKES; make++)
        replay_form_make(&queue->form[make], phase->method, make);
    replay_nc_of(phase->nc, queue->nc);
    queue->outcome = (struct replay_outcome){0};
    atomic_fetch_add_explicit(&queue->begun, 1, memory_order_release);
}

bool replay_queue_ended(const struct bd_nic_queue *queue, struct replay_outcome *outcome)
{
    if (atomic_load_explicit(&queue->ended, memory_order_acquire) !=
        atomic_load_explicit(&queue->begun, memory_order_relaxed))
        return false;
    *outcome = queue->outcome;
    return true;
}

/* A bijection of `bits` bits: the order in which a round asks. */
static uint32_t permute(uint32_t x, unsigned bits, uint32_t round)
{
    uint32_t mask = (1U << bits) - 1;
    x = (x + round * 0x9e3779b9U) & mask;
    for (unsigned i = 0; i < 2; i++) {
        x = x * 0x85ebca6bU & mask;
        x ^= x >> (bits / 2 + 1);
    }
    return x;
}

/* The next subscriber of this queue; there is one. Steps that fall outside are passed over. */
static uint32_t next_number(struct bd_nic_queue *queue)
{
    uint32_t at;
    do
        at = permute(queue->step++, queue->bits, queue->phase->round);
    while (at >= queue->share);
    return at * queue->phase->queues + queue->index;
}

/* --- receive -------------------------------------------------------------------------------- */

static void make_datagram(struct bd_nic_queue *queue, uint32_t number, struct bd_datagram *d)
{
    const struct replay_phase *phase = queue->phase;
    struct rte_mbuf *mbuf = pop(&queue->requests);
    mbuf->ids = replay_ids_of(number, phase->round);
    mbuf->len = replay_request_write(&queue->form[replay_make_of(number)], &mbuf->ids,
                                     phase->credentials ? &phase->credentials[number] : NULL,
                                     queue->nc, mbuf->text);
    *d = (struct bd_datagram){.mbuf = mbuf,
                              .payload = mbuf->text,
                              .len = mbuf->len,
                              .source = {replay_source_of(number), 5060},
                              .local = queue->local};
}

/* Two lines: it would wait for either. */
static void prefetch_credentials(const struct replay_credentials *c)
{
    __builtin_prefetch(c);
    __builtin_prefetch((const char *)(c + 1) - 1);
}

static unsigned room(const struct bd_nic_queue *queue)
{
    uint32_t left = queue->share - queue->handed,
             free_cnt = queue->phase->window - queue->under_way;
    uint32_t cnt = left < free_cnt ? left : free_cnt;
    return cnt < BD_BURST ? cnt : BD_BURST;
}

unsigned bd_nic_receive(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                        struct bd_datagram out[BD_BURST])
{
    if (atomic_load_explicit(&queue->begun, memory_order_acquire) ==
        atomic_load_explicit(&queue->ended, memory_order_relaxed))
        return 0;
    uint64_t begin_tsc = rte_rdtsc();
    if (queue->handed == 0)
        queue->outcome.begin_tsc = begin_tsc;
    unsigned cnt = room(queue);
    uint32_t number[BD_BURST];
    for (unsigned i = 0; i < cnt; i++) {
        number[i] = next_number(queue);
        if (queue->phase->credentials)
            prefetch_credentials(&queue->phase->credentials[number[i]]);
    }
    for (unsigned i = 0; i < cnt; i++)
        make_datagram(queue, number[i], &out[i]);
    queue->handed += cnt;
    queue->under_way += cnt;
    queue->turn_tsc = begin_tsc;
    queue->turn_idle = cnt == 0;
    queue->outcome.tier_tsc += rte_rdtsc() - begin_tsc;
    return cnt;
}

/* --- reply ---------------------------------------------------------------------------------- */

struct rte_mbuf *bd_nic_reply(struct bd_nic_queue *queue, const struct bd_datagram *request,
                              char **payload, uint32_t *cap)
{
    struct rte_mbuf *mbuf = pop(&queue->replies);
    if (mbuf) {
        *payload = mbuf->text;
        *cap = REPLY_MAX;
    }
    return mbuf;
}

static void check(struct bd_nic_queue *queue, struct rte_mbuf *mbuf)
{
    const struct replay_phase *phase = queue->phase;
    const struct bd_str reply = {mbuf->text, mbuf->len};
    const char *nonce = NULL;
    uint32_t number = mbuf->ids.number;
    if (replay_reply_check(&queue->layout[replay_make_of(number)], &mbuf->ids, phase->status,
                           phase->method == REPLAY_INVITE ? BD_STR("INVITE") : BD_STR("REGISTER"),
                           reply, &nonce)) {
        queue->good++;
    } else if (!queue->told) {
        fprintf(stderr, "a wrong reply:\n%.*s\n", (int)reply.len, reply.p);
        queue->told = true;
    }
    if (nonce && phase->credentials)
        memcpy(phase->credentials[number].nonce, nonce, REPLAY_NONCE);
}

static void check_sent(struct bd_nic_queue *queue)
{
    for (unsigned i = 0; i < queue->sent_cnt; i++) {
        check(queue, queue->sent[i]);
        push(&queue->replies, queue->sent[i]);
    }
    queue->sent_cnt = 0;
}

void bd_nic_send(struct bd_nic_queue *queue, struct bd_worker_stats *stats, struct rte_mbuf *mbuf,
                 const struct bd_datagram *request, const struct bd_endpoint *destination,
                 uint32_t len)
{
    mbuf->ids = request->mbuf->ids;
    mbuf->len = len;
    queue->sent[queue->sent_cnt++] = mbuf;
    if (queue->sent_cnt == REPLIES / 2)
        bd_nic_flush(queue, stats);
}

bool bd_nic_can_send(const struct bd_nic_queue *queue, const struct bd_datagram *way,
                     const struct bd_endpoint *destination)
{
    return false; /* control sends nothing here */
}

void bd_nic_drop(struct rte_mbuf *mbuf)
{
    struct bd_nic_queue *queue = mbuf->queue;
    queue->under_way -= mbuf->is_request;
    push(mbuf->is_request ? &queue->requests : &queue->replies, mbuf);
}

static void end_phase(struct bd_nic_queue *queue)
{
    queue->turn_idle = false;
    queue->outcome.end_tsc = rte_rdtsc();
    queue->outcome.sent = queue->handed;
    queue->outcome.failed = queue->handed - queue->good;
    uint32_t begun = atomic_load_explicit(&queue->begun, memory_order_relaxed);
    atomic_store_explicit(&queue->ended, begun, memory_order_release);
}

void bd_nic_flush(struct bd_nic_queue *queue, struct bd_worker_stats *stats)
{
    if (queue->sent_cnt == 0) {
        if (queue->turn_idle)
            queue->outcome.idle_tsc += rte_rdtsc() - queue->turn_tsc;
        return;
    }
    uint64_t begin_tsc = rte_rdtsc();
    queue->turn_idle = false;
    check_sent(queue);
    queue->outcome.tier_tsc += rte_rdtsc() - begin_tsc;
    if (queue->handed == queue->share && queue->under_way == 0)
        end_phase(queue);
}

void bd_nic_wait(struct bd_nic_queue *queue, uint32_t timeout_us)
{
}
