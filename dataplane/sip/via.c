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
static const char *token(const char *p, const char *end, struct bd_str *text)
{
    const char *stop = bd_skip(p, end, BD_C_TOKEN);
    *text = bd_slice(p, stop);
    return stop == p ? NULL : stop;
}

/* sent-protocol = protocol-name SLASH protocol-version SLASH transport. Any version: the start line
 * tells which one the message has (RFC 4475 3.1.2.16). */
static const char *sent_protocol(const char *p, const char *end, struct bd_via *via)
{
    struct bd_str ignored;
    p = token(p, end, &ignored);
    p = p ? slash(p, end) : NULL;
    p = p ? token(p, end, &ignored) : NULL;
    p = p ? slash(p, end) : NULL;
    return p ? token(p, end, &via->transport) : NULL;
}

/* sent-by = host [ COLON port ], LWS allowed around the colon. */
static const char *sent_by(const char *p, const char *end, struct bd_via *via)
{
    struct bd_host host;
    p = bd_host_parse(p, end, &host);
    if (!p)
        return NULL;
    p = bd_skip_lws(p, end);
    if (p < end && *p == ':') {
        p = bd_port_parse(bd_skip_lws(p + 1, end), end, &via->port);
        if (!p)
            return NULL;
        p = bd_skip_lws(p, end);
    }
    via->host = host.text;
    via->is_ip = host.type != BD_HOST_NAME;
    if (via->is_ip)
        via->ip = host.ip;
    return p;
}

static bool params_parse(struct bd_via *via)
{
    struct bd_str cursor = via->params, name, value;
    bool bad = false, received = false, keep = false, twice = false;
    uint32_t bare_len = 0; /* without LWS */
    while (bd_param_step(&cursor, BD_C_TOKEN, &name, &value, &bad)) {
        bare_len += name.len + (value.p ? value.len + 1 : 0) + 1;
        if (bd_str_eq_nocase(name, BD_STR("branch"))) {
            via->branch = value;
        } else if (bd_str_eq_nocase(name, BD_STR("maddr"))) {
            via->maddr = value;
        } else if (bd_str_eq_nocase(name, BD_STR("rport"))) {
            via->rport = !value.p;
            twice |= via->rport_end != NULL;
            via->rport_end = bd_str_end(name);
        } else if (bd_str_eq_nocase(name, BD_STR("keep"))) {
            via->keep = !value.p;
            twice |= keep;
            keep = true;
        } else if (bd_str_eq_nocase(name, BD_STR("received"))) {
            received = true;
        }
    }
    bool bare = bare_len == via->params.len + 1 && !bd_is(via->params.p[-2], BD_C_WSP);
    via->plain = bare && !bad && !twice && !received;
    return !bad;
}

/* via-parm = sent-protocol LWS sent-by *( SEMI via-params ) */
bool bd_via_parse(struct bd_str element, struct bd_via *via)
{
    bd_clear(via, sizeof(*via));
    via->text = element;
    const char *end = bd_str_end(element);
    const char *p = sent_protocol(element.p, end, via);
    const char *host = p ? bd_skip_lws(p, end) : NULL;
    if (host == p) /* no LWS between them, or nothing there */
        return false;
    p = sent_by(host, end, via);
    if (!p)
        return false;
    via->plain = p == end;
    if (p == end)
        return true;
    if (*p != ';')
        return false;
    via->params = bd_slice(p + 1, end);
    return params_parse(via);
}
