/* SPDX-License-Identifier: BSD-3-Clause */
/* The one scanner: character classes, LWS, quoted-string, escapes, numbers, and the search for the
 * end of a line (RFC 3261 25.1). Every parser in this folder is made of these.
 *
 * Positions are plain pointers: each function takes [p, end) and reads nothing outside it; a
 * pointer that comes back lies in [p, end]. Pure; may be called from anywhere.
 *
 * A text may be scanned beforehand: one pass notes for each byte which of eight classes it has, a
 * bitmap a class. "Skip while in a class" is then a shift and a count of zeros, whatever the
 * length: no loop whose end the processor must guess. Functions that take a struct bd_scan do
 * without when it is NULL; what they find is the same. */
#ifndef BD_SCAN_H
#define BD_SCAN_H

#include "limits.h"
#include "simd.h"

/* Classes of RFC 3261 25.1. Escapes ("%" HEX HEX) belong to no URI class: bd_skip_escaped reads
 * them. Bytes from 0x80 up are all BD_C_UTF8: the sequences are not checked, since nothing here
 * interprets them. */
enum bd_char_class {
    /* These have a bitmap. */
    BD_C_TOKEN = 0x00001,
    BD_C_USER = 0x00002,  /* unreserved / user-unreserved */
    BD_C_PARAM = 0x00004, /* param-unreserved / unreserved */
    BD_C_HOST = 0x00008,  /* alphanum, "-", "."; looser: "_", which real host names have */
    BD_C_WORD = 0x00010,
    BD_C_CONTROL = 0x00020, /* 0x00..0x1f but HT, 0x7f; the ends of lines are among them */
    BD_C_LIST = 0x00040,    /* what an element of a list ends with, or hides commas in: , < > " */
    BD_C_QUOTED = 0x00080,  /* what a quoted-string ends with, or has to be looked at in it */
    /* These have none. */
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
    struct bd_maps maps;
};

/* Scans a text. Returns scan, or NULL when it is to be parsed without: the text is too long, or
 * this build has no vectors to make bitmaps with faster than the loops are that they replace. */
static inline const struct bd_scan *bd_scan_text(struct bd_scan *scan, struct bd_str text)
{
    if (!BD_SIMD || text.len > BD_SIP_MESSAGE_MAX)
        return NULL;
    scan->begin = text.p;
    bd_bitmaps(&scan->maps, text.p, text.len);
    return scan;
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

/* So many bits one look at a bitmap gives, wherever it begins. */
#define BD_SCAN_STEP 57

/* The bits of one class from p on: BD_SCAN_STEP, perhaps more, then zeros. p lies in the text that
 * was scanned, or is its end. */
static inline uint64_t bd_scan_class(const struct bd_scan *scan, const char *p, unsigned one_class)
{
    size_t at = (size_t)(p - scan->begin);
    uint64_t bits;
    memcpy(&bits, (const char *)scan->maps.bits[__builtin_ctz(one_class)] + at / 8, sizeof(bits));
    return bits >> at % 8;
}

/* The same of one or two classes. */
static inline uint64_t bd_scan_bits(const struct bd_scan *scan, const char *p, unsigned classes)
{
    unsigned other = classes & (classes - 1);
    uint64_t bits = bd_scan_class(scan, p, classes ^ other);
    return other ? bits | bd_scan_class(scan, p, other) : bits;
}

/* What bd_scan_skip() finds within one look from p, which is not bounded by an end: the caller must
 * see that what comes back is before his own. Not known is the class of the byte at BD_SCAN_STEP.
 */
static inline const char *bd_scan_leap(const struct bd_scan *scan, const char *p, unsigned classes)
{
    return p + __builtin_ctzll(~bd_scan_bits(scan, p, classes) | 1ULL << BD_SCAN_STEP);
}

/* bd_skip() in a scanned text; classes: one or two that have a bitmap. */
static inline const char *bd_scan_skip(const struct bd_scan *scan, const char *p, const char *end,
                                       unsigned classes)
{
    if (!scan)
        return bd_skip(p, end, classes);
    unsigned n;
    do {
        n = (unsigned)__builtin_ctzll(~bd_scan_bits(scan, p, classes) | 1ULL << BD_SCAN_STEP);
        p += n;
    } while (n == BD_SCAN_STEP);
    return p < end ? p : end;
}

/* First byte that is in one of the classes, which are as above, or end. */
static inline const char *bd_scan_find(const struct bd_scan *scan, const char *p, const char *end,
                                       unsigned classes)
{
    if (!scan)
        return bd_find_any(p, end, classes);
    for (; p < end; p += BD_SCAN_STEP) {
        uint64_t found = bd_scan_bits(scan, p, classes);
        if (found) {
            p += __builtin_ctzll(found);
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

/* Zeroes what a parser fills in. With wide vectors that is a few stores; for other machines GCC
 * writes "rep stos", which alone takes longer than all of it: there it is a call. */
void bd_clear_call(void *p, size_t sz);
static inline void bd_clear(void *p, size_t sz)
{
    if (BD_SIMD)
        memset(p, 0, sz);
    else
        bd_clear_call(p, sz);
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
    return bd_is(c, BD_C_DIGIT) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

#endif
