/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "journal_files.h"
#include "table.h"

_Static_assert(BD_JOURNAL_BUFFER_SZ >= BD_TABLE_SLOTS * (BD_JOURNAL_BODY_MAX + BD_JOURNAL_FRAME_SZ),
               "a bucket fits");

static const char *remedy(int rc)
{
    switch (-rc) {
    case ENOSPC:
    case EDQUOT:
        return "make room";
    case EROFS:
        return "mount it writable, after a look at the kernel's log";
    case EACCES:
    case EPERM:
        return "let the process's user write there";
    case ENOENT:
        return "make the directory";
    case EEXIST:
        return "take the next number";
    default:
        return "look at the kernel's log, the disk may be failing";
    }
}

/* The journal's last error; the file is not touched again. */
static int broken(struct bd_journal *journal, const char *doing, int rc, struct bd_error *error)
{
    journal->failed = true;
    journal->no_room = rc == -ENOSPC || rc == -EDQUOT;
    return bd_fail(error,
                   "journal %s/%s: cannot %s at byte %" PRIu64 ": %s; %s. What came after record "
                   "%" PRIu64 " is not durable: the next journal and a new snapshot are needed",
                   journal->dir->path, journal->name, doing, journal->off, strerror(-rc),
                   remedy(rc), journal->durable_seq);
}

static int refuse_broken(const struct bd_journal *journal, struct bd_error *error)
{
    return bd_fail(error,
                   "journal %s/%s: has failed before; what came after record %" PRIu64
                   " is not durable: the next journal and a new snapshot are needed",
                   journal->dir->path, journal->name, journal->durable_seq);
}

int bd_journal_flush(struct bd_journal *journal, struct bd_error *error)
{
    if (journal->failed || journal->fd < 0)
        return refuse_broken(journal, error);
    const struct bd_journal_io *io = journal->dir->io;
    uint32_t done = 0;
    while (done < journal->used) {
        int64_t n = io->write(io->arg, journal->fd, journal->buffer + done, journal->used - done);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return broken(journal, "write", n == 0 ? -EIO : (int)n, error);
        done += (uint32_t)n;
        journal->off += (uint64_t)n;
    }
    journal->used = 0;
    int rc;
    do
        rc = io->start_sync(io->arg, journal->fd);
    while (rc == -EINTR);
    return rc < 0 ? broken(journal, "write", rc, error) : 0;
}

/* Room for the largest record behind what is buffered. NULL with an error. */
static uint8_t *reserve(struct bd_journal *journal, struct bd_error *error)
{
    if (journal->failed || journal->fd < 0) {
        refuse_broken(journal, error);
        return NULL;
    }
    if (!bd_journal_has_room(journal, 1) && bd_journal_flush(journal, error) < 0)
        return NULL;
    return journal->buffer + journal->used;
}

static void append(struct bd_journal *journal, uint8_t type, uint32_t len)
{
    bd_journal_frame_encode(journal->buffer + journal->used,
                            journal->header.salt + journal->off + journal->used, type, len,
                            ++journal->seq);
    journal->used += BD_JOURNAL_FRAME_SZ + bd_journal_padded(len);
    journal->group++;
}

/* --- begin and end ---------------------------------------------------------------------------- */

static int write_header(struct bd_journal *journal, struct bd_error *error)
{
    bd_journal_header_encode(&journal->header, journal->buffer);
    memcpy(journal->buffer + BD_JOURNAL_HEADER_SZ, journal->buffer, BD_JOURNAL_HEADER_SZ);
    journal->used = BD_JOURNAL_RECORDS_OFF;
    return bd_journal_sync(journal, error);
}

static void release(struct bd_journal *journal)
{
    const struct bd_journal_io *io = journal->dir->io;
    if (journal->fd >= 0)
        io->close(io->arg, journal->fd);
    free(journal->buffer);
    journal->fd = -1;
    journal->buffer = NULL;
    journal->failed = true;
}

static int create(struct bd_journal *journal, struct bd_error *error)
{
    journal->buffer = malloc(BD_JOURNAL_BUFFER_SZ);
    if (!journal->buffer)
        return bd_fail(error, "journal %s: no memory for a buffer", journal->dir->path);
    if (getrandom(&journal->header.salt, sizeof(journal->header.salt), 0) !=
        sizeof(journal->header.salt))
        return bd_fail(error, "journal %s: getrandom: %s", journal->dir->path, strerror(errno));
    int fd = bd_journal_open(journal->dir, journal->name, 1);
    if (fd < 0)
        return bd_fail(error, "journal %s/%s: cannot be created: %s; %s", journal->dir->path,
                       journal->name, strerror(-fd), remedy(fd));
    journal->fd = fd;
    return write_header(journal, error);
}

static int begin_file(struct bd_journal *journal, const struct bd_journal_dir *dir,
                      enum bd_journal_kind kind, const struct bd_journal_begin *begin,
                      struct bd_error *error)
{
    *journal = (struct bd_journal){.dir = dir,
                                   .header = {.version = BD_JOURNAL_VERSION,
                                              .kind = (uint16_t)kind,
                                              .number = begin->number,
                                              .previous = begin->previous,
                                              .geometry = begin->geometry,
                                              .slots = begin->slots,
                                              .made = begin->now},
                                   .fd = -1};
    bd_journal_name(kind, begin->number, journal->name);
    if (kind == BD_JOURNAL_FILE_SNAPSHOT)
        strcat(journal->name, ".tmp");
    if (begin->slots > BD_JOURNAL_SLOTS_MAX)
        return bd_fail(error, "journal %s/%s: %" PRIu64 " slots are more than %llu", dir->path,
                       journal->name, begin->slots, BD_JOURNAL_SLOTS_MAX);
    int rc = create(journal, error);
    if (rc < 0 && journal->fd >= 0)
        bd_journal_unlink(dir, journal->name);
    if (rc < 0)
        release(journal);
    return rc;
}

int bd_journal_begin(struct bd_journal *journal, const struct bd_journal_dir *dir,
                     const struct bd_journal_begin *begin, struct bd_error *error)
{
    if (begin_file(journal, dir, BD_JOURNAL_FILE_JOURNAL, begin, error) < 0)
        return -1;
    int rc = bd_journal_sync_dir(dir);
    if (rc == 0)
        return 0;
    broken(journal, "make the name durable", rc, error);
    bd_journal_unlink(dir, journal->name);
    release(journal);
    return -1;
}

int bd_snapshot_begin(struct bd_journal *snapshot, const struct bd_journal_dir *dir,
                      const struct bd_journal_begin *begin, struct bd_error *error)
{
    return begin_file(snapshot, dir, BD_JOURNAL_FILE_SNAPSHOT, begin, error);
}

static int end(struct bd_journal *journal, const struct bd_journal_time *now, uint64_t next,
               struct bd_error *error)
{
    uint8_t *record = reserve(journal, error);
    if (!record)
        return -1;
    append(journal, BD_JOURNAL_END,
           bd_journal_commit_encode(record + BD_JOURNAL_FRAME_SZ, now, journal->seq, next));
    return bd_journal_sync(journal, error);
}

int bd_journal_finish(struct bd_journal *journal, const struct bd_journal_time *now, uint64_t next,
                      struct bd_error *error)
{
    int rc = end(journal, now, next, error);
    release(journal);
    return rc;
}

int bd_snapshot_finish(struct bd_journal *snapshot, const struct bd_journal_time *now,
                       struct bd_error *error)
{
    char name[BD_JOURNAL_NAME_MAX];
    bd_journal_name(BD_JOURNAL_FILE_SNAPSHOT, snapshot->header.number, name);
    if (end(snapshot, now, 0, error) < 0) {
        bd_journal_abandon(snapshot);
        return -1;
    }
    int rc = bd_journal_rename(snapshot->dir, snapshot->name, name);
    if (rc < 0) {
        broken(snapshot, "rename", rc, error);
        bd_journal_abandon(snapshot);
        return -1;
    }
    /* From here on the name may be there after a power cut or not: either way all files of the
     * former snapshot are, too. */
    rc = bd_journal_sync_dir(snapshot->dir);
    if (rc < 0)
        broken(snapshot, "make the name durable", rc, error);
    release(snapshot);
    return rc < 0 ? -1 : 0;
}

void bd_journal_abandon(struct bd_journal *journal)
{
    if (journal->fd < 0)
        return;
    release(journal);
    if (journal->header.kind == BD_JOURNAL_FILE_SNAPSHOT)
        bd_journal_unlink(journal->dir, journal->name);
}

/* --- records ---------------------------------------------------------------------------------- */

static int check_arguments(const struct bd_journal *journal, uint64_t slot, struct bd_str aor,
                           const struct bd_binding *bindings, unsigned cnt, struct bd_error *error)
{
    if (slot >= journal->header.slots)
        return bd_fail(error, "journal %s/%s: slot %" PRIu64 " of a table of %" PRIu64,
                       journal->dir->path, journal->name, slot, journal->header.slots);
    if (cnt == 0 || bd_record_sz(aor, bindings, cnt) == 0)
        return bd_fail(error, "journal %s/%s: %u contacts of %.*s are no record",
                       journal->dir->path, journal->name, cnt, BD_STR_ARG(aor));
    return 0;
}

static uint64_t shift_ms(const struct bd_journal *journal)
{
    return journal->header.made.wall_ms - journal->header.made.clock_ms;
}

int bd_journal_put(struct bd_journal *journal, uint64_t slot, struct bd_str aor,
                   const struct bd_binding *bindings, unsigned cnt, struct bd_error *error)
{
    if (check_arguments(journal, slot, aor, bindings, cnt, error) < 0)
        return -1;
    uint8_t *record = reserve(journal, error);
    if (!record)
        return -1;
    append(journal, BD_JOURNAL_PUT,
           bd_journal_put_encode(record + BD_JOURNAL_FRAME_SZ, shift_ms(journal), slot, aor,
                                 bindings, cnt));
    journal->puts++;
    return 0;
}

int bd_journal_state(struct bd_journal *journal, uint64_t slot, struct bd_str aor,
                     const struct bd_binding *bindings, unsigned cnt, struct bd_error *error)
{
    if (check_arguments(journal, slot, aor, bindings, cnt, error) < 0)
        return -1;
    uint8_t *record = reserve(journal, error);
    if (!record)
        return -1;
    uint32_t check = bd_journal_check(aor, bindings, cnt);
    append(journal, BD_JOURNAL_STATE,
           bd_journal_state_encode(record + BD_JOURNAL_FRAME_SZ, shift_ms(journal), slot, check,
                                   bindings, cnt));
    return 0;
}

int bd_journal_empty(struct bd_journal *journal, uint64_t slot, struct bd_error *error)
{
    if (slot >= journal->header.slots)
        return check_arguments(journal, slot, BD_STR_NULL, NULL, 0, error);
    uint8_t *record = reserve(journal, error);
    if (!record)
        return -1;
    append(journal, BD_JOURNAL_EMPTY, bd_journal_empty_encode(record + BD_JOURNAL_FRAME_SZ, slot));
    return 0;
}

int bd_journal_commit(struct bd_journal *journal, const struct bd_journal_time *now,
                      struct bd_error *error)
{
    uint8_t *record = reserve(journal, error);
    if (!record)
        return -1;
    append(journal, BD_JOURNAL_COMMIT,
           bd_journal_commit_encode(record + BD_JOURNAL_FRAME_SZ, now, journal->group, 0));
    journal->group = 0;
    return 0;
}

int bd_journal_sync(struct bd_journal *journal, struct bd_error *error)
{
    const struct bd_journal_io *io = journal->dir->io;
    if (journal->failed || journal->fd < 0)
        return refuse_broken(journal, error);
    bool headers_only = journal->seq == 0 && journal->used > 0;
    if (journal->durable_seq == journal->seq && !headers_only)
        return 0;
    if (bd_journal_flush(journal, error) < 0)
        return -1;
    int rc;
    do
        rc = io->sync(io->arg, journal->fd);
    while (rc == -EINTR);
    if (rc < 0)
        return broken(journal, "sync", rc, error);
    journal->durable_seq = journal->seq;
    return 0;
}

int bd_journal_in_place(struct bd_journal *journal, struct bd_error *error)
{
    int rc = bd_journal_name_is_of(journal->dir, journal->name, journal->fd);
    if (rc == 0)
        return 0;
    journal->failed = true;
    return bd_fail(error,
                   "journal %s/%s: was removed or moved while it was written (%s): what it had is "
                   "lost. The next journal and a new snapshot are needed",
                   journal->dir->path, journal->name, strerror(-rc));
}
