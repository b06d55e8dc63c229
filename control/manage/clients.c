/* SPDX-License-Identifier: BSD-3-Clause */
#include "clients.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GROUPS_MAX = 256 };

static int add_group(struct bd_clients *clients, const char *key, const char *name,
                     struct bd_error *error)
{
    const struct group *group = getgrnam(name);
    if (!group)
        return bd_fail(error, "control.%s: there is no group %s: make it, or take it off the list",
                       key, name);
    clients->gid[clients->gid_cnt++] = group->gr_gid;
    return 0;
}

static int add_user(struct bd_clients *clients, const char *key, const char *name,
                    struct bd_error *error)
{
    const struct passwd *user = getpwnam(name);
    if (!user)
        return bd_fail(error,
                       "control.%s: there is no user %s: make it, take it off the list, or write "
                       "\"@%s\" for a group",
                       key, name, name);
    clients->uid[clients->uid_cnt++] = user->pw_uid;
    return 0;
}

int bd_clients_from(struct bd_clients *clients, const char *key, char *const *names, unsigned cnt,
                    struct bd_error *error)
{
    int rc = 0;
    *clients = (struct bd_clients){0};
    for (unsigned i = 0; rc == 0 && i < cnt && i < BD_PEERS_MAX; i++)
        rc = names[i][0] == '@' ? add_group(clients, key, names[i] + 1, error)
                                : add_user(clients, key, names[i], error);
    return rc;
}

static bool has_gid(const struct bd_clients *clients, gid_t gid)
{
    for (unsigned i = 0; i < clients->gid_cnt; i++) {
        if (clients->gid[i] == gid)
            return true;
    }
    return false;
}

static bool has_uid(const struct bd_clients *clients, uid_t uid)
{
    for (unsigned i = 0; i < clients->uid_cnt; i++) {
        if (clients->uid[i] == uid)
            return true;
    }
    return uid == 0 || uid == geteuid();
}

/* Besides its first group. A client with more of them than fit counts as in none. */
static bool in_another_group(const struct bd_clients *clients, int fd)
{
    gid_t gid[GROUPS_MAX];
    socklen_t len = sizeof(gid);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gid, &len) != 0)
        return false;
    for (unsigned i = 0; i < len / sizeof(gid[0]); i++) {
        if (has_gid(clients, gid[i]))
            return true;
    }
    return false;
}

bool bd_clients_may(const struct bd_clients *clients, int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    *uid = (uid_t)-1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *uid = peer.uid;
    return clients->anybody || has_uid(clients, peer.uid) || has_gid(clients, peer.gid) ||
           in_another_group(clients, fd);
}
