/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

/* SLASH = SWS "/" SWS. Returns the byte after it, NULL when it is not there. */
static const char *slash(const char *p, const char *end)
{
    p = bd_skip_lws(p, end);
    return p < end && *p == '/' ? bd_skip_lws(p + 1, end) : NULL;
}

/* One token and what must follow it; NULL when there is no token. */
static const char *token(const struct bd_scan *scan, const char *p, const char *end,
                         struct bd_str *text)
{
    const char *stop = bd_scan_skip(scan, p, end, BD_C_TOKEN);
    *text = bd_slice(p, stop);
    return stop == p ? NULL : stop;
}

/* sent-protocol = protocol-name SLASH protocol-version SLASH transport. Any version: the start line
 * tells which one the message has (RFC 4475 3.1.2.16). */
static const char *sent_protocol(const struct bd_scan *scan, const char *p, const char *end,
                                 struct bd_via *via)
{
    struct bd_str ignored;
    p = token(scan, p, end, &ignored);
    p = p ? slash(p, end) : NULL;
    p = p ? token(scan, p, end, &ignored) : NULL;
    p = p ? slash(p, end) : NULL;
    return p ? token(scan, p, end, &via->transport) : NULL;
}

/* sent-by = host [ COLON port ], LWS allowed around the colon. */
static const char *sent_by(const struct bd_scan *scan, const char *p, const char *end,
                           struct bd_via *via)
{
    struct bd_str host;
    enum bd_host_type type;
    p = bd_host_parse(scan, p, end, (struct bd_host_to){&host, &type, &via->ip, NULL});
    if (!p)
        return NULL;
    p = bd_skip_lws(p, end);
    if (p < end && *p == ':') {
        p = bd_port_parse(scan, bd_skip_lws(p + 1, end), end, &via->port);
        if (!p)
            return NULL;
        p = bd_skip_lws(p, end);
    }
    via->host = host;
    via->is_ip = type != BD_HOST_NAME;
    return p;
}

/* sent-protocol LWS sent-by. Returns the byte behind it and LWS, NULL when it is malformed. */
static const char *head(const struct bd_scan *scan, const char *p, const char *end,
                        struct bd_via *via)
{
    p = sent_protocol(scan, p, end, via);
    const char *host = p ? bd_skip_lws(p, end) : NULL;
    /* No LWS between them, or nothing there? */
    return host == p ? NULL : sent_by(scan, host, end, via);
}

/* The same as nearly all write it, as one look sees it. NULL when it is not that plain, which says
 * nothing about its being right. */
static inline const char *plain_head(const struct bd_scan *scan, const char *p, const char *end,
                                     struct bd_via *via)
{
    if (end - p <= 8 || memcmp(p, "SIP/2.0/", 8) != 0)
        return NULL;
    p += 8;
    const uint8_t *marked = bd_scan_at(scan, p);
    unsigned space = bd_lowest(bd_without(marked, BD_C_TOKEN));
    if (space == 0 || p + space >= end || p[space] != ' ')
        return NULL;
    enum bd_host_type type;
    const char *stop =
        bd_hostport_look(bd_without(marked, BD_C_HOST), p, space + 1, end,
                         (struct bd_host_to){&via->host, &type, &via->ip, &via->port});
    if (!stop || (stop < end && *stop != ';' && *stop != ','))
        return NULL;
    via->transport = (struct bd_str){p, space};
    via->is_ip = type != BD_HOST_NAME;
    return stop;
}

/* What the parameters of one via-parm say together. */
struct params {
    bool keep, twice, received;
    bool oc, loss, oc_bad; /* RFC 7339 */
    uint32_t bare_len;     /* without LWS, with their semicolons */
};

/* algo-list *(COMMA algo-list) in quotes: whether it has "loss". */
static bool has_loss(struct bd_str list)
{
    list = bd_strip_quotes(list);
    const char *p = list.p, *end = bd_str_end(list);
    while (p && p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma ? comma : end;
        if (bd_str_eq_nocase(bd_trim(p, stop), BD_STR("loss")))
            return true;
        p = stop + 1;
    }
    return false;
}

/* RFC 7339 4.1, 4.2: a client sends oc without a value and the algorithms it knows, "loss" among
 * them. Who sends anything else is not told anything. */
static __attribute__((cold, noinline)) void take_overload(struct params *params, bool algorithms,
                                                          struct bd_str value)
{
    params->oc_bad |= algorithms ? params->loss || !has_loss(value) : params->oc || value.p;
    params->oc |= !algorithms;
    params->loss |= algorithms;
}

static void take_param(struct bd_via *via, struct params *params, struct bd_str name,
                       struct bd_str value)
{
    params->bare_len += name.len + (value.p ? value.len + 1 : 0) + 1;
    uint64_t word = bd_word(name);
    if (word == BD_WORD("branch")) {
        via->branch = value;
    } else if (word == BD_WORD("rport")) {
        via->rport = !value.p;
        params->twice |= via->rport_end != NULL;
        via->rport_end = bd_str_end(name);
    } else if (word == BD_WORD("maddr")) {
        via->maddr = value;
    } else if (word == BD_WORD("keep")) {
        via->keep = !value.p;
        params->twice |= params->keep;
        params->keep = true;
    } else if (word == BD_WORD("received")) {
        params->received = true;
    } else if (word == BD_WORD("oc") || word == BD_WORD("oc-algo")) {
        take_overload(params, word != BD_WORD("oc"), value);
    }
}

/* Whether [p, end) begins with a literal and has another byte behind it. */
#define BEGINS_WITH(p, end, z)                                                                     \
    ((end) - (p) >= (ptrdiff_t)sizeof(z) && memcmp(p, z, sizeof(z) - 1) == 0)

/* The two parameters that nearly all have, as nearly all write them; p stands on the semicolon.
 * NULL when it is neither, or not that plain, which says nothing about its being right. */
static inline const char *take_usual(const struct bd_scan *scan, const char *p, const char *end,
                                     struct bd_via *via, struct params *params)
{
    const char *stop;
    if (BEGINS_WITH(p, end, ";branch=")) {
        const char *value = p + strlen(";branch=");
        stop = bd_scan_leap(scan, value, BD_C_TOKEN | BD_C_PARAM);
        if (stop == value || stop > end || (stop < end && *stop != ';'))
            return NULL;
        via->branch = bd_slice(value, stop);
    } else {
        stop = p + strlen(";rport");
        if (stop > end || memcmp(p, ";rport", strlen(";rport")) != 0 ||
            (stop < end && *stop != ';'))
            return NULL;
        via->rport = true;
        params->twice |= via->rport_end != NULL;
        via->rport_end = stop;
    }
    params->bare_len += (uint32_t)(stop - p);
    return stop;
}

/* One parameter; p stands on its semicolon. Returns the byte behind it, NULL when it is malformed.
 */
static const char *param_take(const struct bd_scan *scan, const char *p, const char *end,
                              struct bd_via *via, struct params *params)
{
    const char *stop = scan ? take_usual(scan, p, end, via, params) : NULL;
    if (stop)
        return stop;
    struct bd_str name, value;
    stop = bd_param_read(scan, p + 1, end, BD_C_TOKEN, &name, &value);
    if (stop)
        take_param(via, params, name, value);
    return stop;
}

/* *( SEMI via-params ); p stands on the first ";". Malformed, they are the whole rest of the text.
 */
static const char *params_take(const struct bd_scan *scan, const char *p, const char *end,
                               struct bd_via *via)
{
    const char *begin = p;
    struct params params = {0};
    via->params = bd_slice(begin + 1, end);
    while (p && p < end && *p == ';')
        p = param_take(scan, p, end, via, &params);
    if (!p || (p < end && *p != ','))
        return NULL;
    struct bd_str text = bd_trim(begin, p);
    via->params = bd_slice(begin + 1, bd_str_end(text));
    via->oc = params.oc && params.loss && !params.oc_bad;
    via->plain = params.bare_len == text.len && !bd_is(begin[-1], BD_C_WSP) && !params.twice &&
                 !params.received;
    return p;
}

/* via-parm = sent-protocol LWS sent-by *( SEMI via-params ) */
const char *bd_via_take(const struct bd_scan *scan, struct bd_str list, struct bd_via *via)
{
    bd_clear(via, sizeof(*via));
    const char *end = bd_str_end(list);
    const char *p = scan ? plain_head(scan, list.p, end, via) : NULL;
    if (!p) {
        bd_clear(via, sizeof(*via));
        p = head(scan, list.p, end, via);
    }
    if (p && p < end && *p == ';')
        p = params_take(scan, p, end, via);
    else if (p && (p == end || *p == ','))
        via->plain = true;
    else
        return NULL;
    if (p)
        via->text = bd_trim(list.p, p);
    return p;
}

bool bd_via_read(const struct bd_scan *scan, struct bd_str element, struct bd_via *via)
{
    bool valid = bd_via_take(scan, element, via) == bd_str_end(element);
    via->text = element;
    return valid;
}

bool bd_via_parse(struct bd_str element, struct bd_via *via)
{
    struct bd_scan_room room;
    return bd_via_read(bd_scan_text(&room, element), element, via);
}
