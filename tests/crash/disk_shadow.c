/* SPDX-License-Identifier: BSD-3-Clause */
/* What a power cut would leave of the directory.
 *
 *   DISK_SHADOW/volatile/NAME   the names that are there now  \  hard links of one file that holds
 *   DISK_SHADOW/durable/NAME    the names as last synced      /  the bytes as last synced
 *   DISK_SHADOW/lock            held while names change
 *
 * So a name without a sync of the directory is not in `durable`, bytes without a sync of the file
 * are in neither, and a removal that was not synced leaves the old file. Files only grow, as those
 * of the journal do. All of it is in the file system: it goes on when the process is killed and its
 * successor has the library, too. cut.py makes a directory of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* flock() knows no threads */
static int lock_fd = -1;                                  /* guarded by mutex */

/* A shadow that is not what it should be would judge wrongly. */
static void need(int rc, const char *what, const char *name)
{
    if (rc >= 0)
        return;
    dprintf(STDERR_FILENO, "disk: %s %s: %s\n", what, name, strerror(errno));
    abort();
}

static void place(char path[PATH_MAX], const char *folder, const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s/%s", getenv("DISK_SHADOW"), folder, name);
}

bool disk_has_shadow(void)
{
    return getenv("DISK_SHADOW") != NULL;
}

void disk_lock(void)
{
    if (!disk_has_shadow())
        return;
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/lock", getenv("DISK_SHADOW"));
    pthread_mutex_lock(&mutex);
    lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    need(lock_fd, "open", path);
    need(flock(lock_fd, LOCK_EX), "lock", path);
}

void disk_unlock(void)
{
    if (!disk_has_shadow())
        return;
    close(lock_fd);
    pthread_mutex_unlock(&mutex);
}

/* --- bytes ------------------------------------------------------------------------------------ */

void disk_shadow_create(const char *name)
{
    if (!disk_has_shadow())
        return;
    char path[PATH_MAX];
    place(path, "volatile", name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    need(fd, "create", path);
    close(fd);
}

static int open_shadow(const char *name)
{
    char path[PATH_MAX];
    place(path, "volatile", name);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    need(fd, "open", path);
    return fd;
}

/* The journal's descriptor may be for writing only. */
static int open_again(int fd)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY | O_CLOEXEC);
    need(again, "open", path);
    return again;
}

void disk_shadow_sync(int fd, const char *name)
{
    if (!disk_has_shadow())
        return;
    static char buffer[1 << 16]; /* guarded by the lock */
    int from = open_again(fd), to = open_shadow(name);
    off_t off = lseek(to, 0, SEEK_END);
    ssize_t n;
    while ((n = pread(from, buffer, sizeof(buffer), off)) > 0) {
        need((int)write(to, buffer, (size_t)n), "write", name);
        off += n;
    }
    need((int)n, "read", name);
    close(from);
    close(to);
}

void disk_shadow_drop(int fd, const char *name)
{
    if (!disk_has_shadow())
        return;
    struct stat now;
    int to = open_shadow(name);
    need(fstat(fd, &now), "stat", name);
    need(ftruncate(to, now.st_size), "truncate", name);
    close(to);
}

/* --- names ------------------------------------------------------------------------------------ */

void disk_shadow_rename(const char *from, const char *to)
{
    if (!disk_has_shadow())
        return;
    char old[PATH_MAX], new[PATH_MAX];
    place(old, "volatile", from);
    place(new, "volatile", to);
    need(rename(old, new), "rename", old);
}

void disk_shadow_link(const char *from, const char *to)
{
    if (!disk_has_shadow())
        return;
    char old[PATH_MAX], new[PATH_MAX];
    place(old, "volatile", from);
    place(new, "volatile", to);
    need(link(old, new), "link", old);
}

void disk_shadow_unlink(const char *name)
{
    if (!disk_has_shadow())
        return;
    char path[PATH_MAX];
    place(path, "volatile", name);
    need(unlink(path), "unlink", path);
}

static ino_t inode_of(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? s.st_ino : 0;
}

static void keep_name(const char *name)
{
    char now[PATH_MAX], kept[PATH_MAX];
    place(now, "volatile", name);
    place(kept, "durable", name);
    if (inode_of(now) == inode_of(kept))
        return;
    unlink(kept);
    need(link(now, kept), "link", kept);
}

static void forget_name(const char *name)
{
    char now[PATH_MAX], kept[PATH_MAX];
    place(now, "volatile", name);
    place(kept, "durable", name);
    if (inode_of(now) == 0)
        need(unlink(kept), "unlink", kept);
}

static void each_name(const char *folder, void (*fn)(const char *name))
{
    char path[PATH_MAX];
    place(path, folder, "");
    DIR *dir = opendir(path);
    need(dir ? 0 : -1, "list", path);
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            fn(entry->d_name);
    }
    closedir(dir);
}

void disk_shadow_sync_dir(void)
{
    if (!disk_has_shadow())
        return;
    each_name("volatile", keep_name);
    each_name("durable", forget_name);
}
