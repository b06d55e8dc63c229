/* SPDX-License-Identifier: BSD-3-Clause */
#include "strangers.h"

#include <stdlib.h>
#include <string.h>

struct bd_strangers *bd_strangers_new(void)
{
    _Static_assert(sizeof(struct bd_strangers) % 64 == 0, "aligned_alloc() asks for it");
    struct bd_strangers *strangers = aligned_alloc(64, sizeof(*strangers));
    if (strangers)
        memset(strangers, 0, sizeof(*strangers));
    return strangers;
}

/* All sources that share a byte have the same half seconds. */
enum { TURNS_OF_GROUP = BD_TURNS / BD_TURN_GROUPS, ALL_OF_GROUP = BD_TURNS_ALL / BD_TURN_GROUPS };

/* Counts one of its group; false: there is none left. */
static bool take_of_group(struct bd_turns *turns, uint64_t group, uint32_t half)
{
    if (turns->group[group].half != half) {
        turns->group[group].half = half;
        turns->group[group].taken = 0;
    }
    if (turns->group[group].taken == ALL_OF_GROUP)
        return false;
    turns->group[group].taken++;
    return true;
}

bool bd_turn_take(struct bd_turns *turns, uint64_t hash, uint64_t now_ms)
{
    uint64_t group = hash & (BD_TURN_GROUPS - 1);
    uint64_t half = (now_ms + group * (BD_TURN_MS / BD_TURN_GROUPS)) / BD_TURN_MS;
    uint64_t choice = (hash ^ half * 0x9e3779b97f4a7c15ULL) * 0x2545f4914f6cdd1dULL;
    uint8_t *turn = &turns->turn[group * TURNS_OF_GROUP + (choice >> 32 & (TURNS_OF_GROUP - 1))];
    uint8_t mark = (uint8_t)(half << 2);
    if ((*turn & 0xfc) != mark)
        *turn = mark;
    if ((*turn & 3) == BD_TURNS_EACH || !take_of_group(turns, group, (uint32_t)half))
        return false;
    (*turn)++;
    return true;
}
