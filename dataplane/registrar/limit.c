/* SPDX-License-Identifier: BSD-3-Clause */
/* How often an address of record is asked for, and how often somebody may be wrong about its
 * password: what the limiter wants to know of a request, and what it makes of the answer.
 *
 * Nobody may lock out a phone that is registered. So who asks for an AoR from where it is
 * registered has a bucket of his own when strangers have emptied that of the AoR, and is tried when
 * their credentials are not. */
#include "limiter.h"
#include "private.h"
#include "source.h"

/* Mostly the address of record that is asked for is one's own. */
static uint64_t hash_of_claimed(const struct bd_registrar *r, const struct bd_turn *turn)
{
    bool own = turn->claimed.p == turn->aor.p && turn->claimed.len == turn->aor.len;
    return own ? turn->hash : bd_table_hash(r->deps.table, turn->claimed);
}

static struct bd_limit_claim claim_of(const struct bd_registrar *r, const struct bd_turn *turn)
{
    return (struct bd_limit_claim){.key = hash_of_claimed(r, turn),
                                   .source = &turn->request->source.ip,
                                   .aor = turn->claimed,
                                   .foreign = turn->foreign};
}

/* Whether an AoR has a binding that this source made, and that has not expired. */
static bool is_bound(const struct bd_registrar *r, const struct bd_turn *turn, struct bd_str aor)
{
    struct bd_slot_ref ref;
    if (!bd_table_find(r->deps.table, bd_table_hash(r->deps.table, aor), aor, &ref))
        return false;
    uint64_t source = bd_source_key(&turn->request->source.ip);
    for (unsigned i = 0; i < bd_record_cnt(ref.record) && i < BD_CONTACTS_PER_AOR_MAX; i++) {
        struct bd_binding b;
        bd_record_view(ref.record, i, &b);
        if (turn->now_s < bd_state_expires_at_s(b.state) && bd_source_key(&b.source.ip) == source)
            return true;
    }
    return false;
}

static bool is_known(const struct bd_registrar *r, const struct bd_turn *turn)
{
    return is_bound(r, turn, turn->claimed) || (turn->aor.len && is_bound(r, turn, turn->aor));
}

enum bd_verdict bd_limit_register(struct bd_registrar *registrar, const struct bd_turn *turn)
{
    struct bd_limiter *limiter = registrar->deps.limiter;
    if (!limiter || turn->redirect || turn->subscribe)
        return BD_VERDICT_NONE;
    struct bd_limit_claim claim = {
        .key = turn->hash, .source = &turn->request->source.ip, .aor = turn->aor};
    if (bd_limiter_aor(limiter, &claim) ||
        (is_known(registrar, turn) && bd_limiter_aor_known(limiter, &claim)))
        return BD_VERDICT_NONE;
    return bd_limiter_refuse(limiter, &claim, BD_SIP_AOR_LIMITED);
}

/* A transaction whose credentials were wrong stands in the memory of transactions by another hash,
 * in the line that has been fetched for its own. */
static uint64_t failed_transaction(const struct bd_turn *turn)
{
    return turn->transaction ^ (1ULL << 63);
}

enum bd_verdict bd_limit_credentials(struct bd_registrar *registrar, const struct bd_turn *turn)
{
    struct bd_limiter *limiter = registrar->deps.limiter;
    if (!limiter)
        return BD_VERDICT_NONE;
    /* A retransmission: the same answer, and no second failure. */
    if (bd_recent_is_done(&registrar->recent, failed_transaction(turn), turn->request->now_ms))
        return BD_SIP_WRONG_CREDENTIALS;
    struct bd_limit_claim claim = claim_of(registrar, turn);
    bool known = !bd_limiter_guards(limiter, &claim) || is_known(registrar, turn);
    enum bd_verdict verdict = bd_limiter_guess(limiter, &claim, known);
    return verdict == BD_VERDICT_NONE ? bd_limit_register(registrar, turn) : verdict;
}

void bd_limit_failed(struct bd_registrar *registrar, struct bd_turn *turn)
{
    struct bd_limiter *limiter = registrar->deps.limiter;
    if (!limiter)
        return;
    /* Parsed anew while it waited: what was found out about its nonce is found out again. */
    if (!turn->request->waited && bd_credentials_check(registrar, turn) != BD_VERDICT_NONE)
        return;
    struct bd_limit_claim claim = claim_of(registrar, turn);
    bd_recent_set_done(&registrar->recent, failed_transaction(turn), turn->request->now_ms);
    bd_limiter_failed(limiter, &claim, is_known(registrar, turn));
}
