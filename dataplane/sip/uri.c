/* SPDX-License-Identifier: BSD-3-Clause */
#include "uri.h"

#include "parse.h"
#include "scan.h"

static enum bd_uri_scheme scheme_id(struct bd_str scheme)
{
    uint64_t word = bd_word(scheme);
    if (word == BD_WORD("sip"))
        return BD_URI_SIP;
    if (word == BD_WORD("sips"))
        return BD_URI_SIPS;
    return word == BD_WORD("tel") ? BD_URI_TEL : BD_URI_OTHER;
}

/* userinfo = user [ ":" password ] "@". An "@" may stand nowhere else in a SIP URI: when none ends
 * what could be userinfo, there is no userinfo, or one that is malformed, and then the "@" is still
 * to come and ends whatever else it is taken for. */
static const char *userinfo_parse(const struct bd_scan *scan, const char *p, const char *end,
                                  struct bd_uri *uri)
{
    const char *stop = bd_scan_escaped(scan, p, end, BD_C_USER), *at = stop;
    if (stop < end && *stop == ':')
        at = bd_skip_escaped(stop + 1, end, BD_C_PASSWORD);
    if (stop == p || at == end || *at != '@')
        return p;
    uri->user = bd_slice(p, stop);
    if (at > stop)
        uri->password = bd_slice(stop + 1, at);
    return at + 1;
}

static inline struct bd_host_to host_of(struct bd_uri *uri)
{
    return (struct bd_host_to){&uri->host, &uri->host_type, &uri->ip, &uri->port};
}

static const char *hostport_parse(const struct bd_scan *scan, const char *p, const char *end,
                                  struct bd_uri *uri)
{
    p = bd_host_parse(scan, p, end, host_of(uri));
    if (p && p < end && *p == ':')
        return bd_port_parse(scan, p + 1, end, &uri->port);
    return p;
}

/* What may follow the host and port of a SIP URI in any of its places. */
static inline bool ends_hostport(const char *p, const char *end)
{
    return p == end || *p == '>' || *p == ';' || *p == '?';
}

/* [ user "@" ] host [ ":" port ] as one look sees it, without a password, escapes or an IPv6
 * address. NULL when it is not that plain, which says nothing about its being right. */
static inline const char *plain_address(const struct bd_scan *scan, const char *p, const char *end,
                                        struct bd_uri *uri)
{
    const uint8_t *marked = bd_scan_at(scan, p);
    unsigned at = bd_lowest(bd_without(marked, BD_C_USER));
    bool has_user = p + at < end && p[at] == '@';
    if (at == 0 || at == BD_LOOK || (!has_user && p + at < end && p[at] == '%'))
        return NULL;
    const char *stop = bd_hostport_look(bd_without(marked, BD_C_HOST), p, has_user ? at + 1 : 0,
                                        end, host_of(uri));
    /* A password would seem to be a port, but does not end as one. */
    if (!stop || !ends_hostport(stop, end))
        return NULL;
    /* Nor need a host be one behind which a user would go on until a password: a;b:c@d. */
    if (!has_user && stop < p + at && p + at < end && p[at] == ':')
        return NULL;
    if (has_user)
        uri->user = (struct bd_str){p, at};
    return stop;
}

/* Bulk number contact: told while the parameters are read anyway, as every Contact is asked. */
static bool is_bnc(const char *name, const char *end)
{
    return end - name == 3 && bd_lower(name[0]) == 'b' && bd_lower(name[1]) == 'n' &&
           bd_lower(name[2]) == 'c';
}

/* uri-parameters = *( ";" pname [ "=" pvalue ] ); p stands on the first ";" if there is one. */
static const char *params_parse(const struct bd_scan *scan, const char *p, const char *end,
                                struct bd_uri *uri)
{
    const char *begin = p;
    for (unsigned cnt = 0; p < end && *p == ';'; cnt++) {
        const char *name = p + 1;
        p = bd_scan_escaped(scan, name, end, BD_C_PARAM);
        if (p == name || cnt == BD_URI_PARAMS_MAX)
            return NULL;
        uri->bnc |= is_bnc(name, p);
        if (p < end && *p == '=') {
            const char *value = p + 1;
            p = bd_scan_escaped(scan, value, end, BD_C_PARAM);
            if (p == value)
                return NULL;
        }
    }
    if (p > begin)
        uri->params = bd_slice(begin + 1, p);
    return p;
}

/* headers = "?" header *( "&" header ), header = hname "=" hvalue; a value may be empty. */
static const char *headers_parse(const char *p, const char *end, struct bd_uri *uri)
{
    const char *begin = p;
    for (unsigned cnt = 0; p < end && *p == (cnt ? '&' : '?'); cnt++) {
        const char *name = p + 1;
        p = bd_skip_escaped(name, end, BD_C_HNV);
        if (p == name || p == end || *p != '=' || cnt == BD_URI_PARAMS_MAX)
            return NULL;
        p = bd_skip_escaped(p + 1, end, BD_C_HNV);
    }
    if (p > begin)
        uri->headers = bd_slice(begin + 1, p);
    return p;
}

/* [ userinfo ] hostport, and uri-parameters [ headers ] behind it. */
static const char *address_take(const struct bd_scan *scan, const char *p, const char *end,
                                struct bd_uri *uri)
{
    return hostport_parse(scan, userinfo_parse(scan, p, end, uri), end, uri);
}

static const char *rest_take(const struct bd_scan *scan, const char *p, const char *end,
                             struct bd_uri *uri)
{
    if (p && p < end && *p == ';')
        p = params_parse(scan, p, end, uri);
    if (p && p < end && *p == '?')
        p = headers_parse(p, end, uri);
    return p;
}

static inline void begin(const char *p, uint32_t scheme_len, struct bd_uri *uri)
{
    bd_clear(uri, sizeof(*uri));
    uri->scheme = BD_URI_SIP;
    uri->scheme_text = (struct bd_str){p, scheme_len};
}

/* SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ] */
const char *bd_uri_take(const struct bd_scan *scan, const char *p, const char *end,
                        struct bd_uri *uri)
{
    static const uint32_t scheme_len = 3;
    const char *address = p + scheme_len + 1;
    begin(p, scheme_len, uri);
    const char *stop = scan ? plain_address(scan, address, end, uri) : NULL;
    if (!stop) {
        begin(p, scheme_len, uri);
        stop = address_take(scan, address, end, uri);
    }
    stop = rest_take(scan, stop, end, uri);
    if (stop)
        uri->text = bd_slice(p, stop);
    return stop;
}

/* RFC 3966 3: "+" with a digit in it, or hexadecimal digits, "*" and "#", with separators. */
static const char *tel_number_parse(const char *p, const char *end, bool *global)
{
    *global = p < end && *p == '+';
    if (*global)
        p++;
    bool has_digit = false;
    for (; p < end; p++) {
        bool digit =
            bd_is(*p, *global ? BD_C_DIGIT : BD_C_HEX) || (!*global && (*p == '*' || *p == '#'));
        if (!digit && !bd_is(*p, BD_C_VISUAL))
            break;
        has_digit |= digit;
    }
    return has_digit ? p : NULL;
}

static bool tel_uri_parse(const struct bd_scan *scan, const char *p, const char *end,
                          struct bd_uri *uri)
{
    bool global;
    const char *stop = tel_number_parse(p, end, &global);
    if (!stop)
        return false;
    uri->user = bd_slice(p, stop);
    if (params_parse(scan, stop, end, uri) != end)
        return false;
    /* A local number means nothing without its context (RFC 3966 5.1.5). */
    struct bd_str context;
    return global ||
           (bd_param_find(uri->params, BD_STR("phone-context"), &context) && context.len > 0);
}

/* Reads "scheme:". Returns the byte after the colon, NULL when it is not there. */
static const char *scheme_parse(const char *p, const char *end, struct bd_uri *uri)
{
    const char *colon = bd_skip(p, end, BD_C_SCHEME);
    if (colon == end || *colon != ':' || !bd_is(*p, BD_C_ALPHA))
        return NULL;
    uri->scheme_text = bd_slice(p, colon);
    uri->scheme = scheme_id(uri->scheme_text);
    return colon + 1;
}

/* Of any scheme. */
__attribute__((noinline)) static bool any_uri(const struct bd_scan *scan, struct bd_str text,
                                              struct bd_uri *uri)
{
    bd_clear(uri, sizeof(*uri));
    uri->text = text;
    const char *end = bd_str_end(text);
    const char *p = text.len > 0 ? scheme_parse(text.p, end, uri) : NULL;
    if (!p)
        return false;
    switch (uri->scheme) {
    case BD_URI_SIP:
    case BD_URI_SIPS:
        return rest_take(scan, address_take(scan, p, end, uri), end, uri) == end;
    case BD_URI_TEL:
        return tel_uri_parse(scan, p, end, uri);
    case BD_URI_OTHER:
        break;
    }
    /* absoluteURI: hier-part and opaque-part together are uric of at least one character. */
    return p < end && bd_skip_escaped(p, end, BD_C_URIC) == end;
}

bool bd_uri_read(const struct bd_scan *scan, struct bd_str text, struct bd_uri *uri)
{
    const char *end = bd_str_end(text);
    if (bd_uri_is_sip(text.p, end))
        return bd_uri_take(scan, text.p, end, uri) == end;
    return any_uri(scan, text, uri);
}

bool bd_uri_parse(struct bd_str text, struct bd_uri *uri)
{
    struct bd_scan_room room;
    return bd_uri_read(bd_scan_text(&room, text), text, uri);
}
