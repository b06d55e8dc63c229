/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URI is compared by, made once, so that many can be compared with many.
 *
 *   fixed    everything in which equal URIs agree: scheme, user, password, host, port, headers,
 *            and the parameters that must be in both or in neither
 *   part[]   the parameters, by the hash of their name: those that both have must agree
 *
 * bd_uri_equal() walks the parameters of one for each of the other, and texts character by
 * character: thirty-two Contacts against thirty-two bindings, made for it, took milliseconds. Two
 * keys that differ cost one comparison, or a walk along both lists. */
#ifndef BD_URI_KEY_H
#define BD_URI_KEY_H

#include "hash.h"
#include "uri.h"

struct bd_uri_part {
    uint64_t name, value; /* hashes */
};

struct bd_uri_key {
    uint64_t fixed;
    unsigned cnt;
    struct bd_uri_part part[BD_URI_PARAMS_MAX]; /* sorted, each once */
};

/* Of a URI that bd_uri_parse() took. Linear in its length, but for the sorting of its parameters.
 * The hash is keyed, so that nobody can choose URIs with one key. */
void bd_uri_key_make(const struct bd_hash_key *hash, const struct bd_uri *uri,
                     struct bd_uri_key *key);

/* What bd_uri_equal() says, as sure as 64 bits of keyed hash are: of texts up to 500 characters,
 * which is all that a Contact may have. */
bool bd_uri_key_meets(const struct bd_uri_key *a, const struct bd_uri_key *b);

#endif
