/* SPDX-License-Identifier: BSD-3-Clause */
#include "message.h"

#include "parse.h"
#include "scan.h"

/* What a malformed or overlarge Expires counts as (20.19, RFC 4475 3.1.2.4). */
enum { EXPIRES_DEFAULT_S = 3600, MAX_FORWARDS_MAX = 255, CSEQ_MAX = INT32_MAX };

/* Notes what is wrong. The first complaint is the one the reply carries; parsing goes on, since a
 * reply needs the fields behind it too. */
static void complain(struct bd_message *m, const char *reason)
{
    if (!m->reason)
        m->reason = reason;
}

/* All but the header array, which only header_cnt and first[] make visible, and what each message
 * that is SIP sets or clears: Via, From and To. */
static void reset(struct bd_message *m, const char *buf, uint32_t len)
{
    bd_clear(m, offsetof(struct bd_message, header));
    bd_clear(&m->from_tag, sizeof(*m) - offsetof(struct bd_message, from_tag));
    memset(m->first, BD_HDR_NONE, sizeof(m->first));
    m->text = (struct bd_str){buf, len};
    m->max_forwards = -1;
}

/* What is not SIP has nothing else either. */
static enum bd_verdict nothing(struct bd_message *m, const char *reason, enum bd_verdict verdict)
{
    bd_clear(&m->via, offsetof(struct bd_message, from_tag) - offsetof(struct bd_message, via));
    complain(m, reason);
    return verdict;
}

/* Links the fields of each id, from the last one back: so each finds the one behind it in first[].
 */
static void link_fields(struct bd_message *m)
{
    for (unsigned i = m->header_cnt; i-- > 0;) {
        struct bd_header *h = &m->header[i];
        h->next = m->first[h->id];
        m->first[h->id] = (uint8_t)i;
    }
}

/* Splits the header fields from p to the empty line, or to the end of the datagram: a datagram has
 * an end of its own, so one that lacks only the empty line is complete (RFC 5118 4.10 has two). */
static void header_fields(const struct bd_scan *scan, struct bd_message *m, const char *p,
                          const char *end)
{
    struct bd_lines lines = bd_lines_of(scan, p);
    struct bd_header *h = m->header, *const none_left = h + BD_SIP_HEADERS_MAX;
    m->body = (struct bd_str){end, 0};
    for (unsigned bad = 0; bad < BD_SIP_BAD_LINES_MAX;) {
        if (scan)
            h = bd_headers_plain(&lines, end, h, none_left);
        if (lines.p == end)
            break;
        if (end - lines.p >= 2 && memcmp(lines.p, "\r\n", 2) == 0) {
            m->body = bd_slice(lines.p + 2, end);
            break;
        }
        if (h == none_left) {
            complain(m, "Too Many Header Fields");
            break;
        }
        if (bd_header_split(&lines, end, h)) {
            h++;
        } else {
            bad++;
            complain(m, "Malformed Header Field");
        }
    }
    m->header_cnt = (uint8_t)(h - m->header);
    link_fields(m);
}

/* The one field of an id, NULL and a complaint when there are several (RFC 4475 3.3.8). */
static const struct bd_header *single(struct bd_message *m, enum bd_header_id id,
                                      const char *several)
{
    const struct bd_header *h = bd_header_first(m, id);
    if (!h || h->next == BD_HDR_NONE)
        return h;
    complain(m, several);
    return NULL;
}

/* What can be read of a list with something malformed in it: a sent-by to reply to is as far as its
 * first element goes, and without the end of that there is none. */
static void via_malformed(const struct bd_scan *scan, struct bd_message *m, struct bd_str list)
{
    const char *stop = bd_element_end(scan, list.p, bd_str_end(list));
    struct bd_str element = stop ? bd_trim(list.p, stop) : BD_STR_NULL;
    if (element.len > 0)
        bd_via_read(scan, element, &m->via);
    else
        bd_clear(&m->via, sizeof(m->via));
}

static void via_field(const struct bd_scan *scan, struct bd_message *m)
{
    const struct bd_header *h = bd_header_first(m, BD_HDR_VIA);
    if (h && bd_via_take(scan, h->value, &m->via))
        return;
    if (h)
        via_malformed(scan, m, h->value);
    else
        bd_clear(&m->via, sizeof(m->via));
    complain(m, "Malformed Via");
}

/* The parameters of From or To when they are a tag and nothing else, as they mostly are. False when
 * they are not, which says nothing about their being right. */
static inline bool lone_tag(const struct bd_scan *scan, struct bd_str params, struct bd_str *tag)
{
    static const uint32_t name_len = 4;
    if (params.len <= name_len || memcmp(params.p, "tag=", name_len) != 0)
        return false;
    const char *value = params.p + name_len, *end = bd_str_end(params);
    if (bd_scan_leap(scan, value, BD_C_TOKEN) != end)
        return false;
    *tag = bd_slice(value, end);
    return true;
}

/* The parameters of From or To, and the first tag among them. False when they are malformed. */
static bool tag_parse(const struct bd_scan *scan, struct bd_str params, bool *found,
                      struct bd_str *tag)
{
    struct bd_str name, value;
    bool bad = false;
    *found = scan && lone_tag(scan, params, tag);
    if (*found)
        return true;
    while (bd_param_scan(scan, &params, BD_C_TOKEN, &name, &value, &bad)) {
        if (bd_word(name) == BD_WORD("tag") && !*found) {
            *found = true;
            *tag = value;
        }
    }
    return !bad;
}

/* From and To: one element, and its tag. To mostly has the address of From. */
static void address_field(const struct bd_scan *scan, struct bd_message *m, enum bd_header_id id,
                          const struct bd_name_addr *from, struct bd_name_addr *address,
                          struct bd_str *tag, const char *several, const char *malformed)
{
    const struct bd_header *h = single(m, id, several);
    bool found = false;
    if (h && bd_name_addr_read(scan, h->value, from, address) &&
        tag_parse(scan, address->params, &found, tag)) {
        if (found && !tag->p)
            complain(m, malformed);
        return;
    }
    bd_clear(address, sizeof(*address));
    *tag = BD_STR_NULL;
    complain(m, malformed);
}

/* callid = word [ "@" word ] */
static void call_id_field(const struct bd_scan *scan, struct bd_message *m)
{
    const struct bd_header *h = single(m, BD_HDR_CALL_ID, "Several Call-IDs");
    if (h) {
        const char *p = h->value.p, *end = bd_str_end(h->value);
        const char *at = bd_scan_skip(scan, p, end, BD_C_WORD), *stop = at;
        if (at < end && *at == '@')
            stop = bd_scan_skip(scan, at + 1, end, BD_C_WORD);
        if (at > p && stop == end && end[-1] != '@' && h->value.len <= BD_CALL_ID_MAX) {
            m->call_id = h->value;
            return;
        }
    }
    complain(m, "Malformed Call-ID");
}

/* Two tokens and LWS between them. False when it is anything else. */
static bool two_tokens(const struct bd_scan *scan, struct bd_str text, struct bd_str *first,
                       struct bd_str *second)
{
    const char *p = text.p, *end = bd_str_end(text), *stop = bd_scan_skip(scan, p, end, BD_C_TOKEN);
    const char *behind = bd_skip_lws(stop, end);
    *first = bd_slice(p, stop);
    *second = bd_slice(behind, end);
    return behind > stop && behind < end && bd_scan_skip(scan, behind, end, BD_C_TOKEN) == end;
}

/* The same with one space, as one look sees it. False says nothing about its being right. */
static inline bool two_tokens_look(const struct bd_scan *scan, struct bd_str text,
                                   struct bd_str *first, struct bd_str *second)
{
    uint64_t ends = bd_without(bd_scan_at(scan, text.p), BD_C_TOKEN);
    unsigned space = bd_lowest(ends), begin = space + 1;
    if (begin >= text.len || text.p[space] != ' ' || bd_lowest_from(ends, begin) != text.len)
        return false;
    *first = (struct bd_str){text.p, space};
    *second = (struct bd_str){text.p + begin, text.len - begin};
    return true;
}

/* CSeq = 1*DIGIT LWS Method; below 2^31 (8.1.1.5). Its method is the request's, but an unknown
 * method is answered as such whatever stands here (RFC 4475 3.1.2.18). */
static void cseq_field(const struct bd_scan *scan, struct bd_message *m)
{
    const struct bd_header *h = single(m, BD_HDR_CSEQ, "Several CSeqs");
    struct bd_str number;
    if (h &&
        ((scan && two_tokens_look(scan, h->value, &number, &m->cseq_method)) ||
         two_tokens(scan, h->value, &number, &m->cseq_method)) &&
        bd_number(number, &m->cseq) && m->cseq <= CSEQ_MAX) {
        if (m->method != BD_METHOD_UNKNOWN && !bd_str_eq(m->cseq_method, m->method_text))
            complain(m, "CSeq Method Mismatch");
        return;
    }
    complain(m, "Malformed CSeq");
}

static void max_forwards_field(struct bd_message *m)
{
    const struct bd_header *h = single(m, BD_HDR_MAX_FORWARDS, "Several Max-Forwards");
    uint32_t n;
    if (!h)
        return;
    if (bd_number(h->value, &n) && n <= MAX_FORWARDS_MAX)
        m->max_forwards = (int)n;
    else
        complain(m, "Malformed Max-Forwards");
}

/* Several are legal when they say the same. */
static void expires_field(struct bd_message *m)
{
    for (const struct bd_header *h = bd_header_first(m, BD_HDR_EXPIRES); h;
         h = bd_header_next(m, h)) {
        uint32_t n;
        if (!bd_number(h->value, &n))
            n = EXPIRES_DEFAULT_S;
        if (m->has_expires && n != m->expires_s)
            complain(m, "Several Expires");
        m->has_expires = true;
        m->expires_s = n;
    }
}

/* 18.3: beyond the datagram it is an error, short of it the rest is not ours. Absent: all there is.
 */
static void content_length_field(struct bd_message *m)
{
    const struct bd_header *h = single(m, BD_HDR_CONTENT_LENGTH, "Several Content-Lengths");
    uint32_t n;
    if (!h)
        return;
    if (bd_number(h->value, &n) && n <= m->body.len)
        m->body.len = n;
    else
        complain(m, "Malformed Content-Length");
}

static void known_fields(const struct bd_scan *scan, struct bd_message *m)
{
    via_field(scan, m);
    address_field(scan, m, BD_HDR_FROM, NULL, &m->from, &m->from_tag, "Several Froms",
                  "Malformed From");
    address_field(scan, m, BD_HDR_TO, &m->from, &m->to, &m->to_tag, "Several Tos", "Malformed To");
    call_id_field(scan, m);
    cseq_field(scan, m);
    max_forwards_field(m);
    expires_field(m);
    content_length_field(m);
}

static enum bd_verdict verdict(struct bd_message *m, enum bd_start start)
{
    /* Nothing is ever sent back for a response or an ACK (17.1.1.3). */
    bool mute = !m->is_request || m->method == BD_METHOD_ACK;
    if (!m->via.host.p || (m->reason && mute))
        return BD_SIP_UNADDRESSABLE;
    if (start == BD_START_VERSION)
        return BD_SIP_BAD_VERSION;
    if (m->text.len > BD_SIP_MESSAGE_MAX)
        return BD_SIP_TOO_LARGE;
    if (m->reason)
        return BD_SIP_MALFORMED;
    if (m->is_request && m->request_uri.scheme == BD_URI_OTHER) {
        complain(m, "Unsupported URI Scheme");
        return BD_SIP_BAD_SCHEME;
    }
    return BD_VERDICT_NONE;
}

enum bd_verdict bd_message_read(const struct bd_scan *scan, struct bd_message *m, const char *buf,
                                uint32_t len)
{
    reset(m, buf, len);
    const char *p = buf, *end = buf + len;
    while (p < end && (*p == '\r' || *p == '\n')) /* 7.5: before a start line they are ignored */
        p++;
    if (p == end || (len == sizeof(uint32_t) && memcmp(buf, "\0\0\0", sizeof(uint32_t)) == 0))
        return nothing(m, "Empty", BD_SIP_KEEPALIVE);
    const char *line_end = bd_scan_find(scan, p, end, BD_C_CONTROL);
    enum bd_start start = BD_START_NOT_SIP;
    if (end - line_end >= 2 && line_end[0] == '\r' && line_end[1] == '\n')
        start = bd_start_line_parse(scan, m, p, line_end);
    if (start == BD_START_NOT_SIP)
        return nothing(m, "Not SIP", BD_SIP_NOT_SIP);
    if (start == BD_START_VERSION)
        complain(m, "Version Not Supported");
    if (len > BD_SIP_MESSAGE_MAX)
        complain(m, "Message Too Large");
    if (start == BD_START_MALFORMED)
        complain(m, "Malformed Request-Line");
    header_fields(scan, m, line_end + 2, end);
    known_fields(scan, m);
    return verdict(m, start);
}

/* Flattened: what a message goes through is one function then. The calls and the saving of
 * registers around them were a seventh of its instructions. */
__attribute__((flatten)) enum bd_verdict bd_message_parse(struct bd_message *m, const char *buf,
                                                          uint32_t len)
{
    struct bd_scan_room room;
    return bd_message_read(bd_scan_lines(&room, (struct bd_str){buf, len}), m, buf, len);
}
