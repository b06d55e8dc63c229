/* SPDX-License-Identifier: BSD-3-Clause */
/* Implicit registration sets (3GPP TS 23.228 5.2.1a, TS 24.229 5.4.1.2): public identities that are
 * registered together. One of them is the primary: bindings stand under it; the others are aliases
 * that lead to it.
 *
 * A map (shared_map.h) in a region of its own, with two entries for each alias, so that both
 * directions are one look-up:
 *
 *   hash(alias)             -> primary      whose bindings?
 *   hash(primary, NUL, n)   -> alias        who else is registered? n = 0, 1, ... without a gap
 *
 * Control's event loop is the only writer. Where arena.identities_max is 0 the region has no byte
 * and every question is answered by the arena's header. AoRs are canonical. */
#ifndef BD_IDENTITIES_H
#define BD_IDENTITIES_H

#include "shared_map.h"
#include "str.h"

enum bd_identities_rc {
    BD_IDENTITIES_OK,
    BD_IDENTITIES_FULL,   /* identities_max; the feature is off; or a worker has stood still for so
                           * long that no slot which was given up may be used again */
    BD_IDENTITIES_CROWDED /* the set has BD_IDENTITIES_PER_SET_MAX aliases */
};

/* 1,632 bytes an alias; 0 when it is 0. */
uint64_t bd_identities_footprint(uint64_t identities_max);
void bd_identities_format(struct bd_arena *arena, uint64_t identities_max);
static inline bool bd_identities_enabled(const struct bd_arena *arena)
{
    return arena->header->region_sz[BD_REGION_IDENTITIES] > 0;
}

/* Any process, online in the epoch; what is returned stays until it is quiescent. */
/* The primary of an alias; empty when the AoR is none. */
struct bd_str bd_identities_primary(const struct bd_arena *arena, struct bd_str aor);
/* Under which AoR the bindings of an AoR stand: its primary or itself. */
static inline struct bd_str bd_identities_bound(const struct bd_arena *arena, struct bd_str aor)
{
    struct bd_str primary = bd_identities_primary(arena, aor);
    return primary.len ? primary : aor;
}
/* The n-th alias of a primary; empty: there are no more. */
struct bd_str bd_identities_alias(const struct bd_arena *arena, struct bd_str primary, unsigned n);
/* Aliases in force. */
uint64_t bd_identities_cnt(const struct bd_arena *arena);

/* Control's event loop only. A put takes an alias out of the set that it was in: at no instant is
 * it in none, but in the end when the put fails. */
enum bd_identities_rc bd_identities_put(struct bd_arena *arena, struct bd_epoch *epoch,
                                        struct bd_str alias, struct bd_str primary);
bool bd_identities_remove(struct bd_arena *arena, struct bd_epoch *epoch, struct bd_str alias);

/* Makes the map equal to a list; ended or aborted as any bd_map_sync. The aliases of a set are
 * numbered in the order in which they are put. The feature must be on. */
struct bd_map_sync *bd_identities_sync_begin(struct bd_arena *arena, struct bd_epoch *epoch);
enum bd_identities_rc bd_identities_sync_put(const struct bd_arena *arena, struct bd_map_sync *sync,
                                             struct bd_str alias, struct bd_str primary);

#endif
