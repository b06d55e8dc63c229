/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the registrar share. A request goes through them in this order:
 *
 *   dispatch.c   may this request be served at all?            RFC 3261 8.2
 *   redirect.c   or is it a call, to be sent on its way?       8.3
 *   target.c     which domain, which address of record?        10.3 (1), (5)
 *   ... so far a burst is prepared; the rest follows request by request ...
 *   path.c       may a Path stand there?                       RFC 3327 5.3
 *   third_party.c  on whose behalf?                            10.2, 10.3 (4)
 *   shed.c       is there room for such a one now?             RFC 7339
 *   auth.c       who asks, and may he?                         10.3 (3), (4), 22
 *   limit.c      is that too often?
 *   repeat.c     just what they asked for the last time?
 *   asks.c       if not: what do the Contacts ask for?                 10.3 (6), (7)
 *   decide.c     what becomes of the bindings?                 10.3 (6), (7)
 *   commit.c     one commit, or none
 *   answer.c     the reply                                     8.2.6, 10.3 (8)
 *
 * A SUBSCRIBE goes from dispatch.c to subscribe.c, to auth.c, and then to the control process.
 *
 * Each step returns BD_VERDICT_NONE to go on, or the verdict that the request ends in. */
#ifndef BD_REGISTRAR_PRIVATE_H
#define BD_REGISTRAR_PRIVATE_H

#include "asks.h"
#include "bulk_contact.h"
#include "challenge.h"
#include "date.h"
#include "decide.h"
#include "gruu.h"
#include "identities.h"
#include "limiter.h"
#include "locate.h"
#include "nonce.h"
#include "preferences.h"
#include "recent.h"
#include "registrar.h"
#include "repeat.h"

/* Option tags that Supported may name, and that it has been read. */
enum { BD_SUPPORTED_READ = 1, BD_SUPPORTED_GRUU = 2, BD_SUPPORTED_OUTBOUND = 4 };

struct bd_registrar {
    struct bd_registrar_deps deps;
    struct bd_policy_memo host; /* of Request-URI and To */
    struct bd_hash_key
        txn_key; /* of transactions in records: the same in every arena, see look_at */
    struct bd_nonce *nonce;
    struct bd_gruu_seal *seal;
    struct bd_gruu gruu; /* scratch */
    struct bd_date date;
    /* Scratch of the request at hand; too large for the stack. */
    struct bd_asks asks;
    struct bd_set set;
    struct bd_binding binding[BD_CONTACTS_PER_AOR_MAX];
    struct bd_policy_domain own; /* of a subscriber with a profile */
    struct bd_location location;
    struct bd_preferences preferences;
    /* RFC 7616 3.5, of the request at hand when its turn says so. */
    uint8_t rspauth[32];
    uint8_t rspauth_sz;
    char caller_text[BD_AOR_MAX]; /* From, when it must prove who it is */
    struct bd_recent recent;
    struct bd_turn *turn[BD_BURST];
    struct bd_handed handed; /* slices of the two texts */
    bool whole_rules;        /* a test holds repeat.c to what the rules say without it */
    char watcher_text[BD_AOR_MAX], resource_text[BD_AOR_MAX];
};

/* dispatch.c */
enum bd_verdict bd_dispatch(struct bd_registrar *registrar, struct bd_turn *turn);
/* Whether an option tag is one this registrar implements and the domain, when known, has switched
 * on (RFC 3261 8.2.2.3). */
bool bd_option_supported(struct bd_str tag, const struct bd_policy_domain *domain);
/* The same for all of Require, once the domain is known. */
enum bd_verdict bd_require_check(const struct bd_turn *turn);

/* target.c */
enum bd_verdict bd_target_find(struct bd_registrar *registrar, struct bd_turn *turn);
/* Leads from an identity to the primary of its implicit registration set (3GPP TS 24.229 5.4.1.2).
 */
void bd_target_bind(const struct bd_arena *arena, struct bd_turn *turn);
/* The domain that a URI of a request names when the request is for this appliance. NULL: none. */
const struct bd_policy_domain *bd_target_domain(const struct bd_message *m,
                                                const struct bd_policy *policy,
                                                const struct bd_uri *uri);
/* The same where requests of one host follow each other. */
const struct bd_policy_domain *bd_target_domain_memo(struct bd_policy_memo *memo,
                                                     const struct bd_message *m,
                                                     const struct bd_policy *policy,
                                                     const struct bd_uri *uri);

/* subscribe.c */
/* Whether a SUBSCRIBE is to registration state of a domain that serves it; sets turn->domain. */
bool bd_subscribe_claims(struct bd_turn *turn);
/* Whether its domain serves registration state, whatever it subscribes to. */
bool bd_subscribe_offered(const struct bd_turn *turn);
/* Who subscribes (turn->claimed) to which AoR; fills registrar->handed. */
enum bd_verdict bd_subscribe_find(struct bd_registrar *registrar, struct bd_turn *turn);
/* Whether a response is to a NOTIFY that the control process sent; fills registrar->handed. */
bool bd_subscribe_answered(struct bd_registrar *registrar, const struct bd_turn *turn);
/* path.c */
/* What the domain's path_mode says of this request. */
enum bd_verdict bd_path_check(struct bd_turn *turn);

/* third_party.c */
/* Finds out on whose behalf the request speaks, and whether that may be. */
enum bd_verdict bd_third_party_check(struct bd_registrar *registrar, struct bd_turn *turn);
/* 10.3 (4) and (5), once it is known who asks: he may, and somebody else's AoR must exist. */
enum bd_verdict bd_third_party_target(const struct bd_registrar *registrar,
                                      const struct bd_turn *turn);

/* redirect.c */
/* Whether a request that parsed asks where an address of record is, in a domain that tells; then
 * turn->redirect and turn->domain are set. OPTIONS to the server itself is none. */
bool bd_redirect_claims(struct bd_registrar *registrar, struct bd_turn *turn);
/* Sets turn->claimed from From. 403 when he is nobody of the domain. */
enum bd_verdict bd_redirect_caller(struct bd_registrar *registrar, struct bd_turn *turn);
/* BD_SIP_REDIRECTED: registrar->location has where to; _UNAVAILABLE, _NOT_FOUND, _MALFORMED. */
enum bd_verdict bd_redirect(struct bd_registrar *registrar, struct bd_turn *turn);
void bd_redirect_put_contacts(struct bd_registrar *registrar, const struct bd_turn *turn,
                              struct bd_wire *w);
void bd_redirect_put_warning(const struct bd_turn *turn, struct bd_wire *w);

/* auth.c */
/* How the sender has to prove who he is: as the domain says, but a caller only with redirect_auth.
 */
enum bd_auth_mode bd_auth_needed(const struct bd_turn *turn);
/* Sets *verify and fills `job` when a verifier has to decide. */
enum bd_verdict bd_authorize(struct bd_registrar *registrar, struct bd_turn *turn,
                             struct bd_verify_job *job, bool *verify);
/* What a verifier's result means for the request. */
enum bd_verdict bd_authorize_result(struct bd_registrar *registrar, struct bd_turn *turn,
                                    const struct bd_verify_result *result);
/* Notes the first credentials of a request that answer a challenge of ours; BD_SIP_CHALLENGED when
 * there are none, BD_SIP_BAD_NONCE when the nonce is not ours. */
enum bd_verdict bd_credentials_check(struct bd_registrar *registrar, struct bd_turn *turn);

/* limit.c */
/* Whether one more registration of the AoR may be. */
enum bd_verdict bd_limit_register(struct bd_registrar *registrar, const struct bd_turn *turn);
/* Whether a verifier may be asked about the turn's credentials, which it has noted. */
enum bd_verdict bd_limit_credentials(struct bd_registrar *registrar, const struct bd_turn *turn);
/* A verifier found them wrong. */
void bd_limit_failed(struct bd_registrar *registrar, struct bd_turn *turn);

/* shed.c */
/* Whether the source is one that the policy knows: a trusted prefix of the domain, or a source that
 * is never banned. */
bool bd_neighbour(const struct bd_turn *turn);
/* While something is shed: `outcome`, what a request has come to so far, or the verdict of one that
 * is not served. */
enum bd_verdict bd_shed(struct bd_registrar *registrar, struct bd_turn *turn,
                        enum bd_verdict outcome);
/* The parameters that a neighbour who asks finds in its Via; NULL: none. */
struct bd_str bd_shed_feedback(const struct bd_turn *turn);

/* authinfo.c */
/* Makes the 200 carry Authentication-Info when the verifier's result has what it takes. */
void bd_authinfo_prepare(struct bd_registrar *registrar, struct bd_turn *turn,
                         const struct bd_verify_result *result);
void bd_authinfo_write(struct bd_registrar *registrar, const struct bd_turn *turn,
                       struct bd_wire *w);

/* repeat.c */
/* The entry that the request refreshes without a look at its Contact, and until when; or -1: the
 * whole rules are needed. Assumes that turn->fingerprint and what asks.c reads are set. */
int bd_repeat_find(struct bd_turn *turn, const struct bd_set *set, uint32_t *expires_at_s);

/* commit.c */
enum bd_verdict bd_register(struct bd_registrar *registrar, struct bd_turn *turn,
                            struct bd_wire *reply);

/* announce.c */
/* Service-Route and P-Associated-URI of a 200, when there are any. */
void bd_announce(const struct bd_arena *arena, const struct bd_turn *turn, bool registered,
                 struct bd_wire *w);

/* answer_fields.c */
void bd_answer_put_fields(struct bd_registrar *registrar, const struct bd_turn *turn,
                          struct bd_wire *reply, enum bd_verdict verdict);

/* answer.c */
/* Writes the reply that a verdict draws. False when there is none, or none that fits; *verdict then
 * says so. A reply that does not fit becomes a 500 without further header fields. */
bool bd_answer(struct bd_registrar *registrar, struct bd_turn *turn, struct bd_wire *reply,
               enum bd_verdict *verdict);
/* Writes the 200 of a REGISTER with all bindings of registrar->set. False when it does not fit:
 * bd_answer_too_large() is what the request ends in then. */
bool bd_answer_bindings(struct bd_registrar *registrar, struct bd_turn *turn,
                        struct bd_wire *reply);
/* The verdict of a reply that does not fit: for its buffer, or for what the sender has proved. */
static inline enum bd_verdict bd_answer_too_large(const struct bd_turn *turn)
{
    return turn->bounded ? BD_SIP_AMPLIFIES : BD_SIP_INTERNAL;
}

/* Whether the client supports something, as bd_list_has() would say; Supported is read once. */
static inline bool bd_turn_supports(struct bd_turn *turn, unsigned option)
{
    if (turn->supported == 0) {
        struct bd_list list = bd_list_begin(turn->m, BD_HDR_SUPPORTED);
        struct bd_str tag;
        turn->supported = BD_SUPPORTED_READ;
        while (bd_list_next(&list, &tag)) {
            if (bd_str_eq_nocase(tag, BD_STR("gruu")))
                turn->supported |= BD_SUPPORTED_GRUU;
            else if (bd_str_eq_nocase(tag, BD_STR("outbound")))
                turn->supported |= BD_SUPPORTED_OUTBOUND;
        }
    }
    return (turn->supported & option) != 0;
}

/* Whether not all requests are served now. */
static inline bool bd_turn_is_pressed(const struct bd_turn *turn)
{
    return turn->request->shedding && turn->request->shedding->active;
}

/* Whether a proxy passed the request on. */
static inline bool bd_is_proxied(const struct bd_message *m)
{
    const struct bd_header *first = bd_header_first(m, BD_HDR_VIA);
    return first && (first->next != BD_HDR_NONE || first->value.len > m->via.text.len);
}

/* When the turn's request was first seen, by the wall clock as it goes now: the same for each of
 * its retransmissions. */
static inline uint64_t bd_turn_first_wall_ms(struct bd_registrar *registrar,
                                             const struct bd_turn *turn)
{
    const struct bd_request *request = turn->request;
    uint64_t first_ms = bd_recent_first_ms(&registrar->recent, turn->transaction, request->now_ms);
    return request->wall_ms - (request->now_ms - first_ms);
}

/* Makes the nonce that a turn's reply carries, bound to whom it goes. */
static inline void bd_turn_make_nonce(struct bd_registrar *registrar, const struct bd_turn *turn,
                                      char out[BD_NONCE_TEXT])
{
    uint64_t request =
        bd_nonce_request(registrar->nonce, turn->transaction, &turn->request->source.ip);
    bd_nonce_make(registrar->nonce, bd_turn_first_wall_ms(registrar, turn), request, turn->realm,
                  out);
}

static inline void bd_registrar_count(struct bd_registrar *registrar, enum bd_counter counter,
                                      uint64_t n)
{
    if (n)
        bd_stat_add(&registrar->deps.stats->counter[counter], n);
}

#endif
