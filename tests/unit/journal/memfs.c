/* SPDX-License-Identifier: BSD-3-Clause */
#include "memfs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table_fixture.h"

enum op_kind { OP_CREATE, OP_LINK, OP_RENAME, OP_UNLINK, OP_SYNC_DIR, OP_WRITE, OP_SYNC, OP_LOST };

struct memfs_op {
    enum op_kind kind;
    int inode;
    uint32_t off, len;
    char name[MEMFS_NAME_MAX], to[MEMFS_NAME_MAX];
};

static const char *base(const char *path)
{
    return strrchr(path, '/') + 1;
}

static struct memfs_name *find_name(struct memfs *fs, const char *name)
{
    for (int i = 0; i < fs->names; i++) {
        if (strcmp(fs->name[i].name, name) == 0)
            return &fs->name[i];
    }
    return NULL;
}

static void set_name(struct memfs *fs, const char *name, int inode)
{
    struct memfs_name *entry = find_name(fs, name);
    if (!entry) {
        assert(fs->names < MEMFS_FILES_MAX);
        entry = &fs->name[fs->names++];
        strcpy(entry->name, name);
    }
    entry->inode = inode;
}

static void drop_name(struct memfs *fs, const char *name)
{
    struct memfs_name *entry = find_name(fs, name);
    if (entry)
        *entry = fs->name[--fs->names];
}

static int add_inode(struct memfs *fs)
{
    assert(fs->inodes < MEMFS_FILES_MAX);
    fs->inode[fs->inodes] = (struct memfs_inode){0};
    return fs->inodes++;
}

static void store(struct memfs_inode *inode, uint32_t off, const uint8_t *bytes, uint32_t len)
{
    if (off + len > inode->len) {
        inode->bytes = realloc(inode->bytes, off + len);
        memset(inode->bytes + inode->len, 0, off + len - inode->len);
        inode->len = off + len;
    }
    if (len)
        memcpy(inode->bytes + off, bytes, len);
}

static void record(struct memfs *fs, struct memfs_op op, const char *name, const char *to)
{
    if (fs->ops == fs->ops_cap) {
        fs->ops_cap = fs->ops_cap ? 2 * fs->ops_cap : 64;
        fs->op = realloc(fs->op, fs->ops_cap * sizeof(*fs->op));
    }
    if (name)
        strcpy(op.name, name);
    if (to)
        strcpy(op.to, to);
    fs->op[fs->ops++] = op;
}

/* --- the table of functions ------------------------------------------------------------------- */

static int fault(struct memfs *fs)
{
    unsigned call = fs->calls++;
    return fs->fail_rc && call >= fs->fail_at && call - fs->fail_at < fs->fail_cnt ? fs->fail_rc
                                                                                   : 0;
}

static int fs_open(void *arg, const char *path, int create)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    if (rc < 0)
        return rc;
    struct memfs_name *entry = find_name(fs, base(path));
    if (create && entry)
        return -EEXIST;
    if (!create && !entry)
        return -ENOENT;
    fs->open_files++;
    if (!create)
        return entry->inode;
    int inode = add_inode(fs);
    set_name(fs, base(path), inode);
    record(fs, (struct memfs_op){.kind = OP_CREATE, .inode = inode}, base(path), NULL);
    return inode;
}

static int64_t fs_write(void *arg, int fd, const void *bytes, size_t len)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    if (rc < 0)
        return rc;
    uint32_t n = rc > 0 && len > 1 ? (uint32_t)len / 2 : (uint32_t)len;
    struct memfs_inode *inode = &fs->inode[fd];
    record(fs, (struct memfs_op){.kind = OP_WRITE, .inode = fd, .off = inode->len, .len = n}, NULL,
           NULL);
    store(inode, inode->len, bytes, n);
    return n;
}

static int64_t fs_read_at(void *arg, int fd, void *bytes, size_t len, uint64_t off)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    if (rc < 0)
        return rc;
    const struct memfs_inode *inode = &fs->inode[fd];
    size_t left = off < inode->len ? inode->len - off : 0;
    size_t n = len < left ? len : left;
    if (rc > 0 && n > 1)
        n /= 2;
    if (n)
        memcpy(bytes, inode->bytes + off, n);
    return (int64_t)n;
}

/* What fails here is lost as with a sync, and no sync tells of it again. */
static int fs_start_sync(void *arg, int fd)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    if (rc < 0 && rc != -EINTR)
        record(fs, (struct memfs_op){.kind = OP_LOST, .inode = fd}, NULL, NULL);
    return rc < 0 ? rc : 0;
}

static int fs_sync(void *arg, int fd)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    if (rc == -EINTR)
        return rc;
    record(fs, (struct memfs_op){.kind = rc < 0 ? OP_LOST : OP_SYNC, .inode = fd}, NULL, NULL);
    return rc < 0 ? rc : 0;
}

static int fs_in_place(void *arg, int fd, const char *path)
{
    const struct memfs_name *entry = find_name(arg, base(path));
    return !entry ? -ENOENT : entry->inode == fd ? 0 : -ESTALE;
}

static void fs_close(void *arg, int fd)
{
    ((struct memfs *)arg)->open_files--;
}

static int fs_sync_dir(void *arg, const char *path)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    if (rc < 0)
        return rc;
    record(fs, (struct memfs_op){.kind = OP_SYNC_DIR}, NULL, NULL);
    return 0;
}

static int fs_rename(void *arg, const char *from, const char *to)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    struct memfs_name *entry = find_name(fs, base(from));
    if (rc < 0 || !entry)
        return rc < 0 ? rc : -ENOENT;
    int inode = entry->inode;
    drop_name(fs, base(from));
    set_name(fs, base(to), inode);
    record(fs, (struct memfs_op){.kind = OP_RENAME}, base(from), base(to));
    return 0;
}

static int fs_link(void *arg, const char *from, const char *to)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    struct memfs_name *entry = find_name(fs, base(from));
    if (rc < 0 || !entry)
        return rc < 0 ? rc : -ENOENT;
    if (find_name(fs, base(to)))
        return -EEXIST;
    set_name(fs, base(to), entry->inode);
    record(fs, (struct memfs_op){.kind = OP_LINK}, base(from), base(to));
    return 0;
}

static int fs_unlink(void *arg, const char *path)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    if (rc < 0 || !find_name(fs, base(path)))
        return rc < 0 ? rc : -ENOENT;
    drop_name(fs, base(path));
    record(fs, (struct memfs_op){.kind = OP_UNLINK}, base(path), NULL);
    return 0;
}

static int fs_list(void *arg, const char *path, void (*fn)(void *context, const char *name),
                   void *context)
{
    struct memfs *fs = arg;
    int rc = fault(fs);
    for (int i = 0; rc >= 0 && i < fs->names; i++)
        fn(context, fs->name[i].name);
    return rc < 0 ? rc : 0;
}

void memfs_open(struct memfs *fs)
{
    *fs = (struct memfs){.io = {.arg = fs,
                                .open = fs_open,
                                .write = fs_write,
                                .read_at = fs_read_at,
                                .start_sync = fs_start_sync,
                                .sync = fs_sync,
                                .in_place = fs_in_place,
                                .close = fs_close,
                                .sync_dir = fs_sync_dir,
                                .rename = fs_rename,
                                .link = fs_link,
                                .unlink = fs_unlink,
                                .list = fs_list}};
    fs->dir = (struct bd_journal_dir){.io = &fs->io, .path = "/j"};
}

void memfs_close(struct memfs *fs)
{
    for (int i = 0; i < fs->inodes; i++)
        free(fs->inode[i].bytes);
    free(fs->op);
}

/* --- power cut -------------------------------------------------------------------------------- */

static unsigned chance(enum memfs_rest rest, uint64_t *random, unsigned all)
{
    if (rest == MEMFS_CHANCE)
        return (unsigned)(fixture_random(random) % (all + 1ULL));
    return rest == MEMFS_KEEP ? all : 0;
}

static void apply_name(struct memfs *fs, const struct memfs_op *op)
{
    struct memfs_name *from = find_name(fs, op->name);
    if (op->kind == OP_CREATE) {
        set_name(fs, op->name, op->inode);
    } else if (op->kind == OP_UNLINK) {
        drop_name(fs, op->name);
    } else if (op->kind == OP_LINK) {
        set_name(fs, op->to, from->inode);
    } else if (op->kind == OP_RENAME) {
        int inode = from->inode;
        drop_name(fs, op->name);
        set_name(fs, op->to, inode);
    }
}

/* Names: all changes up to the last sync of the directory, then a beginning of the rest. */
static void cut_names(struct memfs *fs, const struct memfs *from, unsigned ops,
                      enum memfs_rest rest, uint64_t *random)
{
    unsigned synced = 0;
    for (unsigned i = 0; i < ops; i++) {
        if (from->op[i].kind == OP_SYNC_DIR)
            synced = i + 1;
    }
    synced += chance(rest, random, ops - synced);
    for (unsigned i = 0; i < synced; i++)
        apply_name(fs, &from->op[i]);
}

/* One file: a write is there whole when a sync followed it, never when a sync failed after it,
 * else as chance gives: a beginning, or its end with zeros before. */
static void cut_inode(struct memfs *fs, const struct memfs *from, int inode, unsigned ops,
                      enum memfs_rest rest, uint64_t *random)
{
    for (unsigned i = 0; i < ops; i++) {
        const struct memfs_op *op = &from->op[i];
        if (op->kind != OP_WRITE || op->inode != inode)
            continue;
        enum op_kind fate = OP_WRITE;
        for (unsigned k = i + 1; k < ops && fate == OP_WRITE; k++) {
            if (from->op[k].inode == inode &&
                (from->op[k].kind == OP_SYNC || from->op[k].kind == OP_LOST))
                fate = from->op[k].kind;
        }
        const uint8_t *bytes = from->inode[inode].bytes + op->off;
        unsigned n = fate == OP_SYNC   ? op->len
                     : fate == OP_LOST ? 0
                                       : chance(rest, random, op->len);
        if (fate == OP_WRITE && rest == MEMFS_CHANCE && fixture_random(random) % 4 == 0)
            store(&fs->inode[inode], op->off + op->len - n, bytes + op->len - n, n);
        else
            store(&fs->inode[inode], op->off, bytes, n);
    }
}

void memfs_cut(struct memfs *fs, const struct memfs *from, unsigned ops, enum memfs_rest rest,
               uint64_t *random)
{
    memfs_open(fs);
    for (int i = 0; i < from->inodes; i++) {
        add_inode(fs);
        cut_inode(fs, from, i, ops, rest, random);
    }
    cut_names(fs, from, ops, rest, random);
}

void memfs_settle(struct memfs *fs)
{
    fs->ops = 0;
    for (int i = 0; i < fs->names; i++) {
        int inode = fs->name[i].inode;
        uint32_t len = fs->inode[inode].len;
        record(fs, (struct memfs_op){.kind = OP_CREATE, .inode = inode}, fs->name[i].name, NULL);
        record(fs, (struct memfs_op){.kind = OP_WRITE, .inode = inode, .len = len}, NULL, NULL);
        record(fs, (struct memfs_op){.kind = OP_SYNC, .inode = inode}, NULL, NULL);
    }
    record(fs, (struct memfs_op){.kind = OP_SYNC_DIR}, NULL, NULL);
}

/* --- for tests -------------------------------------------------------------------------------- */

struct memfs_inode *memfs_find(struct memfs *fs, const char *name)
{
    struct memfs_name *entry = find_name(fs, name);
    return entry ? &fs->inode[entry->inode] : NULL;
}

void memfs_write(struct memfs *fs, const char *name, const uint8_t *bytes, uint32_t len)
{
    const struct memfs_name *entry = find_name(fs, name);
    int i = entry ? entry->inode : add_inode(fs);
    if (!entry)
        set_name(fs, name, i);
    fs->inode[i].len = 0;
    store(&fs->inode[i], 0, bytes, len);
}

void memfs_remove(struct memfs *fs, const char *name)
{
    drop_name(fs, name);
}
