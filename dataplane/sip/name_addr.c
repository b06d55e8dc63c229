/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

/* display-name = *( token LWS ) / quoted-string; looser: LWS before "<" may be missing (RFC 4475
 * 3.1.1.6), and a token may have bytes of UTF-8, as phones with people's names in them send.
 * Returns the "<" behind it; NULL when there is none, the element is then an addr-spec. */
static const char *display_name(const struct bd_scan *scan, const char *p, const char *end,
                                struct bd_str *display)
{
    const char *begin = p, *stop = p;
    if (*p == '<')
        return p;
    if (*p == '"') {
        stop = bd_scan_quoted(scan, p, end);
        if (!stop)
            return NULL;
        p = bd_skip_lws(stop, end);
    } else {
        while (p < end && bd_is(*p, BD_C_TOKEN | BD_C_UTF8)) {
            stop = bd_scan_skip(scan, p, end, BD_C_TOKEN);
            stop = bd_skip(stop, end, BD_C_TOKEN | BD_C_UTF8);
            p = bd_skip_lws(stop, end);
        }
    }
    if (p == end || *p != '<')
        return NULL;
    if (stop > begin)
        *display = bd_slice(begin, stop);
    return p;
}

/* Without brackets the URI ends where the header's parameters begin (20.10): it cannot have any of
 * its own, nor a comma, and it must not have headers. */
static const char *addr_spec(const struct bd_scan *scan, const char *p, const char *end,
                             struct bd_uri *uri)
{
    const char *stop = bd_scan_skip(scan, p, end, BD_C_PARAM);
    while (stop < end && *stop != ';' && *stop != ',' && *stop != '?' && !bd_is(*stop, BD_C_WSP) &&
           *stop != '\r')
        stop = bd_scan_skip(scan, stop + 1, end, BD_C_PARAM); /* which has none of these */
    return bd_uri_read(scan, bd_slice(p, stop), uri) ? stop : NULL;
}

/* "<" URI ">"; p stands on the first. No byte of a URI is a ">". */
static const char *bracketed(const struct bd_scan *scan, const char *p, const char *end,
                             struct bd_uri *uri)
{
    if (bd_uri_is_sip(p + 1, end)) {
        p = bd_uri_take(scan, p + 1, end, uri);
        return p && p < end && *p == '>' ? p + 1 : NULL;
    }
    const char *close = bd_bracket_end(scan, p, end);
    return close && bd_uri_read(scan, bd_slice(p + 1, close), uri) ? close + 1 : NULL;
}

const char *bd_name_addr_take(const struct bd_scan *scan, const char *p, const char *end,
                              struct bd_name_addr *na)
{
    na->display = BD_STR_NULL;
    na->params = BD_STR_NULL;
    const char *open = display_name(scan, p, end, &na->display);
    p = open ? bracketed(scan, open, end, &na->uri) : addr_spec(scan, p, end, &na->uri);
    return p ? bd_skip_lws(p, end) : NULL;
}

static inline struct bd_str moved(struct bd_str s, ptrdiff_t by)
{
    return s.p ? (struct bd_str){s.p + by, s.len} : s;
}

/* What a URI is that has the same bytes so much further on. */
static inline void move(struct bd_uri *uri, ptrdiff_t by)
{
    uri->text = moved(uri->text, by);
    uri->scheme_text = moved(uri->scheme_text, by);
    uri->user = moved(uri->user, by);
    uri->password = moved(uri->password, by);
    uri->host = moved(uri->host, by);
    uri->params = moved(uri->params, by);
    uri->headers = moved(uri->headers, by);
}

/* Takes over what stands before the parameters of another element when this one begins with the
 * same bytes and ends there, or has a semicolon there. Returns the byte behind it; NULL when it
 * differs. */
static inline const char *take_over(struct bd_str text, const struct bd_name_addr *other,
                                    struct bd_name_addr *na)
{
    uint32_t len =
        other->params.p ? (uint32_t)(other->params.p - 1 - other->text.p) : other->text.len;
    if (len == 0 || text.len < len || (text.len > len && text.p[len] != ';') ||
        !bd_bytes_eq(text.p, other->text.p, len))
        return NULL;
    ptrdiff_t by = text.p - other->text.p;
    na->display = moved(other->display, by);
    na->uri = other->uri;
    move(&na->uri, by);
    na->params = BD_STR_NULL;
    return text.p + len;
}

/* ( name-addr / addr-spec ) *( SEMI generic-param ) */
bool bd_name_addr_read(const struct bd_scan *scan, struct bd_str text,
                       const struct bd_name_addr *other, struct bd_name_addr *na)
{
    const char *end = bd_str_end(text), *p = other ? take_over(text, other, na) : NULL;
    if (!p && text.len > 0)
        p = bd_name_addr_take(scan, text.p, end, na);
    na->text = text;
    if (!p || p == end)
        return p;
    if (*p != ';')
        return false;
    na->params = bd_slice(p + 1, end);
    return true;
}

bool bd_name_addr_parse(struct bd_str element, struct bd_name_addr *na)
{
    struct bd_scan_room room;
    const struct bd_scan *scan = bd_scan_text(&room, element);
    return bd_name_addr_read(scan, bd_trim(element.p, bd_str_end(element)), NULL, na) &&
           bd_params_valid(na->params, BD_C_TOKEN);
}
