/* SPDX-License-Identifier: BSD-3-Clause */
/* Path (RFC 3327): the proxies between the phone and here, to be kept with its bindings.
 *
 *   path_mode   without Supported: path   with it
 *   0 off       kept                      kept            Kamailio's meanings;
 *   1 lazy      kept                      kept, echoed    without use_path a Path
 *   2 strict    420                       kept, echoed    is not looked at */
#include "private.h"

static bool lists_path(const struct bd_message *m, enum bd_header_id id)
{
    struct bd_list list = bd_list_begin(m, id);
    struct bd_str tag;
    while (bd_list_next(&list, &tag)) {
        if (bd_str_eq_nocase(tag, BD_STR("path")))
            return true;
    }
    return false;
}

enum bd_verdict bd_path_check(struct bd_turn *turn)
{
    const struct bd_message *m = turn->m;
    const struct bd_policy_domain *domain = turn->domain;
    if (!domain->use_path || !bd_header_first(m, BD_HDR_PATH))
        return BD_VERDICT_NONE;
    bool supported = lists_path(m, BD_HDR_REQUIRE) || lists_path(m, BD_HDR_SUPPORTED);
    /* 5.3: a proxy put a Path there that the phone knows nothing of. */
    turn->path_refused = !supported && domain->path_mode == BD_PATH_STRICT;
    if (turn->path_refused)
        return BD_SIP_BAD_EXTENSION;
    turn->path_echoed = supported && domain->path_mode != BD_PATH_OFF;
    return BD_VERDICT_NONE;
}

/* path-value = name-addr *( SEMI rr-param ): angle brackets are a must, as in Route (20.34), and a
 * route leads to a SIP server. */
static bool is_path_value(struct bd_str element)
{
    struct bd_name_addr na;
    return bd_name_addr_parse(element, &na) && na.uri.text.p > na.text.p &&
           na.uri.text.p[-1] == '<' &&
           (na.uri.scheme == BD_URI_SIP || na.uri.scheme == BD_URI_SIPS);
}

const char *bd_path_read(struct bd_asks *asks, const struct bd_message *m)
{
    uint32_t begin = asks->text_len;
    struct bd_list list = bd_list_begin(m, BD_HDR_PATH);
    struct bd_str value;
    while (bd_list_next(&list, &value)) {
        if (!is_path_value(value))
            return "Malformed Path";
        uint32_t used = asks->text_len - begin;
        if (value.len + 1 > BD_PATH_VECTOR_MAX - used)
            return "Path too long";
        if (used)
            bd_asks_append(asks, BD_STR(","));
        bd_asks_append(asks, value);
    }
    if (asks->text_len > begin)
        asks->path = (struct bd_str){asks->text + begin, asks->text_len - begin};
    return list.bad ? "Malformed Path" : NULL;
}

bool bd_path_is_secure(const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_PATH);
    struct bd_str value;
    struct bd_name_addr na;
    while (bd_list_next(&list, &value)) {
        if (!bd_name_addr_parse(value, &na) || na.uri.scheme != BD_URI_SIPS)
            return false;
    }
    return true;
}
