/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan.h"

/* --- the scalar twins ----------------------------------------------------------------------- */

void bd_mark_scalar(struct bd_marks *marks, const char *p, uint32_t len)
{
    uint16_t *control = marks->control;
    for (uint32_t i = 0; i < len; i++) {
        marks->classes[i] = (uint8_t)(bd_char_class[(uint8_t)p[i]] & BD_C_MAPPED);
        if (bd_is(p[i], BD_C_CONTROL))
            *control++ = (uint16_t)i;
    }
    memset(marks->classes + len, 0, BD_LOOK);
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

bool bd_is_row_scalar(struct bd_str s, const char row[BD_ROW])
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

#if BD_SIMD
#include <immintrin.h>

/* --- AVX-512 ------------------------------------------------------------------------------- */

/* The low n bits; 64 or more: all of them. */
static inline uint64_t low_bits(size_t n)
{
    return _bzhi_u64(UINT64_MAX, n < 64 ? (unsigned)n : 64);
}

static inline __m512i load(uint64_t mask, const char *p)
{
    return _mm512_maskz_loadu_epi8(mask, p);
}

/* The classes of 64 bytes: one look-up in a table of 128, and nothing for bytes above it. */
static inline __m512i classes_of(__m512i bytes)
{
    __m512i low = _mm512_loadu_si512(bd_char_mapped),
            high = _mm512_loadu_si512(bd_char_mapped + 64);
    __mmask64 ascii = _mm512_cmpge_epi8_mask(bytes, _mm512_setzero_si512());
    return _mm512_maskz_permutex2var_epi8(ascii, low, bytes, high);
}

/* The offsets of 32 bytes within their block, each from `base` on. */
static inline __m512i offsets_of(__m256i within, uint32_t base)
{
    return _mm512_add_epi16(_mm512_cvtepu8_epi16(within), _mm512_set1_epi16((short)base));
}

/* Appends the offsets of the bits. Sixteen are written at any rate: hardly a block has more than
 * the ends of eight lines, and so there is nothing to guess. */
static inline uint16_t *put_offsets(uint16_t *out, __mmask64 found, uint32_t base)
{
    const __m512i count = _mm512_set_epi64(
        0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120,
        0x1f1e1d1c1b1a1918, 0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
    __m512i within = _mm512_maskz_compress_epi8(found, count);
    unsigned cnt = (unsigned)_mm_popcnt_u64(found);
    __m256i first = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(within));
    _mm256_storeu_si256((__m256i *)out, _mm256_add_epi16(first, _mm256_set1_epi16((short)base)));
    if (__builtin_expect(cnt > 16, 0)) {
        _mm512_storeu_si512(out, offsets_of(_mm512_castsi512_si256(within), base));
        _mm512_storeu_si512(out + 32, offsets_of(_mm512_extracti64x4_epi64(within, 1), base));
    }
    return out + cnt;
}

static inline uint16_t *mark_block(struct bd_marks *marks, uint32_t at, __m512i classes,
                                   uint16_t *control)
{
    _mm512_store_si512(marks->classes + at, classes);
    return put_offsets(control, _mm512_test_epi8_mask(classes, _mm512_set1_epi8(BD_C_CONTROL)), at);
}

void bd_mark(struct bd_marks *marks, const char *p, uint32_t len)
{
    uint16_t *control = marks->control;
    uint32_t at = 0;
    for (; at + 64 <= len; at += 64)
        control = mark_block(marks, at, classes_of(_mm512_loadu_si512(p + at)), control);
    /* Bytes that are not there are loaded as NUL, which is a control character. */
    uint64_t there = low_bits(len - at);
    __m512i last = _mm512_maskz_mov_epi8(there, classes_of(load(there, p + at)));
    *mark_block(marks, at, last, control) = (uint16_t)len;
    _mm512_store_si512(marks->classes + at + 64, _mm512_setzero_si512());
}

uint64_t bd_within(const uint8_t *marked, unsigned classes)
{
    return _mm512_test_epi8_mask(_mm512_loadu_si512(marked), _mm512_set1_epi8((char)classes));
}

uint64_t bd_without(const uint8_t *marked, unsigned classes)
{
    return _mm512_testn_epi8_mask(_mm512_loadu_si512(marked), _mm512_set1_epi8((char)classes));
}

unsigned bd_lowest(uint64_t bits)
{
    return (unsigned)_tzcnt_u64(bits);
}

const char *bd_find_any(const char *p, const char *end, unsigned classes)
{
    const __m512i wanted = _mm512_set1_epi8((char)classes);
    for (; p < end; p += 64) {
        uint64_t there = low_bits((size_t)(end - p));
        uint64_t found = there & _mm512_test_epi8_mask(classes_of(load(there, p)), wanted);
        if (found)
            return p + _tzcnt_u64(found);
    }
    return end;
}

/* Sixteen digits at most, set to the right, become two numbers of eight. */
bool bd_number(struct bd_str s, uint32_t *value)
{
    if (s.len == 0 || s.len > 16)
        return bd_number_scalar(s, value);
    __mmask16 there = (__mmask16)(0xffff0000U >> s.len);
    __m128i bytes = _mm_maskz_loadu_epi8(there, s.p + s.len - 16);
    __m128i digits = _mm_maskz_sub_epi8(there, bytes, _mm_set1_epi8('0'));
    __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    uint64_t n = (both & UINT32_MAX) * 100000000 + (both >> 32);
    if (_mm_cmpgt_epu8_mask(digits, _mm_set1_epi8(9)) || n > UINT32_MAX)
        return false;
    *value = (uint32_t)n;
    return true;
}

/* The 81 shapes an address may have, a 1*3DIGIT four times: where each number ends, as bits, and
 * where its bytes go so that each ends in the third byte of a lane of four, its dot behind it. They
 * are found by a product that was tried out: no two shapes share a place. */
#define PLACE(ends) ((uint32_t)(ends)*0xa9a2122dU >> 24)
#define ENDS(a, b, c, d)                                                                           \
    (1U << a | 1U << (a + b + 1) | 1U << (a + b + c + 2) | 1U << (a + b + c + d + 3))
#define LANE(len)           (0xf0U >> (len + 1) & 0xf)
#define LANES(a, b, c, d)   (LANE(a) | LANE(b) << 4 | LANE(c) << 8 | LANE(d) << 12)
#define SHAPE(a, b, c, d)   [PLACE(ENDS(a, b, c, d))] = {ENDS(a, b, c, d), LANES(a, b, c, d)},
#define ANY_FOURTH(a, b, c) SHAPE(a, b, c, 1) SHAPE(a, b, c, 2) SHAPE(a, b, c, 3)
#define ANY_THIRD(a, b)     ANY_FOURTH(a, b, 1) ANY_FOURTH(a, b, 2) ANY_FOURTH(a, b, 3)
#define ANY_SECOND(a)       ANY_THIRD(a, 1) ANY_THIRD(a, 2) ANY_THIRD(a, 3)
static const struct {
    uint16_t ends, lanes;
} shapes[256] = {ANY_SECOND(1) ANY_SECOND(2) ANY_SECOND(3)};

bool bd_ipv4(struct bd_str s, uint32_t *octets)
{
    if (s.len > 15)
        return false;
    __mmask16 there = (__mmask16)((1U << s.len) - 1);
    __m128i bytes = _mm_maskz_loadu_epi8(there, s.p);
    __m128i digits = _mm_maskz_sub_epi8(there, bytes, _mm_set1_epi8('0'));
    unsigned dots = _mm_cmpeq_epi8_mask(bytes, _mm_set1_epi8('.'));
    unsigned ends = dots | 1U << s.len, lanes = shapes[PLACE(ends)].lanes;
    if (_mm_cmpgt_epu8_mask(digits, _mm_set1_epi8(9)) != dots || shapes[PLACE(ends)].ends != ends)
        return false;
    __m128i four = _mm_maskz_expand_epi8((__mmask16)lanes, digits);
    __m128i pairs = _mm_maddubs_epi16(four, _mm_set1_epi32(0x00010a64)); /* a dot counts nothing */
    __m128i values = _mm_madd_epi16(pairs, _mm_set1_epi16(1));
    if (_mm_cmpgt_epu32_mask(values, _mm_set1_epi32(255)))
        return false;
    *octets = (uint32_t)_mm_cvtsi128_si32(_mm_cvtepi32_epi8(values));
    return true;
}

/* What begins or ends a label must be neither a dot nor a hyphen. */
bool bd_hostname(struct bd_str s)
{
    if (s.len == 0 || s.len > 64)
        return bd_hostname_scalar(s);
    s.len -= s.len > 1 && s.p[s.len - 1] == '.';
    uint64_t there = low_bits(s.len);
    __m512i bytes = load(there, s.p);
    uint64_t dots = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('.'));
    uint64_t hyphens = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('-'));
    uint64_t begins = dots << 1 | 1, ends = dots >> 1 | (uint64_t)1 << (s.len - 1);
    if ((begins | ends) & there & (dots | hyphens))
        return false;
    return bd_is(s.p[64 - _lzcnt_u64(dots)], BD_C_ALPHA);
}

bool bd_is_row(struct bd_str s, const char row[BD_ROW])
{
    __mmask32 there = (__mmask32)_bzhi_u32(UINT32_MAX, s.len);
    __m256i text = _mm256_maskz_loadu_epi8(there, s.p);
    __m256i differ = _mm256_xor_si256(text, _mm256_loadu_si256((const __m256i *)row));
    return _mm256_mask_test_epi8_mask(there, differ, _mm256_set1_epi8((char)~0x20)) == 0;
}

uint64_t bd_word(struct bd_str s)
{
    __mmask16 there = (__mmask16)(low_bits(s.len) & 0xff);
    __m128i bytes = _mm_maskz_loadu_epi8(there, s.p);
    return (uint64_t)_mm_cvtsi128_si64(
        _mm_maskz_mov_epi8(there, _mm_or_si128(bytes, _mm_set1_epi8(0x20))));
}

uint32_t bd_copy_plain(char *out, struct bd_str s, bool lower)
{
    for (uint32_t i = 0; i < s.len; i += 64) {
        uint64_t there = low_bits(s.len - i);
        __m512i bytes = load(there, s.p + i);
        uint64_t stop = _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)) |
                        _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(0x7f)) |
                        _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('%'));
        __mmask64 capital = _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8('A')),
                                                   _mm512_set1_epi8('Z' - 'A'));
        bytes = _mm512_mask_add_epi8(bytes, lower ? capital : 0, bytes, _mm512_set1_epi8(0x20));
        /* What is behind the text was loaded as NUL and stops as well. */
        uint32_t n = (uint32_t)_tzcnt_u64(stop);
        _mm512_mask_storeu_epi8(out + i, low_bits(n), bytes);
        if (n < 64)
            return i + n;
    }
    return s.len;
}
#else
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
