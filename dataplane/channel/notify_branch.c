/* SPDX-License-Identifier: BSD-3-Clause */
#include "notify_branch.h"

#include "hex.h"

/* RFC 3261 8.1.1.7: branches begin with the magic cookie. */
static const char prefix[] = "z9hG4bK-bdn-";
enum { PREFIX_LEN = sizeof(prefix) - 1, WORD_LEN = 16 };
_Static_assert(PREFIX_LEN + 2 * WORD_LEN == BD_NOTIFY_BRANCH_LEN, "prefix, id, hash");

static uint64_t seal(const struct bd_hash_key *key, uint64_t id)
{
    /* Not the bare id: other keyed hashes of 8 bytes with this key may be seen outside. */
    struct {
        char use[8];
        uint64_t id;
    } sealed = {"notify", id};
    return bd_hash64(key, &sealed, sizeof(sealed));
}

void bd_notify_branch_make(const struct bd_hash_key *key, uint64_t id,
                           char out[BD_NOTIFY_BRANCH_LEN])
{
    uint64_t hash = seal(key, id);
    memcpy(out, prefix, PREFIX_LEN);
    bd_hex_encode((const uint8_t *)&id, sizeof(id), out + PREFIX_LEN);
    bd_hex_encode((const uint8_t *)&hash, sizeof(hash), out + PREFIX_LEN + WORD_LEN);
}

bool bd_notify_branch_read(const struct bd_hash_key *key, struct bd_str branch, uint64_t *id)
{
    uint64_t hash;
    if (branch.len != BD_NOTIFY_BRANCH_LEN || memcmp(branch.p, prefix, PREFIX_LEN) != 0)
        return false;
    struct bd_str first = {branch.p + PREFIX_LEN, WORD_LEN};
    struct bd_str second = {first.p + WORD_LEN, WORD_LEN};
    return bd_hex_decode(first, (uint8_t *)id, sizeof(*id)) &&
           bd_hex_decode(second, (uint8_t *)&hash, sizeof(hash)) && hash == seal(key, *id);
}
