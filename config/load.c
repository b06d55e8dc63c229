/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "load.h"

/* Far above any file that an operator writes; a device or a core dump ends here. */
#define FILE_FIRST (16U << 10)
#define FILE_MAX   (8U << 20)

struct reader {
    struct bd_errors *errors;
    struct bd_node *registrar; /* where domains look for what they leave out */
    struct bd_node *map;       /* being read; NULL: absent, all defaults */
    unsigned line, col;        /* where a missing key is reported */
    const char *path;
};

static void report_missing(struct reader *r, const struct bd_row *row, const char *path)
{
    char *allowed = bd_row_allowed(row);
    bd_errors_add(r->errors, r->line, r->col, path, "missing, must be %s%s",
                  row->kind->list ? "a list of " : "", allowed);
    free(allowed);
}

static void read_row(const struct bd_group *group, const struct bd_row *row, void *base, void *arg)
{
    struct reader *r = arg;
    char path[BD_PATH_MAX];
    bd_path_key(path, r->path, row->name);
    struct bd_node *node = bd_tree_get(r->map, row->name);
    if (!node && group->inherited)
        node = bd_tree_get(r->registrar, row->name);
    if (node && !node->bad)
        bd_value_read(r->errors, row, node, path, base);
    else if (!node && row->required)
        report_missing(r, row, path);
    else if (!node)
        bd_value_fall_back(row, base);
}

struct search {
    const char *name;
    bool found;
};

static void match_row(const struct bd_group *group, const struct bd_row *row, void *base, void *arg)
{
    struct search *s = arg;
    s->found |= strcmp(row->name, s->name) == 0;
}

static void report_unknown(struct reader *r, const struct bd_section *section)
{
    for (struct bd_node *node = r->map ? r->map->first : NULL; node; node = node->next) {
        struct search s = {.name = node->key};
        char path[BD_PATH_MAX];
        bd_rows_visit(section, NULL, match_row, &s);
        bd_path_key(path, r->path, node->key);
        if (!s.found && !node->bad)
            bd_unknown_report(r->errors, section, node, path);
    }
}

/* Reads one map of a section. A value that is no map gets its error and no others. */
static void read_map(struct reader *r, const struct bd_section *section, struct bd_node *map,
                     const char *path, void *item)
{
    if (map && bd_node_is_nothing(map) && section->shape == BD_SHAPE_MAP)
        map = NULL; /* a section with all its keys commented out */
    if (map && map->kind != BD_NODE_MAP) {
        if (!map->bad)
            bd_errors_add(r->errors, map->line, map->col, path, "must be a map of keys, as %s: ...",
                          section->groups[0].rows[0].name);
        map->bad = true;
        return;
    }
    r->map = map;
    r->path = path;
    r->line = map ? map->line : 1;
    r->col = map ? map->col : 1;
    bd_rows_visit(section, item, read_row, r);
    report_unknown(r, section);
}

static void read_maps(struct reader *r, const struct bd_section *section, struct bd_node *list,
                      void *base)
{
    unsigned cnt = list && list->kind == BD_NODE_LIST ? list->child_cnt : 0;
    if (section->optional &&
        (!list || (list->kind == BD_NODE_LIST && cnt == 0) || bd_node_is_nothing(list)))
        return;
    if (cnt == 0 || cnt > section->item_max) {
        if (!list || !list->bad)
            bd_errors_add(r->errors, list ? list->line : 1, list ? list->col : 1, section->name,
                          "%smust be a list of 1..%u maps, each beginning with '- %s: ...'",
                          list ? "" : "missing, ", section->item_max,
                          section->groups[0].rows[0].name);
        return;
    }
    char *items = bd_need_zeroed(cnt, section->item_sz);
    *(void **)((char *)base + section->items_off) = items;
    *(unsigned *)((char *)base + section->item_cnt_off) = cnt;
    struct bd_node *node = list->first;
    for (unsigned i = 0; i < cnt; i++, node = node->next) {
        char path[BD_PATH_MAX];
        bd_path_item(path, section->name, i);
        read_map(r, section, node, path, items + i * section->item_sz);
    }
}

void bd_section_read(void *base, const struct bd_section *section, struct bd_node *node,
                     struct bd_errors *errors)
{
    struct reader r = {.errors = errors};
    if (section->shape == BD_SHAPE_MAPS)
        read_maps(&r, section, node, base);
    else
        read_map(&r, section, node, section->name, base);
}

void bd_config_read(struct bd_config *config, const struct bd_node *root, struct bd_errors *errors)
{
    struct reader r = {.errors = errors, .registrar = bd_tree_get(root, "registrar")};
    struct bd_node top = *root;
    for (unsigned i = 0; i < bd_section_cnt; i++) {
        const struct bd_section *section = &bd_sections[i];
        struct bd_node *node = bd_tree_get(root, section->name);
        if (section->shape == BD_SHAPE_MAPS) {
            read_maps(&r, section, node, config);
        } else if (section->shape == BD_SHAPE_MAP) {
            read_map(&r, section, node, section->name, config);
        } else {
            r.map = &top;
            r.path = "";
            r.line = r.col = 1;
            bd_rows_visit(section, config, read_row, &r);
        }
    }
    for (struct bd_node *node = root->first; node; node = node->next) {
        bool known = false;
        for (unsigned i = 0; i < bd_section_cnt; i++)
            known |= strcmp(bd_sections[i].name, node->key) == 0;
        char path[BD_PATH_MAX];
        bd_path_key(path, "", node->key);
        if (!known && !node->bad)
            bd_unknown_report(errors, NULL, node, path);
    }
}

char *bd_file_read(const char *file, size_t *len)
{
    FILE *in = fopen(file, "re");
    if (!in)
        return NULL;
    char *text = NULL;
    size_t room = 0;
    *len = 0;
    errno = 0;
    do {
        room = room ? room * 2 : FILE_FIRST;
        text = bd_need_resized(text, room, 1);
        *len += fread(text + *len, 1, room - *len, in);
    } while (*len == room && room < FILE_MAX);
    int failed = ferror(in) ? errno : *len == FILE_MAX ? EFBIG : 0;
    fclose(in);
    if (!failed)
        return text;
    free(text);
    errno = failed;
    return NULL;
}

/* What follows from the keys: a realm for each domain, places for later messages. */
static void complete(struct bd_config *config, const struct bd_node *root)
{
    const struct bd_node *domains = bd_tree_get(root, "domains");
    const struct bd_node *node = domains ? domains->first : NULL;
    for (unsigned i = 0; node && i < config->domain_cnt; i++, node = node->next) {
        struct bd_config_domain *domain = &config->domains[i];
        domain->line = node->line;
        /* "*" without a realm has one for each host. */
        if (!domain->realm && domain->name && strcmp(domain->name, "*") != 0)
            domain->realm = bd_need_text(domain->name, strlen(domain->name));
        domain->is_default = domain->name && config->default_domain &&
                             strcasecmp(domain->name, config->default_domain) == 0;
    }
}

/* Of the file itself, and of those that it names. */
struct all_errors {
    struct bd_errors own, rules, allow, deny;
};

static void load_tree(struct bd_config *config, const struct bd_node *root, struct all_errors *all)
{
    struct bd_errors *errors = &all->own;
    if (root->kind != BD_NODE_MAP) {
        bd_errors_add(errors, root->line, root->col, "yaml",
                      "the file must be a map of sections, as listen: [...]");
        return;
    }
    bd_config_read(config, root, errors);
    bd_secrets_read(config, root, errors);
    complete(config, root);
    struct bd_check check = {config, root, errors};
    bd_check_ports(&check);
    bd_check_domains(&check);
    bd_check_bulk(&check);
    bd_rules_read(config, root, errors, &all->rules);
    bd_prefixes_read(config, root, errors, &all->allow, &all->deny);
}

static bool flush(struct all_errors *all, const struct bd_config *config, FILE *out)
{
    bool ok = all->own.cnt + all->rules.cnt + all->allow.cnt + all->deny.cnt == 0;
    bd_errors_flush(&all->own, config->file, out);
    if (all->rules.cnt)
        bd_errors_flush(&all->rules, config->screening_rules, out);
    if (all->allow.cnt)
        bd_errors_flush(&all->allow, config->allow.file, out);
    if (all->deny.cnt)
        bd_errors_flush(&all->deny, config->deny.file, out);
    return ok;
}

struct bd_config *bd_config_load(const char *file, FILE *out)
{
    size_t len;
    char *text = bd_file_read(file, &len);
    if (!text) {
        fprintf(out, "%s: cannot be read: %s\n", file, strerror(errno));
        return NULL;
    }
    struct all_errors errors = {0};
    struct bd_config *config = bd_need_zeroed(1, sizeof(*config));
    config->file = bd_need_text(file, strlen(file));
    struct bd_node *root = bd_tree_parse(text, len, &errors.own);
    if (root && !errors.own.cut)
        load_tree(config, root, &errors);
    else if (!errors.own.cnt)
        bd_errors_add(&errors.own, 1, 1, "yaml", "the file is empty; see configs/bindery.yaml");
    bd_tree_free(root);
    explicit_bzero(text, len);
    free(text);
    if (flush(&errors, config, out))
        return config;
    bd_config_free(config);
    return NULL;
}

static void release_row(const struct bd_group *group, const struct bd_row *row, void *base,
                        void *arg)
{
    row->kind->release(row, base);
}

void bd_config_free(struct bd_config *config)
{
    if (!config)
        return;
    for (unsigned s = 0; s < bd_section_cnt; s++) {
        const struct bd_section *section = &bd_sections[s];
        if (section->shape != BD_SHAPE_MAPS) {
            bd_rows_visit(section, config, release_row, NULL);
            continue;
        }
        unsigned cnt;
        char *items = bd_section_items(section, config, &cnt);
        for (unsigned i = 0; i < cnt; i++)
            bd_rows_visit(section, items + i * section->item_sz, release_row, NULL);
        free(items);
    }
    bd_rules_free(config);
    bd_prefixes_free(config);
    free(config->file);
    free(config);
}

int bd_config_check_main(const char *file)
{
    struct bd_config *config = bd_config_load(file, stderr);
    if (!config)
        return EXIT_FAILURE;
    printf("%s: ok\n", file);
    bd_config_free(config);
    return EXIT_SUCCESS;
}
