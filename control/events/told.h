/* SPDX-License-Identifier: BSD-3-Clause */
/* What a subscriber was last told of an AoR's contacts, and how the table differs from it.
 *
 *   table ---compare---> difference ---write---> NOTIFY
 *             ^                          |
 *             +------------ told <--learn+
 *
 * Levels, not edges: whatever happened between two looks, the difference to what was told is what
 * is told next. So no event can be lost or overflow anything; several between two looks become one.
 * Which event it was is deduced (RFC 3680 4.7.1):
 *
 *   not told, there                      registered
 *   told, there, created anew            registered
 *   told, there, newer CSeq or Call-ID   refreshed
 *   told, there, expires earlier         shortened
 *   told, there, changed otherwise       refreshed
 *   told, not there, its time is over    expired
 *   told, not there, by an operator      deactivated
 *   told, not there, otherwise           unregistered
 *
 * `created`, `probation` and `rejected` do not happen here: nothing but REGISTER makes a binding,
 * and an operator's removal forbids nothing.
 *
 * A binding whose time is over is gone, swept or not. Pure functions of their arguments; a
 * difference holds slices into the record and lives as long as the caller's epoch line. */
#ifndef BD_TOLD_H
#define BD_TOLD_H

#include "hash.h"
#include "record.h"

struct bd_told_contact {
    uint64_t id;    /* of URI, instance and reg-id: stays over refreshes (RFC 3680 5.1) */
    uint64_t state; /* CSeq and expiry */
    uint64_t texts; /* hash of everything else that is told */
    const char *event;
    char *uri;
    uint32_t uri_len;
    uint32_t created_at_s;
};

struct bd_told {
    unsigned cnt;
    struct bd_told_contact contact[BD_CONTACTS_PER_AOR_MAX];
};

struct bd_change {
    struct bd_binding binding; /* there: a view; gone: URI and what else is remembered */
    uint64_t id, texts;
    const char *event;
    bool there, changed;
};

struct bd_difference {
    unsigned cnt;
    bool any;                                          /* some row has changed */
    bool there;                                        /* some contact is there */
    struct bd_change row[2 * BD_CONTACTS_PER_AOR_MAX]; /* the gone ones first */
};

/* record NULL: the AoR has no bindings. by_operator: who vanished was removed by an operator. */
void bd_told_compare(const struct bd_told *told, const struct bd_hash_key *key,
                     const struct bd_record *record, uint32_t now_s, bool by_operator,
                     struct bd_difference *difference);

/* The subscriber is told this row. False: no memory; it will be told again. */
bool bd_told_learn(struct bd_told *told, const struct bd_change *change);
/* It is to be told anew: a full document goes out without it. */
void bd_told_forget(struct bd_told *told, uint64_t id);
void bd_told_clear(struct bd_told *told);

#endif
