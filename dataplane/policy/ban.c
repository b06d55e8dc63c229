/* SPDX-License-Identifier: BSD-3-Clause */
#include "ban.h"

#include "source.h"
#include "word.h"

enum { WAYS = 4, BUCKETS = BD_BANS_MAX / WAYS };
_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "a mask chooses the bucket");

struct slot {
    _Atomic uint64_t prefix;
    _Atomic uint64_t word;
};

struct bucket {
    _Alignas(64) struct slot slot[WAYS];
};
_Static_assert(sizeof(struct bucket) == 64, "kept in shared memory");

struct bd_bans {
    /* The end of the ban that lasts longest. Only grows; 0: there has been none. */
    _Alignas(64) _Atomic uint32_t last_s;
    struct bucket bucket[BUCKETS];
};

/* A source as the table knows it. */
struct key {
    struct bucket *bucket;
    uint64_t prefix;
    uint16_t tag;
};

static struct bd_bans *bans_of(const struct bd_arena *arena)
{
    return bd_arena_region(arena, BD_REGION_BANS);
}

uint64_t bd_bans_footprint(void)
{
    return sizeof(struct bd_bans);
}

static uint64_t hash_of(const struct bd_arena *arena, uint64_t prefix)
{
    return bd_hash64(&arena->hash_key, &prefix, sizeof(prefix));
}

static uint16_t tag_of(uint64_t hash)
{
    return (uint16_t)(hash >> 48);
}

static struct key key_of(const struct bd_arena *arena, const struct bd_ip *source)
{
    uint64_t prefix = bd_source_key(source), hash = hash_of(arena, prefix);
    return (struct key){&bans_of(arena)->bucket[hash & (BUCKETS - 1)], prefix, tag_of(hash)};
}

static uint64_t word_of(uint32_t until_s, uint16_t cause, uint16_t tag)
{
    return (uint64_t)until_s << 32 | (uint64_t)cause << 16 | tag;
}

static uint32_t until_of(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static bool is_mine(const struct slot *slot, const struct key *key, uint64_t word)
{
    /* Relaxed: the tag in `word` vouches for the prefix, whichever of the two is read first. */
    return (uint16_t)word == key->tag && bd_word_get(&slot->prefix) == key->prefix;
}

/* The slot that bans the key, with its word; NULL: none. */
static struct slot *find(const struct key *key, uint32_t now_s, uint64_t *word)
{
    for (unsigned i = 0; i < WAYS; i++) {
        struct slot *slot = &key->bucket->slot[i];
        *word = bd_word_get(&slot->word);
        if (now_s < until_of(*word) && is_mine(slot, key, *word))
            return slot;
    }
    return NULL;
}

/* The slot to take: one whose time is over, else the one whose end is nearest. */
static struct slot *choose(const struct key *key, uint64_t *word)
{
    struct slot *best = NULL;
    for (unsigned i = 0; i < WAYS; i++) {
        struct slot *slot = &key->bucket->slot[i];
        uint64_t seen = bd_word_get(&slot->word);
        if (!best || seen < *word) {
            best = slot;
            *word = seen;
        }
    }
    return best;
}

/* One try; false: another thread was first. */
static bool try_put(const struct key *key, uint32_t now_s, uint32_t until_s, uint16_t cause,
                    enum bd_ban_rc *rc)
{
    uint64_t seen, wanted = word_of(until_s, cause, key->tag);
    struct slot *slot = find(key, now_s, &seen);
    *rc = BD_BAN_KNOWN;
    if (slot && until_of(seen) >= until_s)
        return true;
    if (!slot) {
        slot = choose(key, &seen);
        *rc = now_s < until_of(seen) ? BD_BAN_DISPLACED : BD_BAN_ADDED;
    }
    if (!bd_word_swap(&slot->word, seen, wanted))
        return false;
    atomic_store_explicit(&slot->prefix, key->prefix, memory_order_relaxed);
    return true;
}

enum bd_ban_rc bd_ban_put(const struct bd_arena *arena, const struct bd_ip *source, uint32_t now_s,
                          uint32_t seconds, uint16_t cause)
{
    struct key key = key_of(arena, source);
    enum bd_ban_rc rc;
    /* As many tries as there are slots: whoever else was first has banned somebody. */
    for (unsigned i = 0; i < WAYS && !try_put(&key, now_s, now_s + seconds, cause, &rc); i++)
        continue;
    /* A worker that reads it late drops a datagram later. */
    bd_word_raise(&bans_of(arena)->last_s, now_s + seconds);
    return rc;
}

bool bd_ban_remove(const struct bd_arena *arena, const struct bd_ip *source, uint32_t now_s)
{
    struct key key = key_of(arena, source);
    struct slot *slot;
    uint64_t word;
    bool removed = false;
    /* Two threads that ban a source at once may take a slot each. */
    while ((slot = find(&key, now_s, &word)))
        removed |= bd_word_swap(&slot->word, word, 0);
    return removed;
}

bool bd_bans_any(const struct bd_arena *arena, uint32_t now_s)
{
    return now_s < atomic_load_explicit(&bans_of(arena)->last_s, memory_order_relaxed);
}

bool bd_ban_holds(const struct bd_arena *arena, const struct bd_ip *source, uint32_t now_s)
{
    struct key key = key_of(arena, source);
    uint64_t ignored;
    return find(&key, now_s, &ignored) != NULL;
}

bool bd_ban_at(const struct bd_arena *arena, unsigned i, uint32_t now_s, struct bd_ban *ban)
{
    struct slot *slot = &bans_of(arena)->bucket[i / WAYS].slot[i % WAYS];
    uint64_t word = bd_word_get(&slot->word);
    uint64_t prefix = bd_word_get(&slot->prefix);
    if (now_s >= until_of(word) || tag_of(hash_of(arena, prefix)) != (uint16_t)word)
        return false;
    *ban = (struct bd_ban){.source = bd_source_prefix(prefix),
                           .left_s = until_of(word) - now_s,
                           .cause = (uint16_t)(word >> 16)};
    return true;
}
