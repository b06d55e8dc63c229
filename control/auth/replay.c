/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay.h"

#include <pthread.h>
#include <stdlib.h>

#define REPLAY_MAGIC 0x3159414c50455242ULL /* "BREPLAY1" */

enum { WAYS = 7, STRIPES = 64 };

struct entry {
    _Atomic uint64_t id;
    _Atomic uint64_t issued_ms;
    _Atomic uint32_t nc;
    uint32_t reserved;
    _Atomic uint64_t transaction;
};

struct set {
    _Alignas(64) _Atomic uint64_t floor_ms;
    uint64_t reserved[3];
    struct entry entry[WAYS];
};

struct region {
    _Alignas(64) _Atomic uint64_t magic; /* written last */
    uint64_t set_cnt;
    uint64_t reserved[6];
    struct set set[];
};

_Static_assert(sizeof(struct entry) == 32 && sizeof(struct set) == 256 &&
                   sizeof(struct region) == 64,
               "kept in shared memory");

struct stripe {
    _Alignas(64) pthread_mutex_t lock;
};

struct bd_replay {
    struct stripe stripe[STRIPES];
    struct region *region;
};

/* Release, so that a kill finds the stores in the order they are written here. */
#define PUT(word, value) atomic_store_explicit(&(word), (value), memory_order_release)
#define GET(word)        atomic_load_explicit(&(word), memory_order_relaxed)

uint64_t bd_replay_footprint(uint64_t entries)
{
    uint64_t sets = entries / WAYS + 1;
    return sizeof(struct region) + sets * sizeof(struct set);
}

static void format(struct region *region, uint64_t set_cnt, uint64_t wall_ms)
{
    region->set_cnt = set_cnt;
    for (uint64_t i = 0; i < set_cnt; i++) {
        PUT(region->set[i].floor_ms, wall_ms);
        for (unsigned w = 0; w < WAYS; w++)
            PUT(region->set[i].entry[w].id, 0);
    }
    PUT(region->magic, REPLAY_MAGIC);
}

struct bd_replay *bd_replay_new(void *memory, uint64_t size, uint64_t wall_ms,
                                struct bd_error *error)
{
    struct region *region = memory;
    if (size < bd_replay_footprint(1)) {
        bd_fail(error, "the memory of nonce counts has %llu bytes, too few for one set",
                (unsigned long long)size);
        return NULL;
    }
    uint64_t set_cnt = (size - sizeof(*region)) / sizeof(struct set);
    uint64_t magic = atomic_load_explicit(&region->magic, memory_order_acquire);
    if (magic != 0 && (magic != REPLAY_MAGIC || region->set_cnt != set_cnt)) {
        bd_fail(error, "the memory of nonce counts in the arena is of another layout or size: "
                       "stop both processes, remove the arena file and start again");
        return NULL;
    }
    struct bd_replay *replay = aligned_alloc(64, sizeof(*replay));
    if (!replay) {
        bd_fail(error, "no memory for the locks of the nonce counts");
        return NULL;
    }
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_mutex_init(&replay->stripe[i].lock, NULL);
    replay->region = region;
    if (magic == 0)
        format(region, set_cnt, wall_ms);
    return replay;
}

void bd_replay_free(struct bd_replay *replay)
{
    if (!replay)
        return;
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&replay->stripe[i].lock);
    free(replay);
}

uint64_t bd_replay_capacity(const struct bd_replay *replay)
{
    return replay->region->set_cnt * WAYS;
}

static enum bd_verify_rc check_known(struct entry *entry, uint32_t nc, uint64_t transaction)
{
    uint32_t last = GET(entry->nc);
    if (nc == last && GET(entry->transaction) == transaction)
        return BD_VERIFY_OK;
    if (nc <= last)
        return BD_VERIFY_REPLAYED;
    /* A kill between the two leaves the new count with the old transaction: even the sender's own
     * retransmission is then refused. The other order would let an old count pass again. */
    PUT(entry->nc, nc);
    PUT(entry->transaction, transaction);
    return BD_VERIFY_OK;
}

/* Of a nonce that was made while the clock was ahead; it is no good now. */
static bool is_ahead(const struct entry *entry, uint64_t wall_ms)
{
    return GET(entry->issued_ms) > wall_ms + BD_NONCE_DRIFT_MS;
}

/* An empty entry, else one that is ahead, else the one that was issued first. */
static struct entry *choose(struct set *set, uint64_t wall_ms)
{
    struct entry *oldest = &set->entry[0];
    for (unsigned i = 0; i < WAYS; i++) {
        struct entry *entry = &set->entry[i];
        if (GET(entry->id) == 0 || is_ahead(entry, wall_ms))
            return entry;
        if (GET(entry->issued_ms) < GET(oldest->issued_ms))
            oldest = entry;
    }
    return oldest;
}

static enum bd_verify_rc check_new(struct set *set, uint64_t id, uint64_t issued_ms, uint32_t nc,
                                   uint64_t transaction, uint64_t wall_ms)
{
    if (GET(set->floor_ms) > wall_ms + BD_NONCE_DRIFT_MS)
        PUT(set->floor_ms, wall_ms - BD_NONCE_DRIFT_MS); /* the clock was set back */
    if (issued_ms <= GET(set->floor_ms))
        return BD_VERIFY_STALE;
    struct entry *entry = choose(set, wall_ms);
    if (GET(entry->id) != 0 && !is_ahead(entry, wall_ms)) {
        if (issued_ms <= GET(entry->issued_ms))
            return BD_VERIFY_STALE;                /* it is the oldest itself */
        PUT(set->floor_ms, GET(entry->issued_ms)); /* before anything of it is lost */
    }
    PUT(entry->id, 0);
    PUT(entry->issued_ms, issued_ms);
    PUT(entry->nc, nc);
    PUT(entry->transaction, transaction);
    PUT(entry->id, id);
    return BD_VERIFY_OK;
}

static uint64_t set_of(const struct region *region, uint64_t id)
{
    return (uint64_t)((unsigned __int128)id * region->set_cnt >> 64);
}

void bd_replay_prefetch(const struct bd_replay *replay, uint64_t id)
{
    const char *set = (const char *)&replay->region->set[set_of(replay->region, id)];
    for (unsigned line = 0; line < sizeof(struct set); line += 64)
        __builtin_prefetch(set + line, 1);
}

enum bd_verify_rc bd_replay_check(struct bd_replay *replay, uint64_t id, uint64_t issued_ms,
                                  uint32_t nc, uint64_t transaction, uint64_t wall_ms)
{
    id = id ? id : 1;
    struct region *region = replay->region;
    uint64_t n = set_of(region, id);
    struct set *set = &region->set[n];
    pthread_mutex_t *lock = &replay->stripe[n % STRIPES].lock;
    enum bd_verify_rc rc = BD_VERIFY_OK;
    pthread_mutex_lock(lock);
    struct entry *known = NULL;
    for (unsigned i = 0; i < WAYS && !known; i++) {
        if (GET(set->entry[i].id) == id)
            known = &set->entry[i];
    }
    rc = known ? check_known(known, nc, transaction)
               : check_new(set, id, issued_ms, nc, transaction, wall_ms);
    pthread_mutex_unlock(lock);
    return rc;
}
