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

const char *bd_param_parse(const struct bd_scan *scan, const char *p, const char *end,
                           unsigned name_classes, struct bd_str *name, struct bd_str *value)
{
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

const char *bd_param_read(const struct bd_scan *scan, const char *p, const char *end,
                          unsigned name_classes, struct bd_str *name, struct bd_str *value)
{
    if (scan && name_classes == BD_C_TOKEN) {
        struct bd_param_look look = bd_param_look(scan, p);
        const char *behind = bd_param_seen(&look, 0, end, name, value);
        if (behind)
            return behind;
    }
    return bd_param_parse(scan, p, end, name_classes, name, value);
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
