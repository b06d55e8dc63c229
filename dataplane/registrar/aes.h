/* SPDX-License-Identifier: BSD-3-Clause */
/* AES contexts of OpenSSL that a worker can use: everything is allocated when they are made.
 *
 * OpenSSL 3 allocates when a context gets its cipher, not when it gets another key; and whenever a
 * hash begins, which is why keys are derived with AES here, and not with SHA-256. */
#ifndef BD_AES_H
#define BD_AES_H

#include <openssl/evp.h>

#include "str.h"

enum { BD_AES_BLOCK = 16, BD_AES_SECRET = 32 };

/* A context for encryption by a cipher ("AES-128-ECB"), without padding and with a key of zeros
 * still. NULL when OpenSSL has no such cipher or memory is short. Freed by EVP_CIPHER_CTX_free. */
EVP_CIPHER_CTX *bd_aes_new(const char *cipher);

/* Another key, of the cipher's length, or another IV, or both: NULL leaves the one there was. */
bool bd_aes_set(EVP_CIPHER_CTX *aes, const uint8_t *key, const uint8_t *iv);

/* len: whole blocks, but in counter mode. */
bool bd_aes_run(EVP_CIPHER_CTX *aes, const uint8_t *in, uint32_t len, uint8_t *out);

/* Two keys for one purpose: AES-256 under the secret, a pseudo-random function of 16 bytes, of the
 * purpose (up to 15 characters) and a number. aes256: of bd_aes_new("AES-256-ECB"). */
bool bd_aes_derive(EVP_CIPHER_CTX *aes256, const uint8_t secret[BD_AES_SECRET],
                   struct bd_str purpose, uint8_t out[2 * BD_AES_BLOCK]);

#endif
