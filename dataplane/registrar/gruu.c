/* SPDX-License-Identifier: BSD-3-Clause */
#include "gruu.h"

#include "scan.h"

#define PREFIX "tgruu."

/* --- writing ---------------------------------------------------------------------------------- */

/* Copies what may stand there as it is, run by run. */
static void put_escaped(struct bd_wire *w, struct bd_str s, unsigned one_class, char also)
{
    static const char hex[] = "0123456789ABCDEF";
    struct bd_scan_room room;
    const struct bd_scan *scan = bd_scan_text(&room, s);
    const char *p = s.p, *end = bd_str_end(s);
    while (p < end) {
        const char *stop = bd_scan_skip(scan, p, end, one_class);
        while (also && stop < end && *stop == also)
            stop = bd_scan_skip(scan, stop + 1, end, one_class);
        bd_wire_put(w, bd_slice(p, stop));
        if (stop == end)
            return;
        bd_wire_char(w, '%');
        bd_wire_char(w, hex[(uint8_t)*stop >> 4]);
        bd_wire_char(w, hex[(uint8_t)*stop & 15]);
        p = stop + 1;
    }
}

static void put_scheme(struct bd_wire *w, const struct bd_binding *binding)
{
    struct bd_str uri = binding->text[BD_TEXT_URI];
    bool secure = uri.len >= 5 && bd_str_eq_nocase((struct bd_str){uri.p, 5}, BD_STR("sips:"));
    bd_wire_put(w, secure ? BD_STR("sips:") : BD_STR("sip:"));
}

static struct bd_str without_brackets(struct bd_str s)
{
    bool bracketed = s.len >= 2 && s.p[0] == '<' && s.p[s.len - 1] == '>';
    return bracketed ? (struct bd_str){s.p + 1, s.len - 2} : s;
}

void bd_gruu_write_public(struct bd_wire *w, struct bd_str aor, const struct bd_binding *binding)
{
    struct bd_str host = bd_aor_host(aor);
    put_scheme(w, binding);
    if (host.len < aor.len) {
        /* A canonical user keeps some escapes, "%" its own above all: none is escaped twice. */
        put_escaped(w, (struct bd_str){aor.p, aor.len - host.len - 1}, BD_C_USER, '%');
        bd_wire_char(w, '@');
    }
    bd_wire_put(w, host);
    bd_wire_put(w, BD_STR(";gr="));
    put_escaped(w, without_brackets(binding->text[BD_TEXT_INSTANCE]), BD_C_PARAM, 0);
}

bool bd_gruu_has(const struct bd_policy_domain *domain, const struct bd_binding *binding)
{
    return domain->gruu_enabled && binding->text[BD_TEXT_INSTANCE].len &&
           !(binding->flags & BD_BINDING_BULK);
}

void bd_gruu_put_public(struct bd_wire *w, struct bd_str aor, const struct bd_binding *binding)
{
    bd_wire_put(w, BD_STR(";pub-gruu=\""));
    bd_gruu_write_public(w, aor, binding);
    bd_wire_char(w, '"');
}

bool bd_gruu_write_temporary(struct bd_wire *w, struct bd_gruu_seal *seal, struct bd_str aor,
                             const struct bd_binding *binding, uint64_t issue)
{
    char sealed[BD_GRUU_SEALED_MAX];
    uint32_t len = bd_gruu_seal_close(seal, issue, bd_gruu_life(binding), aor, sealed);
    if (len == 0)
        return false;
    put_scheme(w, binding);
    bd_wire_put(w, BD_STR(PREFIX));
    bd_wire_put(w, (struct bd_str){sealed, len});
    bd_wire_char(w, '@');
    bd_wire_put(w, bd_aor_host(aor));
    bd_wire_put(w, BD_STR(";gr"));
    return true;
}

void bd_gruu_put_temporary(struct bd_wire *w, struct bd_gruu_seal *seal, struct bd_str aor,
                           const struct bd_binding *binding, uint64_t issue)
{
    const struct bd_wire before = *w;
    bd_wire_put(w, BD_STR(";temp-gruu=\""));
    if (bd_gruu_write_temporary(w, seal, aor, binding, issue))
        bd_wire_char(w, '"');
    else
        *w = before;
}

/* --- resolving -------------------------------------------------------------------------------- */

/* Undoes the escapes of a gr value. */
static bool take_instance(struct bd_gruu *gruu, struct bd_str value)
{
    const char *p = value.p, *end = bd_str_end(value);
    for (gruu->instance_len = 0; p < end && gruu->instance_len < sizeof(gruu->instance);) {
        char c = *p++;
        if (c == '%' && end - p >= 2 && bd_is(p[0], BD_C_HEX) && bd_is(p[1], BD_C_HEX)) {
            c = (char)(bd_hex_value(p[0]) * 16 + bd_hex_value(p[1]));
            p += 2;
        }
        gruu->instance[gruu->instance_len++] = c;
    }
    return p == end;
}

static enum bd_gruu_kind resolve_public(const struct bd_uri *uri, struct bd_str name,
                                        struct bd_str value, struct bd_gruu *gruu)
{
    if (!uri->user.p || !take_instance(gruu, value))
        return BD_GRUU_INVALID;
    gruu->aor_len =
        bd_aor_canonical(uri, name, gruu->domain->case_sensitive, gruu->aor, sizeof(gruu->aor));
    return gruu->aor_len ? BD_GRUU_PUBLIC : BD_GRUU_INVALID;
}

static const struct bd_str prefix = {PREFIX, sizeof(PREFIX) - 1};

bool bd_gruu_is_temporary(const struct bd_uri *uri)
{
    struct bd_str user = uri->user, value;
    return user.len > prefix.len && bd_str_eq((struct bd_str){user.p, prefix.len}, prefix) &&
           bd_param_find(uri->params, BD_STR("gr"), &value) && value.len == 0;
}

/* Whether a URI stands for a canonical host: that of its domain, else its own. */
static bool has_host(const struct bd_uri *uri, struct bd_str name, struct bd_str host)
{
    char text[BD_AOR_MAX];
    struct bd_uri plain = *uri;
    plain.user = BD_STR_NULL;
    uint32_t len = bd_aor_canonical(&plain, name, true, text, sizeof(text));
    return len && bd_str_eq((struct bd_str){text, len}, host);
}

static enum bd_gruu_kind resolve_temporary(struct bd_gruu_seal *seal, const struct bd_uri *uri,
                                           struct bd_str name, struct bd_gruu *gruu)
{
    struct bd_str user = uri->user;
    struct bd_gruu_sealed sealed;
    if (!bd_gruu_is_temporary(uri))
        return BD_GRUU_INVALID;
    struct bd_str text = {user.p + prefix.len, user.len - prefix.len};
    if (!bd_gruu_seal_open(seal, text, &sealed) ||
        !has_host(uri, name, bd_aor_host((struct bd_str){sealed.aor, sealed.aor_len})))
        return BD_GRUU_INVALID;
    gruu->life = sealed.life;
    gruu->aor_len = sealed.aor_len;
    memcpy(gruu->aor, sealed.aor, sealed.aor_len);
    return BD_GRUU_TEMPORARY;
}

enum bd_gruu_kind bd_gruu_resolve(struct bd_gruu_seal *seal, const struct bd_policy *policy,
                                  const struct bd_uri *uri, struct bd_gruu *gruu)
{
    struct bd_str value;
    bool by_default;
    if ((uri->scheme != BD_URI_SIP && uri->scheme != BD_URI_SIPS) ||
        !bd_param_find(uri->params, BD_STR("gr"), &value))
        return BD_GRUU_NONE;
    gruu->life = gruu->instance_len = 0;
    gruu->domain = bd_policy_find(policy, uri->host, &by_default);
    if (!gruu->domain || (by_default && !gruu->domain->wildcard))
        return BD_GRUU_NONE;
    if (!gruu->domain->gruu_enabled || bd_gruu_seal_set_keys(seal, policy->nonce_key) < 0)
        return BD_GRUU_INVALID;
    struct bd_str name = bd_policy_aor_host(policy, gruu->domain, BD_STR_NULL);
    return value.len ? resolve_public(uri, name, value, gruu)
                     : resolve_temporary(seal, uri, name, gruu);
}

uint64_t bd_gruu_life_make(uint32_t cseq, uint64_t unique)
{
    uint64_t life = (uint64_t)(cseq & 0x7fffffffU) << 33 | (unique & 0x1ffffffffULL);
    return life ? life : 1;
}

uint32_t bd_gruu_life_cseq(uint64_t life)
{
    return (uint32_t)(life >> 33);
}

uint64_t bd_gruu_life(const struct bd_binding *binding)
{
    struct bd_str text = binding->text[BD_TEXT_GRUU];
    uint64_t life = 0;
    if (text.len == sizeof(life))
        memcpy(&life, text.p, sizeof(life));
    return life;
}

bool bd_gruu_owns(const struct bd_gruu *gruu, const struct bd_binding *binding)
{
    struct bd_str instance = binding->text[BD_TEXT_INSTANCE];
    if (instance.len == 0)
        return false;
    if (gruu->instance_len)
        return bd_instance_equal(instance, (struct bd_str){gruu->instance, gruu->instance_len});
    return gruu->life && bd_gruu_life(binding) == gruu->life;
}
