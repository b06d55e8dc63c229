/* SPDX-License-Identifier: BSD-3-Clause */
/* "unknown key, did you mean ...?" */
#include "load.h"

#define NAME_MAX_LEN 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits (insert, remove, exchange a letter) that make one word the other. */
static unsigned edit_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    unsigned row[NAME_MAX_LEN + 1];
    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned above = row[j];
            bool same = bd_lower(a[i - 1]) == bd_lower(b[j - 1]);
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + !same);
            diagonal = above;
        }
    }
    return row[b_len];
}

struct nearest {
    const char *key, *name;
    unsigned distance;
};

static void consider(struct nearest *best, const char *name)
{
    unsigned distance = edit_distance(best->key, name);
    if (distance < best->distance)
        *best = (struct nearest){best->key, name, distance};
}

static void consider_row(const struct bd_group *group, const struct bd_row *row, void *base,
                         void *arg)
{
    consider(arg, row->name);
}

/* The section that has a key of just this name. */
static const struct bd_section *home_of(const char *key)
{
    for (unsigned i = 0; i < bd_section_cnt; i++) {
        struct nearest best = {.key = key, .distance = 1};
        if (bd_sections[i].shape != BD_SHAPE_ROW)
            bd_rows_visit(&bd_sections[i], NULL, consider_row, &best);
        if (best.name)
            return &bd_sections[i];
    }
    return NULL;
}

void bd_unknown_report(struct bd_errors *errors, const struct bd_section *section,
                       const struct bd_node *node, const char *path)
{
    struct nearest best = {.key = node->key, .distance = 1 + (unsigned)strlen(node->key) / 3};
    if (section)
        bd_rows_visit(section, NULL, consider_row, &best);
    for (unsigned i = 0; !section && i < bd_section_cnt; i++)
        consider(&best, bd_sections[i].name);
    const struct bd_section *home = home_of(node->key);
    if (best.name)
        bd_errors_add(errors, node->line, node->col, path, "unknown key, did you mean %s?",
                      best.name);
    else if (home)
        bd_errors_add(errors, node->line, node->col, path,
                      "unknown key, it belongs under %s:", home->name);
    else
        bd_errors_add(errors, node->line, node->col, path,
                      "unknown key; docs/configuration.md lists all");
}
