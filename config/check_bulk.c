/* SPDX-License-Identifier: BSD-3-Clause */
/* `bulk`: the words of each entry, and numbers that would belong to two. */
#include <stdlib.h>

#include "load.h"

/* --- words ------------------------------------------------------------------------------------ */

/* user of RFC 3261 25.1 without escapes and without what would end it in "USER NUMBERS". */
static bool is_user(struct bd_str s)
{
    static const char marks[] = "-_.!~*'()&=+$,;?/";
    for (uint32_t i = 0; i < s.len; i++) {
        char c = bd_lower(s.p[i]);
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && !memchr(marks, c, sizeof(marks) - 1))
            return false;
    }
    return s.len > 0 && s.len <= BD_BULK_USER_MAX;
}

struct place {
    const struct bd_check *check;
    const struct bd_node *node;
    const char *path;
};

static void read_set(const struct place *at, struct bd_config_bulk *entry, struct bd_str word)
{
    struct bd_e164_set set;
    if (bd_e164_set_parse(word, &set)) {
        entry->sets[entry->set_cnt++] = set;
        return;
    }
    int shown = word.len < 48 ? (int)word.len : 48;
    bd_errors_add(at->check->errors, at->node->line, at->node->col, at->path,
                  "numbers must be +DIGITS, +FROM-TO or +DIGITS*, 15 digits at most, got %.*s",
                  shown, word.p);
}

static void read_entry(const struct place *at, struct bd_config_bulk *entry)
{
    const char *p = entry->text + entry->user_len;
    if (!is_user((struct bd_str){entry->text, entry->user_len}) || *p == '\0') {
        bd_errors_add(at->check->errors, at->node->line, at->node->col, at->path,
                      "must be the user part of a PBX, at most %d characters, and its numbers, as "
                      "\"pbx1 +49305550000-9999\", got \"%.48s\"",
                      BD_BULK_USER_MAX, entry->text);
        return;
    }
    entry->sets = bd_need_zeroed(strlen(p) / 2 + 1, sizeof(*entry->sets));
    while (*p) {
        uint32_t len = (uint32_t)strcspn(p + 1, " ");
        read_set(at, entry, (struct bd_str){p + 1, len});
        p += 1 + len;
    }
    entry->sets = bd_need_resized(entry->sets, entry->set_cnt + 1U, sizeof(*entry->sets));
}

/* --- overlaps --------------------------------------------------------------------------------- */

struct owner {
    const struct bd_node *node;
    const struct bd_e164_set *set;
    unsigned entry; /* as it is counted in the file */
    bool reported;
};

/* Numbers of one length that follow each other. A prefix is a span of each length. */
struct span {
    uint64_t first, last;
    unsigned owner;
};

static unsigned spans_of(const struct bd_e164_set *set, unsigned owner, struct span *out)
{
    unsigned cnt = 0, longest = set->prefix ? BD_E164_DIGITS_MAX : set->digits;
    for (unsigned digits = set->digits; digits <= longest; digits++) {
        uint64_t power = bd_e164_power[digits - set->digits];
        out[cnt++] = (struct span){set->first * power, (set->last + 1) * power - 1, owner};
    }
    return cnt;
}

static int by_first(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->owner > b->owner) - (a->owner < b->owner);
}

/* Of two sets that overlap, the later one in the file is wrong. */
static void report_overlap(const struct bd_check *check, struct owner *later,
                           const struct owner *earlier, const char *list_path)
{
    char path[BD_PATH_MAX], text[BD_E164_SET_MAX], other[BD_E164_SET_MAX];
    later->reported = true;
    bd_path_item(path, list_path, later->entry);
    bd_e164_set_format(later->set, text);
    bd_e164_set_format(earlier->set, other);
    bd_errors_add(check->errors, later->node->line, later->node->col, path,
                  "%s overlaps %s of bulk[%u] on line %u; a number belongs to one PBX", text, other,
                  earlier->entry, earlier->node->line);
}

/* Walks the spans in order; `widest` is the one that reaches furthest of those passed. A set that
 * was reported counts no more. */
static void check_spans(const struct bd_check *check, struct owner *owners,
                        const struct span *spans, size_t cnt, const char *list_path)
{
    const struct span *widest = NULL;
    for (const struct span *s = spans; s < spans + cnt; s++) {
        if (owners[s->owner].reported)
            continue;
        bool overlaps = widest && !owners[widest->owner].reported && s->first <= widest->last;
        if (overlaps && s->owner > widest->owner) {
            report_overlap(check, &owners[s->owner], &owners[widest->owner], list_path);
            continue;
        }
        if (overlaps)
            report_overlap(check, &owners[widest->owner], &owners[s->owner], list_path);
        if (!widest || owners[widest->owner].reported || s->last > widest->last)
            widest = s;
    }
}

static void check_overlaps(const struct bd_check *check, struct owner *owners, unsigned cnt,
                           const char *list_path)
{
    struct span *spans = bd_need_zeroed((size_t)cnt * BD_E164_DIGITS_MAX + 1, sizeof(*spans));
    size_t span_cnt = 0;
    for (unsigned i = 0; i < cnt; i++)
        span_cnt += spans_of(owners[i].set, i, spans + span_cnt);
    qsort(spans, span_cnt, sizeof(*spans), by_first);
    check_spans(check, owners, spans, span_cnt, list_path);
    free(spans);
}

/* --- a domain --------------------------------------------------------------------------------- */

static void check_domain(const struct bd_check *check, unsigned d)
{
    struct bd_config_domain *domain = &check->config->domains[d];
    const struct bd_node *list =
        bd_tree_get(bd_tree_at(bd_tree_get(check->root, "domains"), d), "bulk");
    struct owner *owners = bd_need_zeroed(BD_BULK_SETS_MAX, sizeof(*owners));
    char map_path[BD_PATH_MAX], list_path[BD_PATH_MAX], path[BD_PATH_MAX];
    bd_path_item(map_path, "domains", d);
    bd_path_key(list_path, map_path, "bulk");
    /* The domain "*" has a host for each name: its numbers would belong to nobody's PBX. */
    if (domain->name && strcmp(domain->name, "*") == 0) {
        bd_errors_add(check->errors, list->line, list->col, list_path,
                      "a domain of any name has no numbers; give them to a domain with a name");
        free(owners);
        return;
    }
    struct place at = {.check = check, .path = path};
    unsigned i = 0, index = 0, cnt = 0;
    for (at.node = list->first; at.node && i < domain->bulk_cnt; at.node = at.node->next, index++) {
        if (at.node->bad)
            continue;
        struct bd_config_bulk *entry = &domain->bulk[i++];
        bd_path_item(path, list_path, index);
        read_entry(&at, entry);
        if (entry->set_cnt > BD_BULK_SETS_MAX - cnt) {
            bd_errors_add(check->errors, at.node->line, at.node->col, path,
                          "a domain has at most %d numbers, ranges and prefixes", BD_BULK_SETS_MAX);
            break;
        }
        for (unsigned s = 0; s < entry->set_cnt; s++)
            owners[cnt++] = (struct owner){at.node, &entry->sets[s], index, false};
    }
    check_overlaps(check, owners, cnt, list_path);
    free(owners);
}

void bd_check_bulk(const struct bd_check *check)
{
    for (unsigned d = 0; d < check->config->domain_cnt; d++) {
        if (check->config->domains[d].bulk_cnt > 0)
            check_domain(check, d);
    }
}
