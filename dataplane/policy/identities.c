/* SPDX-License-Identifier: BSD-3-Clause */
#include "identities.h"

#include "limits.h"

/* The rest of `text` is zero: values are compared byte for byte. */
struct value {
    uint16_t len;
    char text[BD_AOR_MAX];
};
_Static_assert(BD_MAP_ENTRY_HEAD + sizeof(struct value) == 272, "kept in shared memory");

static struct bd_map *map_of(const struct bd_arena *arena)
{
    return bd_arena_region(arena, BD_REGION_IDENTITIES);
}

uint64_t bd_identities_footprint(uint64_t identities_max)
{
    return identities_max ? bd_map_footprint(2 * identities_max, sizeof(struct value)) : 0;
}

void bd_identities_format(struct bd_arena *arena, uint64_t identities_max)
{
    if (identities_max)
        bd_map_format(map_of(arena), 2 * identities_max, sizeof(struct value));
}

/* --- any process ------------------------------------------------------------------------------ */

static struct bd_str text_of(const struct value *value)
{
    return value ? (struct bd_str){value->text, value->len} : BD_STR_NULL;
}

static struct bd_hash128 alias_key(const struct bd_arena *arena, struct bd_str aor)
{
    return bd_hash128(&arena->hash_key, aor.p, aor.len);
}

/* No canonical AoR holds a NUL, so this is the key of no alias. */
static struct bd_hash128 place_key(const struct bd_arena *arena, struct bd_str primary, unsigned n)
{
    char text[BD_AOR_MAX + 2];
    memcpy(text, primary.p, primary.len);
    text[primary.len] = '\0';
    text[primary.len + 1] = (char)n;
    return bd_hash128(&arena->hash_key, text, primary.len + 2);
}

uint64_t bd_identities_cnt(const struct bd_arena *arena)
{
    return bd_identities_enabled(arena) ? bd_map_cnt(map_of(arena)) / 2 : 0;
}

static bool is_empty(const struct bd_arena *arena)
{
    return !bd_identities_enabled(arena) || bd_map_cnt(map_of(arena)) == 0;
}

struct bd_str bd_identities_primary(const struct bd_arena *arena, struct bd_str aor)
{
    if (is_empty(arena))
        return BD_STR_NULL;
    return text_of(bd_map_find(map_of(arena), alias_key(arena, aor)));
}

struct bd_str bd_identities_alias(const struct bd_arena *arena, struct bd_str primary, unsigned n)
{
    if (n >= BD_IDENTITIES_PER_SET_MAX || is_empty(arena) || primary.len > BD_AOR_MAX)
        return BD_STR_NULL;
    return text_of(bd_map_find(map_of(arena), place_key(arena, primary, n)));
}

/* --- the writer ------------------------------------------------------------------------------- */

static struct value value_of(struct bd_str aor)
{
    struct value value = {.len = (uint16_t)aor.len};
    if (aor.len)
        memcpy(value.text, aor.p, aor.len);
    return value;
}

static bool fits(const struct bd_arena *arena, struct bd_str alias, struct bd_str primary)
{
    return bd_identities_enabled(arena) && alias.len <= BD_AOR_MAX && primary.len <= BD_AOR_MAX;
}

/* The number of an alias in its set, or that of the place behind the last. */
static unsigned place_of(const struct bd_arena *arena, struct bd_str primary, struct bd_str alias)
{
    unsigned n = 0;
    for (; n < BD_IDENTITIES_PER_SET_MAX; n++) {
        struct bd_str there = bd_identities_alias(arena, primary, n);
        if (there.len == 0 || bd_str_eq(there, alias))
            break;
    }
    return n;
}

/* The last one takes its place: no gap. Where no slot is free for that, it stays listed until the
 * next sync. */
static void leave_set(struct bd_arena *arena, struct bd_epoch *epoch, struct bd_str primary,
                      struct bd_str alias)
{
    unsigned at = place_of(arena, primary, alias), last = at;
    if (bd_identities_alias(arena, primary, at).len == 0)
        return;
    while (bd_identities_alias(arena, primary, last + 1).len > 0)
        last++;
    struct value moved = value_of(bd_identities_alias(arena, primary, last));
    if (last != at && !bd_map_put(map_of(arena), epoch, place_key(arena, primary, at), &moved))
        return;
    bd_map_remove(map_of(arena), epoch, place_key(arena, primary, last));
}

enum bd_identities_rc bd_identities_put(struct bd_arena *arena, struct bd_epoch *epoch,
                                        struct bd_str alias, struct bd_str primary)
{
    if (!fits(arena, alias, primary))
        return BD_IDENTITIES_FULL;
    unsigned place = place_of(arena, primary, alias);
    if (place == BD_IDENTITIES_PER_SET_MAX) {
        bd_identities_remove(arena, epoch, alias);
        return BD_IDENTITIES_CROWDED;
    }
    struct value old = value_of(bd_identities_primary(arena, alias));
    struct value to = value_of(primary), of = value_of(alias);
    if (old.len && !bd_str_eq(text_of(&old), primary))
        leave_set(arena, epoch, text_of(&old), alias);
    struct bd_map *map = map_of(arena);
    if (bd_map_put(map, epoch, alias_key(arena, alias), &to) &&
        bd_map_put(map, epoch, place_key(arena, primary, place), &of))
        return BD_IDENTITIES_OK;
    bd_map_remove(map, epoch, alias_key(arena, alias));
    return BD_IDENTITIES_FULL;
}

bool bd_identities_remove(struct bd_arena *arena, struct bd_epoch *epoch, struct bd_str alias)
{
    struct value primary = value_of(bd_identities_primary(arena, alias));
    if (primary.len == 0)
        return false;
    leave_set(arena, epoch, text_of(&primary), alias);
    return bd_map_remove(map_of(arena), epoch, alias_key(arena, alias));
}

/* --- sync ------------------------------------------------------------------------------------- */

struct bd_map_sync *bd_identities_sync_begin(struct bd_arena *arena, struct bd_epoch *epoch)
{
    return bd_map_sync_begin(map_of(arena), epoch);
}

/* A set of this sync grows from its place 0 on, over whatever stood there before. */
enum bd_identities_rc bd_identities_sync_put(const struct bd_arena *arena, struct bd_map_sync *sync,
                                             struct bd_str alias, struct bd_str primary)
{
    struct value to = value_of(primary), of = value_of(alias);
    unsigned n = 0;
    for (; n < BD_IDENTITIES_PER_SET_MAX; n++) {
        const struct value *there = bd_map_sync_find(sync, place_key(arena, primary, n));
        if (!there || bd_str_eq(text_of(there), alias))
            break;
    }
    if (n == BD_IDENTITIES_PER_SET_MAX)
        return BD_IDENTITIES_CROWDED;
    bool done = bd_map_sync_put(sync, alias_key(arena, alias), &to) &&
                bd_map_sync_put(sync, place_key(arena, primary, n), &of);
    return done ? BD_IDENTITIES_OK : BD_IDENTITIES_FULL;
}
