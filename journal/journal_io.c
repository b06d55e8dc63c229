/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int posix_open(void *arg, const char *path, int create)
{
    int flags = create ? O_WRONLY | O_CREAT | O_EXCL | O_APPEND : O_RDONLY;
    int fd = open(path, flags | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    if (!create)
        posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return fd;
}

/* Most kernels let nobody else have the core while they work for a call. A MiB in one took them up
 * to 12 ms, in such pieces 0.2: so long a verifier, or whoever else lives there, may have to wait.
 */
enum { PIECE_SZ = 32 << 10 };

static int64_t posix_write(void *arg, int fd, const void *bytes, size_t len)
{
    ssize_t n = write(fd, bytes, len < PIECE_SZ ? len : PIECE_SZ);
    return n < 0 ? -errno : n;
}

static int64_t posix_read_at(void *arg, int fd, void *bytes, size_t len, uint64_t off)
{
    ssize_t n = pread(fd, bytes, len, (off_t)off);
    return n < 0 ? -errno : n;
}

/* What it finds is told here and maybe not again by fdatasync. */
static int posix_start_sync(void *arg, int fd)
{
    bool failed = sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) < 0;
    return failed && errno != ENOSYS ? -errno : 0;
}

static int posix_sync(void *arg, int fd)
{
    return fdatasync(fd) < 0 ? -errno : 0;
}

static int posix_in_place(void *arg, int fd, const char *path)
{
    struct stat open_one, named;
    if (fstat(fd, &open_one) < 0 || stat(path, &named) < 0)
        return -errno;
    return open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino ? 0 : -ESTALE;
}

static void posix_close(void *arg, int fd)
{
    close(fd);
}

static int posix_sync_dir(void *arg, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

static int posix_rename(void *arg, const char *from, const char *to)
{
    return rename(from, to) < 0 ? -errno : 0;
}

static int posix_link(void *arg, const char *from, const char *to)
{
    return link(from, to) < 0 ? -errno : 0;
}

static int posix_unlink(void *arg, const char *path)
{
    return unlink(path) < 0 ? -errno : 0;
}

static int posix_list(void *arg, const char *path, void (*fn)(void *context, const char *name),
                      void *context)
{
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    struct dirent *entry;
    for (errno = 0; (entry = readdir(dir)); errno = 0)
        fn(context, entry->d_name);
    int rc = -errno;
    closedir(dir);
    return rc;
}

const struct bd_journal_io bd_journal_io_posix = {
    .open = posix_open,
    .write = posix_write,
    .read_at = posix_read_at,
    .start_sync = posix_start_sync,
    .sync = posix_sync,
    .in_place = posix_in_place,
    .close = posix_close,
    .sync_dir = posix_sync_dir,
    .rename = posix_rename,
    .link = posix_link,
    .unlink = posix_unlink,
    .list = posix_list,
};

int bd_journal_path(const struct bd_journal_dir *dir, const char *name,
                    char out[BD_JOURNAL_PATH_MAX])
{
    int n = snprintf(out, BD_JOURNAL_PATH_MAX, "%s/%s", dir->path, name);
    return n > 0 && n < BD_JOURNAL_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int bd_journal_open(const struct bd_journal_dir *dir, const char *name, int create)
{
    char path[BD_JOURNAL_PATH_MAX];
    int rc = bd_journal_path(dir, name, path);
    if (rc < 0)
        return rc;
    do
        rc = dir->io->open(dir->io->arg, path, create);
    while (rc == -EINTR);
    return rc;
}

int bd_journal_name_is_of(const struct bd_journal_dir *dir, const char *name, int fd)
{
    char path[BD_JOURNAL_PATH_MAX];
    int rc = bd_journal_path(dir, name, path);
    if (rc < 0)
        return rc;
    do
        rc = dir->io->in_place(dir->io->arg, fd, path);
    while (rc == -EINTR);
    return rc;
}

int bd_journal_unlink(const struct bd_journal_dir *dir, const char *name)
{
    char path[BD_JOURNAL_PATH_MAX];
    int rc = bd_journal_path(dir, name, path);
    if (rc < 0)
        return rc;
    do
        rc = dir->io->unlink(dir->io->arg, path);
    while (rc == -EINTR);
    return rc;
}

static int two_names(const struct bd_journal_dir *dir, const char *from, const char *to,
                     int (*fn)(void *arg, const char *from, const char *to))
{
    char from_path[BD_JOURNAL_PATH_MAX], to_path[BD_JOURNAL_PATH_MAX];
    int rc = bd_journal_path(dir, from, from_path);
    if (rc == 0)
        rc = bd_journal_path(dir, to, to_path);
    if (rc < 0)
        return rc;
    do
        rc = fn(dir->io->arg, from_path, to_path);
    while (rc == -EINTR);
    return rc;
}

int bd_journal_rename(const struct bd_journal_dir *dir, const char *from, const char *to)
{
    return two_names(dir, from, to, dir->io->rename);
}

int bd_journal_link(const struct bd_journal_dir *dir, const char *from, const char *to)
{
    return two_names(dir, from, to, dir->io->link);
}

int bd_journal_sync_dir(const struct bd_journal_dir *dir)
{
    int rc;
    do
        rc = dir->io->sync_dir(dir->io->arg, dir->path);
    while (rc == -EINTR);
    return rc;
}
