/* SPDX-License-Identifier: BSD-3-Clause */
#include "feature.h"

#include <math.h>

#include "uri.h"

/* --- tags ------------------------------------------------------------------------------------ */

/* base-tags of RFC 3840 9; all but the last two stand for "sip." and the name (RFC 3841 8). */
static bool is_base(struct bd_str name, bool *sip)
{
#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    static const struct bd_str base[] = {
        NAME("audio"),       NAME("automata"), NAME("class"),    NAME("duplex"),
        NAME("data"),        NAME("control"),  NAME("mobility"), NAME("description"),
        NAME("events"),      NAME("priority"), NAME("methods"),  NAME("schemes"),
        NAME("application"), NAME("video"),    NAME("actor"),    NAME("isfocus"),
        NAME("extensions"),  NAME("text"),     NAME("language"), NAME("type")};
#undef NAME
    enum { CNT = sizeof(base) / sizeof(base[0]), WITH_SIP = CNT - 2 };
    for (unsigned i = 0; i < CNT; i++) {
        *sip = i < WITH_SIP;
        if (bd_str_eq_nocase(name, base[i]))
            return true;
    }
    return false;
}

static bool take(struct bd_str name, struct bd_feature *feature)
{
    feature->text = name;
    if (name.p[0] != '+') {
        feature->name = name;
        return is_base(name, &feature->sip);
    }
    struct bd_str rest = {name.p + 1, name.len - 1};
    feature->sip = rest.len > 4 && bd_str_eq_nocase((struct bd_str){rest.p, 4}, BD_STR("sip."));
    feature->name = feature->sip ? (struct bd_str){rest.p + 4, rest.len - 4} : rest;
    return rest.len > 0;
}

bool bd_feature_next(struct bd_str *cursor, struct bd_feature *feature, bool *bad)
{
    struct bd_str name;
    while (bd_param_next(cursor, &name, &feature->value, bad)) {
        if (take(name, feature))
            return true;
    }
    return false;
}

bool bd_feature_find(struct bd_str params, const struct bd_feature *tag, struct bd_feature *found)
{
    bool bad = false;
    while (bd_feature_next(&params, found, &bad)) {
        if (found->sip == tag->sip && bd_str_eq_nocase(found->name, tag->name))
            return true;
    }
    return false;
}

/* --- values ----------------------------------------------------------------------------------- */

enum kind { KIND_TOKEN, KIND_STRING, KIND_RANGE };

struct value {
    enum kind kind;
    bool negated;
    struct bd_str text;
    double lo, hi; /* KIND_RANGE; both ends belong to it */
};

/* What is to be read of a value: the quotes are gone. */
static struct bd_str values_of(const struct bd_feature *feature)
{
    struct bd_str s = feature->value;
    if (!s.p)
        return BD_STR("TRUE");
    if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
        s = (struct bd_str){s.p + 1, s.len - 2};
    return s;
}

/* number = [ "+" / "-" ] 1*DIGIT ["." 0*DIGIT] */
static bool read_number(struct bd_str *s, double *number)
{
    bool minus = s->len && s->p[0] == '-', dot = false;
    uint32_t i = s->len && (minus || s->p[0] == '+') ? 1 : 0, digits = 0;
    double n = 0, weight = 1;
    for (; i < s->len; i++) {
        char c = s->p[i];
        if (c == '.' && !dot && digits) {
            dot = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        digits++;
        weight = dot ? weight / 10 : weight;
        n = dot ? n + (c - '0') * weight : n * 10 + (c - '0');
    }
    *number = minus ? -n : n;
    *s = (struct bd_str){s->p + i, s->len - i};
    return digits > 0;
}

/* numeric = "#" numeric-relation number; s stands behind the "#". False: it is none, and counts as
 * the token that it looks like. */
static bool read_range(struct bd_str s, struct value *v)
{
    bool below = s.len > 2 && memcmp(s.p, "<=", 2) == 0;
    bool above = s.len > 2 && memcmp(s.p, ">=", 2) == 0;
    bool equal = s.len > 1 && s.p[0] == '=';
    uint32_t skip = below || above ? 2 : equal;
    struct bd_str rest = {s.p + skip, s.len - skip};
    if (!read_number(&rest, &v->lo))
        return false;
    v->hi = above ? HUGE_VAL : v->lo;
    if (below)
        v->lo = -HUGE_VAL;
    if (skip)
        return rest.len == 0;
    if (rest.len == 0 || rest.p[0] != ':')
        return false;
    rest = (struct bd_str){rest.p + 1, rest.len - 1};
    return read_number(&rest, &v->hi) && rest.len == 0;
}

static void read_value(struct bd_str s, struct value *v)
{
    *v = (struct value){.kind = KIND_TOKEN, .negated = s.len && s.p[0] == '!'};
    if (v->negated)
        s = (struct bd_str){s.p + 1, s.len - 1};
    v->text = s;
    if (s.len && s.p[0] == '<')
        v->kind = KIND_STRING;
    else if (s.len && s.p[0] == '#' && read_range((struct bd_str){s.p + 1, s.len - 1}, v))
        v->kind = KIND_RANGE;
}

/* Walks a tag-value-list; a string-value is alone, and its commas are its own. */
static bool next_value(struct bd_str *rest, struct value *v)
{
    if (!rest->p)
        return false;
    const char *comma = rest->len && rest->p[0] == '<' ? NULL : memchr(rest->p, ',', rest->len);
    struct bd_str one = *rest;
    if (comma) {
        one.len = (uint32_t)(comma - rest->p);
        *rest = (struct bd_str){comma + 1, rest->len - one.len - 1};
    } else {
        *rest = BD_STR_NULL;
    }
    read_value(one, v);
    return true;
}

static bool ranges_meet(const struct value *a, const struct value *b)
{
    if (!a->negated && !b->negated)
        return a->lo <= b->hi && b->lo <= a->hi;
    if (a->negated && b->negated) { /* unless the two leave no number over */
        const struct value *low = a->lo <= b->lo ? a : b, *high = low == a ? b : a;
        double top = low->hi > high->hi ? low->hi : high->hi;
        return low->lo > -HUGE_VAL || top < HUGE_VAL || high->lo > low->hi;
    }
    const struct value *outside = a->negated ? a : b, *inside = a->negated ? b : a;
    return inside->lo < outside->lo || inside->hi > outside->hi;
}

/* Whether some value satisfies both filters. */
static bool values_meet(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return a->negated || b->negated;
    if (a->kind == KIND_RANGE)
        return ranges_meet(a, b);
    bool same =
        a->kind == KIND_STRING ? bd_str_eq(a->text, b->text) : bd_str_eq_nocase(a->text, b->text);
    return a->negated == b->negated ? a->negated || same : !same;
}

unsigned bd_feature_value_cnt(const struct bd_feature *feature)
{
    struct bd_str rest = values_of(feature);
    struct value v;
    unsigned cnt = 0;
    while (next_value(&rest, &v))
        cnt++;
    return cnt;
}

bool bd_feature_match(const struct bd_feature *a, const struct bd_feature *b)
{
    struct value x, y;
    struct bd_str rest_a = values_of(a);
    while (next_value(&rest_a, &x)) {
        struct bd_str rest_b = values_of(b);
        while (next_value(&rest_b, &y)) {
            if (values_meet(&x, &y))
                return true;
        }
    }
    return false;
}
