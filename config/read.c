/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes into fields. */
#include <stdlib.h>

#include "load.h"

#define GOT_MAX 48

bool bd_node_is_nothing(const struct bd_node *node)
{
    if (node->kind != BD_NODE_SCALAR || node->quoted)
        return false;
    struct bd_str text = bd_node_text(node);
    return text.len == 0 || bd_str_eq(text, BD_STR("~")) || bd_str_eq_nocase(text, BD_STR("null"));
}

/* What stands there, short and printable. */
static void describe_node(const struct bd_row *row, const struct bd_node *node, char *out,
                          size_t out_sz)
{
    if (node->kind == BD_NODE_MAP || node->kind == BD_NODE_LIST) {
        snprintf(out, out_sz, "a %s", node->kind == BD_NODE_MAP ? "map" : "list");
    } else if (bd_node_is_nothing(node)) {
        snprintf(out, out_sz, "nothing");
    } else if (row->secret) {
        snprintf(out, out_sz, "%u characters", node->text_len);
    } else {
        const char *quote = node->quoted || node->text_len == 0 ? "\"" : "";
        snprintf(out, out_sz, "%s%.*s%s%s%s", quote, GOT_MAX, node->text,
                 node->text_len > GOT_MAX ? "..." : "", quote,
                 node->quoted && row->kind->plain ? ", remove the quotes" : "");
    }
    for (char *p = out; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    }
}

char *bd_row_allowed(const struct bd_row *row)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return bd_need_text("?", 1);
    row->kind->allowed(row, out);
    fclose(out);
    return text;
}

void bd_value_refuse(struct bd_errors *errors, const struct bd_row *row, struct bd_node *node,
                     const char *path)
{
    char got[2 * GOT_MAX];
    describe_node(row, node, got, sizeof(got));
    char *allowed = bd_row_allowed(row);
    bd_errors_add(errors, node->line, node->col, path, "must be %s, got %s", allowed, got);
    free(allowed);
    node->bad = true;
}

static enum bd_value_rc read_scalar(struct bd_errors *errors, const struct bd_row *row,
                                    struct bd_node *node, const char *path, void *base)
{
    enum bd_value_rc rc = BD_VALUE_REFUSED;
    if (node->kind == BD_NODE_SCALAR && !bd_node_is_nothing(node) &&
        !(node->quoted && row->kind->plain))
        rc = row->kind->parse(row, bd_node_text(node), base);
    if (rc == BD_VALUE_REFUSED)
        bd_value_refuse(errors, row, node, path);
    return rc;
}

static void report(struct bd_errors *errors, struct bd_node *node, const char *path,
                   const char *what, uint64_t n)
{
    bd_errors_add(errors, node->line, node->col, path, what, (unsigned)n);
    node->bad = true;
}

static void read_list(struct bd_errors *errors, const struct bd_row *row, struct bd_node *node,
                      const char *path, void *base)
{
    if (node->kind != BD_NODE_LIST) {
        char got[2 * GOT_MAX];
        describe_node(row, node, got, sizeof(got));
        bd_errors_add(errors, node->line, node->col, path, "must be a list, [a, b], got %s", got);
        node->bad = true;
        return;
    }
    if (node->child_cnt < row->min)
        report(errors, node, path, "must be a list of at least %u", row->min);
    if (node->child_cnt > row->max)
        report(errors, node, path, "must be a list of at most %u", row->max);
    unsigned i = 0;
    for (struct bd_node *item = node->first; item && i < row->max; item = item->next, i++) {
        char item_path[BD_PATH_MAX];
        bd_path_item(item_path, path, i);
        if (item->bad)
            continue;
        if (read_scalar(errors, row, item, item_path, base) == BD_VALUE_TWICE)
            report(errors, item, item_path, "stands twice in the list; remove one", 0);
    }
}

void bd_value_read(struct bd_errors *errors, const struct bd_row *row, struct bd_node *node,
                   const char *path, void *base)
{
    if (row->kind->list)
        read_list(errors, row, node, path, base);
    else
        read_scalar(errors, row, node, path, base);
}

void bd_value_fall_back(const struct bd_row *row, void *base)
{
    if (!row->fallback)
        return;
    struct bd_str rest = bd_str_from(row->fallback);
    while (row->kind->list) {
        const char *comma = memchr(rest.p, ',', rest.len);
        struct bd_str item = {rest.p, comma ? (uint32_t)(comma - rest.p) : rest.len};
        row->kind->parse(row, item, base);
        if (!comma)
            return;
        rest = bd_str_from(comma + 2);
    }
    row->kind->parse(row, rest, base);
}

struct bd_node *bd_tree_good_at(const struct bd_node *list, unsigned i, unsigned *index)
{
    unsigned at = 0;
    struct bd_node *item = list && list->kind == BD_NODE_LIST ? list->first : NULL;
    for (; item; item = item->next, at++) {
        if (!item->bad && i-- == 0)
            break;
    }
    *index = at;
    return item;
}
