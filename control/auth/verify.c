/* SPDX-License-Identifier: BSD-3-Clause */
#include "verify.h"

#include "hex.h"
#include "wire.h"

#include <assert.h>
#include <openssl/crypto.h>

struct name {
    struct bd_str user, host; /* host NULL: there is no '@' */
};

/* At the last '@': a user part may hold one, a host never does. */
static struct name split(struct bd_str s)
{
    for (uint32_t i = s.len; i > 0; i--) {
        if (s.p[i - 1] == '@')
            return (struct name){{s.p, i - 1}, {s.p + i, s.len - i}};
    }
    return (struct name){s, BD_STR_NULL};
}

/* A canonical AoR without a user part is its host alone. */
static struct name split_aor(struct bd_str aor)
{
    struct name name = split(aor);
    return name.host.p ? name : (struct name){BD_STR(""), aor};
}

struct bd_str bd_verify_domain(const struct bd_verify_job *job)
{
    return split_aor(bd_job_get(job, BD_JOB_AOR)).host;
}

/* Who the credentials speak of. entry NULL: nobody that we know. */
struct claim {
    const struct bd_subscriber_entry *entry;
    enum bd_ha1_form form;
};

/* Whether H(username ":" realm) is `given`; the username is "user", or "user@host" with a host. */
static bool name_hashes_to(const struct bd_verify *v, const struct bd_verify_job *job,
                           struct bd_str user, struct bd_str host, const uint8_t *given)
{
    char text[BD_AOR_MAX + 1 + BD_AOR_MAX];
    struct bd_wire w = bd_wire_init(text, sizeof(text));
    bd_wire_put(&w, user);
    if (host.p) {
        bd_wire_char(&w, '@');
        bd_wire_put(&w, host);
    }
    const struct bd_str parts[] = {{text, bd_wire_len(&w)}, bd_job_get(job, BD_JOB_REALM)};
    uint8_t hash[BD_DIGEST_MAX];
    return bd_digest_hash(v->digest, job->algorithm, parts, 2, hash) &&
           CRYPTO_memcmp(hash, given, bd_digest_sz(job->algorithm)) == 0 && !w.overflow;
}

/* RFC 7616 3.4.4: H(username ":" realm). The only subscriber that may register this AoR is its own
 * (or that of its set's primary, whom claim_of tries next), so only he is tried; that needs no
 * index of hashes. Of an AoR without subscriber the name is hashed all the same, twice like every
 * other, and so is a primary that there is not: the time does not tell who exists. */
static struct claim claim_of_hash(const struct bd_verify *v, const struct bd_verify_job *job,
                                  struct name aor)
{
    const struct bd_subscriber_entry *entry =
        bd_subscriber_lookup_aor(v->store, aor.user, aor.host);
    struct bd_str user = entry ? bd_entry_username(entry) : aor.user;
    uint8_t given[BD_DIGEST_MAX] = {0};
    bool whole =
        bd_hex_decode(bd_job_get(job, BD_JOB_USERNAME), given, bd_digest_sz(job->algorithm));
    bool plain = name_hashes_to(v, job, user, BD_STR_NULL, given);
    bool full = name_hashes_to(v, job, user, aor.host, given);
    if (!entry || !whole || !(plain || full))
        return (struct claim){NULL, BD_HA1_PLAIN};
    return (struct claim){entry, plain ? BD_HA1_PLAIN : BD_HA1_WITH_DOMAIN};
}

/* The primary of the AoR's implicit registration set; user NULL: none. A set is of one domain, and
 * who shares a user part with a primary of another one is nobody here. */
static struct name primary_of(const struct bd_verify_job *job, struct name aor)
{
    struct bd_str text = bd_job_get(job, BD_JOB_PRIMARY);
    struct name primary = split_aor(text);
    return text.len && bd_str_eq(primary.host, aor.host) ? primary
                                                         : (struct name){BD_STR_NULL, BD_STR_NULL};
}

static struct claim claim_of(const struct bd_verify *v, const struct bd_verify_job *job,
                             struct name aor)
{
    struct name primary = primary_of(job, aor);
    if (job->userhash) {
        struct claim own = claim_of_hash(v, job, aor);
        struct claim of_primary = claim_of_hash(v, job, primary.user.p ? primary : aor);
        return own.entry ? own : of_primary;
    }
    struct name given = split(bd_job_get(job, BD_JOB_USERNAME));
    if (!given.host.p)
        return (struct claim){bd_subscriber_lookup(v->store, given.user, aor.host), BD_HA1_PLAIN};
    const struct bd_subscriber_entry *entry = bd_subscriber_lookup(v->store, given.user, aor.host);
    if (!bd_str_eq_nocase(given.host, aor.host))
        entry = NULL;
    return (struct claim){entry, BD_HA1_WITH_DOMAIN};
}

static const uint8_t *ha1_of(struct claim claim, const struct bd_verify_job *job)
{
    return claim.entry ? bd_ha1_get(&claim.entry->ha1, claim.form, job->algorithm) : NULL;
}

static struct bd_digest_input input_of(const struct bd_verify_job *job)
{
    return (struct bd_digest_input){
        .alg = job->algorithm,
        .qop = job->qop,
        .nonce = bd_job_get(job, BD_JOB_NONCE),
        .nc = bd_job_get(job, BD_JOB_NC),
        .cnonce = bd_job_get(job, BD_JOB_CNONCE),
        .method = bd_job_get(job, BD_JOB_METHOD),
        .uri = bd_job_get(job, BD_JOB_URI),
        .body_hash = bd_job_get(job, BD_JOB_BODY_HASH),
    };
}

/* What an unknown user's response is compared with: the HA1 of somebody, so that as much memory is
 * read as for a known one; else one that nobody has. It lets nobody in. */
static const uint8_t *stand_in(const struct bd_verify *v, const struct bd_verify_job *job)
{
    static const uint8_t nobody[BD_DIGEST_MAX] = "no password hashes to this";
    struct name given = split(bd_job_get(job, BD_JOB_USERNAME));
    const struct bd_subscriber_entry *entry =
        bd_subscriber_stand_in(v->store, given.user, bd_verify_domain(job));
    if (!entry)
        return nobody;
    bool named = bd_str_eq(bd_entry_username(entry), given.user);
    const uint8_t *ha1 =
        bd_ha1_get(&entry->ha1, named ? BD_HA1_WITH_DOMAIN : BD_HA1_PLAIN, job->algorithm);
    return ha1 ? ha1 : nobody;
}

/* Whether the response is that of a holder of the claimed subscriber's HA1. An unknown user goes
 * the same way. */
static bool response_is_right(const struct bd_verify *v, const struct bd_verify_job *job,
                              struct claim claim)
{
    const uint8_t *ha1 = ha1_of(claim, job);
    const struct bd_digest_input in = input_of(job);
    bool right = bd_digest_check(v->digest, &in, ha1 ? ha1 : stand_in(v, job),
                                 bd_job_get(job, BD_JOB_RESPONSE));
    return right && ha1;
}

static bool is_stale(const struct bd_nonce_fields *nonce, uint32_t expire_s, uint64_t wall_ms)
{
    if (nonce->issued_ms > wall_ms)
        return nonce->issued_ms - wall_ms > BD_NONCE_DRIFT_MS;
    return wall_ms - nonce->issued_ms > (uint64_t)expire_s * 1000;
}

/* RFC 3261 10.3 (4): a user may register his own AoR only. */
static bool owns(const struct bd_subscriber_entry *entry, struct name aor, bool case_sensitive)
{
    struct bd_str user = bd_entry_username(entry);
    return bd_str_eq(user, aor.user) || (!case_sensitive && bd_str_eq_nocase(user, aor.user));
}

static uint64_t nonce_id(const struct bd_verify *v, const struct bd_verify_job *job)
{
    const struct bd_str text = bd_job_get(job, BD_JOB_NONCE);
    return bd_hash64(v->hash_key, text.p, text.len);
}

uint64_t bd_verify_prefetch(const struct bd_verify *v, const struct bd_verify_job *job)
{
    bd_replay_prefetch(v->replay, nonce_id(v, job));
    struct name aor = split_aor(bd_job_get(job, BD_JOB_AOR));
    struct name given = split(bd_job_get(job, BD_JOB_USERNAME));
    return bd_subscriber_prefetch(v->store, job->userhash ? aor.user : given.user, aor.host);
}

void bd_verify_prefetch_entry(const struct bd_verify *v, uint64_t hash)
{
    bd_subscriber_prefetch_entry(v->store, hash);
}

enum bd_verify_rc bd_verify_job(const struct bd_verify *v, const struct bd_verify_job *job,
                                bool case_sensitive, uint64_t wall_ms)
{
    struct bd_nonce_fields nonce;
    if (!bd_nonce_check(v->nonce, bd_job_get(job, BD_JOB_NONCE), bd_job_get(job, BD_JOB_REALM),
                        &nonce))
        return BD_VERIFY_BAD_NONCE;
    if (job->algorithm >= BD_ALG_CNT)
        return BD_VERIFY_WRONG;
    uint64_t id = nonce_id(v, job);
    bd_replay_prefetch(v->replay, id);
    struct name aor = split_aor(bd_job_get(job, BD_JOB_AOR));
    struct claim claim = claim_of(v, job, aor);
    if (!response_is_right(v, job, claim))
        return BD_VERIFY_WRONG;
    if (is_stale(&nonce, job->nonce_expire_s, wall_ms))
        return BD_VERIFY_STALE;
    enum bd_verify_rc rc =
        bd_replay_check(v->replay, id, nonce.issued_ms, job->qop == BD_QOP_NONE ? 0 : job->nc,
                        job->transaction, wall_ms);
    if (rc != BD_VERIFY_OK)
        return rc;
    struct name primary = primary_of(job, aor);
    bool may = owns(claim.entry, aor, case_sensitive) ||
               (primary.user.p && owns(claim.entry, primary, case_sensitive));
    return may ? BD_VERIFY_OK : BD_VERIFY_OTHER_AOR;
}

bool bd_verify_rspauth(const struct bd_verify *v, const struct bd_verify_job *job,
                       uint8_t out[BD_DIGEST_MAX])
{
    const uint8_t *ha1 = ha1_of(claim_of(v, job, split_aor(bd_job_get(job, BD_JOB_AOR))), job);
    struct bd_digest_input in = input_of(job);
    uint8_t hash[BD_DIGEST_MAX];
    char text[BD_DIGEST_TEXT_MAX];
    uint32_t sz = bd_digest_sz(job->algorithm);
    if (!ha1 || !bd_digest_hash(v->digest, job->algorithm, &BD_STR(""), 1, hash))
        return false;
    assert(sz <= BD_DIGEST_MAX);
    bd_hex_encode(hash, sz, text);
    in.method = BD_STR("");
    in.body_hash = (struct bd_str){text, 2 * sz};
    return bd_digest_response(v->digest, &in, ha1, out);
}
