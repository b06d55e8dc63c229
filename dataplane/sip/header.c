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
enum { NAME_MAX_LEN = 19, COMPACT = 32 };
static_assert((int)BD_HDR_CNT <= COMPACT, "one half for each form");
static const char spelling[2 * COMPACT][32] = {
#define X(name, text, compact) [BD_HDR_##name] = text, [COMPACT + BD_HDR_##name] = {compact},
    BD_HEADERS(X)
#undef X
};

/* Which of them it may be, by length and by first and last letter; then its bytes decide. */
#define SLOT(first, last) ((2 * (first) + (last)) & 31)
static const uint8_t candidate[NAME_MAX_LEN + 1][32] = {
    [1] = {[SLOT('v', 'v')] = COMPACT + BD_HDR_VIA,
           [SLOT('f', 'f')] = COMPACT + BD_HDR_FROM,
           [SLOT('t', 't')] = COMPACT + BD_HDR_TO,
           [SLOT('i', 'i')] = COMPACT + BD_HDR_CALL_ID,
           [SLOT('m', 'm')] = COMPACT + BD_HDR_CONTACT,
           [SLOT('k', 'k')] = COMPACT + BD_HDR_SUPPORTED,
           [SLOT('l', 'l')] = COMPACT + BD_HDR_CONTENT_LENGTH,
           [SLOT('c', 'c')] = COMPACT + BD_HDR_CONTENT_TYPE,
           [SLOT('e', 'e')] = COMPACT + BD_HDR_CONTENT_ENCODING,
           [SLOT('o', 'o')] = COMPACT + BD_HDR_EVENT,
           [SLOT('a', 'a')] = COMPACT + BD_HDR_ACCEPT_CONTACT,
           [SLOT('j', 'j')] = COMPACT + BD_HDR_REJECT_CONTACT,
           [SLOT('d', 'd')] = COMPACT + BD_HDR_REQUEST_DISPOSITION},
    [2] = {[SLOT('t', 'o')] = BD_HDR_TO},
    [3] = {[SLOT('v', 'a')] = BD_HDR_VIA},
    [4] = {[SLOT('f', 'm')] = BD_HDR_FROM,
           [SLOT('c', 'q')] = BD_HDR_CSEQ,
           [SLOT('p', 'h')] = BD_HDR_PATH,
           [SLOT('d', 'e')] = BD_HDR_DATE},
    [5] = {[SLOT('r', 'e')] = BD_HDR_ROUTE,
           [SLOT('a', 'w')] = BD_HDR_ALLOW,
           [SLOT('e', 't')] = BD_HDR_EVENT},
    [6] = {[SLOT('a', 't')] = BD_HDR_ACCEPT},
    [7] = {[SLOT('c', 'd')] = BD_HDR_CALL_ID,
           [SLOT('c', 't')] = BD_HDR_CONTACT,
           [SLOT('e', 's')] = BD_HDR_EXPIRES,
           [SLOT('r', 'e')] = BD_HDR_REQUIRE},
    [9] = {[SLOT('s', 'd')] = BD_HDR_SUPPORTED, [SLOT('t', 'p')] = BD_HDR_TIMESTAMP},
    [10] = {[SLOT('u', 't')] = BD_HDR_USER_AGENT},
    [12] = {[SLOT('m', 's')] = BD_HDR_MAX_FORWARDS,
            [SLOT('r', 'e')] = BD_HDR_RECORD_ROUTE,
            [SLOT('c', 'e')] = BD_HDR_CONTENT_TYPE},
    [13] = {[SLOT('a', 'n')] = BD_HDR_AUTHORIZATION, [SLOT('p', 'e')] = BD_HDR_PROXY_REQUIRE},
    [14] = {[SLOT('c', 'h')] = BD_HDR_CONTENT_LENGTH,
            [SLOT('a', 't')] = BD_HDR_ACCEPT_CONTACT,
            [SLOT('r', 't')] = BD_HDR_REJECT_CONTACT},
    [16] = {[SLOT('c', 'g')] = BD_HDR_CONTENT_ENCODING},
    [19] = {[SLOT('p', 'n')] = BD_HDR_PROXY_AUTHORIZATION,
            [SLOT('c', 'n')] = BD_HDR_CONTENT_DISPOSITION,
            [SLOT('r', 'n')] = BD_HDR_REQUEST_DISPOSITION},
};

/* Nothing is left to guess: any order of names costs the same. What is spelled like nothing is
 * compared with the empty row, and differs. */
static inline enum bd_header_id header_id(struct bd_str name)
{
    if (name.len - 1 >= NAME_MAX_LEN)
        return BD_HDR_OTHER;
    unsigned as = candidate[name.len][SLOT(name.p[0], name.p[name.len - 1])];
    unsigned same = bd_same_but_case(name.p, spelling[as], name.len);
    return (enum bd_header_id)(as % COMPACT & -same);
}

enum bd_header_id bd_header_id(struct bd_str name)
{
    return header_id(name);
}

void bd_lines_seek(struct bd_lines *lines, const char *p)
{
    const struct bd_scan *scan = lines->scan;
    while (scan && scan->begin + scan->maps.control[lines->next] < p)
        lines->next++;
}

/* The first control character at or behind p, or end. */
static const char *next_control(struct bd_lines *lines, const char *p, const char *end)
{
    if (!lines->scan)
        return bd_find_any(p, end, BD_C_CONTROL);
    if (p < end && bd_is(*p, BD_C_CONTROL)) /* within a run */
        return p;
    bd_lines_seek(lines, p);
    p = lines->scan->begin + lines->scan->maps.control[lines->next];
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
    header->id = (uint8_t)header_id(name);
    return colon;
}

/* A field as nearly all of them are, "Name: value" on one line that ends at `stop`. False when it
 * is not, which says nothing about its being right. */
static inline bool split_plain(const struct bd_scan *scan, const char *p, const char *stop,
                               struct bd_header *header)
{
    uint64_t beyond_name = ~bd_scan_class(scan, p, BD_C_TOKEN);
    uint32_t len = beyond_name ? (uint32_t)__builtin_ctzll(beyond_name) : 0;
    const char *value = p + len + 2;
    /* Between p and stop there is no control character; CR is not above the space. */
    if (len == 0 || memcmp(p + len, ": ", 2) != 0 || (uint8_t)value[0] <= ' ' ||
        (uint8_t)stop[-1] <= ' ')
        return false;
    header->name = (struct bd_str){p, len};
    header->value = bd_slice(value, stop);
    header->id = (uint8_t)header_id(header->name);
    return true;
}

struct bd_header *bd_headers_plain(struct bd_lines *lines, const char **p, const char *end,
                                   struct bd_header *h, const struct bd_header *none_left)
{
    const struct bd_scan *scan = lines->scan;
    for (; h < none_left; h++, lines->next++) {
        const char *stop = scan->begin + scan->maps.control[lines->next];
        /* No fold: nothing, or anything but SP and HT, behind the end of the line. */
        if (end - stop < 3 || memcmp(stop, "\r\n", 2) != 0 || stop[2] == ' ' || stop[2] == '\t' ||
            !split_plain(scan, *p, stop, h))
            break;
        *p = stop + 2;
    }
    return h;
}

bool bd_header_split(struct bd_lines *lines, const char *p, const char *end,
                     struct bd_header *header, const char **next)
{
    bool clean = true;
    const char *stop = field_end(lines, p, end, &clean);
    *next = stop == end ? end : stop + 2;
    bd_lines_seek(lines, *next);
    const char *colon = name_parse(lines->scan, p, stop, header);
    if (!clean || stop == end || !colon)
        return false;
    header->value = bd_trim(colon + 1, stop);
    return true;
}
