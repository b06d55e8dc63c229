/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

const char *const bd_header_name[BD_HDR_CNT] = {[BD_HDR_OTHER] = "",
#define X(name, text, compact) [BD_HDR_##name] = text,
                                                BD_HEADERS(X)
#undef X
};

/* Which name it may be, by length and first letter; then its bytes decide. In the one place where
 * two names meet, Call-ID and Contact, the second letter tells. One letter: the compact form
 * (7.3.3). */
enum { NAME_MAX_LEN = 19 };
#define LETTER(c) ((c)&31)
static const uint8_t candidate[NAME_MAX_LEN + 1][32] = {
    [1] = {[LETTER('a')] = BD_HDR_ACCEPT_CONTACT,
           [LETTER('c')] = BD_HDR_CONTENT_TYPE,
           [LETTER('d')] = BD_HDR_REQUEST_DISPOSITION,
           [LETTER('e')] = BD_HDR_CONTENT_ENCODING,
           [LETTER('f')] = BD_HDR_FROM,
           [LETTER('i')] = BD_HDR_CALL_ID,
           [LETTER('j')] = BD_HDR_REJECT_CONTACT,
           [LETTER('k')] = BD_HDR_SUPPORTED,
           [LETTER('l')] = BD_HDR_CONTENT_LENGTH,
           [LETTER('m')] = BD_HDR_CONTACT,
           [LETTER('o')] = BD_HDR_EVENT,
           [LETTER('t')] = BD_HDR_TO,
           [LETTER('v')] = BD_HDR_VIA},
    [2] = {[LETTER('t')] = BD_HDR_TO},
    [3] = {[LETTER('v')] = BD_HDR_VIA},
    [4] = {[LETTER('c')] = BD_HDR_CSEQ,
           [LETTER('d')] = BD_HDR_DATE,
           [LETTER('f')] = BD_HDR_FROM,
           [LETTER('p')] = BD_HDR_PATH},
    [5] = {[LETTER('a')] = BD_HDR_ALLOW,
           [LETTER('e')] = BD_HDR_EVENT,
           [LETTER('r')] = BD_HDR_ROUTE},
    [6] = {[LETTER('a')] = BD_HDR_ACCEPT},
    [7] = {[LETTER('c')] = BD_HDR_CONTACT,
           [LETTER('e')] = BD_HDR_EXPIRES,
           [LETTER('r')] = BD_HDR_REQUIRE},
    [9] = {[LETTER('s')] = BD_HDR_SUPPORTED, [LETTER('t')] = BD_HDR_TIMESTAMP},
    [10] = {[LETTER('u')] = BD_HDR_USER_AGENT},
    [12] = {[LETTER('c')] = BD_HDR_CONTENT_TYPE,
            [LETTER('m')] = BD_HDR_MAX_FORWARDS,
            [LETTER('r')] = BD_HDR_RECORD_ROUTE},
    [13] = {[LETTER('a')] = BD_HDR_AUTHORIZATION, [LETTER('p')] = BD_HDR_PROXY_REQUIRE},
    [14] = {[LETTER('a')] = BD_HDR_ACCEPT_CONTACT,
            [LETTER('c')] = BD_HDR_CONTENT_LENGTH,
            [LETTER('r')] = BD_HDR_REJECT_CONTACT},
    [16] = {[LETTER('c')] = BD_HDR_CONTENT_ENCODING},
    [19] = {[LETTER('c')] = BD_HDR_CONTENT_DISPOSITION,
            [LETTER('p')] = BD_HDR_PROXY_AUTHORIZATION,
            [LETTER('r')] = BD_HDR_REQUEST_DISPOSITION},
};

static bool words_differ(const char *a, const char *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return ((x ^ y) & ~0x20202020U) != 0;
}

/* Equality but for bit 0x20, four bytes at a time; the last four may overlap those before. In
 * letters that bit is the case; "-" has it, and the CR that would pass for one ends a line. */
static bool same_but_case(const char *a, const char *b, uint32_t len)
{
    if (len < 4) {
        for (uint32_t i = 0; i < len; i++) {
            if ((a[i] | 0x20) != (b[i] | 0x20))
                return false;
        }
        return true;
    }
    for (uint32_t i = 0; i + 4 < len; i += 4) {
        if (words_differ(a + i, b + i))
            return false;
    }
    return !words_differ(a + len - 4, b + len - 4);
}

enum bd_header_id bd_header_id(struct bd_str name)
{
    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return BD_HDR_OTHER;
    enum bd_header_id id = candidate[name.len][LETTER(name.p[0])];
    if (name.len == 1)
        return bd_is(name.p[0], BD_C_ALPHA) ? id : BD_HDR_OTHER;
    if (id == BD_HDR_CONTACT && (name.p[1] | 0x20) == 'a')
        id = BD_HDR_CALL_ID;
    if (id == BD_HDR_OTHER || !same_but_case(name.p, bd_header_name[id], name.len))
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
