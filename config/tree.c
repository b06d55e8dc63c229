/* SPDX-License-Identifier: BSD-3-Clause */
#include "tree.h"

#include <stdlib.h>

#include <yaml.h>

/* The schema is four levels deep; more is a mistake, and the recursion below must end. */
#define DEPTH_MAX 16

struct builder {
    yaml_parser_t yaml;
    struct bd_errors *errors;
    const char *text, *end;
    bool broken; /* the scanner gave up: no more events */
};

static struct bd_node *build(struct builder *b, const yaml_event_t *event, const char *path,
                             unsigned depth);

void bd_path_key(char out[BD_PATH_MAX], const char *parent, const char *key)
{
    snprintf(out, BD_PATH_MAX, "%s%s%.64s", parent, *parent ? "." : "", key);
    for (char *p = out; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    }
}

void bd_path_item(char out[BD_PATH_MAX], const char *parent, unsigned i)
{
    snprintf(out, BD_PATH_MAX, "%s[%u]", parent, i);
}

static unsigned line_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->line + 1;
}

static unsigned col_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->column + 1;
}

static const char *or_yaml(const char *path)
{
    return *path ? path : "yaml";
}

/* The scanner stops at a tab that indents, and does not say so. */
static bool is_tab(const struct builder *b, const yaml_mark_t *mark)
{
    const char *p = b->text;
    for (size_t line = 0; p && line < mark->line; line++) {
        p = memchr(p, '\n', (size_t)(b->end - p));
        p = p ? p + 1 : NULL;
    }
    return p && (size_t)(b->end - p) > mark->column && p[mark->column] == '\t';
}

/* libyaml gives a mark for what the scanner finds, and a byte offset for bad UTF-8. */
static void report_broken(struct builder *b)
{
    const yaml_parser_t *y = &b->yaml;
    unsigned line = line_of(&y->problem_mark), col = col_of(&y->problem_mark);
    if (y->error == YAML_READER_ERROR) {
        line = col = 1;
        for (const char *p = b->text; p < b->text + y->problem_offset; p++) {
            col = *p == '\n' ? 1 : col + 1;
            line += *p == '\n';
        }
    }
    if (y->error == YAML_SCANNER_ERROR && is_tab(b, &y->problem_mark))
        bd_errors_add(b->errors, line, col, "yaml", "a tab stands here, indent by spaces");
    else
        bd_errors_add(b->errors, line, col, "yaml", "%s%s%s", y->problem ? y->problem : "no YAML",
                      y->context ? " " : "", y->context ? y->context : "");
    b->broken = true;
    b->errors->cut = true;
}

static bool next_event(struct builder *b, yaml_event_t *event)
{
    if (b->broken)
        return false;
    if (yaml_parser_parse(&b->yaml, event))
        return true;
    report_broken(b);
    return false;
}

static struct bd_node *node_new(enum bd_node_kind kind, const yaml_event_t *event)
{
    struct bd_node *node = bd_need_zeroed(1, sizeof(*node));
    node->kind = kind;
    node->line = line_of(&event->start_mark);
    node->col = col_of(&event->start_mark);
    return node;
}

static void refuse(struct builder *b, struct bd_node *node, const char *path, const char *what)
{
    bd_errors_add(b->errors, node->line, node->col, or_yaml(path), "%s", what);
    node->bad = true;
}

static void adopt(struct bd_node *parent, struct bd_node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->child_cnt++;
}

static void refuse_extras(struct builder *b, struct bd_node *node, const char *path,
                          const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        refuse(b, node, path, "YAML anchors (&name) are not taken, write the value out");
    if (tag)
        refuse(b, node, path, "YAML tags (!name) are not taken, remove it");
}

static struct bd_node *build_scalar(struct builder *b, const yaml_event_t *event, const char *path)
{
    struct bd_node *node = node_new(BD_NODE_SCALAR, event);
    node->text = bd_need_text((const char *)event->data.scalar.value, event->data.scalar.length);
    node->text_len = (uint32_t)event->data.scalar.length;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    refuse_extras(b, node, path, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(node->text, '\0', node->text_len))
        refuse(b, node, path, "holds a NUL byte, remove it");
    return node;
}

static struct bd_node *build_list(struct builder *b, const yaml_event_t *begin, const char *path,
                                  unsigned depth)
{
    struct bd_node *list = node_new(BD_NODE_LIST, begin);
    refuse_extras(b, list, path, begin->data.sequence_start.anchor, begin->data.sequence_start.tag);
    yaml_event_t event;
    while (next_event(b, &event)) {
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end) {
            char item[BD_PATH_MAX];
            bd_path_item(item, path, list->child_cnt);
            adopt(list, build(b, &event, item, depth + 1));
        }
        yaml_event_delete(&event);
        if (end)
            break;
    }
    return list;
}

/* Reads the value that follows a key and hangs it into the map. */
static void build_member(struct builder *b, struct bd_node *map, const struct bd_node *key,
                         const char *path, unsigned depth)
{
    char member_path[BD_PATH_MAX];
    bd_path_key(member_path, path, key->text ? key->text : "?");
    yaml_event_t event;
    if (!next_event(b, &event))
        return;
    struct bd_node *value = build(b, &event, member_path, depth + 1);
    yaml_event_delete(&event);
    value->line = key->line;
    value->col = key->col;
    if (key->kind != BD_NODE_SCALAR) {
        refuse(b, value, path, "a key must be plain text");
        value->key = bd_need_text("?", 1);
    } else {
        value->key = bd_need_text(key->text ? key->text : "?", key->text ? key->text_len : 1);
    }
    value->bad |= key->bad;
    const struct bd_node *twin = bd_tree_get(map, value->key);
    if (twin && !value->bad) {
        bd_errors_add(b->errors, key->line, key->col, member_path,
                      "stands twice, first on line %u; remove one", twin->line);
        value->bad = true;
    }
    adopt(map, value);
}

static struct bd_node *build_map(struct builder *b, const yaml_event_t *begin, const char *path,
                                 unsigned depth)
{
    struct bd_node *map = node_new(BD_NODE_MAP, begin);
    refuse_extras(b, map, path, begin->data.mapping_start.anchor, begin->data.mapping_start.tag);
    yaml_event_t event;
    while (next_event(b, &event)) {
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end) {
            struct bd_node *key = build(b, &event, path, depth + 1);
            build_member(b, map, key, path, depth);
            bd_tree_free(key);
        }
        yaml_event_delete(&event);
        if (end)
            break;
    }
    return map;
}

/* Turns one event, and for a map or a list all up to its end, into a node. */
static struct bd_node *build(struct builder *b, const yaml_event_t *event, const char *path,
                             unsigned depth)
{
    struct bd_node *node;
    if (depth > DEPTH_MAX && !b->broken) {
        node = node_new(BD_NODE_SCALAR, event);
        refuse(b, node, path, "nested too deep");
        b->broken = true;
        b->errors->cut = true;
        return node;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return build_scalar(b, event, path);
    case YAML_SEQUENCE_START_EVENT:
        return build_list(b, event, path, depth);
    case YAML_MAPPING_START_EVENT:
        return build_map(b, event, path, depth);
    default: /* YAML_ALIAS_EVENT: nothing else can come here */
        node = node_new(BD_NODE_SCALAR, event);
        refuse(b, node, path, "YAML aliases (*name) are not taken, write the value out");
        return node;
    }
}

static struct bd_node *build_documents(struct builder *b)
{
    struct bd_node *root = NULL;
    yaml_event_t event;
    bool end = false;
    while (!end && next_event(b, &event)) {
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && root) {
            bd_errors_add(b->errors, line_of(&event.start_mark), col_of(&event.start_mark), "yaml",
                          "a second document begins here, one is allowed; remove the '---'");
            end = true;
        } else if (type == YAML_STREAM_END_EVENT) {
            end = true;
        } else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                   type != YAML_DOCUMENT_END_EVENT) {
            root = build(b, &event, "", 0);
        }
        yaml_event_delete(&event);
    }
    return root;
}

struct bd_node *bd_tree_parse(const char *text, size_t len, struct bd_errors *errors)
{
    struct builder b = {.errors = errors, .text = text, .end = text + len};
    if (!yaml_parser_initialize(&b.yaml)) {
        bd_errors_add(errors, 1, 1, "yaml", "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&b.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.yaml, (const unsigned char *)text, len);
    struct bd_node *root = build_documents(&b);
    yaml_parser_delete(&b.yaml);
    return root;
}

void bd_tree_free(struct bd_node *node)
{
    if (!node)
        return;
    for (struct bd_node *child = node->first, *next; child; child = next) {
        next = child->next;
        bd_tree_free(child);
    }
    free(node->key);
    free(node->text);
    free(node);
}

struct bd_node *bd_tree_get(const struct bd_node *map, const char *key)
{
    if (!map || map->kind != BD_NODE_MAP)
        return NULL;
    for (struct bd_node *child = map->first; child; child = child->next) {
        if (strcmp(child->key, key) == 0)
            return child;
    }
    return NULL;
}

struct bd_node *bd_tree_at(const struct bd_node *list, unsigned i)
{
    struct bd_node *child = list && list->kind == BD_NODE_LIST ? list->first : NULL;
    while (child && i-- > 0)
        child = child->next;
    return child;
}
