/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: what a configured port becomes in DPDK, and who we are on it.
 *
 * Drivers: net_tap, net_af_packet, net_memif, net_af_xdp, net_ring, and physical NICs by PCI
 * address. Physical NICs, and net_af_xdp beyond starting, could not be tried on the machines this
 * was written on; tap, af_packet and memif are tested (tests/e2e/nic). What is peculiar to each:
 *
 * TAP. The interface is the other end of a wire: the kernel's stack is our neighbour. Found out
 * about net_tap of DPDK 22.11:
 *
 * - It opens /dev/net/tun with IFF_TAP | IFF_MULTI_QUEUE. An interface made beforehand is taken
 *   over if it was made so: `ip tuntap add dev NAME mode tap multi_queue`. Without multi_queue the
 *   kernel refuses (EINVAL). It stays when the process ends, killed or not, with its addresses,
 *   routes and MAC; only the carrier goes while nobody holds it. An interface that the driver makes
 *   by itself goes with the process.
 * - It sets the interface's MAC to the one it is given, or to a random one: hence it is given the
 *   MAC that the interface has already. DPDK calls that MAC the port's own, which it cannot be, as
 *   it is our neighbour's. Ours is `mac`, or the interface's with one bit changed; nothing filters
 *   on a tap, so nobody needs to be told.
 * - Stopping or closing the port takes the interface down, and with that its IPv6 addresses: so it
 *   is never stopped; the end of the process lets go of it.
 * - It asks for a realtime signal for each frame that comes in, and looks for frames only after one
 *   came. Signals cost more than looking, and are lost when a thread blocks them: they are switched
 *   off, and the driver then always looks.
 * - The kernel fills in all checksums of what it sends to a tap without vnet_hdr.
 * - With several queues the kernel keeps a flow on the queue that answered it.
 *
 * AF_PACKET. Shares an interface with the kernel, which still answers ARP and ping for addresses
 * that it has itself: ours must not be among them. Senders on the same machine (veth, containers)
 * leave UDP checksums to hardware that is not there: see BD_FRAME_SUM_PARTIAL. Our own
 * transmissions do not come back; other programs' on the same interface do, and are refused by
 * their MAC. net_af_packet always joins a fanout group that lets the kernel reassemble IPv4: frames
 * far above the MTU come, and what does not fit into the ring's frames is cut. Hence the ring has
 * frames of 16 KiB (512 at most, in locked memory, per queue and direction), and each frame is
 * copied at once into a buffer of its size.
 *
 * MEMIF. Shared memory to another process; the frames' MAC is `mac` or the driver's.
 *
 * AF_XDP. Its program stays on the interface when the process ends, as after a kill: taking it off
 * is root's right, and the next start takes it over. Without a process that listens it lets frames
 * pass to the kernel. `ip link set dev NAME xdp off` removes it.
 *
 * RING. A loop back to ourselves.
 *
 * PCI. Checksums and RSS by the NIC as far as it can. */
#ifndef BD_PORT_H
#define BD_PORT_H

#include <stdatomic.h>

#include "config.h"
#include "eal.h"
#include "frame.h"

struct rte_mempool;

struct bd_port {
    uint16_t id; /* DPDK's */
    enum bd_port_driver driver;
    char name[32];   /* ours */
    char device[64]; /* DPDK's */
    uint32_t mtu;
    unsigned hint; /* BD_FRAME_* flags that hold for all frames of this port */
    bool sums_by_port;
    struct bd_station station;
    /* Written by the main thread when the link comes up, read by worker 0, which then announces our
     * addresses. */
    _Atomic uint32_t link_ups;
    bool link;
};

/* Before the EAL starts: looks whether the interface can be had, and writes the --vdev text (empty
 * for PCI). Fails with the remedy: no such interface, taken, no privilege, bad MAC. */
int bd_port_prepare(const struct bd_config *config, unsigned index, struct bd_port *port,
                    char vdev[BD_EAL_VDEV_MAX], struct bd_error *error);

/* After the EAL started: configures one queue per worker and starts the port. */
int bd_port_start(const struct bd_config *config, unsigned index, struct bd_port *port,
                  struct rte_mempool *pool, struct bd_error *error);
void bd_port_stop(struct bd_port *port);

/* Looks at the link; counts link_ups. Called by the main thread, several times a second. */
void bd_port_watch(struct bd_port *port);

/* A file that becomes readable when a frame waits in the queue, or -1. */
int bd_port_fd(const struct bd_port *port, unsigned queue);

/* Bytes that a receive buffer must hold for this port, headroom excluded. */
uint32_t bd_port_buffer_sz(const struct bd_config_port *port);

/* True for a port whose frames come in few, large buffers that must go back soon: see af_packet. */
bool bd_port_lends(const struct bd_config_port *port);
/* A power of two. DPDK wants buffers as large as the ring's frames. */
enum { BD_PORT_LOAN_SZ = 16384 };

const char *bd_port_driver_name(enum bd_port_driver driver);

#endif
