/* SPDX-License-Identifier: BSD-3-Clause */
/* `show info`, `show limits` and `show metrics`: what needs a walk of the table first. */
#include <stdlib.h>

#include "census.h"
#include "clock.h"
#include "commands.h"
#include "identities.h"
#include "journal_shown.h"
#include "limits_shown.h"
#include "metrics.h"
#include "peer.h"
#include "provisioned.h"
#include "roster.h"
#include "screening.h"

static json_int_t age_s(const _Atomic uint64_t *since_ms)
{
    return (json_int_t)((bd_clock_ms() - atomic_load(since_ms)) / 1000);
}

static json_t *process_json(const struct bd_control *control, enum bd_role role, bool alive)
{
    const struct bd_role_line *line = bd_control_line(control, role);
    json_t *process = json_pack("{s:b, s:b}", "alive", alive, "serving",
                                alive && atomic_load(&line->serving) != 0);
    if (alive) {
        json_object_set_new(process, "pid", json_integer(atomic_load(&line->pid)));
        json_object_set_new(process, "uptime_s", json_integer(age_s(&line->started_ms)));
        json_object_set_new(
            process, "heartbeat_age_ms",
            json_integer((json_int_t)(bd_clock_ms() - atomic_load(&line->heartbeat_ms))));
    }
    json_object_set_new(process, "starts", json_integer(atomic_load(&line->generation)));
    /* Told by the other one, who saw it. */
    const struct bd_role_line *witness =
        bd_control_line(control, role == BD_ROLE_CONTROL ? BD_ROLE_DATAPLANE : BD_ROLE_CONTROL);
    json_object_set_new(process, "hangs", json_integer(atomic_load(&witness->peer_hangs)));
    return process;
}

static json_t *arena_json(const struct bd_arena *arena)
{
    return json_pack("{s:s, s:I, s:b}", "path", arena->path, "mib", (json_int_t)(arena->size >> 20),
                     "huge_pages", (int)arena->huge);
}

static json_t *table_json(const struct bd_table_info *info)
{
    return json_pack("{s:I, s:I, s:I}", "slots", (json_int_t)info->slots, "slots_live",
                     (json_int_t)info->slots_live, "slots_tentative",
                     (json_int_t)info->slots_tentative);
}

static json_t *records_json(const struct bd_table_info *info)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I}", "total_bytes", (json_int_t)info->record_bytes_total,
        "carved_bytes", (json_int_t)info->record_bytes_carved, "live_bytes",
        (json_int_t)info->record_bytes_live, "in_use", (json_int_t)info->records_in_use, "retiring",
        (json_int_t)info->records_retiring, "leaked", (json_int_t)info->records_leaked);
}

static json_t *policy_json(const struct bd_control *control)
{
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    return json_pack("{s:I, s:I}", "sequence", policy ? (json_int_t)policy->sequence : 0, "domains",
                     policy ? (json_int_t)policy->domain_cnt : 0);
}

/* Those that are raised. */
static json_t *alarms_json(struct bd_alarms *alarms)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < BD_ALARM_CNT; i++) {
        struct bd_alarm_state state;
        bd_alarm_read(alarms, (enum bd_alarm)i, &state);
        if (state.raised)
            json_array_append_new(
                list, json_pack("{s:s, s:I, s:o}", "alarm", bd_alarm_info[i].label, "for_s",
                                (json_int_t)((bd_clock_ms() - state.since_ms) / 1000), "what",
                                bd_json_str(bd_str_from(state.text))));
    }
    return list;
}

static json_t *info_document(const struct bd_control *control,
                             const struct bd_census_result *census)
{
    const struct bd_table_info *info = &census->info;
    json_t *document = json_object();
    json_object_set_new(document, "version", json_string(BD_VERSION));
    json_object_set_new(document, "alarms", alarms_json(control->alarms));
    json_object_set_new(document, "control", process_json(control, BD_ROLE_CONTROL, true));
    json_object_set_new(document, "dataplane",
                        process_json(control, BD_ROLE_DATAPLANE, bd_peer_alive(control->peer)));
    json_object_set_new(document, "arena", arena_json(&control->arena));
    json_object_set_new(document, "bindings", json_integer((json_int_t)info->contacts));
    json_object_set_new(document, "aors", json_integer((json_int_t)info->slots_live));
    json_object_set_new(document, "bindings_max",
                        json_integer((json_int_t)control->started->bindings_max));
    json_object_set_new(document, "table", table_json(info));
    json_object_set_new(document, "records", records_json(info));
    json_object_set_new(document, "journal", bd_journal_shown(control));
    if (control->started->durability != BD_DURABILITY_NONE)
        json_object_set_new(document, "snapshot", bd_snapshot_shown(control));
    json_object_set_new(document, "policy", policy_json(control));
    json_object_set_new(document, "subscribers",
                        json_integer((json_int_t)bd_roster_cnt(control->roster)));
    json_object_set_new(document, "provisioned",
                        json_integer((json_int_t)bd_provisioned_cnt(&control->arena)));
    json_object_set_new(document, "verifiers", json_integer(control->started->verifiers));
    json_object_set_new(document, "draining",
                        json_boolean(atomic_load(&control->arena.header->draining)));
    json_object_set_new(document, "walk_ms", json_integer((json_int_t)census->took_ms));
    return document;
}

static void on_info(void *arg, const struct bd_census_result *result, const struct bd_error *error)
{
    struct bd_answer *answer = arg;
    if (result)
        bd_answer_document(answer, info_document(bd_answer_control(answer), result),
                           BD_RENDER_TABLES);
    else
        bd_answer_error(answer, "%s", error->text);
}

void bd_command_show_info(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    bd_census_ask(bd_answer_control(answer)->census, 0, on_info, answer);
}

/* --- cluster ---------------------------------------------------------------------------------- */

void bd_command_show_cluster(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    bd_answer_document(answer, json_pack("{s:b, s:[]}", "clustered", false, "peers"),
                       BD_RENDER_TABLES);
}

/* --- limits ----------------------------------------------------------------------------------- */

/* X(name, where, the bound itself) of base/limits.h that an operator may run into. */
#define FIXED_LIMITS(X)                                                                            \
    X(message_bytes, BD_SIP_MESSAGE_MAX)                                                           \
    X(headers_per_message, BD_SIP_HEADERS_MAX)                                                     \
    X(bad_lines_per_message, BD_SIP_BAD_LINES_MAX)                                                 \
    X(contacts_per_request, BD_CONTACTS_PER_REQUEST_MAX)                                           \
    X(contacts_per_aor, BD_CONTACTS_PER_AOR_MAX)                                                   \
    X(aor_bytes, BD_AOR_MAX)                                                                       \
    X(contact_uri_bytes, BD_CONTACT_URI_MAX)                                                       \
    X(contact_params_bytes, BD_CONTACT_PARAMS_MAX)                                                 \
    X(call_id_bytes, BD_CALL_ID_MAX)                                                               \
    X(username_bytes, BD_USERNAME_MAX)                                                             \
    X(domains, BD_DOMAINS_MAX)                                                                     \
    X(aliases_per_domain, BD_ALIASES_PER_DOMAIN_MAX)                                               \
    X(prefixes_per_domain, BD_PREFIXES_PER_DOMAIN_MAX)                                             \
    X(pending_per_worker, BD_PENDING_MAX)

static void add_limit(json_t *list, const char *name, json_t *used, uint64_t max,
                      const char *set_by)
{
    json_array_append_new(list, json_pack("{s:s, s:o, s:I, s:s}", "limit", name, "used", used,
                                          "max", (json_int_t)max, "set_by", set_by));
}

static void add_used(json_t *list, const char *name, uint64_t used, uint64_t max,
                     const char *set_by)
{
    add_limit(list, name, json_integer((json_int_t)used), max, set_by);
}

static void add_rings(json_t *list, const struct bd_control *control)
{
    uint32_t jobs = 0, verdicts = 0, sweeps = 0, commands = 0;
    struct bd_channel channel = {0};
    for (unsigned w = 0; w < bd_control_workers(control); w++) {
        channel = bd_channel_of(&control->arena, w);
        jobs += bd_ring_used(channel.jobs);
        verdicts += bd_ring_used(channel.verdicts);
        sweeps += bd_ring_used(channel.sweeps);
        commands += bd_ring_used(channel.commands);
    }
    uint64_t workers = bd_control_workers(control);
    add_used(list, "verify_jobs_waiting", jobs, workers * bd_ring_size(channel.jobs), "fixed");
    add_used(list, "verdicts_waiting", verdicts, workers * bd_ring_size(channel.verdicts), "fixed");
    add_used(list, "due_buckets_waiting", sweeps, workers * bd_ring_size(channel.sweeps), "fixed");
    add_used(list, "commands_waiting", commands, workers * bd_ring_size(channel.commands), "fixed");
}

static void add_domains(json_t *list, const struct bd_config *config)
{
    for (unsigned i = 0; i < config->domain_cnt; i++) {
        char name[BD_DOMAIN_NAME_MAX + 32], set_by[64];
        snprintf(name, sizeof(name), "max_contacts %s", config->domains[i].name);
        snprintf(set_by, sizeof(set_by), "domains[%u].max_contacts", i);
        add_limit(list, name, json_null(), config->domains[i].max_contacts, set_by);
    }
}

static json_t *limits_document(const struct bd_control *control, const struct bd_table_info *info)
{
    const struct bd_config *config = control->started;
    json_t *list = json_array();
    add_used(list, "bindings", info->contacts, config->bindings_max, "arena.bindings_max");
    add_used(list, "table_slots", info->slots_live, info->slots, "arena.bindings_max");
    add_used(list, "record_bytes", info->record_bytes_carved, info->record_bytes_total,
             "arena.record_avg_size");
    add_used(list, "subscribers", bd_roster_cnt(control->roster), config->subscribers_max,
             "arena.subscribers_max");
    if (config->identities_max)
        add_used(list, "identities", bd_identities_cnt(&control->arena), config->identities_max,
                 "arena.identities_max");
    add_used(list, "bans", bd_bans_cnt(control), BD_BANS_MAX, "fixed");
    add_used(list, "known_sources", bd_known_sources_cnt(control), BD_KNOWN_MAX, "fixed");
    add_used(list, "screening_rules", control->config->rule_cnt, BD_SCREEN_RULES_MAX,
             "screening.rules");
    add_used(list, "workers", bd_control_workers(control), BD_WORKERS_MAX, "dataplane.workers");
    add_used(list, "verifiers", config->verifiers, BD_VERIFIERS_MAX, "auth.verifiers");
    add_rings(list, control);
    bd_limits_add_settings(list, control->config);
    add_domains(list, control->config);
#define X(name, max) add_limit(list, #name, json_null(), max, "fixed");
    FIXED_LIMITS(X)
#undef X
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:{s:s, s:s}}", "limits", list, "limited_sources",
                     bd_limited_sources_json(control), "limited_aors",
                     bd_refused_aors_json(control), "counters", bd_limit_counters_json(control),
                     "bans", bd_bans_json(control), "enforcement", "rates",
                     control->config->rates_enforced ? "enforce" : "count", "bans",
                     control->config->bans_enforced ? "enforce" : "count");
}

static void on_limits(void *arg, const struct bd_census_result *result,
                      const struct bd_error *error)
{
    struct bd_answer *answer = arg;
    if (result)
        bd_answer_document(answer, limits_document(bd_answer_control(answer), &result->info),
                           BD_RENDER_TABLES);
    else
        bd_answer_error(answer, "%s", error->text);
}

void bd_command_show_limits(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    bd_census_ask(bd_answer_control(answer)->census, 0, on_limits, answer);
}

/* --- metrics ---------------------------------------------------------------------------------- */

static void on_metrics(void *arg, const struct bd_census_result *result,
                       const struct bd_error *error)
{
    struct bd_answer *answer = arg;
    if (!result) {
        bd_answer_error(answer, "%s", error->text);
        return;
    }
    struct evbuffer *text = evbuffer_new();
    bd_metrics_write(bd_answer_control(answer), &result->info, text);
    struct bd_str s = {(const char *)evbuffer_pullup(text, -1),
                       (uint32_t)evbuffer_get_length(text)};
    bd_answer_text(answer, "metrics", s);
    evbuffer_free(text);
}

void bd_command_show_metrics(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct bd_census *census = bd_answer_control(answer)->census;
    bd_census_ask(census, bd_census_fair_age_ms(census), on_metrics, answer);
}
