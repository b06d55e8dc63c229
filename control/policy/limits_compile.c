/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include "rate.h"
#include "source.h"

static struct bd_policy_limits limits_of(const struct bd_config *c)
{
    return (struct bd_policy_limits){
        .source = bd_rate_terms_of(c->source_rate, c->source_burst),
        .aor = bd_rate_terms_of(c->aor_rate, c->aor_burst),
        .source_mask = {bd_source_mask(c->source_prefix_ipv6),
                        bd_source_mask_v4(c->source_prefix_ipv4)},
        .failed_per_source = c->failed_per_source,
        .failed_per_aor = c->failed_per_aor,
        .failed_aor_pause_s = c->failed_aor_pause_s,
        .failed_ban_s = c->failed_ban_s,
        .failed_ban_max_s = c->failed_ban_max_s,
        .failed_forget_s = c->failed_forget_s,
        .rates_enforced = (uint8_t)c->rates_enforced,
        .aor_silent = (uint8_t)c->aor_silent,
        .reply_factor = (uint8_t)c->reply_factor,
        .maddr_followed = (uint8_t)c->maddr_followed,
    };
}

int bd_limits_compile(const struct bd_config *config, struct bd_policy_limits *limits,
                      struct bd_prefix_map **map, struct bd_error *error)
{
    const struct bd_config_prefixes *a = &config->allow, *d = &config->deny;
    const struct bd_prefixes allow[] = {{a->prefix, a->cnt}, {a->filed, a->filed_cnt}};
    const struct bd_prefixes deny[] = {{d->prefix, d->cnt}, {d->filed, d->filed_cnt}};
    *limits = limits_of(config);
    *map = NULL;
    if (a->cnt + a->filed_cnt + d->cnt + d->filed_cnt == 0)
        return 0;
    *map = bd_prefix_map_make(allow, 2, deny, 2);
    return *map ? 0 : bd_fail(error, "policy: out of memory");
}
