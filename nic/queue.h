/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker holds of the ports. Private to nic/. One writer: the worker, except where named. */
#ifndef BD_QUEUE_H
#define BD_QUEUE_H

#include <poll.h>

#include "fragment.h"
#include "nic.h"
#include "port.h"
#include "reply.h"

/* Frames that wait for the end of the turn, per port. */
enum { BD_TX_BUFFER = 2 * BD_BURST };

struct bd_tx_buffer {
    unsigned cnt;
    struct rte_mbuf *mbuf[BD_TX_BUFFER];
};

struct bd_nic_queue {
    struct bd_nic *nic;
    unsigned worker;
    unsigned first; /* the port that the next burst begins with */
    struct bd_fragments *fragments;
    /* ICMP errors: a bucket that holds so many and gains one a millisecond (RFC 1812 4.3.2.8,
     * RFC 4443 2.4 (f)). */
    uint64_t error_tsc;
    uint32_t error_tokens;
    uint32_t ip_id; /* of the next packet that goes in pieces; never 0 */
    uint32_t announced[BD_PORTS_MAX];
    struct pollfd wake[BD_PORTS_MAX];
    unsigned wake_cnt;
    struct bd_tx_buffer tx[BD_PORTS_MAX];
} __attribute__((aligned(64)));

struct bd_nic {
    unsigned worker_cnt, port_cnt;
    struct bd_port port[BD_PORTS_MAX];
    struct rte_mempool *rx;    /* received frames */
    struct rte_mempool *loan;  /* frames of ports that lend (bd_port_lends); NULL: there is none */
    struct rte_mempool *whole; /* reassembled packets */
    struct rte_mempool *reply; /* what we send */
    struct rte_mempool *indirect; /* references while a reply is cut */
    struct bd_nic_queue queue[BD_WORKERS_MAX];
    int (*fn)(void *arg, unsigned worker);
    void *arg;
};

/* Puts IP and Ethernet headers before a transport message, cutting it above the port's MTU, and
 * queues what comes of it. Takes the mbuf, which holds the message and BD_HEADERS_MAX of room. */
void bd_queue_send(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port,
                   struct rte_mbuf *mbuf, uint8_t protocol, uint8_t hop_limit,
                   const struct bd_way *way);
/* Queues a frame. */
void bd_queue_emit(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port,
                   struct rte_mbuf *frame);

/* Tells the neighbours of a port our addresses: gratuitous ARP and unsolicited advertisements. */
void bd_queue_announce(struct bd_nic_queue *queue, struct bd_worker_stats *stats, unsigned port);

/* Deals with a frame that bd_frame_read let pass and that is no datagram, or was BD_FRAME_UDP_PORT.
 * Takes the mbuf; returns the verdict. */
enum bd_verdict bd_queue_answer(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                                unsigned port, struct rte_mbuf *mbuf, const struct bd_frame *frame,
                                enum bd_verdict verdict, uint64_t now_tsc);

#endif
