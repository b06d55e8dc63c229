/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules of RFC 3261 10.3 (6) and (7) as pure functions of a working set: no table, no clock, no
 * reply, so that a test can drive them against a model.
 *
 *   record --load--> set of entries, each KEPT or EXPIRED
 *          --decide--> each entry's fate; those that live are the AoR's new bindings
 *
 * A verdict that is not a success means: commit nothing. */
#ifndef BD_DECIDE_H
#define BD_DECIDE_H

#include "asks.h"
#include "uri_key.h"

/* What stood there, and all that one request may add before the limit is applied. */
#define BD_SET_MAX (BD_CONTACTS_PER_AOR_MAX + BD_CONTACTS_PER_REQUEST_MAX)

enum bd_fate {
    BD_FATE_KEPT,      /* the request does not touch it */
    BD_FATE_REFRESHED, /* nothing new but CSeq and expiry */
    BD_FATE_CHANGED,
    BD_FATE_ADDED,
    /* Those below are no longer bindings. */
    BD_FATE_REMOVED,
    BD_FATE_DISPLACED, /* max_contacts_policy pushed it out */
    BD_FATE_EXPIRED
};

struct bd_entry {
    struct bd_binding binding;
    struct bd_uri uri;  /* of the stored text, when parsed */
    bool parsed, keyed; /* its key is made */
    enum bd_fate fate;
};

struct bd_set {
    unsigned old_cnt; /* entry i < old_cnt is binding i of the record */
    unsigned cnt;
    struct bd_entry entry[BD_SET_MAX];
    struct bd_uri_key key[BD_SET_MAX];      /* of the entries' URIs, as they are needed */
    const struct bd_hash_key *hash;         /* of the keys; set once */
    uint64_t seen[BD_CONTACTS_PER_AOR_MAX]; /* state words of the record, as loaded */
};

struct bd_terms {
    unsigned contacts_max; /* live bindings of one AoR, 1..BD_CONTACTS_PER_AOR_MAX */
    enum bd_contacts_policy policy;
    bool draining; /* no new bindings */
};

static inline bool bd_fate_lives(enum bd_fate fate)
{
    return fate <= BD_FATE_ADDED;
}

/* Fills the set from a record; NULL gives an empty one. */
void bd_set_load(struct bd_set *set, const struct bd_record *record, uint32_t now_s);

/* Whether a stored binding has an equal Contact URI: RFC 3261 19.1.4. With bd_set_find the only
 * place that knows how bindings are identified. */
bool bd_binding_matches(struct bd_entry *entry, const struct bd_uri *uri);

/* The index of the binding that a Contact of a request means, or -1. One with a reg-id means the
 * flow of its instance and reg-id, whatever the URI (RFC 5626 6); one without means a binding
 * without, by its URI. As 19.1.4 is not transitive, several may match: the one of the same bytes
 * goes before the first that is equal. */
int bd_set_find(struct bd_set *set, const struct bd_ask *ask);

/* The fast path: the entry that this request refreshes with nothing new but CSeq and expiry, or -1
 * when the whole rules are needed. A refresh that shortens the expiry is none: the bucket's due
 * time is a lower bound that only a put lowers. */
int bd_decide_refresh(const struct bd_set *set, const struct bd_asks *asks);

/* Gives every entry its fate. Returns
 *   BD_SIP_QUERIED, _REGISTERED, _REFRESHED, _REMOVED   the set is the new state
 *   BD_SIP_RETRANSMISSION   this very request was processed before: nothing changes, 200
 *   BD_SIP_OUT_OF_ORDER     CSeq not above a binding's of the same Call-ID: 500
 *   BD_SIP_TOO_MANY_CONTACTS, BD_SIP_DRAINING
 * Contacts of one request are taken in their order, so of two equal ones the later counts. The
 * limit binds requests that add a binding, also one that they have removed first; a refresh goes
 * on when the limit was lowered meanwhile.
 *
 *   reject   more than contacts_max: the request fails
 *   oldest   bindings that the request does not touch go, the one that expires soonest first:
 *            nobody has refreshed it, so it is the least likely to be a living phone
 *   replace  all bindings that the request does not touch go
 *
 * More Contacts in the request itself than contacts_max fail under each policy. */
enum bd_verdict bd_decide(struct bd_set *set, struct bd_asks *asks, const struct bd_terms *terms);

#endif
