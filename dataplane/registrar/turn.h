/* SPDX-License-Identifier: BSD-3-Clause */
/* One request on its way through the registrar, which alone reads and writes this. The caller has
 * the room, and keeps it with the message while the request waits for a verifier: what message and
 * policy say is found out once. */
#ifndef BD_TURN_H
#define BD_TURN_H

#include "message.h"
#include "policy.h"

struct bd_request;

struct bd_turn {
    const struct bd_request *request;
    const struct bd_message *m;
    enum bd_verdict early;                   /* what message and policy alone make of it */
    const struct bd_policy_domain *domain;   /* NULL until target.c found it */
    const struct bd_policy_domain *settings; /* the domain's, or what a profile makes of them */
    struct bd_str realm;                     /* of the challenges */
    struct bd_str identity;                  /* the AoR that is asked for: canonical, in aor_text */
    struct bd_str aor;                       /* the one its bindings stand under: mostly the same */
    struct bd_str claimed;                   /* the AoR that the sender must prove to be his */
    uint64_t hash;                           /* of aor, for the table */
    uint64_t fingerprint;                    /* of the Contact, repeat.h; 0: repeats nothing */
    uint64_t txn;                            /* record.h: the transaction's word */
    uint32_t now_s, grant_s;                 /* asks.h */
    struct bd_str path;                      /* that is kept, for the 200 */
    const char *reason;                      /* of a 400, NULL: the standard phrase */
    uint16_t binding_flags;                  /* BD_BINDING_..., for what is stored */
    uint8_t supported;                       /* BD_SUPPORTED_..., of what has been asked for */
    bool admitted;                           /* it has been, before it waited */
    bool again;                              /* this very request has changed bindings before */
    bool looks_up;                           /* the AoR's bindings will be read */
    bool authinfo;                           /* the 200 carries Authentication-Info */
    bool stranger;                           /* From may not register To: third_party.c */
    bool verified;                           /* by credentials, or by a trusted address */
    bool bounded;                            /* the reply has less room than its buffer */
    bool written;                            /* the reply stands in the wire already */
    bool subscribe;                          /* to registration state: subscribe.c */
    bool redirect;                           /* a request to be redirected: redirect.c */
    bool preferred;                          /* the caller's preferences have shaped the location */
    bool insecure;                           /* a target was passed over for not being sips */
    bool path_echoed, path_refused;          /* RFC 3327 5.3 */
    bool outbound, direct;                   /* outbound.h */
    /* Not cleared with each turn. */
    uint64_t transaction; /* keyed hash of the datagram and its source */
    /* Of credentials that were found to answer a challenge of ours. */
    uint64_t policy_sequence; /* of the policy that they were chosen by */
    uint64_t issued_ms;       /* when their nonce was made */
    bool foreign;             /* it was given to another source */
    struct bd_credentials credentials;
    char aor_text[BD_AOR_MAX]; /* as long as what points here says */
};

#endif
