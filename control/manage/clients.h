/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may use a stats socket: what the kernel says of the client's user and groups at the moment it
 * connected (SO_PEERCRED, SO_PEERGROUPS), not what the client says. Root and this process's own
 * user always may. Event loop only. */
#ifndef BD_CLIENTS_H
#define BD_CLIENTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "limits.h"
#include "log.h"

struct bd_clients {
    bool anybody;
    unsigned uid_cnt, gid_cnt;
    uid_t uid[BD_PEERS_MAX];
    gid_t gid[BD_PEERS_MAX];
};

/* From names of users and "@group"s; `key` is for the error, -1, when there is none of a name. */
int bd_clients_from(struct bd_clients *clients, const char *key, char *const *names, unsigned cnt,
                    struct bd_error *error);
/* Whether the client at the other end of the connection may; *uid is its user. */
bool bd_clients_may(const struct bd_clients *clients, int fd, uid_t *uid);

#endif
