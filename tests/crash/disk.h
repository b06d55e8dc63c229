/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk for tests that can fail, hang and lose power: preloaded (LD_PRELOAD) into a process, it
 * stands before the calls that the process makes on the files of one directory.
 *
 *   DISK_DIR=DIR       the directory; everything elsewhere is let alone
 *   DISK_RULES=FILE    what goes wrong; read before each call, so it can change at any time
 *   DISK_TRACE=FILE    one line a call is appended: "BEGAN ENDED OPERATION COUNT NAME RESULT",
 *                      seconds of the monotonic clock; RESULT 0, the errno, or
 *                      "killed"
 *   DISK_SHADOW=DIR    keeps what a power cut would leave, see disk_shadow.c
 *
 * A rule is a line "OPERATION FIRST LAST ACTION": the FIRST to the LAST call of that operation
 * since the file's text changed; LAST - : all that follow; OPERATION any: a call of whichever kind.
 *   open write sync syncdir rename link unlink      sync: of a file; read is never disturbed
 *   EIO ENOSPC EDQUOT EROFS   fails with it
 *   short                     writes half of it
 *   slow:MS  hang             waits before; hang: as long as the text of the rules is the same
 *   kill  after               SIGKILL to itself, before or after the call
 *   lie                       a sync that says it was done */
#ifndef BD_DISK_H
#define BD_DISK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum disk_op {
    DISK_OPEN,
    DISK_WRITE,
    DISK_SYNC,
    DISK_SYNCDIR,
    DISK_RENAME,
    DISK_LINK,
    DISK_UNLINK,
    DISK_OP_CNT
};

/* A call under way: what the rules leave to be done about it. */
struct disk_call {
    enum disk_op op;
    const char *name; /* in the directory */
    unsigned long count;
    double began;
    int error; /* fail with it; 0: do it */
    bool half, lie, die_after;
};

/* --- disk_rules.c ----------------------------------------------------------------------------- */

/* Counts the call, waits and dies as the rules say. */
void disk_begin(struct disk_call *call, enum disk_op op, const char *name);
/* Writes the trace; returns rc. errno stays. */
long disk_end(const struct disk_call *call, long rc);

/* --- disk_shadow.c: each does nothing without DISK_SHADOW ------------------------------------- */

bool disk_has_shadow(void);
/* Between these the harness does not kill: the real directory and the shadow's names go together.
 */
void disk_lock(void);
void disk_unlock(void);
void disk_shadow_create(const char *name);
/* `fd`'s bytes up to now are durable. */
void disk_shadow_sync(int fd, const char *name);
/* A sync failed: the kernel has dropped what was unsynced, and later syncs do not bring it back. */
void disk_shadow_drop(int fd, const char *name);
void disk_shadow_sync_dir(void);
void disk_shadow_rename(const char *from, const char *to);
void disk_shadow_link(const char *from, const char *to);
void disk_shadow_unlink(const char *name);

#endif
