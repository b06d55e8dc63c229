/* SPDX-License-Identifier: BSD-3-Clause */
/* Domains: names that clash, limits that cross, the default domain; and the control sockets. */
#include <stdlib.h>

#include "load.h"

/* A name or alias as it is looked up: addresses by value, names without case. */
struct served {
    char key[BD_DOMAIN_NAME_MAX + 1];
    struct bd_node *node;
    char path[BD_PATH_MAX];
};

static void served_set(struct served *s, const char *name, struct bd_node *node)
{
    struct bd_ip ip;
    s->node = node;
    if (bd_ip_parse(bd_str_from(name), &ip)) {
        bd_ip_format(&ip, s->key);
        return;
    }
    snprintf(s->key, sizeof(s->key), "%s", name);
    for (char *p = s->key; *p; p++)
        *p = bd_lower(*p);
}

/* Equal names stand together, in the order of the file. */
static int by_key(const void *left, const void *right)
{
    const struct served *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    if (order)
        return order;
    if (a->node->line != b->node->line)
        return a->node->line < b->node->line ? -1 : 1;
    return (a->node->col > b->node->col) - (a->node->col < b->node->col);
}

static unsigned collect(const struct bd_check *check, unsigned d, struct served *out)
{
    const struct bd_config_domain *domain = &check->config->domains[d];
    const struct bd_node *map = bd_tree_at(bd_tree_get(check->root, "domains"), d);
    char map_path[BD_PATH_MAX];
    bd_path_item(map_path, "domains", d);
    unsigned cnt = 0;
    if (domain->name) {
        served_set(&out[cnt], domain->name, bd_tree_get(map, "name"));
        bd_path_key(out[cnt++].path, map_path, "name");
    }
    for (unsigned i = 0; i < domain->alias_cnt; i++) {
        unsigned index;
        struct bd_node *node = bd_tree_good_at(bd_tree_get(map, "aliases"), i, &index);
        char list_path[BD_PATH_MAX];
        bd_path_key(list_path, map_path, "aliases");
        bd_path_item(out[cnt].path, list_path, index);
        served_set(&out[cnt++], domain->aliases[i], node);
    }
    return cnt;
}

static void check_clashes(const struct bd_check *check)
{
    size_t room = 0, cnt = 0;
    for (unsigned d = 0; d < check->config->domain_cnt; d++)
        room += 1U + check->config->domains[d].alias_cnt;
    struct served *all = bd_need_zeroed(room, sizeof(*all));
    for (unsigned d = 0; d < check->config->domain_cnt; d++)
        cnt += collect(check, d, all + cnt);
    qsort(all, cnt, sizeof(*all), by_key);
    for (size_t i = 1; i < cnt; i++) {
        const struct served *s = &all[i], *before = &all[i - 1];
        if (strcmp(s->key, before->key) == 0)
            bd_errors_add(check->errors, s->node->line, s->node->col, s->path,
                          "%s is served already by %s on line %u; remove one", s->key, before->path,
                          before->node->line);
    }
    free(all);
}

/* A key as it is in force: of the map, else of section registrar. */
static const struct bd_node *in_force(const struct bd_check *check, const struct bd_node *map,
                                      const char *key)
{
    const struct bd_node *node = bd_tree_get(map, key);
    return node ? node : bd_tree_get(bd_tree_get(check->root, "registrar"), key);
}

static bool refused(const struct bd_check *check, const struct bd_node *map, const char *key)
{
    const struct bd_node *node = in_force(check, map, key);
    return node && node->bad;
}

struct limits {
    const struct bd_node *map;
    const char *path;
    const struct bd_config_domain *domain;
};

/* Reported at whichever of the two keys stands in this map; where neither does, the registrar's map
 * has the error. */
static void check_pair(const struct bd_check *check, const struct limits *l, const char *low_key,
                       uint32_t low, const char *high_key, uint32_t high)
{
    if (low <= high || refused(check, l->map, low_key) || refused(check, l->map, high_key))
        return;
    bool at_low = bd_tree_get(l->map, low_key) != NULL;
    const char *key = at_low ? low_key : high_key;
    const struct bd_node *node = bd_tree_get(l->map, key);
    if (!node)
        return;
    char path[BD_PATH_MAX];
    bd_path_key(path, l->path, key);
    bd_errors_add(check->errors, node->line, node->col, path,
                  "must be %s %s, which is %u s, got %u", at_low ? "at most" : "at least",
                  at_low ? high_key : low_key, at_low ? high : low, at_low ? low : high);
}

static void check_limits(const struct bd_check *check, const struct limits *l)
{
    const struct bd_config_domain *d = l->domain;
    uint32_t max_s = d->max_expires_s ? d->max_expires_s : UINT32_MAX;
    check_pair(check, l, "min_expires", d->min_expires_s, "max_expires", max_s);
    check_pair(check, l, "default_expires", d->default_expires_s, "max_expires", max_s);
    check_pair(check, l, "min_expires", d->min_expires_s, "default_expires", d->default_expires_s);
}

/* A profile's name is how subscribers are bound to it; bounds of its own must not cross. */
static void check_profile(const struct bd_check *check, unsigned i)
{
    const struct bd_config_profile *p = &check->config->profiles[i];
    const struct bd_node *map = bd_tree_at(bd_tree_get(check->root, "profiles"), i);
    char path[BD_PATH_MAX], key[BD_PATH_MAX];
    bd_path_item(path, "profiles", i);
    if (map->kind != BD_NODE_MAP || !p->name)
        return;
    for (unsigned j = 0; j < i; j++) {
        const struct bd_config_profile *other = &check->config->profiles[j];
        const struct bd_node *node = bd_tree_get(map, "name");
        bd_path_key(key, path, "name");
        if (other->name && strcmp(other->name, p->name) == 0)
            bd_errors_add(check->errors, node->line, node->col, key,
                          "%s is the name of another profile already", p->name);
    }
    const struct bd_node *min = bd_tree_get(map, "min_expires");
    bd_path_key(key, path, "min_expires");
    if (min && p->max_expires_s && p->min_expires_s > p->max_expires_s)
        bd_errors_add(check->errors, min->line, min->col, key,
                      "must be at most max_expires, which is %u s, got %u", p->max_expires_s,
                      p->min_expires_s);
}

static void check_default_domain(const struct bd_check *check)
{
    const struct bd_config *config = check->config;
    const struct bd_node *node =
        bd_tree_get(bd_tree_get(check->root, "registrar"), "default_domain");
    if (!config->default_domain || !node || node->bad)
        return;
    for (unsigned d = 0; d < config->domain_cnt; d++) {
        if (config->domains[d].is_default || !config->domains[d].name)
            return; /* found, or its name was refused */
    }
    if (config->domain_cnt)
        bd_errors_add(check->errors, node->line, node->col, "registrar.default_domain",
                      "must be the name of one of domains, got %s", config->default_domain);
}

static void check_sockets(const struct bd_check *check)
{
    const struct bd_config *c = check->config;
    const struct bd_node *control = bd_tree_get(check->root, "control");
    static const char *const keys[] = {"stats_socket", "stats_socket_user", "stats_socket_admin"};
    const char *const paths[] = {c->stats_socket, c->stats_socket_user, c->stats_socket_admin};
    for (unsigned i = 1; i < 3; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (!paths[i] || !paths[j] || strcmp(paths[i], paths[j]) != 0)
                continue;
            const struct bd_node *node = bd_tree_get(control, keys[i]);
            char path[BD_PATH_MAX];
            bd_path_key(path, "control", keys[i]);
            bd_errors_add(check->errors, node->line, node->col, path,
                          "must differ from control.%s, a socket has one level", keys[j]);
        }
    }
}

void bd_check_domains(const struct bd_check *check)
{
    const struct bd_node *list = bd_tree_get(check->root, "domains");
    struct limits registrar = {bd_tree_get(check->root, "registrar"), "registrar",
                               &check->config->defaults};
    check_limits(check, &registrar);
    for (unsigned d = 0; d < check->config->domain_cnt; d++) {
        char path[BD_PATH_MAX];
        bd_path_item(path, "domains", d);
        struct limits own = {bd_tree_at(list, d), path, &check->config->domains[d]};
        if (own.map->kind == BD_NODE_MAP)
            check_limits(check, &own);
    }
    for (unsigned i = 0; i < check->config->profile_cnt; i++)
        check_profile(check, i);
    check_clashes(check);
    check_default_domain(check);
    check_sockets(check);
}
