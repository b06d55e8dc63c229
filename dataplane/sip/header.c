/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

#include <assert.h>

const char *const bd_header_name[BD_HDR_CNT] = {[BD_HDR_OTHER] = "",
#define X(name, text, compact) [BD_HDR_##name] = text,
                                                BD_HEADERS(X)
#undef X
};

/* How a field may be spelled: in full, and in the compact form (7.3.3), which has the higher half.
 */
enum { COMPACT = 32 };
static_assert((int)BD_HDR_CNT <= COMPACT, "one half for each form");
static const char spelling[2 * COMPACT][BD_ROW] = {
#define X(name, text, compact) [BD_HDR_##name] = text, [COMPACT + BD_HDR_##name] = {compact},
    BD_HEADERS(X)
#undef X
};

/* Which of them it may be, by length and by first and last letter; then its bytes decide. */
#define SLOT(len, first, last) (32 * (len) + ((2 * (first) + (last)) & 31))
static const uint8_t candidate[32 * (BD_LOOK + 1)] = {
    [SLOT(1, 'v', 'v')] = COMPACT + BD_HDR_VIA,
    [SLOT(1, 'f', 'f')] = COMPACT + BD_HDR_FROM,
    [SLOT(1, 't', 't')] = COMPACT + BD_HDR_TO,
    [SLOT(1, 'i', 'i')] = COMPACT + BD_HDR_CALL_ID,
    [SLOT(1, 'm', 'm')] = COMPACT + BD_HDR_CONTACT,
    [SLOT(1, 'k', 'k')] = COMPACT + BD_HDR_SUPPORTED,
    [SLOT(1, 'l', 'l')] = COMPACT + BD_HDR_CONTENT_LENGTH,
    [SLOT(1, 'c', 'c')] = COMPACT + BD_HDR_CONTENT_TYPE,
    [SLOT(1, 'e', 'e')] = COMPACT + BD_HDR_CONTENT_ENCODING,
    [SLOT(1, 'o', 'o')] = COMPACT + BD_HDR_EVENT,
    [SLOT(1, 'a', 'a')] = COMPACT + BD_HDR_ACCEPT_CONTACT,
    [SLOT(1, 'j', 'j')] = COMPACT + BD_HDR_REJECT_CONTACT,
    [SLOT(1, 'd', 'd')] = COMPACT + BD_HDR_REQUEST_DISPOSITION,
    [SLOT(2, 't', 'o')] = BD_HDR_TO,
    [SLOT(3, 'v', 'a')] = BD_HDR_VIA,
    [SLOT(4, 'f', 'm')] = BD_HDR_FROM,
    [SLOT(4, 'c', 'q')] = BD_HDR_CSEQ,
    [SLOT(4, 'p', 'h')] = BD_HDR_PATH,
    [SLOT(4, 'd', 'e')] = BD_HDR_DATE,
    [SLOT(5, 'r', 'e')] = BD_HDR_ROUTE,
    [SLOT(5, 'a', 'w')] = BD_HDR_ALLOW,
    [SLOT(5, 'e', 't')] = BD_HDR_EVENT,
    [SLOT(6, 'a', 't')] = BD_HDR_ACCEPT,
    [SLOT(7, 'c', 'd')] = BD_HDR_CALL_ID,
    [SLOT(7, 'c', 't')] = BD_HDR_CONTACT,
    [SLOT(7, 'e', 's')] = BD_HDR_EXPIRES,
    [SLOT(7, 'r', 'e')] = BD_HDR_REQUIRE,
    [SLOT(9, 's', 'd')] = BD_HDR_SUPPORTED,
    [SLOT(9, 't', 'p')] = BD_HDR_TIMESTAMP,
    [SLOT(10, 'u', 't')] = BD_HDR_USER_AGENT,
    [SLOT(12, 'm', 's')] = BD_HDR_MAX_FORWARDS,
    [SLOT(12, 'r', 'e')] = BD_HDR_RECORD_ROUTE,
    [SLOT(12, 'c', 'e')] = BD_HDR_CONTENT_TYPE,
    [SLOT(13, 'a', 'n')] = BD_HDR_AUTHORIZATION,
    [SLOT(13, 'p', 'e')] = BD_HDR_PROXY_REQUIRE,
    [SLOT(14, 'c', 'h')] = BD_HDR_CONTENT_LENGTH,
    [SLOT(14, 'a', 't')] = BD_HDR_ACCEPT_CONTACT,
    [SLOT(14, 'r', 't')] = BD_HDR_REJECT_CONTACT,
    [SLOT(16, 'c', 'g')] = BD_HDR_CONTENT_ENCODING,
    [SLOT(19, 'p', 'n')] = BD_HDR_PROXY_AUTHORIZATION,
    [SLOT(19, 'c', 'n')] = BD_HDR_CONTENT_DISPOSITION,
    [SLOT(19, 'r', 'n')] = BD_HDR_REQUEST_DISPOSITION,
};

/* Of a name that one look found, in a text that ends at `end` or later. Nothing is left to guess:
 * any order of names costs the same. What is spelled like nothing is compared with the empty row,
 * and differs. */
static inline enum bd_header_id header_id(struct bd_str name, const char *end)
{
    size_t len = name.len;
    size_t as = candidate[SLOT(len, (uint8_t)name.p[0], (uint8_t)name.p[len - 1])];
    if (__builtin_expect(!bd_is_row(name, spelling[as], end), 0))
        return BD_HDR_OTHER;
    return (enum bd_header_id)(as % COMPACT);
}

enum bd_header_id bd_header_id(struct bd_str name)
{
    return name.len - 1 < BD_LOOK ? header_id(name, bd_str_end(name)) : BD_HDR_OTHER;
}

/* Makes `next` right for a position further on. */
static void seek(struct bd_lines *lines, const char *p)
{
    while (lines->scan && lines->scan->begin + *lines->next < p)
        lines->next++;
}

struct bd_lines bd_lines_of(const struct bd_scan *scan, const char *p)
{
    struct bd_lines lines = {scan, p, scan ? scan->control : NULL};
    seek(&lines, p);
    return lines;
}

/* The first control character at or behind p, or end. */
static const char *next_control(struct bd_lines *lines, const char *p, const char *end)
{
    if (!lines->scan)
        return bd_find_any(p, end, BD_C_CONTROL);
    seek(lines, p);
    p = lines->scan->begin + *lines->next;
    return p < end ? p : end;
}

/* The CRLF that ends the field, folds passed over; end when there is none. *clean turns false at a
 * control character that is not part of a quoted-pair: NUL, a CR or LF of its own, ... */
static const char *field_end(struct bd_lines *lines, const char *p, const char *end, bool *clean)
{
    const char *begin = p;
    for (;;) {
        p = next_control(lines, p, end);
        if (p == end)
            return end;
        if (bd_at_fold(p, end)) {
            p += 3;
        } else if (end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
            return p;
        } else {
            if (*p == '\r' || *p == '\n' || p == begin || p[-1] != '\\')
                *clean = false;
            p++;
        }
    }
}

/* header-name HCOLON: SP and HT before the colon, no fold. Returns the colon, NULL when there is
 * none. */
static const char *name_parse(const struct bd_scan *scan, const char *p, const char *end,
                              struct bd_header *header)
{
    const char *stop = bd_scan_skip(scan, p, end, BD_C_TOKEN);
    const char *colon = stop;
    if (stop < end && *stop != ':')
        colon = bd_skip(stop, end, BD_C_WSP);
    if (stop == p || colon == end || *colon != ':')
        return NULL;
    struct bd_str name = bd_slice(p, stop);
    header->name = name;
    header->id = (uint8_t)bd_header_id(name);
    return colon;
}

/* A field on one line that ends at `stop`, the text at `end`, the name with its colon right behind
 * it. False when it is not, which says nothing about its being right. */
static inline bool split_plain(const struct bd_scan *scan, const char *p, const char *stop,
                               const char *end, struct bd_header *header)
{
    const char *colon = bd_scan_leap(scan, p, BD_C_TOKEN);
    if (colon == p || *colon != ':')
        return false;
    header->name = bd_slice(p, colon);
    header->id = (uint8_t)header_id(header->name, end);
    /* Between p and stop there is no control character; CR is not above the space. */
    if (colon[1] == ' ' && (uint8_t)colon[2] > ' ' && (uint8_t)stop[-1] > ' ')
        header->value = bd_slice(colon + 2, stop);
    else
        header->value = bd_trim(colon + 1, stop);
    return true;
}

enum { CRLF = 2 };

/* Not inlined: its loop wants the registers for itself. */
__attribute__((noinline)) static struct bd_header *
split_all_plain(struct bd_lines *lines, const char *end, struct bd_header *h,
                const struct bd_header *none_left)
{
    const struct bd_scan scan = *lines->scan;
    const char *p = lines->p;
    const uint16_t *next = lines->next;
    for (; h < none_left; h++, next += CRLF) {
        const char *stop = scan.begin + *next;
        if (stop > end - CRLF || memcmp(stop, "\r\n", CRLF) != 0 ||
            !split_plain(&scan, p, stop, end, h))
            break;
        p = stop + CRLF;
    }
    lines->p = p;
    lines->next = next;
    return h;
}

struct bd_header *bd_headers_plain(struct bd_lines *lines, const char *end, struct bd_header *h,
                                   const struct bd_header *none_left)
{
    const struct bd_header *first = h;
    h = split_all_plain(lines, end, h, none_left);
    if (h > first && lines->p < end && bd_is(*lines->p, BD_C_WSP)) {
        /* A fold: it belongs to the last one. */
        lines->p = (--h)->name.p;
        lines->next -= CRLF;
    }
    return h;
}

bool bd_header_split(struct bd_lines *lines, const char *end, struct bd_header *header)
{
    bool clean = true;
    const char *p = lines->p, *stop = field_end(lines, p, end, &clean);
    lines->p = stop == end ? end : stop + CRLF;
    seek(lines, lines->p);
    const char *colon = name_parse(lines->scan, p, stop, header);
    if (!clean || stop == end || !colon)
        return false;
    header->value = bd_trim(colon + 1, stop);
    return true;
}
