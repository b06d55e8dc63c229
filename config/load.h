/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps of loading. Private to config/. */
#ifndef BD_CONFIG_LOAD_H
#define BD_CONFIG_LOAD_H

#include "schema.h"
#include "tree.h"

/* What a row takes, as text that the caller frees. */
char *bd_row_allowed(const struct bd_row *row);
/* Reports a value that its row does not take: "must be ALLOWED, got ..."; marks the node. */
void bd_value_refuse(struct bd_errors *errors, const struct bd_row *row, struct bd_node *node,
                     const char *path);
/* Reads a node into a row's field; node must not be bad. Reports what is wrong with it. */
void bd_value_read(struct bd_errors *errors, const struct bd_row *row, struct bd_node *node,
                   const char *path, void *base);
/* Sets a row's field from its default, if it has one. */
void bd_value_fall_back(const struct bd_row *row, void *base);
/* An empty value, '~' or 'null'. */
bool bd_node_is_nothing(const struct bd_node *node);

/* Reports a key that no row of the section has, with the nearest that one has. */
void bd_unknown_report(struct bd_errors *errors, const struct bd_section *section,
                       const struct bd_node *node, const char *path);

/* Fills the configuration from a tree; what was wrong is in errors. */
void bd_config_read(struct bd_config *config, const struct bd_node *root, struct bd_errors *errors);

/* Fills what one section says; `base` is what the section's offsets count from. */
void bd_section_read(void *base, const struct bd_section *section, struct bd_node *node,
                     struct bd_errors *errors);
/* The whole of a file; NULL with errno. The caller frees. */
char *bd_file_read(const char *file, size_t *len);

/* Reads the screening rules, and makes the path of their file absolute. What is wrong with the path
 * is in errors, what is wrong with the rules in rule_errors. */
void bd_rules_read(struct bd_config *config, const struct bd_node *root, struct bd_errors *errors,
                   struct bd_errors *rule_errors);
void bd_rules_free(struct bd_config *config);
/* A path of the configuration's, made absolute: a relative one begins in its folder. */
void bd_path_resolve(const struct bd_config *config, char **path);

/* Reads allow_file and deny_file. What is wrong in one is in its own errors. */
void bd_prefixes_read(struct bd_config *config, const struct bd_node *root,
                      struct bd_errors *errors, struct bd_errors *allow_errors,
                      struct bd_errors *deny_errors);
void bd_prefixes_free(struct bd_config *config);

/* Reads secret_file and secret_previous_file. */
void bd_secrets_read(struct bd_config *config, const struct bd_node *root,
                     struct bd_errors *errors);

/* What one key alone cannot tell: names that clash, limits that cross, addresses nobody owns. Keys
 * that were refused already are left alone. */
struct bd_check {
    struct bd_config *config;
    const struct bd_node *root;
    struct bd_errors *errors;
};
void bd_check_ports(const struct bd_check *check);
void bd_check_domains(const struct bd_check *check);
/* Reads the words of each `bulk` entry too: what is wrong with one is told by its name. */
void bd_check_bulk(const struct bd_check *check);

/* The i-th element of a list that was not refused: it became element i of its array. */
struct bd_node *bd_tree_good_at(const struct bd_node *list, unsigned i, unsigned *index);

#endif
