/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of sections arena, dataplane, ports and listen: what the appliance is made of. */
#include "rows.h"

static const struct bd_choice poll_words[] = {
    {"busy", BD_POLL_BUSY}, {"adaptive", BD_POLL_ADAPTIVE}, {NULL, 0}};
static const struct bd_choice driver_words[] = {{"tap", BD_PORT_TAP},
                                                {"af_packet", BD_PORT_AF_PACKET},
                                                {"memif", BD_PORT_MEMIF},
                                                {"af_xdp", BD_PORT_AF_XDP},
                                                {"pci", BD_PORT_PCI},
                                                {"ring", BD_PORT_RING},
                                                {NULL, 0}};
static const struct bd_choice memif_words[] = {{"client", false}, {"server", true}, {NULL, 0}};

static const struct bd_row arena_rows[] = {
    {"file", &bd_kind_text, FIELD(struct bd_config, arena_file), .min = 2, .max = 255,
     .form = &bd_form_path, .restart = true, .example = "/dev/hugepages/bindery",
     .help =
         "File of the arena. Left out: on hugetlbfs, or in /dev/shm with a warning when there are "
         "no huge pages."},
    {"name", &bd_kind_text, FIELD(struct bd_config, arena_name), .fallback = "bindery", .min = 1,
     .max = 64, .form = &bd_form_name, .restart = true,
     .help = "Name of the arena when `file` is left out. Two appliances on one machine need two "
             "names."},
    {"bindings_max", &bd_kind_number64, FIELD(struct bd_config, bindings_max), .fallback = "100000",
     .min = 1024, .max = 1000000000, .unit = "bindings", .restart = true,
     .help =
         "What the table is made for: so many addresses of record with a binding each, of "
         "`record_avg_size`. More bindings fit where several belong to one of them or are small. "
         "The memory is taken at start and printed then; a new binding for which a place or memory "
         "is lacking draws 503."},
    {"subscribers_max", &bd_kind_number64, FIELD(struct bd_config, subscribers_max),
     .fallback = "100000", .min = 1024, .max = 1000000000, .unit = "subscribers", .restart = true,
     .help = "Provisioned addresses of record that fit."},
    {"identities_max", &bd_kind_number64, FIELD(struct bd_config, identities_max), .fallback = "0",
     .min = 0, .max = 100000000, .unit = "identities", .restart = true,
     .help = "Subscribers that may belong to the implicit registration set of another (`binderyctl "
             "subscriber implicit`), at 1.6 kB each. 0: there are no such sets."},
    {"record_avg_size", &bd_kind_number, FIELD(struct bd_config, record_avg_sz), .fallback = "384",
     .min = 128, .max = BD_RECORD_MAX, .unit = "bytes", .restart = true,
     .help = "Average size of what is kept for one binding; sizes the record memory."},
};

static const struct bd_row dataplane_rows[] = {
    {"workers", &bd_kind_number, FIELD(struct bd_config, workers), .fallback = "1", .min = 1,
     .max = BD_WORKERS_MAX, .unit = "threads", .restart = true,
     .help = "Worker threads, each with one queue of every port and a core of its own."},
    {"lcores", &bd_kind_text, FIELD(struct bd_config, lcores), .min = 1, .max = 255,
     .form = &bd_form_lcores, .restart = true, .example = "0@0,1@1",
     .help =
         "Which thread runs on which core, in the words of DPDK's --lcores. Left out: made from "
         "`workers`."},
    {"poll", &bd_kind_choice, FIELD(struct bd_config, poll), .fallback = "busy",
     .choices = poll_words, .restart = true,
     .help =
         "busy: workers never sleep (least latency, a whole core each). adaptive: an idle worker "
         "naps, and leaves its core to a verifier that shares it."},
    {"hugepages", &bd_kind_truth, FIELD(struct bd_config, huge), .fallback = "true",
     .choices = bd_truth_words, .restart = true,
     .help = "Packet buffers in huge pages. Physical ports want it."},
    {"memory_mb", &bd_kind_number, FIELD(struct bd_config, memory_mb), .fallback = "256", .min = 64,
     .max = 1048576, .unit = "MiB", .restart = true,
     .help = "Memory for packet buffers, at most. Of hugepages as much is taken as they need."},
    {"mbufs", &bd_kind_number, FIELD(struct bd_config, mbufs), .fallback = "16384", .min = 1024,
     .max = 4194304, .unit = "buffers", .restart = true,
     .help = "Packet buffers of 2.4 kB each; above an mtu of 2030 as much more. Receive rings, "
             "requests that wait for a verdict and fragments hold them."},
    {"fragments_max", &bd_kind_number, FIELD(struct bd_config, fragments_max), .fallback = "1024",
     .min = 16, .max = 65536, .unit = "datagrams", .restart = true,
     .help = "Datagrams that are reassembled at a time, shared out among the workers; the oldest "
             "gives way."},
    {"fragment_timeout_ms", &bd_kind_number, FIELD(struct bd_config, fragment_timeout_ms),
     .fallback = "1000", .min = 10, .max = 60000, .unit = "ms", .restart = true,
     .help = "A datagram whose fragments are not all there by then is dropped."},
    {"control_timeout_ms", &bd_kind_number, FIELD(struct bd_config, control_timeout_ms),
     .fallback = "1000", .min = 300, .max = 30000, .unit = "ms", .restart = true,
     .help = "A bindery-control whose main loop stands still for so long counts as gone until it "
             "moves: what needs it draws 503 at once."},
};

#define PORT(field) FIELD(struct bd_config_port, field)

static const struct bd_row port_rows[] = {
    {"name", &bd_kind_text, PORT(name), .required = true, .min = 1, .max = 32,
     .form = &bd_form_name, .restart = true, .shown = true, .example = "port0",
     .help = "Our name of the port, for logs and `show info`."},
    {"driver", &bd_kind_choice, PORT(driver), .required = true, .choices = driver_words,
     .restart = true, .shown = true, .example = "pci",
     .help =
         "pci: a physical port by `pci`. tap: makes the kernel interface `interface`. af_packet, "
         "af_xdp: uses the existing one. memif: shared memory through the socket `interface`. "
         "ring: loops back, for tests."},
    {"interface", &bd_kind_text, PORT(interface), .min = 1, .max = 107, .form = &bd_form_interface,
     .restart = true, .example = "eth1",
     .help = "Interface name, at most 15 characters; memif: absolute path of the socket."},
    {"pci", &bd_kind_text, PORT(pci), .min = 12, .max = 12, .form = &bd_form_pci, .restart = true,
     .shown = true, .example = "0000:01:00.0",
     .help = "Address of the physical port. No other device is ever touched."},
    {"mac", &bd_kind_text, PORT(mac), .min = 17, .max = 17, .form = &bd_form_mac, .restart = true,
     .example = "02:00:00:00:00:01", .help = "MAC address. Left out: the port's own."},
    {"mtu", &bd_kind_number, PORT(mtu), .fallback = "1500", .min = 576, .max = 9000,
     .unit = "bytes", .restart = true,
     .help = "Largest IP packet; longer replies are fragmented. IPv6 wants 1280 at least."},
    {"vlan", &bd_kind_number, PORT(vlan), .fallback = "0", .min = 0, .max = 4094, .restart = true,
     .help = "802.1Q tag that is ours; 0: untagged."},
    {"rx_descriptors", &bd_kind_number, PORT(rx_descriptors), .fallback = "1024", .min = 64,
     .max = 8192, .power_of_two = true, .restart = true, .help = "Length of a receive queue."},
    {"tx_descriptors", &bd_kind_number, PORT(tx_descriptors), .fallback = "1024", .min = 64,
     .max = 8192, .power_of_two = true, .restart = true, .help = "Length of a transmit queue."},
    {"memif_role", &bd_kind_side, PORT(memif_server), .fallback = "client", .choices = memif_words,
     .restart = true, .hidden = true,
     .help = "Which end of the memif socket listens. For driver memif only."},
    {"addresses", &bd_kind_addresses, LIST(struct bd_config_port, addresses, address_cnt),
     .required = true, .min = 1, .max = BD_ADDRESSES_MAX, .restart = true, .shown = true,
     .example = "192.0.2.10/24",
     .help = "Own addresses with the length of their on-link prefix. ARP, ND and ping are answered "
             "for them."},
};

static const struct bd_row listen_rows[] = {
    {"listen", &bd_kind_endpoints, LIST(struct bd_config, listen, listen_cnt), .required = true,
     .min = 1, .max = BD_LISTEN_MAX, .restart = true, .shown = true, .example = "192.0.2.10:5060",
     .help = "UDP endpoints where SIP is served; each address must be an address of a port."},
};

const struct bd_group bd_arena_groups[1] = {{ROWS(arena_rows)}};
const struct bd_group bd_dataplane_groups[1] = {{ROWS(dataplane_rows)}};
const struct bd_group bd_port_groups[1] = {{ROWS(port_rows)}};
const struct bd_group bd_listen_groups[1] = {{ROWS(listen_rows)}};
