/* SPDX-License-Identifier: BSD-3-Clause */
/* The stats socket: a line in, text out, an empty line ends the answer; many commands a connection.
 *
 *   idle --line--> answering --finished--> idle --end of input, all sent--> closed
 *                   |    ^
 *                   v    | out buffer drained below its low mark, or the next turn of the loop
 *                  streaming
 *
 * While a command is answered nothing more is read, and a stream is made only as fast as it is
 * taken: a reader that stops costs one buffer and no time. Event loop only. */
#ifndef BD_SERVER_H
#define BD_SERVER_H

#include <event2/event.h>

#include "clients.h"
#include "command.h"
#include "log.h"

#define BD_SERVER_SOCKETS_MAX 3
/* Of one level; one more is refused with a line (BD_ALL_TAKEN). Users who hold theirs open never
 * keep an admin out. */
#define BD_SERVER_CONNECTIONS_MAX 64
/* A stream is made in slices until this much waits to be sent, and again when this little does. */
#define BD_SERVER_HIGH_SZ (128U << 10)
#define BD_SERVER_LOW_SZ  (16U << 10)

struct bd_server;

struct bd_server *bd_server_new(struct bd_control *control, struct event_base *base);
void bd_server_free(struct bd_server *server); /* removes its sockets' files */

/* Listens at `path` with file mode `mode` for `clients`; others are told so in a line. Makes the
 * directory (0750) when only that is missing, and replaces a socket file behind which nobody
 * listens. -1 with an error when a live server has the path, when something else is there, or when
 * the directory cannot be written. */
int bd_server_listen(struct bd_server *server, const char *path, enum bd_level level, unsigned mode,
                     const struct bd_clients *clients, struct bd_error *error);
/* Connections that were refused as their user or group is not on the list. */
uint64_t bd_server_refused(const struct bd_server *server);
/* Serves a connected socket; takes it over. */
void bd_server_adopt(struct bd_server *server, int fd, enum bd_level level);

#endif
