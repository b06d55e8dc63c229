/* SPDX-License-Identifier: BSD-3-Clause */
/* Bindings go to the disk: the threads that turn the keeper and walk snapshots, and when they do.
 *
 *   keeper thread    waits for `restored`, then a turn each journal_fsync_ms (async), or one after
 *                    another (sync); a second after a failure it tries the next journal, and
 *                    after a full disk it writes nothing into that before a snapshot is complete
 *   snapshot thread  a snapshot when the arena has none on disk, after a failed journal, when the
 *                    journal outgrew journal_snapshot_mb and the last snapshot, each
 *                    snapshot_interval_s if anything changed, and on command
 *   event loop       asks for numbers and snapshots; watches for a disk that hangs
 *
 * Whatever the disk does, only those two threads wait for it. */
#ifndef BD_JOURNALING_H
#define BD_JOURNALING_H

#include "state.h"

struct bd_journaling;

struct bd_journaling_numbers {
    enum bd_durability durability;
    bool restored;           /* the arena holds what the journal held; nothing is written before */
    bool failing;            /* the journal cannot be written now */
    bool snapshot_done;      /* a snapshot of this arena is on disk */
    bool snapshotting;       /* one is under way */
    uint64_t journal;        /* number of the open one, or of the last; 0: none yet */
    uint64_t journal_bytes;  /* of it */
    uint64_t records, bytes; /* written by this process */
    uint64_t turns;          /* that put records on disk */
    uint64_t failures;       /* of journals */
    uint64_t synced_ms;      /* bd_clock_ms() when the last records were on disk; 0: never */
    uint64_t sync_us;        /* what that took, from the begin of its sweep */
    uint64_t sync_max_us;
    uint64_t settled_ms; /* all changes up to then are on disk; 0: not known */
    uint64_t marks;      /* slots that the last sweep found and that are not on disk */
    uint64_t snapshot;   /* number of the last complete one by this process; 0: none */
    uint64_t snapshot_aors, snapshot_bindings, snapshot_bytes;
    uint64_t snapshot_ms;    /* what it took */
    uint64_t snapshot_at_ms; /* bd_clock_ms() of its end */
    uint64_t snapshots, snapshot_failures;
    uint64_t load_problems; /* damaged places that the dataplane's load of the journal met */
    uint64_t load_lost;     /* records known lost then */
};

/* Starts the threads, which wait for the arena to be restored; with `durability: none` there are
 * none. A directory that cannot be written is no reason not to start: it is an alarm. NULL with an
 * error: no memory, no thread. */
struct bd_journaling *bd_journaling_start(struct bd_control *control, struct bd_error *error);
/* A last turn, and the end of the threads. False when the disk did not answer for
 * BD_JOURNALING_STOP_MS: then they still use the arena, the alarms and what was returned by start,
 * and only the end of the process ends them. NULL is let pass. */
bool bd_journaling_stop(struct bd_journaling *journaling);
#define BD_JOURNALING_STOP_MS 5000

/* Event loop only, the rest as well: what of a new configuration needs no restart. */
void bd_journaling_reload(struct bd_journaling *journaling, const struct bd_config *config);

void bd_journaling_read(struct bd_journaling *journaling, struct bd_journaling_numbers *numbers);

/* A snapshot that begins after the call. Told in the loop, once; with an error when there is none
 * to be had: `none`, not restored, the disk fails, control stops. */
typedef void (*bd_journaling_told_fn)(void *arg, const struct bd_journaling_numbers *numbers,
                                      const struct bd_error *error);
void bd_journaling_snapshot(struct bd_journaling *journaling, bd_journaling_told_fn told,
                            void *arg);

/* Where it writes. */
const char *bd_journaling_path(const struct bd_journaling *journaling);

#endif
