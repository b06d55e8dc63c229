/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan.h"

/* unreserved = alphanum / mark: in every URI class. */
#define UNRESERVED (BD_C_USER | BD_C_PASSWORD | BD_C_PARAM | BD_C_HNV | BD_C_URIC)
#define ALPHANUM   (BD_C_TOKEN | UNRESERVED | BD_C_WORD | BD_C_HOST | BD_C_SCHEME)
#define TOKEN      (BD_C_TOKEN | BD_C_WORD)
#define RESERVED   (BD_C_RESERVED | BD_C_URIC)
#define CONTROL    (BD_C_CONTROL | BD_C_QUOTED)

/* Every byte and its classes, once for bd_char_class and once for those that are marked. */
#define CLASSES(X)                                                                                 \
    X('0' ... '9', ALPHANUM | BD_C_DIGIT | BD_C_HEX)                                               \
    X('A' ... 'F', ALPHANUM | BD_C_ALPHA | BD_C_HEX)                                               \
    X('G' ... 'Z', ALPHANUM | BD_C_ALPHA)                                                          \
    X('a' ... 'f', ALPHANUM | BD_C_ALPHA | BD_C_HEX)                                               \
    X('g' ... 'z', ALPHANUM | BD_C_ALPHA)                                                          \
    /* mark */                                                                                     \
    X('-', TOKEN | UNRESERVED | BD_C_HOST | BD_C_SCHEME | BD_C_VISUAL)                             \
    X('.', TOKEN | UNRESERVED | BD_C_HOST | BD_C_SCHEME | BD_C_VISUAL)                             \
    X('_', TOKEN | UNRESERVED | BD_C_HOST)                                                         \
    X('!', TOKEN | UNRESERVED)                                                                     \
    X('~', TOKEN | UNRESERVED)                                                                     \
    X('*', TOKEN | UNRESERVED)                                                                     \
    X('\'', TOKEN | UNRESERVED)                                                                    \
    X('(', UNRESERVED | BD_C_WORD | BD_C_VISUAL)                                                   \
    X(')', UNRESERVED | BD_C_WORD | BD_C_VISUAL)                                                   \
    /* reserved */                                                                                 \
    X(';', RESERVED | BD_C_USER)                                                                   \
    X('/', RESERVED | BD_C_USER | BD_C_PARAM | BD_C_HNV | BD_C_WORD)                               \
    X('?', RESERVED | BD_C_USER | BD_C_HNV | BD_C_WORD)                                            \
    X(':', RESERVED | BD_C_PARAM | BD_C_HNV | BD_C_WORD)                                           \
    X('@', RESERVED)                                                                               \
    X('&', RESERVED | BD_C_USER | BD_C_PASSWORD | BD_C_PARAM)                                      \
    X('=', RESERVED | BD_C_USER | BD_C_PASSWORD)                                                   \
    X('+', RESERVED | TOKEN | BD_C_USER | BD_C_PASSWORD | BD_C_PARAM | BD_C_HNV | BD_C_SCHEME)     \
    X('$', RESERVED | BD_C_USER | BD_C_PASSWORD | BD_C_PARAM | BD_C_HNV)                           \
    X(',', RESERVED | BD_C_USER | BD_C_PASSWORD | BD_C_LIST)                                       \
    /* the rest */                                                                                 \
    X('[', BD_C_PARAM | BD_C_HNV | BD_C_URIC | BD_C_WORD)                                          \
    X(']', BD_C_PARAM | BD_C_HNV | BD_C_URIC | BD_C_WORD)                                          \
    X('%', TOKEN)                                                                                  \
    X('`', TOKEN)                                                                                  \
    X('<', BD_C_WORD | BD_C_LIST)                                                                  \
    X('>', BD_C_WORD | BD_C_LIST)                                                                  \
    X('\\', BD_C_WORD | BD_C_QUOTED)                                                               \
    X('"', BD_C_WORD | BD_C_LIST | BD_C_QUOTED)                                                    \
    X('{', BD_C_WORD)                                                                              \
    X('}', BD_C_WORD)                                                                              \
    X(' ', BD_C_WSP)                                                                               \
    X('\t', BD_C_WSP)                                                                              \
    /* controls */                                                                                 \
    X(0x00 ... 0x08, CONTROL)                                                                      \
    X(0x0a ... 0x1f, CONTROL)                                                                      \
    X(0x7f, CONTROL)

#define WIDE(bytes, classes)   [bytes] = (classes),
#define MAPPED(bytes, classes) [bytes] = (uint8_t)((classes)&BD_C_MAPPED),
const uint32_t bd_char_class[256] = {CLASSES(WIDE)[0x80 ... 0xff] = BD_C_UTF8};
const uint8_t bd_char_mapped[128] = {CLASSES(MAPPED)};

void bd_clear_call(void *p, size_t sz)
{
    memset(p, 0, sz);
}

static bool is_lws_byte(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bd_str bd_trim(const char *p, const char *end)
{
    while (p < end && is_lws_byte(*p))
        p++;
    while (end > p && is_lws_byte(end[-1]))
        end--;
    return bd_slice(p, end);
}

const char *bd_scan_escaped(const struct bd_scan *scan, const char *p, const char *end,
                            unsigned classes)
{
    for (;;) {
        p = bd_scan_skip(scan, p, end, classes);
        if (end - p < 3 || p[0] != '%' || !bd_is(p[1], BD_C_HEX) || !bd_is(p[2], BD_C_HEX))
            return p;
        p += 3;
    }
}

const char *bd_scan_quoted(const struct bd_scan *scan, const char *p, const char *end)
{
    for (p++;;) {
        p = bd_scan_find(scan, p, end, BD_C_QUOTED);
        if (p == end)
            return NULL;
        if (*p == '"')
            return p + 1;
        if (*p == '\\') {
            /* quoted-pair: anything of ASCII but CR and LF, NUL too (RFC 4475 3.1.1.2) */
            if (end - p < 2 || p[1] == '\r' || p[1] == '\n' || bd_is(p[1], BD_C_UTF8))
                return NULL;
            p += 2;
        } else {
            if (!bd_at_fold(p, end))
                return NULL;
            p += 3;
        }
    }
}
