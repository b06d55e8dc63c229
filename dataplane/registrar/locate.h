/* SPDX-License-Identifier: BSD-3-Clause */
/* Where is an address of record? The location service for those who call (RFC 3261 10, 16.5).
 *
 *   record --live ones--> location: targets in the order in which they should be tried
 *
 * Reads the table only. May be called by any thread with an epoch line; the slices of a location
 * live until that line is quiescent. */
#ifndef BD_LOCATE_H
#define BD_LOCATE_H

#include "bulk_contact.h"
#include "table.h"

/* The q of a Contact that names none (RFC 3841 7.2.3; 16.6 of RFC 3261 leaves it open). */
#define BD_Q_DEFAULT 1000

/* A binding, and what it is sorted by. Those who look further (caller preferences) may change the
 * order and drop targets; the bindings stay where they are. */
struct bd_target {
    const struct bd_binding *binding;
    uint32_t preference_ppm; /* the caller's (RFC 3841 7.2.4), counts among equal q; 0 at first */
    uint16_t q_milli;        /* the callee's, BD_Q_DEFAULT when he named none */
};

struct bd_location {
    unsigned cnt;
    struct bd_target target[BD_CONTACTS_PER_AOR_MAX];
    struct bd_binding binding[BD_CONTACTS_PER_AOR_MAX];
    /* Contact URIs that were made for a number of a PBX. */
    char bulk_uri[BD_CONTACTS_PER_AOR_MAX][BD_CONTACT_URI_MAX + BD_E164_TEXT_MAX];
};

/* Fills in the live bindings of a canonical AoR, whose hash is bd_table_hash(): highest q first; of
 * equal q the one first whose expiry is last, then the one registered last. (The table keeps no
 * time of a refresh, as that would cost each refresh a word; among phones with one interval the
 * expiry says the same.) Those with BD_BINDING_BULK are left out: they are no way to the PBX's own
 * AoR. Returns their number; 0: no binding lives, or nobody ever registered. */
unsigned bd_locate(const struct bd_table *table, uint64_t hash, struct bd_str aor, uint32_t now_s,
                   struct bd_location *location);

/* Adds, after bd_locate() of a number, what its PBX has registered for it (RFC 6140 5.2: a row of
 * its own in the location service, beside those that the number itself has registered). Only the
 * URI is another; Path, q and features are the PBX's. Returns how many targets there are now. */
unsigned bd_locate_bulk(const struct bd_table *table, const struct bd_bulk_hit *hit, uint32_t now_s,
                        struct bd_location *location);

/* Sorts by q, then by the caller's preference; equal ones keep their order. */
void bd_location_sort(struct bd_location *location);

#endif
