/* SPDX-License-Identifier: BSD-3-Clause */
/* `show screening`, `ban`, `unban`: what screening found, and who is shut out. */
#include "screening.h"
#include "ban.h"
#include "clock.h"
#include "commands.h"
#include "limiter.h"
#include "screen_compile.h"
#include "state.h"
#include "words.h"

enum { BAN_DEFAULT_S = 3600, BAN_MAX_S = 31536000 };

static uint32_t now_s(void)
{
    return (uint32_t)(bd_clock_ms() / 1000);
}

/* --- rules ------------------------------------------------------------------------------------ */

void bd_screening_visit(struct bd_control *control, bd_screening_fn *visit, void *arg)
{
    bd_control_reading(control);
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    const struct bd_screen *screen = policy ? bd_policy_screen(policy) : NULL;
    /* In the midst of a reload the policy may be newer than the configuration. */
    for (unsigned i = 0; screen && i < control->config->rule_cnt && i < screen->rule_cnt; i++) {
        const struct bd_screen_rule *rule = &bd_screen_rules(screen)[i];
        visit(arg, i + 1, &control->config->rules[i],
              bd_screen_cell_sum(&control->arena, rule->cell) - rule->base);
    }
    bd_control_done_reading(control);
}

static void add_rule(void *arg, unsigned number, const struct bd_config_rule *rule, uint64_t hits)
{
    char action[32];
    uint32_t n = rule->action.code ? rule->action.code : rule->action.seconds;
    snprintf(action, sizeof(action), n ? "%s %u" : "%s", bd_screen_action_word[rule->action.what],
             n);
    json_array_append_new(arg,
                          json_pack("{s:i, s:s, s:s, s:I, s:b, s:s, s:s}", "rule", (int)number,
                                    "field", bd_screen_field_word[rule->field], "action", action,
                                    "hits", (json_int_t)hits, "caseless", rule->caseless, "pattern",
                                    rule->pattern, "comment", rule->comment ? rule->comment : ""));
}

void bd_command_show_screening(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct bd_control *control = bd_answer_control(answer);
    const struct bd_config *config = control->config;
    json_t *list = json_array();
    bd_screening_visit(control, add_rule, list);
    bd_answer_document(answer,
                       json_pack("{s:[{s:s, s:i, s:s}], s:o}", "screening", "file",
                                 config->screening_rules ? config->screening_rules : "none",
                                 "rule_cnt", (int)config->rule_cnt, "bans",
                                 config->bans_enforced ? "enforce" : "count", "rules", list),
                       BD_RENDER_TABLES);
}

/* --- bans ------------------------------------------------------------------------------------- */

uint64_t bd_bans_cnt(const struct bd_control *control)
{
    struct bd_ban ban;
    uint64_t cnt = 0;
    for (unsigned i = 0; i < BD_BANS_MAX; i++)
        cnt += bd_ban_at(&control->arena, i, now_s(), &ban);
    return cnt;
}

/* Why a source is banned. */
static void cause_text(uint16_t cause, char *out, size_t out_sz)
{
    if (cause == BD_BAN_OPERATOR)
        snprintf(out, out_sz, "operator");
    else if (cause == BD_BAN_FAILURES)
        snprintf(out, out_sz, "wrong passwords");
    else
        snprintf(out, out_sz, "rule %u", cause);
}

json_t *bd_bans_json(const struct bd_control *control)
{
    json_t *list = json_array();
    struct bd_ban ban;
    for (unsigned i = 0; i < BD_BANS_MAX; i++) {
        if (!bd_ban_at(&control->arena, i, now_s(), &ban))
            continue;
        char source[BD_ENDPOINT_TEXT_MAX], cause[32];
        bd_prefix_format(&ban.source, source);
        cause_text(ban.cause, cause, sizeof(cause));
        json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "banned", source, "left_s",
                                              (json_int_t)ban.left_s, "cause", cause));
    }
    return list;
}

/* The text is well-formed decimal and in range, or false. */
static bool read_seconds(struct bd_str text, uint32_t *s)
{
    *s = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || *s > BAN_MAX_S)
            return false;
        *s = *s * 10 + (uint32_t)(text.p[i] - '0');
    }
    return *s > 0 && *s <= BAN_MAX_S;
}

static bool may_ban(struct bd_control *control, const struct bd_ip *source)
{
    bd_control_reading(control);
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    bool may = !policy || bd_policy_may_ban(policy, source);
    bd_control_done_reading(control);
    return may;
}

void bd_command_ban(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct bd_control *control = bd_answer_control(answer);
    struct bd_ip source;
    uint32_t seconds = BAN_DEFAULT_S;
    if (!bd_ip_parse(args[0], &source)) {
        bd_answer_error(answer, "'%.*s' is no IP address", BD_STR_ARG(args[0]));
    } else if (cnt > 1 && !read_seconds(args[1], &seconds)) {
        bd_answer_error(answer, "'%.*s' is no time: 1..%d seconds", BD_STR_ARG(args[1]), BAN_MAX_S);
    } else if (!may_ban(control, &source)) {
        bd_answer_error(answer, "limits.never_ban or limits.allow covers %.*s",
                        BD_STR_ARG(args[0]));
    } else {
        bd_ban_put(&control->arena, &source, now_s(), seconds, BD_BAN_OPERATOR);
        bd_log(BD_LOG_NOTICE, "%.*s is banned for %u s at least", BD_STR_ARG(args[0]), seconds);
        bd_answer_done(answer, "banned for %u s at least%s", seconds,
                       control->config->bans_enforced ? ""
                                                      : ", which is only counted: bans: count");
    }
}

/* What it was banned for is forgotten, or its next wrong password would ban it again. */
static bool unban(const struct bd_control *control, const struct bd_ip *source)
{
    bd_limits_forgive(&control->arena, source);
    return bd_ban_remove(&control->arena, source, now_s());
}

static unsigned remove_all(const struct bd_control *control)
{
    struct bd_ban ban;
    unsigned removed = 0;
    for (unsigned i = 0; i < BD_BANS_MAX; i++) {
        if (bd_ban_at(&control->arena, i, now_s(), &ban))
            removed += unban(control, &ban.source.ip);
    }
    return removed;
}

void bd_command_unban(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    const struct bd_control *control = bd_answer_control(answer);
    struct bd_ip source;
    if (bd_word_is(args[0], "all"))
        bd_answer_done(answer, "%u no longer banned", remove_all(control));
    else if (!bd_ip_parse(args[0], &source))
        bd_answer_error(answer, "'%.*s' is no IP address", BD_STR_ARG(args[0]));
    else if (unban(control, &source))
        bd_answer_done(answer, "no longer banned");
    else
        bd_answer_error(answer, "it is not banned");
}
