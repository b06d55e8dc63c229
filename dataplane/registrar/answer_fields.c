/* SPDX-License-Identifier: BSD-3-Clause */
/* Header fields that belong to what a request has come to: RFC 3261 8.2, 11.2, 21.4. */
#include "private.h"

/* Retry-After where no domain says it: long enough for a restart of the other process,
 * short enough that a phone is back before anybody notices. */
enum { RETRY_AFTER_S = 5 };

/* Of the server itself (21.4.6: "for the indicated address"). Requests for its users are redirected
 * whatever their method, where a domain has redirect on. */
#define METHODS "REGISTER, OPTIONS"

static void put_challenges(struct bd_registrar *r, const struct bd_turn *turn, struct bd_wire *w,
                           bool stale)
{
    char nonce[BD_NONCE_TEXT];
    bd_turn_make_nonce(r, turn, nonce);
    bd_challenge_write(w, turn->domain, turn->realm, (struct bd_str){nonce, sizeof(nonce)}, stale);
}

/* 8.2.2.3, 20.40. What nobody knows is refused before there is a domain; all that the domain does
 * not know is told. */
static void put_unsupported(const struct bd_turn *turn, struct bd_wire *w)
{
    const struct bd_message *m = turn->m;
    const struct bd_policy_domain *domain =
        turn->domain ? turn->domain : bd_target_domain(m, turn->request->policy, &m->request_uri);
    unsigned cnt = turn->path_refused;
    if (turn->path_refused)
        bd_wire_put(w, BD_STR("Unsupported: path"));
    struct bd_list list = bd_list_begin(m, BD_HDR_REQUIRE);
    struct bd_str tag;
    while (bd_list_next(&list, &tag)) {
        if (bd_option_supported(tag, domain))
            continue;
        bd_wire_put(w, cnt++ ? BD_STR(", ") : BD_STR("Unsupported: "));
        bd_wire_put(w, tag);
    }
    bd_wire_put(w, BD_STR("\r\n"));
}

static bool serves_events(const struct bd_turn *turn)
{
    return turn->domain && turn->domain->reg_event;
}

/* RFC 6665 7.2, 8.2.2: which packages there are. */
static void put_allow_events(struct bd_wire *w)
{
    bd_reply_header(w, BD_STR("Allow-Events"), BD_STR("reg"));
}

static void put_allow(const struct bd_turn *turn, struct bd_wire *w)
{
    bd_reply_header(w, BD_STR("Allow"),
                    serves_events(turn) ? BD_STR(METHODS ", SUBSCRIBE") : BD_STR(METHODS));
    if (serves_events(turn))
        put_allow_events(w);
}

/* 11.2: what this server can do. No body is understood. */
static void put_capabilities(const struct bd_turn *turn, struct bd_wire *w)
{
    const struct bd_policy_domain *d = turn->domain;
    put_allow(turn, w);
    bd_reply_header(w, BD_STR("Accept"), BD_STR(""));
    bd_reply_header(w, BD_STR("Accept-Encoding"), BD_STR("identity"));
    struct bd_str tag[4];
    unsigned cnt = 0;
    tag[cnt++] = BD_STR("gin");
    if (d && d->gruu_enabled)
        tag[cnt++] = BD_STR("gruu");
    if (d && d->outbound_mode != BD_OUTBOUND_NONE)
        tag[cnt++] = BD_STR("outbound");
    if (d && d->use_path)
        tag[cnt++] = BD_STR("path");
    bd_wire_put(w, BD_STR("Supported: "));
    for (unsigned i = 0; i < cnt; i++) {
        bd_wire_put(w, i ? BD_STR(", ") : BD_STR(""));
        bd_wire_put(w, tag[i]);
    }
    bd_wire_put(w, BD_STR("\r\n"));
}

/* Phones that are refused together shall not come back together: each address of record has its own
 * time between the configured one and twice that. A hash of the table's, so that it tells nothing
 * of where in the table the address stands. */
static uint32_t spread(const struct bd_registrar *r, const struct bd_turn *turn, uint32_t least_s)
{
    const struct bd_hash_key *key = &r->deps.arena->hash_key;
    uint64_t at = bd_table_hash(r->deps.table, turn->aor);
    uint64_t hash = bd_hash64(key, &at, sizeof(at));
    return least_s + (uint32_t)((hash >> 32) * least_s >> 32);
}

static void put_retry_after(const struct bd_registrar *r, const struct bd_turn *turn,
                            struct bd_wire *w)
{
    uint32_t s = turn->domain ? turn->domain->retry_after_s : RETRY_AFTER_S;
    if (s)
        bd_reply_header_u32(w, BD_STR("Retry-After"), spread(r, turn, s));
}

void bd_answer_put_fields(struct bd_registrar *r, const struct bd_turn *turn, struct bd_wire *w,
                          enum bd_verdict verdict)
{
    switch (verdict) {
    case BD_SIP_OPTIONS:
        put_capabilities(turn, w);
        break;
    case BD_SIP_REDIRECTED:
        bd_redirect_put_contacts(r, turn, w);
        break;
    case BD_SIP_UNAVAILABLE:
        if (turn->insecure)
            bd_redirect_put_warning(turn, w);
        break;
    case BD_SIP_CHALLENGED:
    case BD_SIP_BAD_NONCE:
    case BD_SIP_WRONG_CREDENTIALS:
        put_challenges(r, turn, w, false);
        break;
    case BD_SIP_STALE:
    case BD_SIP_REPLAYED: /* the credentials were right: no need to ask the user again */
        put_challenges(r, turn, w, true);
        break;
    case BD_SIP_METHOD_NOT_ALLOWED:
        put_allow(turn, w);
        break;
    case BD_SIP_UNSUPPORTED_MEDIA: /* 8.2.3 */
        bd_reply_header(w, BD_STR("Accept"), BD_STR(""));
        bd_reply_header(w, BD_STR("Accept-Encoding"), BD_STR("identity"));
        break;
    case BD_SIP_BAD_EVENT:
        put_allow_events(w);
        break;
    case BD_SIP_BAD_EXTENSION:
        put_unsupported(turn, w);
        break;
    case BD_SIP_EXTENSION_REQUIRED: /* 21.4.15 */
        bd_reply_header(w, BD_STR("Require"), BD_STR("outbound"));
        break;
    case BD_SIP_TOO_BRIEF: /* 10.3 (7) */
        bd_reply_header_u32(w, BD_STR("Min-Expires"), turn->settings->min_expires_s);
        break;
    case BD_SIP_TOO_MANY_CONTACTS:
        if (turn->domain->max_contacts_code == 503)
            put_retry_after(r, turn, w);
        break;
    case BD_SIP_SHED_UNKNOWN:
    case BD_SIP_SHED_NEW:
    case BD_SIP_SHED_REFRESH:
    case BD_SIP_VERIFIER_BUSY:
        /* RFC 7339 5.10.2: a proxy would take it for all that it might send (21.5.4). */
        if (!bd_is_proxied(turn->m))
            put_retry_after(r, turn, w);
        break;
    case BD_SIP_TABLE_FULL:
    case BD_SIP_VERIFIER_GONE:
    case BD_SIP_NOTIFIER_BUSY:
    case BD_SIP_NOT_DURABLE:
    case BD_SIP_DRAINING:
    case BD_SIP_AOR_LIMITED:
    case BD_SIP_AUTH_SLOWED:
        put_retry_after(r, turn, w);
        break;
    default:
        break;
    }
}
