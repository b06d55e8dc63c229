/* SPDX-License-Identifier: BSD-3-Clause */
#include "outbound.h"

/* What stands behind the first value of the first field is another one. */
bool bd_outbound_is_direct(const struct bd_message *m)
{
    const struct bd_header *h = bd_header_first(m, BD_HDR_VIA);
    const struct bd_str *via = &m->via.text;
    return h->next == BD_HDR_NONE && via->p + via->len == h->value.p + h->value.len;
}

enum bd_reg_id bd_outbound_reg_id(const struct bd_message *m, const struct bd_policy_domain *domain)
{
    if (domain->outbound_mode == BD_OUTBOUND_NONE)
        return BD_REG_ID_IGNORED;
    bool counts = domain->regid_mode || bd_outbound_is_direct(m);
    return counts ? BD_REG_ID_COUNTS : BD_REG_ID_DOUBTFUL;
}

/* Section 6 asks for ob in the first URI. Behind one proxy that is the client's first hop; of
 * several it is the last one that added itself (RFC 3327 5.2), which has no ob (5.1). A Path that
 * is not kept leads nowhere. */
static bool edge_is_outbound(const struct bd_message *m, const struct bd_policy_domain *domain)
{
    if (!domain->use_path)
        return false;
    struct bd_list list = bd_list_begin(m, BD_HDR_PATH);
    struct bd_str element, value;
    struct bd_name_addr edge;
    return bd_list_next(&list, &element) && bd_name_addr_parse(element, &edge) &&
           bd_param_find(edge.uri.params, BD_STR("ob"), &value);
}

static bool is_supported(const struct bd_message *m)
{
    return bd_list_has(m, BD_HDR_SUPPORTED, BD_STR("outbound"));
}

static void ignore_all(struct bd_asks *asks)
{
    for (unsigned i = 0; i < asks->cnt; i++)
        asks->ask[i].binding.reg_id = 0;
}

/* A reg-id without an instance is simply ignored. Returns how many are left. */
static unsigned ignore_nameless(struct bd_asks *asks)
{
    unsigned flows = 0;
    for (unsigned i = 0; i < asks->cnt; i++) {
        struct bd_binding *b = &asks->ask[i].binding;
        if (b->text[BD_TEXT_INSTANCE].len == 0)
            b->reg_id = 0;
        flows += b->reg_id != 0;
    }
    return flows;
}

static unsigned living(const struct bd_asks *asks)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < asks->cnt; i++)
        cnt += asks->ask[i].expires_s != 0;
    return cnt;
}

enum bd_verdict bd_outbound_demand(const struct bd_message *m,
                                   const struct bd_policy_domain *domain)
{
    bool refused = domain->outbound_mode == BD_OUTBOUND_REQUIRED && !is_supported(m);
    return refused ? BD_SIP_EXTENSION_REQUIRED : BD_VERDICT_NONE;
}

enum bd_verdict bd_outbound_apply(struct bd_asks *asks, const struct bd_message *m,
                                  const struct bd_policy_domain *domain, const char **reason)
{
    if (domain->outbound_mode == BD_OUTBOUND_NONE) {
        ignore_all(asks);
        return BD_VERDICT_NONE;
    }
    asks->direct = bd_outbound_is_direct(m);
    if (!asks->direct && domain->regid_mode == 0 && !edge_is_outbound(m, domain)) {
        ignore_all(asks);
        return is_supported(m) ? BD_SIP_FIRST_HOP_LACKS_OUTBOUND : BD_VERDICT_NONE;
    }
    if (ignore_nameless(asks) == 0)
        return BD_VERDICT_NONE;
    if (living(asks) > 1) {
        *reason = "Contact with reg-id not alone";
        return BD_SIP_BAD_CONTACT;
    }
    asks->outbound = is_supported(m);
    return BD_VERDICT_NONE;
}
