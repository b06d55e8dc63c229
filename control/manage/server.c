/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "listener.h"
#include "state.h"
#include "words.h"

enum {
    SLICE_MS = 2, /* how long one connection may keep the loop at a time */
    IDLE_S = 600, /* a client that neither asks nor reads is let go */
    REFUSED_TOLD_MS = 1000,
    INPUT_MAX = 2 * BD_LINE_MAX
};

struct connection {
    LIST_ENTRY(connection) link;
    struct bd_server *server;
    struct bufferevent *bev;
    struct event *again;      /* go on in the next turn of the loop */
    struct bd_answer *answer; /* under way, or NULL */
    enum bd_level level;
    bool streaming;
    bool ended; /* the client sends no more */
};

struct socket_file {
    struct bd_server *server;
    struct evconnlistener *listener;
    char *path;
    enum bd_level level;
    struct bd_clients clients;
};

struct bd_server {
    struct bd_control *control;
    struct event_base *base;
    struct socket_file socket[BD_SERVER_SOCKETS_MAX];
    unsigned socket_cnt;
    LIST_HEAD(, connection) connections;
    unsigned connection_cnt[BD_LEVEL_ADMIN + 1];
    uint64_t refused, told_ms, full_told_ms;
};

static void close_connection(struct connection *c)
{
    c->server->connection_cnt[c->level]--;
    LIST_REMOVE(c, link);
    if (c->answer)
        bd_answer_abandon(c->answer);
    event_free(c->again);
    bufferevent_free(c->bev);
    free(c);
}

/* --- one command after the other -------------------------------------------------------------- */

static void on_finished(void *arg)
{
    struct connection *c = arg;
    c->answer = NULL;
    c->streaming = false;
    bd_next_turn(c->again);
}

static void on_streams(void *arg)
{
    struct connection *c = arg;
    c->streaming = true;
    bd_next_turn(c->again);
}

static struct bd_answer_sink sink_of(struct connection *c)
{
    return (struct bd_answer_sink){.out = bufferevent_get_output(c->bev),
                                   .finished = on_finished,
                                   .streams = on_streams,
                                   .arg = c};
}

/* Refuses a line without end: whatever follows is not a command. */
static void refuse_endless_line(struct connection *c, const char *line)
{
    bool json = strncmp(line, "json ", 5) == 0;
    evbuffer_drain(bufferevent_get_input(c->bev), INPUT_MAX);
    evbuffer_add_printf(bufferevent_get_output(c->bev),
                        json ? "{\"error\":\"a line has at most %d bytes\"}\n\n"
                             : "error: a line has at most %d bytes\n\n",
                        BD_LINE_MAX);
    c->ended = true;
}

/* Takes the next line, if a whole one is there, and begins to answer it. */
static void next_command(struct connection *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t len;
    char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_CRLF);
    if (line && len <= BD_LINE_MAX) {
        struct bd_answer_sink sink = sink_of(c);
        bd_command_line(c->server->control, c->level, line, len, &sink, &c->answer);
    } else if (line || evbuffer_get_length(in) > BD_LINE_MAX) {
        refuse_endless_line(c, line ? line : (const char *)evbuffer_pullup(in, BD_LINE_MAX));
    }
    free(line);
}

/* More of the stream, as much as the buffer holds; the rest when it has drained. */
static void pump(struct connection *c)
{
    bool more = bd_answer_pump(c->answer, BD_SERVER_HIGH_SZ, SLICE_MS);
    if (more && evbuffer_get_length(bufferevent_get_output(c->bev)) < BD_SERVER_HIGH_SZ)
        bd_next_turn(c->again);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;
    if (c->streaming) {
        pump(c);
        return;
    }
    if (!c->answer && !c->ended)
        bufferevent_enable(c->bev, EV_READ);
    if (!c->answer)
        next_command(c);
    if (c->answer) {
        bufferevent_disable(c->bev, EV_READ);
        return;
    }
    if (c->ended && evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
        close_connection(c);
    else if (c->ended)
        bufferevent_setwatermark(c->bev, EV_WRITE, 0, 0);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    on_turn(-1, 0, arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct connection *c = arg;
    if (c->streaming || c->ended)
        on_turn(-1, 0, c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct connection *c = arg;
    if (!(what & BEV_EVENT_EOF)) {
        close_connection(c);
        return;
    }
    c->ended = true; /* what it sent before is still answered */
    on_turn(-1, 0, c);
}

void bd_server_adopt(struct bd_server *server, int fd, enum bd_level level)
{
    struct connection *c = calloc(1, sizeof(*c));
    struct bufferevent *bev =
        c ? bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
    struct event *again = bev ? event_new(server->base, -1, 0, on_turn, c) : NULL;
    if (!again) {
        if (bev)
            bufferevent_free(bev);
        else
            close(fd);
        free(c);
        return;
    }
    *c = (struct connection){.server = server, .bev = bev, .again = again, .level = level};
    LIST_INSERT_HEAD(&server->connections, c, link);
    struct timeval idle = {.tv_sec = IDLE_S};
    bufferevent_set_timeouts(bev, &idle, &idle);
    bufferevent_setwatermark(bev, EV_READ, 0, INPUT_MAX);
    bufferevent_setwatermark(bev, EV_WRITE, BD_SERVER_LOW_SZ, 0);
    bufferevent_setcb(bev, on_read, on_written, on_event, c);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    server->connection_cnt[level]++;
}

/* --- the sockets ------------------------------------------------------------------------------ */

/* In one line, whatever the client was going to ask. There is room for it in the socket's buffer,
 * as nothing was sent before. */
static void refuse(const struct socket_file *file, int fd, const char *line, size_t len)
{
    if (send(fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        bd_log(BD_LOG_DEBUG, "socket %s: somebody did not wait for his answer", file->path);
    close(fd);
}

static bool is_time_to_tell(uint64_t *told_ms)
{
    uint64_t now_ms = bd_clock_ms();
    bool yes = *told_ms == 0 || now_ms >= *told_ms + REFUSED_TOLD_MS;
    if (yes)
        *told_ms = now_ms;
    return yes;
}

static void refuse_stranger(struct socket_file *file, int fd, uid_t uid)
{
    struct bd_server *server = file->server;
    const char *level = bd_level_name(file->level);
    char line[192];
    int n = snprintf(line, sizeof(line),
                     "error: uid %u may not use the %s socket: the list is "
                     "control.stats_socket_%s_peers\n\n",
                     (unsigned)uid, level, level);
    server->refused++;
    if (is_time_to_tell(&server->told_ms))
        bd_log(BD_LOG_WARNING, "socket %s: refused uid %u, who is not on the list of %ss",
               file->path, (unsigned)uid, level);
    refuse(file, fd, line, (size_t)n);
}

static void refuse_one_too_many(struct socket_file *file, int fd)
{
    char line[128];
    int n = snprintf(line, sizeof(line),
                     BD_ALL_TAKEN " of the %s socket are taken (%d): try again later\n\n",
                     bd_level_name(file->level), BD_SERVER_CONNECTIONS_MAX);
    if (is_time_to_tell(&file->server->full_told_ms))
        bd_log(BD_LOG_WARNING, "socket %s: all %d connections are taken: refused one more",
               file->path, BD_SERVER_CONNECTIONS_MAX);
    refuse(file, fd, line, (size_t)n);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int len, void *arg)
{
    struct socket_file *file = arg;
    uid_t uid;
    if (!bd_clients_may(&file->clients, fd, &uid))
        refuse_stranger(file, fd, uid);
    else if (file->server->connection_cnt[file->level] >= BD_SERVER_CONNECTIONS_MAX)
        refuse_one_too_many(file, fd);
    else
        bd_server_adopt(file->server, fd, file->level);
}

uint64_t bd_server_refused(const struct bd_server *server)
{
    return server ? server->refused : 0;
}

struct bd_server *bd_server_new(struct bd_control *control, struct event_base *base)
{
    struct bd_server *server = calloc(1, sizeof(*server));
    if (server)
        *server = (struct bd_server){.control = control, .base = base};
    return server;
}

int bd_server_listen(struct bd_server *server, const char *path, enum bd_level level, unsigned mode,
                     const struct bd_clients *clients, struct bd_error *error)
{
    if (server->socket_cnt == BD_SERVER_SOCKETS_MAX)
        return bd_fail(error, "socket %s: at most %d stats sockets", path, BD_SERVER_SOCKETS_MAX);
    int fd = bd_listener_open(path, mode, error);
    if (fd < 0)
        return -1;
    struct socket_file *file = &server->socket[server->socket_cnt];
    *file = (struct socket_file){
        .server = server, .path = strdup(path), .level = level, .clients = *clients};
    file->listener = evconnlistener_new(server->base, on_accept, file,
                                        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!file->listener || !file->path)
        return bd_fail(error, "socket %s: out of memory", path);
    bd_listener_pause_on_error(file->listener);
    server->socket_cnt++;
    return 0;
}

void bd_server_free(struct bd_server *server)
{
    if (!server)
        return;
    struct connection *c;
    while ((c = LIST_FIRST(&server->connections)))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the list knows none that was closed */
        close_connection(c);
    for (unsigned i = 0; i < server->socket_cnt; i++) {
        unlink(server->socket[i].path);
        evconnlistener_free(server->socket[i].listener);
        free(server->socket[i].path);
    }
    free(server);
}
