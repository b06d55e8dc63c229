/* SPDX-License-Identifier: BSD-3-Clause */
/* A listening Unix stream socket that never takes the place of a living one. */
#ifndef BD_LISTENER_H
#define BD_LISTENER_H

#include <event2/listener.h>

#include "log.h"

/* As bd_server_listen says. Returns the descriptor (non-blocking, close-on-exec) or -1. */
int bd_listener_open(const char *path, unsigned mode, struct bd_error *error);

/* Accepts nobody for a second; who connects meanwhile waits in the kernel. The listener must live
 * as long as its loop turns. */
void bd_listener_pause(struct evconnlistener *listener);
/* Makes it pause when it cannot accept, as no files are left: else the loop turns for nothing but
 * that error, and writes a line each time. */
void bd_listener_pause_on_error(struct evconnlistener *listener);

#endif
