/* SPDX-License-Identifier: BSD-3-Clause */
/* The redirect server: where is the one that is called? RFC 3261 8.3, 21.3.3, 21.4.18.
 *
 * Stateless (8.2.7): a retransmission is looked up again and draws the same answer as long as the
 * bindings are the same. Reads the table only. */
#include "private.h"

/* Room for what stands behind the Contacts of a reply: Server and Content-Length. */
enum { TAIL_SZ = 128 };

/* --- which requests --------------------------------------------------------------------------- */

/* A Request-URI is not a registrar's: what To says does not count (16.5). A tel URI belongs to the
 * default domain. */
static const struct bd_policy_domain *domain_of(struct bd_policy_memo *memo,
                                                const struct bd_policy *policy,
                                                const struct bd_uri *uri, bool *by_default)
{
    if (uri->scheme == BD_URI_TEL)
        return bd_policy_find(policy, BD_STR(""), by_default);
    return uri->host.p ? bd_policy_find_memo(memo, policy, uri->host, by_default) : NULL;
}

bool bd_redirect_claims(struct bd_registrar *registrar, struct bd_turn *turn)
{
    const struct bd_message *m = turn->m;
    bool others = m->method == BD_METHOD_REGISTER || m->method == BD_METHOD_ACK ||
                  m->method == BD_METHOD_CANCEL ||
                  (m->method == BD_METHOD_OPTIONS && m->max_forwards == 0); /* 11 */
    if (others || m->request_uri.user.len == 0)
        return false;
    bool by_default;
    const struct bd_policy_domain *domain =
        domain_of(&registrar->host, turn->request->policy, &m->request_uri, &by_default);
    if (!domain || !domain->redirect)
        return false;
    turn->domain = domain;
    turn->redirect = true;
    return true;
}

/* --- who asks --------------------------------------------------------------------------------- */

/* With redirect_auth the caller must be who From says, in the domain that he calls: then any
 * subscriber of the domain may call any other. */
enum bd_verdict bd_redirect_caller(struct bd_registrar *registrar, struct bd_turn *turn)
{
    const struct bd_policy *policy = turn->request->policy;
    const struct bd_uri *from = &turn->m->from.uri;
    bool by_default = false;
    if (from->user.len == 0 ||
        domain_of(&registrar->host, policy, from, &by_default) != turn->domain)
        return BD_SIP_FORBIDDEN;
    /* The default domain serves whom it is asked for; that makes nobody its subscriber. */
    if (by_default && !turn->domain->wildcard && from->scheme != BD_URI_TEL &&
        !bd_policy_is_self(policy, from->host, 0))
        return BD_SIP_FORBIDDEN;
    struct bd_str called = bd_aor_host(turn->identity);
    struct bd_str host =
        bd_policy_aor_host(policy, turn->domain, from->scheme == BD_URI_TEL ? called : BD_STR_NULL);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): nobody asks before there is a domain */
    uint32_t len = bd_aor_canonical(from, host, turn->domain->case_sensitive,
                                    registrar->caller_text, sizeof(registrar->caller_text));
    turn->claimed = (struct bd_str){registrar->caller_text, len};
    /* The wildcard domain is as many domains as there are names. */
    if (turn->domain->wildcard && !bd_str_eq(bd_aor_host(turn->claimed), called))
        return BD_SIP_FORBIDDEN;
    return len ? BD_VERDICT_NONE : BD_SIP_FORBIDDEN;
}

/* --- where to --------------------------------------------------------------------------------- */

/* Whether one look tells that a Contact URI is not the one that was asked for: a phone's names its
 * address, a call's a domain. In a SIP URI "@" is in one place alone, before the host (25.1). */
static bool is_elsewhere(struct bd_str contact, const struct bd_uri *asked)
{
    if (asked->scheme != BD_URI_SIP || asked->host_type != BD_HOST_NAME)
        return false;
    const char *at = memchr(contact.p, '@', contact.len);
    if (!at)
        return true; /* asked has a user */
    struct bd_str host = {at + 1, asked->host.len};
    return contact.p + contact.len - host.p < host.len || !bd_str_eq_nocase(host, asked->host);
}

/* Whether a caller may be sent to a binding, and could get there. */
static bool is_usable(struct bd_turn *turn, const struct bd_binding *b)
{
    const struct bd_uri *asked = &turn->m->request_uri;
    struct bd_uri uri;
    if (!b->text[BD_TEXT_PATH].len && is_elsewhere(b->text[BD_TEXT_URI], asked))
        return true;
    if (!bd_uri_parse(b->text[BD_TEXT_URI], &uri))
        return false;
    /* RFC 5630 5.4, RFC 3261 26.4.4: never from sips down to something else. */
    if (asked->scheme == BD_URI_SIPS && uri.scheme != BD_URI_SIPS) {
        turn->insecure = true;
        return false;
    }
    /* RFC 3327 5.4: only by its Path; a caller has no way to take it but a Route in the URI, which
     * RFC 3261 19.1.5 advises clients against. */
    bool sip = uri.scheme == BD_URI_SIP || uri.scheme == BD_URI_SIPS;
    if (b->text[BD_TEXT_PATH].len && !(turn->domain->redirect_path && sip))
        return false;
    return !bd_uri_equal(&uri, asked); /* 8.3: MUST NOT */
}

static void keep_usable(struct bd_turn *turn, struct bd_location *l)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < l->cnt; i++) {
        if (is_usable(turn, l->target[i].binding))
            l->target[cnt++] = l->target[i];
    }
    l->cnt = cnt;
}

/* Where anybody may register, every address of record is valid (10.3 (5)). */
static bool is_known(const struct bd_registrar *r, const struct bd_turn *turn)
{
    struct bd_provision provision;
    const struct bd_arena *arena = r->deps.arena;
    return turn->domain->auth == BD_AUTH_OPEN ||
           bd_provisioned_find(arena, bd_hash128(&arena->hash_key, turn->aor.p, turn->aor.len),
                               &provision);
}

static enum bd_verdict apply_preferences(struct bd_registrar *r, struct bd_turn *turn)
{
    struct bd_location *l = &r->location;
    if (!bd_preferences_read(&r->preferences, turn->m, &turn->reason))
        return BD_SIP_MALFORMED;
    turn->preferred = bd_preferences_apply(&r->preferences, l);
    if (r->preferences.no_fork && l->cnt > 1)
        l->cnt = 1;
    return BD_VERDICT_NONE;
}

/* RFC 5627 6.1: a GRUU stands for its AoR, and then for the bindings of its instance. */
static void keep_owned(const struct bd_gruu *gruu, struct bd_location *l)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < l->cnt; i++) {
        if (bd_gruu_owns(gruu, l->target[i].binding))
            l->target[cnt++] = l->target[i];
    }
    l->cnt = cnt;
}

/* RFC 5626 7: never two of one instance at a time; of its flows the first in the order stays. */
static void keep_one_flow(struct bd_location *l)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < l->cnt; i++) {
        struct bd_str instance = l->target[i].binding->text[BD_TEXT_INSTANCE];
        bool again = false;
        for (unsigned k = 0; k < cnt && instance.len && !again; k++)
            again = bd_instance_equal(l->target[k].binding->text[BD_TEXT_INSTANCE], instance);
        if (!again)
            l->target[cnt++] = l->target[i];
    }
    l->cnt = cnt;
}

/* Adds what the PBX of a number has registered for it (RFC 6140). Whether the AoR is such a number,
 * registered or not. */
static bool locate_bulk(struct bd_registrar *r, const struct bd_turn *turn, uint32_t now_s)
{
    const struct bd_policy_domain *d = turn->domain;
    struct bd_bulk_hit hit;
    struct bd_str user = {turn->identity.p, turn->identity.len - d->name_len - 1U};
    if (!d->bulk_off || !bd_bulk_find(turn->request->policy, d, user, &hit))
        return false;
    bd_locate_bulk(r->deps.table, &hit, now_s, &r->location);
    return true;
}

enum bd_verdict bd_redirect(struct bd_registrar *registrar, struct bd_turn *turn)
{
    struct bd_registrar *r = registrar;
    struct bd_location *l = &r->location;
    enum bd_gruu_kind kind =
        bd_gruu_resolve(r->seal, turn->request->policy, &turn->m->request_uri, &r->gruu);
    bool nobodys = kind == BD_GRUU_NONE && turn->domain->gruu_enabled &&
                   bd_gruu_is_temporary(&turn->m->request_uri);
    if (kind == BD_GRUU_INVALID || nobodys)
        return BD_SIP_NOT_FOUND;
    if (kind != BD_GRUU_NONE)
        turn->aor =
            bd_identities_bound(r->deps.arena, (struct bd_str){r->gruu.aor, r->gruu.aor_len});
    uint32_t now_s = (uint32_t)(turn->request->now_ms / 1000);
    uint64_t hash = kind == BD_GRUU_NONE ? turn->hash : bd_table_hash(r->deps.table, turn->aor);
    bd_locate(r->deps.table, hash, turn->aor, now_s, l);
    bool known = false;
    if (kind == BD_GRUU_NONE)
        known = locate_bulk(r, turn, now_s);
    else
        keep_owned(&r->gruu, l);
    if (l->cnt == 0) { /* a temporary GRUU ends with its bindings */
        known = known || (kind != BD_GRUU_TEMPORARY && is_known(r, turn));
        return known ? BD_SIP_UNAVAILABLE : BD_SIP_NOT_FOUND;
    }
    keep_usable(turn, l);
    if (l->cnt > 1)
        keep_one_flow(l);
    if (turn->domain->caller_preferences && l->cnt) {
        enum bd_verdict verdict = apply_preferences(r, turn);
        if (verdict != BD_VERDICT_NONE)
            return verdict;
    }
    return l->cnt ? BD_SIP_REDIRECTED : BD_SIP_UNAVAILABLE;
}

/* --- the reply -------------------------------------------------------------------------------- */

/* hvalue (25.1): what may not stand in a URI's header as it is gets escaped. */
static void put_hvalue(struct bd_wire *w, struct bd_str s)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char marks[] = "-_.!~*'()[]/?:+$";
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i], lower = bd_lower(c);
        if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
            memchr(marks, c, sizeof(marks) - 1)) {
            bd_wire_char(w, c);
            continue;
        }
        bd_wire_char(w, '%');
        bd_wire_char(w, hex[(uint8_t)c >> 4]);
        bd_wire_char(w, hex[(uint8_t)c & 15]);
    }
}

/* The URI, with its Path as a Route before the headers it may have. */
static void put_uri(struct bd_wire *w, const struct bd_binding *b)
{
    struct bd_str uri = b->text[BD_TEXT_URI], path = b->text[BD_TEXT_PATH];
    struct bd_uri parsed; /* a user part may hold a '?', too */
    if (!path.len || !bd_uri_parse(uri, &parsed)) {
        bd_wire_put(w, uri);
        return;
    }
    uint32_t plain = parsed.headers.p ? (uint32_t)(parsed.headers.p - uri.p - 1) : uri.len;
    bd_wire_put(w, (struct bd_str){uri.p, plain});
    bd_wire_put(w, BD_STR("?Route="));
    put_hvalue(w, path);
    if (parsed.headers.p) {
        bd_wire_char(w, '&');
        bd_wire_put(w, parsed.headers);
    }
}

/* The features (RFC 3840 9) but the instance: it names a device, which is nobody's business who
 * only wants to call. Other parameters were meant for the registrar (reg-id, ob, ...). */
static void put_features(struct bd_wire *w, struct bd_str params)
{
    struct bd_feature feature;
    bool bad = false;
    while (bd_feature_next(&params, &feature, &bad)) {
        if (feature.sip && bd_str_eq_nocase(feature.name, BD_STR("instance")))
            continue;
        bd_wire_char(w, ';');
        bd_wire_put(w, feature.text);
        if (feature.value.p) {
            bd_wire_char(w, '=');
            bd_wire_put(w, feature.value);
        }
    }
}

static void put_contact(struct bd_wire *w, const struct bd_turn *turn, const struct bd_binding *b,
                        uint16_t q_milli)
{
    uint32_t up_s = (uint32_t)((turn->request->now_ms + 999) / 1000);
    uint32_t left_s = bd_state_expires_at_s(b->state) - up_s;
    bd_wire_put(w, BD_STR("Contact: <"));
    put_uri(w, b);
    bd_wire_char(w, '>');
    /* RFC 3841 7.2.4: else a proxy on the way would apply the preferences once more. */
    if (!turn->preferred)
        put_features(w, b->text[BD_TEXT_PARAMS]);
    if (q_milli != BD_Q_NONE) {
        bd_wire_put(w, BD_STR(";q="));
        bd_wire_q(w, q_milli);
    }
    bd_wire_put(w, BD_STR(";expires="));
    bd_wire_u32(w, left_s ? left_s : 1);
    bd_wire_put(w, BD_STR("\r\n"));
}

/* RFC 3841 7.2.4: where the caller's preferences have set the order, q says so. */
static uint16_t ordered_q(const struct bd_location *l, unsigned i, uint16_t before)
{
    enum { STEP = BD_Q_DEFAULT / (BD_CONTACTS_PER_AOR_MAX + 1) };
    if (i == 0)
        return BD_Q_DEFAULT;
    const struct bd_target *a = &l->target[i - 1], *b = &l->target[i];
    bool same = a->q_milli == b->q_milli && a->preference_ppm == b->preference_ppm;
    return (uint16_t)(same ? before : before - STEP);
}

void bd_redirect_put_contacts(struct bd_registrar *registrar, const struct bd_turn *turn,
                              struct bd_wire *w)
{
    const struct bd_location *l = &registrar->location;
    uint32_t room = (uint32_t)(w->end - w->begin);
    uint32_t limit = room > TAIL_SZ ? room - TAIL_SZ : 0;
    if (!turn->verified && limit > BD_REDIRECT_REPLY_MAX)
        limit = BD_REDIRECT_REPLY_MAX;
    uint16_t q_milli = 0;
    for (unsigned i = 0; i < l->cnt; i++) {
        const struct bd_binding *b = l->target[i].binding;
        struct bd_wire before = *w;
        q_milli = turn->preferred ? ordered_q(l, i, q_milli) : b->q_milli;
        put_contact(w, turn, b, q_milli);
        if (i > 0 && (w->overflow || bd_wire_len(w) > limit)) {
            *w = before;
            bd_registrar_count(registrar, BD_CTR_REDIRECT_CONTACTS_LEFT_OFF, l->cnt - i);
            return;
        }
    }
}

/* RFC 5630 5.4: why a sips URI cannot be reached though the callee is there. */
void bd_redirect_put_warning(const struct bd_turn *turn, struct bd_wire *w)
{
    char agent[BD_ENDPOINT_TEXT_MAX];
    uint32_t len = bd_endpoint_format(&turn->request->local, agent);
    bd_wire_put(w, BD_STR("Warning: 380 "));
    bd_wire_put(w, (struct bd_str){agent, len});
    bd_wire_put(w, BD_STR(" \"SIPS Not Allowed\"\r\n"));
}
