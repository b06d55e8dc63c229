/* SPDX-License-Identifier: BSD-3-Clause */
#include "preferences.h"

enum { PPM = 1000000 };

/* --- reading ---------------------------------------------------------------------------------- */

static bool add_feature(struct bd_preferences *p, struct bd_preference *to,
                        const struct bd_feature *feature)
{
    p->value_cnt += bd_feature_value_cnt(feature);
    if (p->value_cnt > BD_PREFERENCE_VALUES_MAX)
        return false; /* so feature[] has room: each has a value at least */
    p->feature[p->feature_cnt++] = *feature;
    to->cnt++;
    return true;
}

static struct bd_preference *add_preference(struct bd_preferences *p)
{
    if (p->cnt == BD_PREFERENCES_MAX)
        return NULL;
    struct bd_preference *one = &p->preference[p->cnt++];
    *one = (struct bd_preference){.first = (uint8_t)p->feature_cnt};
    return one;
}

/* Leaves the parameters behind "*"; false when the element does not begin with one. */
static bool strip_star(struct bd_str element, struct bd_str *params)
{
    if (element.p[0] != '*')
        return false;
    uint32_t i = 1;
    while (i < element.len && memchr(" \t\r\n", element.p[i], 4))
        i++;
    *params =
        i < element.len ? (struct bd_str){element.p + i + 1, element.len - i - 1} : BD_STR_NULL;
    return i == element.len || element.p[i] == ';';
}

static const char *read_element(struct bd_preferences *p, struct bd_str element, bool reject)
{
    static const char malformed[] = "Malformed Accept-Contact or Reject-Contact";
    static const char too_many[] = "Too many caller preferences";
    struct bd_str params, ignored;
    if (!strip_star(element, &params))
        return malformed;
    struct bd_preference *one = add_preference(p);
    if (!one)
        return too_many;
    one->reject = reject;
    one->require = !reject && bd_param_find(params, BD_STR("require"), &ignored);
    one->explicit = !reject && bd_param_find(params, BD_STR("explicit"), &ignored);
    struct bd_feature feature;
    bool bad = false;
    while (bd_feature_next(&params, &feature, &bad)) {
        if (!add_feature(p, one, &feature))
            return too_many;
    }
    return bad ? malformed : NULL;
}

static const char *read_field(struct bd_preferences *p, const struct bd_message *m,
                              enum bd_header_id id)
{
    struct bd_list list = bd_list_begin(m, id);
    struct bd_str element;
    while (bd_list_next(&list, &element)) {
        const char *wrong = read_element(p, element, id == BD_HDR_REJECT_CONTACT);
        if (wrong)
            return wrong;
    }
    return list.bad ? "Malformed Accept-Contact or Reject-Contact" : NULL;
}

/* 7.2.2: the method, and the event package of a SUBSCRIBE, required but not explicitly. */
static void imply(struct bd_preferences *p, const struct bd_message *m)
{
    struct bd_preference *one = add_preference(p);
    one->require = p->implied = true;
    struct bd_feature methods = {.sip = true, BD_STR("methods"), m->method_text};
    add_feature(p, one, &methods);
    const struct bd_header *event = bd_header_first(m, BD_HDR_EVENT);
    if (m->method != BD_METHOD_SUBSCRIBE || !event)
        return;
    struct bd_feature events = {.sip = true, BD_STR("events"), event->value};
    uint32_t len = 0;
    while (len < event->value.len && !memchr("; \t\r\n", event->value.p[len], 5))
        len++;
    events.value.len = len;
    add_feature(p, one, &events);
}

/* 9.1. "proxy" cannot be had here and "redirect" is what happens anyway; of the rest only no-fork
 * means something to a redirect server, and nothing when the caller asked to be redirected. */
static bool wants_no_fork(const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_REQUEST_DISPOSITION);
    struct bd_str directive;
    bool no_fork = false, redirect = false;
    while (bd_list_next(&list, &directive)) {
        no_fork |= bd_str_eq_nocase(directive, BD_STR("no-fork"));
        redirect |= bd_str_eq_nocase(directive, BD_STR("redirect"));
    }
    return no_fork && !redirect;
}

bool bd_preferences_read(struct bd_preferences *preferences, const struct bd_message *m,
                         const char **reason)
{
    struct bd_preferences *p = preferences;
    p->cnt = p->feature_cnt = p->value_cnt = 0;
    p->implied = false;
    p->no_fork = wants_no_fork(m);
    *reason = read_field(p, m, BD_HDR_ACCEPT_CONTACT);
    if (!*reason)
        *reason = read_field(p, m, BD_HDR_REJECT_CONTACT);
    if (!*reason && p->cnt == 0)
        imply(p, m);
    return *reason == NULL;
}

/* --- applying --------------------------------------------------------------------------------- */

/* How a contact stands to one predicate. */
struct standing {
    bool match;       /* no feature that both name contradicts */
    unsigned present; /* features of the predicate that the contact names */
};

static struct standing compare(const struct bd_preferences *p, const struct bd_preference *one,
                               struct bd_str params)
{
    struct standing s = {.match = true};
    for (unsigned i = 0; i < one->cnt; i++) {
        const struct bd_feature *wanted = &p->feature[one->first + i];
        struct bd_feature has;
        if (!bd_feature_find(params, wanted, &has))
            continue;
        s.present++;
        s.match = s.match && bd_feature_match(wanted, &has);
    }
    return s;
}

/* A rejection counts only when the contact names all that it is about. */
static bool is_rejected(const struct bd_preferences *p, struct bd_str params)
{
    for (unsigned i = 0; i < p->cnt; i++) {
        const struct bd_preference *one = &p->preference[i];
        if (!one->reject)
            continue;
        struct standing s = compare(p, one, params);
        if (s.match && s.present == one->cnt)
            return true;
    }
    return false;
}

/* Figure 1 and Qa. False: the contact is dropped. */
static bool score(const struct bd_preferences *p, struct bd_str params, uint32_t *qa_ppm)
{
    uint32_t sum = 0, matching = 0;
    for (unsigned i = 0; i < p->cnt; i++) {
        const struct bd_preference *one = &p->preference[i];
        if (one->reject)
            continue;
        struct standing s = compare(p, one, params);
        bool full = s.present == one->cnt;
        if (one->require && (!s.match || (one->explicit && !full)))
            return false;
        if (!s.match)
            continue;
        matching++;
        if (full)
            sum += PPM;
        else if (!one->explicit)
            sum += PPM / one->cnt * s.present;
    }
    *qa_ppm = matching ? sum / matching : 0;
    return true;
}

/* 7.2.3: a contact without feature parameters is immune. */
static bool survives(const struct bd_preferences *p, struct bd_target *target)
{
    struct bd_str params = target->binding->text[BD_TEXT_PARAMS], cursor = params;
    struct bd_feature any;
    bool bad = false;
    target->preference_ppm = PPM;
    if (!bd_feature_next(&cursor, &any, &bad))
        return true;
    return !is_rejected(p, params) && score(p, params, &target->preference_ppm);
}

bool bd_preferences_apply(const struct bd_preferences *preferences, struct bd_location *location)
{
    struct bd_location *l = location;
    struct bd_target left[BD_CONTACTS_PER_AOR_MAX];
    unsigned cnt = 0;
    for (unsigned i = 0; i < l->cnt; i++) {
        left[cnt] = l->target[i];
        cnt += survives(preferences, &left[cnt]);
    }
    if (cnt == 0 && preferences->implied)
        return false;
    memcpy(l->target, left, cnt * sizeof(left[0]));
    l->cnt = cnt;
    bd_location_sort(l);
    return true;
}
