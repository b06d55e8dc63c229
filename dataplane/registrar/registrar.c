/* SPDX-License-Identifier: BSD-3-Clause */
#include "private.h"

#include <stdlib.h>

#include "scan.h"

struct bd_registrar *bd_registrar_new(const struct bd_registrar_deps *deps, struct bd_error *error)
{
    struct bd_registrar *r = aligned_alloc(_Alignof(struct bd_registrar), sizeof(*r));
    if (!r) {
        bd_fail(error, "registrar: no memory for %zu bytes", sizeof(*r));
        return NULL;
    }
    memset(r, 0, sizeof(*r));
    r->deps = *deps;
    bd_hash_key_init(&r->txn_key, 0);
    r->set.hash = &deps->arena->hash_key;
    r->nonce = bd_nonce_new(error);
    r->seal = r->nonce ? bd_gruu_seal_new(error) : NULL;
    if (r->seal)
        return r;
    bd_registrar_free(r);
    return NULL;
}

void bd_registrar_free(struct bd_registrar *registrar)
{
    if (!registrar)
        return;
    if (registrar->nonce)
        bd_nonce_free(registrar->nonce);
    bd_gruu_seal_free(registrar->seal);
    free(registrar);
}

/* A retransmission repeats the datagram byte for byte, so nothing less stands for the request in
 * challenges, tags and jobs: whoever copies Call-ID, CSeq and branch to slip in another Contact
 * under somebody's credentials gets another transaction, and so a replay. */
static uint64_t transaction_of(const struct bd_registrar *r, const struct bd_request *request)
{
    const struct bd_hash_key *key = &r->deps.arena->hash_key;
    const struct bd_str text = request->message->text;
    struct {
        uint64_t text;
        struct bd_endpoint source;
        uint8_t unused[6];
    } part = {.text = bd_hash64(key, text.p, text.len), .source = request->source};
    _Static_assert(sizeof(part) == 32, "hashed as bytes: no padding");
    return bd_hash64(key, &part, sizeof(part));
}

static void begin(const struct bd_registrar *r, struct bd_turn *turn,
                  const struct bd_request *request)
{
    turn->request = request;
    turn->now_s = (uint32_t)(request->now_ms / 1000);
    turn->grant_s = (uint32_t)((request->now_ms + 999) / 1000);
    bd_recent_prefetch(&r->recent, turn->transaction);
}

static struct bd_turn *begin_anew(const struct bd_registrar *r, const struct bd_request *request)
{
    struct bd_turn *turn = request->turn;
    bd_clear(turn, offsetof(struct bd_turn, transaction));
    turn->m = request->message;
    if (!request->waited)
        turn->transaction = transaction_of(r, request);
    begin(r, turn, request);
    return turn;
}

/* Who has to prove who he is draws a challenge or a job for a verifier first; under overload it
 * counts whether he has a binding. */
static bool looks_up(const struct bd_turn *turn)
{
    return turn->request->waited || bd_auth_needed(turn) != BD_AUTH_DIGEST ||
           bd_turn_is_pressed(turn);
}

/* Fetches what will be looked up for the AoR. */
static void reach_out(const struct bd_registrar *r, struct bd_turn *turn)
{
    const struct bd_arena *arena = r->deps.arena;
    turn->hash = bd_table_hash(r->deps.table, turn->aor);
    if (r->deps.limiter)
        bd_limiter_prefetch_aor(r->deps.limiter, turn->hash);
    turn->looks_up = looks_up(turn);
    if (!turn->looks_up)
        return;
    bd_table_prefetch_bucket(r->deps.table, turn->hash);
    if (turn->domain->auth == BD_AUTH_TRUSTED || turn->request->policy->profile_cnt > 1)
        bd_provisioned_prefetch(arena, bd_hash128(&arena->hash_key, turn->aor.p, turn->aor.len));
}

/* Whether a request that waited is what it was before: by the same policy, and with all that was
 * found out in its turn. */
static bool is_as_before(const struct bd_request *request)
{
    const struct bd_turn *turn = request->turn;
    return request->waited && turn->policy_sequence == request->policy->sequence &&
           turn->claimed.p == turn->aor_text;
}

/* What message and policy alone say of a request. False: there is nothing to look up for it. */
static bool find_out(struct bd_registrar *r, const struct bd_request *request)
{
    struct bd_turn *turn = begin_anew(r, request);
    turn->early = bd_dispatch(r, turn);
    if (turn->early != BD_VERDICT_NONE || turn->subscribe)
        return false;
    turn->early = bd_target_find(r, turn);
    return turn->early == BD_VERDICT_NONE;
}

/* Everything that a request must pass before it is asked who sent it. */
static enum bd_verdict admit(struct bd_registrar *r, struct bd_turn *turn)
{
    enum bd_verdict verdict = turn->early;
    if (verdict == BD_SIP_OPTIONS && bd_require_check(turn) != BD_VERDICT_NONE)
        verdict = BD_SIP_BAD_EXTENSION;
    if (verdict == BD_VERDICT_NONE && turn->subscribe)
        verdict = bd_subscribe_find(r, turn);
    if (verdict == BD_VERDICT_NONE && !turn->redirect) /* 8.3: a redirect server ignores Require */
        verdict = bd_require_check(turn);
    if (verdict == BD_VERDICT_NONE && !turn->redirect && !turn->subscribe)
        verdict = bd_path_check(turn);
    if (verdict == BD_VERDICT_NONE && !turn->redirect && !turn->subscribe)
        verdict = bd_third_party_check(r, turn);
    if (verdict == BD_VERDICT_NONE && turn->redirect && bd_auth_needed(turn) != BD_AUTH_OPEN)
        verdict = bd_redirect_caller(r, turn);
    if (verdict == BD_VERDICT_NONE && bd_auth_needed(turn) == BD_AUTH_DIGEST &&
        bd_nonce_set_keys(r->nonce, turn->request->policy->nonce_key) < 0)
        verdict = BD_SIP_INTERNAL; /* no key: a challenge would be worth nothing */
    return verdict;
}

static enum bd_verdict serve(struct bd_registrar *r, struct bd_turn *turn, struct bd_wire *reply)
{
    if (turn->subscribe)
        return BD_SIP_SUBSCRIBE;
    return turn->redirect ? bd_redirect(r, turn) : bd_register(r, turn, reply);
}

static enum bd_step finish(struct bd_registrar *r, struct bd_turn *turn, enum bd_verdict outcome,
                           struct bd_wire *reply, enum bd_verdict *verdict)
{
    *verdict = outcome;
    if (outcome == BD_SIP_RESPONSE && bd_subscribe_answered(r, turn))
        *verdict = BD_SIP_NOTIFY_ANSWER;
    if (*verdict == BD_SIP_SUBSCRIBE || *verdict == BD_SIP_NOTIFY_ANSWER)
        return BD_STEP_CONTROL;
    if (turn->written || bd_answer(r, turn, reply, verdict))
        return BD_STEP_REPLY;
    return BD_STEP_SILENT;
}

void bd_registrar_prepare(struct bd_registrar *registrar, unsigned place,
                          const struct bd_request *request)
{
    struct bd_turn *turn = registrar->turn[place] = request->turn;
    bool as_before = is_as_before(request);
    if (as_before)
        begin(registrar, turn, request);
    else if (!find_out(registrar, request))
        return;
    turn->admitted = as_before;
    bd_target_bind(registrar->deps.arena, turn);
    reach_out(registrar, turn);
}

void bd_registrar_prefetch(const struct bd_registrar *registrar, unsigned place)
{
    const struct bd_turn *turn = registrar->turn[place];
    if (turn->looks_up)
        bd_table_prefetch_record(registrar->deps.table, turn->hash);
}

void bd_registrar_prefetch_rest(const struct bd_registrar *registrar, unsigned place)
{
    const struct bd_turn *turn = registrar->turn[place];
    if (turn->looks_up)
        bd_table_prefetch_rest(registrar->deps.table, turn->hash);
}

enum bd_step bd_registrar_handle(struct bd_registrar *registrar, unsigned place,
                                 struct bd_wire *reply, struct bd_verify_job *job,
                                 enum bd_verdict *verdict)
{
    struct bd_turn *turn = registrar->turn[place];
    const struct bd_request *request = turn->request;
    bool verify = false;
    bool is_register = request->parsed == BD_VERDICT_NONE && turn->m->is_request &&
                       turn->m->method == BD_METHOD_REGISTER;
    bd_registrar_count(registrar, BD_CTR_REGISTER_REQUESTS, is_register);
    bd_registrar_count(registrar, BD_CTR_REDIRECT_REQUESTS, turn->redirect);
    enum bd_verdict outcome = admit(registrar, turn);
    if (bd_turn_is_pressed(turn))
        outcome = bd_shed(registrar, turn, outcome);
    if (outcome == BD_VERDICT_NONE)
        outcome = bd_authorize(registrar, turn, job, &verify);
    if (verify)
        return BD_STEP_VERIFY;
    if (outcome == BD_VERDICT_NONE)
        outcome = bd_limit_register(registrar, turn);
    if (outcome == BD_VERDICT_NONE)
        outcome = serve(registrar, turn, reply);
    return finish(registrar, turn, outcome, reply, verdict);
}

enum bd_step bd_registrar_resume(struct bd_registrar *registrar, unsigned place,
                                 const struct bd_verify_result *result, struct bd_wire *reply,
                                 enum bd_verdict *verdict)
{
    struct bd_turn *turn = registrar->turn[place];
    bool verify = false;
    /* By another policy it is looked at again, whole. */
    enum bd_verdict outcome = turn->admitted ? BD_VERDICT_NONE : admit(registrar, turn);
    if (outcome == BD_VERDICT_NONE)
        outcome = bd_auth_needed(turn) == BD_AUTH_DIGEST
                      ? bd_authorize_result(registrar, turn, result)
                      : bd_authorize(registrar, turn, NULL, &verify);
    if (outcome == BD_VERDICT_NONE)
        outcome = serve(registrar, turn, reply);
    return finish(registrar, turn, outcome, reply, verdict);
}

bool bd_registrar_refuse(struct bd_registrar *registrar, const struct bd_request *request,
                         enum bd_verdict *verdict, struct bd_wire *reply)
{
    struct bd_turn *turn = begin_anew(registrar, request);
    if (request->parsed == BD_VERDICT_NONE)
        bd_target_find(registrar, turn); /* for the domain's Retry-After */
    return bd_answer(registrar, turn, reply, verdict);
}

const struct bd_handed *bd_registrar_handed(const struct bd_registrar *registrar)
{
    return &registrar->handed;
}
