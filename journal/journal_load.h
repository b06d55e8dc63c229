/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads what the journal's directory holds, after a power cut or into another build's arena.
 *
 * Which files: the newest snapshot that is whole, then each journal from its number on. A damaged
 * snapshot is laid over what the one before it (or nothing) and the journals since give: what is
 * whole in it is at least as new as they are. Without a snapshot: all journals.
 *
 * Two passes: the first reads all records in order and remembers for each slot where its last PUT
 * is and the states since (journal_index.h); the second reads the files once more in order and
 * gives the PUTs that were not overridden to the receiver, expired contacts left off. Memory: 16
 * bytes a slot and 24 a refreshed contact; a buffer of 1 MiB. Nothing of a file is mapped: a disk
 * that does not read must be an error and not a signal.
 *
 * What is guaranteed whatever was cut, flipped or lost: each binding given is one that was written
 * so, at the latest moment of its slot that is whole. What is lost is told with its place. A hole
 * may leave a slot at an earlier moment than its last; such a binding lives no longer than it was
 * registered for at that moment. A later file of another geometry (another arena) is fine: its
 * AoRs override those of earlier ones.
 *
 * Time: expiries are taken by the clock that does not step as far as that is possible: within the
 * boot in which they were written always; after a reboot the wall clock serves for the time since
 * the last COMMIT only, and one that went back counts as no time gone by. */
#ifndef BD_JOURNAL_LOAD_H
#define BD_JOURNAL_LOAD_H

#include "journal_reader.h"

/* The bindings of an AoR, states unsealed and in seconds of now.clock_ms; slices live during the
 * call. cnt 0: they have all expired, or were removed. Called again for an AoR, the later call
 * replaces what the earlier gave (a sweep was cut between an insert and the removal it followed:
 * two slots).
 * Returns 0; 1 when it replaced or removed an earlier one; negative to stop the load. */
typedef int (*bd_journal_binding_fn)(void *arg, struct bd_str aor,
                                     const struct bd_binding *bindings, unsigned cnt);
/* A contact that is left off, as it has expired: who it was, states and times are none. */
typedef void (*bd_journal_expired_fn)(void *arg, const struct bd_binding *binding);
/* An AoR that on_binding_set will probably be called for soon, so that its memory may be fetched. A
 * hint: it may be none at all, and calls come without one. */
typedef void (*bd_journal_ahead_fn)(void *arg, struct bd_str aor);
/* problem->file lives during the call. */
typedef void (*bd_journal_problem_fn)(void *arg, const struct bd_journal_problem *problem);

struct bd_journal_load_params {
    struct bd_journal_dir dir;
    struct bd_journal_time now;
    bd_journal_binding_fn on_binding_set;
    bd_journal_expired_fn on_expired; /* may be NULL */
    bd_journal_ahead_fn on_ahead;     /* may be NULL */
    bd_journal_problem_fn on_problem; /* may be NULL; once for each, after the load */
    void *arg;
    bool keep; /* give damaged files their second name, bd_journal_keep */
};

struct bd_journal_report {
    uint64_t snapshot;       /* number of the snapshot begun with; 0: none */
    bool snapshot_damaged;   /* no whole one was there, and a damaged one was */
    bool clock_went_back;    /* the wall clock is before the last COMMIT */
    unsigned files;          /* read */
    unsigned kept;           /* damaged files that have their second name */
    uint64_t bytes, records; /* of the first pass */
    uint64_t puts, states, empties;
    uint64_t aors, bindings; /* given to the receiver */
    uint64_t expired;        /* contacts left off */
    uint64_t replaced;       /* times that the receiver returned 1 */
    uint64_t unmatched;      /* STATEs whose PUT is not what the slot held. Without any loss this is
                                a snapshot that was ahead of the journal, and no problem */
    uint64_t lost;           /* records gone, as far as sequences tell */
    uint64_t problems;       /* also those beyond BD_JOURNAL_PROBLEMS_MAX */
    unsigned unended;        /* files without END: what a kill or a power cut leaves. Told, but no
                                problem: records that were never written cannot be missed */
    uint64_t last_number;    /* newest journal read */
    uint64_t committed_wall_ms; /* of the newest COMMIT or END; 0: none */
};

/* 0: loaded, whatever was whole; *report says how much, and problems == 0 that this is all. An
 * empty directory is fine. -1 with an error, nothing changed on disk: the directory or a file
 * cannot be opened, a file of another version, no memory, the receiver stopped. The receiver may
 * then have been given a part. */
int bd_journal_load(const struct bd_journal_load_params *params, struct bd_journal_report *report,
                    struct bd_error *error);

#endif
