/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes `application/reginfo+xml` (RFC 3680 5, RFC 5628 5): one registration a document.
 *
 *   begin > contact, contact, ... > end
 *
 * What phones registered is written here into XML: markup is escaped, and what XML 1.0 cannot hold
 * (control characters, bytes that are no UTF-8) becomes U+FFFD, so the document is well formed
 * whatever was registered. Pure functions; no allocation. */
#ifndef BD_REGINFO_H
#define BD_REGINFO_H

#include "wire.h"

struct bd_reginfo {
    struct bd_wire wire;
    char *end; /* of the buffer; the wire's own end leaves room for the closing tags */
};

struct bd_reginfo_head {
    uint32_t version;  /* from 0, one more a document of the subscription (5.1) */
    bool full;         /* the whole state, or what has changed */
    struct bd_str aor; /* canonical user@host */
    uint64_t id;       /* of the registration */
    const char *state; /* "init", "active", "terminated" */
};

struct bd_reginfo_contact {
    uint64_t id;
    bool active;
    const char *event; /* "registered", "refreshed", ... */
    struct bd_str uri;
    struct bd_str params;  /* ";"-list without expires and q: written as unknown-param */
    struct bd_str call_id; /* len 0: not written */
    uint32_t cseq;         /* with call_id */
    uint32_t duration_s;   /* since the first registration */
    uint32_t expires_s;    /* of an active contact */
    uint16_t q_milli;      /* BD_Q_NONE of record.h: none */
    /* RFC 5628: len 0 while the contact has none. */
    struct bd_str pub_gruu, temp_gruu;
    uint32_t temp_gruu_first_cseq;
};

/* `cap` of some hundred bytes at least: head and closing tags always fit BD_REGINFO_FRAME_MAX. */
#define BD_REGINFO_FRAME_MAX 2560
void bd_reginfo_begin(struct bd_reginfo *r, char *buf, uint32_t cap,
                      const struct bd_reginfo_head *head);
/* From now on it may have `len` bytes at most, or what it has with its closing tags. */
void bd_reginfo_narrow(struct bd_reginfo *r, uint32_t len);
/* False, and nothing written, when the contact does not fit any more. */
bool bd_reginfo_contact(struct bd_reginfo *r, const struct bd_reginfo_contact *contact);
/* The document's length. */
uint32_t bd_reginfo_end(struct bd_reginfo *r);

#endif
