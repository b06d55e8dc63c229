/* SPDX-License-Identifier: BSD-3-Clause */
/* The screening rules: a file of their own, a list of maps.
 *
 *   - field: user_agent
 *     pattern: '^friendly-scanner'
 *     action: ban 3600
 *     comment: SIPVicious */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>

#include "load.h"

#define BAN_MAX_S    31536000
#define COMMENT_MAX  200
#define FIELD(field) .off = offsetof(struct bd_config_rule, field)

/* --- action ----------------------------------------------------------------------------------- */

/* The number behind the word, of `digits_max` digits at most; false when it is none. */
static bool number_behind(struct bd_str text, uint32_t word_len, uint32_t digits_max, uint32_t *n)
{
    if (text.len < word_len + 2 || text.len > word_len + 1 + digits_max || text.p[word_len] != ' ')
        return false;
    *n = 0;
    for (uint32_t i = word_len + 1; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || (*n == 0 && text.p[i] == '0'))
            return false;
        *n = *n * 10 + (uint32_t)(text.p[i] - '0');
    }
    return true;
}

/* A final answer that refuses, without a header field of its own as 401, 405 or 423 have. */
static bool is_refusal(uint32_t code)
{
    static const uint16_t codes[] = {400, 403, 404, 406, 410, 480, 484, 486,
                                     488, 500, 501, 503, 600, 603, 604, 606};
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

static bool takes_number(struct bd_str text, struct bd_config_action *action)
{
    switch (action->what) {
    case BD_SCREEN_REJECT:
        return number_behind(text, 6, 3, &action->code) && is_refusal(action->code);
    case BD_SCREEN_BAN:
        return number_behind(text, 3, 8, &action->seconds) && action->seconds <= BAN_MAX_S;
    default:
        return text.len == strlen(bd_screen_action_word[action->what]);
    }
}

static enum bd_value_rc action_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    const char *space = memchr(text.p, ' ', text.len);
    struct bd_str word = {text.p, space ? (uint32_t)(space - text.p) : text.len};
    struct bd_config_action action = {0};
    for (unsigned i = 0; i < BD_SCREEN_ACTION_CNT; i++) {
        action.what = (enum bd_screen_action)i;
        if (!bd_str_eq(word, bd_str_from(bd_screen_action_word[i])))
            continue;
        if (!takes_number(text, &action))
            break;
        *(struct bd_config_action *)bd_row_field(row, base) = action;
        return BD_VALUE_OK;
    }
    return BD_VALUE_REFUSED;
}

static void action_allowed(const struct bd_row *row, FILE *out)
{
    fprintf(out,
            "drop, count, ban SECONDS (1..%u), or reject CODE (400, 403, 404, 406, 410, 480, "
            "484, 486, 488, 500, 501, 503, 600, 603, 604 or 606)",
            BAN_MAX_S);
}

static const struct bd_kind kind_action = {.name = "action",
                                           .parse = action_parse,
                                           .release = bd_release_nothing,
                                           .allowed = action_allowed};

/* --- the file --------------------------------------------------------------------------------- */

static const struct bd_choice truth_words[] = {{"true", true}, {"false", false}, {NULL, 0}};
static const struct bd_choice field_words[] = {
#define X(name, word) {word, BD_SCREEN_##name},
    BD_SCREEN_FIELDS(X)
#undef X
        {NULL, 0}};

static const struct bd_row rule_rows[] = {
    {"field", &bd_kind_choice, FIELD(field), .required = true, .choices = field_words},
    {"pattern", &bd_kind_text, FIELD(pattern), .required = true, .min = 1,
     .max = BD_SCREEN_PATTERN_MAX, .form = &bd_form_value},
    {"caseless", &bd_kind_truth, FIELD(caseless), .fallback = "true", .choices = truth_words},
    {"action", &kind_action, FIELD(action), .required = true},
    {"comment", &bd_kind_text, FIELD(comment), .min = 1, .max = COMMENT_MAX,
     .form = &bd_form_value},
};
static const struct bd_group rule_groups[] = {
    {rule_rows, sizeof(rule_rows) / sizeof(rule_rows[0])}};
static const struct bd_section section = {"rules",
                                          BD_SHAPE_MAPS,
                                          rule_groups,
                                          1,
                                          .item_sz = sizeof(struct bd_config_rule),
                                          .items_off = offsetof(struct bd_config, rules),
                                          .item_cnt_off = offsetof(struct bd_config, rule_cnt),
                                          .item_max = BD_SCREEN_RULES_MAX,
                                          .optional = true};

static bool same(const struct bd_config_rule *a, const struct bd_config_rule *b)
{
    return a->field == b->field && a->caseless == b->caseless && a->pattern && b->pattern &&
           strcmp(a->pattern, b->pattern) == 0;
}

/* What no key tells alone: where each pattern stands, and that none stands twice. */
static void complete(struct bd_config *config, const struct bd_node *list, struct bd_errors *errors)
{
    const struct bd_node *node = list->first;
    for (unsigned i = 0; i < config->rule_cnt; i++, node = node->next) {
        struct bd_config_rule *rule = &config->rules[i];
        const struct bd_node *pattern = bd_tree_get(node, "pattern");
        rule->line = pattern ? pattern->line : node->line;
        rule->col = pattern ? pattern->col : node->col;
        for (unsigned before = 0; before < i; before++) {
            if (!same(rule, &config->rules[before]))
                continue;
            char path[BD_PATH_MAX];
            bd_path_item(path, section.name, i);
            bd_errors_add(errors, rule->line, rule->col, path,
                          "the same field and pattern as rules[%u]; remove one", before);
            break;
        }
    }
}

static void read_text(struct bd_config *config, const char *text, size_t len,
                      struct bd_errors *errors)
{
    struct bd_node *list = bd_tree_parse(text, len, errors);
    if (list && !errors->cut) {
        bd_section_read(config, &section, list, errors);
        complete(config, list, errors);
    }
    bd_tree_free(list);
}

void bd_path_resolve(const struct bd_config *config, char **path)
{
    char *folder = realpath(config->file, NULL);
    if ((*path)[0] != '/' && folder) {
        char *whole = NULL;
        if (asprintf(&whole, "%s/%s", dirname(folder), *path) > 0) {
            free(*path);
            *path = whole;
        }
    }
    free(folder);
}

void bd_rules_read(struct bd_config *config, const struct bd_node *root, struct bd_errors *errors,
                   struct bd_errors *rule_errors)
{
    if (!config->screening_rules)
        return;
    bd_path_resolve(config, &config->screening_rules);
    size_t len;
    char *text = bd_file_read(config->screening_rules, &len);
    if (!text) {
        const struct bd_node *node = bd_tree_get(bd_tree_get(root, "screening"), "rules");
        bd_errors_add(errors, node->line, node->col, "screening.rules", "%s cannot be read: %s",
                      config->screening_rules, strerror(errno));
        return;
    }
    read_text(config, text, len, rule_errors);
    free(text);
}

static void release_row(const struct bd_group *group, const struct bd_row *row, void *base,
                        void *arg)
{
    row->kind->release(row, base);
}

void bd_rules_free(struct bd_config *config)
{
    for (unsigned i = 0; i < config->rule_cnt; i++)
        bd_rows_visit(&section, &config->rules[i], release_row, NULL);
    free(config->rules);
}
