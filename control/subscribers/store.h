/* SPDX-License-Identifier: BSD-3-Clause */
/* The subscribers in memory: what verifier threads look up, without locks or waiting.
 *
 *   store --> table --> slot[2^n]    slot: tag:16 | pointer:48    0 empty, 1 tombstone
 *                         |
 *                         v
 *                       entry: HA1s, username, domain; never changed once visible
 *
 * One writer: the event loop. A change is a new entry, published by one store of its slot; growth
 * and a reload are a new table, published by one store of its pointer. What was replaced is freed
 * when every reader has been quiescent (epoch.h), so a reader may keep an entry until then.
 *
 * About 210 bytes a subscriber. A look-up costs two cache misses (slot, entry). */
#ifndef BD_STORE_H
#define BD_STORE_H

#include "epoch.h"
#include "subscribers.h"

struct bd_subscriber_store;

struct bd_subscriber_entry {
    struct bd_ha1_set ha1;
    uint8_t username_len, domain_len;
    char text[]; /* username, domain */
};

static inline struct bd_str bd_entry_username(const struct bd_subscriber_entry *entry)
{
    return (struct bd_str){entry->text, entry->username_len};
}
static inline struct bd_str bd_entry_domain(const struct bd_subscriber_entry *entry)
{
    return (struct bd_str){entry->text + entry->username_len, entry->domain_len};
}

/* An empty store whose readers hold lines of `epoch`. NULL with an error: no memory. */
struct bd_subscriber_store *bd_subscriber_store_new(struct bd_epoch *epoch, struct bd_error *error);
/* No reader may be left. */
void bd_subscriber_store_free(struct bd_subscriber_store *store);

/* --- any thread that is online in the epoch -------------------------------------------------- */

/* Finds a subscriber; domain in lower case. The entry is valid until the caller is quiescent.
 * NULL: there is none. */
const struct bd_subscriber_entry *bd_subscriber_lookup(const struct bd_subscriber_store *store,
                                                       struct bd_str username,
                                                       struct bd_str domain);
/* The same by the user part of a canonical AoR, which may have been lower-cased: exact match first,
 * then without regard to case. */
const struct bd_subscriber_entry *bd_subscriber_lookup_aor(const struct bd_subscriber_store *store,
                                                           struct bd_str user,
                                                           struct bd_str domain);

/* Somebody else, in whose place to look for one who is not there: so that the time that a look
 * takes does not tell. NULL: there is hardly anybody. */
const struct bd_subscriber_entry *bd_subscriber_stand_in(const struct bd_subscriber_store *store,
                                                         struct bd_str username,
                                                         struct bd_str domain);

/* Ahead of a look-up, for each of several: fetches where it will begin, and in a second round, by
 * the hash that the first one returned, the entry. They change nothing but time. */
uint64_t bd_subscriber_prefetch(const struct bd_subscriber_store *store, struct bd_str username,
                                struct bd_str domain);
void bd_subscriber_prefetch_entry(const struct bd_subscriber_store *store, uint64_t hash);

/* --- event loop only ------------------------------------------------------------------------- */

/* After each committed change of the database. -1: no memory, nothing changed. */
int bd_subscriber_store_put(struct bd_subscriber_store *store, const struct bd_subscriber *row,
                            struct bd_error *error);
void bd_subscriber_store_remove(struct bd_subscriber_store *store, struct bd_str username,
                                struct bd_str domain);
uint64_t bd_subscriber_store_cnt(const struct bd_subscriber_store *store);

/* Makes the store equal to the database, page by page, at start and after an import; readers see
 * the old content until the last page, then the new one whole. put and remove may come in between.
 * step reads up to max_rows and calls fn (may be NULL) for each: 1 go on, 0 done, -1 failed: the
 * old content stays, the reload is over. Begin while one runs begins anew. */
int bd_subscriber_reload_begin(struct bd_subscriber_store *store, struct bd_error *error);
int bd_subscriber_reload_step(struct bd_subscriber_store *store, struct bd_subscribers *subscribers,
                              unsigned max_rows, bd_subscriber_fn fn, void *arg,
                              struct bd_error *error);

/* Frees a bounded amount of what no reader can hold any more. True: there is more; call again soon,
 * or what reloads leave behind grows. Else once a second or so. */
bool bd_subscriber_store_reclaim(struct bd_subscriber_store *store);

#endif
