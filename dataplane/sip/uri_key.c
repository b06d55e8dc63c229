/* SPDX-License-Identifier: BSD-3-Clause */
#include "uri_key.h"

#include "uri_text.h"

/* The longest text that is hashed as it is compared; what is behind it does not count here. */
enum { TEXT_MAX = 512 };

/* A component without escapes and case. `kind` keeps equal texts of different kinds apart. */
static uint64_t hash_text(const struct bd_hash_key *key, char kind, struct bd_str s,
                          enum bd_uri_compare how)
{
    uint16_t text[TEXT_MAX];
    uint32_t n = 0;
    text[n++] = (uint16_t)(kind | (s.p ? 0 : 0x100)); /* absent equals absent only */
    while (n < TEXT_MAX) {
        bd_uri_skip_separators(&s, how);
        if (s.len == 0)
            break;
        text[n++] = (uint16_t)bd_uri_next_char(&s, how);
    }
    return bd_hash64(key, text, n * sizeof(text[0]));
}

static uint64_t hash_host(const struct bd_hash_key *key, const struct bd_uri *uri)
{
    struct {
        struct bd_ip ip;
        uint32_t type, port;
    } host = {.type = uri->host_type, .port = uri->port};
    _Static_assert(sizeof(host) == 24, "hashed as bytes: no padding");
    if (uri->host_type != BD_HOST_NAME)
        host.ip = uri->ip;
    uint64_t name = 0;
    if (uri->host_type == BD_HOST_NAME)
        name = hash_text(key, 'h', uri->host, BD_URI_NOCASE);
    return name + bd_hash64(key, &host, sizeof(host));
}

/* Of name and value together. */
static uint64_t hash_pair(const struct bd_hash_key *key, char kind, uint64_t name, uint64_t value)
{
    const uint64_t pair[] = {name, value, (uint64_t)kind};
    return bd_hash64(key, pair, sizeof(pair));
}

static bool goes_before(const struct bd_uri_part *a, const struct bd_uri_part *b)
{
    return a->name != b->name ? a->name < b->name : a->value < b->value;
}

/* Puts a part at its place among those before. False: it stands there. */
static bool insert(struct bd_uri_key *key, struct bd_uri_part part)
{
    unsigned at = key->cnt;
    while (at > 0 && goes_before(&part, &key->part[at - 1]))
        at--;
    bool twice = at > 0 && !goes_before(&key->part[at - 1], &part);
    if (twice || key->cnt == BD_URI_PARAMS_MAX)
        return false;
    memmove(&key->part[at + 1], &key->part[at], (key->cnt - at) * sizeof(key->part[0]));
    key->part[at] = part;
    key->cnt++;
    return true;
}

/* A sum, as their order means nothing. */
static uint64_t hash_headers(const struct bd_hash_key *key, struct bd_str headers)
{
    struct bd_uri_key all = {.cnt = 0};
    struct bd_str name, value;
    uint64_t sum = 0;
    while (bd_uri_next_pair(&headers, '&', &name, &value)) {
        struct bd_uri_part part = {hash_text(key, 'n', name, BD_URI_NOCASE),
                                   hash_text(key, 'v', value, BD_URI_NOCASE)};
        if (insert(&all, part))
            sum += hash_pair(key, '?', part.name, part.value);
    }
    return sum;
}

static void make_sip(const struct bd_hash_key *hash, const struct bd_uri *uri,
                     struct bd_uri_key *key)
{
    key->fixed = uri->scheme + hash_text(hash, 'u', uri->user, BD_URI_EXACT) +
                 hash_text(hash, 'p', uri->password, BD_URI_EXACT) + hash_host(hash, uri) +
                 hash_headers(hash, uri->headers);
    struct bd_str rest = uri->params, name, value;
    while (bd_uri_next_pair(&rest, ';', &name, &value)) {
        struct bd_uri_part part = {hash_text(hash, 'n', name, BD_URI_NOCASE),
                                   hash_text(hash, 'v', value, BD_URI_NOCASE)};
        if (insert(key, part) && bd_uri_must_be_in_both(name))
            key->fixed += hash_pair(hash, ';', part.name, part.value);
    }
}

/* All its parameters must be in both. */
static void make_tel(const struct bd_hash_key *hash, const struct bd_uri *uri,
                     struct bd_uri_key *key)
{
    key->fixed = uri->scheme + hash_text(hash, 'u', uri->user, BD_URI_NO_SEPARATORS);
    struct bd_str rest = uri->params, name, value;
    while (bd_uri_next_pair(&rest, ';', &name, &value)) {
        struct bd_uri_part part = {hash_text(hash, 'n', name, BD_URI_NOCASE),
                                   hash_text(hash, 'v', value, bd_uri_tel_compare(name, value))};
        if (insert(key, part))
            key->fixed += hash_pair(hash, ';', part.name, part.value);
    }
}

void bd_uri_key_make(const struct bd_hash_key *hash, const struct bd_uri *uri,
                     struct bd_uri_key *key)
{
    key->cnt = 0;
    if (uri->scheme == BD_URI_TEL)
        make_tel(hash, uri, key);
    else if (uri->scheme == BD_URI_OTHER)
        key->fixed = bd_hash64(hash, uri->text.p, uri->text.len);
    else
        make_sip(hash, uri, key);
}

/* The parameters that both have must have the same values. `shared` is the last name that both
 * have: what follows under it in one list alone is a value that the other lacks. */
bool bd_uri_key_meets(const struct bd_uri_key *a, const struct bd_uri_key *b)
{
    const struct bd_uri_part *x = a->part, *x_end = x + a->cnt, *y = b->part, *y_end = y + b->cnt;
    uint64_t shared = 0;
    if (a->fixed != b->fixed)
        return false;
    while (x < x_end || y < y_end) {
        bool first = y == y_end || (x < x_end && x->name < y->name);
        bool second = !first && (x == x_end || y->name < x->name);
        if ((first && x->name == shared) || (second && y->name == shared))
            return false;
        if (!first && !second) {
            if (x->value != y->value)
                return false;
            shared = x->name;
        }
        x += !second;
        y += !first;
    }
    return true;
}
