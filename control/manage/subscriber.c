/* SPDX-License-Identifier: BSD-3-Clause */
/* `subscriber add | set | remove | show`. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "commands.h"
#include "identities.h"
#include "profile.h"
#include "recovery.h"
#include "roster.h"
#include "words.h"

enum { PAGE = 100, USERNAME_WIDTH = 24, DOMAIN_WIDTH = 28, ALGORITHMS_WIDTH = 23 };

/* USER@DOMAIN with the domain's own name in place of an alias. */
struct name {
    struct bd_str username, domain;
    char text[BD_DOMAIN_NAME_MAX + 1];
};

static struct bd_str lower_copy(struct bd_str s, char text[BD_DOMAIN_NAME_MAX + 1])
{
    for (uint32_t i = 0; i < s.len; i++)
        text[i] = bd_lower(s.p[i]);
    return (struct bd_str){text, s.len};
}

/* A domain that is not served can be named only to look at or to remove what is left of it. */
static int parse_name(const struct bd_control *control, struct bd_str given, bool must_be_served,
                      struct name *name, struct bd_error *error)
{
    if (given.len > 4 && bd_str_eq_nocase((struct bd_str){given.p, 4}, BD_STR("sip:")))
        given = (struct bd_str){given.p + 4, given.len - 4};
    const char *at = given.p ? memrchr(given.p, '@', given.len) : NULL;
    if (!at || at == given.p || at + 1 == given.p + given.len)
        return bd_fail(error, "'%.*s' is no subscriber; write user@domain", BD_STR_ARG(given));
    name->username = (struct bd_str){given.p, (uint32_t)(at - given.p)};
    struct bd_str host = {at + 1, given.len - name->username.len - 1};
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    bool by_default = false;
    const struct bd_policy_domain *domain =
        policy ? bd_policy_find(policy, host, &by_default) : NULL;
    bool served = domain && (!by_default || domain->wildcard) && host.len <= BD_DOMAIN_NAME_MAX;
    if (served)
        name->domain = lower_copy(bd_policy_aor_host(policy, domain, host), name->text);
    else if (must_be_served || host.len > BD_DOMAIN_NAME_MAX)
        return bd_fail(error, "no domain '%.*s' is served here", BD_STR_ARG(host));
    else
        name->domain = lower_copy(host, name->text);
    return 0;
}

static int check_profile(const struct bd_control *control, struct bd_str profile,
                         struct bd_error *error)
{
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    if (profile.len == 0 || (policy && bd_profile_find(policy, profile)))
        return 0;
    return bd_fail(error, "no profile '%.*s' in the configuration", BD_STR_ARG(profile));
}

/* "" stands for no password: a subscriber who is trusted by its address only. */
static int parse_change(struct bd_answer *answer, const struct bd_str *args, unsigned cnt,
                        struct name *name, struct bd_subscriber_change *change,
                        struct bd_error *error)
{
    if (parse_name(bd_answer_control(answer), args[0], true, name, error) < 0)
        return -1;
    *change = (struct bd_subscriber_change){.username = name->username, .domain = name->domain};
    if (args[1].len > 0)
        change->password = args[1];
    if (cnt > 2)
        change->prefix = args[2];
    if (cnt > 3)
        change->profile = args[3];
    return check_profile(bd_answer_control(answer), change->profile, error);
}

static void tell(struct bd_answer *answer, int rc, const struct bd_error *error, const char *what,
                 const struct name *name)
{
    if (rc == 0)
        bd_answer_done(answer, "%s %.*s@%.*s", what, BD_STR_ARG(name->username),
                       BD_STR_ARG(name->domain));
    else
        bd_answer_error(answer, "%s", error->text);
}

void bd_command_subscriber_add(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct bd_subscriber_change change;
    struct bd_error error;
    struct name name;
    int rc = parse_change(answer, args, cnt, &name, &change, &error);
    if (rc == 0)
        rc = bd_roster_add(bd_answer_control(answer)->roster, &change, &error);
    tell(answer, rc, &error, "added", &name);
}

void bd_command_subscriber_set(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct bd_subscriber_change change;
    struct bd_error error;
    struct name name;
    int rc = parse_change(answer, args, cnt, &name, &change, &error);
    if (rc == 0)
        rc = bd_roster_set(bd_answer_control(answer)->roster, &change, &error);
    tell(answer, rc, &error, "changed", &name);
}

void bd_command_subscriber_profile(struct bd_answer *answer, const struct bd_str *args,
                                   unsigned cnt)
{
    struct bd_control *control = bd_answer_control(answer);
    struct bd_subscriber_change change = {.profile = cnt > 1 ? args[1] : BD_STR("")};
    struct bd_error error;
    struct name name;
    int rc = parse_name(control, args[0], true, &name, &error);
    if (rc == 0)
        rc = check_profile(control, change.profile, &error);
    if (rc == 0) {
        change.username = name.username;
        change.domain = name.domain;
        rc = bd_roster_set(control->roster, &change, &error);
    }
    tell(answer, rc, &error, "changed", &name);
}

static int parse_primary(const struct bd_control *control, struct bd_str given,
                         char text[BD_AOR_MAX + BD_DOMAIN_NAME_MAX],
                         struct bd_subscriber_change *change, struct bd_error *error)
{
    struct name primary;
    if (!bd_identities_enabled(&control->arena))
        return bd_fail(error, "there is no room for implicit registration sets: set "
                              "arena.identities_max and restart both processes");
    if (parse_name(control, given, true, &primary, error) < 0)
        return -1;
    if (primary.username.len > BD_USERNAME_MAX)
        return bd_fail(error, "a username has at most %d bytes", BD_USERNAME_MAX);
    int len = snprintf(text, BD_AOR_MAX + BD_DOMAIN_NAME_MAX, "%.*s@%.*s",
                       BD_STR_ARG(primary.username), BD_STR_ARG(primary.domain));
    change->implicit_of = (struct bd_str){text, (uint32_t)len};
    return 0;
}

void bd_command_subscriber_implicit(struct bd_answer *answer, const struct bd_str *args,
                                    unsigned cnt)
{
    struct bd_control *control = bd_answer_control(answer);
    struct bd_subscriber_change change = {.implicit_of = BD_STR("")};
    char text[BD_AOR_MAX + BD_DOMAIN_NAME_MAX];
    struct bd_error error;
    struct name name;
    int rc = parse_name(control, args[0], true, &name, &error);
    if (rc == 0 && cnt > 1 && args[1].len > 0)
        rc = parse_primary(control, args[1], text, &change, &error);
    if (rc == 0) {
        change.username = name.username;
        change.domain = name.domain;
        rc = bd_roster_set(control->roster, &change, &error);
    }
    tell(answer, rc, &error, "changed", &name);
}

void bd_command_subscriber_remove(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct bd_control *control = bd_answer_control(answer);
    struct bd_error error;
    struct name name;
    int rc = parse_name(control, args[0], false, &name, &error);
    if (rc == 0)
        rc = bd_roster_remove(control->roster, name.username, name.domain, &error);
    tell(answer, rc, &error, "removed", &name);
}

/* --- show ------------------------------------------------------------------------------------- */

/* The algorithms a subscriber can log in with, never the HA1s. */
static json_t *algorithms_json(const struct bd_subscriber *row)
{
    static const char *const name[BD_ALG_CNT] = {"MD5", "SHA-256", "SHA-512-256"};
    json_t *list = json_array();
    for (unsigned alg = 0; alg < BD_ALG_CNT; alg++) {
        if (bd_ha1_get(&row->ha1, BD_HA1_PLAIN, (enum bd_digest_alg)alg))
            json_array_append_new(list, json_string(name[alg]));
    }
    return list;
}

static json_t *prefix_json(const struct bd_subscriber *row)
{
    char text[BD_ENDPOINT_TEXT_MAX];
    if (!row->has_prefix)
        return json_null();
    return json_stringn(text, bd_prefix_format(&row->prefix, text));
}

static json_t *time_json(int64_t at_s)
{
    char text[32];
    struct tm tm;
    time_t t = (time_t)at_s;
    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(text);
}

static json_t *subscriber_json(const struct bd_subscriber *row)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "username",
        bd_json_str(bd_str_from(row->username)), "domain", bd_json_str(bd_str_from(row->domain)),
        "realm", bd_json_str(bd_str_from(row->realm)), "algorithms", algorithms_json(row),
        "trusted_prefix", prefix_json(row), "profile",
        *row->profile ? bd_json_str(bd_str_from(row->profile)) : json_null(), "implicit_of",
        *row->implicit_of ? bd_json_str(bd_str_from(row->implicit_of)) : json_null(), "created",
        time_json(row->created_s), "modified", time_json(row->modified_s));
}

static void add_text_row(struct evbuffer *out, const struct bd_subscriber *row)
{
    struct evbuffer *algorithms = evbuffer_new();
    json_t *list = algorithms_json(row), *prefix = prefix_json(row);
    size_t i;
    json_t *name;
    json_array_foreach(list, i, name)
        evbuffer_add_printf(algorithms, "%s%s", i ? "," : "", json_string_value(name));
    bd_render_cell(out, bd_str_from(row->username), USERNAME_WIDTH);
    bd_render_cell(out, bd_str_from(row->domain), DOMAIN_WIDTH);
    bd_render_cell(out,
                   (struct bd_str){(const char *)evbuffer_pullup(algorithms, -1),
                                   (uint32_t)evbuffer_get_length(algorithms)},
                   ALGORITHMS_WIDTH);
    bd_render_cell(out, bd_str_from(json_string_value(prefix)), 0);
    evbuffer_add(out, "\n", 1);
    json_decref(list);
    json_decref(prefix);
    evbuffer_free(algorithms);
}

struct listing {
    struct bd_control *control;
    struct bd_answer *answer;
    int64_t after;
};

static void list_row(void *arg, const struct bd_subscriber *row)
{
    struct listing *listing = arg;
    if (bd_answer_is_json(listing->answer))
        bd_answer_row_json(listing->answer, subscriber_json(row));
    else
        add_text_row(bd_answer_row(listing->answer), row);
}

static bool list_more(void *state, struct bd_answer *answer)
{
    struct listing *listing = state;
    struct bd_error error;
    listing->answer = answer;
    int rows = bd_subscribers_page(bd_roster_database(listing->control->roster), BD_STR_NULL,
                                   &listing->after, PAGE, list_row, listing, &error);
    if (rows < 0) {
        bd_recovery_note(listing->control->recovery, &error);
        bd_answer_cut_short(answer, &error);
    }
    return rows > 0;
}

static const char *list_heading(void)
{
    static char heading[128];
    if (!*heading)
        snprintf(heading, sizeof(heading), "%-*s %-*s %-*s %s", USERNAME_WIDTH, "USERNAME",
                 DOMAIN_WIDTH, "DOMAIN", ALGORITHMS_WIDTH, "ALGORITHMS", "TRUSTED-PREFIX");
    return heading;
}

static void show_all(struct bd_answer *answer)
{
    static struct bd_stream stream = {.name = "subscribers", .more = list_more, .close = free};
    struct listing *listing = calloc(1, sizeof(*listing));
    if (!listing) {
        bd_answer_error(answer, "out of memory");
        return;
    }
    stream.heading = list_heading();
    listing->control = bd_answer_control(answer);
    bd_answer_stream(answer, &stream, listing);
}

void bd_command_subscriber_show(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    if (cnt == 0 || bd_word_is(args[0], "all")) {
        show_all(answer);
        return;
    }
    struct bd_control *control = bd_answer_control(answer);
    struct bd_subscriber row;
    struct bd_error error;
    struct name name;
    int rc = parse_name(control, args[0], false, &name, &error);
    if (rc == 0)
        rc = bd_subscribers_find(bd_roster_database(control->roster), name.username, name.domain,
                                 &row, &error);
    if (rc == 0)
        bd_answer_document(answer, subscriber_json(&row), BD_RENDER_BLOCKS);
    else
        bd_answer_error(answer, "%s", error.text);
}
