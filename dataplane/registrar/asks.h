/* SPDX-License-Identifier: BSD-3-Clause */
/* What one REGISTER asks for: its Contacts, read, checked and granted a time, before anything of
 * the table is looked at (RFC 3261 10.3: everything or nothing).
 *
 * Slices point into the message, or into text[] where a text had to be put together. */
#ifndef BD_ASKS_H
#define BD_ASKS_H

#include "hash.h"
#include "message.h"
#include "policy.h"
#include "record.h"

struct bd_ask {
    struct bd_contact contact; /* as it was read */
    struct bd_binding binding; /* as it would be stored */
    uint32_t expires_s;        /* granted; 0: remove */
};

struct bd_asks {
    bool star;    /* "Contact: *", Expires: 0 */
    bool bulk;    /* one that is not removed is a bulk number contact (RFC 6140) */
    unsigned cnt; /* 0 without star: a query */
    struct bd_ask ask[BD_CONTACTS_PER_REQUEST_MAX];
    struct bd_str call_id, path;
    uint32_t cseq;
    uint64_t txn; /* record.h: the transaction's word */
    uint32_t now_s, grant_s;
    bool has_reg_id;       /* some Contact has a reg-id, whether it counts or not */
    bool has_instance;     /* some Contact has a +sip.instance */
    bool gruu;             /* of those: GRUUs are wanted (RFC 5627 4.1) and switched on */
    uint64_t life;         /* a new one for them, should it be needed (life.h) */
    bool outbound, direct; /* outbound.h */
    uint32_t text_len;
    char text[BD_CONTACTS_PER_REQUEST_MAX * BD_CONTACT_PARAMS_MAX + BD_USER_AGENT_MAX +
              BD_PATH_VECTOR_MAX];
};

struct bd_asks_context {
    const struct bd_policy_domain *domain; /* settings that are in force for the AoR */
    uint64_t transaction;                  /* seed of the spread, the same for a repetition */
    const struct bd_hash_key *key;
    uint64_t fingerprint; /* of the Contact header field, repeat.h */
    uint64_t txn;         /* record.h: the transaction's word */
    struct bd_endpoint source, local;
    uint32_t now_s;   /* rounded down: what has not expired by it is there */
    uint32_t grant_s; /* rounded up: intervals begin here, so none ends before its time */
    uint16_t flags;   /* BD_BINDING_AUTHENTICATED or 0 */
};

/* Reads all Contacts. Returns
 *   BD_VERDICT_NONE      asks is whole
 *   BD_SIP_BAD_CONTACT   one is malformed or too long, too many, '*' misused, sips against RFC 5630
 *                        5.2, bnc against RFC 6140 5.2; *reason says which
 *   BD_SIP_EXTENSION_REQUIRED, BD_SIP_FIRST_HOP_LACKS_OUTBOUND    see outbound.h
 *   BD_SIP_MALFORMED     the Call-ID or the Path is too long, or the Path is none
 *   BD_SIP_TOO_BRIEF     an expiry below the minimum, min_expires_mode 1 (10.3 (7)) */
enum bd_verdict bd_asks_read(struct bd_asks *asks, const struct bd_message *m,
                             const struct bd_asks_context *context, const char **reason);

/* The interval for a Contact whose expires parameter is so, or is not there: grant, and spread by
 * the seed. 0 removes. */
uint32_t bd_asks_interval(const struct bd_policy_domain *domain, const struct bd_message *m,
                          bool has_expires, uint32_t expires_s, uint64_t seed, bool *brief);
/* When an interval ends that begins at grant_s. Far away is far away: it never wraps, and never
 * equals the table's "never". */
static inline uint32_t bd_asks_expires_at_s(uint32_t grant_s, uint32_t expires_s)
{
    return expires_s < UINT32_MAX - 1 - grant_s ? grant_s + expires_s : UINT32_MAX - 1;
}

/* The interval a domain grants for a requested one (10.3 (7)); *brief is set when it must be
 * refused with 423. 0 stays 0. Kamailio's min_expires, min_expires_mode, max_expires. */
uint32_t bd_asks_grant(const struct bd_policy_domain *domain, uint32_t requested_s, bool *brief);

/* Kamailio's expires_range and default_expires_range, so that phones that started together do not
 * refresh together: one of [s * (100 - range) / 100, s], never below min_expires, by the seed. */
uint32_t bd_asks_spread(const struct bd_policy_domain *domain, uint32_t s, unsigned range,
                        uint64_t seed);

/* Joins the values of all Path fields with commas and appends them to asks->text (RFC 3327 5.3).
 * NULL, or what is wrong. In path.c. */
const char *bd_path_read(struct bd_asks *asks, const struct bd_message *m);
/* Whether all of a Path that was read are sips URIs. */
bool bd_path_is_secure(const struct bd_message *m);
/* Copies a text to asks->text with folds (7.3.1) and tabs as plain spaces: what is stored is one
 * line. The caller has checked the room. */
void bd_asks_append(struct bd_asks *asks, struct bd_str s);

#endif
