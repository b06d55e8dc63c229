/* SPDX-License-Identifier: BSD-3-Clause */
#include "leave_root.h"

#include <stdlib.h>
#include <unistd.h>

#include "calls.h"

/* The configuration knows nothing of the lists. */
_Static_assert((int)BD_CONFIG_SECCOMP_OFF == (int)BD_SECCOMP_OFF &&
                   (int)BD_CONFIG_SECCOMP_LOG == (int)BD_SECCOMP_LOG &&
                   (int)BD_CONFIG_SECCOMP_ENFORCE == (int)BD_SECCOMP_ENFORCE,
               "words of process.seccomp");

/* The link is there, made by root; the next one the user makes. */
static void check_memif(const struct bd_config *config)
{
    for (unsigned i = 0; i < config->port_cnt; i++) {
        const struct bd_config_port *port = &config->ports[i];
        if (port->driver == BD_PORT_MEMIF && !port->memif_server &&
            access(port->interface, W_OK) != 0)
            bd_log(
                BD_LOG_WARNING,
                "port %s: when the memif server starts again it will not be reached: user %s may "
                "not write to %s: give it to its group",
                port->name, config->user, port->interface);
    }
}

int bd_dataplane_leave_root(const struct bd_privileges *privileges, const struct bd_config *config,
                            const struct bd_arena *arena, struct bd_error *error)
{
    if (bd_privileges_hand_over_fd(privileges, arena->fd, arena->path, error) < 0 ||
        bd_privileges_drop(privileges, NULL, 0, error) < 0)
        return -1;
    check_memif(config);
    return bd_seccomp_process(BD_CALLS_DATAPLANE, (enum bd_seccomp_mode)config->seccomp, error);
}

void bd_worker_narrow(const struct bd_config *config, unsigned worker)
{
    struct bd_error error;
    if (bd_seccomp_thread(BD_CALLS_WORKER, (enum bd_seccomp_mode)config->seccomp, &error) == 0)
        return;
    bd_log(BD_LOG_ERROR, "worker %u: %s", worker, error.text);
    exit(1);
}
