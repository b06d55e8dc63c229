/* SPDX-License-Identifier: BSD-3-Clause */
#include "interface.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
        if (ioctl(fd, SIOCGIFHWADDR, &request) == 0)
            memcpy(interface->mac, request.ifr_hwaddr.sa_data, BD_MAC_SZ);
        if (ioctl(fd, SIOCGIFMTU, &request) == 0)
            interface->mtu = (uint32_t)request.ifr_mtu;
        /* IFF_RUNNING says the same, up to a second late. */
        struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
        request.ifr_data = (char *)&link;
        interface->carrier = ioctl(fd, SIOCETHTOOL, &request) == 0 && link.data;
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

/* Anybody may open a tap interface that has no owner, but only CAP_NET_ADMIN may set it up, which
 * the driver does next. Setting the flags that it has changes nothing. Returns 0 or errno. */
static int try_to_set_flags(const char *name)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    bool done = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    int code = done ? 0 : errno;
    close(fd);
    return code;
}

/* Returns 0 or errno; EBUSY: another process holds it. */
static int try_to_open(const char *name, int tun)
{
    struct bd_interface now;
    struct bd_error ignored;
    /* The carrier of a tap is on while a process holds it. */
    if (bd_interface_look(name, &now, &ignored) == 0 && now.carrier)
        return EBUSY;
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_MULTI_QUEUE};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return ioctl(tun, TUNSETIFF, &request) == 0 ? try_to_set_flags(name) : errno;
}

/* A process that was killed lets go of its interfaces and sockets only when it is taken apart: what
 * is busy is tried again for a while. */
static bool is_time_left(unsigned *tries)
{
    enum { TRIES = 20, EACH_MS = 50 };
    if (++*tries > TRIES)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = EACH_MS * 1000000L}, NULL);
    return true;
}

int bd_interface_try_tap(const char *port, const char *name, struct bd_error *error)
{
    unsigned tries = 0;
    int code;
    do {
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return bd_fail(error, "port %s: cannot open /dev/net/tun: %s: %s", port,
                           strerror(errno),
                           errno == ENOENT ? "load it with `modprobe tun`"
                                           : "run as root or with CAP_NET_ADMIN");
        code = try_to_open(name, fd);
        close(fd);
    } while (code == EBUSY && is_time_left(&tries));
    return code == 0 ? 0 : tap_refused(port, name, code, error);
}

int bd_interface_try_packet(const char *port, const char *name, uint32_t mtu,
                            struct bd_error *error)
{
    struct bd_interface now;
    if (bd_interface_look(name, &now, error) != 0)
        return -1;
    if (!now.exists)
        return bd_fail(error, "port %s: there is no interface %s (see `ip link`)", port, name);
    if (!now.up)
        return bd_fail(error, "port %s: interface %s is down: `ip link set %s up`", port, name,
                       name);
    if (now.mtu < mtu)
        return bd_fail(error,
                       "port %s: mtu %u is above that of interface %s, %u: `ip link set %s mtu %u`",
                       port, mtu, name, now.mtu, name, mtu);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bd_fail(error,
                       "port %s: cannot open a packet socket on %s: %s: run as root or with "
                       "CAP_NET_RAW",
                       port, name, strerror(errno));
    close(fd);
    return 0;
}

/* The kernel's list: address, references, protocol, flags, type, state, inode, path. */
static bool is_listened_at(const char *path)
{
    enum { LISTENS = 0x10000 };
    char line[512], name[256];
    unsigned flags;
    bool found = false;
    FILE *list = fopen("/proc/net/unix", "re");
    while (list && !found && fgets(line, sizeof(line), list))
        found = sscanf(line, "%*s %*s %*s %x %*s %*s %*s %255s", &flags, name) == 2 &&
                (flags & LISTENS) && strcmp(name, path) == 0;
    if (list)
        fclose(list);
    return found;
}

int bd_interface_try_memif(const char *port, const char *path, bool server, struct bd_error *error)
{
    struct stat file;
    bool exists = stat(path, &file) == 0;
    if (exists && !S_ISSOCK(file.st_mode))
        return bd_fail(error, "port %s: %s is there and is no socket", port, path);
    if (!server)
        return exists
                   ? 0
                   : bd_fail(error, "port %s: there is no socket %s: start the memif server first",
                             port, path);
    if (!exists)
        return 0;
    unsigned tries = 0;
    bool busy;
    while ((busy = is_listened_at(path)) && is_time_left(&tries))
        continue;
    if (busy)
        return bd_fail(error, "port %s: socket %s is in use by another process", port, path);
    if (unlink(path) == 0)
        return 0;
    return bd_fail(error, "port %s: cannot remove the old socket %s: %s", port, path,
                   strerror(errno));
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = bd_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bd_mac_parse(const char *text, uint8_t mac[BD_MAC_SZ])
{
    enum { TEXT_LEN = 3 * BD_MAC_SZ - 1 };
    unsigned any = 0;
    if (strlen(text) != TEXT_LEN)
        return false;
    for (unsigned i = 0; i < BD_MAC_SZ; i++) {
        int high = digit(text[3 * i]), low = digit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i > 0 && text[3 * i - 1] != ':'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
        any |= mac[i];
    }
    return any != 0 && (mac[0] & 1) == 0;
}
