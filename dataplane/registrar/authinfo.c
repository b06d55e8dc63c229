/* SPDX-License-Identifier: BSD-3-Clause */
/* Authentication-Info: RFC 7616 3.5, RFC 3261 20.6. The server proves that it knows the password
 * too, and hands out the next nonce before the present one is too old: a phone that registers again
 * within half of nonce_expire never meets stale=true.
 *
 * Clients without qop get none: RFC 2543 did not have it, and by qop RFC 3261 22.4 tells who knows
 * it. */
#include "private.h"

/* The turn has the credentials, unless a reload meanwhile may have made others of the request the
 * first that fit. */
static bool knows_credentials(struct bd_registrar *registrar, struct bd_turn *turn)
{
    const struct bd_request *request = turn->request;
    return (request->waited && turn->policy_sequence == request->policy->sequence) ||
           bd_credentials_check(registrar, turn) == BD_VERDICT_NONE;
}

void bd_authinfo_prepare(struct bd_registrar *registrar, struct bd_turn *turn,
                         const struct bd_verify_result *result)
{
    const struct bd_credentials *c = &turn->credentials;
    if (result->rspauth_sz == 0 || result->rspauth_sz > sizeof(registrar->rspauth) ||
        !turn->domain->add_authinfo_hdr || !knows_credentials(registrar, turn) ||
        c->algorithm != result->algorithm || c->qop != result->qop)
        return;
    registrar->rspauth_sz = result->rspauth_sz;
    memcpy(registrar->rspauth, result->rspauth, result->rspauth_sz);
    turn->authinfo = true;
}

/* By the time at which the request was seen first, so that its retransmission draws the same one.
 */
static void put_nextnonce(struct bd_registrar *r, const struct bd_turn *turn, struct bd_wire *w)
{
    uint64_t half_ms = (uint64_t)turn->domain->nonce_expire_s * 500;
    uint64_t first_ms = bd_turn_first_wall_ms(r, turn);
    uint64_t issued_ms = turn->issued_ms;
    if (first_ms < issued_ms || first_ms - issued_ms <= half_ms)
        return;
    char nonce[BD_NONCE_TEXT];
    bd_turn_make_nonce(r, turn, nonce);
    bd_wire_put(w, BD_STR(", nextnonce=\""));
    bd_wire_put(w, (struct bd_str){nonce, sizeof(nonce)});
    bd_wire_char(w, '"');
}

void bd_authinfo_write(struct bd_registrar *registrar, const struct bd_turn *turn,
                       struct bd_wire *w)
{
    const struct bd_credentials *c = &turn->credentials;
    bd_wire_put(w, BD_STR("Authentication-Info: qop="));
    bd_wire_put(w, c->qop == BD_QOP_AUTH ? BD_STR("auth") : BD_STR("auth-int"));
    bd_wire_put(w, BD_STR(", rspauth=\""));
    bd_wire_hex(w, registrar->rspauth, registrar->rspauth_sz);
    bd_wire_put(w, BD_STR("\", cnonce=\""));
    bd_wire_put(w, c->cnonce); /* with its escapes, as it came */
    bd_wire_put(w, BD_STR("\", nc="));
    bd_wire_put(w, c->nc_text);
    put_nextnonce(registrar, turn, w);
    bd_wire_put(w, BD_STR("\r\n"));
}
