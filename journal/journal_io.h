/* SPDX-License-Identifier: BSD-3-Clause */
/* All that the journal asks of a file system, as a table of functions: tests put one in its place
 * that fails at the n-th call or loses what was not synced.
 *
 * Each returns a negative errno when it fails. Callers retry -EINTR and go on after a short
 * write or read. */
#ifndef BD_JOURNAL_IO_H
#define BD_JOURNAL_IO_H

#include <stddef.h>
#include <stdint.h>

struct bd_journal_io {
    void *arg;
    /* create: fails when the name is there. Else read only. Returns a descriptor. */
    int (*open)(void *arg, const char *path, int create);
    /* Appends at the end; not more than a little at a time. */
    int64_t (*write)(void *arg, int fd, const void *bytes, size_t len);
    int64_t (*read_at)(void *arg, int fd, void *bytes, size_t len, uint64_t off);
    /* Has what was written go to the disk and does not wait for it: less is left for sync. */
    int (*start_sync)(void *arg, int fd);
    int (*sync)(void *arg, int fd); /* fdatasync */
    /* Whether the path still names the file of the descriptor: -ENOENT when nothing has the name,
     * -ESTALE when another file has. */
    int (*in_place)(void *arg, int fd, const char *path);
    void (*close)(void *arg, int fd);
    int (*sync_dir)(void *arg, const char *path); /* makes names durable */
    int (*rename)(void *arg, const char *from, const char *to);
    int (*link)(void *arg, const char *from, const char *to); /* never replaces `to` */
    int (*unlink)(void *arg, const char *path);
    int (*list)(void *arg, const char *path, void (*fn)(void *context, const char *name),
                void *context);
};

extern const struct bd_journal_io bd_journal_io_posix;

/* Where the files lie. Both outlive what was made with it. */
struct bd_journal_dir {
    const struct bd_journal_io *io;
    const char *path;
};

/* "PATH/NAME". -ENAMETOOLONG when it does not fit. */
#define BD_JOURNAL_PATH_MAX 4096
int bd_journal_path(const struct bd_journal_dir *dir, const char *name,
                    char out[BD_JOURNAL_PATH_MAX]);
/* An operation on a name in the directory; -EINTR is retried. */
int bd_journal_open(const struct bd_journal_dir *dir, const char *name, int create);
int bd_journal_name_is_of(const struct bd_journal_dir *dir, const char *name, int fd);
int bd_journal_unlink(const struct bd_journal_dir *dir, const char *name);
int bd_journal_rename(const struct bd_journal_dir *dir, const char *from, const char *to);
int bd_journal_link(const struct bd_journal_dir *dir, const char *from, const char *to);
int bd_journal_sync_dir(const struct bd_journal_dir *dir);

#endif
