/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* unreserved = alphanum / mark: in every URI class. */
#define UNRESERVED (BD_C_USER | BD_C_PASSWORD | BD_C_PARAM | BD_C_HNV | BD_C_URIC)
#define ALPHANUM   (BD_C_TOKEN | UNRESERVED | BD_C_WORD | BD_C_HOST | BD_C_SCHEME)
#define TOKEN      (BD_C_TOKEN | BD_C_WORD)
#define RESERVED   (BD_C_RESERVED | BD_C_URIC)

const uint16_t bd_char_class[256] = {
    ['0' ... '9'] = ALPHANUM | BD_C_DIGIT | BD_C_HEX,
    ['A' ... 'F'] = ALPHANUM | BD_C_ALPHA | BD_C_HEX,
    ['G' ... 'Z'] = ALPHANUM | BD_C_ALPHA,
    ['a' ... 'f'] = ALPHANUM | BD_C_ALPHA | BD_C_HEX,
    ['g' ... 'z'] = ALPHANUM | BD_C_ALPHA,
    /* mark */
    ['-'] = TOKEN | UNRESERVED | BD_C_HOST | BD_C_SCHEME | BD_C_VISUAL,
    ['.'] = TOKEN | UNRESERVED | BD_C_HOST | BD_C_SCHEME | BD_C_VISUAL,
    ['_'] = TOKEN | UNRESERVED | BD_C_HOST,
    ['!'] = TOKEN | UNRESERVED,
    ['~'] = TOKEN | UNRESERVED,
    ['*'] = TOKEN | UNRESERVED,
    ['\''] = TOKEN | UNRESERVED,
    ['('] = UNRESERVED | BD_C_WORD | BD_C_VISUAL,
    [')'] = UNRESERVED | BD_C_WORD | BD_C_VISUAL,
    /* reserved */
    [';'] = RESERVED | BD_C_USER,
    ['/'] = RESERVED | BD_C_USER | BD_C_PARAM | BD_C_HNV | BD_C_WORD,
    ['?'] = RESERVED | BD_C_USER | BD_C_HNV | BD_C_WORD,
    [':'] = RESERVED | BD_C_PARAM | BD_C_HNV | BD_C_WORD,
    ['@'] = RESERVED,
    ['&'] = RESERVED | BD_C_USER | BD_C_PASSWORD | BD_C_PARAM,
    ['='] = RESERVED | BD_C_USER | BD_C_PASSWORD,
    ['+'] = RESERVED | TOKEN | BD_C_USER | BD_C_PASSWORD | BD_C_PARAM | BD_C_HNV | BD_C_SCHEME,
    ['$'] = RESERVED | BD_C_USER | BD_C_PASSWORD | BD_C_PARAM | BD_C_HNV,
    [','] = RESERVED | BD_C_USER | BD_C_PASSWORD,
    /* the rest */
    ['['] = BD_C_PARAM | BD_C_HNV | BD_C_URIC | BD_C_WORD,
    [']'] = BD_C_PARAM | BD_C_HNV | BD_C_URIC | BD_C_WORD,
    ['%'] = TOKEN,
    ['`'] = TOKEN,
    ['<'] = BD_C_WORD,
    ['>'] = BD_C_WORD,
    ['\\'] = BD_C_WORD,
    ['"'] = BD_C_WORD,
    ['{'] = BD_C_WORD,
    ['}'] = BD_C_WORD,
    [' '] = BD_C_WSP,
    ['\t'] = BD_C_WSP,
    [0x80 ... 0xff] = BD_C_UTF8,
};

void bd_clear(void *p, size_t sz)
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

const char *bd_skip_escaped(const char *p, const char *end, unsigned classes)
{
    for (;;) {
        p = bd_skip(p, end, classes);
        if (end - p < 3 || p[0] != '%' || !bd_is(p[1], BD_C_HEX) || !bd_is(p[2], BD_C_HEX))
            return p;
        p += 3;
    }
}

static bool is_control(char c)
{
    return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

const char *bd_skip_quoted(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\') {
            /* quoted-pair: anything of ASCII but CR and LF, NUL too (RFC 4475 3.1.1.2) */
            if (end - p < 2 || p[1] == '\r' || p[1] == '\n' || bd_is(p[1], BD_C_UTF8))
                return NULL;
            p++;
        } else if (is_control(*p)) {
            if (!bd_at_fold(p, end))
                return NULL;
            p += 2;
        }
    }
    return NULL;
}

/* Non-zero when one of the eight bytes may be a control character: below 0x20, or 0x7f. No byte is
 * missed; HT and bytes after a borrow are found too many, so each find is looked at. */
static uint64_t maybe_control(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
    uint64_t below_space = (x - 0x20 * ones) & ~x;
    uint64_t y = x ^ (0x7f * ones);
    uint64_t is_delete = (y - ones) & ~y;
    return (below_space | is_delete) & high;
}

const char *bd_find_control_scalar(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t x;
        memcpy(&x, p, sizeof(x));
        uint64_t found = maybe_control(x);
        if (found) {
            /* Below the lowest find there is none: a borrow runs upwards only. */
            p += __builtin_ctzll(found) / 8;
            if (is_control(*p))
                return p;
            p++;
        } else {
            p += 8;
        }
    }
    while (p < end && !is_control(*p))
        p++;
    return p;
}

#ifdef __SSE2__
/* SSE2 is part of x86-64: nothing to choose at run time. */
const char *bd_find_control(const char *p, const char *end)
{
    const __m128i last = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t');
    const __m128i delete = _mm_set1_epi8(0x7f);
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)p);
        __m128i low =
            _mm_andnot_si128(_mm_cmpeq_epi8(x, tab), _mm_cmpeq_epi8(_mm_min_epu8(x, last), x));
        int found = _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(x, delete)));
        if (found)
            return p + __builtin_ctz((unsigned)found);
    }
    return bd_find_control_scalar(p, end);
}
#else
const char *bd_find_control(const char *p, const char *end)
{
    return bd_find_control_scalar(p, end);
}
#endif

bool bd_number(struct bd_str s, uint32_t *value)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s.len; i++) {
        if (!bd_is(s.p[i], BD_C_DIGIT))
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
        if (n > UINT32_MAX)
            return false;
    }
    *value = (uint32_t)n;
    return s.len > 0;
}
