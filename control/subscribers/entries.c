/* SPDX-License-Identifier: BSD-3-Clause */
#include "entries.h"

#include <stdlib.h>

#define TOMBSTONE    1ULL
#define POINTER_MASK 0x0000ffffffffffffULL
#define TAG_SHIFT    48

/* What a key is hashed from: username without case, '@', domain. */
#define KEY_MAX (BD_USERNAME_MAX + 1 + BD_DOMAIN_NAME_MAX)

struct bd_entries *bd_entries_new(const struct bd_hash_key *hash_key, uint64_t slots)
{
    struct bd_entries *entries = calloc(1, sizeof(*entries) + slots * sizeof(entries->slot[0]));
    if (!entries)
        return NULL;
    entries->hash_key = hash_key;
    entries->mask = slots - 1;
    return entries;
}

/* Slots that next_to looks through: more than three quarters of all are never empty for long. */
enum { NEAR_MAX = 32 };

static uint64_t key_hash(const struct bd_entries *entries, struct bd_str username,
                         struct bd_str domain)
{
    char key[KEY_MAX];
    for (uint32_t i = 0; i < username.len; i++)
        key[i] = bd_lower(username.p[i]);
    key[username.len] = '@';
    memcpy(key + username.len + 1, domain.p, domain.len);
    return bd_hash64(entries->hash_key, key, username.len + 1 + domain.len);
}

static uint64_t word_of(uint64_t hash, const struct bd_subscriber_entry *entry)
{
    return (hash >> TAG_SHIFT) << TAG_SHIFT | (uint64_t)(uintptr_t)entry;
}

static struct bd_subscriber_entry *entry_of(uint64_t word)
{
    return word <= TOMBSTONE ? NULL
                             : (struct bd_subscriber_entry *)(uintptr_t)(word & POINTER_MASK);
}

struct bd_subscriber_entry *bd_entries_at(const struct bd_entries *entries, uint64_t slot)
{
    return entry_of(atomic_load(&entries->slot[slot]));
}

static bool entry_is(const struct bd_subscriber_entry *entry, struct bd_str username,
                     struct bd_str domain, bool nocase)
{
    struct bd_str name = bd_entry_username(entry);
    return (nocase ? bd_str_eq_nocase(name, username) : bd_str_eq(name, username)) &&
           bd_str_eq(bd_entry_domain(entry), domain);
}

/* The entry with this name and its slot; NULL and the empty slot that ends the search. Ends, as a
 * quarter of all slots is empty. */
static struct bd_subscriber_entry *probe(const struct bd_entries *entries, uint64_t hash,
                                         struct bd_str username, struct bd_str domain, bool nocase,
                                         uint64_t *slot)
{
    for (uint64_t i = hash & entries->mask;; i = (i + 1) & entries->mask) {
        uint64_t word = atomic_load(&entries->slot[i]);
        *slot = i;
        if (word == 0)
            return NULL;
        struct bd_subscriber_entry *entry = entry_of(word);
        if (entry && word >> TAG_SHIFT == hash >> TAG_SHIFT &&
            entry_is(entry, username, domain, nocase))
            return entry;
    }
}

struct bd_subscriber_entry *bd_entries_find(const struct bd_entries *entries,
                                            struct bd_str username, struct bd_str domain,
                                            bool nocase)
{
    uint64_t slot;
    return probe(entries, key_hash(entries, username, domain), username, domain, nocase, &slot);
}

uint64_t bd_entries_prefetch(const struct bd_entries *entries, struct bd_str username,
                             struct bd_str domain)
{
    uint64_t hash = key_hash(entries, username, domain);
    __builtin_prefetch(&entries->slot[hash & entries->mask]);
    return hash;
}

static struct bd_subscriber_entry *next_to(const struct bd_entries *entries, uint64_t hash)
{
    struct bd_subscriber_entry *entry = NULL;
    for (uint64_t n = 0; !entry && n < NEAR_MAX; n++)
        entry = bd_entries_at(entries, (hash + n) & entries->mask);
    return entry;
}

struct bd_subscriber_entry *bd_entries_next_to(const struct bd_entries *entries,
                                               struct bd_str username, struct bd_str domain)
{
    return next_to(entries, key_hash(entries, username, domain));
}

/* An entry seldom begins with a line: its name may be in the fourth. */
static void prefetch(const struct bd_subscriber_entry *entry)
{
    for (unsigned line = 0; entry && line < 4; line++)
        __builtin_prefetch((const char *)entry + 64 * line);
}

void bd_entries_prefetch_entry(const struct bd_entries *entries, uint64_t hash)
{
    for (uint64_t i = hash & entries->mask;; i = (i + 1) & entries->mask) {
        uint64_t word = atomic_load(&entries->slot[i]);
        const struct bd_subscriber_entry *entry = entry_of(word);
        if (word != 0 && (!entry || word >> TAG_SHIFT != hash >> TAG_SHIFT))
            continue;
        prefetch(entry ? entry : next_to(entries, hash));
        return;
    }
}

struct bd_subscriber_entry *bd_entries_put(struct bd_entries *entries,
                                           struct bd_subscriber_entry *entry)
{
    struct bd_str username = bd_entry_username(entry), domain = bd_entry_domain(entry);
    uint64_t hash = key_hash(entries, username, domain), slot;
    struct bd_subscriber_entry *old = probe(entries, hash, username, domain, false, &slot);
    atomic_store(&entries->slot[slot], word_of(hash, entry));
    entries->live += !old;
    entries->used += !old;
    return old;
}

struct bd_subscriber_entry *bd_entries_take(struct bd_entries *entries, struct bd_str username,
                                            struct bd_str domain)
{
    uint64_t slot;
    struct bd_subscriber_entry *entry =
        probe(entries, key_hash(entries, username, domain), username, domain, false, &slot);
    if (entry) {
        atomic_store(&entries->slot[slot], TOMBSTONE);
        entries->live--;
    }
    return entry;
}

struct bd_entries *bd_entries_with_room(struct bd_entries *entries)
{
    uint64_t slots = entries->mask + 1;
    if ((entries->used + 1) * 4 <= slots * 3)
        return entries;
    if (entries->live * 2 >= slots)
        slots *= 2; /* else tombstones fill it: the same size will do */
    struct bd_entries *larger = bd_entries_new(entries->hash_key, slots);
    for (uint64_t i = 0; larger && i <= entries->mask; i++) {
        struct bd_subscriber_entry *entry = bd_entries_at(entries, i);
        if (entry)
            bd_entries_put(larger, entry);
    }
    return larger;
}
