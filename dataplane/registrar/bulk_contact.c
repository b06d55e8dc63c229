/* SPDX-License-Identifier: BSD-3-Clause */
#include "bulk_contact.h"

const char *bd_bulk_check(const struct bd_uri *contact)
{
    struct bd_str value = BD_STR_NULL;
    if (contact->scheme != BD_URI_SIP && contact->scheme != BD_URI_SIPS)
        return "Contact with bnc is no SIP URI";
    if (contact->user.p)
        return "Contact with bnc has a user part";
    if (bd_param_find(contact->params, BD_STR("user"), &value))
        return "Contact with bnc has a user parameter";
    if (bd_param_find(contact->params, BD_STR("bnc"), &value) && value.p)
        return "Contact with bnc has a value for it";
    return NULL;
}

static struct bd_str between(const char *p, const char *end)
{
    return (struct bd_str){p, (uint32_t)(end - p)};
}

static void put_params(struct bd_wire *w, struct bd_str params)
{
    struct bd_str cursor = params, name, value;
    bool bad = false;
    while (bd_param_next(&cursor, &name, &value, &bad)) {
        if (bd_str_eq_nocase(name, BD_STR("bnc")))
            continue;
        bd_wire_char(w, ';');
        bd_wire_put(w, value.p ? between(name.p, value.p + value.len) : name);
    }
}

bool bd_bulk_contact(struct bd_wire *w, struct bd_str contact, const struct bd_e164 *number)
{
    struct bd_uri uri;
    if (!bd_uri_parse(contact, &uri) || !uri.bnc || bd_bulk_check(&uri))
        return false;
    char user[BD_E164_TEXT_MAX];
    bd_wire_put(w, uri.scheme_text);
    bd_wire_char(w, ':');
    bd_wire_put(w, (struct bd_str){user, bd_e164_format(number, user)});
    bd_wire_char(w, '@');
    bd_wire_put(w, between(uri.host.p, uri.params.p - 1));
    put_params(w, uri.params);
    if (uri.headers.p) {
        bd_wire_char(w, '?');
        bd_wire_put(w, uri.headers);
    }
    return true;
}
