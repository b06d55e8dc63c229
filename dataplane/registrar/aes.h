/* SPDX-License-Identifier: BSD-3-Clause */
/* AES as a worker can use it: everything is allocated when it is made.
 *
 * AES-128 on whole blocks, and what is built of it here, is done with the processor's own
 * instructions where the build has them, with OpenSSL elsewhere: a call of OpenSSL costs several
 * blocks. Both take the same time whatever key and text are. AES-256 serves to derive keys, by
 * OpenSSL: its hashes allocate. */
#ifndef BD_AES_H
#define BD_AES_H

#include <openssl/evp.h>

#include "str.h"

enum { BD_AES_BLOCK = 16, BD_AES_SECRET = 32, BD_AES_ROUNDS = 10 };

/* AES-128 under one key. Belongs to one thread. */
struct bd_aes {
    uint8_t round_key[BD_AES_ROUNDS + 1][BD_AES_BLOCK];
    EVP_CIPHER_CTX *openssl; /* NULL with instructions of the processor's own */
};

/* Makes one from zeroed memory, with a key of zeros still. False when OpenSSL has no AES-128 or
 * memory is short; closing it is then harmless, as it is on zeroed memory. */
bool bd_aes_open(struct bd_aes *aes);
void bd_aes_close(struct bd_aes *aes);
bool bd_aes_set(struct bd_aes *aes, const uint8_t key[BD_AES_BLOCK]);

/* Encrypts whole blocks, each for itself. `out` may be `in`. These three return false only when
 * OpenSSL fails. */
bool bd_aes_run(const struct bd_aes *aes, const uint8_t *in, uint32_t blocks, uint8_t *out);
/* The CBC-MAC of whole blocks. */
bool bd_aes_mac(const struct bd_aes *aes, const uint8_t *in, uint32_t blocks,
                uint8_t tag[BD_AES_BLOCK]);
/* Counter mode, from a block that is counted up as one big-endian number; encrypts and decrypts. */
bool bd_aes_counter(const struct bd_aes *aes, const uint8_t first[BD_AES_BLOCK], const uint8_t *in,
                    uint32_t blocks, uint8_t *out);

/* Blocks as a whole: byte by byte they would be taken apart where they may overlap, and a load that
 * wants the bytes of several stores waits until all of them are in the cache. */
typedef uint8_t bd_aes_lanes __attribute__((vector_size(BD_AES_BLOCK)));
typedef uint64_t bd_aes_words __attribute__((vector_size(BD_AES_BLOCK)));

/* The sum of two blocks; `out` may be either. */
static inline void bd_aes_add(const uint8_t a[BD_AES_BLOCK], const uint8_t b[BD_AES_BLOCK],
                              uint8_t out[BD_AES_BLOCK])
{
    bd_aes_lanes x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    x ^= y;
    memcpy(out, &x, sizeof(x));
}

/* A block of two words, written as one. */
static inline void bd_aes_put(uint8_t out[BD_AES_BLOCK], uint64_t first, uint64_t second)
{
    bd_aes_words block = {first, second};
    memcpy(out, &block, sizeof(block));
}

/* Whether two blocks are one, in constant time. */
static inline bool bd_aes_block_eq(const uint8_t a[BD_AES_BLOCK], const uint8_t b[BD_AES_BLOCK])
{
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* Two keys for one purpose: AES-256 under the secret, a pseudo-random function of 16 bytes, of the
 * purpose (up to 15 characters) and a number. aes256: of bd_aes256_new(), which returns NULL when
 * OpenSSL has no such cipher or memory is short; freed by EVP_CIPHER_CTX_free. */
EVP_CIPHER_CTX *bd_aes256_new(void);
bool bd_aes_derive(EVP_CIPHER_CTX *aes256, const uint8_t secret[BD_AES_SECRET],
                   struct bd_str purpose, uint8_t out[2 * BD_AES_BLOCK]);

#endif
