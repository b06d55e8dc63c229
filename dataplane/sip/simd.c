/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan.h"

void bd_mark_classes_scalar(struct bd_marks *marks, const char *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        marks->classes[i] = (uint8_t)(bd_char_class[(uint8_t)p[i]] & BD_C_MAPPED);
    memset(marks->classes + len, 0, BD_LOOK);
}

void bd_mark_scalar(struct bd_marks *marks, const char *p, uint32_t len)
{
    uint16_t *control = marks->control;
    bd_mark_classes_scalar(marks, p, len);
    for (uint32_t i = 0; i < len; i++) {
        if (bd_is(p[i], BD_C_CONTROL))
            *control++ = (uint16_t)i;
    }
    *control = (uint16_t)len;
}

uint64_t bd_within_scalar(const uint8_t *marked, unsigned classes)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < BD_LOOK; i++)
        bits |= (uint64_t)((marked[i] & classes) != 0) << i;
    return bits;
}

uint64_t bd_without_scalar(const uint8_t *marked, unsigned classes)
{
    return ~bd_within_scalar(marked, classes);
}

unsigned bd_lowest_scalar(uint64_t bits)
{
    return bits ? (unsigned)__builtin_ctzll(bits) : BD_LOOK;
}

unsigned bd_lowest_from_scalar(uint64_t bits, unsigned n)
{
    return bd_lowest_scalar(n < BD_LOOK ? bits & UINT64_MAX << n : 0);
}

const char *bd_find_any_scalar(const char *p, const char *end, unsigned classes)
{
    while (p < end && !bd_is(*p, classes))
        p++;
    return p;
}

bool bd_number_scalar(struct bd_str s, uint32_t *value)
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

bool bd_ipv4_scalar(struct bd_str s, uint32_t *octets)
{
    const char *p = s.p, *end = bd_str_end(s);
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (p == end || *p++ != '.'))
            return false;
        unsigned n = 0;
        const char *begin = p;
        for (; p < end && p - begin < 3 && bd_is(*p, BD_C_DIGIT); p++)
            n = n * 10 + (unsigned)(*p - '0');
        if (p == begin || n > 255)
            return false;
        ((uint8_t *)octets)[i] = (uint8_t)n;
    }
    return p == end;
}

/* One group, 1*4HEXDIG. Returns the byte after it, NULL when there is none. */
static const char *ipv6_group(const char *p, const char *end, uint8_t group[2])
{
    enum { DIGITS_MAX = 4 };
    const char *begin = p;
    unsigned n = 0;
    for (; p < end && p - begin < DIGITS_MAX && bd_is(*p, BD_C_HEX); p++)
        n = n << 4 | bd_hex_value(*p);
    group[0] = (uint8_t)(n >> 8);
    group[1] = (uint8_t)n;
    return p > begin ? p : NULL;
}

bool bd_ipv6_scalar(struct bd_str s, uint8_t *address)
{
    enum { GROUPS = 8, ADDRESS = 2 * GROUPS };
    uint8_t group[GROUPS][2];
    const char *p = s.p, *end = bd_str_end(s);
    bool gap = s.len >= 2 && memcmp(p, "::", 2) == 0;
    unsigned cnt = 0, before = 0;
    for (p += gap ? 2 : 0; p < end; cnt++) {
        p = cnt < GROUPS ? ipv6_group(p, end, group[cnt]) : NULL;
        if (!p || (p < end && (*p != ':' || ++p == end)))
            return false;
        if (p < end && *p == ':') {
            if (gap)
                return false;
            gap = true;
            before = cnt + 1;
            p++;
        }
    }
    if (gap ? cnt == GROUPS : cnt < GROUPS)
        return false;
    before = gap ? before : GROUPS;
    memset(address, 0, ADDRESS);
    memcpy(address, group, 2 * before);
    memcpy(address + ADDRESS - 2 * (cnt - before), group + before, 2 * (cnt - before));
    return true;
}

bool bd_hostname_scalar(struct bd_str s)
{
    const char *p = s.p, *end = bd_str_end(s);
    bool top_is_alpha = false;
    if (end - p > 1 && end[-1] == '.')
        end--;
    while (p < end) {
        const char *label = p;
        while (p < end && *p != '.')
            p++;
        if (p == label || *label == '-' || p[-1] == '-')
            return false;
        top_is_alpha = bd_is(*label, BD_C_ALPHA);
        if (p < end && ++p == end)
            return false; /* two dots at the end */
    }
    return top_is_alpha;
}

bool bd_is_row_scalar(struct bd_str s, const char row[BD_ROW], const char *end)
{
    uint32_t i = 0;
    while (i < s.len && i < BD_ROW && (s.p[i] | 0x20) == (row[i] | 0x20))
        i++;
    return i == s.len;
}

uint64_t bd_word_scalar(struct bd_str s)
{
    uint64_t word = 0;
    for (uint32_t i = 0; i < s.len && i < 8; i++)
        word |= (uint64_t)(uint8_t)(s.p[i] | 0x20) << 8 * i;
    return word;
}

uint32_t bd_copy_plain_scalar(char *out, struct bd_str s, bool lower)
{
    uint32_t i = 0;
    for (; i < s.len && s.p[i] != '%' && (uint8_t)s.p[i] >= 0x20 && s.p[i] != 0x7f; i++)
        out[i] = lower ? bd_lower(s.p[i]) : s.p[i];
    return i;
}

#if !BD_SIMD
#ifdef __SSE2__
#include <emmintrin.h>

/* SSE2 is part of x86-64. Only the ends of lines are looked for far away. */
static const char *find_control(const char *p, const char *end)
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
    return bd_find_any_scalar(p, end, BD_C_CONTROL);
}
#else
static const char *find_control(const char *p, const char *end)
{
    return bd_find_any_scalar(p, end, BD_C_CONTROL);
}
#endif

const char *bd_find_any(const char *p, const char *end, unsigned classes)
{
    return classes == BD_C_CONTROL ? find_control(p, end) : bd_find_any_scalar(p, end, classes);
}
#endif
