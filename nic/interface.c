/* SPDX-License-Identifier: BSD-3-Clause */
#include "interface.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int bd_interface_look(const char *name, struct bd_interface *interface, struct bd_error *error)
{
    *interface = (struct bd_interface){0};
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bd_fail(error, "dataplane: cannot open a socket: %s", strerror(errno));
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
        interface->exists = true;
        interface->up = request.ifr_flags & IFF_UP;
        interface->running = request.ifr_flags & IFF_RUNNING;
        if (ioctl(fd, SIOCGIFHWADDR, &request) == 0)
            memcpy(interface->mac, request.ifr_hwaddr.sa_data, BD_MAC_SZ);
    }
    close(fd);
    return 0;
}

static int tap_refused(const char *port, const char *name, int code, struct bd_error *error)
{
    switch (code) {
    case EPERM:
        return bd_fail(error,
                       "port %s: not allowed to open tap interface %s: run as root or with "
                       "CAP_NET_ADMIN",
                       port, name);
    case EINVAL:
        return bd_fail(error,
                       "port %s: interface %s exists and is not a tap interface with several "
                       "queues: remove it, then `ip tuntap add dev %s mode tap multi_queue`",
                       port, name, name);
    case EBUSY:
        return bd_fail(error, "port %s: tap interface %s is in use by another process", port, name);
    default:
        return bd_fail(error, "port %s: cannot open tap interface %s: %s", port, name,
                       strerror(code));
    }
}

/* A process that was killed lets go of the interface only when it is taken apart: wait a little. */
static bool is_released(const char *name, struct bd_error *error)
{
    for (unsigned i = 0; i < 20; i++) {
        struct bd_interface now;
        if (bd_interface_look(name, &now, error) != 0 || !now.running)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return false;
}

int bd_interface_try_tap(const char *port, const char *name, struct bd_error *error)
{
    struct bd_interface now;
    if (bd_interface_look(name, &now, error) != 0)
        return -1;
    /* The carrier of a tap is on while a process holds it. */
    if (now.running && !is_released(name, error))
        return tap_refused(port, name, EBUSY, error);
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return bd_fail(error, "port %s: cannot open /dev/net/tun: %s: %s", port, strerror(errno),
                       errno == ENOENT ? "load it with `modprobe tun`"
                                       : "run as root or with CAP_NET_ADMIN");
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_MULTI_QUEUE};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    int code = ioctl(fd, TUNSETIFF, &request) == 0 ? 0 : errno;
    close(fd);
    return code == 0 ? 0 : tap_refused(port, name, code, error);
}

int bd_interface_try_packet(const char *port, const char *name, struct bd_error *error)
{
    struct bd_interface now;
    if (bd_interface_look(name, &now, error) != 0)
        return -1;
    if (!now.exists)
        return bd_fail(error, "port %s: there is no interface %s (see `ip link`)", port, name);
    if (!now.up)
        return bd_fail(error, "port %s: interface %s is down: `ip link set %s up`", port, name,
                       name);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bd_fail(error,
                       "port %s: cannot open a packet socket on %s: %s: run as root or with "
                       "CAP_NET_RAW",
                       port, name, strerror(errno));
    close(fd);
    return 0;
}

int bd_interface_try_memif(const char *port, const char *path, struct bd_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return bd_fail(error, "port %s: socket path %s is too long", port, path);
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bd_fail(error, "port %s: cannot open a socket: %s", port, strerror(errno));
    int code = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
    close(fd);
    if (code == ENOENT)
        return 0;
    if (code == 0)
        return bd_fail(error, "port %s: socket %s is in use by another process", port, path);
    if (code == ECONNREFUSED && unlink(path) == 0)
        return 0;
    return bd_fail(error, "port %s: cannot use socket %s: %s", port, path, strerror(code));
}

bool bd_mac_parse(const char *text, uint8_t mac[BD_MAC_SZ])
{
    unsigned b[BD_MAC_SZ];
    int end = 0;
    if (strlen(text) != 17 ||
        sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) !=
            BD_MAC_SZ ||
        end != 17)
        return false;
    unsigned any = 0;
    for (unsigned i = 0; i < BD_MAC_SZ; i++) {
        mac[i] = (uint8_t)b[i];
        any |= b[i];
    }
    return any != 0 && (mac[0] & 1) == 0;
}
