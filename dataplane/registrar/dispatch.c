/* SPDX-License-Identifier: BSD-3-Clause */
/* May a request be served at all? RFC 3261 8.2.1 to 8.2.3, in that order.
 *
 * Route (16.4): an entry that names this appliance, as phones with an outbound proxy send, would be
 * taken off, and then a proxy would follow the rest. This server is the end of the way for the
 * domains of its policy and forwards nothing, so with or without a Route only the Request-URI
 * decides. Max-Forwards (16.3) binds forwarding only: 0 is fine for the server that is addressed.
 */
#include "private.h"

/* 21.4.6 speaks of an address that is ours, and Allow of its methods. */
static enum bd_verdict no_method(struct bd_turn *turn)
{
    const struct bd_message *m = turn->m;
    turn->domain = bd_target_domain(m, turn->request->policy, &m->request_uri);
    return turn->domain ? BD_SIP_METHOD_NOT_ALLOWED : BD_SIP_NOT_FOUND;
}

static enum bd_verdict check_method(struct bd_turn *turn)
{
    switch (turn->m->method) {
    case BD_METHOD_REGISTER:
    case BD_METHOD_OPTIONS:
        return BD_VERDICT_NONE;
    case BD_METHOD_SUBSCRIBE:
        if (turn->subscribe)
            return BD_VERDICT_NONE;
        return bd_subscribe_offered(turn) ? BD_SIP_BAD_EVENT : no_method(turn);
    case BD_METHOD_ACK:
        return BD_SIP_ACK; /* 8.2.7: a stateless UAS ignores it */
    case BD_METHOD_CANCEL:
        return BD_SIP_NO_TRANSACTION; /* 9.2: every transaction here is over at once */
    case BD_METHOD_UNKNOWN:
        return BD_SIP_UNKNOWN_METHOD; /* 21.5.2 */
    default:
        return no_method(turn);
    }
}

bool bd_option_supported(struct bd_str tag, const struct bd_policy_domain *domain)
{
    if (bd_str_eq_nocase(tag, BD_STR("outbound"))) /* RFC 5626 11.4 */
        return !domain || domain->outbound_mode != BD_OUTBOUND_NONE;
    if (bd_str_eq_nocase(tag, BD_STR("gruu"))) /* RFC 5627 5.1 */
        return !domain || domain->gruu_enabled;
    if (bd_str_eq_nocase(tag, BD_STR("path"))) /* RFC 3327 */
        return !domain || domain->use_path;
    return bd_str_eq_nocase(tag, BD_STR("gin")); /* RFC 6140 */
}

enum bd_verdict bd_require_check(const struct bd_turn *turn)
{
    if (!bd_header_first(turn->m, BD_HDR_REQUIRE))
        return BD_VERDICT_NONE;
    struct bd_list list = bd_list_begin(turn->m, BD_HDR_REQUIRE);
    struct bd_str tag;
    while (bd_list_next(&list, &tag)) {
        if (!bd_option_supported(tag, turn->domain))
            return BD_SIP_BAD_EXTENSION;
    }
    return BD_VERDICT_NONE;
}

static bool is_token(struct bd_str s)
{
    static const char marks[] = "-.!%*_+`'~";
    for (uint32_t i = 0; i < s.len; i++) {
        char c = bd_lower(s.p[i]);
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && !memchr(marks, c, sizeof(marks) - 1))
            return false;
    }
    return s.len > 0;
}

/* 8.2.2.3. Proxy-Require speaks to proxies only (20.29; RFC 4475 3.3.5: each role heeds its own
 * field), and phones send it in a REGISTER for the proxy on the way: it is not looked at. */
static enum bd_verdict check_require(struct bd_turn *turn)
{
    if (!bd_header_first(turn->m, BD_HDR_REQUIRE))
        return BD_VERDICT_NONE;
    enum bd_verdict verdict = BD_VERDICT_NONE;
    struct bd_list list = bd_list_begin(turn->m, BD_HDR_REQUIRE);
    struct bd_str tag;
    while (bd_list_next(&list, &tag)) {
        list.bad |= !is_token(tag);
        if (list.bad)
            break;
        if (!bd_option_supported(tag, NULL))
            verdict = BD_SIP_BAD_EXTENSION;
    }
    if (!list.bad)
        return verdict;
    turn->reason = "Malformed Require";
    return BD_SIP_MALFORMED;
}

enum handling { HANDLING_UNSAID, HANDLING_OPTIONAL, HANDLING_REQUIRED };

static enum handling body_handling(const struct bd_message *m)
{
    const struct bd_header *h = bd_header_first(m, BD_HDR_CONTENT_DISPOSITION);
    const char *semicolon = h ? memchr(h->value.p, ';', h->value.len) : NULL;
    if (!semicolon)
        return HANDLING_UNSAID;
    struct bd_str params = {semicolon + 1, (uint32_t)(h->value.p + h->value.len - semicolon - 1)};
    struct bd_str value;
    if (!bd_param_find(params, BD_STR("handling"), &value))
        return HANDLING_UNSAID;
    return bd_str_eq_nocase(value, BD_STR("optional")) ? HANDLING_OPTIONAL : HANDLING_REQUIRED;
}

/* 8.2.3. No body means anything to a registrar, and 20.11 would have every body count as required
 * when nothing is said. Phones do put vendor data into a REGISTER, so only a body that says
 * handling=required, or one in a coding that nobody here undoes, draws 415. */
static enum bd_verdict check_body(const struct bd_message *m)
{
    if (m->body.len == 0)
        return BD_VERDICT_NONE;
    enum handling handling = body_handling(m);
    const struct bd_header *coding = bd_header_first(m, BD_HDR_CONTENT_ENCODING);
    bool coded = coding && !bd_str_eq_nocase(coding->value, BD_STR("identity"));
    bool refused = handling == HANDLING_REQUIRED || (coded && handling != HANDLING_OPTIONAL);
    return refused ? BD_SIP_UNSUPPORTED_MEDIA : BD_VERDICT_NONE;
}

/* A phone may be known to its dialogs by a GRUU, so that requests within them come here, too (RFC
 * 5627 6.1); a 3xx is followed as it is outside (12.2.1.2). */
static bool calls_gruu(const struct bd_turn *turn)
{
    struct bd_str value;
    return turn->domain->gruu_enabled &&
           bd_param_find(turn->m->request_uri.params, BD_STR("gr"), &value);
}

enum bd_verdict bd_dispatch(struct bd_registrar *registrar, struct bd_turn *turn)
{
    const struct bd_message *m = turn->m;
    if (turn->request->parsed != BD_VERDICT_NONE) {
        turn->reason = m->reason;
        bool ack = m->is_request && m->method == BD_METHOD_ACK; /* 17.1.1.3: never answered */
        return ack ? BD_SIP_ACK : turn->request->parsed;
    }
    if (!m->is_request)
        return BD_SIP_RESPONSE;
    /* 8.3: a redirect server MUST ignore what it does not understand: methods, options in Require.
     * No dialog is here (12.2.2), and a BYE has no other place (15.1.2). */
    turn->subscribe = bd_subscribe_claims(turn);
    if (!turn->subscribe && bd_redirect_claims(registrar, turn)) {
        bool inside = (m->to_tag.p || m->method == BD_METHOD_BYE) && !calls_gruu(turn);
        return inside ? BD_SIP_NO_TRANSACTION : BD_VERDICT_NONE;
    }
    enum bd_verdict verdict = check_method(turn);
    if (verdict == BD_VERDICT_NONE)
        verdict = check_require(turn);
    if (verdict == BD_VERDICT_NONE)
        verdict = check_body(m);
    /* 12.2.2: no dialog exists here. A REGISTER has none to be in (10.2), yet some phones repeat
     * the To tag of the last reply: it is ignored. */
    if (verdict == BD_VERDICT_NONE && m->method == BD_METHOD_OPTIONS && m->to_tag.p)
        verdict = BD_SIP_NO_TRANSACTION;
    return verdict;
}
