/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan.h"

#if BD_SIMD == BD_AVX2
#include "copy.h"
#include "simd_x86.h"

/* Bytes cannot be masked here. What is shorter than a load is put together from several that
 * overlap inside it. */

/* The first eight bytes, the first of them lowest; zeros behind the end. */
static inline uint64_t load8(const char *p, size_t len)
{
    uint64_t whole;
    uint32_t first, last;
    if (len >= sizeof(whole)) {
        memcpy(&whole, p, sizeof(whole));
        return whole;
    }
    if (len >= sizeof(last)) {
        memcpy(&first, p, sizeof(first));
        memcpy(&last, p + len - sizeof(last), sizeof(last));
        return first | (uint64_t)last << 8 * (len - sizeof(last));
    }
    if (len == 0)
        return 0;
    return (uint8_t)p[0] | (uint64_t)(uint8_t)p[len / 2] << 8 * (len / 2) |
           (uint64_t)(uint8_t)p[len - 1] << 8 * (len - 1);
}

/* The first sixteen. */
static inline __m128i load16(const char *p, size_t len)
{
    if (len >= 16)
        return _mm_loadu_si128((const __m128i *)p);
    uint64_t high = len > 8 ? load8(p + len - 8, 8) >> 8 * (16 - len) : 0;
    return _mm_set_epi64x((int64_t)high, (int64_t)load8(p, len));
}

static inline __m256i load32(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* Of a text of 4 to 32 bytes as much as fills words of four; zeros behind them. The last four bytes
 * have the rest. */
static inline __m256i load_words(const char *p, size_t len)
{
    static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_maskload_epi32((const int *)p, load32(mask + 8 - len / 4));
}

static inline __m128i load_last(const char *p, size_t len)
{
    return _mm_loadu_si32(p + len - 4);
}

/* The bits of 64 bytes, a half each, whose highest bit is set. */
static inline uint64_t bits_of(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

/* --- classes -------------------------------------------------------------------------------- */

/* The classes of ASCII in rows of 16, as many as a shuffle looks up. A byte is looked up in its row
 * and in all rows below: each holds what differs from the row before. */
enum { ROW = 16, ROWS = 8 };
struct table {
    __m256i change[ROWS];
};

static inline struct table table_of(void)
{
    struct table table;
    __m256i before = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++) {
        __m256i row = _mm256_broadcastsi128_si256(
            _mm_loadu_si128((const __m128i *)(bd_char_mapped + i * ROW)));
        table.change[i] = _mm256_xor_si256(row, before);
        before = row;
    }
    return table;
}

/* The classes of 32 bytes. Those of a lower row, and those above ASCII, are negative and find
 * nothing. */
static inline __m256i classes_of(const struct table *table, __m256i bytes)
{
    __m256i classes = _mm256_shuffle_epi8(table->change[0], bytes);
#pragma GCC unroll 8
    for (int i = 1; i < ROWS; i++) {
        bytes = _mm256_subs_epi8(bytes, _mm256_set1_epi8(ROW));
        classes = _mm256_xor_si256(classes, _mm256_shuffle_epi8(table->change[i], bytes));
    }
    return classes;
}

/* The class becomes the highest bit of its byte. */
static inline __m256i is_control(__m256i classes)
{
    return _mm256_slli_epi16(classes, __builtin_clz(BD_C_CONTROL) - __builtin_clz(0x80));
}

/* Marks 32 bytes and returns which are control characters. */
static inline uint32_t mark_half(const struct table *table, uint8_t *marked, __m256i bytes)
{
    __m256i classes = classes_of(table, bytes);
    _mm256_storeu_si256((__m256i *)marked, classes);
    return (uint32_t)_mm256_movemask_epi8(is_control(classes));
}

/* Marks the 32 bytes that stand at `low` and those at `high`. */
static inline uint64_t mark_block(const struct table *table, struct bd_marks *marks, const char *p,
                                  uint32_t low, uint32_t high)
{
    uint64_t found = mark_half(table, marks->classes + low, load32(p + low));
    return found | (uint64_t)mark_half(table, marks->classes + high, load32(p + high))
                       << (high - low);
}

/* Appends the offsets of the bits. They are the ends of lines, two bits each and hardly ever more
 * than four in a block, and so there is little to guess. */
static inline uint16_t *put_offsets(uint16_t *out, uint64_t found, uint32_t base)
{
    uint16_t *end = out + _mm_popcnt_u64(found);
    uint64_t first = found & ~(found << 1), four = 0;
    if (__builtin_expect(found == (first | first << 1) && end - out <= 8, 1)) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            four |= _tzcnt_u64(first) << 16 * i;
            first = _blsr_u64(first);
        }
        __m128i begins = _mm_cvtsi64_si128((int64_t)four);
        __m128i both = _mm_unpacklo_epi16(begins, begins);
        both = _mm_add_epi16(both, _mm_set1_epi16((short)base));
        both = _mm_add_epi16(both, _mm_set1_epi32(0x00010000));
        _mm_storeu_si128((__m128i *)out, both);
        return end;
    }
    for (; out < end; found = _blsr_u64(found))
        *out++ = (uint16_t)(base + _tzcnt_u64(found));
    return end;
}

/* What is left of a text of 32 bytes or more from `at` on, together with bytes before it; or the
 * whole of a shorter one. */
static inline uint64_t mark_last(const struct table *table, struct bd_marks *marks, const char *p,
                                 uint32_t len, uint32_t at)
{
    if (len < 32) {
        __m128i high = len > 16 ? load16(p + 16, len - 16) : _mm_setzero_si128();
        __m256i bytes = _mm256_set_m128i(high, load16(p, len));
        return _bzhi_u32(mark_half(table, marks->classes, bytes), len);
    }
    uint32_t from = len < 64 ? 0 : len - 64;
    return mark_block(table, marks, p, from, len - 32) >> (at - from);
}

void bd_mark(struct bd_marks *marks, const char *p, uint32_t len)
{
    const struct table table = table_of();
    uint16_t *control = marks->control;
    uint32_t at = 0;
    for (; at + 64 <= len; at += 64)
        control = put_offsets(control, mark_block(&table, marks, p, at, at + 32), at);
    if (at < len)
        control = put_offsets(control, mark_last(&table, marks, p, len, at), at);
    *control = (uint16_t)len;
    memset(marks->classes + len, 0, BD_LOOK);
}

void bd_mark_classes(struct bd_marks *marks, const char *p, uint32_t len)
{
    const struct table table = table_of();
    uint32_t at = 0;
    for (; at + 64 <= len; at += 64)
        mark_block(&table, marks, p, at, at + 32);
    if (at < len)
        mark_last(&table, marks, p, len, at);
    memset(marks->classes + len, 0, BD_LOOK);
}

uint64_t bd_without(const uint8_t *marked, unsigned classes)
{
    const __m256i wanted = _mm256_set1_epi8((char)classes), none = _mm256_setzero_si256();
    return bits_of(_mm256_cmpeq_epi8(_mm256_and_si256(load32(marked), wanted), none),
                   _mm256_cmpeq_epi8(_mm256_and_si256(load32(marked + 32), wanted), none));
}

uint64_t bd_within(const uint8_t *marked, unsigned classes)
{
    return ~bd_without(marked, classes);
}

const char *bd_find_any(const char *p, const char *end, unsigned classes)
{
    const __m256i wanted = _mm256_set1_epi8((char)classes), none = _mm256_setzero_si256();
    const struct table table = table_of();
    for (; end - p >= 32; p += 32) {
        __m256i of = _mm256_and_si256(classes_of(&table, load32(p)), wanted);
        uint32_t found = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(of, none));
        if (found)
            return p + _tzcnt_u32(found);
    }
    return bd_find_any_scalar(p, end, classes);
}

/* --- words ---------------------------------------------------------------------------------- */

/* bd_message_parse() is one function, which these would make larger by a quarter and no faster. */
#define NOINLINE __attribute__((noinline))

/* Sixteen digits at most, set to the right. */
NOINLINE bool bd_number(struct bd_str s, uint32_t *value)
{
    if (s.len == 0 || s.len > 16)
        return bd_number_scalar(s, value);
    uint64_t low = 0, high = load8(s.p, s.len);
    if (s.len <= 8) {
        high <<= 8 * (8 - s.len);
    } else {
        low = high << 8 * (16 - s.len);
        high = load8(s.p + s.len - 8, 8);
    }
    __m128i bytes = _mm_set_epi64x((int64_t)high, (int64_t)low);
    __m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i valid = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
    uint64_t n = bd_digits_value(_mm_and_si128(digits, valid));
    if ((unsigned)_mm_movemask_epi8(valid) != (0xffff0000U >> s.len & 0xffff) || n > UINT32_MAX)
        return false;
    *value = (uint32_t)n;
    return true;
}

/* Each shape, and where the bytes come from so that each number ends in the third byte of a lane of
 * four; the others are zero. */
#define BYTE(begin, len, i) ((i) + (len) < 3 ? 0x80 : (begin) + (i) + (len)-3)
#define LANE(begin, len)    BYTE(begin, len, 0), BYTE(begin, len, 1), BYTE(begin, len, 2), 0x80
#define SHAPE(a, b, c, d)                                                                          \
    [BD_IPV4_PLACE(BD_IPV4_ENDS(a, b, c, d))] = {                                                  \
        BD_IPV4_ENDS(a, b, c, d),                                                                  \
        {LANE(0, a), LANE(a + 1, b), LANE(a + b + 2, c), LANE(a + b + c + 3, d)}},
static const struct {
    uint16_t ends;
    uint8_t from[16];
} shapes[BD_IPV4_PLACES] = {BD_IPV4_SHAPES(SHAPE)};

NOINLINE bool bd_ipv4(struct bd_str s, uint32_t *octets)
{
    if (s.len > 15)
        return false;
    __m128i bytes = load16(s.p, s.len);
    __m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i valid = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
    unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
    unsigned ends = dots | 1U << s.len, there = (1U << s.len) - 1;
    if (((unsigned)_mm_movemask_epi8(valid) | dots) != there ||
        shapes[BD_IPV4_PLACE(ends)].ends != ends)
        return false;
    __m128i from = _mm_loadu_si128((const __m128i *)shapes[BD_IPV4_PLACE(ends)].from);
    __m128i values = bd_octet_values(_mm_shuffle_epi8(digits, from));
    if (_mm_movemask_epi8(_mm_cmpgt_epi32(values, _mm_set1_epi32(255))))
        return false;
    __m128i halves = _mm_packus_epi32(values, values);
    *octets = (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(halves, halves));
    return true;
}

/* Which bytes of a text of 4 to 32 are c. */
static inline uint64_t places_of(__m256i words, __m128i last, size_t len, char c)
{
    uint32_t in_words =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(words, _mm256_set1_epi8(c)));
    uint32_t in_last = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(last, _mm_set1_epi8(c))) & 0xf;
    return in_words | (uint64_t)in_last << (len - 4);
}

/* What begins or ends a label must be neither a dot nor a hyphen. */
NOINLINE bool bd_hostname(struct bd_str s)
{
    if (s.len < 5 || s.len > 32)
        return bd_hostname_scalar(s);
    s.len -= s.p[s.len - 1] == '.';
    __m256i words = load_words(s.p, s.len);
    __m128i last = load_last(s.p, s.len);
    uint64_t dots = places_of(words, last, s.len, '.'),
             hyphens = places_of(words, last, s.len, '-');
    uint64_t begins = dots << 1 | 1, ends = dots >> 1 | (uint64_t)1 << (s.len - 1);
    uint64_t there = _bzhi_u64(UINT64_MAX, s.len);
    if ((begins | ends) & there & (dots | hyphens))
        return false;
    return bd_is(s.p[64 - _lzcnt_u64(dots)], BD_C_ALPHA);
}

static inline bool same_row(struct bd_str s, __m256i bytes, const char row[BD_ROW])
{
    static const uint8_t but_case[2 * BD_ROW] = {[0 ... BD_ROW - 1] = (uint8_t)~0x20};
    return _mm256_testz_si256(_mm256_xor_si256(bytes, load32(row)),
                              load32(but_case + BD_ROW - s.len));
}

/* Of the last field of a text. */
NOINLINE static bool is_row_last(struct bd_str s, const char row[BD_ROW], const char *end)
{
    if (s.len > 16)
        return bd_is_row_scalar(s, row, end);
    return same_row(s, _mm256_zextsi128_si256(load16(s.p, s.len)), row);
}

bool bd_is_row(struct bd_str s, const char row[BD_ROW], const char *end)
{
    if (__builtin_expect(end - s.p < BD_ROW || s.len > BD_ROW, 0))
        return is_row_last(s, row, end);
    return same_row(s, load32(s.p), row);
}

NOINLINE uint64_t bd_word(struct bd_str s)
{
    return load8(s.p, s.len) | _bzhi_u64(0x2020202020202020, s.len < 8 ? 8 * s.len : 64);
}

/* What load16() has put behind the text stops as well. */
uint32_t bd_copy_plain(char *out, struct bd_str s, bool lower)
{
    const __m128i last_control = _mm_set1_epi8(0x1f);
    for (uint32_t i = 0;; i += 16) {
        __m128i bytes = load16(s.p + i, s.len - i);
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes),
                                    _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)),
                                                 _mm_cmpeq_epi8(bytes, _mm_set1_epi8('%'))));
        __m128i letter = _mm_sub_epi8(bytes, _mm_set1_epi8('A'));
        __m128i capital = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8('Z' - 'A')), letter);
        bytes = _mm_add_epi8(bytes, _mm_and_si128(capital, _mm_set1_epi8(lower ? 0x20 : 0)));
        uint32_t n = _tzcnt_u32((uint32_t)_mm_movemask_epi8(stop) | 1U << 16);
        if (n < 16) {
            char room[16];
            _mm_storeu_si128((__m128i *)room, bytes);
            bd_copy_exact(out + i, room, n);
            return i + n;
        }
        _mm_storeu_si128((__m128i *)(out + i), bytes);
    }
}
#endif
