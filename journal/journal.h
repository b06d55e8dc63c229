/* SPDX-License-Identifier: BSD-3-Clause */
/* Bindings on disk: a journal of what slots of the binding table hold, and snapshots of all slots.
 *
 *   directory:   snapshot-4  journal-4  journal-5  snapshot-5.tmp      journal-3.bad-1763666000000
 *                whole table  since then           a walk under way    kept aside for a human
 *
 *   file:        header (4 KiB) | the same once more | record | record | ...
 *   record:      frame (24 bytes: check, type, length, sequence, check of the body) | body
 *
 *   PUT     slot + the whole record                       what the slot holds now
 *   STATE   slot + CSeq, expiry, transaction a contact    it was only refreshed since its PUT
 *   EMPTY   slot                                          removed or expired
 *   COMMIT  wall time and clock                           end of a sweep
 *   END     count of records, number of the next journal  the file was closed in order
 *
 * The key is the slot, not the AoR: slots never move, so whoever finds a slot dirty appends what it
 * holds at that moment and needs to know nothing of what it held before. docs/journal.md has every
 * byte and the reasons; the loader is journal_load.h, the reader of one file journal_reader.h.
 *
 * Rules that make it work
 * 1. Each whole record counts, whether or not its COMMIT was written. A record is the state that a
 *    slot had at one moment, later than all records of the slot before it; a sweep is no
 *    transaction over slots, as it walks a table that changes. Leaving out a torn sweep's whole
 *    records would lose bindings and make nothing more consistent.
 * 2. A STATE names its PUT by a check of all that a refresh leaves as it is. Where that PUT was
 *    lost (a hole, a missing file), the STATE fits nothing and is reported, never put on another
 *    record. The check has 32 bits; it matters only after a loss.
 * 3. The check of a record depends on the file's random salt and on the record's offset: no text
 *    of a subscriber, no old block of the file system and no other file can pass for a record. So
 *    a reader that lost its way may search for the next one.
 * 4. A file is never appended to by a second process, never written twice and its number never
 *    given twice. Whoever takes up writing begins the next journal.
 * 5. A snapshot N is walked after journal N was begun. Journal N has all later changes and
 *    overrides it.
 * 6. Times of records are wall time as the writer's clock counted it from the header's moment on:
 *    steps of the wall clock do not show in them. COMMIT has both clocks, so that the loader knows
 *    by how much the wall clock was set since.
 *
 * After a failed write or fsync nothing since the last successful bd_journal_sync() counts as
 * written, and no call on this journal succeeds any more: the kernel may have dropped the pages and
 * a second fsync would report success for them. Begin the next journal and a snapshot with it (or,
 * if the slots since bd_journal_durable() are known, PUT those into the next journal).
 *
 * Who may call: one thread of the control process a journal. Nothing here is for workers. */
#ifndef BD_JOURNAL_H
#define BD_JOURNAL_H

#include "journal_format.h"
#include "journal_io.h"
#include "log.h"

/* Records gather here for one write. All slots of a bucket fit at their largest, so whoever appends
 * a bucket to an empty buffer waits for no disk meanwhile. */
#define BD_JOURNAL_BUFFER_SZ (1 << 20)

/* A file being written; private. */
struct bd_journal {
    const struct bd_journal_dir *dir;
    struct bd_journal_header header;
    int fd;         /* -1: closed */
    bool failed;    /* nothing more will be written */
    bool no_room;   /* as the disk was full */
    uint64_t off;   /* file offset of buffer[0] */
    uint64_t seq;   /* of the last record appended */
    uint64_t puts;  /* records that are PUT */
    uint64_t group; /* records since the last COMMIT */
    uint64_t durable_seq;
    uint32_t used;
    uint8_t *buffer;
    char name[BD_JOURNAL_NAME_MAX];
};

/* What a new file says of itself. */
struct bd_journal_begin {
    uint64_t number;   /* bd_journal_next_number(); a snapshot: its journal's */
    uint64_t previous; /* journal that this one goes on from; 0: none. A snapshot: 0 */
    uint64_t geometry; /* names the slots: another arena or layout, another number */
    uint64_t slots;    /* slot numbers are below it; at most BD_JOURNAL_SLOTS_MAX */
    struct bd_journal_time now;
};

/* Creates journal-N and makes its header and name durable. When it returns 0, changes may be
 * appended. -1 with an error: nothing was begun; a file half made was removed if that was possible,
 * else take the next number. Two fsyncs. */
int bd_journal_begin(struct bd_journal *journal, const struct bd_journal_dir *dir,
                     const struct bd_journal_begin *begin, struct bd_error *error);
/* Creates snapshot-N.tmp. Only PUT (and COMMIT) are appended to it. */
int bd_snapshot_begin(struct bd_journal *snapshot, const struct bd_journal_dir *dir,
                      const struct bd_journal_begin *begin, struct bd_error *error);

/* Append one record; the texts are copied. The seal bit of states is ignored; expires_at_s and
 * created_at_s are seconds of the clock of begin.now. Bytes reach the kernel when the buffer is
 * full, at the latest with bd_journal_sync. -1 with an error: see above; also for a record that
 * cannot be one (more than BD_CONTACTS_PER_AOR_MAX contacts or none, larger than BD_RECORD_MAX,
 * a slot out of range), which leaves the journal as it was. */
int bd_journal_put(struct bd_journal *journal, uint64_t slot, struct bd_str aor,
                   const struct bd_binding *bindings, unsigned cnt, struct bd_error *error);
/* The same arguments, as the check of the record that it belongs to is taken from them. */
int bd_journal_state(struct bd_journal *journal, uint64_t slot, struct bd_str aor,
                     const struct bd_binding *bindings, unsigned cnt, struct bd_error *error);
int bd_journal_empty(struct bd_journal *journal, uint64_t slot, struct bd_error *error);
int bd_journal_commit(struct bd_journal *journal, const struct bd_journal_time *now,
                      struct bd_error *error);

/* Whether `records` more of any size fit in the buffer: appending them does no input or output and
 * cannot fail but for their arguments. */
static inline bool bd_journal_has_room(const struct bd_journal *journal, unsigned records)
{
    return BD_JOURNAL_BUFFER_SZ - journal->used >=
           records * (BD_JOURNAL_BODY_MAX + BD_JOURNAL_FRAME_SZ);
}
/* Hands what is buffered to the kernel, without waiting for the disk: makes room. */
int bd_journal_flush(struct bd_journal *journal, struct bd_error *error);

/* Writes what is buffered and waits until it is on disk: all records appended so far are durable
 * when it returns 0. This is the group commit of `durability: sync`. One fdatasync, none when
 * nothing was appended since the last. */
int bd_journal_sync(struct bd_journal *journal, struct bd_error *error);

/* Whether what was synced can be found again: the file still has its name. -1 with an error when it
 * was removed, or another directory has the place of its own: this counts as a failed write, and as
 * the loss of all that the file had. */
int bd_journal_in_place(struct bd_journal *journal, struct bd_error *error);

/* Sequence number of the last record known to be on disk; 0: none. */
static inline uint64_t bd_journal_durable(const struct bd_journal *journal)
{
    return journal->durable_seq;
}

/* Bytes of the file so far, those in the buffer included. */
static inline uint64_t bd_journal_bytes(const struct bd_journal *journal)
{
    return journal->off + journal->used;
}

/* Ends a journal in order: END, sync, close. next: the journal already begun that goes on from it,
 * 0 at the end of the process. */
int bd_journal_finish(struct bd_journal *journal, const struct bd_journal_time *now, uint64_t next,
                      struct bd_error *error);
/* END, sync, rename to snapshot-N, fsync of the directory. From its return on, bd_journal_prune may
 * remove what it replaces. -1: the former snapshot stands; the .tmp was removed if possible. */
int bd_snapshot_finish(struct bd_journal *snapshot, const struct bd_journal_time *now,
                       struct bd_error *error);
/* Closes a file without END. A snapshot's .tmp is removed. Also after any failure. */
void bd_journal_abandon(struct bd_journal *journal);

#endif
