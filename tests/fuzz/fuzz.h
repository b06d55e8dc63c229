/* SPDX-License-Identifier: BSD-3-Clause */
/* What the targets share. Each judges one input and comes back, or aborts: by a sanitizer, by
 * fuzz_judge, or by cmocka's fail_msg in a fixture of the unit tests.
 *
 * The same input always does the same: no clock, no chance, nothing kept from the input before but
 * memory to be used again. */
#ifndef BD_FUZZ_H
#define BD_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The interface of libFuzzer, which AFL++ and replay.c speak too. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_judge(right, ...)                                                                     \
    do {                                                                                           \
        if (!(right)) {                                                                            \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* An input that is taken apart into decisions. Behind its end there are zeros. */
struct fuzz_input {
    const uint8_t *p;
    size_t left;
};

static inline unsigned fuzz_u8(struct fuzz_input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

static inline unsigned fuzz_u16(struct fuzz_input *in)
{
    unsigned high = fuzz_u8(in);
    return high << 8 | fuzz_u8(in);
}

/* 0..n-1; n is 256 at most. */
static inline unsigned fuzz_below(struct fuzz_input *in, unsigned n)
{
    return fuzz_u8(in) % n;
}

/* Up to n of the bytes that are left. */
static inline size_t fuzz_take(struct fuzz_input *in, size_t n, const uint8_t **bytes)
{
    n = n < in->left ? n : in->left;
    *bytes = in->p;
    in->p += n;
    in->left -= n;
    return n;
}

/* Up to the byte `end`, which is taken too. */
static inline size_t fuzz_take_until(struct fuzz_input *in, uint8_t end, const uint8_t **bytes)
{
    const uint8_t *at = in->left ? memchr(in->p, end, in->left) : NULL;
    size_t n = fuzz_take(in, at ? (size_t)(at - in->p) : in->left, bytes);
    fuzz_u8(in);
    return n;
}

/* Fixtures of the unit tests end a test that fails with fail_msg(): here that must end the
 * program, and as a crash does. */
__attribute__((constructor)) static void fuzz_failures_abort(void)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1);
}

#endif
