/* SPDX-License-Identifier: BSD-3-Clause */
/* Who asks, and may he? RFC 3261 10.3 (3) and (4), 22.4; RFC 7616 3.4; RFC 8760 2.3.
 *
 * What needs no secret is decided here: trusted sources, requests without credentials, credentials
 * that can be of no use. The rest becomes a job for a verifier. A forged nonce never gets that far.
 */
#include "private.h"

#include <assert.h>

#include "body_hash.h"
#include "hex.h"

/* --- trusted -------------------------------------------------------------------------------- */

static bool trusts(const struct bd_registrar *r, const struct bd_turn *turn, struct bd_str aor)
{
    const struct bd_arena *arena = r->deps.arena;
    const struct bd_ip *source = &turn->request->source.ip;
    struct bd_provision provision;
    struct bd_hash128 hash = bd_hash128(&arena->hash_key, aor.p, aor.len);
    if (!bd_provisioned_find(arena, hash, &provision))
        return false;
    return provision.has_prefix ? bd_prefix_covers(&provision.prefix, source)
                                : bd_policy_trusts(turn->request->policy, turn->domain, source);
}

/* Who may speak for the primary of a set may speak for each identity of it. */
static struct bd_str primary_of_claimed(const struct bd_registrar *r, const struct bd_turn *turn)
{
    return bd_identities_primary(r->deps.arena, turn->claimed);
}

static bool is_trusted(const struct bd_registrar *r, const struct bd_turn *turn)
{
    struct bd_str primary = primary_of_claimed(r, turn);
    return trusts(r, turn, turn->claimed) || (primary.len && trusts(r, turn, primary));
}

/* --- choosing credentials --------------------------------------------------------------------- */

/* Compares a quoted text, which may hold escapes, with a plain one. */
static bool unquoted_eq(struct bd_str quoted, struct bd_str plain)
{
    if (bd_str_eq(quoted, plain))
        return true;
    char text[2 * BD_REALM_MAX];
    uint32_t len = bd_unquote(quoted, text, sizeof(text));
    return len != UINT32_MAX && bd_str_eq((struct bd_str){text, len}, plain);
}

static bool algorithm_offered(const struct bd_policy_domain *domain, enum bd_digest_alg algorithm)
{
    for (unsigned i = 0; i < domain->algorithm_cnt; i++) {
        if (domain->algorithm[i] == algorithm)
            return true;
    }
    return false;
}

/* No qop: a client of RFC 2543, which knows the digest of RFC 2069 only. RFC 3261 22.4 wants
 * servers compatible with it, and 22.4 (8) and RFC 8760 2.6 (8) keep qop optional to receive. RFC
 * 2069 has MD5 alone, so other algorithms want a qop; a nonce then serves one transaction
 * (replay.h). */
static bool qop_offered(const struct bd_policy_domain *domain, const struct bd_credentials *c)
{
    switch (c->qop) {
    case BD_QOP_NONE:
        return c->algorithm == BD_ALG_MD5 && (domain->qop & BD_QOP_BIT_AUTH);
    case BD_QOP_AUTH:
        return domain->qop & BD_QOP_BIT_AUTH;
    case BD_QOP_AUTH_INT:
        return domain->qop & BD_QOP_BIT_AUTH_INT;
    case BD_QOP_UNKNOWN:
        break;
    }
    return false;
}

/* The first credentials for our realm that answer a challenge of ours. A phone behind several
 * proxies sends those of other realms too (22.3). What is malformed may be another's (8.2.2), and
 * counts when nothing else serves. */
static enum bd_verdict choose(struct bd_turn *turn, struct bd_credentials *c)
{
    const struct bd_message *m = turn->m;
    const struct bd_header *h = bd_header_first(m, BD_HDR_AUTHORIZATION);
    bool malformed = false;
    for (; h; h = bd_header_next(m, h)) {
        enum bd_credentials_rc rc = bd_credentials_parse(h->value, c);
        malformed |= rc == BD_CREDENTIALS_MALFORMED;
        if (rc == BD_CREDENTIALS_OK && unquoted_eq(c->realm, turn->realm) &&
            algorithm_offered(turn->domain, c->algorithm) && qop_offered(turn->domain, c))
            return BD_VERDICT_NONE;
    }
    if (!malformed)
        return BD_SIP_CHALLENGED;
    turn->reason = "Malformed Authorization";
    return BD_SIP_BAD_CREDENTIALS_FIELD;
}

/* RFC 7616 3.4.6, RFC 8760 2.6 (6): the digest-uri must be one that we would serve as this request.
 * Phones get its text slightly wrong (port, transport, user), so naming the same domain is enough.
 */
static bool digest_uri_fits(struct bd_registrar *r, const struct bd_turn *turn,
                            struct bd_str quoted)
{
    const struct bd_uri *asked = &turn->m->request_uri;
    char text[BD_DIGEST_URI_MAX];
    struct bd_uri uri;
    if (memchr(quoted.p, '\\', quoted.len)) {
        uint32_t len = bd_unquote(quoted, text, sizeof(text));
        if (len == UINT32_MAX)
            return false;
        quoted = (struct bd_str){text, len};
    } else if (bd_str_eq(quoted, asked->text)) {
        return true;
    }
    /* The same domain first, as that takes less time to find out and mostly is so. */
    return bd_uri_parse(quoted, &uri) &&
           (bd_target_domain_memo(&r->host, turn->m, turn->request->policy, &uri) == turn->domain ||
            bd_uri_equal(&uri, asked));
}

enum bd_verdict bd_credentials_check(struct bd_registrar *registrar, struct bd_turn *turn)
{
    struct bd_credentials *c = &turn->credentials;
    struct bd_nonce_fields fields;
    enum bd_verdict verdict = choose(turn, c);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    if (!digest_uri_fits(registrar, turn, c->uri)) {
        turn->reason = "Digest uri is not the Request-URI";
        return BD_SIP_BAD_CREDENTIALS_FIELD;
    }
    if (!bd_nonce_check(registrar->nonce, c->nonce, turn->realm, &fields))
        return BD_SIP_BAD_NONCE;
    turn->issued_ms = fields.issued_ms;
    turn->foreign = !bd_nonce_is_of(registrar->nonce, &fields, &turn->request->source.ip);
    turn->policy_sequence = turn->request->policy->sequence;
    return BD_VERDICT_NONE;
}

/* --- the job -------------------------------------------------------------------------------- */

/* Puts what was undone into `text`, which has `cap` bytes. UINT32_MAX: it did not fit. */
static void put_undone(struct bd_job_writer *w, enum bd_job_text which, const char *text,
                       uint32_t len, uint32_t cap)
{
    w->overflow |= len > cap;
    if (len <= cap)
        bd_job_put(w, which, (struct bd_str){text, len});
}

/* Puts a quoted field without its escapes; RFC 7616 3.4.5: the digest is over unq(). */
static void put_unquoted(struct bd_job_writer *w, enum bd_job_text which, struct bd_str quoted)
{
    char text[BD_DIGEST_URI_MAX];
    _Static_assert(BD_DIGEST_URI_MAX >= BD_USERNAME_MAX && BD_DIGEST_URI_MAX >= BD_CNONCE_MAX,
                   "the longest of those that bd_credentials_parse lets through");
    if (quoted.len == 0 || !memchr(quoted.p, '\\', quoted.len))
        bd_job_put(w, which, quoted);
    else
        put_undone(w, which, text, bd_unquote(quoted, text, sizeof(text)), sizeof(text));
}

static void put_username(struct bd_job_writer *w, const struct bd_credentials *c)
{
    char text[BD_USERNAME_MAX];
    if (!c->username_ext)
        put_unquoted(w, BD_JOB_USERNAME, c->username);
    else
        put_undone(w, BD_JOB_USERNAME, text, bd_ext_value_decode(c->username, text, sizeof(text)),
                   sizeof(text));
}

/* H(entity-body) for auth-int, in hexadecimal; RFC 8760 2.6 (7) for an empty body. */
static void put_body_hash(struct bd_job_writer *w, const struct bd_turn *turn,
                          const struct bd_credentials *c)
{
    uint8_t hash[BD_BODY_HASH_MAX];
    char hex[2 * BD_BODY_HASH_MAX];
    uint32_t len = 0;
    if (c->qop == BD_QOP_AUTH_INT)
        len = bd_body_hash(c->algorithm, turn->m->body, hash);
    assert(len <= BD_BODY_HASH_MAX);
    bd_hex_encode(hash, len, hex);
    bd_job_put(w, BD_JOB_BODY_HASH, (struct bd_str){hex, 2 * len});
}

static bool put_texts(struct bd_registrar *r, const struct bd_turn *turn,
                      const struct bd_credentials *c, struct bd_verify_job *job)
{
    struct bd_job_writer w = bd_job_begin(job);
    put_username(&w, c);
    bd_job_put(&w, BD_JOB_REALM, turn->realm);
    bd_job_put(&w, BD_JOB_NONCE, c->nonce);
    put_unquoted(&w, BD_JOB_URI, c->uri);
    put_unquoted(&w, BD_JOB_CNONCE, c->cnonce);
    bd_job_put(&w, BD_JOB_NC, c->nc_text);
    bd_job_put(&w, BD_JOB_RESPONSE, c->response);
    bd_job_put(&w, BD_JOB_METHOD, turn->m->method_text);
    put_body_hash(&w, turn, c);
    bd_job_put(&w, BD_JOB_AOR, turn->claimed);
    bd_job_put(&w, BD_JOB_PRIMARY, primary_of_claimed(r, turn));
    return !w.overflow;
}

static enum bd_verdict check_credentials(struct bd_registrar *r, struct bd_turn *turn,
                                         struct bd_verify_job *job)
{
    const struct bd_credentials *c = &turn->credentials;
    enum bd_verdict verdict = bd_credentials_check(r, turn);
    if (verdict == BD_VERDICT_NONE)
        verdict = bd_limit_credentials(r, turn);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    *job = (struct bd_verify_job){
        .transaction = turn->transaction,
        .nonce_expire_s = turn->domain->nonce_expire_s,
        .nc = c->nc,
        .algorithm = (uint8_t)c->algorithm,
        .qop = (uint8_t)c->qop,
        .userhash = c->userhash,
        .authinfo = turn->domain->add_authinfo_hdr && c->qop != BD_QOP_NONE,
    };
    if (put_texts(r, turn, c, job))
        return BD_VERDICT_NONE;
    turn->reason = "Credentials too long";
    return BD_SIP_BAD_CREDENTIALS_FIELD;
}

/* --- both ----------------------------------------------------------------------------------- */

enum bd_auth_mode bd_auth_needed(const struct bd_turn *turn)
{
    if (turn->redirect && !turn->domain->redirect_auth)
        return BD_AUTH_OPEN;
    return (enum bd_auth_mode)turn->domain->auth;
}

enum bd_verdict bd_authorize(struct bd_registrar *registrar, struct bd_turn *turn,
                             struct bd_verify_job *job, bool *verify)
{
    enum bd_verdict verdict = BD_VERDICT_NONE;
    switch (bd_auth_needed(turn)) {
    case BD_AUTH_OPEN:
        break;
    case BD_AUTH_TRUSTED:
        turn->verified = is_trusted(registrar, turn);
        verdict = turn->verified ? BD_VERDICT_NONE : BD_SIP_UNTRUSTED;
        break;
    case BD_AUTH_DIGEST:
        verdict = check_credentials(registrar, turn, job);
        *verify = verdict == BD_VERDICT_NONE;
        break;
    }
    return verdict;
}

enum bd_verdict bd_authorize_result(struct bd_registrar *registrar, struct bd_turn *turn,
                                    const struct bd_verify_result *result)
{
    switch ((enum bd_verify_rc)result->rc) {
    case BD_VERIFY_OK:
        turn->verified = true;
        turn->binding_flags |= BD_BINDING_AUTHENTICATED;
        bd_authinfo_prepare(registrar, turn, result);
        return BD_VERDICT_NONE;
    case BD_VERIFY_OTHER_AOR:
        return BD_SIP_FORBIDDEN; /* 10.3 (4) */
    case BD_VERIFY_STALE:
        return BD_SIP_STALE;
    case BD_VERIFY_REPLAYED:
        return BD_SIP_REPLAYED;
    case BD_VERIFY_BAD_NONCE:
        return BD_SIP_BAD_NONCE;
    case BD_VERIFY_WRONG:
        bd_limit_failed(registrar, turn);
        break;
    }
    return BD_SIP_WRONG_CREDENTIALS; /* and whatever a later verifier may invent */
}
