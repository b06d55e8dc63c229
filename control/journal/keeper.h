/* SPDX-License-Identifier: BSD-3-Clause */
/* The keeper: puts what workers marked dirty on disk, sweep by sweep, into one journal at a time.
 *
 *          next turn            turn: sweep, append, sync, settle
 *   closed ----------> open --------------------------------------> open
 *     ^                 | a write or sync failed: `writing` = 0
 *     +-----------------+ nothing is forgotten: marks stay pending until they are on disk
 *
 * No thread and no clock of its own, so that tests turn it over a directory in memory: journaling.h
 * has the thread. It holds its epoch line only while it copies records into the journal's buffer,
 * never while it waits for the disk: a hanging disk must not hold up the workers' memory. */
#ifndef BD_KEEPER_H
#define BD_KEEPER_H

#include "dirty.h"
#include "journal.h"

/* A journal with nothing to say tells the time this often. After a power cut the loader counts what
 * was left of a binding from there on. */
#define BD_KEEPER_IDLE_MS 10000

struct bd_keeper {
    const struct bd_table *table;
    const struct bd_journal_dir *dir;
    unsigned line; /* epoch line of the caller's thread */
    uint16_t generation;
    struct bd_journal journal;
    bool open;
    bool named;            /* a former journal's END and a snapshot bear its number */
    bool looked;           /* the directory has been looked at once */
    bool closing;          /* the last turn: no new promises */
    uint64_t committed_ms; /* clock of the last COMMIT */
    uint64_t given;        /* highest number of a journal that was tried */
    uint64_t found;        /* slots that the last sweep found and that are not known on disk */
    unsigned files;        /* in the directory when the last journal was begun */
};

/* Says that nothing is being written, until a turn succeeds. */
void bd_keeper_init(struct bd_keeper *keeper, const struct bd_table *table,
                    const struct bd_journal_dir *dir, unsigned line, uint16_t generation);

/* Puts all changes made before the call on disk, in the next journal when none is open. Returns the
 * number of records, 0 when nothing had changed; -1 with an error: what is missing on disk stays
 * marked, the journal is closed, and the next call tries a new one. `now` is a moment not after the
 * call. */
int64_t bd_keeper_turn(struct bd_keeper *keeper, const struct bd_journal_time *now,
                       struct bd_error *error);

/* Begins the next journal when none is open, and writes nothing more: a snapshot that takes its
 * place has all the room there is. -1 with an error. */
int bd_keeper_open(struct bd_keeper *keeper, const struct bd_journal_time *now,
                   struct bd_error *error);

/* Just after a turn that succeeded, or bd_keeper_open: begins the next journal and ends the open
 * one with its number, under which a snapshot may be walked then. -1 with an error: the former
 * stays open. */
int bd_keeper_rotate(struct bd_keeper *keeper, const struct bd_journal_time *now,
                     struct bd_error *error);

/* The end of the process: no more promises to workers, a last turn, END. -1 with an error: what is
 * not on disk stays marked in the arena. */
int bd_keeper_close(struct bd_keeper *keeper, const struct bd_journal_time *now,
                    struct bd_error *error);

/* Appends what a slot holds: its record whole or, for STATE, what a refresh changes; NULL: nothing.
 * For the keeper and for snapshots, which hold an epoch line. */
int bd_keeper_append(struct bd_journal *journal, uint64_t slot, enum bd_dirty_kind kind,
                     const struct bd_record *record, struct bd_error *error);

#endif
