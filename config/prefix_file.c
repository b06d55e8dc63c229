/* SPDX-License-Identifier: BSD-3-Clause */
/* The lists of sources: allow_file and deny_file, a prefix a line, and that no prefix is on both
 * lists.
 *
 *   192.0.2.0/24   # the Berlin office
 *   2001:db8::/32 */
#include <errno.h>
#include <stdlib.h>

#include "load.h"

enum { SHOWN_MAX = 48, ERRORS_MAX = 20 };

struct reader {
    struct bd_config_prefixes *list;
    struct bd_errors *errors;
    const char *key; /* "limits.allow_file" */
    unsigned line;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What stands in a line without comment and blanks. */
static struct bd_str words_of(struct bd_str line)
{
    const char *comment = line.len ? memchr(line.p, '#', line.len) : NULL;
    if (comment)
        line.len = (uint32_t)(comment - line.p);
    while (line.len && is_blank(line.p[line.len - 1]))
        line.len--;
    while (line.len && is_blank(*line.p))
        line = (struct bd_str){line.p + 1, line.len - 1};
    return line;
}

static void refuse(struct reader *r, unsigned col, struct bd_str got)
{
    char shown[SHOWN_MAX + 1];
    snprintf(shown, sizeof(shown), "%.*s", BD_STR_ARG(got));
    for (char *p = shown; *p; p++)
        *p = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
    bd_errors_add(r->errors, r->line, col, r->key,
                  "must be ADDRESS or ADDRESS/LENGTH with no bits set beyond LENGTH, got %s%s",
                  shown, got.len > SHOWN_MAX ? "..." : "");
}

static void read_line(struct reader *r, struct bd_str line)
{
    struct bd_str text = words_of(line);
    struct bd_prefix prefix;
    unsigned col = (unsigned)(text.p - line.p) + 1;
    if (text.len == 0)
        return;
    if (!bd_prefix_parse(text, &prefix)) {
        refuse(r, col, text);
    } else if (r->list->filed_cnt == BD_LIMIT_PREFIXES_MAX) {
        bd_errors_add(r->errors, r->line, col, r->key, "more than %u prefixes; join some",
                      BD_LIMIT_PREFIXES_MAX);
    } else {
        r->list->filed[r->list->filed_cnt++] = prefix;
    }
}

static void read_text(struct reader *r, struct bd_str rest)
{
    r->list->filed = bd_need_zeroed(BD_LIMIT_PREFIXES_MAX, sizeof(*r->list->filed));
    while (rest.len && r->errors->cnt < ERRORS_MAX) {
        const char *end = memchr(rest.p, '\n', rest.len);
        uint32_t len = end ? (uint32_t)(end - rest.p) : rest.len;
        r->line++;
        read_line(r, (struct bd_str){rest.p, len});
        len += end != NULL;
        rest = (struct bd_str){rest.p + len, rest.len - len};
    }
}

static void read_file(struct bd_config *config, const struct bd_node *root,
                      struct bd_errors *errors, struct reader *r)
{
    if (!r->list->file)
        return;
    bd_path_resolve(config, &r->list->file);
    size_t len;
    char *text = bd_file_read(r->list->file, &len);
    if (!text) {
        const struct bd_node *node =
            bd_tree_get(bd_tree_get(root, "limits"), r->key + strlen("limits."));
        bd_errors_add(errors, node->line, node->col, r->key, "%s cannot be read: %s", r->list->file,
                      strerror(errno));
        return;
    }
    read_text(r, (struct bd_str){text, (uint32_t)len});
    free(text);
}

/* --- on both lists ---------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct bd_prefix *x = a, *y = b;
    int order = memcmp(x->ip.b, y->ip.b, sizeof(x->ip.b));
    return order ? order : (int)x->len - (int)y->len;
}

/* A copy of both halves, sorted. The caller frees. */
static struct bd_prefix *sorted(const struct bd_config_prefixes *list, unsigned *cnt)
{
    struct bd_prefix *all = bd_need_zeroed(list->cnt + list->filed_cnt + 1UL, sizeof(*all));
    *cnt = list->cnt + list->filed_cnt;
    if (list->cnt)
        memcpy(all, list->prefix, list->cnt * sizeof(*all));
    if (list->filed_cnt)
        memcpy(all + list->cnt, list->filed, list->filed_cnt * sizeof(*all));
    qsort(all, *cnt, sizeof(*all), compare);
    return all;
}

static void check_both(const struct bd_config *config, const struct bd_node *root,
                       struct bd_errors *errors)
{
    unsigned allow_cnt, deny_cnt;
    struct bd_prefix *allow = sorted(&config->allow, &allow_cnt);
    struct bd_prefix *deny = sorted(&config->deny, &deny_cnt);
    const struct bd_node *node = bd_tree_get(root, "limits");
    for (unsigned i = 0; i < deny_cnt; i++) {
        if (!bsearch(&deny[i], allow, allow_cnt, sizeof(*allow), compare))
            continue;
        char text[BD_ENDPOINT_TEXT_MAX];
        bd_prefix_format(&deny[i], text);
        bd_errors_add(errors, node->line, node->col, "limits.deny",
                      "%s stands in limits.allow, too; remove one", text);
        break;
    }
    free(allow);
    free(deny);
}

void bd_prefixes_read(struct bd_config *config, const struct bd_node *root,
                      struct bd_errors *errors, struct bd_errors *allow_errors,
                      struct bd_errors *deny_errors)
{
    struct reader allow = {&config->allow, allow_errors, "limits.allow_file", 0};
    struct reader deny = {&config->deny, deny_errors, "limits.deny_file", 0};
    read_file(config, root, errors, &allow);
    read_file(config, root, errors, &deny);
    check_both(config, root, errors);
}

void bd_prefixes_free(struct bd_config *config)
{
    free(config->allow.filed);
    free(config->deny.filed);
}
