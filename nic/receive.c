/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <time.h>

#include "queue.h"

static void count(struct bd_worker_stats *stats, enum bd_verdict verdict)
{
    bd_stat_add(&stats->verdict[verdict], 1);
}

/* What the port knows of the frame. A sum it calls bad is made again here: then the verdict says
 * which one, and a port that errs harms nobody. */
static struct bd_frame_hint hint_of(const struct bd_port *port, const struct rte_mbuf *mbuf)
{
    struct bd_frame_hint hint = {.flags = port->hint};
    uint64_t flags = mbuf->ol_flags;
    if ((flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
        hint.flags |= BD_FRAME_IP_SUM_GOOD;
    if ((flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
        hint.flags |= BD_FRAME_UDP_SUM_GOOD;
    if (flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
        hint.flags |= BD_FRAME_TAG_STRIPPED;
        hint.tci = mbuf->vlan_tci;
    }
    return hint;
}

/* Some drivers deliver a frame in several buffers, others lend theirs. */
static inline bool is_ours(const struct bd_nic *nic, const struct rte_mbuf *mbuf)
{
    return mbuf->nb_segs == 1 && (!nic->loan || mbuf->pool != nic->loan);
}

/* Copies a frame into one buffer of ours. Takes the mbuf; NULL: the verdict. */
static struct rte_mbuf *bring_home(const struct bd_nic *nic, struct rte_mbuf *mbuf,
                                   enum bd_verdict *verdict)
{
    bool too_large;
    struct rte_mbuf *copy = bd_fragments_copy(mbuf, nic->rx, &too_large);
    if (!copy && too_large)
        copy = bd_fragments_copy(mbuf, nic->whole, &too_large);
    if (copy) {
        copy->ol_flags = mbuf->ol_flags;
        copy->vlan_tci = mbuf->vlan_tci;
    }
    rte_pktmbuf_free(mbuf);
    *verdict = too_large ? BD_FRAME_IP_HEADER : BD_FRAME_NO_MBUF;
    return copy;
}

/* Puts a piece to its siblings. NULL: the verdict, with the mbuf gone; else the whole packet, read
 * anew. */
static struct rte_mbuf *join(struct bd_nic_queue *queue, unsigned port, struct rte_mbuf *mbuf,
                             struct bd_frame_hint hint, struct bd_frame *frame, uint64_t now_tsc,
                             enum bd_verdict *verdict)
{
    struct rte_mbuf *whole;
    *verdict = bd_fragments_add(queue->fragments, mbuf, frame, now_tsc, queue->nic->whole, &whole);
    if (*verdict != BD_VERDICT_NONE)
        return NULL;
    /* Each piece's header was verified, and what the port said of a piece's UDP sum is void. */
    hint.flags = (hint.flags & ~(unsigned)BD_FRAME_UDP_SUM_GOOD) | BD_FRAME_IP_SUM_GOOD;
    *verdict = bd_frame_read(&queue->nic->port[port].station, rte_pktmbuf_mtod(whole, uint8_t *),
                             whole->pkt_len, hint, frame);
    if (*verdict == BD_VERDICT_NONE && frame->kind == BD_FRAME_IS_FRAGMENT)
        *verdict = BD_FRAME_FRAGMENT_BAD; /* fragments of fragments */
    return whole;
}

static void fill(struct bd_datagram *out, const struct bd_nic_queue *queue, unsigned port,
                 struct rte_mbuf *mbuf, const struct bd_frame *frame)
{
    *out = (struct bd_datagram){.mbuf = mbuf,
                                .payload =
                                    rte_pktmbuf_mtod_offset(mbuf, const char *, frame->payload_off),
                                .len = frame->payload_len,
                                .source = frame->source,
                                .local = frame->destination,
                                .port = (uint16_t)port,
                                .vlan = queue->nic->port[port].station.vlan};
    memcpy(out->mac_source, frame->mac_source, BD_MAC_SZ);
}

/* Brings one frame to its end. True: it is a datagram, in *out; else its verdict is counted. */
static bool handle(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port,
                   struct rte_mbuf *mbuf, uint64_t now_tsc, struct bd_datagram *out)
{
    struct bd_frame frame;
    enum bd_verdict verdict;
    if (!is_ours(queue->nic, mbuf) && !(mbuf = bring_home(queue->nic, mbuf, &verdict))) {
        count(stats, verdict);
        return false;
    }
    const struct bd_port *at = &queue->nic->port[port];
    struct bd_frame_hint hint = hint_of(at, mbuf);
    verdict = bd_frame_read(&at->station, rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->data_len, hint,
                            &frame);
    if (verdict == BD_VERDICT_NONE && frame.kind == BD_FRAME_IS_FRAGMENT &&
        !(mbuf = join(queue, port, mbuf, hint, &frame, now_tsc, &verdict))) {
        count(stats, verdict);
        return false;
    }
    if (verdict == BD_VERDICT_NONE && frame.kind == BD_FRAME_IS_UDP) {
        fill(out, queue, port, mbuf, &frame);
        return true;
    }
    if (verdict == BD_VERDICT_NONE || verdict == BD_FRAME_UDP_PORT)
        verdict = bd_queue_answer(queue, stats, port, mbuf, &frame, verdict, now_tsc);
    else
        rte_pktmbuf_free(mbuf);
    count(stats, verdict);
    return false;
}

static unsigned receive_port(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                             unsigned port, uint64_t now_tsc, struct bd_datagram *out,
                             unsigned room)
{
    struct rte_mbuf *mbuf[BD_BURST];
    unsigned n =
        rte_eth_rx_burst(queue->nic->port[port].id, (uint16_t)queue->worker, mbuf, (uint16_t)room);
    if (n == 0)
        return 0;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < n; i++) {
        rte_prefetch0(rte_pktmbuf_mtod(mbuf[i], void *));
        bytes += mbuf[i]->pkt_len;
    }
    bd_stat_add(&stats->counter[BD_CTR_RX_FRAMES], n);
    bd_stat_add(&stats->counter[BD_CTR_RX_BYTES], bytes);
    unsigned datagrams = 0;
    for (unsigned i = 0; i < n; i++)
        datagrams += handle(queue, stats, port, mbuf[i], now_tsc, &out[datagrams]);
    return datagrams;
}

/* Announces our addresses where a link came up. */
static void announce_new(struct bd_nic_queue *queue, struct bd_worker_stats *stats)
{
    for (unsigned port = 0; port < queue->nic->port_cnt; port++) {
        uint32_t ups = atomic_load_explicit(&queue->nic->port[port].link_ups, memory_order_relaxed);
        if (ups != queue->announced[port]) {
            queue->announced[port] = ups;
            bd_queue_announce(queue, stats, port);
        }
    }
}

static unsigned next_port(unsigned port, unsigned ports)
{
    return port + 1 < ports ? port + 1 : 0;
}

unsigned bd_nic_receive(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                        struct bd_datagram out[BD_BURST])
{
    uint64_t now_tsc = rte_rdtsc();
    unsigned n = 0, ports = queue->nic->port_cnt, port = queue->first;
    queue->first = next_port(port, ports);
    if (queue->worker == 0)
        announce_new(queue, stats);
    for (unsigned i = 0; i < ports && n < BD_BURST; i++, port = next_port(port, ports))
        n += receive_port(queue, stats, port, now_tsc, out + n, BD_BURST - n);
    return n;
}

void bd_nic_wait(struct bd_nic_queue *queue, uint32_t timeout_us)
{
    struct timespec time = {.tv_sec = timeout_us / 1000000,
                            .tv_nsec = (long)(timeout_us % 1000000) * 1000};
    int n = ppoll(queue->wake, queue->wake_cnt, &time, NULL);
    for (unsigned i = 0; n > 0 && i < queue->wake_cnt; i++) {
        /* An interface that was taken away is always "ready": sleep all the same. */
        if (queue->wake[i].revents & (POLLERR | POLLHUP | POLLNVAL)) {
            nanosleep(&time, NULL);
            return;
        }
    }
}
