/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies a short text whose length only the packet knows: 2 to some 60 bytes, never the same twice,
 * so that a memcpy() spends more on the choice of its way than on the bytes.
 *
 * With AVX-512 it is one masked load and one whole store for each 64 bytes begun: no branch on the
 * length, and the mask keeps the load from touching a byte behind the source. What the store writes
 * behind the copy is zeros; the caller has seen to it that those bytes are his. Its twin, for any
 * machine, writes nothing there. */
#ifndef BD_COPY_H
#define BD_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __AVX512BW__
#include <immintrin.h>
#endif

/* bd_copy() may write this many bytes from the end of the copy on. */
#define BD_COPY_SLACK 64

/* half <= n <= 2 * half: two pieces of a size that the compiler knows, which may overlap. */
static inline __attribute__((always_inline)) void bd_copy_halves(char *to, const char *from,
                                                                 size_t n, size_t half)
{
    char head[16], tail[16];
    memcpy(head, from, half);
    memcpy(tail, from + n - half, half);
    memcpy(to, head, half);
    memcpy(to + n - half, tail, half);
}

/* Writes n bytes and no more. */
static inline void bd_copy_exact(char *to, const char *from, size_t n)
{
    for (; n > 32; to += 16, from += 16, n -= 16)
        memcpy(to, from, 16);
    if (n >= 16)
        bd_copy_halves(to, from, n, 16);
    else if (n >= 8)
        bd_copy_halves(to, from, n, 8);
    else if (n >= 4)
        bd_copy_halves(to, from, n, 4);
    else if (n >= 2)
        bd_copy_halves(to, from, n, 2);
    else if (n)
        *to = *from;
}

#ifdef __AVX512BW__
static inline void bd_copy_masked(char *to, const char *from, size_t n)
{
    for (; __builtin_expect(n > 64, 0); to += 64, from += 64, n -= 64)
        _mm512_storeu_si512(to, _mm512_loadu_si512(from));
    __mmask64 present = _bzhi_u64(~0ULL, (unsigned)n);
    _mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(present, from));
}
#else
#define bd_copy_masked bd_copy_exact
#endif

/* Copies n bytes between texts that do not overlap; see BD_COPY_SLACK. Of a length that the
 * compiler knows, it is a store or two. */
static inline void bd_copy(char *to, const char *from, size_t n)
{
    if (!__builtin_constant_p(n))
        bd_copy_masked(to, from, n);
    else if (n) /* a text that is absent has no place to copy from */
        memcpy(to, from, n);
}

#endif
