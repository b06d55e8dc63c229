/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan.h"

#if BD_SIMD == BD_AVX512
#include "simd_x86.h"

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

/* The same of the last bytes. Those that are not there are loaded as NUL, which is a control
 * character. */
static inline __m512i classes_there(uint64_t there, const char *p)
{
    return _mm512_maskz_mov_epi8(there, classes_of(load(there, p)));
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
    __m512i last = classes_there(low_bits(len - at), p + at);
    *mark_block(marks, at, last, control) = (uint16_t)len;
    _mm512_store_si512(marks->classes + at + 64, _mm512_setzero_si512());
}

void bd_mark_classes(struct bd_marks *marks, const char *p, uint32_t len)
{
    uint32_t at = 0;
    for (; at + 64 <= len; at += 64)
        _mm512_store_si512(marks->classes + at, classes_of(_mm512_loadu_si512(p + at)));
    _mm512_store_si512(marks->classes + at, classes_there(low_bits(len - at), p + at));
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

/* Sixteen digits at most, set to the right. */
bool bd_number(struct bd_str s, uint32_t *value)
{
    if (s.len == 0 || s.len > 16)
        return bd_number_scalar(s, value);
    __mmask16 there = (__mmask16)(0xffff0000U >> s.len);
    __m128i bytes = _mm_maskz_loadu_epi8(there, s.p + s.len - 16);
    __m128i digits = _mm_maskz_sub_epi8(there, bytes, _mm_set1_epi8('0'));
    uint64_t n = bd_digits_value(digits);
    if (_mm_cmpgt_epu8_mask(digits, _mm_set1_epi8(9)) || n > UINT32_MAX)
        return false;
    *value = (uint32_t)n;
    return true;
}

/* Each shape, and where its bytes go so that each number ends in the third byte of a lane of four,
 * its dot behind it. */
#define LANE(len)         (0xf0U >> (len + 1) & 0xf)
#define LANES(a, b, c, d) (LANE(a) | LANE(b) << 4 | LANE(c) << 8 | LANE(d) << 12)
#define SHAPE(a, b, c, d)                                                                          \
    [BD_IPV4_PLACE(BD_IPV4_ENDS(a, b, c, d))] = {BD_IPV4_ENDS(a, b, c, d), LANES(a, b, c, d)},
static const struct {
    uint16_t ends, lanes;
} shapes[BD_IPV4_PLACES] = {BD_IPV4_SHAPES(SHAPE)};

bool bd_ipv4(struct bd_str s, uint32_t *octets)
{
    if (s.len > 15)
        return false;
    __mmask16 there = (__mmask16)((1U << s.len) - 1);
    __m128i bytes = _mm_maskz_loadu_epi8(there, s.p);
    __m128i digits = _mm_maskz_sub_epi8(there, bytes, _mm_set1_epi8('0'));
    unsigned dots = _mm_cmpeq_epi8_mask(bytes, _mm_set1_epi8('.'));
    unsigned ends = dots | 1U << s.len, lanes = shapes[BD_IPV4_PLACE(ends)].lanes;
    if (_mm_cmpgt_epu8_mask(digits, _mm_set1_epi8(9)) != dots ||
        shapes[BD_IPV4_PLACE(ends)].ends != ends)
        return false;
    __m128i four = _mm_maskz_expand_epi8((__mmask16)lanes, digits);
    __m128i values = bd_octet_values(four);
    if (_mm_cmpgt_epu32_mask(values, _mm_set1_epi32(255)))
        return false;
    *octets = (uint32_t)_mm_cvtsi128_si32(_mm_cvtepi32_epi8(values));
    return true;
}

/* The values of hexadecimal digits, and which bytes are any. */
static inline __m512i hex_values(__m512i bytes, uint64_t *hex)
{
    __m512i digits = _mm512_sub_epi8(bytes, _mm512_set1_epi8('0'));
    __m512i letters =
        _mm512_sub_epi8(_mm512_or_si512(bytes, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
    __mmask64 is_digit = _mm512_cmplt_epu8_mask(digits, _mm512_set1_epi8(10));
    __mmask64 is_letter = _mm512_cmplt_epu8_mask(letters, _mm512_set1_epi8(6));
    *hex = is_digit | is_letter;
    return _mm512_mask_add_epi8(digits, is_letter, letters, _mm512_set1_epi8(10));
}

/* What groups of hexadecimal digits, the last digit of each given, have in an address of 32: those
 * before the gap from its begin on, those behind it up to its end. False for a group of five. */
static inline bool ipv6_places(uint64_t hex, uint64_t last, unsigned before, uint32_t *places)
{
    uint64_t second = last >> 1 & hex, third = second >> 1 & hex, fourth = third >> 1 & hex;
    unsigned behind = (unsigned)_mm_popcnt_u64(last) - before;
    uint32_t lasts =
        0x88888888 & ~(_bzhi_u32(UINT32_MAX, 32 - 4 * behind) & ~_bzhi_u32(UINT32_MAX, 4 * before));
    *places = lasts | _pdep_u32((uint32_t)_pext_u64(second << 1, last), lasts) >> 1 |
              _pdep_u32((uint32_t)_pext_u64(third << 2, last), lasts) >> 2 |
              _pdep_u32((uint32_t)_pext_u64(fourth << 3, last), lasts) >> 3;
    return (fourth >> 1 & hex) == 0;
}

bool bd_ipv6(struct bd_str s, uint8_t *address)
{
    enum { LEN_MAX = 39, GROUPS = 8 };
    if (s.len < 2 || s.len > LEN_MAX)
        return false;
    uint64_t there = low_bits(s.len), hex, first_and_last = 1 | (uint64_t)1 << (s.len - 1);
    __m512i bytes = load(there, s.p), values = hex_values(bytes, &hex);
    uint64_t colons = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(':'));
    /* The gap: a colon with another one behind it. */
    uint64_t gap = colons & colons >> 1, last = hex & ~(hex >> 1);
    unsigned cnt = (unsigned)_mm_popcnt_u64(last);
    unsigned before = (unsigned)_mm_popcnt_u64(last & (gap - 1));
    uint32_t places;
    if ((hex | colons) != there || (gap & (gap - 1)) ||
        (colons & ~(gap | gap << 1) & first_and_last) || (gap ? cnt >= GROUPS : cnt != GROUPS) ||
        !ipv6_places(hex, last, before, &places))
        return false;
    __m512i digits = _mm512_maskz_compress_epi8(hex, values);
    __m256i four = _mm256_maskz_expand_epi8(places, _mm512_castsi512_si256(digits));
    __m256i pairs = _mm256_maddubs_epi16(four, _mm256_set1_epi16(0x0110));
    _mm_storeu_si128((__m128i *)address, _mm256_cvtepi16_epi8(pairs));
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

bool bd_is_row(struct bd_str s, const char row[BD_ROW], const char *end)
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
#endif
