/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privileges.h"

static int look_up(struct bd_privileges *p, const char *user, const char *group,
                   struct bd_error *error)
{
    const struct passwd *entry = getpwnam(user);
    if (!entry)
        return bd_fail(
            error,
            "process.user: there is no user %s: make it with `prepare-machine.sh user` or "
            "systemd-sysusers, or name another",
            user);
    p->uid = entry->pw_uid;
    p->gid = entry->pw_gid;
    snprintf(p->user, sizeof(p->user), "%s", user);
    const struct group *other = group ? getgrnam(group) : NULL;
    if (group && !other)
        return bd_fail(error, "process.group: there is no group %s: make it, or name another",
                       group);
    if (other)
        p->gid = other->gr_gid;
    return 0;
}

/* With nothing in the bounding set not even an exec of a program with capabilities yields any. */
static int empty_bounding_set(struct bd_error *error)
{
    for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++) {
        /* A root that was not given the right to: no_new_privs has the same effect. */
        if (cap_get_bound(cap) > 0 && cap_drop_bound(cap) != 0 && errno != EPERM)
            return bd_fail(error, "cannot give up capability %d: %s", (int)cap, strerror(errno));
    }
    return 0;
}

int bd_privileges_begin(struct bd_privileges *p, const char *user, const char *group,
                        bool core_dumps, struct bd_error *error)
{
    *p = (struct bd_privileges){.uid = geteuid(), .gid = getegid(), .core_dumps = core_dumps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return bd_fail(error, "cannot renounce new privileges: %s", strerror(errno));
    if (geteuid() != 0) {
        bd_log(BD_LOG_INFO, "started by uid %u, not root: stays that user", (unsigned)geteuid());
        return 0;
    }
    if (look_up(p, user, group, error) < 0)
        return -1;
    p->leaves_root = p->uid != 0;
    if (p->leaves_root)
        return empty_bounding_set(error);
    bd_log(BD_LOG_WARNING, "process.user is %s: nothing is dropped, for labs only", user);
    return 0;
}
