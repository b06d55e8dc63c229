/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Frames of a packet socket's ring, of PACKET_SZ bytes each, in blocks of one page. */
enum { POOL_CACHE = 256, PACKET_RING = 16384, PACKET_SZ = 2048 };

static bool complain(const char *what, int code)
{
    fprintf(stderr, "bindery-load: %s: %s\n", what, rte_strerror(code < 0 ? -code : code));
    return false;
}

static bool start_eal(const struct wire_options *o)
{
    static char lcores[32], memory[16], vdev[256], prefix[64];
    static char *argv[] = {(char *)"bindery-load",
                           lcores,
                           (char *)"--no-telemetry",
                           (char *)"--no-pci",
                           (char *)"--in-memory",
                           prefix,
                           (char *)"--log-level=*:error",
                           (char *)"-m",
                           memory,
                           vdev,
                           NULL};
    snprintf(lcores, sizeof(lcores), "--lcores=0@%u", o->cpu);
    snprintf(memory, sizeof(memory), "%u", o->memory_mb);
    snprintf(prefix, sizeof(prefix), "--file-prefix=bindery-load-%d", getpid());
    if (o->interface)
        snprintf(vdev, sizeof(vdev),
                 "--vdev=net_af_packet0,iface=%s,blocksz=%u,framesz=%u,framecnt=%u", o->interface,
                 2 * PACKET_SZ, PACKET_SZ, PACKET_RING);
    else
        snprintf(vdev, sizeof(vdev),
                 "--vdev=net_memif0,role=%s,id=0,socket=%s,socket-abstract=no,rsize=%u,"
                 "mac=%02x:%02x:%02x:%02x:%02x:%02x",
                 o->server ? "server" : "client", o->socket, o->ring_log2, o->mac[0], o->mac[1],
                 o->mac[2], o->mac[3], o->mac[4], o->mac[5]);
    int rc = rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv);
    return rc >= 0 || complain("DPDK does not start (free hugepages?)", rte_errno);
}

static struct rte_mempool *make_pool(const char *name)
{
    return rte_pktmbuf_pool_create(name, WIRE_BUFFERS, POOL_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
}

static bool start_port(struct wire *wire, const struct wire_options *o)
{
    struct rte_eth_conf conf = {0};
    uint16_t ring = (uint16_t)(1U << o->ring_log2);
    if (rte_eth_dev_get_port_by_name(o->interface ? "net_af_packet0" : "net_memif0", &wire->port))
        return complain("no port", ENODEV);
    wire->pool = make_pool("load_out");
    struct rte_mempool *in = make_pool("load_in");
    if (!wire->pool || !in)
        return complain("no packet buffers", rte_errno);
    int rc = rte_eth_dev_configure(wire->port, 1, 1, &conf);
    if (rc == 0)
        rc = rte_eth_rx_queue_setup(wire->port, 0, ring, SOCKET_ID_ANY, NULL, in);
    if (rc == 0)
        rc = rte_eth_tx_queue_setup(wire->port, 0, ring, SOCKET_ID_ANY, NULL);
    if (rc == 0)
        rc = rte_eth_dev_start(wire->port);
    return rc == 0 || complain("the port does not start: is the other end there?", rc);
}

bool wire_open(struct wire *wire, const struct wire_options *options, unsigned timeout_s)
{
    *wire = (struct wire){0};
    if (!start_eal(options) || !start_port(wire, options))
        return false;
    for (unsigned ms = 0; ms < timeout_s * 1000; ms++) {
        struct rte_eth_link link;
        if (rte_eth_link_get_nowait(wire->port, &link) == 0 && link.link_status)
            return true;
        rte_delay_us_sleep(1000);
    }
    return complain("the link does not come up", ETIMEDOUT);
}

void wire_close(struct wire *wire)
{
    rte_eth_dev_stop(wire->port);
    rte_eth_dev_close(wire->port);
    rte_eal_cleanup();
}

unsigned wire_room(struct wire *wire, unsigned cnt)
{
    if (wire->out_at < wire->out_cnt || cnt == 0 ||
        rte_pktmbuf_alloc_bulk(wire->pool, wire->out, cnt) != 0)
        return 0;
    wire->out_at = 0;
    wire->out_cnt = cnt;
    return cnt;
}

uint8_t *wire_frame(struct wire *wire, unsigned i, uint32_t len)
{
    struct rte_mbuf *mbuf = wire->out[i];
    mbuf->data_len = (uint16_t)len;
    mbuf->pkt_len = len;
    return rte_pktmbuf_mtod(mbuf, uint8_t *);
}

bool wire_push(struct wire *wire)
{
    unsigned left = wire->out_cnt - wire->out_at;
    if (left == 0)
        return true;
    unsigned n = rte_eth_tx_burst(wire->port, 0, wire->out + wire->out_at, (uint16_t)left);
    wire->out_at += n;
    wire->sent += n;
    wire->refused += n < left;
    return n == left;
}

unsigned wire_drop(struct wire *wire)
{
    unsigned left = wire->out_cnt - wire->out_at;
    rte_pktmbuf_free_bulk(wire->out + wire->out_at, left);
    wire->out_at = wire->out_cnt;
    return left;
}
