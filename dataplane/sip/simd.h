/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done with vectors, each beside its scalar twin of the same meaning. Which of them runs is
 * settled when the project is compiled, by the processor it is built for (Meson's `march`):
 *
 *     simd_avx512.c  AVX-512 with VBMI2 and GFNI: Ice Lake, Zen 4 and what came after
 *     simd_avx2.c    AVX2 and BMI2 (x86-64-v3): Haswell to Cascade Lake, Zen to Zen 3
 *     simd.c         any other; these twins are in every build, and a test holds the others to them
 *
 * But where it says so, nothing outside [p, p+len) is read: vector loads are masked, and what is
 * masked off does not fault, or several overlap inside it. Pure; may be called from anywhere. */
#ifndef BD_SIMD_H
#define BD_SIMD_H

#include "limits.h"
#include "str.h"

#define BD_AVX2   2
#define BD_AVX512 512
#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VBMI__) &&                   \
    defined(__AVX512VBMI2__) && defined(__GFNI__) && defined(__BMI2__)
#define BD_SIMD BD_AVX512
#elif defined(__AVX2__) && defined(__BMI__) && defined(__BMI2__)
#define BD_SIMD BD_AVX2
#else
#define BD_SIMD 0
#endif

/* So many bytes of a text one look takes in. */
#define BD_LOOK 64

/* The classes, the low eight of enum bd_char_class, of each byte below 0x80; those above have none
 * of them. */
extern const uint8_t bd_char_mapped[128];

/* A text of BD_SIP_MESSAGE_MAX bytes at most, looked at once. */
struct bd_marks {
    /* Which of these classes each byte has. Behind the text there are zeros enough for a look that
     * begins at its end. */
    _Alignas(BD_LOOK) uint8_t classes[(BD_SIP_MESSAGE_MAX / BD_LOOK + 2) * BD_LOOK];
    /* Offsets of all control characters (BD_C_CONTROL), two to the end of a line, then the length;
     * and what is written ahead behind it. */
    uint16_t control[BD_SIP_MESSAGE_MAX + BD_LOOK];
};
void bd_mark_scalar(struct bd_marks *marks, const char *p, uint32_t len);
/* The classes alone: of a text that is no lines. */
void bd_mark_classes_scalar(struct bd_marks *marks, const char *p, uint32_t len);

/* One look: bit i tells whether byte i of those whose classes stand here has one of `classes`, or
 * whether it has none of them. */
uint64_t bd_within_scalar(const uint8_t *marked, unsigned classes);
uint64_t bd_without_scalar(const uint8_t *marked, unsigned classes);

/* The lowest bit that is set; BD_LOOK when there is none. */
unsigned bd_lowest_scalar(uint64_t bits);
/* The same from bit n on, which is 255 at most. */
unsigned bd_lowest_from_scalar(uint64_t bits, unsigned n);

/* First byte of [p, end) that is in one of the low eight classes, or end. */
const char *bd_find_any_scalar(const char *p, const char *end, unsigned classes);

/* 1*DIGIT, the whole slice. False when it is not, or above UINT32_MAX; leading zeros are legal
 * (RFC 4475 3.1.1.1). */
bool bd_number_scalar(struct bd_str s, uint32_t *value);

/* IPv4address = 1*3DIGIT 3("." 1*3DIGIT), each at most 255, decimal whatever it begins with: the
 * four bytes in network order. */
bool bd_ipv4_scalar(struct bd_str s, uint32_t *octets);

/* The 16 bytes of an IPv6 address of 1*4HEXDIG eight times, or fewer and one "::" before, among or
 * behind them. False for anything else, an IPv4 address at its end too. */
bool bd_ipv6_scalar(struct bd_str s, uint8_t *address);

/* Whether a text of BD_C_HOST is a hostname = *( domainlabel "." ) toplabel [ "." ]: labels begin
 * and end with alphanum, the last one with a letter, which is what tells a name from a broken
 * address. Looser: "_" counts as alphanum. */
bool bd_hostname_scalar(struct bd_str s);

/* Whether len bytes are those of a row, but for bit 0x20. In letters that bit is the case. The row
 * has BD_ROW bytes, zeros behind its own, none of which is zero or a space; nor are the others.
 * What stands behind them may be read too, as far as `end`: a text that goes on is compared faster.
 * At most 255 bytes. */
#define BD_ROW 32
bool bd_is_row_scalar(struct bd_str s, const char row[BD_ROW], const char *end);

/* The first eight bytes, the first of them lowest, 0x20 set in each; 0 behind the end. With
 * BD_WORD("name") this compares short tokens: among the characters of a token only the two cases of
 * a letter differ by that bit alone. */
uint64_t bd_word_scalar(struct bd_str s);

/* Copies bytes up to the first that is '%' or a control character, HT too; in lower case when asked
 * for. Returns how many. */
uint32_t bd_copy_plain_scalar(char *out, struct bd_str s, bool lower);

const char *bd_find_any(const char *p, const char *end, unsigned classes);
#if BD_SIMD
void bd_mark(struct bd_marks *marks, const char *p, uint32_t len);
void bd_mark_classes(struct bd_marks *marks, const char *p, uint32_t len);
uint64_t bd_within(const uint8_t *marked, unsigned classes);
uint64_t bd_without(const uint8_t *marked, unsigned classes);
unsigned bd_lowest(uint64_t bits);
unsigned bd_lowest_from(uint64_t bits, unsigned n);
bool bd_number(struct bd_str s, uint32_t *value);
bool bd_ipv4(struct bd_str s, uint32_t *octets);
bool bd_hostname(struct bd_str s);
bool bd_is_row(struct bd_str s, const char row[BD_ROW], const char *end);
uint64_t bd_word(struct bd_str s);
uint32_t bd_copy_plain(char *out, struct bd_str s, bool lower);
#else
#define bd_mark         bd_mark_scalar
#define bd_mark_classes bd_mark_classes_scalar
#define bd_within       bd_within_scalar
#define bd_without      bd_without_scalar
#define bd_lowest       bd_lowest_scalar
#define bd_lowest_from  bd_lowest_from_scalar
#define bd_number       bd_number_scalar
#define bd_ipv4         bd_ipv4_scalar
#define bd_hostname     bd_hostname_scalar
#define bd_is_row       bd_is_row_scalar
#define bd_word         bd_word_scalar
#define bd_copy_plain   bd_copy_plain_scalar
#endif
/* With AVX2 the digits of all groups are not in their places at once. */
#if BD_SIMD == BD_AVX512
bool bd_ipv6(struct bd_str s, uint8_t *address);
#else
#define bd_ipv6 bd_ipv6_scalar
#endif

/* bd_word() of a literal in lower case, of letters, digits, "-" and "+". */
#define BD_WORD(z)                                                                                 \
    (BD_WORD_AT(z, 0) | BD_WORD_AT(z, 1) | BD_WORD_AT(z, 2) | BD_WORD_AT(z, 3) |                   \
     BD_WORD_AT(z, 4) | BD_WORD_AT(z, 5) | BD_WORD_AT(z, 6) | BD_WORD_AT(z, 7))
#define BD_WORD_AT(z, i)                                                                           \
    ((uint64_t)(sizeof(z) - 1 > (i) ? (uint8_t)(z)[sizeof(z) - 1 > (i) ? (i) : 0] : 0) << 8 * (i))

#endif
