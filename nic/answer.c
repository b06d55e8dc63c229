/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "arp.h"
#include "icmp.h"
#include "neighbour.h"
#include "queue.h"

/* The way back to who sent the frame. */
static struct bd_way way_back(const struct bd_port *port, const struct bd_frame *frame)
{
    struct bd_way way = {
        .vlan = port->station.vlan, .from = frame->destination.ip, .to = frame->source.ip};
    memcpy(way.mac_from, port->station.mac, BD_MAC_SZ);
    memcpy(way.mac_to, frame->mac_source, BD_MAC_SZ);
    return way;
}

/* Empties an mbuf and puts a message into it. */
static void refill(struct rte_mbuf *mbuf, const void *message, uint16_t len)
{
    rte_pktmbuf_reset(mbuf);
    memcpy(rte_pktmbuf_append(mbuf, len), message, len);
}

static void emit_arp(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port,
                     struct rte_mbuf *mbuf, const uint8_t *mac_to, const uint8_t *arp)
{
    const struct bd_station *station = &queue->nic->port[port].station;
    struct bd_way way = {.vlan = station->vlan};
    memcpy(way.mac_from, station->mac, BD_MAC_SZ);
    memcpy(way.mac_to, mac_to, BD_MAC_SZ);
    refill(mbuf, arp, BD_ARP_SZ);
    bd_reply_ether(rte_pktmbuf_mtod(mbuf, uint8_t *), BD_ETHERTYPE_ARP, &way);
    rte_pktmbuf_prepend(mbuf, (uint16_t)bd_reply_ether_sz(&way));
    bd_queue_emit(queue, stats, port, mbuf);
}

static enum bd_verdict answer_arp(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                                  unsigned port, struct rte_mbuf *mbuf,
                                  const struct bd_frame *frame)
{
    uint8_t arp[BD_ARP_SZ];
    enum bd_verdict verdict = bd_arp_answer(&queue->nic->port[port].station,
                                            rte_pktmbuf_mtod(mbuf, uint8_t *), frame, arp);
    if (verdict == BD_FRAME_ARP)
        emit_arp(queue, stats, port, mbuf, frame->mac_source, arp);
    else
        rte_pktmbuf_free(mbuf);
    return verdict;
}

/* Echo goes back in the buffer it came in. */
static enum bd_verdict answer_echo(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                                   unsigned port, struct rte_mbuf *mbuf,
                                   const struct bd_frame *frame)
{
    uint8_t *icmp = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, frame->l4_off);
    enum bd_verdict verdict = bd_icmp_echo(icmp, frame);
    if (verdict != BD_FRAME_ICMP_ECHO) {
        rte_pktmbuf_free(mbuf);
        return verdict;
    }
    struct bd_way way = way_back(&queue->nic->port[port], frame);
    mbuf->ol_flags = 0; /* what was said of the frame received */
    rte_pktmbuf_trim(mbuf, (uint16_t)(mbuf->pkt_len - frame->end));
    rte_pktmbuf_adj(mbuf, frame->l4_off);
    bd_queue_send(queue, stats, port, mbuf, frame->v6 ? BD_PROTO_ICMPV6 : BD_PROTO_ICMP,
                  BD_HOP_LIMIT, &way);
    return verdict;
}

static enum bd_verdict answer_icmpv6(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                                     unsigned port, struct rte_mbuf *mbuf,
                                     const struct bd_frame *frame)
{
    uint8_t message[BD_NEIGHBOUR_SZ];
    struct bd_way way;
    enum bd_verdict verdict = bd_neighbour_answer(
        &queue->nic->port[port].station, rte_pktmbuf_mtod(mbuf, uint8_t *), frame, &way, message);
    if (verdict != BD_FRAME_ND)
        return answer_echo(queue, stats, port, mbuf, frame);
    refill(mbuf, message, sizeof(message));
    bd_queue_send(queue, stats, port, mbuf, BD_PROTO_ICMPV6, BD_HOP_LIMIT_ND, &way);
    return verdict;
}

static bool may_send_error(struct bd_nic_queue *queue, uint64_t now_tsc)
{
    enum { TOKENS_MAX = 10 };
    uint64_t period = rte_get_tsc_hz() / 1000, gained = (now_tsc - queue->error_tsc) / period;
    if (gained > 0) {
        uint64_t tokens = queue->error_tokens + gained;
        queue->error_tokens = tokens > TOKENS_MAX ? TOKENS_MAX : (uint32_t)tokens;
        queue->error_tsc += gained * period;
    }
    if (queue->error_tokens == 0)
        return false;
    queue->error_tokens--;
    return true;
}

static void answer_unreachable(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                               unsigned port, const struct rte_mbuf *mbuf,
                               const struct bd_frame *frame, uint64_t now_tsc)
{
    if (!may_send_error(queue, now_tsc))
        return;
    struct rte_mbuf *error = rte_pktmbuf_alloc(queue->nic->reply);
    if (!error)
        return;
    struct bd_way way = way_back(&queue->nic->port[port], frame);
    uint32_t len = bd_icmp_unreachable(rte_pktmbuf_mtod(mbuf, const uint8_t *), frame, &way,
                                       rte_pktmbuf_mtod(error, uint8_t *));
    rte_pktmbuf_append(error, (uint16_t)len);
    bd_queue_send(queue, stats, port, error, frame->v6 ? BD_PROTO_ICMPV6 : BD_PROTO_ICMP,
                  BD_HOP_LIMIT, &way);
}

enum bd_verdict bd_queue_answer(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                                unsigned port, struct rte_mbuf *mbuf, const struct bd_frame *frame,
                                enum bd_verdict verdict, uint64_t now_tsc)
{
    if (verdict == BD_FRAME_UDP_PORT) {
        answer_unreachable(queue, stats, port, mbuf, frame, now_tsc);
        rte_pktmbuf_free(mbuf);
        return verdict;
    }
    switch (frame->kind) {
    case BD_FRAME_IS_ARP:
        return answer_arp(queue, stats, port, mbuf, frame);
    case BD_FRAME_IS_ICMP:
        return answer_echo(queue, stats, port, mbuf, frame);
    default:
        return answer_icmpv6(queue, stats, port, mbuf, frame);
    }
}

static void announce(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port,
                     const struct bd_ip *own)
{
    static const uint8_t everybody[BD_MAC_SZ] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct bd_station *station = &queue->nic->port[port].station;
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(queue->nic->reply);
    if (!mbuf)
        return;
    uint8_t message[BD_NEIGHBOUR_SZ];
    if (bd_ip_is_v4(own)) {
        bd_arp_announce(station, own, message);
        emit_arp(queue, stats, port, mbuf, everybody, message);
        return;
    }
    struct bd_way way;
    bd_neighbour_announce(station, own, &way, message);
    refill(mbuf, message, sizeof(message));
    bd_queue_send(queue, stats, port, mbuf, BD_PROTO_ICMPV6, BD_HOP_LIMIT_ND, &way);
}

void bd_queue_announce(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port)
{
    const struct bd_station *station = &queue->nic->port[port].station;
    for (unsigned i = 0; i < station->address_cnt; i++)
        announce(queue, stats, port, &station->address[i].ip);
}
