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
    if (end - p > 8 && memcmp(p, "SIP/2.0/", 8) == 0)
        return token(scan, bd_skip_lws(p + 8, end), end, &via->transport);
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
    struct bd_host host;
    p = bd_host_parse(scan, p, end, &host);
    if (!p)
        return NULL;
    p = bd_skip_lws(p, end);
    if (p < end && *p == ':') {
        p = bd_port_parse(scan, bd_skip_lws(p + 1, end), end, &via->port);
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

static bool params_parse(const struct bd_scan *scan, struct bd_via *via)
{
    struct bd_str cursor = via->params, name, value;
    bool bad = false, received = false, keep = false, twice = false;
    uint32_t bare_len = 0; /* without LWS */
    while (bd_param_scan(scan, &cursor, BD_C_TOKEN, &name, &value, &bad)) {
        bare_len += name.len + (value.p ? value.len + 1 : 0) + 1;
        uint64_t word = bd_word(name);
        if (word == BD_WORD("branch")) {
            via->branch = value;
        } else if (word == BD_WORD("maddr")) {
            via->maddr = value;
        } else if (word == BD_WORD("rport")) {
            via->rport = !value.p;
            twice |= via->rport_end != NULL;
            via->rport_end = bd_str_end(name);
        } else if (word == BD_WORD("keep")) {
            via->keep = !value.p;
            twice |= keep;
            keep = true;
        } else if (word == BD_WORD("received")) {
            received = true;
        }
    }
    bool bare = bare_len == via->params.len + 1 && !bd_is(via->params.p[-2], BD_C_WSP);
    via->plain = bare && !bad && !twice && !received;
    return !bad;
}

/* via-parm = sent-protocol LWS sent-by *( SEMI via-params ) */
bool bd_via_read(const struct bd_scan *scan, struct bd_str element, struct bd_via *via)
{
    bd_clear(via, sizeof(*via));
    via->text = element;
    const char *end = bd_str_end(element);
    const char *p = sent_protocol(scan, element.p, end, via);
    const char *host = p ? bd_skip_lws(p, end) : NULL;
    if (host == p) /* no LWS between them, or nothing there */
        return false;
    p = sent_by(scan, host, end, via);
    if (!p)
        return false;
    via->plain = p == end;
    if (p == end)
        return true;
    if (*p != ';')
        return false;
    via->params = bd_slice(p + 1, end);
    return params_parse(scan, via);
}

bool bd_via_parse(struct bd_str element, struct bd_via *via)
{
    struct bd_scan room;
    return bd_via_read(bd_scan_text(&room, element), element, via);
}
