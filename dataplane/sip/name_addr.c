/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

/* display-name = *( token LWS ) / quoted-string; looser: LWS before "<" may be missing (RFC 4475
 * 3.1.1.6), and a token may have bytes of UTF-8, as phones with people's names in them send.
 * Returns the "<" behind it; NULL when there is none, the element is then an addr-spec. */
static const char *display_name(const char *p, const char *end, struct bd_str *display)
{
    const char *begin = p, *stop = p;
    if (p < end && *p == '"') {
        stop = bd_skip_quoted(p, end);
        if (!stop)
            return NULL;
        p = bd_skip_lws(stop, end);
    } else {
        while (p < end && bd_is(*p, BD_C_TOKEN | BD_C_UTF8)) {
            stop = bd_skip(p, end, BD_C_TOKEN | BD_C_UTF8);
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
static const char *addr_spec(const char *p, const char *end, struct bd_uri *uri)
{
    const char *stop = p;
    while (stop < end && *stop != ';' && *stop != ',' && *stop != '?' && !bd_is(*stop, BD_C_WSP) &&
           *stop != '\r')
        stop++;
    return bd_uri_parse(bd_slice(p, stop), uri) ? stop : NULL;
}

static const char *bracketed(const char *p, const char *end, struct bd_uri *uri)
{
    const char *close = memchr(p, '>', (size_t)(end - p));
    if (!close || !bd_uri_parse(bd_slice(p + 1, close), uri))
        return NULL;
    return close + 1;
}

/* ( name-addr / addr-spec ) *( SEMI generic-param ) */
bool bd_name_addr_parse(struct bd_str element, struct bd_name_addr *na)
{
    na->display = BD_STR_NULL;
    na->params = BD_STR_NULL;
    struct bd_str text = bd_trim(element.p, bd_str_end(element));
    na->text = text;
    if (text.len == 0)
        return false;
    const char *p = text.p, *end = bd_str_end(text);
    const char *open = display_name(p, end, &na->display);
    p = open ? bracketed(open, end, &na->uri) : addr_spec(p, end, &na->uri);
    if (!p)
        return false;
    p = bd_skip_lws(p, end);
    if (p == end)
        return true;
    if (*p != ';')
        return false;
    struct bd_str params = bd_slice(p + 1, end);
    na->params = params;
    return bd_params_valid(params, BD_C_TOKEN);
}
