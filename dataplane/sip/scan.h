/* SPDX-License-Identifier: BSD-3-Clause */
/* The one scanner: character classes, LWS, quoted-string, escapes, numbers, and the search for the
 * end of a line (RFC 3261 25.1). Every parser in this folder is made of these.
 *
 * Positions are plain pointers: each function takes [p, end) and reads nothing outside it; a
 * pointer that comes back lies in [p, end]. Pure; may be called from anywhere.
 *
 * A text may be scanned beforehand: one pass notes for each byte which of eight classes it has.
 * "Skip while in a class" is then one look at the notes of 64 bytes: no loop whose end the
 * processor must guess, and most that is skipped is shorter. Functions that take a struct bd_scan
 * do without when it is NULL; what they find is the same. */
#ifndef BD_SCAN_H
#define BD_SCAN_H

#include "limits.h"
#include "simd.h"

/* Classes of RFC 3261 25.1. Escapes ("%" HEX HEX) belong to no URI class: bd_skip_escaped reads
 * them. Bytes from 0x80 up are all BD_C_UTF8: the sequences are not checked, since nothing here
 * interprets them. */
enum bd_char_class {
    /* These are marked in a text that is scanned. */
    BD_C_TOKEN = 0x00001,
    BD_C_USER = 0x00002,  /* unreserved / user-unreserved */
    BD_C_PARAM = 0x00004, /* param-unreserved / unreserved */
    BD_C_HOST = 0x00008,  /* alphanum, "-", "."; looser: "_", which real host names have */
    BD_C_WORD = 0x00010,
    BD_C_CONTROL = 0x00020, /* 0x00..0x1f but HT, 0x7f; the ends of lines are among them */
    BD_C_LIST = 0x00040,    /* what an element of a list ends with, or hides commas in: , < > " */
    BD_C_QUOTED = 0x00080,  /* what a quoted-string ends with, or has to be looked at in it */
    /* These are not. */
    BD_C_PASSWORD = 0x00100, /* what password may hold */
    BD_C_HNV = 0x00200,      /* hnv-unreserved / unreserved: URI headers */
    BD_C_URIC = 0x00400,     /* reserved / unreserved, and the brackets of an IPv6 authority */
    BD_C_DIGIT = 0x00800,
    BD_C_HEX = 0x01000,
    BD_C_ALPHA = 0x02000,
    BD_C_RESERVED = 0x04000,
    BD_C_VISUAL = 0x08000, /* visual-separator of a telephone number (RFC 3966 3) */
    BD_C_UTF8 = 0x10000,
    BD_C_WSP = 0x20000,
    BD_C_SCHEME = 0x40000
};
#define BD_C_MAPPED 0x000ffU
extern const uint32_t bd_char_class[256];

struct bd_scan {
    const char *begin;
    uintptr_t away;          /* how far the marks of a byte are from it */
    const uint16_t *control; /* of lines: as in struct bd_marks */
};

/* And where a text is marked. */
struct bd_scan_room {
    struct bd_scan scan;
    struct bd_marks marks;
};

/* Makes the marks those of the text at p. */
static inline const struct bd_scan *bd_scan_of(struct bd_scan_room *room, const char *p)
{
    const struct bd_marks *marks = &room->marks;
    room->scan = (struct bd_scan){p, (uintptr_t)marks->classes - (uintptr_t)p, marks->control};
    return &room->scan;
}

/* Scans a text. Returns its scan, or NULL when it is to be parsed without: the text is too long, or
 * this build has no vectors to mark it with faster than the loops are that this replaces. */
static inline const struct bd_scan *bd_scan_text(struct bd_scan_room *room, struct bd_str text)
{
    if (!BD_SIMD || text.len > BD_SIP_MESSAGE_MAX)
        return NULL;
    bd_mark_classes(&room->marks, text.p, text.len);
    return bd_scan_of(room, text.p);
}

/* The same for a text of lines. */
static inline const struct bd_scan *bd_scan_lines(struct bd_scan_room *room, struct bd_str text)
{
    if (!BD_SIMD || text.len > BD_SIP_MESSAGE_MAX)
        return NULL;
    bd_mark(&room->marks, text.p, text.len);
    return bd_scan_of(room, text.p);
}

static inline bool bd_is(char c, unsigned classes)
{
    return (bd_char_class[(uint8_t)c] & classes) != 0;
}

static inline struct bd_str bd_slice(const char *p, const char *end)
{
    return (struct bd_str){p, (uint32_t)(end - p)};
}

static inline const char *bd_str_end(struct bd_str s)
{
    return s.p ? s.p + s.len : NULL;
}

/* First byte that is in none of the classes. */
static inline const char *bd_skip(const char *p, const char *end, unsigned classes)
{
    while (p < end && bd_is(*p, classes))
        p++;
    return p;
}

/* The marks of what stands at p, which lies in the text that was scanned or is its end. */
static inline const uint8_t *bd_scan_at(const struct bd_scan *scan, const char *p)
{
    return (const uint8_t *)((uintptr_t)p + scan->away);
}

/* What bd_scan_skip() finds within one look from p, which is not bounded by an end: the caller must
 * see that what comes back is before his own. Not known is the class of the byte at BD_LOOK. */
static inline const char *bd_scan_leap(const struct bd_scan *scan, const char *p, unsigned classes)
{
    return p + bd_lowest(bd_without(bd_scan_at(scan, p), classes));
}

/* bd_skip() in a scanned text; classes: those that are marked. */
static inline const char *bd_scan_skip(const struct bd_scan *scan, const char *p, const char *end,
                                       unsigned classes)
{
    if (!scan)
        return bd_skip(p, end, classes);
    const char *from;
    do {
        from = p;
        p = bd_scan_leap(scan, p, classes);
    } while (p - from == BD_LOOK);
    return p < end ? p : end;
}

/* First byte that is in one of the classes, which are as above, or end. */
static inline const char *bd_scan_find(const struct bd_scan *scan, const char *p, const char *end,
                                       unsigned classes)
{
    if (!scan)
        return bd_find_any(p, end, classes);
    for (; p < end; p += BD_LOOK) {
        uint64_t found = bd_within(bd_scan_at(scan, p), classes);
        if (found) {
            p += bd_lowest(found);
            return p < end ? p : end;
        }
    }
    return end;
}

/* True when [p, end) begins with a fold: CRLF and white space. */
static inline bool bd_at_fold(const char *p, const char *end)
{
    return end - p >= 3 && p[0] == '\r' && p[1] == '\n' && bd_is(p[2], BD_C_WSP);
}

/* SWS: skips spaces, tabs and folds. */
static inline const char *bd_skip_lws(const char *p, const char *end)
{
    while (p < end && (uint8_t)*p <= ' ') {
        if (bd_is(*p, BD_C_WSP))
            p++;
        else if (bd_at_fold(p, end))
            p += 3;
        else
            break;
    }
    return p;
}

/* Zeroes what a parser fills in, of a size known to the compiler. With wide vectors that is a store
 * or two for each 64 bytes. Left alone, GCC writes "rep stos", which takes longer than all of it.
 */
void bd_clear_call(void *p, size_t sz);
static inline void bd_clear(void *p, size_t sz)
{
    enum { CHUNK = 64 };
    if (!BD_SIMD || sz < CHUNK) {
        bd_clear_call(p, sz);
        return;
    }
    for (size_t i = 0; i < sz - CHUNK; i += CHUNK)
        memset((char *)p + i, 0, CHUNK);
    memset((char *)p + sz - CHUNK, 0, CHUNK);
}

/* Without the LWS at both ends. The slice must be free of CR and LF but for folds. */
struct bd_str bd_trim(const char *p, const char *end);

/* First byte that is neither in the classes nor the begin of a whole escape. */
const char *bd_scan_escaped(const struct bd_scan *scan, const char *p, const char *end,
                            unsigned classes);
static inline const char *bd_skip_escaped(const char *p, const char *end, unsigned classes)
{
    return bd_scan_escaped(NULL, p, end, classes);
}

/* p stands on the opening quote. Returns the byte after the closing one, NULL when it is missing
 * or when a control character stands unescaped inside. */
const char *bd_scan_quoted(const struct bd_scan *scan, const char *p, const char *end);
static inline const char *bd_skip_quoted(const char *p, const char *end)
{
    return bd_scan_quoted(NULL, p, end);
}

/* Value of a hexadecimal digit of class BD_C_HEX. */
static inline unsigned bd_hex_value(char c)
{
    return ((unsigned)c & 0xf) + 9 * ((unsigned)c >> 6);
}

#endif
