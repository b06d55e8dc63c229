/* SPDX-License-Identifier: BSD-3-Clause */
/* The one scanner: character classes, LWS, quoted-string, escapes, numbers, and the search for the
 * end of a line (RFC 3261 25.1). Every parser in this folder is made of these.
 *
 * Positions are plain pointers: each function takes [p, end) and reads nothing outside it; a
 * pointer that comes back lies in [p, end]. Pure; may be called from anywhere. */
#ifndef BD_SCAN_H
#define BD_SCAN_H

#include "str.h"

/* Classes of RFC 3261 25.1. Escapes ("%" HEX HEX) belong to no URI class: bd_skip_escaped reads
 * them. Bytes from 0x80 up are all BD_C_UTF8: the sequences are not checked, since nothing here
 * interprets them. */
enum bd_char_class {
    BD_C_TOKEN = 0x0001,
    BD_C_USER = 0x0002,     /* unreserved / user-unreserved */
    BD_C_PASSWORD = 0x0004, /* what password may hold */
    BD_C_PARAM = 0x0008,    /* param-unreserved / unreserved */
    BD_C_HNV = 0x0010,      /* hnv-unreserved / unreserved: URI headers */
    BD_C_URIC = 0x0020,     /* reserved / unreserved, and the brackets of an IPv6 authority */
    BD_C_WORD = 0x0040,
    BD_C_HOST = 0x0080, /* alphanum, "-", "."; looser: "_", which real host names have */
    BD_C_DIGIT = 0x0100,
    BD_C_HEX = 0x0200,
    BD_C_ALPHA = 0x0400,
    BD_C_RESERVED = 0x0800,
    BD_C_VISUAL = 0x1000, /* visual-separator of a telephone number (RFC 3966 3) */
    BD_C_UTF8 = 0x2000,
    BD_C_WSP = 0x4000,
    BD_C_SCHEME = 0x8000
};
extern const uint16_t bd_char_class[256];

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

/* True when [p, end) begins with a fold: CRLF and white space. */
static inline bool bd_at_fold(const char *p, const char *end)
{
    return end - p >= 3 && p[0] == '\r' && p[1] == '\n' && bd_is(p[2], BD_C_WSP);
}

/* SWS: skips spaces, tabs and folds. */
static inline const char *bd_skip_lws(const char *p, const char *end)
{
    for (;;) {
        p = bd_skip(p, end, BD_C_WSP);
        if (!bd_at_fold(p, end))
            return p;
        p += 3;
    }
}

/* Zeroes what a parser fills in. A call, for GCC inlines a memset of known size as "rep stos",
 * which alone takes longer than all of it. */
void bd_clear(void *p, size_t sz);

/* Without the LWS at both ends. The slice must be free of CR and LF but for folds. */
struct bd_str bd_trim(const char *p, const char *end);

/* First byte that is neither in the classes nor the begin of a whole escape. */
const char *bd_skip_escaped(const char *p, const char *end, unsigned classes);

/* p stands on the opening quote. Returns the byte after the closing one, NULL when it is missing
 * or when a control character stands unescaped inside. */
const char *bd_skip_quoted(const char *p, const char *end);

/* First control character (0x00..0x1f without HT, 0x7f), or end. The line ends of a message are
 * among them: this is where a message's bytes are all looked at once. The scalar twin does the same
 * on any machine, and is what the other is tested against. */
const char *bd_find_control(const char *p, const char *end);
const char *bd_find_control_scalar(const char *p, const char *end);

/* 1*DIGIT, the whole slice. False when it is not, or above UINT32_MAX; leading zeros are legal
 * (RFC 4475 3.1.1.1). */
bool bd_number(struct bd_str s, uint32_t *value);

/* Value of a hexadecimal digit of class BD_C_HEX. */
static inline unsigned bd_hex_value(char c)
{
    return bd_is(c, BD_C_DIGIT) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

#endif
