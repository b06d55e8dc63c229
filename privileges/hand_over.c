/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "privileges.h"

static int failed(const char *path, const char *user, struct bd_error *error)
{
    return bd_fail(error, "%s: cannot be given to user %s: %s", path, user, strerror(errno));
}

int bd_privileges_own(const struct bd_privileges *p, int fd, const char *path,
                      struct bd_error *error)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return bd_fail(error, "%s: %s", path, strerror(errno));
    if (st.st_uid != 0 && st.st_uid != p->uid)
        return bd_fail(error,
                       "%s: belongs to uid %u, who can write in it: move it away, or `chown root "
                       "%s` if it is yours",
                       path, (unsigned)st.st_uid, path);
    if ((st.st_mode & 0077) != 0 && fchmod(fd, 0600) < 0)
        return bd_fail(error, "%s: others may read or write it: `chmod 600 %s`", path, path);
    return 0;
}

int bd_privileges_hand_over_fd(const struct bd_privileges *p, int fd, const char *path,
                               struct bd_error *error)
{
    if (!p->leaves_root || fchownat(fd, "", p->uid, p->gid, AT_EMPTY_PATH) == 0)
        return 0;
    return failed(path, p->user, error);
}

/* Whoever writes in the directory could put a link there to have somebody else's file: so only
 * root's, under its only name, and no way that leads elsewhere. */
static int hand_over_at(const struct bd_privileges *p, int dir, const char *name, const char *path,
                        struct bd_error *error)
{
    struct stat st;
    int fd = openat(dir, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0; /* not there */
    int rc = 0;
    if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode)) && st.st_nlink == 1 &&
        st.st_uid == 0)
        rc = bd_privileges_hand_over_fd(p, fd, path, error);
    close(fd);
    return rc;
}

int bd_privileges_hand_over(const struct bd_privileges *p, const char *path, struct bd_error *error)
{
    return p->leaves_root ? hand_over_at(p, AT_FDCWD, path, path, error) : 0;
}

int bd_privileges_directory(const struct bd_privileges *p, const char *path, mode_t mode,
                            struct bd_error *error)
{
    if (!p->leaves_root || mkdir(path, mode) != 0)
        return 0; /* there is one, or whoever needs it tells why it cannot be made */
    return lchown(path, p->uid, p->gid) == 0 ? 0 : failed(path, p->user, error);
}

static int hand_over_all(const struct bd_privileges *p, DIR *dir, const char *path,
                         struct bd_error *error)
{
    const struct dirent *entry;
    int rc = bd_privileges_hand_over_fd(p, dirfd(dir), path, error);
    while (rc == 0 && (entry = readdir(dir)))
        rc = hand_over_at(p, dirfd(dir), entry->d_name, path, error);
    return rc;
}

int bd_privileges_hand_over_directory(const struct bd_privileges *p, const char *path, mode_t mode,
                                      struct bd_error *error)
{
    if (!p->leaves_root)
        return 0;
    if (bd_privileges_directory(p, path, mode, error) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return 0; /* whoever opens it tells what is wrong */
    }
    int rc = hand_over_all(p, dir, path, error);
    closedir(dir);
    return rc;
}
