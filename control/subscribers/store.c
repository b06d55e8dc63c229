/* SPDX-License-Identifier: BSD-3-Clause */
#include "entries.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/random.h>

/* Entries that one call of reclaim frees at most: about a millisecond. */
enum { FREED_AT_ONCE = 4096 };

/* What waits for its grace period: an entry, a table, or a table with all its entries. */
struct retired {
    struct retired *next;
    uint64_t epoch;
    struct bd_subscriber_entry *entry;
    struct bd_entries *table;
    bool with_entries;
    uint64_t freed; /* slots of the table done so far */
};

struct bd_subscriber_store {
    _Atomic(struct bd_entries *) table;
    struct bd_entries *building; /* a reload's, not visible; NULL: no reload */
    int64_t reload_after;
    struct bd_epoch *epoch;
    struct bd_hash_key hash_key;
    struct retired *first, **last;
};

struct bd_subscriber_store *bd_subscriber_store_new(struct bd_epoch *epoch, struct bd_error *error)
{
    struct bd_subscriber_store *store = calloc(1, sizeof(*store));
    struct bd_entries *table = store ? bd_entries_new(&store->hash_key, BD_ENTRIES_MIN) : NULL;
    uint64_t seed;
    if (!table || getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        free(store);
        free(table);
        bd_fail(error, "no memory for the subscribers");
        return NULL;
    }
    bd_hash_key_init(&store->hash_key, seed);
    store->epoch = epoch;
    store->last = &store->first;
    atomic_init(&store->table, table);
    return store;
}

static bool may_be_a_key(struct bd_str username, struct bd_str domain)
{
    return username.len <= BD_USERNAME_MAX && domain.len > 0 && domain.len <= BD_DOMAIN_NAME_MAX;
}

static const struct bd_subscriber_entry *lookup(const struct bd_subscriber_store *store,
                                                struct bd_str username, struct bd_str domain,
                                                bool nocase)
{
    if (!may_be_a_key(username, domain))
        return NULL;
    return bd_entries_find(atomic_load(&store->table), username, domain, nocase);
}

const struct bd_subscriber_entry *bd_subscriber_lookup(const struct bd_subscriber_store *store,
                                                       struct bd_str username, struct bd_str domain)
{
    return lookup(store, username, domain, false);
}

const struct bd_subscriber_entry *bd_subscriber_lookup_aor(const struct bd_subscriber_store *store,
                                                           struct bd_str user, struct bd_str domain)
{
    const struct bd_subscriber_entry *exact = lookup(store, user, domain, false);
    const struct bd_subscriber_entry *folded = lookup(store, user, domain, true);
    return exact ? exact : folded; /* looked for either way: verify.c, on what time may tell */
}

const struct bd_subscriber_entry *bd_subscriber_stand_in(const struct bd_subscriber_store *store,
                                                         struct bd_str username,
                                                         struct bd_str domain)
{
    if (!may_be_a_key(username, domain))
        return NULL;
    return bd_entries_next_to(atomic_load(&store->table), username, domain);
}

uint64_t bd_subscriber_prefetch(const struct bd_subscriber_store *store, struct bd_str username,
                                struct bd_str domain)
{
    if (!may_be_a_key(username, domain))
        return 0;
    return bd_entries_prefetch(atomic_load(&store->table), username, domain);
}

void bd_subscriber_prefetch_entry(const struct bd_subscriber_store *store, uint64_t hash)
{
    bd_entries_prefetch_entry(atomic_load(&store->table), hash);
}

/* --- freeing ---------------------------------------------------------------------------------- */

static void entry_free(struct bd_subscriber_entry *entry)
{
    if (!entry)
        return;
    OPENSSL_cleanse(entry, sizeof(*entry));
    free(entry);
}

/* Frees what `retired` names, its entries up to the budget. True when all of it is gone. */
static bool retired_free(struct retired *retired, unsigned *budget)
{
    struct bd_entries *table = retired->table;
    for (; table && retired->with_entries && retired->freed <= table->mask; retired->freed++) {
        struct bd_subscriber_entry *entry = bd_entries_at(table, retired->freed);
        if (!entry)
            continue;
        if (*budget == 0)
            return false;
        --*budget;
        entry_free(entry);
    }
    entry_free(retired->entry);
    free(table);
    free(retired);
    return true;
}

bool bd_subscriber_store_reclaim(struct bd_subscriber_store *store)
{
    unsigned budget = FREED_AT_ONCE;
    while (store->first && bd_epoch_passed(store->epoch, store->first->epoch)) {
        struct retired *next = store->first->next;
        if (!retired_free(store->first, &budget))
            return true;
        store->first = next;
        if (!next)
            store->last = &store->first;
    }
    return false;
}

/* After the unlinking. `note` was allocated before it, so that nothing can fail now. */
static void retire(struct bd_subscriber_store *store, struct retired *note)
{
    note->epoch = bd_epoch_advance(store->epoch);
    *store->last = note;
    store->last = &note->next;
}

static void table_free(struct bd_entries *table)
{
    for (uint64_t i = 0; table && i <= table->mask; i++)
        entry_free(bd_entries_at(table, i));
    free(table);
}

void bd_subscriber_store_free(struct bd_subscriber_store *store)
{
    if (!store)
        return;
    while (store->first) {
        struct retired *next = store->first->next;
        unsigned budget = UINT32_MAX;
        retired_free(store->first, &budget);
        store->first = next;
    }
    table_free(store->building);
    table_free(atomic_load(&store->table));
    free(store);
}

/* --- changing --------------------------------------------------------------------------------- */

static struct bd_subscriber_entry *entry_new(const struct bd_subscriber *row)
{
    size_t username_len = strlen(row->username), domain_len = strlen(row->domain);
    struct bd_subscriber_entry *entry = malloc(sizeof(*entry) + username_len + domain_len);
    if (!entry)
        return NULL;
    entry->ha1 = row->ha1;
    entry->username_len = (uint8_t)username_len;
    entry->domain_len = (uint8_t)domain_len;
    memcpy(entry->text, row->username, username_len);
    memcpy(entry->text + username_len, row->domain, domain_len);
    return entry;
}

/* The hidden table of a reload: nobody reads it, so nothing of it is retired. */
static int put_hidden(struct bd_subscriber_store *store, const struct bd_subscriber *row)
{
    struct bd_subscriber_entry *entry = entry_new(row);
    struct bd_entries *table = entry ? bd_entries_with_room(store->building) : NULL;
    if (!table) {
        entry_free(entry);
        return -1;
    }
    if (table != store->building)
        free(store->building);
    store->building = table;
    entry_free(bd_entries_put(table, entry));
    return 0;
}

static int put_visible(struct bd_subscriber_store *store, const struct bd_subscriber *row)
{
    struct bd_entries *old = atomic_load(&store->table);
    struct retired *note = calloc(1, sizeof(*note));
    struct bd_subscriber_entry *entry = entry_new(row);
    struct bd_entries *table = note && entry ? bd_entries_with_room(old) : NULL;
    if (!table) {
        free(note);
        entry_free(entry);
        return -1;
    }
    note->entry = bd_entries_put(table, entry);
    if (table != old) {
        atomic_store(&store->table, table);
        note->table = old;
    }
    if (note->entry || note->table)
        retire(store, note);
    else
        free(note);
    return 0;
}

int bd_subscriber_store_put(struct bd_subscriber_store *store, const struct bd_subscriber *row,
                            struct bd_error *error)
{
    if ((!store->building || put_hidden(store, row) == 0) && put_visible(store, row) == 0)
        return 0;
    return bd_fail(error,
                   "no memory for subscriber %s@%s: it is in the database and will be "
                   "served after a reload",
                   row->username, row->domain);
}

void bd_subscriber_store_remove(struct bd_subscriber_store *store, struct bd_str username,
                                struct bd_str domain)
{
    if (!may_be_a_key(username, domain))
        return;
    if (store->building)
        entry_free(bd_entries_take(store->building, username, domain));
    struct bd_subscriber_entry *entry =
        bd_entries_take(atomic_load(&store->table), username, domain);
    struct retired *note = entry ? calloc(1, sizeof(*note)) : NULL;
    if (note) {
        note->entry = entry;
        retire(store, note);
    }
    /* Without memory for the note the entry is never freed: better than freed under a reader. */
}

uint64_t bd_subscriber_store_cnt(const struct bd_subscriber_store *store)
{
    return atomic_load(&store->table)->live;
}

/* --- reload ----------------------------------------------------------------------------------- */

/* The hidden table is freed as a former one is, piece by piece, though no reader can hold it: a
 * million entries at once would take the loop 0.2 s. */
static int reload_fail(struct bd_subscriber_store *store)
{
    struct retired *note = store->building ? calloc(1, sizeof(*note)) : NULL;
    if (note) {
        note->table = store->building;
        note->with_entries = true;
        retire(store, note);
    } else {
        table_free(store->building);
    }
    store->building = NULL;
    return -1;
}

int bd_subscriber_reload_begin(struct bd_subscriber_store *store, struct bd_error *error)
{
    reload_fail(store); /* the one that may be under way */
    store->reload_after = 0;
    /* As large as the present one, so that it need not grow while the loop has other work. */
    store->building = bd_entries_new(&store->hash_key, atomic_load(&store->table)->mask + 1);
    return store->building ? 0 : bd_fail(error, "no memory to reload the subscribers");
}

struct reload {
    struct bd_subscriber_store *store;
    bd_subscriber_fn fn;
    void *arg;
    bool failed;
};

static void reload_row(void *arg, const struct bd_subscriber *row)
{
    struct reload *reload = arg;
    reload->failed = reload->failed || put_hidden(reload->store, row) != 0;
    if (reload->fn)
        reload->fn(reload->arg, row);
}

int bd_subscriber_reload_step(struct bd_subscriber_store *store, struct bd_subscribers *subscribers,
                              unsigned max_rows, bd_subscriber_fn fn, void *arg,
                              struct bd_error *error)
{
    struct reload reload = {.store = store, .fn = fn, .arg = arg};
    int rows = bd_subscribers_page(subscribers, BD_STR_NULL, &store->reload_after, max_rows,
                                   reload_row, &reload, error);
    if (rows < 0)
        return reload_fail(store);
    struct retired *note = rows == 0 ? calloc(1, sizeof(*note)) : NULL;
    if (reload.failed || (rows == 0 && !note)) {
        free(note);
        bd_fail(error, "no memory to reload the subscribers: the former ones stay in force");
        return reload_fail(store);
    }
    if (rows > 0)
        return 1;
    note->table = atomic_exchange(&store->table, store->building);
    note->with_entries = true;
    store->building = NULL;
    retire(store, note);
    return 0;
}
