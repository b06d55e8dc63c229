/* SPDX-License-Identifier: BSD-3-Clause */
/* A UDP echo on the ports of nic/, for tests: what it is told on the command line it puts into a
 * configuration; on SIGTERM it prints its counters and ends. Each --driver begins a port.
 *
 *   nic_echo --driver tap --interface bd0 --address 198.18.0.1/24 --listen 198.18.0.1:7
 *
 * With --probe it is the other side of a memif: it sends datagrams of several sizes to an endpoint
 * and exits 0 when each came back as it was.
 *
 *   nic_echo --driver memif --interface PATH --address 198.18.0.2/24 --listen 198.18.0.2:4000
 *            --probe 198.18.0.1:7 --probe-mac 02:00:00:00:00:01 */
#include <getopt.h>
#include <rte_cycles.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "interface.h"
#include "nic.h"

static struct bd_config config = {.file = "command line",
                                  .arena_name = "nic-echo",
                                  .workers = 1,
                                  .memory_mb = 96,
                                  .mbufs = 4096,
                                  .poll = BD_POLL_ADAPTIVE,
                                  .fragments_max = 64,
                                  .fragment_timeout_ms = 1000};
static struct bd_config_port ports[BD_PORTS_MAX];
static struct bd_config_port *port; /* that the options are for */
static struct bd_config_address address[BD_PORTS_MAX][8];
static struct bd_endpoint listen_at[8];
static struct bd_endpoint probe;
static uint8_t probe_mac[6];

static struct bd_nic *nic;
static struct bd_worker_stats stats[BD_WORKERS_MAX];
static volatile sig_atomic_t over;
/* What a worker has spent on turns with datagrams: receiving, copying and sending them. */
static uint64_t busy_tsc[BD_WORKERS_MAX], echoed[BD_WORKERS_MAX];

static void stop(int signal)
{
    over = 1;
}

/* --- echo ----------------------------------------------------------------------------------- */

static void echo(struct bd_nic_queue *queue, struct bd_worker_stats *own,
                 const struct bd_datagram *datagram)
{
    char *payload;
    uint32_t cap;
    struct rte_mbuf *reply = bd_nic_reply(queue, datagram, &payload, &cap);
    if (reply && datagram->len <= cap) {
        memcpy(payload, datagram->payload, datagram->len);
        bd_nic_send(queue, own, reply, datagram, &datagram->source, datagram->len);
    } else if (reply) {
        bd_nic_drop(reply);
    }
    bd_nic_drop(datagram->mbuf);
}

static int run_echo(void *arg, unsigned worker)
{
    struct bd_nic_queue *queue = bd_nic_queue_of(nic, worker);
    struct bd_worker_stats *own = &stats[worker];
    struct bd_datagram datagram[BD_BURST];
    unsigned idle = 0;
    while (!over) {
        uint64_t begin = rte_rdtsc();
        unsigned n = bd_nic_receive(queue, own, datagram);
        for (unsigned i = 0; i < n; i++)
            echo(queue, own, &datagram[i]);
        bd_nic_flush(queue, own);
        if (n > 0) {
            busy_tsc[worker] += rte_rdtsc() - begin;
            echoed[worker] += n;
        }
        idle = n ? 0 : idle + 1;
        bd_stat_add(&own->counter[BD_CTR_POLLS], 1);
        if (config.poll == BD_POLL_ADAPTIVE && idle > 64) {
            bd_stat_add(&own->counter[BD_CTR_SLEEPS], 1);
            bd_nic_wait(queue, 1000);
        }
    }
    return 0;
}

/* --- probe ---------------------------------------------------------------------------------- */

static void send_probe(struct bd_nic_queue *queue, uint32_t len, unsigned number)
{
    struct bd_datagram request = {.local = listen_at[0], .vlan = (uint16_t)port->vlan};
    memcpy(request.mac_source, probe_mac, sizeof(probe_mac));
    request.local.ip = address[0][0].ip;
    char *payload;
    uint32_t cap;
    struct rte_mbuf *mbuf = bd_nic_reply(queue, &request, &payload, &cap);
    if (!mbuf)
        return;
    for (uint32_t i = 0; i < len; i++)
        payload[i] = (char)(i * 7 + number);
    bd_nic_send(queue, &stats[0], mbuf, &request, &probe, len);
    bd_nic_flush(queue, &stats[0]);
}

static bool is_echo(const struct bd_datagram *datagram, uint32_t len, unsigned number)
{
    if (datagram->len != len)
        return false;
    for (uint32_t i = 0; i < len; i++) {
        if (datagram->payload[i] != (char)(i * 7 + number))
            return false;
    }
    return true;
}

static bool await_echo(struct bd_nic_queue *queue, uint32_t len, unsigned number)
{
    struct bd_datagram datagram[BD_BURST];
    for (unsigned turn = 0; turn < 300; turn++) {
        unsigned n = bd_nic_receive(queue, &stats[0], datagram);
        bool found = false;
        for (unsigned i = 0; i < n; i++) {
            found |= is_echo(&datagram[i], len, number);
            bd_nic_drop(datagram[i].mbuf);
        }
        bd_nic_flush(queue, &stats[0]);
        if (found)
            return true;
        bd_nic_wait(queue, 1000);
    }
    return false;
}

static int run_probe(void *arg, unsigned worker)
{
    static const uint32_t sizes[] = {0, 1, 2, 63, 600, 1400, 1472, 1473, 4000, 8999, 9000};
    struct bd_nic_queue *queue = bd_nic_queue_of(nic, worker);
    int missing = 0;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        bool back = false;
        for (unsigned try = 0; try < 10 && !back && !over; try++) {
            send_probe(queue, sizes[i], i + try);
            back = await_echo(queue, sizes[i], i + try);
        }
        if (!back) {
            printf("no echo of %u bytes\n", sizes[i]);
            missing++;
        }
    }
    return missing;
}

/* --- main ----------------------------------------------------------------------------------- */

static void print_stats(void)
{
    for (unsigned v = 0; v < BD_VERDICT_CNT + BD_COUNTER_CNT; v++) {
        uint64_t sum = 0;
        for (unsigned w = 0; w < config.workers; w++)
            sum += bd_stat_read(v < BD_VERDICT_CNT ? &stats[w].verdict[v]
                                                   : &stats[w].counter[v - BD_VERDICT_CNT]);
        if (sum > 0)
            printf("%s %llu\n",
                   v < BD_VERDICT_CNT ? bd_verdict_info[v].text
                                      : bd_counter_info[v - BD_VERDICT_CNT].text,
                   (unsigned long long)sum);
    }
}

static void print_cost(void)
{
    for (unsigned w = 0; w < config.workers; w++) {
        if (echoed[w] > 0)
            printf("worker %u: %.1f ns a datagram\n", w,
                   (double)busy_tsc[w] * 1e9 / (double)rte_get_tsc_hz() / (double)echoed[w]);
    }
}

static int bad(const char *name, const char *value)
{
    fprintf(stderr, "nic_echo: --%s: cannot use \"%s\"\n", name, value);
    return 2;
}

static int begin_port(enum bd_port_driver driver)
{
    static char names[BD_PORTS_MAX][4];
    if (config.port_cnt == BD_PORTS_MAX)
        return bad("driver", "one port too many");
    port = &ports[config.port_cnt];
    snprintf(names[config.port_cnt], sizeof(names[0]), "p%u", config.port_cnt % 10);
    *port = (struct bd_config_port){.name = names[config.port_cnt],
                                    .driver = driver,
                                    .mtu = 1500,
                                    .rx_descriptors = 256,
                                    .tx_descriptors = 256,
                                    .addresses = address[config.port_cnt]};
    config.port_cnt++;
    return 0;
}

static int set_driver(const char *value)
{
    static const char *const names[] = {"tap", "af_packet", "memif", "af_xdp", "pci", "ring", NULL};
    static const enum bd_port_driver drivers[] = {BD_PORT_TAP,    BD_PORT_AF_PACKET, BD_PORT_MEMIF,
                                                  BD_PORT_AF_XDP, BD_PORT_PCI,       BD_PORT_RING};
    for (unsigned i = 0; names[i]; i++) {
        if (strcmp(value, names[i]) == 0)
            return begin_port(drivers[i]);
    }
    return bad("driver", value);
}

static int set_address(char *value)
{
    char *slash = strchr(value, '/');
    struct bd_config_address *own = &port->addresses[port->address_cnt];
    if (!slash || port->address_cnt == 8)
        return bad("address", value);
    *slash = '\0';
    if (!bd_ip_parse(bd_str_from(value), &own->ip))
        return bad("address", value);
    own->len = (uint8_t)(atoi(slash + 1) + (bd_ip_is_v4(&own->ip) ? 96 : 0));
    port->address_cnt++;
    return 0;
}

static int set_listen(const char *value)
{
    if (config.listen_cnt == 8 ||
        !bd_endpoint_parse(bd_str_from(value), &listen_at[config.listen_cnt]))
        return bad("listen", value);
    config.listen_cnt++;
    return 0;
}

static const struct option options[] = {{"driver", required_argument, NULL, 'd'},
                                        {"interface", required_argument, NULL, 'i'},
                                        {"pci", required_argument, NULL, 'p'},
                                        {"mac", required_argument, NULL, 'm'},
                                        {"address", required_argument, NULL, 'a'},
                                        {"listen", required_argument, NULL, 'l'},
                                        {"vlan", required_argument, NULL, 'v'},
                                        {"workers", required_argument, NULL, 'w'},
                                        {"memory", required_argument, NULL, 'M'},
                                        {"mtu", required_argument, NULL, 'u'},
                                        {"lcores", required_argument, NULL, 'L'},
                                        {"huge", no_argument, NULL, 'h'},
                                        {"server", no_argument, NULL, 's'},
                                        {"busy", no_argument, NULL, 'b'},
                                        {"probe", required_argument, NULL, 'P'},
                                        {"probe-mac", required_argument, NULL, 'Q'},
                                        {"mbufs", required_argument, NULL, 'B'},
                                        {"ring", required_argument, NULL, 'R'},
                                        {NULL, 0, NULL, 0}};

static int set(int option, char *value)
{
    switch (option) {
    case 'd':
        return set_driver(value);
    case 'i':
        port->interface = value;
        return 0;
    case 'p':
        port->pci = value;
        return 0;
    case 'm':
        port->mac = value;
        return 0;
    case 'a':
        return set_address(value);
    case 'l':
        return set_listen(value);
    case 'v':
        port->vlan = (uint32_t)atoi(value);
        return 0;
    case 'w':
        config.workers = (uint32_t)atoi(value);
        return 0;
    case 'M':
        config.memory_mb = (uint32_t)atoi(value);
        return 0;
    case 'u':
        port->mtu = (uint32_t)atoi(value);
        return 0;
    case 'L':
        config.lcores = value;
        return 0;
    case 'h':
        config.huge = true;
        return 0;
    case 's':
        port->memif_server = true;
        return 0;
    case 'b':
        config.poll = BD_POLL_BUSY;
        return 0;
    case 'B':
        config.mbufs = (uint32_t)atoi(value);
        return 0;
    case 'R':
        port->rx_descriptors = port->tx_descriptors = (uint32_t)atoi(value);
        return 0;
    case 'P':
        return bd_endpoint_parse(bd_str_from(value), &probe) ? 0 : bad("probe", value);
    case 'Q':
        return bd_mac_parse(value, probe_mac) ? 0 : bad("probe-mac", value);
    default:
        return 2;
    }
}

int main(int argc, char **argv)
{
    config.ports = ports;
    config.listen = listen_at;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if ((!port && c != 'd') || set(c, optarg) != 0)
            return 2;
    }
    bd_log_init("nic_echo", BD_LOG_INFO);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
    struct bd_error error;
    nic = bd_nic_start(&config, &error);
    if (!nic) {
        fprintf(stderr, "nic_echo: %s\n", error.text);
        return 1;
    }
    char text[512];
    bd_nic_describe(nic, text, sizeof(text));
    printf("%sready\n", text);
    fflush(stdout);
    if (bd_nic_launch(nic, probe.port ? run_probe : run_echo, NULL) != 0)
        return 1;
    int rc = bd_nic_join(nic);
    print_stats();
    print_cost();
    bd_nic_stop(nic);
    return rc == 0 ? 0 : 1;
}
