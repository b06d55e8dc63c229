/* SPDX-License-Identifier: BSD-3-Clause */
/* SIP, SIPS and tel URIs (RFC 3261 19.1, 25.1; RFC 3966): slices, comparison, canonical AoR.
 *
 * Pure functions of bytes; may be called from anywhere. */
#ifndef BD_URI_H
#define BD_URI_H

#include "ip.h"
#include "str.h"

/* Parameters of one URI, and headers of one URI: comparison is quadratic in them. More: no URI. */
#define BD_URI_PARAMS_MAX 32

enum bd_uri_scheme { BD_URI_OTHER, BD_URI_SIP, BD_URI_SIPS, BD_URI_TEL };
enum bd_host_type { BD_HOST_NAME, BD_HOST_IPV4, BD_HOST_IPV6 };

struct bd_uri {
    struct bd_str text; /* the whole URI, no angle brackets */
    enum bd_uri_scheme scheme;
    struct bd_str scheme_text;
    struct bd_str user;     /* escaped as received; tel: the number. NULL when absent */
    struct bd_str password; /* NULL when absent */
    struct bd_str host;     /* IPv6 with brackets */
    enum bd_host_type host_type;
    struct bd_ip ip;       /* valid when host_type is not BD_HOST_NAME */
    uint16_t port;         /* 0 when absent */
    bool bnc;              /* a parameter of this name (RFC 6140 9.2.1) is there */
    struct bd_str params;  /* after the first ';', without it. NULL when absent */
    struct bd_str headers; /* after '?', without it. NULL when absent */
};

/* Splits and validates a URI against the grammar of its scheme. The slice must be the whole URI.
 * An unknown scheme parses (scheme BD_URI_OTHER, only text and scheme_text set) as long as it has
 * the absoluteURI form: the caller decides whether that is 416 or a usable Contact.
 * Returns false when the text is no URI. Linear in the length. */
bool bd_uri_parse(struct bd_str text, struct bd_uri *uri);

/* Walks ";name=value;name" lists: returns false at the end. *cursor starts as uri.params (or
 * the parameter text of a header field) and is advanced; value.p is NULL when there is no '='.
 * Understands quoted-string values, which keep their quotes, and LWS around ';' and '='. Malformed
 * text, an empty parameter too, ends the walk and sets *bad; otherwise *bad is left alone. */
bool bd_param_next(struct bd_str *cursor, struct bd_str *name, struct bd_str *value, bool *bad);

/* Finds one parameter by name, without regard to case. False when absent. */
bool bd_param_find(struct bd_str params, struct bd_str name, struct bd_str *value);

/* Equality by RFC 3261 19.1.4 (RFC 3966 section 4 for tel): escapes decoded, user case-sensitive,
 * host and parameters without case, user/ttl/method/maddr/transport must match when in either,
 * other parameters only when in both, headers all; address literals compare as addresses (RFC 5954
 * 4.2). Schemes other than these compare by bytes. */
bool bd_uri_equal(const struct bd_uri *a, const struct bd_uri *b);

/* Equality of two instance IDs (+sip.instance), with or without angle brackets, as URNs (RFC 5626
 * 4.1, RFC 2141 5): "urn:" and the namespace in any case; a UUID in any case (RFC 4122 3); the rest
 * byte by byte but for the digits of escapes. What is no URN compares by bytes. */
bool bd_instance_equal(struct bd_str a, struct bd_str b);

/* Writes the canonical AoR key of a URI: "user@host" for sip and sips, escapes decoded where
 * RFC 3261 10.3 (5) asks for it, parameters, headers, password and port removed, host lower-cased,
 * trailing dot removed; "user" lower-cased too unless case_sensitive. `host` replaces the URI's own
 * host (the domain's name, when the URI names an alias); pass BD_STR_NULL to keep it. A URI without
 * a user gives "host". A tel URI gives its number without visual separators "@host", and so does a
 * SIP URI with user=phone whose user part is a telephone number (RFC 3261 19.1.6).
 * Bytes that are control characters after decoding, NUL above all, keep their escape (RFC 4475
 * 3.1.1.4 must not become a short string), and so does "%" itself. An address as host is written in
 * its one canonical form (RFC 5952 for IPv6). A tel URI without `host` gives the number alone.
 * Returns the length, or 0 when it would exceed cap. */
uint32_t bd_aor_canonical(const struct bd_uri *uri, struct bd_str host, bool case_sensitive,
                          char *out, uint32_t cap);

/* The host of a canonical AoR: what follows the last '@', as its user may have one and no host has;
 * all of it when it has no user. */
static inline struct bd_str bd_aor_host(struct bd_str aor)
{
    const char *end = aor.p + aor.len, *p = end;
    while (p > aor.p && p[-1] != '@')
        p--;
    return (struct bd_str){p, (uint32_t)(end - p)};
}

#endif
