/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parsers of this folder share and nobody outside needs.
 *
 * A `scan` is that of a text around what is parsed, or NULL (scan.h). */
#ifndef BD_PARSE_H
#define BD_PARSE_H

#include "message.h"
#include "scan.h"

/* host = hostname / IPv4address / IPv6reference (RFC 3261 25.1), with the port behind it: where its
 * parts are written. What failed may have written some. */
struct bd_host_to {
    struct bd_str *text;     /* IPv6 with brackets */
    enum bd_host_type *type; /* and unless it is BD_HOST_NAME: */
    struct bd_ip *ip;
    uint16_t *port;
};

/* Reads the host that [p, end) begins with. Returns the byte after it, NULL when there is none.
 * Looser than 25.1: "_" in a name (computers are called so), and the third colon that the RFC's own
 * grammar puts before an embedded IPv4 address (RFC 5118 4.10). */
const char *bd_host_parse(const struct bd_scan *scan, const char *p, const char *end,
                          struct bd_host_to to);

/* port = 1*DIGIT, 1..65535. Returns the byte after it, NULL when there is none. */
const char *bd_port_parse(const struct bd_scan *scan, const char *p, const char *end,
                          uint16_t *port);

/* host [ ":" port ] but for IPv6 addresses, as one look sees it: `ends` has a bit for each byte
 * from p on that is not of BD_C_HOST, the host begins at byte n. Returns the byte after it, which
 * the caller must find to be what may end a host. NULL when it is not that plain, which says
 * nothing about its being right. */
const char *bd_hostport_look(uint64_t ends, const char *p, unsigned n, const char *end,
                             struct bd_host_to to);

/* bd_uri_parse() in a text that is scanned already. */
bool bd_uri_read(const struct bd_scan *scan, struct bd_str text, struct bd_uri *uri);

/* Whether [p, end) begins with "sip:", in lower case, and more. */
static inline bool bd_uri_is_sip(const char *p, const char *end)
{
    return end - p > 4 && memcmp(p, "sip:", 4) == 0;
}

/* Reads the URI that [p, end) begins with, which bd_uri_is_sip(). Returns the byte after it, NULL
 * when it is malformed. */
const char *bd_uri_take(const struct bd_scan *scan, const char *p, const char *end,
                        struct bd_uri *uri);

/* Reads one "name" or "name=value" and the LWS around its parts. Returns the byte after it, NULL
 * when it is malformed. value->p is NULL when there is no "="; quotes are kept. */
const char *bd_param_read(const struct bd_scan *scan, const char *p, const char *end,
                          unsigned name_classes, struct bd_str *name, struct bd_str *value);
/* The same for what is not as most are. */
const char *bd_param_parse(const struct bd_scan *scan, const char *p, const char *end,
                           unsigned name_classes, struct bd_str *name, struct bd_str *value);

/* One look at header parameters: several mostly lie within it, of which each would wait for a look
 * of its own behind the one before. */
struct bd_param_look {
    const char *at;               /* what stands here */
    uint64_t name, value, quoted; /* a bit for each byte that ends one */
};

static inline struct bd_param_look bd_param_look(const struct bd_scan *scan, const char *p)
{
    const uint8_t *marked = bd_scan_at(scan, p);
    return (struct bd_param_look){p, bd_without(marked, BD_C_TOKEN),
                                  bd_without(marked, BD_C_TOKEN | BD_C_PARAM),
                                  bd_within(marked, BD_C_QUOTED)};
}

/* bd_param_read() of what begins at byte n of a look and is as most are: no LWS, a semicolon or the
 * end behind it. NULL when it is not, or not whole within the look, which says nothing about its
 * being right. */
static inline const char *bd_param_seen(const struct bd_param_look *look, unsigned n,
                                        const char *end, struct bd_str *name, struct bd_str *value)
{
    const char *p = look->at;
    unsigned stop = bd_lowest_from(look->name, n), begin = stop + 1;
    if (stop <= n || p + stop > end)
        return NULL;
    *name = bd_slice(p + n, p + stop);
    *value = BD_STR_NULL;
    if (p + stop == end || p[stop] == ';')
        return p + stop;
    if (p[stop] != '=' || p + begin == end)
        return NULL;
    if (p[begin] != '"') {
        stop = bd_lowest_from(look->value, begin);
    } else {
        stop = bd_lowest_from(look->quoted, begin + 1);
        if (stop == BD_LOOK || p[stop++] != '"')
            return NULL;
    }
    if (stop <= begin || p + stop > end || (p + stop < end && p[stop] != ';'))
        return NULL;
    *value = bd_slice(p + begin, p + stop);
    return p + stop;
}

/* bd_param_read() of a header parameter in a scanned text, p at or behind the look, which is moved
 * when it does not hold it. */
static inline const char *bd_param_take(const struct bd_scan *scan, struct bd_param_look *look,
                                        const char *p, const char *end, struct bd_str *name,
                                        struct bd_str *value)
{
    size_t n = (size_t)(p - look->at);
    const char *stop = n < BD_LOOK ? bd_param_seen(look, (unsigned)n, end, name, value) : NULL;
    if (!stop && n > 0) {
        *look = bd_param_look(scan, p);
        stop = bd_param_seen(look, 0, end, name, value);
    }
    return stop ? stop : bd_param_parse(scan, p, end, BD_C_TOKEN, name, value);
}

/* bd_param_next() with the class of characters that a name may have: BD_C_TOKEN for header
 * parameters (generic-param), BD_C_PARAM for URI parameters. */
bool bd_param_step(struct bd_str *cursor, unsigned name_classes, struct bd_str *name,
                   struct bd_str *value, bool *bad);

/* bd_param_step() in a text that is scanned already. */
bool bd_param_scan(const struct bd_scan *scan, struct bd_str *cursor, unsigned name_classes,
                   struct bd_str *name, struct bd_str *value, bool *bad);

/* True when the text is well formed to its end. NULL is: there are no parameters. */
bool bd_params_valid(struct bd_str params, unsigned name_classes);

/* Without the quotes, when both are there. */
struct bd_str bd_strip_quotes(struct bd_str s);

/* Name of a header field, a token, to its id; BD_HDR_OTHER when it has none. */
enum bd_header_id bd_header_id(struct bd_str name);

/* Method names are case-sensitive (7.1). */
enum bd_method bd_method_id(struct bd_str name);

/* The lines of a text, from front to back. */
struct bd_lines {
    const struct bd_scan *scan; /* of the whole text, or NULL */
    const char *p;              /* the begin of a line */
    const uint16_t *next;       /* the first control character in scan at or behind p */
};
/* From p on. */
struct bd_lines bd_lines_of(const struct bd_scan *scan, const char *p);

/* Splits header fields as long as they are plain: "Name: value" on a line of its own, nothing
 * before the colon, in a scanned text. Returns the header behind the last one; lines stands behind
 * its line. */
struct bd_header *bd_headers_plain(struct bd_lines *lines, const char *end, struct bd_header *h,
                                   const struct bd_header *none_left);

/* Splits any one header field, its folds included (7.3.1), and moves lines behind it. False when it
 * is no header field, has a control character or is not ended by CRLF: it is to be skipped. */
__attribute__((noinline)) bool bd_header_split(struct bd_lines *lines, const char *end,
                                               struct bd_header *header);

/* The comma or end that ends the element at p. Commas in a quoted-string or between angle brackets,
 * where a URI stands, belong to the element. NULL when a quote or bracket is not closed. */
const char *bd_element_end(const struct bd_scan *scan, const char *p, const char *end);

/* p stands on "<". Returns the first ">" behind it, NULL when there is none. */
const char *bd_bracket_end(const struct bd_scan *scan, const char *p, const char *end);

/* bd_name_addr_parse() in a text that is scanned already and without LWS at its ends, but for the
 * parameters: they are found and still to be read. `other` is an element of the same message that
 * was read already and may have the same address, or NULL. */
bool bd_name_addr_read(const struct bd_scan *scan, struct bd_str text,
                       const struct bd_name_addr *other, struct bd_name_addr *na);

/* Reads the address that [p, end) begins with, up to its parameters: na->text and na->params are
 * for the caller to set. Returns the byte behind it and LWS, NULL when it is malformed. */
const char *bd_name_addr_take(const struct bd_scan *scan, const char *p, const char *end,
                              struct bd_name_addr *na);

/* Reads the Contact that a list of them begins with. Returns the comma or the end behind it, where
 * bd_element_end() finds it too; NULL when it is malformed. */
const char *bd_contact_take(const struct bd_scan *scan, struct bd_str list,
                            struct bd_contact *contact);

/* Moves a list behind its element, which ends at stop; NULL: it is malformed. As bd_list_next(). */
bool bd_list_step(struct bd_list *list, const char *stop);

/* bd_message_parse() with a scan of the whole buffer, or without. */
enum bd_verdict bd_message_read(const struct bd_scan *scan, struct bd_message *m, const char *buf,
                                uint32_t len);
/* bd_contact_parse() with a scan around the element, or without. */
bool bd_contact_read(const struct bd_scan *scan, struct bd_str element, struct bd_contact *contact);

/* Start line: what it is. */
enum bd_start {
    BD_START_OK,
    BD_START_NOT_SIP,
    BD_START_VERSION,  /* a SIP version that is not 2.0 */
    BD_START_MALFORMED /* a request that SIP/2.0 ends, but not as 7.1 wants it */
};
/* Reads the line [p, end), CRLF not included, and fills in what it says about m. */
enum bd_start bd_start_line_parse(const struct bd_scan *scan, struct bd_message *m, const char *p,
                                  const char *end);

/* Reads the via-parm that a list of them begins with. Returns the comma or the end behind it, where
 * bd_element_end() finds it too; NULL when it is malformed. */
const char *bd_via_take(const struct bd_scan *scan, struct bd_str list, struct bd_via *via);

/* One via-parm. False when it is malformed; via->host.p is NULL when not even the sent-by could be
 * read. */
bool bd_via_read(const struct bd_scan *scan, struct bd_str element, struct bd_via *via);
bool bd_via_parse(struct bd_str element, struct bd_via *via);

#endif
