/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

const char *const bd_header_name[BD_HDR_CNT] = {[BD_HDR_OTHER] = "",
#define X(name, text, compact) [BD_HDR_##name] = text,
                                                BD_HEADERS(X)
#undef X
};

static const uint8_t compact_id[26] = {
    ['a' - 'a'] = BD_HDR_ACCEPT_CONTACT,
    ['c' - 'a'] = BD_HDR_CONTENT_TYPE,
    ['e' - 'a'] = BD_HDR_CONTENT_ENCODING,
    ['f' - 'a'] = BD_HDR_FROM,
    ['i' - 'a'] = BD_HDR_CALL_ID,
    ['j' - 'a'] = BD_HDR_REJECT_CONTACT,
    ['k' - 'a'] = BD_HDR_SUPPORTED,
    ['l' - 'a'] = BD_HDR_CONTENT_LENGTH,
    ['m' - 'a'] = BD_HDR_CONTACT,
    ['o' - 'a'] = BD_HDR_EVENT,
    ['t' - 'a'] = BD_HDR_TO,
    ['v' - 'a'] = BD_HDR_VIA,
};

/* Length and first letter name a header, but for Contact and Call-ID; then its bytes decide. */
#define KEY(len, first) ((len) << 8 | (first))

static enum bd_header_id candidate(struct bd_str name)
{
    switch (KEY(name.len, (uint8_t)name.p[0] | 0x20U)) {
    case KEY(2, 't'):
        return BD_HDR_TO;
    case KEY(3, 'v'):
        return BD_HDR_VIA;
    case KEY(4, 'c'):
        return BD_HDR_CSEQ;
    case KEY(4, 'd'):
        return BD_HDR_DATE;
    case KEY(4, 'f'):
        return BD_HDR_FROM;
    case KEY(4, 'p'):
        return BD_HDR_PATH;
    case KEY(5, 'a'):
        return BD_HDR_ALLOW;
    case KEY(5, 'e'):
        return BD_HDR_EVENT;
    case KEY(5, 'r'):
        return BD_HDR_ROUTE;
    case KEY(6, 'a'):
        return BD_HDR_ACCEPT;
    case KEY(7, 'c'):
        return (name.p[1] | 0x20) == 'a' ? BD_HDR_CALL_ID : BD_HDR_CONTACT;
    case KEY(7, 'e'):
        return BD_HDR_EXPIRES;
    case KEY(7, 'r'):
        return BD_HDR_REQUIRE;
    case KEY(9, 's'):
        return BD_HDR_SUPPORTED;
    case KEY(9, 't'):
        return BD_HDR_TIMESTAMP;
    case KEY(10, 'u'):
        return BD_HDR_USER_AGENT;
    case KEY(12, 'c'):
        return BD_HDR_CONTENT_TYPE;
    case KEY(12, 'm'):
        return BD_HDR_MAX_FORWARDS;
    case KEY(12, 'r'):
        return BD_HDR_RECORD_ROUTE;
    case KEY(13, 'a'):
        return BD_HDR_AUTHORIZATION;
    case KEY(13, 'p'):
        return BD_HDR_PROXY_REQUIRE;
    case KEY(14, 'a'):
        return BD_HDR_ACCEPT_CONTACT;
    case KEY(14, 'c'):
        return BD_HDR_CONTENT_LENGTH;
    case KEY(14, 'r'):
        return BD_HDR_REJECT_CONTACT;
    case KEY(16, 'c'):
        return BD_HDR_CONTENT_ENCODING;
    case KEY(19, 'c'):
        return BD_HDR_CONTENT_DISPOSITION;
    case KEY(19, 'p'):
        return BD_HDR_PROXY_AUTHORIZATION;
    default:
        return BD_HDR_OTHER;
    }
}

/* Equality but for bit 0x20, eight bytes at a time; the last eight may overlap those before. In
 * letters that bit is the case; "-" has it, and the CR that would pass for one ends a line. */
static bool same_but_case(const char *a, const char *b, uint32_t len)
{
    const uint64_t bit = 0x2020202020202020;
    uint64_t x, y;
    uint32_t i = 0;
    if (len < sizeof(x)) {
        for (; i < len; i++) {
            if ((a[i] | 0x20) != (b[i] | 0x20))
                return false;
        }
        return true;
    }
    for (;;) {
        memcpy(&x, a + i, sizeof(x));
        memcpy(&y, b + i, sizeof(y));
        if ((x | bit) != (y | bit))
            return false;
        if (i == len - sizeof(x))
            return true;
        i = i + 2 * sizeof(x) <= len ? i + sizeof(x) : len - sizeof(x);
    }
}

enum bd_header_id bd_header_id(struct bd_str name)
{
    if (name.len == 0)
        return BD_HDR_OTHER;
    if (name.len == 1)
        return bd_is(name.p[0], BD_C_ALPHA) ? compact_id[(name.p[0] | 0x20) - 'a'] : BD_HDR_OTHER;
    enum bd_header_id id = candidate(name);
    if (id != BD_HDR_OTHER && !same_but_case(name.p, bd_header_name[id], name.len))
        return BD_HDR_OTHER;
    return id;
}

/* The CRLF that ends the field, folds passed over; end when there is none. *clean turns false at a
 * control character that is not part of a quoted-pair: NUL, a CR or LF of its own, ... */
static const char *field_end(const char *p, const char *end, bool *clean)
{
    const char *begin = p;
    for (;;) {
        p = bd_find_control(p, end);
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

/* header-name HCOLON: SP and HT before the colon, no fold. */
static bool name_parse(const char *p, const char *colon, struct bd_header *header)
{
    while (colon > p && bd_is(colon[-1], BD_C_WSP))
        colon--;
    struct bd_str name = bd_slice(p, colon);
    header->name = name;
    header->id = (uint8_t)bd_header_id(name);
    /* A known name is made of the right characters. */
    return header->id != BD_HDR_OTHER || (colon > p && bd_skip(p, colon, BD_C_TOKEN) == colon);
}

bool bd_header_split(const char *p, const char *end, struct bd_header *header, const char **next)
{
    bool clean = true;
    const char *stop = field_end(p, end, &clean);
    *next = stop == end ? end : stop + 2;
    const char *colon = memchr(p, ':', (size_t)(stop - p));
    if (!clean || stop == end || !colon || !name_parse(p, colon, header))
        return false;
    header->value = bd_trim(colon + 1, stop);
    header->next = BD_HDR_NONE;
    return true;
}
