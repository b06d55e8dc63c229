/* SPDX-License-Identifier: BSD-3-Clause */
#include "state.h"

#include "identities.h"
#include "uri.h"

enum { LOOP_LINE = 0 };

void bd_control_reading(struct bd_control *control)
{
    bd_epoch_online(control->table.epoch, bd_epoch_control(LOOP_LINE), control->generation);
}

void bd_control_done_reading(struct bd_control *control)
{
    bd_epoch_offline(control->table.epoch, bd_epoch_control(LOOP_LINE));
}

unsigned bd_control_workers(const struct bd_control *control)
{
    return control->started->workers;
}

const struct bd_worker_stats *bd_control_stats(const struct bd_control *control, unsigned worker)
{
    const struct bd_worker_stats *stats = bd_arena_region(&control->arena, BD_REGION_STATS);
    return stats + worker;
}

uint64_t bd_control_counted(const struct bd_control *control, unsigned counter)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < bd_control_workers(control); w++)
        sum += bd_stat_read(&bd_control_stats(control, w)->counter[counter]);
    return sum;
}

uint64_t bd_control_judged(const struct bd_control *control, unsigned verdict)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < bd_control_workers(control); w++)
        sum += bd_stat_read(&bd_control_stats(control, w)->verdict[verdict]);
    return sum;
}

static bool has_scheme(struct bd_str s)
{
    static const struct bd_str scheme[] = {{"sip:", 4}, {"sips:", 5}, {"tel:", 4}};
    for (unsigned i = 0; i < sizeof(scheme) / sizeof(scheme[0]); i++) {
        if (s.len > scheme[i].len &&
            bd_str_eq_nocase((struct bd_str){s.p, scheme[i].len}, scheme[i]))
            return true;
    }
    return false;
}

bool bd_control_uri(struct bd_str given, char scratch[BD_CONTROL_GIVEN_MAX], struct bd_uri *uri)
{
    if (has_scheme(given))
        return bd_uri_parse(given, uri) && uri->scheme != BD_URI_OTHER;
    if (given.len + 4 > BD_CONTROL_GIVEN_MAX)
        return false;
    memcpy(scratch, "sip:", 4);
    memcpy(scratch + 4, given.p, given.len);
    return bd_uri_parse((struct bd_str){scratch, given.len + 4}, uri) && uri->user.p;
}

void bd_control_bind(const struct bd_control *control, char text[BD_AOR_MAX], uint32_t *len)
{
    struct bd_str primary = bd_identities_primary(&control->arena, (struct bd_str){text, *len});
    if (primary.len == 0)
        return;
    memcpy(text, primary.p, primary.len);
    *len = primary.len;
}

/* Bindings outlive the domain that a reload took away, and are found as they are shown: as it
 * spelled them. */
static bool is_left_over(const struct bd_control *control, const struct bd_uri *uri,
                         struct bd_control_aor *aor)
{
    struct bd_slot_ref ref;
    aor->len = bd_aor_canonical(uri, BD_STR_NULL, true, aor->text, sizeof(aor->text));
    struct bd_str text = {aor->text, aor->len};
    return text.len > 0 &&
           bd_table_find(&control->table, bd_table_hash(&control->table, text), text, &ref);
}

int bd_control_aor(const struct bd_control *control, struct bd_str given,
                   struct bd_control_aor *aor, struct bd_error *error)
{
    char scratch[BD_CONTROL_GIVEN_MAX];
    struct bd_uri uri;
    if (!bd_control_uri(given, scratch, &uri))
        return bd_fail(error, "'%.*s' is no address of record; write user@domain",
                       BD_STR_ARG(given));
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    const struct bd_policy_domain *domain =
        policy ? bd_policy_find(policy, uri.host.p ? uri.host : BD_STR(""), &aor->by_default)
               : NULL;
    if (uri.host.p && (!domain || aor->by_default) && is_left_over(control, &uri, aor))
        return 0;
    if (!uri.host.p && (!domain || domain->wildcard))
        return bd_fail(error,
                       "'%.*s' names no domain and there is no default_domain; write "
                       "user@domain",
                       BD_STR_ARG(given));
    if (!domain)
        return bd_fail(error, "no domain '%.*s' is served here", BD_STR_ARG(uri.host));
    struct bd_str name = bd_policy_aor_host(policy, domain, BD_STR_NULL);
    aor->len = bd_aor_canonical(&uri, name, domain->case_sensitive, aor->text, sizeof(aor->text));
    if (aor->len == 0)
        return bd_fail(error, "an address of record has at most %d bytes", BD_AOR_MAX);
    bd_control_bind(control, aor->text, &aor->len);
    return 0;
}
