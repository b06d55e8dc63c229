/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's network interfaces, as far as ports are made of them. */
#ifndef BD_INTERFACE_H
#define BD_INTERFACE_H

#include "bytes.h"
#include "log.h"
#include "str.h"

struct bd_interface {
    bool exists, up;
    bool carrier; /* of a tap: a process holds it */
    uint32_t mtu;
    uint8_t mac[BD_MAC_SZ];
};

/* Fails only if the kernel cannot be asked. */
int bd_interface_look(const char *name, struct bd_interface *interface, struct bd_error *error);

/* Tries what the tap driver will do. Fails with the remedy: no /dev/net/tun, no privilege, not a
 * tap interface or one without multi_queue, in use by another process that has not let go within a
 * second (a predecessor that was killed takes a moment). */
int bd_interface_try_tap(const char *port, const char *name, struct bd_error *error);
/* Likewise for a packet socket: no such interface, down, an MTU below `mtu`, no privilege. */
int bd_interface_try_packet(const char *port, const char *name, uint32_t mtu,
                            struct bd_error *error);

/* Clears the way for a memif server: a socket that nobody listens at is removed. Fails if somebody
 * does for a second, or if it is no socket. For a client, fails if there is no socket. Never connects: DPDK's
 * memif server panics when a client goes away at once. */
int bd_interface_try_memif(const char *port, const char *path, bool server, struct bd_error *error);

/* "02:00:00:00:00:01". False if it is not a unicast MAC. */
bool bd_mac_parse(const char *text, uint8_t mac[BD_MAC_SZ]);

#endif
