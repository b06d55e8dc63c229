/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory in memory, behind struct bd_journal_io: it remembers every change, so that the state
 * after a power cut at any moment can be made from it, and fails when told to.
 *
 * A power cut keeps of each file what was synced, and of the rest what chance gives; of names what
 * the directory's sync covered, and of the later changes a beginning. Bytes of a failed sync are
 * never on disk, whatever later syncs say. */
#ifndef BD_TEST_MEMFS_H
#define BD_TEST_MEMFS_H

#include "journal_io.h"

enum { MEMFS_FILES_MAX = 512, MEMFS_NAME_MAX = 64 };

struct memfs_inode {
    uint8_t *bytes;
    uint32_t len;
};
struct memfs_name {
    char name[MEMFS_NAME_MAX];
    int inode;
};
struct memfs_op;

struct memfs {
    struct memfs_inode inode[MEMFS_FILES_MAX];
    int inodes;
    struct memfs_name name[MEMFS_FILES_MAX];
    int names;
    struct memfs_op *op;
    unsigned ops, ops_cap;
    struct bd_journal_io io;
    struct bd_journal_dir dir;
    /* Faults: calls are counted; those from fail_at on, fail_cnt of them, return fail_rc; with
     * fail_rc 1 a write or read is short instead. */
    unsigned calls, fail_at, fail_cnt;
    int fail_rc;
    int open_files;
};

void memfs_open(struct memfs *fs);
void memfs_close(struct memfs *fs);

enum memfs_rest { MEMFS_LOSE, MEMFS_KEEP, MEMFS_CHANCE };
/* What is there after a power cut behind the first `ops` changes of `from`. */
void memfs_cut(struct memfs *fs, const struct memfs *from, unsigned ops, enum memfs_rest rest,
               uint64_t *random);

/* All that is there now is on disk, whatever comes. */
void memfs_settle(struct memfs *fs);

struct memfs_inode *memfs_find(struct memfs *fs, const char *name);
/* Puts a file there, or cuts it: len bytes of `bytes`. */
void memfs_write(struct memfs *fs, const char *name, const uint8_t *bytes, uint32_t len);
void memfs_remove(struct memfs *fs, const char *name);

#endif
