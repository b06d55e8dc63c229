/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

/* What a malformed or overlarge number of seconds counts as (RFC 3261 20.19, RFC 4475 3.1.2.4). */
enum { EXPIRES_DEFAULT_S = 3600 };

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
static bool q_parse(struct bd_str text, uint16_t *q_milli)
{
    if (text.len < 1 || text.len > 5 || (text.p[0] != '0' && text.p[0] != '1'))
        return false;
    if (text.len > 1 && text.p[1] != '.')
        return false;
    unsigned q = (unsigned)(text.p[0] - '0') * 1000, weight = 100;
    for (uint32_t i = 2; i < text.len; i++, weight /= 10) {
        if (!bd_is(text.p[i], BD_C_DIGIT))
            return false;
        q += (unsigned)(text.p[i] - '0') * weight;
    }
    *q_milli = (uint16_t)q;
    return q <= 1000;
}

static bool take_expires(struct bd_contact *contact, struct bd_str value)
{
    if (contact->has_expires)
        return false;
    contact->has_expires = true;
    if (!bd_number(value, &contact->expires_s))
        contact->expires_s = EXPIRES_DEFAULT_S;
    return true;
}

static bool take_q(struct bd_contact *contact, struct bd_str value)
{
    if (contact->has_q)
        return false;
    contact->has_q = true;
    return q_parse(value, &contact->q_milli);
}

/* +sip.instance = DQUOTE "<" instance-val ">" DQUOTE (RFC 5626 11). */
static bool take_instance(struct bd_contact *contact, struct bd_str value)
{
    if (contact->instance.p || value.len < 5 || value.p[0] != '"')
        return false;
    contact->instance = bd_strip_quotes(value);
    const struct bd_str *i = &contact->instance;
    return i->p[0] == '<' && i->p[i->len - 1] == '>';
}

static bool take_reg_id(struct bd_contact *contact, struct bd_str value)
{
    return contact->reg_id == 0 && bd_number(value, &contact->reg_id) && contact->reg_id > 0 &&
           contact->reg_id <= INT32_MAX;
}

static inline bool is_extension(struct bd_str name, uint64_t word)
{
    bool gruu = (name.len == strlen("pub-gruu") && word == BD_WORD("pub-gruu")) ||
                (name.len == strlen("temp-gruu") && word == BD_WORD("temp-gru") &&
                 bd_lower(name.p[name.len - 1]) == 'u');
    return word != BD_WORD("expires") && word != BD_WORD("q") && !gruu;
}

static inline bool take_param(struct bd_contact *contact, struct bd_str name, uint64_t word,
                              struct bd_str value)
{
    if (word == BD_WORD("expires"))
        return take_expires(contact, value);
    if (word == BD_WORD("q"))
        return take_q(contact, value);
    if (word == BD_WORD("reg-id"))
        return take_reg_id(contact, value);
    static const char instance[BD_ROW] = "+sip.instance";
    if (name.len == strlen("+sip.instance") && bd_is_row(name, instance, bd_str_end(name)))
        return take_instance(contact, value);
    return true;
}

/* Puts what stands in [p, end) to the extensions before it. */
static inline void take_extension(struct bd_contact *contact, const char *p, const char *end,
                                  struct bd_str name, struct bd_str value)
{
    struct bd_str *all = &contact->extensions;
    bool bare = name.p == p && bd_str_end(value.p ? value : name) == end;
    contact->scattered |= !bare || (all->p && bd_str_end(*all) + 1 != p);
    *all = bd_slice(all->p ? all->p : p, end);
}

bool bd_contact_is_extension(struct bd_str name)
{
    return is_extension(name, bd_word(name));
}

/* STAR, with a comma or nothing behind it. */
static const char *star(const char *p, const char *end)
{
    if (*p != '*')
        return NULL;
    p = bd_skip_lws(p + 1, end);
    return p == end || *p == ',' ? p : NULL;
}

/* *( SEMI contact-params ); p stands on the first ";" if there is one. */
static const char *params_take(const struct bd_scan *scan, const char *p, const char *end,
                               struct bd_contact *contact)
{
    struct bd_param_look look = {.at = p};
    if (scan && p < end)
        look = bd_param_look(scan, p + 1);
    while (p < end && *p == ';') {
        struct bd_str name, value;
        const char *begin = p + 1;
        p = scan ? bd_param_take(scan, &look, begin, end, &name, &value)
                 : bd_param_parse(NULL, begin, end, BD_C_TOKEN, &name, &value);
        uint64_t word = p ? bd_word(name) : 0;
        if (!p || !take_param(contact, name, word, value))
            return NULL;
        if (is_extension(name, word))
            take_extension(contact, begin, p, name, value);
    }
    return p == end || *p == ',' ? p : NULL;
}

/* Contact = STAR / ( ( name-addr / addr-spec ) *( SEMI contact-params ) ) */
const char *bd_contact_take(const struct bd_scan *scan, struct bd_str list,
                            struct bd_contact *contact)
{
    const char *end = bd_str_end(list), *begin = bd_skip_lws(list.p, end);
    bd_clear(contact, sizeof(*contact));
    if (begin == end)
        return NULL;
    const char *p = star(begin, end);
    contact->star = p;
    if (p)
        return p;
    const char *address_end = bd_name_addr_take(scan, begin, end, &contact->addr);
    p = address_end ? params_take(scan, address_end, end, contact) : NULL;
    if (!p)
        return NULL;
    contact->addr.text = bd_trim(begin, p);
    if (p > address_end)
        contact->addr.params = bd_slice(address_end + 1, bd_str_end(contact->addr.text));
    return p;
}

bool bd_contact_read(const struct bd_scan *scan, struct bd_str element, struct bd_contact *contact)
{
    struct bd_str text = bd_trim(element.p, bd_str_end(element));
    return bd_contact_take(scan, text, contact) == bd_str_end(text);
}

bool bd_contact_parse(struct bd_str element, struct bd_contact *contact)
{
    struct bd_scan_room room;
    return bd_contact_read(bd_scan_text(&room, element), element, contact);
}

/* Marking the whole rest of a long list for each of its elements would add up. */
enum { SCANNED_MAX = 512 };

bool bd_contact_next(struct bd_list *list, struct bd_contact *contact)
{
    if (!list->h)
        return false;
    struct bd_scan_room room;
    const struct bd_scan *scan =
        list->rest.len <= SCANNED_MAX ? bd_scan_text(&room, list->rest) : NULL;
    return bd_list_step(list, bd_contact_take(scan, list->rest, contact));
}
