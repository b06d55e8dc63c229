/* SPDX-License-Identifier: BSD-3-Clause */
#include "listener.h"

#include <errno.h>
#include <event2/event.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static int address_of(const char *path, struct sockaddr_un *address, struct bd_error *error)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address->sun_path))
        return bd_fail(error, "socket %s: the path is too long, at most %zu bytes", path,
                       sizeof(address->sun_path) - 1);
    memcpy(address->sun_path, path, strlen(path));
    return 0;
}

static int make_directory(const char *path, struct bd_error *error)
{
    char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
    snprintf(copy, sizeof(copy), "%s", path);
    const char *directory = dirname(copy);
    if (mkdir(directory, 0750) < 0 && errno != EEXIST)
        return bd_fail(error, "socket %s: cannot make the directory %s: %s", path, directory,
                       strerror(errno));
    return 0;
}

/* A connection that is refused proves that nobody listens; anything else is left alone. */
static int clear_path(int fd, const struct sockaddr_un *address, struct bd_error *error)
{
    const char *path = address->sun_path;
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : bd_fail(error, "socket %s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return bd_fail(error, "socket %s: a file that is no socket has this name: move it away",
                       path);
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        return bd_fail(error,
                       "socket %s: another server listens there: stop it, or set another "
                       "stats socket",
                       path);
    if (errno != ECONNREFUSED)
        return bd_fail(error, "socket %s: cannot tell whether it is in use: %s", path,
                       strerror(errno));
    if (unlink(path) < 0)
        return bd_fail(error, "socket %s: cannot remove the stale file: %s", path, strerror(errno));
    return 0;
}

static int probe(const struct sockaddr_un *address, struct bd_error *error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return bd_fail(error, "socket %s: %s", address->sun_path, strerror(errno));
    int rc = clear_path(fd, address, error);
    close(fd);
    return rc;
}

/* The file is made with the mode that its descriptor has (a umask would be that of threads that
 * make files at the same moment, too), and has its own before listen: nobody with fewer rights ever
 * gets in. */
static int bind_and_listen(int fd, const struct sockaddr_un *address, unsigned mode)
{
    if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return -1;
    return chmod(address->sun_path, mode) < 0 ? -1 : listen(fd, BACKLOG);
}

int bd_listener_open(const char *path, unsigned mode, struct bd_error *error)
{
    struct sockaddr_un address;
    if (address_of(path, &address, error) < 0 || make_directory(path, error) < 0 ||
        probe(&address, error) < 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind_and_listen(fd, &address, mode) == 0)
        return fd;
    bd_fail(error, "socket %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* --- accepting -------------------------------------------------------------------------------- */

static void go_on(evutil_socket_t fd, short what, void *arg)
{
    evconnlistener_enable(arg);
}

void bd_listener_pause(struct evconnlistener *listener)
{
    struct timeval second = {.tv_sec = 1};
    evconnlistener_disable(listener);
    if (event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, go_on, listener,
                        &second) < 0)
        evconnlistener_enable(listener);
}

static void on_error(struct evconnlistener *listener, void *arg)
{
    bd_log(BD_LOG_WARNING, "stats sockets and metrics: cannot accept a connection: %s",
           strerror(errno));
    bd_listener_pause(listener);
}

void bd_listener_pause_on_error(struct evconnlistener *listener)
{
    evconnlistener_set_error_cb(listener, on_error);
}
