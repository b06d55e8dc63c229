/* SPDX-License-Identifier: BSD-3-Clause */
/* What the vector code of several processors shares: see simd.h. */
#ifndef BD_SIMD_X86_H
#define BD_SIMD_X86_H

#include <immintrin.h>
#include <stdint.h>

/* Of the one that is built. */
unsigned bd_lowest(uint64_t bits)
{
    return (unsigned)_tzcnt_u64(bits);
}

unsigned bd_lowest_from(uint64_t bits, unsigned n)
{
    return bd_lowest(bits ^ _bzhi_u64(bits, n));
}

/* The number of sixteen digits, each a byte of 0 to 9: two numbers of eight. */
static inline uint64_t bd_digits_value(__m128i digits)
{
    __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

/* The numbers of an IPv4 address, each in the first three bytes of a lane of four, to its right,
 * the fourth being whatever is there. */
static inline __m128i bd_octet_values(__m128i four)
{
    __m128i pairs = _mm_maddubs_epi16(four, _mm_set1_epi32(0x00010a64));
    return _mm_madd_epi16(pairs, _mm_set1_epi16(1));
}

/* The 81 shapes an IPv4 address may have, a 1*3DIGIT four times: where each number ends, as bits.
 * They are found by a product that was tried out: no two shapes share a place. */
#define BD_IPV4_PLACES      256
#define BD_IPV4_PLACE(ends) ((uint32_t)(ends)*0xa9a2122dU >> 24)
#define BD_IPV4_ENDS(a, b, c, d)                                                                   \
    (1U << a | 1U << (a + b + 1) | 1U << (a + b + c + 2) | 1U << (a + b + c + d + 3))
/* X(a, b, c, d) of each, with the lengths of its numbers. */
#define BD_IPV4_SHAPES(X)   BD_IPV4_BEGIN(X, 1) BD_IPV4_BEGIN(X, 2) BD_IPV4_BEGIN(X, 3)
#define BD_IPV4_BEGIN(X, a) BD_IPV4_TWO(X, a, 1) BD_IPV4_TWO(X, a, 2) BD_IPV4_TWO(X, a, 3)
#define BD_IPV4_TWO(X, a, b)                                                                       \
    BD_IPV4_THREE(X, a, b, 1) BD_IPV4_THREE(X, a, b, 2) BD_IPV4_THREE(X, a, b, 3)
#define BD_IPV4_THREE(X, a, b, c) X(a, b, c, 1) X(a, b, c, 2) X(a, b, c, 3)

#endif
