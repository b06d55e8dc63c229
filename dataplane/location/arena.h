/* SPDX-License-Identifier: BSD-3-Clause */
/* The arena: one file of shared memory that outlives every process.
 *
 *   +--------+--------+-------------+------------+--------+------+--------+----------+-------+
 *   | header | policy | provisioned | identities | nonces | bans | limits | channels | stats | ...
 *   +--------+--------+-------------+------------+--------+------+--------+----------+-------+
 *                                                                   ... table | records | dirty |
 *   0        one region after another, each 2 MiB aligned; offsets in the header; no pointers
 *
 * The file lies on hugetlbfs (or /dev/shm, with a warning). Whichever process comes first creates
 * it; everybody else joins. All content is reached by offset.
 *
 * Who writes what (a dead process can therefore never leave the other's part half written):
 *   dataplane   table, record memory, stats, rates and known sources of limits, its ends of the
 *               channels; sets dirty marks
 *   control     policy, provisioned, identities, nonces, its ends of the channels; takes marks
 *   each role   its own line in the header
 *   both        bans, failures (of limits): no entry needs more than one store to be whole (ban.h,
 *               failures.h)
 *
 * Bindings have ONE writing process, the dataplane (several worker threads of it). The control
 * process changes them by command through a channel. So at attach the dataplane is alone with the
 * allocator and rebuilds it from what the table reaches: nothing can leak through a kill.
 *
 * Exclusion: each role holds an open-file-description lock on its own byte of the file for as long
 * as it lives. The kernel drops it at death, whatever the cause, so a stale lock cannot exist. */
#ifndef BD_ARENA_H
#define BD_ARENA_H

#include <stdatomic.h>

#include "hash.h"
#include "limits.h"
#include "log.h"

#define BD_ARENA_MAGIC 0x31414e4552414442ULL /* "BDARENA1" */
/* Any change of a shared layout raises this; tests hold the sizes of all shared structs. */
#ifndef BD_ARENA_LAYOUT /* tests build two versions that differ in nothing else */
#define BD_ARENA_LAYOUT 17
#endif

enum bd_role { BD_ROLE_DATAPLANE, BD_ROLE_CONTROL, BD_ROLE_CNT };

enum bd_region {
    BD_REGION_POLICY,
    BD_REGION_PROVISIONED,
    BD_REGION_IDENTITIES, /* no bytes where there are no implicit registration sets */
    BD_REGION_NONCES,
    BD_REGION_BANS,
    BD_REGION_LIMITS,
    BD_REGION_CHANNELS,
    BD_REGION_STATS,
    BD_REGION_TABLE,
    BD_REGION_RECORDS,
    BD_REGION_DIRTY,
    BD_REGION_CNT
};

struct bd_arena;

/* What the configuration asks for. Two processes must ask for the same. */
struct bd_arena_params {
    uint64_t region_sz[BD_REGION_CNT]; /* bytes, from each region's footprint function */
    uint64_t fingerprint;              /* hash of the configured sizes, shown when they differ */
    uint64_t private_page_sz;          /* of bd_arena_create_private; 0: what pages there are */
    /* Formats the regions of a file just made, before its magic is written; NULL: all stay zero. */
    void (*format)(struct bd_arena *arena, const void *arg);
    const void *format_arg;
};

/* One per role, written by that role only. */
struct bd_role_line {
    _Alignas(64) _Atomic uint32_t pid; /* 0: never started */
    _Atomic uint32_t generation;       /* +1 at each attach of this role; never 0 while alive */
    _Atomic uint64_t heartbeat_ms;     /* bd_clock_ms() of the last turn of its main loop */
    _Atomic uint64_t started_ms;       /* bd_clock_ms() of the attach */
    _Atomic uint32_t serving;          /* 1 between the end of start and the begin of stop */
    _Atomic uint32_t peer_hangs;       /* times it found the other role alive without heartbeat */
    _Atomic uint32_t workers;          /* the dataplane's: that it runs, set before it serves */
};

struct bd_arena_header {
    _Atomic uint64_t magic; /* written last by the creator */
    uint32_t layout;
    uint32_t page_sz;
    uint64_t total_sz;
    uint64_t fingerprint;
    uint64_t hash_seed;
    uint64_t created_wall_ms;
    uint64_t boot; /* bd_clock_boot() of its making: its times are by that run's clock */
    uint64_t region_off[BD_REGION_CNT];
    uint64_t region_sz[BD_REGION_CNT];
    struct bd_role_line role[BD_ROLE_CNT];
    /* Written by control: 1 = refuse new bindings with 503, let refreshes through. */
    _Alignas(64) _Atomic uint32_t draining;
};

/* A process's view of the arena; private memory. */
struct bd_arena {
    struct bd_arena_header *header;
    uint8_t *base;
    uint64_t size;
    int fd;
    enum bd_role role;
    bool created;  /* this process made the arena */
    bool fresh;    /* and its file: there was none of that name */
    bool empties;  /* the file, as the last of leaving it */
    bool huge;     /* on hugetlbfs */
    bool nameless; /* private memory */
    char path[256];
    struct bd_hash_key hash_key;
};

/* Joins the arena, creating it when there is none.
 *   path    the file, or NULL for automatic: an arena named `name` on a hugetlbfs mount with
 *           enough free pages, the largest that it fills (1 GiB before 2 MiB), else in /dev/shm,
 *           with a warning that says how to get hugepages. An existing file wins over a new one.
 *   role    whose byte is locked. Waits up to 1 s for a dying predecessor to let go.
 * One that was made before the machine was started is made anew; only a disk keeps such.
 *
 * Fails (-1, error says what and the remedy; nothing is overwritten or removed):
 *   the role is already running (names its pid), the file is no arena or of another layout, its
 *   sizes differ from params, no memory (says how many hugepages to add), no permission. */
int bd_arena_join(struct bd_arena *arena, const char *path, const char *name, enum bd_role role,
                  const struct bd_arena_params *params, struct bd_error *error);

/* Whether join would find an arena that it can use: 0 yes, 1 there is none, -1 no, with the error
 * of join. Locks and changes nothing; only arena->path is set after. */
int bd_arena_look(struct bd_arena *arena, const char *path, const char *name,
                  const struct bd_arena_params *params, struct bd_error *error);

/* Like join, for tools and tests: private memory, no lock. With params->private_page_sz on pages of
 * that size (4 KiB, or a size of hugepages), all of them taken at once. Fails when they cannot be
 * had. */
int bd_arena_create_private(struct bd_arena *arena, const struct bd_arena_params *params,
                            struct bd_error *error);

/* For a start that fails: takes back the arena if this process has made it and the other role never
 * joined it, so there is nothing in it yet. Its file is removed, or is empty once it is left if it
 * was there before: somebody may have made it for us. Still to be left. Nothing happens to one that
 * was not joined. */
void bd_arena_discard(struct bd_arena *arena);

/* Whether the file of that name is still the one that was joined: removed or replaced, a process
 * that starts would not find this one. What cannot be looked at counts as in place. */
bool bd_arena_in_place(const struct bd_arena *arena);

/* Unmaps and lets the lock go. The file stays. */
void bd_arena_leave(struct bd_arena *arena);

static inline void *bd_arena_region(const struct bd_arena *arena, enum bd_region region)
{
    return arena->base + arena->header->region_off[region];
}

/* Whether the process of a role is alive now (its lock is held). One system call. */
bool bd_arena_role_alive(const struct bd_arena *arena, enum bd_role role);

#endif
