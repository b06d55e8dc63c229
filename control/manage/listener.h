/* SPDX-License-Identifier: BSD-3-Clause */
/* A listening Unix stream socket that never takes the place of a living one. */
#ifndef BD_LISTENER_H
#define BD_LISTENER_H

#include "log.h"

/* As bd_server_listen says. Returns the descriptor (non-blocking, close-on-exec) or -1. */
int bd_listener_open(const char *path, unsigned mode, struct bd_error *error);

#endif
