/* SPDX-License-Identifier: BSD-3-Clause */
/* bindery-dataplane's way from root to its user: when its ports are up. What is left to do needs no
 * privilege, links that come and go no more than workers. */
#ifndef BD_DATAPLANE_LEAVE_ROOT_H
#define BD_DATAPLANE_LEAVE_ROOT_H

#include "arena.h"
#include "config.h"
#include "privileges.h"

/* Gives the arena to the user, drops root, and binds all threads to the process's list of system
 * calls. Main thread. -1 with an error. */
int bd_dataplane_leave_root(const struct bd_privileges *privileges, const struct bd_config *config,
                            const struct bd_arena *arena, struct bd_error *error);
/* The calling worker is bound to the list of workers, or the process ends. */
void bd_worker_narrow(const struct bd_config *config, unsigned worker);

#endif
