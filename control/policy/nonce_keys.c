/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

/* Says what the key is for: the same secret in another role must give another key. */
static const char label[] = "bindery nonce key 1";

static int derive(const char *secret, uint8_t key[32], struct bd_error *error)
{
    unsigned len = 0;
    if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const uint8_t *)label, sizeof(label) - 1,
             key, &len) &&
        len == 32)
        return 0;
    return bd_fail(error, "OpenSSL has no HMAC-SHA-256: install its default provider");
}

static int make_random(uint8_t key[32], struct bd_error *error)
{
    if (RAND_bytes(key, 32) != 1)
        return bd_fail(error, "OpenSSL gives no random bytes: set auth.secret");
    bd_log(BD_LOG_WARNING,
           "auth.secret is not set: nonces are made with a random one that lives as long as the "
           "arena; set auth.secret or auth.secret_file when nodes share a name");
    return 0;
}

int bd_nonce_keys_make(const struct bd_config *config, const struct bd_policy *running,
                       uint8_t keys[2][32], struct bd_error *error)
{
    if (!config->secret && running) {
        memcpy(keys, running->nonce_key, sizeof(running->nonce_key));
    } else {
        int rc =
            config->secret ? derive(config->secret, keys[0], error) : make_random(keys[0], error);
        if (rc < 0)
            return rc;
        memcpy(keys[1], keys[0], 32);
    }
    return config->secret_previous ? derive(config->secret_previous, keys[1], error) : 0;
}
