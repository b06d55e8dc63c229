/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports before the EAL starts: what it is told to make of each, and whether that can be. */
#include <rte_common.h>

#include "interface.h"
#include "port.h"

bool bd_port_lends(const struct bd_config_port *port)
{
    return port->driver == BD_PORT_AF_PACKET;
}

uint32_t bd_port_buffer_sz(const struct bd_config_port *port)
{
    uint32_t frame = port->mtu + BD_ETHER_SZ + BD_VLAN_SZ;
    return frame < 2048 ? 2048 : (frame + 63) & ~63U;
}

static void write_mac(char out[18], const uint8_t *mac)
{
    snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
}

/* The other end of a tap wire, when one end's MAC is known: locally administered, one bit apart. */
static void mac_of_other_end(const uint8_t *mac, uint8_t out[BD_MAC_SZ])
{
    memcpy(out, mac, BD_MAC_SZ);
    out[0] |= 2;
    out[BD_MAC_SZ - 1] ^= 1;
    if (memcmp(mac, out, BD_MAC_SZ) == 0)
        out[BD_MAC_SZ - 2] ^= 1;
}

/* Decides both ends' MACs: kernel[] is the interface's, station.mac ours. All zero where the driver
 * is left to choose. */
static int settle_tap_macs(const struct bd_config_port *from, struct bd_port *port,
                           uint8_t kernel[BD_MAC_SZ], struct bd_error *error)
{
    static const uint8_t first[BD_MAC_SZ] = {0x02, 0xbd, 0, 0, 0, 2};
    struct bd_interface now;
    if (bd_interface_look(from->interface, &now, error) != 0)
        return -1;
    if (now.exists)
        memcpy(kernel, now.mac, BD_MAC_SZ);
    else if (from->mac)
        mac_of_other_end(port->station.mac, kernel);
    else
        memcpy(kernel, first, BD_MAC_SZ);
    if (!from->mac)
        mac_of_other_end(kernel, port->station.mac);
    else if (memcmp(kernel, port->station.mac, BD_MAC_SZ) == 0)
        return bd_fail(error,
                       "port %s: mac %s is that of interface %s itself, the kernel's end of the "
                       "wire: ours must differ, give another or none",
                       port->name, from->mac, from->interface);
    return 0;
}

static int prepare_tap(const struct bd_config_port *from, struct bd_port *port, char *vdev,
                       struct bd_error *error)
{
    uint8_t kernel[BD_MAC_SZ];
    char text[18];
    if (bd_interface_try_tap(port->name, from->interface, error) != 0 ||
        settle_tap_macs(from, port, kernel, error) != 0)
        return -1;
    write_mac(text, kernel);
    snprintf(vdev, BD_EAL_VDEV_MAX, "%s,iface=%s,mac=%s", port->device, from->interface, text);
    return 0;
}

static int prepare_packet(const struct bd_config *config, const struct bd_config_port *from,
                          struct bd_port *port, char *vdev, struct bd_error *error)
{
    if (bd_interface_try_packet(port->name, from->interface, from->mtu, error) != 0)
        return -1;
    port->hint |= BD_FRAME_SUM_PARTIAL;
    if (from->driver == BD_PORT_AF_XDP) {
        snprintf(vdev, BD_EAL_VDEV_MAX, "%s,iface=%s,start_queue=0,queue_count=%u", port->device,
                 from->interface, config->workers);
        return 0;
    }
    uint32_t count = RTE_MIN(RTE_MAX(from->rx_descriptors, 64U), 4096U);
    snprintf(vdev, BD_EAL_VDEV_MAX, "%s,iface=%s,qpairs=%u,framesz=%u,blocksz=%u,framecnt=%u",
             port->device, from->interface, config->workers, BD_PORT_LOAN_SZ, BD_PORT_LOAN_SZ,
             count);
    return 0;
}

/* memif gives a larger frame several of its buffers, so their size is not the MTU's business. */
static int prepare_memif(const struct bd_config_port *from, struct bd_port *port, char *vdev,
                         struct bd_error *error)
{
    unsigned log2 = 31U - (unsigned)__builtin_clz(from->rx_descriptors | 1);
    char mac[24] = "";
    if (from->mac)
        snprintf(mac, sizeof(mac), ",mac=%s", from->mac);
    if (bd_interface_try_memif(port->name, from->interface, from->memif_server, error) != 0)
        return -1;
    snprintf(vdev, BD_EAL_VDEV_MAX, "%s,role=%s,id=0,socket=%s,socket-abstract=no,rsize=%u%s",
             port->device, from->memif_server ? "server" : "client", from->interface, log2, mac);
    return 0;
}

static int make_station(const struct bd_config *config, const struct bd_config_port *from,
                        struct bd_port *port, struct bd_error *error)
{
    struct bd_station *station = &port->station;
    station->vlan = (uint16_t)from->vlan;
    if (from->mac && !bd_mac_parse(from->mac, station->mac))
        return bd_fail(error, "port %s: mac \"%s\" is no unicast MAC address", port->name,
                       from->mac);
    for (unsigned i = 0; i < from->address_cnt && i < BD_ADDRESSES_MAX; i++)
        station->address[station->address_cnt++] =
            (struct bd_prefix){from->addresses[i].ip, from->addresses[i].len};
    for (unsigned i = 0; i < config->listen_cnt && i < BD_LISTEN_MAX; i++)
        station->listen[station->listen_cnt++] = config->listen[i];
    return 0;
}

int bd_port_prepare(const struct bd_config *config, unsigned index, struct bd_port *port,
                    char vdev[BD_EAL_VDEV_MAX], struct bd_error *error)
{
    const struct bd_config_port *from = &config->ports[index];
    *port = (struct bd_port){.driver = from->driver, .mtu = from->mtu};
    snprintf(port->name, sizeof(port->name), "%s", from->name);
    vdev[0] = '\0';
    if (make_station(config, from, port, error) != 0)
        return -1;
    if (from->driver == BD_PORT_PCI)
        snprintf(port->device, sizeof(port->device), "%s", from->pci);
    else
        snprintf(port->device, sizeof(port->device), "net_%s%u", bd_port_driver_name(from->driver),
                 index);
    switch (from->driver) {
    case BD_PORT_TAP:
        return prepare_tap(from, port, vdev, error);
    case BD_PORT_AF_PACKET:
    case BD_PORT_AF_XDP:
        return prepare_packet(config, from, port, vdev, error);
    case BD_PORT_MEMIF:
        return prepare_memif(from, port, vdev, error);
    case BD_PORT_RING:
        snprintf(vdev, BD_EAL_VDEV_MAX, "%s", port->device);
        return 0;
    case BD_PORT_PCI:
        return 0;
    }
    return 0;
}
