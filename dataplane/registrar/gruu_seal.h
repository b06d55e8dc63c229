/* SPDX-License-Identifier: BSD-3-Clause */
/* What a temporary GRUU carries, sealed (RFC 5627 5.1, A.2), so that nobody keeps a table of them.
 *
 *   text   base64url of:  tag:16 | body
 *   body   AES-128-CTR under the tag, of:  AoR length:2 | issue:8 | life:8 | AoR | zeros
 *   tag    CBC-MAC under another key of the plain body, whose first bytes give its length
 *
 * The tag is a pseudo-random function of the whole plain text and serves as the counter: a
 * synthetic IV, so no random number is needed, and two GRUUs of one AoR have nothing in common that
 * can be seen without the key. The body has 64 bytes for AoRs of up to 46, and 32 more for each
 * further 32. Both keys are derived from the secret of the policy block: valid on every node that
 * has it, over restarts, and as long as it is the current or the previous one.
 *
 * An object belongs to one thread (it owns OpenSSL contexts). Nothing but making it allocates. */
#ifndef BD_GRUU_SEAL_H
#define BD_GRUU_SEAL_H

#include "limits.h"
#include "log.h"
#include "str.h"

/* Characters of the longest: 16 + 288 bytes. */
#define BD_GRUU_SEALED_MAX 406

struct bd_gruu_seal;

/* NULL with an error when OpenSSL has no AES. */
struct bd_gruu_seal *bd_gruu_seal_new(struct bd_error *error);
void bd_gruu_seal_free(struct bd_gruu_seal *seal);
/* Sets the secrets (32 bytes each: current, previous; all zero: there is none). Cheap when
 * unchanged. -1 when there is no current one or OpenSSL fails; then nothing may be sealed. */
int bd_gruu_seal_set_keys(struct bd_gruu_seal *seal, const uint8_t keys[2][32]);

struct bd_gruu_sealed {
    uint64_t issue; /* another for each GRUU of a life */
    uint64_t life;  /* gruu.h */
    uint32_t aor_len;
    char aor[BD_AOR_MAX];
};

/* Writes at most BD_GRUU_SEALED_MAX characters; returns how many, 0 when the AoR is too long or
 * OpenSSL fails. */
uint32_t bd_gruu_seal_close(struct bd_gruu_seal *seal, uint64_t issue, uint64_t life,
                            struct bd_str aor, char *out);
/* False when it was not sealed with the current or the previous secret. */
bool bd_gruu_seal_open(struct bd_gruu_seal *seal, struct bd_str text, struct bd_gruu_sealed *out);

#endif
