/* SPDX-License-Identifier: BSD-3-Clause */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The file's name in the directory, "" for the directory itself; NULL: it is elsewhere. */
static const char *name_in_dir(const char *path)
{
    const char *dir = getenv("DISK_DIR");
    size_t len = dir ? strlen(dir) : 0;
    if (len == 0 || strncmp(path, dir, len) != 0)
        return NULL;
    if (path[len] == '/')
        return path + len + 1;
    return path[len] == '\0' ? "" : NULL;
}

static const char *name_of_fd(int fd, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    return name_in_dir(path);
}

static int fail(int error)
{
    errno = error;
    return -1;
}

/* --- open, write, sync ------------------------------------------------------------------------ */

static int open_file(const char *path, int flags, mode_t mode)
{
    const char *name = name_in_dir(path);
    if (!name)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    struct disk_call call;
    disk_begin(&call, DISK_OPEN, name);
    disk_lock();
    int fd = call.error ? fail(call.error) : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && flags & O_CREAT)
        disk_shadow_create(name);
    disk_unlock();
    return (int)disk_end(&call, fd);
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return open_file(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    char path[PATH_MAX];
    const char *name = name_of_fd(fd, path);
    if (!name)
        return syscall(SYS_write, fd, bytes, len);
    struct disk_call call;
    disk_begin(&call, DISK_WRITE, name);
    if (call.half && len > 1)
        len /= 2;
    return disk_end(&call, call.error ? fail(call.error) : syscall(SYS_write, fd, bytes, len));
}

/* With a shadow nothing is synced for real: the shadow is what is kept. */
static int sync_file(int fd, const char *name, long number)
{
    struct disk_call call;
    disk_begin(&call, DISK_SYNC, name);
    int rc = 0;
    if (call.error)
        rc = fail(call.error);
    else if (!disk_has_shadow())
        rc = (int)syscall(number, fd);
    disk_lock();
    if (rc < 0)
        disk_shadow_drop(fd, name);
    else if (!call.lie)
        disk_shadow_sync(fd, name);
    disk_unlock();
    return (int)disk_end(&call, rc);
}

static int sync_dir(int fd, long number)
{
    struct disk_call call;
    disk_begin(&call, DISK_SYNCDIR, ".");
    int rc = 0;
    if (call.error)
        rc = fail(call.error);
    else if (!disk_has_shadow())
        rc = (int)syscall(number, fd);
    disk_lock();
    if (rc == 0 && !call.lie)
        disk_shadow_sync_dir();
    disk_unlock();
    return (int)disk_end(&call, rc);
}

static int sync_any(int fd, long number)
{
    char path[PATH_MAX];
    const char *name = name_of_fd(fd, path);
    if (!name)
        return (int)syscall(number, fd);
    return *name ? sync_file(fd, name, number) : sync_dir(fd, number);
}

int fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

int fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

/* --- names ------------------------------------------------------------------------------------ */

int rename(const char *from, const char *to)
{
    const char *old = name_in_dir(from), *new = name_in_dir(to);
    if (!old || !new)
        return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    struct disk_call call;
    disk_begin(&call, DISK_RENAME, old);
    disk_lock();
    int rc =
        call.error ? fail(call.error) : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    if (rc == 0)
        disk_shadow_rename(old, new);
    disk_unlock();
    return (int)disk_end(&call, rc);
}

int link(const char *from, const char *to)
{
    const char *old = name_in_dir(from), *new = name_in_dir(to);
    if (!old || !new)
        return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    struct disk_call call;
    disk_begin(&call, DISK_LINK, old);
    disk_lock();
    int rc =
        call.error ? fail(call.error) : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (rc == 0)
        disk_shadow_link(old, new);
    disk_unlock();
    return (int)disk_end(&call, rc);
}

int unlink(const char *path)
{
    const char *name = name_in_dir(path);
    if (!name)
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    struct disk_call call;
    disk_begin(&call, DISK_UNLINK, name);
    disk_lock();
    int rc = call.error ? fail(call.error) : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (rc == 0)
        disk_shadow_unlink(name);
    disk_unlock();
    return (int)disk_end(&call, rc);
}
