/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_ethdev.h>
#include <rte_ip_frag.h>
#include <rte_mbuf.h>

#include "queue.h"

_Static_assert(BD_HEADERS_MAX <= RTE_PKTMBUF_HEADROOM, "headers are written into the headroom");

/* Sends a port's buffer. A port that takes nothing is not waited for: what it refuses twice is
 * dropped, as a wire would. */
static void flush_port(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port)
{
    struct bd_tx_buffer *tx = &queue->tx[port];
    uint64_t bytes = 0;
    for (unsigned i = 0; i < tx->cnt; i++)
        bytes += tx->mbuf[i]->pkt_len;
    uint16_t id = queue->nic->port[port].id;
    uint16_t sent = rte_eth_tx_burst(id, (uint16_t)queue->worker, tx->mbuf, (uint16_t)tx->cnt);
    if (sent < tx->cnt)
        sent = (uint16_t)(sent + rte_eth_tx_burst(id, (uint16_t)queue->worker, tx->mbuf + sent,
                                                  (uint16_t)(tx->cnt - sent)));
    for (unsigned i = sent; i < tx->cnt; i++) {
        bytes -= tx->mbuf[i]->pkt_len;
        rte_pktmbuf_free(tx->mbuf[i]);
    }
    bd_stat_add(&stats->counter[BD_CTR_TX_FRAMES], sent);
    bd_stat_add(&stats->counter[BD_CTR_TX_BYTES], bytes);
    if (sent < tx->cnt)
        bd_stat_add(&stats->counter[BD_CTR_TX_DROPPED], tx->cnt - sent);
    tx->cnt = 0;
}

void bd_nic_flush(struct bd_nic_queue *queue, struct bd_worker_stats *stats)
{
    for (unsigned port = 0; port < queue->nic->port_cnt; port++) {
        if (queue->tx[port].cnt > 0)
            flush_port(queue, stats, port);
    }
}

void bd_queue_emit(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port,
                   struct rte_mbuf *frame)
{
    struct bd_tx_buffer *tx = &queue->tx[port];
    if (tx->cnt == BD_TX_BUFFER)
        flush_port(queue, stats, port);
    tx->mbuf[tx->cnt++] = frame;
}

static void push_ether(struct rte_mbuf *mbuf, const struct bd_way *way)
{
    bd_reply_ether(rte_pktmbuf_mtod(mbuf, uint8_t *), bd_reply_ethertype(way), way);
    rte_pktmbuf_prepend(mbuf, (uint16_t)bd_reply_ether_sz(way));
}

/* What rte_ip_frag leaves open: the IPv4 header's checksum, and the identification, which for IPv6
 * it would leave at zero for all. */
static void finish_piece(struct rte_mbuf *piece, const struct bd_way *way, uint32_t id)
{
    uint8_t *ip = rte_pktmbuf_mtod(piece, uint8_t *);
    if (bd_ip_is_v4(&way->to))
        bd_reply_ipv4_sum(ip);
    else
        bd_put32(ip + BD_IPV6_SZ + 4, id);
}

/* Cuts an IP packet. Each piece is made contiguous, as not every driver sends chains. */
static void send_pieces(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port,
                        struct rte_mbuf *packet, const struct bd_way *way, uint32_t id)
{
    enum { PIECES_MAX = 32 };
    struct rte_mbuf *piece[PIECES_MAX];
    struct bd_nic *nic = queue->nic;
    uint16_t mtu = (uint16_t)nic->port[port].mtu;
    int n =
        bd_ip_is_v4(&way->to)
            ? rte_ipv4_fragment_packet(packet, piece, PIECES_MAX, mtu, nic->reply, nic->indirect)
            : rte_ipv6_fragment_packet(packet, piece, PIECES_MAX, mtu, nic->reply, nic->indirect);
    rte_pktmbuf_free(packet); /* the pieces hold it */
    if (n < 0)
        bd_stat_add(&stats->counter[BD_CTR_TX_DROPPED], 1);
    for (int i = 0; i < n; i++) {
        if (rte_pktmbuf_linearize(piece[i]) != 0) {
            rte_pktmbuf_free(piece[i]);
            bd_stat_add(&stats->counter[BD_CTR_TX_DROPPED], 1);
            continue;
        }
        finish_piece(piece[i], way, id);
        push_ether(piece[i], way);
        bd_queue_emit(queue, stats, port, piece[i]);
    }
}

static uint32_t next_id(struct bd_nic_queue *queue)
{
    if ((++queue->ip_id & 0xffff) == 0)
        queue->ip_id++;
    return queue->ip_id;
}

static bool fits(const struct bd_nic_queue *queue, unsigned port, const struct bd_way *way,
                 uint32_t len)
{
    return bd_reply_ip_sz(way) + len <= queue->nic->port[port].mtu;
}

void bd_queue_send(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port,
                   struct rte_mbuf *mbuf, uint8_t protocol, uint8_t hop_limit,
                   const struct bd_way *way)
{
    uint32_t len = mbuf->pkt_len, front = bd_reply_ip_sz(way);
    bool whole = fits(queue, port, way, len);
    uint32_t id = whole ? 0 : next_id(queue);
    bool by_port = mbuf->ol_flags & RTE_MBUF_F_TX_IP_CKSUM;
    uint8_t *ip = bd_reply_ip(rte_pktmbuf_mtod(mbuf, uint8_t *), len, protocol, hop_limit,
                              (uint16_t)id, way, by_port ? BD_REPLY_SUMS_PORT : BD_REPLY_SUMS_HERE);
    if (whole) {
        bd_reply_ether(ip, bd_reply_ethertype(way), way);
        front += bd_reply_ether_sz(way);
    }
    rte_pktmbuf_prepend(mbuf, (uint16_t)front);
    if (whole)
        bd_queue_emit(queue, stats, port, mbuf);
    else
        send_pieces(queue, stats, port, mbuf, way, id);
}

struct rte_mbuf *bd_nic_reply(struct bd_nic_queue *queue, const struct bd_datagram *request,
                              char **payload, uint32_t *cap)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(queue->nic->reply);
    if (!mbuf)
        return NULL;
    *payload = rte_pktmbuf_mtod(mbuf, char *);
    *cap = BD_SIP_REPLY_MAX;
    return mbuf;
}

/* Leaves the sums of a datagram that goes in one piece to a port that makes them. */
static enum bd_reply_sums offload(struct rte_mbuf *mbuf, const struct bd_port *port,
                                  const struct bd_way *way, bool whole)
{
    if (!port->sums_by_port || !whole)
        return BD_REPLY_SUMS_HERE;
    mbuf->l2_len = bd_reply_ether_sz(way) & 0x7f;
    mbuf->l3_len = bd_reply_ip_sz(way) & 0x1ff;
    mbuf->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
    mbuf->ol_flags |=
        bd_ip_is_v4(&way->to) ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6;
    return BD_REPLY_SUMS_PORT;
}

void bd_nic_send(struct bd_nic_queue *queue, struct bd_worker_stats *stats, struct rte_mbuf *mbuf,
                 const struct bd_datagram *request, const struct bd_endpoint *destination,
                 uint32_t len)
{
    const struct bd_port *port = &queue->nic->port[request->port];
    struct bd_way way = {.vlan = request->vlan, .from = request->local.ip, .to = destination->ip};
    memcpy(way.mac_from, port->station.mac, BD_MAC_SZ);
    memcpy(way.mac_to, request->mac_source, BD_MAC_SZ);
    rte_pktmbuf_append(mbuf, (uint16_t)len);
    enum bd_reply_sums sums =
        offload(mbuf, port, &way, fits(queue, request->port, &way, len + BD_UDP_SZ));
    bd_reply_udp(rte_pktmbuf_mtod(mbuf, uint8_t *), len, &way, request->local.port,
                 destination->port, sums);
    rte_pktmbuf_prepend(mbuf, BD_UDP_SZ);
    bd_queue_send(queue, stats, request->port, mbuf, BD_PROTO_UDP, BD_HOP_LIMIT, &way);
}

/* The way was learnt by another process at another time: the port may be gone, and the address. */
bool bd_nic_can_send(const struct bd_nic_queue *queue, const struct bd_datagram *way,
                     const struct bd_endpoint *destination)
{
    if (way->port >= queue->nic->port_cnt ||
        bd_ip_is_v4(&way->local.ip) != bd_ip_is_v4(&destination->ip))
        return false;
    const struct bd_station *station = &queue->nic->port[way->port].station;
    for (unsigned i = 0; i < station->address_cnt; i++) {
        if (bd_ip_eq(&station->address[i].ip, &way->local.ip))
            return way->vlan == station->vlan;
    }
    return false;
}

void bd_nic_drop(struct rte_mbuf *mbuf)
{
    rte_pktmbuf_free(mbuf);
}
