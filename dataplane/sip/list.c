/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

const char *bd_bracket_end(const struct bd_scan *scan, const char *p, const char *end)
{
    do
        p = bd_scan_find(scan, p + 1, end, BD_C_LIST);
    while (p < end && *p != '>');
    return p < end ? p : NULL;
}

const char *bd_element_end(const struct bd_scan *scan, const char *p, const char *end)
{
    while (p && p < end) {
        p = bd_scan_find(scan, p, end, BD_C_LIST);
        if (p == end || *p == ',')
            return p;
        if (*p == '"') {
            p = bd_scan_quoted(scan, p, end);
        } else if (*p == '<') {
            p = bd_bracket_end(scan, p, end);
        } else {
            p++;
        }
    }
    return p;
}

/* Fields that the grammar lets be empty: #( ) lists with no lower bound. */
static bool may_be_empty(uint8_t id)
{
    return id == BD_HDR_SUPPORTED || id == BD_HDR_ALLOW || id == BD_HDR_ACCEPT;
}

/* h, or the next field that holds anything. */
static const struct bd_header *not_empty(const struct bd_message *m, const struct bd_header *h)
{
    while (h && h->value.len == 0 && may_be_empty(h->id))
        h = bd_header_next(m, h);
    return h;
}

struct bd_list bd_list_begin(const struct bd_message *m, enum bd_header_id id)
{
    const struct bd_header *h = not_empty(m, bd_header_first(m, id));
    return (struct bd_list){.m = m, .h = h, .rest = h ? h->value : BD_STR_NULL};
}

bool bd_list_step(struct bd_list *list, const char *stop)
{
    const char *end = bd_str_end(list->rest);
    if (!stop) {
        list->bad = true;
        list->h = NULL;
        return false;
    }
    if (stop < end) {
        list->rest = bd_slice(stop + 1, end);
        return true;
    }
    list->h = not_empty(list->m, bd_header_next(list->m, list->h));
    list->rest = list->h ? list->h->value : BD_STR_NULL;
    return true;
}

bool bd_list_next(struct bd_list *list, struct bd_str *element)
{
    if (!list->h)
        return false;
    const char *stop = bd_element_end(NULL, list->rest.p, bd_str_end(list->rest));
    *element = stop ? bd_trim(list->rest.p, stop) : BD_STR_NULL;
    return bd_list_step(list, element->len > 0 ? stop : NULL);
}

bool bd_list_has(const struct bd_message *m, enum bd_header_id id, struct bd_str token)
{
    struct bd_list list = bd_list_begin(m, id);
    struct bd_str element;
    while (bd_list_next(&list, &element)) {
        if (bd_str_eq_nocase(element, token))
            return true;
    }
    return false;
}
