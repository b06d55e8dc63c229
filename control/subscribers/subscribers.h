/* SPDX-License-Identifier: BSD-3-Clause */
/* The subscriber database: one SQLite file.
 *
 * The table `subscriber` has Kamailio's columns (id, username, domain, password, ha1, ha1b), so
 * that its tools can read it, and ours: realm, ha1_sha256, ha1_sha512_256, ha1b_sha256,
 * ha1b_sha512_256, trusted_prefix, created, modified (seconds since 1970), profile, implicit_of
 * (the primary identity, "user@domain", of the implicit registration set that this one belongs to).
 * Digests are lower-case hexadecimal.
 *
 * `password` always stays empty: whoever reads the file must not learn passwords, which people use
 * elsewhere too. The price: HA1s are good for one realm, which is kept beside them; when a domain's
 * realm changes, its passwords have to be set again. The file is made with mode 0600.
 *
 * Usernames are kept as given, domains in lower case. A username holds no '@', ':' or control byte.
 *
 * One handle belongs to one thread (control's event loop). bd_subscribers_import makes a
 * connection of its own and may run in another thread beside it.
 *
 * Return values: 0 done; positive: one of enum bd_subscribers_rc, error has the line for the
 * operator; -1: failed, nothing was changed, error says what, where and the remedy. */
#ifndef BD_SUBSCRIBERS_H
#define BD_SUBSCRIBERS_H

#include <stdio.h>

#include "ha1.h"
#include "ip.h"
#include "log.h"

/* A password longer than this is a mistake in the file. */
#define BD_PASSWORD_MAX 256

enum bd_subscribers_rc {
    BD_SUBSCRIBERS_DONE,
    BD_SUBSCRIBERS_EXISTS,    /* add: already there */
    BD_SUBSCRIBERS_NOT_FOUND, /* set, remove, find */
    BD_SUBSCRIBERS_INVALID    /* a field breaks a rule above, a prefix is none */
};

struct bd_subscribers;

/* Opens a file, or makes a new one with the schema (an empty file counts as new). NULL with an
 * error, the file left as it was, when it is locked, corrupt, another program's, of a later
 * version, not readable or not writable. */
struct bd_subscribers *bd_subscribers_open(const char *file, struct bd_error *error);
void bd_subscribers_close(struct bd_subscribers *subscribers);

/* A row. Texts end with NUL. */
struct bd_subscriber {
    int64_t id;
    char username[BD_USERNAME_MAX + 1];
    char domain[BD_DOMAIN_NAME_MAX + 1];
    char realm[BD_REALM_MAX + 1];
    struct bd_ha1_set ha1; /* present 0: cannot log in with a password */
    bool has_prefix;
    struct bd_prefix prefix;
    int64_t created_s, modified_s;
    char profile[BD_PROFILE_NAME_MAX + 1]; /* "": none */
    /* The primary identity, user@domain: registering either registers both. "": none */
    char implicit_of[BD_USERNAME_MAX + 1 + BD_DOMAIN_NAME_MAX + 1];
};

/* What an operator asks for. A primary identity must be a subscriber of the same domain and belong
 * to no other's set; nor may who has identities of his own join one: there are no chains. */
struct bd_subscriber_change {
    struct bd_str username, domain;
    struct bd_str realm;       /* NULL: the domain's name */
    struct bd_str password;    /* NULL: none (add), unchanged (set) */
    struct bd_str profile;     /* NULL: none (add), unchanged (set); empty: taken away */
    struct bd_str implicit_of; /* NULL: none (add), unchanged (set); empty: taken away */
    struct bd_str prefix; /* trusted prefix. NULL: none (add), unchanged (set); empty: taken away */
};

/* `row` receives what is now in the database, for the store and the provisioned set. */
int bd_subscribers_add(struct bd_subscribers *subscribers,
                       const struct bd_subscriber_change *change, struct bd_subscriber *row,
                       struct bd_error *error);
int bd_subscribers_set(struct bd_subscribers *subscribers,
                       const struct bd_subscriber_change *change, struct bd_subscriber *row,
                       struct bd_error *error);
/* `row` receives what was taken away. BD_SUBSCRIBERS_INVALID: it is the primary of others. */
int bd_subscribers_remove(struct bd_subscribers *subscribers, struct bd_str username,
                          struct bd_str domain, struct bd_subscriber *row, struct bd_error *error);
int bd_subscribers_find(struct bd_subscribers *subscribers, struct bd_str username,
                        struct bd_str domain, struct bd_subscriber *row, struct bd_error *error);
/* Writes how many there are. About 10 ms a million. */
int bd_subscribers_count(struct bd_subscribers *subscribers, uint64_t *cnt, struct bd_error *error);

/* Whether the file of that name is still the one that was opened. Replaced or removed, it can be
 * read, but changes are refused: they would be lost. 0, or -1 with an error. */
int bd_subscribers_in_place(struct bd_subscribers *subscribers, struct bd_error *error);

/* Whether the file can be written now: neither locked, read-only nor replaced, nor its disk full.
 * Writes to find out, which changes nothing but the next id, and waits for nobody's lock. 0, or -1
 * with an error. Damage shows only where it is read. */
int bd_subscribers_probe(struct bd_subscribers *subscribers, struct bd_error *error);

/* Walks in pages, so that a million rows hold nobody up: calls fn for at most `max` rows with an id
 * above *after, in the order of ids, and moves *after (0 at first). domain NULL: all domains.
 * Returns the number of rows, 0 at the end, -1. Changes between two pages are no harm. */
typedef void (*bd_subscriber_fn)(void *arg, const struct bd_subscriber *row);
int bd_subscribers_page(struct bd_subscribers *subscribers, struct bd_str domain, int64_t *after,
                        unsigned max, bd_subscriber_fn fn, void *arg, struct bd_error *error);

/* --- import ---------------------------------------------------------------------------------- */

/* What a line may call a domain, its name or an alias, and what is meant. "*": any other. Without
 * a realm it is the name. */
struct bd_import_domain {
    struct bd_str given, name, realm;
};

struct bd_import {
    const char *database; /* the SQLite file */
    FILE *csv;
    const struct bd_import_domain *domains;
    unsigned domain_cnt;
    /* Told each bad line, at most bad_max times (the rest is only counted). */
    void (*bad_line)(void *arg, unsigned long line, const char *what);
    void *arg;
    unsigned bad_max;
    const _Atomic bool *stop; /* NULL: nobody does. True: ends soon, with nothing imported */
};

struct bd_import_result {
    unsigned long lines, added, changed, bad;
};

/* Reads CSV (RFC 4180 quoting, LF or CRLF) into the database, all or nothing. Without a header
 * line:
 *
 *   username,domain,password[,trusted_prefix]
 *   username,domain,ha1,ha1_sha256,ha1_sha512_256[,trusted_prefix]
 *
 * With one, any order of username, domain, password, ha1, ha1b, ha1_sha256, ha1_sha512_256,
 * ha1b_sha256, ha1b_sha512_256, trusted_prefix, profile, implicit_of (its primary may stand in any
 * line or be there already). Of a subscriber that is there already the fields that a line has a
 * place for are replaced, an empty one by nothing, and all others stay; a password or any HA1
 * replaces all HA1s and the realm. A subscriber who stands twice in the file is a bad line, and so
 * is one of a domain that is none of `domains`: the realm of its password would be a guess.
 *
 * Returns 0 when committed, BD_SUBSCRIBERS_INVALID when nothing is imported because lines are bad
 * (result->bad of them) or, with none bad, because an implicit set is, which `error` names. -1 with
 * an error. May run in a thread of its own: an open handle's changes then fail with "locked", its
 * reads see the old rows until the commit. A million lines take a few seconds. */
int bd_subscribers_import(const struct bd_import *import, struct bd_import_result *result,
                          struct bd_error *error);

#endif
