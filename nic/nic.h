/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and frames: everything between the wire and a UDP payload. Knows no SIP.
 *
 *   rx burst > Ethernet/802.1Q > IPv4/IPv6 > reassembly > ours? > UDP > datagram
 *   datagram  > UDP/IP/Ethernet headers to the request's link-layer source > tx burst
 *
 * ARP, neighbour discovery and echo for the appliance's own addresses are answered on the way. One
 * queue per worker; a queue is used by its worker only. Nothing here blocks, allocates from the
 * heap or calls the system on the packet path. */
#ifndef BD_NIC_H
#define BD_NIC_H

#include "config.h"
#include "ip.h"
#include "stats.h"

struct rte_mbuf;
struct bd_nic;       /* the process's ports */
struct bd_nic_queue; /* one worker's view: its queue on every port, reassembly table, tx buffers */

/* Starts the EAL (always --no-pci unless a port names a PCI address, which then is the only one
 * allowed) and the ports of the configuration. Fails with what, where, remedy: no hugepages, no
 * privilege, no such interface, interface taken, no such PCI device, more queues than the port has.
 */
struct bd_nic *bd_nic_start(const struct bd_config *config, struct bd_error *error);
void bd_nic_stop(struct bd_nic *nic);
/* Starts fn(arg, worker) on each worker's lcore and returns at once. 0, or -1 if it runs already.
 * The workers' threads have the signal mask that the caller of bd_nic_start had then. */
int bd_nic_launch(struct bd_nic *nic, int (*fn)(void *arg, unsigned worker), void *arg);
/* Returns when all have returned: 0, or what the first of them that failed returned. Sleeps, and
 * calls bd_nic_watch meanwhile. */
int bd_nic_join(struct bd_nic *nic);
/* Looks at the ports' links; a link that came up makes worker 0 announce our addresses on it. For a
 * main thread that does not sit in bd_nic_join: call it some times a second. */
void bd_nic_watch(struct bd_nic *nic);

struct bd_nic_queue *bd_nic_queue_of(struct bd_nic *nic, unsigned worker);

/* A UDP datagram for one of our listen endpoints. */
struct bd_datagram {
    struct rte_mbuf *mbuf; /* keeps the payload; the caller owns it until sent or dropped */
    const char *payload;   /* contiguous, also after reassembly */
    uint32_t len;
    struct bd_endpoint source, local;
    /* The way back, so a reply can be made when the mbuf is gone. */
    uint8_t mac_source[6];
    uint16_t port; /* nic port index */
    uint16_t vlan; /* the port's tag, 0 for none */
};

/* One turn: receives up to BD_BURST frames over the queue's ports, deals with all that is not ours
 * to parse (verdicts counted in stats), and returns the datagrams. */
unsigned bd_nic_receive(struct bd_nic_queue *queue, struct bd_worker_stats *stats,
                        struct bd_datagram out[BD_BURST]);

/* A buffer for a reply of up to BD_SIP_REPLY_MAX bytes to go where `request` came from. NULL: no
 * buffers. Write at *payload, then send, or drop. */
struct rte_mbuf *bd_nic_reply(struct bd_nic_queue *queue, const struct bd_datagram *request,
                              char **payload, uint32_t *cap);
/* Puts UDP/IP/Ethernet headers before the payload (fragmenting above the MTU) and queues it.
 * destination is a UDP endpoint of the family of request->local; the frame goes to the link-layer
 * source of the request. Takes the mbuf. */
void bd_nic_send(struct bd_nic_queue *queue, struct bd_worker_stats *stats, struct rte_mbuf *mbuf,
                 const struct bd_datagram *request, const struct bd_endpoint *destination,
                 uint32_t len);
/* Whether a datagram that answers no frame at hand can go that way: `way` says local address,
 * station to send to, port and tag; mbuf and payload are not looked at. True: bd_nic_reply and
 * bd_nic_send take it as the request. */
bool bd_nic_can_send(const struct bd_nic_queue *queue, const struct bd_datagram *way,
                     const struct bd_endpoint *destination);
void bd_nic_drop(struct rte_mbuf *mbuf);
/* Sends what is queued; call at the end of each turn. */
void bd_nic_flush(struct bd_nic_queue *queue, struct bd_worker_stats *stats);

/* Sleeps until a frame waits on one of the queue's ports, at most timeout_us; ends early on a
 * signal. For `poll: adaptive`, after some turns with nothing to do. Only tap ports can wake the
 * sleeper; for others the whole time passes, and the timeout is the latency they get. */
void bd_nic_wait(struct bd_nic_queue *queue, uint32_t timeout_us);

/* For `show info`: one line per port, "NAME DRIVER MAC LINK ...". */
unsigned bd_nic_describe(const struct bd_nic *nic, char *out, size_t out_sz);

#endif
