/* SPDX-License-Identifier: BSD-3-Clause */
#include "aes.h"

#include <assert.h>

EVP_CIPHER_CTX *bd_aes_new(const char *cipher)
{
    static const uint8_t zeros[BD_AES_SECRET];
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, cipher, NULL);
    EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
    bool ok = fetched && aes && EVP_EncryptInit_ex2(aes, fetched, zeros, zeros, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(aes, 0) == 1;
    EVP_CIPHER_free(fetched); /* the context holds it */
    if (ok)
        return aes;
    EVP_CIPHER_CTX_free(aes);
    return NULL;
}

bool bd_aes_set(EVP_CIPHER_CTX *aes, const uint8_t *key, const uint8_t *iv)
{
    return EVP_EncryptInit_ex2(aes, NULL, key, iv, NULL) == 1;
}

bool bd_aes_run(EVP_CIPHER_CTX *aes, const uint8_t *in, uint32_t len, uint8_t *out)
{
    int n = 0;
    return EVP_EncryptUpdate(aes, out, &n, in, (int)len) == 1 && n == (int)len;
}

bool bd_aes_derive(EVP_CIPHER_CTX *aes256, const uint8_t secret[BD_AES_SECRET],
                   struct bd_str purpose, uint8_t out[2 * BD_AES_BLOCK])
{
    uint8_t block[2 * BD_AES_BLOCK] = {0};
    assert(purpose.len < BD_AES_BLOCK);
    memcpy(block, purpose.p, purpose.len);
    memcpy(block + BD_AES_BLOCK, purpose.p, purpose.len);
    block[BD_AES_BLOCK - 1] = 1;
    block[2 * BD_AES_BLOCK - 1] = 2;
    return bd_aes_set(aes256, secret, NULL) && bd_aes_run(aes256, block, sizeof(block), out);
}
