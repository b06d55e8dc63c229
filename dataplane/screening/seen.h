/* SPDX-License-Identifier: BSD-3-Clause */
/* What has passed lately: a set of hashes of fixed size, which forgets.
 *
 * Phones repeat themselves: each refresh carries the fields of the one before. A worker that knows
 * that they have passed need not scan them again. A line of 16 tags is a cache line; a new hash
 * takes an empty place or the next one in turn. Of a hash the set keeps its place and 32 bits: the
 * hash must be keyed, or somebody could find another text that counts as seen. One thread. */
#ifndef BD_SEEN_H
#define BD_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BD_SEEN_WAYS = 16 };

struct bd_seen {
    uint32_t *tags;
    uint64_t line_mask;
    size_t size;
    unsigned turn;
};

/* For so many phones; false: no memory. None is touched before it is used. */
bool bd_seen_init(struct bd_seen *seen, uint64_t phones);
void bd_seen_free(struct bd_seen *seen);

static inline uint32_t *bd_seen_line(const struct bd_seen *seen, uint64_t hash)
{
    return seen->tags + (hash & seen->line_mask) * BD_SEEN_WAYS;
}

/* 0 is the empty place. */
static inline uint32_t bd_seen_tag(uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    return tag ? tag : 1;
}

static inline void bd_seen_prefetch(const struct bd_seen *seen, uint64_t hash)
{
    __builtin_prefetch(bd_seen_line(seen, hash));
}

/* All places are looked at, without a branch each. */
static inline bool bd_seen_has(const struct bd_seen *seen, uint64_t hash)
{
    const uint32_t *line = bd_seen_line(seen, hash);
    uint32_t tag = bd_seen_tag(hash), found = 0;
    for (unsigned i = 0; i < BD_SEEN_WAYS; i++)
        found |= line[i] == tag;
    return found;
}

void bd_seen_add(struct bd_seen *seen, uint64_t hash);

#endif
