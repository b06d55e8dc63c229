/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

/* uri-parameter = pname [ "=" pvalue ], generic-param = token [ EQUAL gen-value ]:
 * a value is a quoted-string or made of token, host and pvalue characters. */
static const char *value_end(const struct bd_scan *scan, const char *p, const char *end)
{
    if (p < end && *p == '"')
        return bd_scan_quoted(scan, p, end);
    const char *stop = bd_scan_skip(scan, p, end, BD_C_TOKEN | BD_C_PARAM);
    return stop == p ? NULL : stop;
}

/* The byte behind the quoted-string at byte n of what stands at p, which one look mostly sees whole:
 * what ends it is the first that has to be looked at in it. */
static inline const char *quoted_end(const struct bd_scan *scan, const char *p, unsigned n,
                                     const char *end)
{
    unsigned close = bd_lowest_from(bd_within(bd_scan_at(scan, p), BD_C_QUOTED), n + 1);
    if (close < BD_LOOK && p[close] == '"')
        return p + close + 1;
    return bd_scan_quoted(scan, p + n, end);
}

/* As most are: "name" or "name=value", no LWS, with a semicolon or the end behind it, as one look
 * sees them. NULL when it is not, which says nothing about its being right. */
static inline const char *read_plain(const struct bd_scan *scan, const char *p, const char *end,
                                     struct bd_str *name, struct bd_str *value)
{
    const uint8_t *marked = bd_scan_at(scan, p);
    unsigned n = bd_lowest(bd_without(marked, BD_C_TOKEN));
    const char *stop = p + n, *begin = stop + 1;
    if (n == 0 || stop > end)
        return NULL;
    *name = bd_slice(p, stop);
    *value = BD_STR_NULL;
    if (stop == end || *stop == ';')
        return stop;
    if (*stop != '=' || begin == end)
        return NULL;
    if (*begin == '"')
        stop = quoted_end(scan, p, n + 1, end);
    else
        stop = p + bd_lowest_from(bd_without(marked, BD_C_TOKEN | BD_C_PARAM), n + 1);
    if (!stop || stop <= begin || stop > end || (stop < end && *stop != ';'))
        return NULL;
    *value = bd_slice(begin, stop);
    return stop;
}

const char *bd_param_read(const struct bd_scan *scan, const char *p, const char *end,
                          unsigned name_classes, struct bd_str *name, struct bd_str *value)
{
    if (scan && name_classes == BD_C_TOKEN) {
        const char *behind = read_plain(scan, p, end, name, value);
        if (behind)
            return behind;
    }
    p = bd_skip_lws(p, end);
    const char *stop = bd_scan_skip(scan, p, end, name_classes);
    *name = bd_slice(p, stop);
    *value = BD_STR_NULL;
    if (stop == p)
        return NULL;
    p = bd_skip_lws(stop, end);
    if (p == end || *p != '=')
        return p;
    p = bd_skip_lws(p + 1, end);
    stop = value_end(scan, p, end);
    if (!stop)
        return NULL;
    *value = bd_slice(p, stop);
    return bd_skip_lws(stop, end);
}

bool bd_param_scan(const struct bd_scan *scan, struct bd_str *cursor, unsigned name_classes,
                   struct bd_str *name, struct bd_str *value, bool *bad)
{
    if (!cursor->p)
        return false;
    const char *end = bd_str_end(*cursor);
    const char *p = bd_param_read(scan, cursor->p, end, name_classes, name, value);
    if (!p || (p < end && *p != ';')) {
        *bad = true;
        *cursor = BD_STR_NULL;
        return false;
    }
    /* Behind a semicolon a parameter must follow; NULL says that all is done. */
    *cursor = p < end ? bd_slice(p + 1, end) : BD_STR_NULL;
    return true;
}

bool bd_param_step(struct bd_str *cursor, unsigned name_classes, struct bd_str *name,
                   struct bd_str *value, bool *bad)
{
    return bd_param_scan(NULL, cursor, name_classes, name, value, bad);
}

bool bd_param_next(struct bd_str *cursor, struct bd_str *name, struct bd_str *value, bool *bad)
{
    return bd_param_step(cursor, BD_C_TOKEN | BD_C_PARAM, name, value, bad);
}

bool bd_params_valid(struct bd_str params, unsigned name_classes)
{
    struct bd_str name, value;
    bool bad = false;
    while (bd_param_step(&params, name_classes, &name, &value, &bad))
        ;
    return !bad;
}

bool bd_param_find(struct bd_str params, struct bd_str name, struct bd_str *value)
{
    struct bd_str found, found_value;
    bool bad = false;
    while (bd_param_next(&params, &found, &found_value, &bad)) {
        if (bd_str_eq_nocase(found, name)) {
            *value = found_value;
            return true;
        }
    }
    return false;
}

struct bd_str bd_strip_quotes(struct bd_str s)
{
    if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
        return (struct bd_str){s.p + 1, s.len - 2};
    return s;
}
