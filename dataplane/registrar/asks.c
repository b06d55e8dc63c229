/* SPDX-License-Identifier: BSD-3-Clause */
#include "asks.h"

#include "bulk_contact.h"
#include "gruu.h"
#include "outbound.h"
#include "repeat.h"

/* RFC 3261 10.3 (7): only intervals below one hour may be refused as too brief. */
enum { BRIEF_BELOW_S = 3600 };

uint32_t bd_asks_grant(const struct bd_policy_domain *domain, uint32_t requested_s, bool *brief)
{
    if (requested_s == 0)
        return 0;
    uint32_t s = requested_s;
    if (s < domain->min_expires_s) {
        *brief |= domain->min_expires_mode == 1 && s < BRIEF_BELOW_S;
        s = domain->min_expires_s;
    }
    if (domain->max_expires_s && s > domain->max_expires_s)
        s = domain->max_expires_s;
    return s;
}

uint32_t bd_asks_spread(const struct bd_policy_domain *domain, uint32_t s, unsigned range,
                        uint64_t seed)
{
    if (range == 0 || s <= domain->min_expires_s)
        return s;
    uint32_t room = (uint32_t)((uint64_t)s * range / 100);
    if (room > s - domain->min_expires_s)
        room = s - domain->min_expires_s;
    /* 0 to room: the seed's high half as a fraction of 2^32, as a division would cost more than the
     * rest. */
    return s - (uint32_t)((seed >> 32) * (room + 1ULL) >> 32);
}

/* A client that names no interval leaves it to us, so the default cannot be too brief. */
uint32_t bd_asks_interval(const struct bd_policy_domain *domain, const struct bd_message *m,
                          bool has_expires, uint32_t expires_s, uint64_t seed, bool *brief)
{
    bool unasked = false;
    if (!has_expires && !m->has_expires)
        return bd_asks_spread(domain, bd_asks_grant(domain, domain->default_expires_s, &unasked),
                              domain->default_expires_range, seed);
    uint32_t s = bd_asks_grant(domain, has_expires ? expires_s : m->expires_s, brief);
    return bd_asks_spread(domain, s, domain->expires_range, seed);
}

void bd_asks_append(struct bd_asks *asks, struct bd_str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        asks->text[asks->text_len++] = c == '\r' || c == '\n' || c == '\t' ? ' ' : c;
    }
}

static bool is_separator(char c)
{
    return c == ';' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bd_str trim(struct bd_str s)
{
    while (s.len && is_separator(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len && is_separator(s.p[s.len - 1]))
        s.len--;
    return s;
}

/* Takes one parameter off a list that bd_contact_parse found well formed. */
static bool next_param(struct bd_str *rest, struct bd_str *one)
{
    const char *p = rest->p, *end = p + rest->len;
    if (!p)
        return false;
    for (bool quoted = false; p < end && (quoted || *p != ';'); p++) {
        if (*p == '"')
            quoted = !quoted;
        if (quoted && *p == '\\' && end - p > 1)
            p++;
    }
    *one = trim((struct bd_str){rest->p, (uint32_t)(p - rest->p)});
    *rest = p < end ? (struct bd_str){p + 1, (uint32_t)(end - p - 1)} : BD_STR_NULL;
    return true;
}

static struct bd_str name_of(struct bd_str param)
{
    uint32_t len = 0;
    while (len < param.len && param.p[len] != '=' && !is_separator(param.p[len]))
        len++;
    return (struct bd_str){param.p, len};
}

/* Without a branch, so that vectors may do it. */
static bool is_one_line(struct bd_str s)
{
    uint8_t other = 0;
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        other |= (uint8_t)((c == '\r') | (c == '\n') | (c == '\t'));
    }
    return !other;
}

/* Puts what was kept so far, if it is not there yet, and one more into text[]. */
static void join(struct bd_asks *asks, struct bd_str *kept, struct bd_str one)
{
    if (kept->p != asks->text + asks->text_len - kept->len) {
        bd_asks_append(asks, *kept);
        kept->p = asks->text + asks->text_len - kept->len;
    }
    bd_asks_append(asks, BD_STR(";"));
    bd_asks_append(asks, one);
    kept->len += 1 + one.len;
}

/* The Contact's extensions, put together. False when they are longer than is kept. */
static bool join_params(struct bd_asks *asks, struct bd_str params, struct bd_str *kept)
{
    struct bd_str rest = params, one;
    *kept = BD_STR_NULL;
    while (next_param(&rest, &one)) {
        if (!bd_contact_is_extension(name_of(one)))
            continue;
        if (kept->len + (kept->p != NULL) + one.len > BD_CONTACT_PARAMS_MAX)
            return false;
        if (!kept->p)
            *kept = one;
        else if (one.p == kept->p + kept->len + 1)
            kept->len += 1 + one.len;
        else
            join(asks, kept, one);
    }
    return true;
}

/* What a binding keeps of the Contact's parameters. Most lie side by side in the message and
 * stay there. False when they are longer than is kept. */
static bool read_params(struct bd_asks *asks, const struct bd_contact *contact, struct bd_str *kept)
{
    *kept = contact->extensions;
    if (contact->scattered && !join_params(asks, contact->addr.params, kept))
        return false;
    if (kept->len > BD_CONTACT_PARAMS_MAX)
        return false;
    if (is_one_line(*kept))
        return true;
    uint32_t begin = asks->text_len;
    bd_asks_append(asks, *kept);
    kept->p = asks->text + begin;
    return true;
}

static struct bd_str read_user_agent(struct bd_asks *asks, const struct bd_message *m)
{
    const struct bd_header *h = bd_header_first(m, BD_HDR_USER_AGENT);
    if (!h)
        return BD_STR_NULL;
    struct bd_str s = h->value;
    if (s.len > BD_USER_AGENT_MAX)
        s.len = BD_USER_AGENT_MAX;
    if (!memchr(s.p, '\n', s.len) && !memchr(s.p, '\r', s.len))
        return s;
    uint32_t begin = asks->text_len;
    bd_asks_append(asks, s);
    return (struct bd_str){asks->text + begin, s.len};
}

/* Field by field: a whole struct would be made elsewhere first and copied from there while its
 * parts are still on their way to the cache. */
static void make_binding(struct bd_binding *b, const struct bd_asks *asks, const struct bd_ask *ask,
                         const struct bd_asks_context *context, struct bd_str params,
                         struct bd_str user_agent)
{
    const struct bd_contact *c = &ask->contact;
    bool secure = c->addr.uri.scheme == BD_URI_SIPS;
    b->text[BD_TEXT_URI] = c->addr.uri.text;
    b->text[BD_TEXT_CALL_ID] = asks->call_id;
    b->text[BD_TEXT_PARAMS] = params;
    b->text[BD_TEXT_USER_AGENT] = user_agent;
    b->text[BD_TEXT_INSTANCE] = c->instance;
    b->text[BD_TEXT_PATH] = asks->path;
    b->text[BD_TEXT_GRUU] = BD_STR_NULL;
    b->state = bd_state_make(asks->cseq, bd_asks_expires_at_s(asks->grant_s, ask->expires_s));
    b->txn = asks->txn;
    b->repeat = 0;
    b->source = context->source;
    b->local = context->local;
    b->reg_id = c->reg_id;
    b->created_at_s = asks->now_s;
    b->q_milli = c->has_q ? c->q_milli : BD_Q_NONE;
    b->flags = (uint16_t)(context->flags | (secure ? BD_BINDING_SECURE : 0) |
                          (c->addr.uri.bnc ? BD_BINDING_BULK : 0));
}

/* Takes what has been parsed into the next ask. */
static const char *read_one(struct bd_asks *asks, const struct bd_message *m,
                            const struct bd_asks_context *context, struct bd_str user_agent,
                            bool *brief)
{
    struct bd_ask *ask = &asks->ask[asks->cnt];
    const struct bd_contact *c = &ask->contact;
    struct bd_str params = BD_STR_NULL;
    bool bulk = c->addr.uri.bnc;
    const char *wrong = bulk ? bd_bulk_check(&c->addr.uri) : NULL;
    if (wrong)
        return wrong;
    if (c->addr.uri.text.len > BD_CONTACT_URI_MAX)
        return "Contact URI too long";
    if (!read_params(asks, c, &params))
        return "Contact parameters too long";
    ask->expires_s = bd_asks_interval(context->domain, m, c->has_expires, c->expires_s,
                                      context->transaction, brief);
    make_binding(&ask->binding, asks, ask, context, params, user_agent);
    asks->has_reg_id |= c->reg_id != 0;
    asks->has_instance |= c->instance.p != NULL;
    asks->bulk |= bulk && ask->expires_s > 0;
    asks->cnt++;
    return NULL;
}

/* RFC 5630 5.2: a sips Contact is taken only when the Request-URI, the Path and all SIP Contacts
 * are sips. Removals are always taken. (RFC 3261 10.2.1 has a SHOULD for clients only.) */
static bool sips_consistent(const struct bd_asks *asks, const struct bd_message *m)
{
    bool secure = false, plain = m->request_uri.scheme != BD_URI_SIPS;
    for (unsigned i = 0; i < asks->cnt; i++) {
        if (asks->ask[i].expires_s == 0)
            continue;
        secure |= asks->ask[i].contact.addr.uri.scheme == BD_URI_SIPS;
        plain |= asks->ask[i].contact.addr.uri.scheme == BD_URI_SIP;
    }
    return !secure || (!plain && (asks->path.len == 0 || bd_path_is_secure(m)));
}

static const char *read_all(struct bd_asks *asks, const struct bd_message *m,
                            const struct bd_asks_context *context, bool *brief)
{
    struct bd_str user_agent = read_user_agent(asks, m);
    struct bd_list list = bd_list_begin(m, BD_HDR_CONTACT);
    while (list.h) {
        if (asks->star || asks->cnt == BD_CONTACTS_PER_REQUEST_MAX)
            return asks->star ? "Contact '*' not alone" : "Too many Contacts";
        struct bd_contact *c = &asks->ask[asks->cnt].contact;
        if (!bd_contact_next(&list, c))
            return "Malformed Contact";
        if (c->star && asks->cnt)
            return "Contact '*' not alone";
        asks->star = c->star;
        const char *wrong = c->star ? NULL : read_one(asks, m, context, user_agent, brief);
        if (wrong)
            return wrong;
    }
    if (asks->star && !(m->has_expires && m->expires_s == 0))
        return "Contact '*' without Expires: 0";
    return sips_consistent(asks, m) ? NULL
                                    : "Contact sips against Request-URI, Path or another Contact";
}

/* Differs from any life that this instance had before: no two requests have these in common. */
static uint64_t make_life(const struct bd_asks *asks, const struct bd_hash_key *key)
{
    const uint64_t part[] = {bd_hash64(key, asks->call_id.p, asks->call_id.len), asks->txn,
                             asks->now_s};
    return bd_gruu_life_make(asks->cseq, bd_hash64(key, part, sizeof(part)));
}

enum bd_verdict bd_asks_read(struct bd_asks *asks, const struct bd_message *m,
                             const struct bd_asks_context *context, const char **reason)
{
    asks->star = asks->has_reg_id = asks->outbound = asks->direct = false;
    asks->has_instance = asks->gruu = asks->bulk = false;
    asks->cnt = 0;
    asks->text_len = 0;
    asks->call_id = m->call_id;
    asks->cseq = m->cseq;
    asks->txn = context->txn;
    asks->now_s = context->now_s;
    asks->grant_s = context->grant_s;
    if (m->call_id.len > BD_CALL_ID_MAX) {
        *reason = "Call-ID too long";
        return BD_SIP_MALFORMED;
    }
    asks->path = BD_STR_NULL;
    *reason = context->domain->use_path ? bd_path_read(asks, m) : NULL;
    if (*reason)
        return BD_SIP_MALFORMED;
    bool brief = false;
    *reason = read_all(asks, m, context, &brief);
    if (*reason)
        return BD_SIP_BAD_CONTACT;
    if (asks->has_instance) {
        asks->gruu =
            context->domain->gruu_enabled && bd_list_has(m, BD_HDR_SUPPORTED, BD_STR("gruu"));
        asks->life = make_life(asks, context->key);
    }
    enum bd_verdict verdict = bd_outbound_demand(m, context->domain);
    if (verdict == BD_VERDICT_NONE && asks->has_reg_id)
        verdict = bd_outbound_apply(asks, m, context->domain, reason);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    if (asks->cnt == 1)
        asks->ask[0].binding.repeat =
            bd_repeat_word(context->fingerprint, m, context->domain, &asks->ask[0].contact);
    return brief ? BD_SIP_TOO_BRIEF : BD_VERDICT_NONE;
}
