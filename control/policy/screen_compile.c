/* SPDX-License-Identifier: BSD-3-Clause */
#include "screen_compile.h"

#include <hs.h>
#include <stdlib.h>

#include "scratch.h"

/* The rules of one field, as Hyperscan takes them. */
struct patterns {
    const char **text;
    unsigned *flags, *ids;
    unsigned cnt;
};

/* The blob under way. */
struct builder {
    char *out; /* BD_SCREEN_MAX bytes */
    uint64_t used;
};

/* --- patterns --------------------------------------------------------------------------------- */

static void patterns_free(struct patterns *p)
{
    free(p->text);
    free(p->flags);
    free(p->ids);
}

static int patterns_make(const struct bd_config *config, unsigned field, struct patterns *p,
                         struct bd_error *error)
{
    *p = (struct patterns){.text = calloc(config->rule_cnt, sizeof(*p->text)),
                           .flags = calloc(config->rule_cnt, sizeof(*p->flags)),
                           .ids = calloc(config->rule_cnt, sizeof(*p->ids))};
    if (!p->text || !p->flags || !p->ids) {
        patterns_free(p);
        return bd_fail(error, "screening: out of memory");
    }
    for (unsigned i = 0; i < config->rule_cnt; i++) {
        const struct bd_config_rule *rule = &config->rules[i];
        if (rule->field != (int)field)
            continue;
        p->text[p->cnt] = rule->pattern;
        p->flags[p->cnt] =
            HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH | (rule->caseless ? HS_FLAG_CASELESS : 0);
        p->ids[p->cnt++] = i;
    }
    return 0;
}

/* False with a message that the caller frees (or NULL: no memory) when one pattern is not taken. */
static bool is_taken(const struct patterns *p, unsigned i, hs_compile_error_t **why)
{
    hs_database_t *database = NULL;
    hs_error_t rc = hs_compile(p->text[i], p->flags[i], HS_MODE_BLOCK, NULL, &database, why);
    hs_free_database(database);
    return rc == HS_SUCCESS;
}

/* Says which patterns are to blame: the first in full, the others by their number. */
static int blame(const struct bd_config *config, const struct patterns *p, const char *together,
                 struct bd_error *error)
{
    char first[BD_SCREEN_PATTERN_MAX];
    unsigned bad = 0;
    for (unsigned i = 0; i < p->cnt; i++) {
        hs_compile_error_t *why = NULL;
        if (is_taken(p, i, &why))
            continue;
        const struct bd_config_rule *rule = &config->rules[p->ids[i]];
        if (bad++ == 0)
            snprintf(first, sizeof(first), "%s:%u:%u rules[%u].pattern: %s",
                     config->screening_rules, rule->line, rule->col, p->ids[i],
                     why ? why->message : "out of memory");
        hs_free_compile_error(why);
    }
    if (bad == 0)
        return bd_fail(error, "%s: the patterns of a field together: %s", config->screening_rules,
                       together);
    if (bad == 1)
        return bd_fail(error, "%s", first);
    return bd_fail(error, "%s (and %u more patterns of %s are not taken)", first, bad - 1,
                   bd_screen_field_word[config->rules[p->ids[0]].field]);
}

/* *database stays NULL when no rule names the field. */
static int compile_field(const struct bd_config *config, unsigned field, hs_database_t **database,
                         struct bd_error *error)
{
    struct patterns p;
    *database = NULL;
    if (patterns_make(config, field, &p, error) < 0)
        return -1;
    hs_compile_error_t *why = NULL;
    int rc = 0;
    if (p.cnt && hs_compile_multi(p.text, p.flags, p.ids, p.cnt, HS_MODE_BLOCK, NULL, database,
                                  &why) != HS_SUCCESS)
        rc = blame(config, &p, why ? why->message : "out of memory", error);
    hs_free_compile_error(why);
    patterns_free(&p);
    return rc;
}

/* --- the blob --------------------------------------------------------------------------------- */

static int too_large(const struct bd_config *config, struct bd_error *error)
{
    return bd_fail(error,
                   "%s: the compiled rules take more than %u MiB; use fewer or plainer patterns",
                   config->screening_rules, BD_SCREEN_MAX >> 20);
}

/* Unpacks a database at the end of the blob. */
static int put_database(struct builder *b, const struct bd_config *config,
                        const hs_database_t *database, struct bd_error *error)
{
    char *packed = NULL;
    size_t packed_sz, size;
    if (hs_serialize_database(database, &packed, &packed_sz) != HS_SUCCESS ||
        hs_serialized_database_size(packed, packed_sz, &size) != HS_SUCCESS) {
        free(packed);
        return bd_fail(error, "screening: out of memory");
    }
    bool fits = size <= BD_SCREEN_MAX - BD_SCREEN_ALIGN - b->used;
    hs_error_t rc = HS_SUCCESS;
    if (fits)
        rc = hs_deserialize_database_at(packed, packed_sz, (hs_database_t *)(b->out + b->used));
    free(packed);
    if (!fits)
        return too_large(config, error);
    if (rc != HS_SUCCESS)
        return bd_fail(error, "screening: Hyperscan cannot unpack its own database (error %d)", rc);
    b->used = bd_screen_align(b->used + size);
    return 0;
}

/* Unkeyed: the same rules have the same identity after a restart. */
static uint64_t identity_of(const struct bd_config_rule *rule)
{
    struct bd_hash_key key;
    bd_hash_key_init(&key, 0);
    const uint64_t part[] = {bd_hash64(&key, rule->pattern, strlen(rule->pattern)),
                             (uint64_t)rule->field << 32 | rule->caseless,
                             (uint64_t)rule->action.what << 32 | rule->action.code,
                             rule->action.seconds};
    return bd_hash64(&key, part, sizeof(part));
}

/* Of all rules in their order, and of the Hyperscan that compiles them. */
static uint64_t identity_of_all(const struct bd_config *config)
{
    const char *version = hs_version();
    struct bd_hash_key key;
    bd_hash_key_init(&key, 0);
    uint64_t part[2] = {bd_hash64(&key, version, strlen(version))};
    for (unsigned i = 0; i < config->rule_cnt; i++) {
        part[1] = identity_of(&config->rules[i]);
        part[0] = bd_hash64(&key, part, sizeof(part));
    }
    return part[0];
}

static void put_rules(struct bd_screen *screen, const struct bd_config *config,
                      const struct bd_arena *arena, const struct bd_screen *former)
{
    struct bd_screen_rule *rules = (struct bd_screen_rule *)(screen + 1);
    screen->identity = identity_of_all(config);
    screen->rule_cnt = config->rule_cnt;
    for (unsigned i = 0; i < config->rule_cnt; i++) {
        const struct bd_config_action *action = &config->rules[i].action;
        rules[i] = (struct bd_screen_rule){.identity = identity_of(&config->rules[i]),
                                           .seconds = action->seconds,
                                           .code = (uint16_t)action->code,
                                           .action = (uint8_t)action->what};
    }
    bd_screen_assign_cells(arena, former, rules, config->rule_cnt);
}

static int put_databases(struct builder *b, const struct bd_config *config, struct bd_error *error)
{
    struct bd_screen *screen = (struct bd_screen *)b->out;
    for (unsigned f = 0; f < BD_SCREEN_FIELD_CNT; f++) {
        hs_database_t *database;
        if (compile_field(config, f, &database, error) < 0)
            return -1;
        if (!database)
            continue;
        screen->database_off[f] = (uint32_t)b->used;
        int rc = put_database(b, config, database, error);
        hs_free_database(database);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Whether workers, who have so much and no more, will be able to scan. */
static int check_scratch(const struct bd_config *config, const struct bd_screen *screen,
                         struct bd_error *error)
{
    struct bd_scratch scratch = {.memory = aligned_alloc(BD_SCREEN_ALIGN, BD_SCREEN_SCRATCH_MAX)};
    if (!scratch.memory)
        return bd_fail(error, "screening: out of memory");
    bd_scratch_init();
    bool fits = bd_scratch_make(&scratch, screen) != NULL;
    free(scratch.memory);
    if (fits)
        return 0;
    return bd_fail(error,
                   "%s: scanning for these patterns wants more than %u KiB of a worker; use fewer "
                   "or plainer ones",
                   config->screening_rules, BD_SCREEN_SCRATCH_MAX >> 10);
}

static int build(struct builder *b, const struct bd_config *config, const struct bd_arena *arena,
                 const struct bd_screen *former, struct bd_error *error)
{
    struct bd_screen *head = (struct bd_screen *)b->out;
    b->used = bd_screen_align(sizeof(*head) + config->rule_cnt * sizeof(struct bd_screen_rule));
    memset(b->out, 0, BD_SCREEN_MAX);
    put_rules(head, config, arena, former);
    if (put_databases(b, config, error) < 0)
        return -1;
    return check_scratch(config, head, error);
}

int bd_screen_compile(const struct bd_arena *arena, const struct bd_config *config, void **screen,
                      uint32_t *size, struct bd_error *error)
{
    *screen = NULL;
    *size = 0;
    if (config->rule_cnt == 0)
        return 0;
    struct builder b = {.out = aligned_alloc(BD_SCREEN_ALIGN, BD_SCREEN_MAX)};
    if (!b.out)
        return bd_fail(error, "screening: out of memory");
    const struct bd_policy *policy = bd_policy_current(arena);
    const struct bd_screen *former = policy ? bd_policy_screen(policy) : NULL;
    if (former && former->identity == identity_of_all(config)) {
        b.used = policy->size - policy->screen_off; /* it is the last part */
        memcpy(b.out, former, b.used);
    } else if (build(&b, config, arena, former, error) < 0) {
        free(b.out);
        return -1;
    }
    *screen = b.out;
    *size = (uint32_t)b.used;
    return 0;
}

int bd_screen_check(const struct bd_config *config, struct bd_error *error)
{
    for (unsigned f = 0; config->rule_cnt && f < BD_SCREEN_FIELD_CNT; f++) {
        hs_database_t *database;
        if (compile_field(config, f, &database, error) < 0)
            return -1;
        hs_free_database(database);
    }
    return 0;
}
