/* SPDX-License-Identifier: BSD-3-Clause */
/* A YAML text as a small tree of nodes that know where they stand. Private to config/.
 *
 * Of YAML only maps with text keys, lists and scalars are taken. Anchors, aliases, tags, keys that
 * are no text, a second document and a key that stands twice are errors: a file that an operator
 * reads must mean what it looks like. */
#ifndef BD_CONFIG_TREE_H
#define BD_CONFIG_TREE_H

#include "errors.h"
#include "str.h"

/* Long enough for every path of the schema; a longer one (of an unknown key) is cut. */
#define BD_PATH_MAX 192

enum bd_node_kind { BD_NODE_SCALAR, BD_NODE_MAP, BD_NODE_LIST };

struct bd_node {
    enum bd_node_kind kind;
    bool bad;           /* an error about it was reported: later checks leave it alone */
    bool quoted;        /* a scalar in quotes or a block scalar */
    unsigned line, col; /* of its key when it has one, else its own; from 1 */
    char *key;          /* in a map */
    char *text;         /* of a scalar */
    uint32_t text_len;
    struct bd_node *first, *last; /* children in the order of the file */
    struct bd_node *next;
    unsigned child_cnt;
};

/* Builds the tree of a text. NULL when there is none (errors say why); a tree may be returned
 * although errors were found. */
struct bd_node *bd_tree_parse(const char *text, size_t len, struct bd_errors *errors);
void bd_tree_free(struct bd_node *node);

/* The value of a key, or NULL. `map` may be NULL or no map. */
struct bd_node *bd_tree_get(const struct bd_node *map, const char *key);
/* The i-th child, or NULL. */
struct bd_node *bd_tree_at(const struct bd_node *list, unsigned i);

static inline struct bd_str bd_node_text(const struct bd_node *node)
{
    return (struct bd_str){node->text, node->text_len};
}

/* "parent.key" and "parent[i]"; an empty parent gives "key". Unprintable bytes become '?'. */
void bd_path_key(char out[BD_PATH_MAX], const char *parent, const char *key);
void bd_path_item(char out[BD_PATH_MAX], const char *parent, unsigned i);

#endif
