/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab.h"

#include "ban.h"
#include "bulk.h"
#include "dirty.h"
#include "identities.h"

enum { POLICY_CAP = 1 << 20 };

const struct bd_policy_domain lab_settings = {
    .auth = BD_AUTH_OPEN,
    .max_contacts_policy = BD_CONTACTS_REJECT,
    .algorithm_cnt = 2,
    .algorithm = {BD_ALG_SHA256, BD_ALG_MD5},
    .qop = BD_QOP_BIT_AUTH | BD_QOP_BIT_AUTH_INT,
    .min_expires_mode = 1,
    .max_contacts = 4,
    .max_contacts_code = 503,
    .default_expires_s = 3600,
    .min_expires_s = 60,
    .max_expires_s = 7200,
    .nonce_expire_s = 300,
    .retry_after_s = 1,
};

struct bd_policy_domain lab_all_switched_on(void)
{
    struct bd_policy_domain settings = lab_settings;
    settings.outbound_mode = BD_OUTBOUND_SUPPORTED;
    settings.gruu_enabled = true;
    settings.redirect = true;
    settings.caller_preferences = true;
    settings.use_path = true;
    settings.reg_event = true;
    settings.add_authinfo_hdr = true;
    settings.userhash = true;
    return settings;
}

static struct bd_endpoint endpoint(const char *text)
{
    struct bd_endpoint e;
    assert_true(bd_endpoint_parse(bd_str_from(text), &e));
    return e;
}

static void make_policy(struct lab *lab, const struct bd_policy_domain *settings,
                        const struct bd_policy_domain *digest, bool with_default)
{
    const struct bd_str aliases[] = {BD_STR("198.18.0.1"), BD_STR("alias.example.com")};
    struct bd_prefix trusted;
    assert_true(bd_prefix_parse(BD_STR("192.0.2.0/24"), &trusted));
    struct bd_e164_set numbers[2];
    assert_true(bd_e164_set_parse(BD_STR("+4930555000-999"), &numbers[0]));
    assert_true(bd_e164_set_parse(BD_STR("+493044*"), &numbers[1]));
    struct bd_e164_set own;
    assert_true(bd_e164_set_parse(BD_STR("+4930777*"), &own));
    const struct bd_bulk_in bulk = {BD_STR("pbx"), numbers, 2},
                            own_bulk = {BD_STR("pbx7"), &own, 1};
    struct bd_policy_domain_in domain[4] = {
        {.name = BD_STR("example.com"),
         .realm = BD_STR("example.com"),
         .aliases = aliases,
         .alias_cnt = 2,
         .bulk = &own_bulk,
         .bulk_cnt = 1,
         .registrants = lab->registrants,
         .settings = *settings},
        {.name = BD_STR("other.example"),
         .realm = BD_STR("other.example"),
         .bulk = &bulk,
         .bulk_cnt = 1,
         .settings = lab_settings},
        {.name = BD_STR("trusted.example"),
         .realm = BD_STR("trusted.example"),
         .prefixes = &trusted,
         .prefix_cnt = 1,
         .settings = lab_settings},
        {.name = BD_STR("digest.example"),
         .realm = BD_STR("a \"quoted\" realm"),
         .settings = *digest},
    };
    domain[2].settings.auth = BD_AUTH_TRUSTED;
    domain[3].settings.auth = BD_AUTH_DIGEST;
    const struct bd_endpoint addresses[] = {endpoint("198.18.0.1:5060"),
                                            endpoint("198.18.0.9:5060")};
    struct bd_policy_in in = {
        .domains = domain,
        .domain_cnt = 4,
        .default_domain = with_default ? 0 : -1,
        .addresses = addresses,
        .address_cnt = 2,
        .server = BD_STR("Bindery"),
        .verdict_timeout_ms = 1000,
        .hash_seed = 7,
        .limits = lab->limits,
        .bans_enforced = true,
    };
    struct bd_policy_profile_in profiles[2] = {{.name = BD_STR("")}, {.name = BD_STR("own")}};
    if (lab->profile) {
        profiles[1].settings = *lab->profile;
        in.profiles = profiles;
        in.profile_cnt = 2;
    }
    memset(in.nonce_key[0], 0x5a, sizeof(in.nonce_key[0]));
    assert_int_not_equal(bd_policy_build(lab->policy, POLICY_CAP, &in, NULL), 0);
    ((struct bd_policy *)lab->policy)->sequence = ++lab->policies;
}

void lab_policy(struct lab *lab, const struct bd_policy_domain *settings, bool with_default)
{
    make_policy(lab, settings, &lab_settings, with_default);
}

void lab_digest_policy(struct lab *lab, const struct bd_policy_domain *settings)
{
    make_policy(lab, &lab_settings, settings, true);
}

void lab_policies(struct lab *lab, const struct bd_policy_domain *settings,
                  const struct bd_policy_domain *digest)
{
    make_policy(lab, settings, digest, true);
}

void lab_limit(struct lab *lab, const struct bd_policy_limits *limits)
{
    struct bd_error error = {""};
    if (!lab->limiter) {
        bd_registrar_free(lab->registrar);
        lab->limiter = bd_limiter_new(&lab->arena, lab->stats, 0, &error);
        assert_non_null(lab->limiter);
        struct bd_registrar_deps deps = {&lab->arena, &lab->table, lab->writer, lab->stats,
                                         lab->limiter};
        lab->registrar = bd_registrar_new(&deps, &error);
        assert_non_null(lab->registrar);
    }
    lab->limits = *limits;
    make_policy(lab, &lab_settings, &lab_settings, true);
}

static void start_worker(struct lab *lab, unsigned worker)
{
    struct bd_error error = {""};
    lab->writer = bd_memory_writer(lab->memory, worker);
    bd_writer_online(lab->writer);
    struct bd_worker_stats *stats = bd_arena_region(&lab->arena, BD_REGION_STATS);
    lab->stats = &stats[worker];
    struct bd_registrar_deps deps = {&lab->arena, &lab->table, lab->writer, lab->stats, NULL};
    lab->registrar = bd_registrar_new(&deps, &error);
    if (!lab->registrar)
        fail_msg("registrar: %s", error.text);
}

struct lab *lab_new(uint64_t bindings_max)
{
    return lab_new_of(bindings_max, 1000);
}

struct lab *lab_new_of(uint64_t bindings_max, uint64_t subscribers_max)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    struct bd_error error = {""};
    assert_non_null(lab);
    struct bd_arena_params params = {
        .region_sz = {
            [BD_REGION_POLICY] = 4096,
            [BD_REGION_PROVISIONED] = bd_provisioned_footprint(subscribers_max),
            [BD_REGION_IDENTITIES] = bd_identities_footprint(100),
            [BD_REGION_NONCES] = 4096,
            [BD_REGION_BANS] = bd_bans_footprint(),
            [BD_REGION_LIMITS] = bd_limits_footprint(1),
            [BD_REGION_CHANNELS] = 4096,
            [BD_REGION_STATS] = 2 * sizeof(struct bd_worker_stats),
            [BD_REGION_TABLE] = bd_table_footprint(bindings_max),
            [BD_REGION_RECORDS] = bd_records_footprint(bindings_max, 0, 2),
            [BD_REGION_DIRTY] = bd_dirty_footprint(bindings_max),
        }};
    if (bd_arena_create_private(&lab->arena, &params, &error) != 0)
        fail_msg("arena: %s", error.text);
    bd_provisioned_format(&lab->arena, subscribers_max);
    bd_identities_format(&lab->arena, 100);
    bd_table_format(&lab->arena, bindings_max);
    if (bd_table_join(&lab->table, &lab->arena, &error) != 0)
        fail_msg("table: %s", error.text);
    lab->memory = bd_memory_rebuild(&lab->table, 2, &error);
    if (!lab->memory)
        fail_msg("memory: %s", error.text);
    start_worker(lab, 0);
    lab->policy = malloc(POLICY_CAP);
    assert_non_null(lab->policy);
    lab_policy(lab, &lab_settings, true);
    lab->now_ms = 1000000;
    lab->wall_ms = 1289690940000; /* Sat, 13 Nov 2010 23:29:00 GMT, as in RFC 3261 20.17 */
    lab->source = endpoint("192.0.2.1:5060");
    lab->local = endpoint("198.18.0.1:5060");
    lab->reply_cap = LAB_REPLY_MAX;
    return lab;
}

static void stop_worker(struct lab *lab)
{
    bd_registrar_free(lab->registrar);
    bd_writer_offline(lab->writer);
}

void lab_free(struct lab *lab)
{
    stop_worker(lab);
    bd_limiter_free(lab->limiter);
    bd_memory_free(lab->memory);
    bd_arena_leave(&lab->arena);
    free(lab->policy);
    free(lab);
}

void lab_kill(struct lab *lab)
{
    struct bd_error error = {""};
    bd_registrar_free(lab->registrar);
    bd_memory_free(lab->memory);
    lab->memory = bd_memory_rebuild(&lab->table, 2, &error);
    if (!lab->memory)
        fail_msg("memory: %s", error.text);
    start_worker(lab, 0);
}

struct lab *lab_new_second(struct lab *lab)
{
    struct lab *second = malloc(sizeof(*second));
    assert_non_null(second);
    *second = *lab;
    start_worker(second, 1);
    return second;
}

void lab_free_second(struct lab *second)
{
    stop_worker(second);
    free(second);
}

/* One that waited is the one that the last step put to wait, with its message and turn; any other
 * that is resumed has been parsed anew. */
static struct bd_request request_of(struct lab *lab, bool waited)
{
    uint32_t len = lab->request_len;
    return (struct bd_request){
        .message = &lab->message,
        .parsed = waited ? BD_VERDICT_NONE : bd_message_parse(&lab->message, lab->request, len),
        .turn = &lab->turn,
        .waited = waited,
        .source = lab->source,
        .local = lab->local,
        .now_ms = lab->now_ms,
        .wall_ms = lab->wall_ms,
        .undurable = lab->undurable,
        .policy = lab->policy,
        .shedding = lab->shedding,
        .took_turn = lab->took_turn,
    };
}

static unsigned take_reply(struct lab *lab, const struct bd_wire *w)
{
    lab->reply_len = lab->step == BD_STEP_REPLY ? bd_wire_len(w) : 0;
    lab->reply[lab->reply_len] = 0;
    bd_writer_quiescent(lab->writer);
    if (lab->step != BD_STEP_REPLY)
        return 0;
    assert_false(w->overflow);
    assert_memory_equal(lab->reply, "SIP/2.0 ", 8);
    return (unsigned)strtoul(lab->reply + 8, NULL, 10);
}

unsigned lab_send(struct lab *lab, const char *text)
{
    assert_true(strlen(text) < sizeof(lab->request));
    strcpy(lab->request, text);
    return lab_send_bytes(lab, strlen(text));
}

unsigned lab_send_bytes(struct lab *lab, size_t len)
{
    lab->request_len = (uint32_t)len;
    struct bd_request request = request_of(lab, false);
    struct bd_wire w = bd_wire_init(lab->reply, lab->reply_cap);
    lab->verdict = BD_VERDICT_NONE;
    if (lab->limiter)
        bd_limiter_use(lab->limiter, lab->policy, lab->now_ms);
    bd_registrar_prepare(lab->registrar, 0, &request);
    bd_registrar_prefetch(lab->registrar, 0);
    lab->step = bd_registrar_handle(lab->registrar, 0, &w, &lab->job, &lab->verdict);
    return take_reply(lab, &w);
}

unsigned lab_resume_with(struct lab *lab, const struct bd_verify_result *result)
{
    struct bd_request request = request_of(lab, lab->step == BD_STEP_VERIFY);
    bd_registrar_prepare(lab->registrar, 0, &request);
    bd_registrar_prefetch(lab->registrar, 0);
    struct bd_wire w = bd_wire_init(lab->reply, lab->reply_cap);
    lab->step = bd_registrar_resume(lab->registrar, 0, result, &w, &lab->verdict);
    return take_reply(lab, &w);
}

unsigned lab_resume(struct lab *lab, enum bd_verify_rc rc)
{
    return lab_resume_with(lab, &(struct bd_verify_result){.rc = rc});
}

bool lab_header(const struct lab *lab, const char *name, unsigned n, char *out, size_t out_sz)
{
    size_t name_len = strlen(name);
    for (const char *line = lab->reply; *line && strncmp(line, "\r\n", 2) != 0;) {
        const char *end = strstr(line, "\r\n");
        assert_non_null(end);
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':' && n-- == 0) {
            const char *value = line + name_len + 1;
            value += *value == ' ';
            snprintf(out, out_sz, "%.*s", (int)(end - value), value);
            return true;
        }
        line = end + 2;
    }
    return false;
}

void lab_contacts(const struct lab *lab, char *out, size_t out_sz)
{
    char value[2048];
    size_t used = 0;
    out[0] = 0;
    for (unsigned i = 0; lab_header(lab, "Contact", i, value, sizeof(value)); i++)
        used += (size_t)snprintf(out + used, out_sz - used, "%s%s", i ? "|" : "", value);
}

uint64_t lab_counter(const struct lab *lab, enum bd_counter counter)
{
    return bd_stat_read(&lab->stats->counter[counter]);
}
