/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports once the EAL has made them; port_prepare.c is what comes before. */
#include "port.h"

#include <fcntl.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <signal.h>
#include <time.h>

const char *bd_port_driver_name(enum bd_port_driver driver)
{
    static const char *const names[] = {
        [BD_PORT_TAP] = "tap",     [BD_PORT_AF_PACKET] = "af_packet",
        [BD_PORT_MEMIF] = "memif", [BD_PORT_AF_XDP] = "af_xdp",
        [BD_PORT_PCI] = "pci",     [BD_PORT_RING] = "ring"};
    return names[driver];
}

static int find_device(struct bd_port *port, struct bd_error *error)
{
    if (rte_eth_dev_get_port_by_name(port->device, &port->id) == 0)
        return 0;
    if (port->driver == BD_PORT_PCI)
        return bd_fail(error,
                       "port %s: DPDK finds no NIC at PCI address %s: is it there (`lspci -D`) and "
                       "bound to vfio-pci (`dpdk-devbind.py --bind=vfio-pci %s`)? %s",
                       port->name, port->device, port->device, bd_eal_last_error());
    return bd_fail(error, "port %s: DPDK did not make %s: %s", port->name, port->device,
                   bd_eal_last_error());
}

static int failed(const struct bd_port *port, const char *what, int code, struct bd_error *error)
{
    return bd_fail(error, "port %s (%s): %s: %s. %s", port->name, port->device, what,
                   rte_strerror(-code), bd_eal_last_error());
}

static int check_queues(const struct bd_port *port, unsigned workers,
                        const struct rte_eth_dev_info *info, struct bd_error *error)
{
    unsigned most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);
    if (workers <= most)
        return 0;
    return bd_fail(error,
                   "port %s (%s): has %u queues, %u workers need one each: lower "
                   "dataplane.workers",
                   port->name, port->device, most, workers);
}

/* Offloads and RSS are asked of physical NICs only: what virtual ports offer of them is software
 * that does the same work as ours, per frame, in another place. */
static void choose_offloads(struct bd_port *port, unsigned workers,
                            const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
    const uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
    const uint64_t tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
    if (port->driver == BD_PORT_TAP)
        conf->intr_conf.rxq = 1; /* gives the queue's file to sleep on */
    if (port->driver != BD_PORT_PCI)
        return;
    conf->rxmode.offloads = rx & info->rx_offload_capa;
    if ((info->tx_offload_capa & tx) == tx) {
        conf->txmode.offloads = tx;
        port->sums_by_port = true;
    }
    if (workers > 1) {
        conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf->rx_adv_conf.rss_conf.rss_hf =
            (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP) & info->flow_type_rss_offloads;
    }
}

static int set_up_queues(const struct bd_config *config, const struct bd_config_port *from,
                         const struct bd_port *port, struct rte_mempool *pool,
                         struct bd_error *error)
{
    uint16_t rx = (uint16_t)from->rx_descriptors, tx = (uint16_t)from->tx_descriptors;
    int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);
    if (rc != 0)
        return failed(port, "cannot have rx_descriptors or tx_descriptors as configured", rc,
                      error);
    int socket = rte_eth_dev_socket_id(port->id);
    for (uint16_t q = 0; q < config->workers; q++) {
        rc = rte_eth_rx_queue_setup(port->id, q, rx, (unsigned)socket, NULL, pool);
        if (rc == 0)
            rc = rte_eth_tx_queue_setup(port->id, q, tx, (unsigned)socket, NULL);
        if (rc != 0)
            return failed(port, "cannot set up a queue", rc, error);
    }
    return 0;
}

/* The MTU of a packet socket's interface is the operator's, and was looked at; net_af_packet
 * believes that it cannot be above 1,500, and carries it all the same. */
static int set_mtu(struct bd_port *port, struct bd_error *error)
{
    if (port->driver == BD_PORT_AF_PACKET)
        return 0;
    int rc = rte_eth_dev_set_mtu(port->id, (uint16_t)port->mtu);
    return rc == 0 || rc == -ENOTSUP ? 0 : failed(port, "cannot set mtu", rc, error);
}

/* Our MAC is the configured one or the port's; a port that cannot filter for ours gets all. */
static int settle_mac(const struct bd_config_port *from, struct bd_port *port,
                      struct bd_error *error)
{
    struct rte_ether_addr own;
    if (port->driver == BD_PORT_TAP)
        return 0;
    int rc = rte_eth_macaddr_get(port->id, &own);
    if (rc != 0)
        return failed(port, "cannot learn its MAC", rc, error);
    if (!from->mac) {
        static const uint8_t loop[BD_MAC_SZ] = {0x02, 0xbd, 0, 0, 0, 1};
        memcpy(port->station.mac, rte_is_zero_ether_addr(&own) ? loop : own.addr_bytes, BD_MAC_SZ);
    } else if (memcmp(own.addr_bytes, port->station.mac, BD_MAC_SZ) != 0) {
        memcpy(own.addr_bytes, port->station.mac, BD_MAC_SZ);
        if (port->driver != BD_PORT_PCI || rte_eth_dev_default_mac_addr_set(port->id, &own) != 0)
            rte_eth_promiscuous_enable(port->id);
    }
    /* Solicited-node groups. A port that cannot be told is one that does not filter. */
    rte_eth_allmulticast_enable(port->id);
    return 0;
}

/* Switches off the driver's signal for each frame. One that came already must not be delivered, or
 * the driver would wait for the next: it is taken from the queue unseen, here and nowhere else. The
 * caller blocked them before the driver began. */
static void silence_tap(const struct bd_port *port, unsigned workers)
{
    sigset_t realtime;
    sigemptyset(&realtime);
    for (int s = SIGRTMIN; s <= SIGRTMAX; s++)
        sigaddset(&realtime, s);
    for (unsigned q = 0; q < workers; q++) {
        int fd = rte_eth_dev_rx_intr_ctl_q_get_fd(port->id, (uint16_t)q);
        int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
        if (flags != -1)
            fcntl(fd, F_SETFL, flags & ~O_ASYNC);
    }
    while (sigtimedwait(&realtime, NULL, &(struct timespec){0}) > 0)
        ;
}

int bd_port_start(const struct bd_config *config, unsigned index, struct bd_port *port,
                  struct rte_mempool *pool, struct bd_error *error)
{
    const struct bd_config_port *from = &config->ports[index];
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf = {.rxmode.mtu = port->driver == BD_PORT_AF_PACKET ? 0 : port->mtu};
    if (find_device(port, error) != 0)
        return -1;
    int rc = rte_eth_dev_info_get(port->id, &info);
    if (rc != 0)
        return failed(port, "cannot be asked", rc, error);
    if (check_queues(port, config->workers, &info, error) != 0)
        return -1;
    choose_offloads(port, config->workers, &info, &conf);
    rc = rte_eth_dev_configure(port->id, (uint16_t)config->workers, (uint16_t)config->workers,
                               &conf);
    if (rc != 0)
        return failed(port, "cannot be configured", rc, error);
    if (set_mtu(port, error) != 0 || set_up_queues(config, from, port, pool, error) != 0 ||
        settle_mac(from, port, error) != 0)
        return -1;
    rc = rte_eth_dev_start(port->id);
    if (rc != 0)
        return failed(port,
                      port->driver == BD_PORT_MEMIF && !from->memif_server
                          ? "cannot be started: does the memif server run?"
                          : "cannot be started",
                      rc, error);
    if (port->driver == BD_PORT_TAP)
        silence_tap(port, config->workers);
    return 0;
}

void bd_port_stop(struct bd_port *port)
{
    if (port->driver == BD_PORT_TAP || port->driver == BD_PORT_AF_XDP) /* see the header */
        return;
    rte_eth_dev_stop(port->id);
    rte_eth_dev_close(port->id);
}

void bd_port_watch(struct bd_port *port)
{
    struct rte_eth_link link;
    bool up = rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
    if (up && !port->link)
        atomic_fetch_add_explicit(&port->link_ups, 1, memory_order_relaxed);
    port->link = up;
}

int bd_port_fd(const struct bd_port *port, unsigned queue)
{
    if (port->driver != BD_PORT_TAP)
        return -1;
    return rte_eth_dev_rx_intr_ctl_q_get_fd(port->id, (uint16_t)queue);
}
