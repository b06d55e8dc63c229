/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_random.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "queue.h"

enum {
    POOL_CACHE = 256,
    REPLY_ROOM = BD_SIP_REPLY_MAX + BD_HEADERS_MAX,
    /* All that 8 pieces of an Ethernet can make, so that even a message too large for the parser is
     * seen and refused by name. */
    WHOLE_ROOM = BD_FRAGMENT_PIECES_MAX * 1500 + 256,
    WHOLE_PER_WORKER_MAX = 512,
    LOANS_PER_PORT = 2 * BD_BURST, /* a burst, and one in the making */
    INDIRECT_PER_WORKER = 64
};

/* --- buffers -------------------------------------------------------------------------------- */

struct buffer_counts {
    uint32_t rx, whole, loan, reply, indirect;
    uint32_t rx_room;
    uint64_t fragment_tables_sz;
};

static uint32_t fragments_per_worker(const struct bd_config *config)
{
    uint32_t n = config->fragments_max / config->workers;
    return n ? n : 1;
}

/* What the ports, the reassembly and the bursts under way can hold at once, at least. */
static uint32_t rx_least(const struct bd_config *config)
{
    uint32_t descriptors = 0;
    for (unsigned i = 0; i < config->port_cnt; i++)
        descriptors += config->ports[i].rx_descriptors;
    return config->workers * (descriptors + POOL_CACHE * 3 / 2 + 2 * BD_BURST +
                              fragments_per_worker(config) * BD_FRAGMENT_PIECES_MAX);
}

static struct buffer_counts count_buffers(const struct bd_config *config)
{
    struct buffer_counts n = {.rx = config->mbufs};
    uint32_t tx = 0;
    for (unsigned i = 0; i < config->port_cnt; i++) {
        tx += config->ports[i].tx_descriptors + BD_TX_BUFFER;
        n.loan += bd_port_lends(&config->ports[i]) ? config->workers * LOANS_PER_PORT : 0;
        n.rx_room = RTE_MAX(n.rx_room, bd_port_buffer_sz(&config->ports[i]));
    }
    n.whole = config->workers *
              RTE_MIN(WHOLE_PER_WORKER_MAX, fragments_per_worker(config) + 2 * BD_BURST);
    n.fragment_tables_sz = (uint64_t)config->workers * fragments_per_worker(config) * 2048;
    n.reply = config->workers * (tx + POOL_CACHE * 3 / 2 + 2 * BD_BURST);
    n.indirect = config->workers * INDIRECT_PER_WORKER;
    return n;
}

/* Of the pools alone. */
static uint32_t pools_mb(const struct buffer_counts *n)
{
    enum { OVERHEAD = sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM + 128 };
    uint64_t bytes = (uint64_t)n->rx * (n->rx_room + OVERHEAD) +
                     (uint64_t)n->whole * (WHOLE_ROOM + OVERHEAD) +
                     (uint64_t)n->loan * (BD_PORT_LOAN_SZ + OVERHEAD) +
                     (uint64_t)n->reply * (REPLY_ROOM + OVERHEAD) + n->fragment_tables_sz;
    return (uint32_t)(bytes >> 20) + 1;
}

/* And what drivers and the EAL take themselves. */
static uint32_t buffers_mb(const struct buffer_counts *n)
{
    return pools_mb(n) + 15;
}

static struct rte_mempool *make_pool(const char *name, uint32_t n, uint32_t cache, uint32_t room)
{
    uint16_t sz = (uint16_t)(room ? room + RTE_PKTMBUF_HEADROOM : 0);
    return rte_pktmbuf_pool_create(name, n, cache, 0, sz, SOCKET_ID_ANY);
}

static int check_buffers(const struct bd_config *config, struct bd_error *error)
{
    struct buffer_counts n = count_buffers(config);
    if (n.rx < rx_least(config))
        return bd_fail(error,
                       "dataplane.mbufs: %u are too few for these workers, descriptors and "
                       "fragments: %u at least",
                       config->mbufs, rx_least(config));
    if (config->memory_mb < buffers_mb(&n))
        return bd_fail(error,
                       "dataplane.memory_mb: %u MB are too few for %u packet buffers: %u at least",
                       config->memory_mb, n.rx + n.whole + n.reply, buffers_mb(&n));
    return 0;
}

static int make_buffers(const struct bd_config *config, struct bd_nic *nic, struct bd_error *error)
{
    struct buffer_counts n = count_buffers(config);
    nic->rx = make_pool("bd_rx", n.rx, POOL_CACHE, n.rx_room);
    nic->whole = make_pool("bd_whole", n.whole, 32, WHOLE_ROOM);
    nic->loan = n.loan ? make_pool("bd_loan", n.loan, 0, BD_PORT_LOAN_SZ) : NULL;
    nic->reply = make_pool("bd_reply", n.reply, POOL_CACHE, REPLY_ROOM);
    nic->indirect = make_pool("bd_indirect", n.indirect, 0, 0);
    if (nic->rx && nic->whole && (nic->loan || n.loan == 0) && nic->reply && nic->indirect)
        return 0;
    return bd_fail(error,
                   "dataplane.memory_mb: no room for the packet buffers in %u MB (about %u MB are "
                   "needed): raise it or lower mbufs",
                   config->memory_mb, buffers_mb(&n));
}

/* --- start and stop ------------------------------------------------------------------------- */

static int check_listen(const struct bd_config *config, const struct bd_nic *nic,
                        struct bd_error *error)
{
    for (unsigned i = 0; i < config->listen_cnt; i++) {
        const struct bd_ip *ip = &config->listen[i].ip;
        bool found = false;
        for (unsigned p = 0; p < nic->port_cnt && !found; p++)
            found = bd_station_owns(&nic->port[p].station, ip);
        char text[BD_ENDPOINT_TEXT_MAX];
        if (!found) {
            bd_endpoint_format(&config->listen[i], text);
            return bd_fail(error,
                           "listen: %s is no address of any port: add it to a port's "
                           "addresses",
                           text);
        }
    }
    return 0;
}

static int make_queue(const struct bd_config *config, struct bd_nic *nic, unsigned worker,
                      struct bd_error *error)
{
    struct bd_nic_queue *queue = &nic->queue[worker];
    queue->nic = nic;
    queue->worker = worker;
    queue->error_tsc = rte_rdtsc();
    queue->ip_id = (uint32_t)rte_rand();
    for (unsigned p = 0; p < nic->port_cnt; p++) {
        int fd = bd_port_fd(&nic->port[p], worker);
        if (fd >= 0)
            queue->wake[queue->wake_cnt++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    queue->fragments =
        bd_fragments_new(fragments_per_worker(config), config->fragment_timeout_ms, error);
    return queue->fragments ? 0 : -1;
}

static int start_ports(const struct bd_config *config, struct bd_nic *nic, struct bd_error *error)
{
    char vdev[BD_PORTS_MAX][BD_EAL_VDEV_MAX];
    struct buffer_counts counts = count_buffers(config);
    for (unsigned i = 0; i < nic->port_cnt; i++) {
        if (bd_port_prepare(config, i, &nic->port[i], vdev[i], error) != 0)
            return -1;
    }
    if (check_listen(config, nic, error) != 0 || check_buffers(config, error) != 0 ||
        bd_eal_start(config, pools_mb(&counts), vdev, error) != 0 ||
        make_buffers(config, nic, error) != 0)
        return -1;
    for (unsigned i = 0; i < nic->port_cnt; i++) {
        struct rte_mempool *pool = bd_port_lends(&config->ports[i]) ? nic->loan : nic->rx;
        if (bd_port_start(config, i, &nic->port[i], pool, error) != 0)
            return -1;
    }
    for (unsigned i = 0; i < nic->worker_cnt; i++) {
        if (make_queue(config, nic, i, error) != 0)
            return -1;
    }
    return 0;
}

/* While drivers and threads start, realtime signals are blocked: see silence_tap in port.c. */
static void block_realtime(sigset_t *before)
{
    sigset_t realtime;
    sigemptyset(&realtime);
    for (int s = SIGRTMIN; s <= SIGRTMAX; s++)
        sigaddset(&realtime, s);
    pthread_sigmask(SIG_BLOCK, &realtime, before);
}

struct bd_nic *bd_nic_start(const struct bd_config *config, struct bd_error *error)
{
    struct bd_nic *nic = aligned_alloc(64, sizeof(*nic));
    if (!nic) {
        bd_fail(error, "dataplane: out of memory");
        return NULL;
    }
    memset(nic, 0, sizeof(*nic));
    nic->worker_cnt = RTE_MIN(config->workers, (uint32_t)BD_WORKERS_MAX);
    nic->port_cnt = RTE_MIN(config->port_cnt, (unsigned)BD_PORTS_MAX);
    sigset_t before;
    block_realtime(&before);
    int rc = start_ports(config, nic, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        free(nic);
        return NULL;
    }
    bd_eal_log_on();
    bd_nic_watch(nic);
    return nic;
}

void bd_nic_stop(struct bd_nic *nic)
{
    if (!nic)
        return;
    for (unsigned i = 0; i < nic->port_cnt; i++)
        bd_port_stop(&nic->port[i]);
    for (unsigned i = 0; i < nic->worker_cnt; i++)
        bd_fragments_delete(nic->queue[i].fragments);
    free(nic);
}

/* --- workers -------------------------------------------------------------------------------- */

static int run_worker(void *queue_void)
{
    struct bd_nic_queue *queue = queue_void;
    return queue->nic->fn(queue->nic->arg, queue->worker);
}

int bd_nic_launch(struct bd_nic *nic, int (*fn)(void *arg, unsigned worker), void *arg)
{
    unsigned lcore, worker = 0;
    nic->fn = fn;
    nic->arg = arg;
    RTE_LCORE_FOREACH_WORKER(lcore)
    {
        if (worker == nic->worker_cnt)
            break;
        if (rte_eal_remote_launch(run_worker, &nic->queue[worker], lcore) != 0)
            return -1;
        worker++;
    }
    return 0;
}

void bd_nic_watch(struct bd_nic *nic)
{
    for (unsigned i = 0; i < nic->port_cnt; i++)
        bd_port_watch(&nic->port[i]);
}

static bool workers_run(void)
{
    unsigned lcore;
    RTE_LCORE_FOREACH_WORKER(lcore)
    {
        if (rte_eal_get_lcore_state(lcore) == RUNNING)
            return true;
    }
    return false;
}

int bd_nic_join(struct bd_nic *nic)
{
    while (workers_run()) {
        bd_nic_watch(nic);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    int rc = 0;
    unsigned lcore;
    RTE_LCORE_FOREACH_WORKER(lcore)
    {
        int one = rte_eal_wait_lcore(lcore);
        rc = rc ? rc : one;
    }
    return rc;
}

struct bd_nic_queue *bd_nic_queue_of(struct bd_nic *nic, unsigned worker)
{
    return &nic->queue[worker];
}

unsigned bd_nic_describe(const struct bd_nic *nic, char *out, size_t out_sz)
{
    size_t n = 0;
    for (unsigned i = 0; i < nic->port_cnt && n < out_sz; i++) {
        const struct bd_port *port = &nic->port[i];
        const uint8_t *mac = port->station.mac;
        n += (size_t)snprintf(out + n, out_sz - n,
                              "%s %s %02x:%02x:%02x:%02x:%02x:%02x link %s mtu %u vlan %u queues "
                              "%u\n",
                              port->name, bd_port_driver_name(port->driver), mac[0], mac[1], mac[2],
                              mac[3], mac[4], mac[5], port->link ? "up" : "down", port->mtu,
                              port->station.vlan, nic->worker_cnt);
    }
    return (unsigned)(n < out_sz ? n : out_sz ? out_sz - 1 : 0);
}
