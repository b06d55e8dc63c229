/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside subscribers/: one hash table of entries, linear probing, never more than 3/4 full.
 *
 *   slot: tag:16 | pointer:48    0 empty, 1 tombstone
 *
 * One thread changes it, any may look into it at the same time. Loads and stores of slots are
 * sequentially consistent, as epoch.h asks of what it guards. Owns no entry. */
#ifndef BD_ENTRIES_H
#define BD_ENTRIES_H

#include "hash.h"
#include "store.h"

struct bd_entries {
    const struct bd_hash_key *hash_key;
    uint64_t mask;
    uint64_t live, used; /* used: live and tombstones */
    _Atomic uint64_t slot[];
};

#define BD_ENTRIES_MIN 1024

/* NULL: no memory. slots is a power of two. */
struct bd_entries *bd_entries_new(const struct bd_hash_key *hash_key, uint64_t slots);

/* The entry with this name, byte for byte or without case; NULL: none. Lengths are within their
 * bounds. Any thread. */
struct bd_subscriber_entry *bd_entries_find(const struct bd_entries *entries,
                                            struct bd_str username, struct bd_str domain,
                                            bool nocase);
/* Another entry, the same for the same name: for a stand-in. NULL: none is near. */
struct bd_subscriber_entry *bd_entries_next_to(const struct bd_entries *entries,
                                               struct bd_str username, struct bd_str domain);

/* Fetches the slot where the search for a name begins, and later the first entry that may be it;
 * the hash is what the one returned. They change nothing but time. */
uint64_t bd_entries_prefetch(const struct bd_entries *entries, struct bd_str username,
                             struct bd_str domain);
void bd_entries_prefetch_entry(const struct bd_entries *entries, uint64_t hash);
/* The entry of a slot, NULL when there is none; to walk all of them. */
struct bd_subscriber_entry *bd_entries_at(const struct bd_entries *entries, uint64_t slot);

/* A table with the same entries and room for more, when this one is full; else itself.
 * NULL: no memory. */
struct bd_entries *bd_entries_with_room(struct bd_entries *entries);
/* Puts an entry in and returns the one of that name that it replaces, or NULL. There is room. */
struct bd_subscriber_entry *bd_entries_put(struct bd_entries *entries,
                                           struct bd_subscriber_entry *entry);
/* Takes an entry out and returns it, or NULL. */
struct bd_subscriber_entry *bd_entries_take(struct bd_entries *entries, struct bd_str username,
                                            struct bd_str domain);

#endif
