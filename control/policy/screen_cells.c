/* SPDX-License-Identifier: BSD-3-Clause */
/* Which counter a screening rule has. Workers write the counters and never clear them, so a rule
 * that takes one over remembers what stood there. */
#include "screen_compile.h"
#include "stats.h"

_Static_assert(BD_SCREEN_CELLS >= 2 * BD_SCREEN_RULES_MAX, "see bd_screen_assign_cells");

uint64_t bd_screen_cell_sum(const struct bd_arena *arena, unsigned cell)
{
    const struct bd_worker_stats *stats = bd_arena_region(arena, BD_REGION_STATS);
    uint64_t cnt = arena->header->region_sz[BD_REGION_STATS] / sizeof(*stats), sum = 0;
    for (uint64_t w = 0; w < cnt; w++)
        sum += bd_stat_read(&stats[w].screen_hits[cell]);
    return sum;
}

static const struct bd_screen_rule *find(const struct bd_screen *screen, uint64_t identity)
{
    const struct bd_screen_rule *rules = screen ? bd_screen_rules(screen) : NULL;
    for (unsigned i = 0; screen && i < screen->rule_cnt; i++) {
        if (rules[i].identity == identity)
            return &rules[i];
    }
    return NULL;
}

/* Of twice as many cells as rules, one that no rule of the former policy has, as workers may still
 * count there, is always left. */
void bd_screen_assign_cells(const struct bd_arena *arena, const struct bd_screen *former,
                            struct bd_screen_rule *rules, unsigned cnt)
{
    static bool taken[BD_SCREEN_CELLS];
    memset(taken, 0, sizeof(taken));
    for (unsigned i = 0; former && i < former->rule_cnt; i++)
        taken[bd_screen_rules(former)[i].cell] = true;
    unsigned next = 0;
    for (unsigned i = 0; i < cnt; i++) {
        const struct bd_screen_rule *kept = find(former, rules[i].identity);
        while (!kept && taken[next])
            next++;
        rules[i].cell = kept ? kept->cell : (uint16_t)next++;
        rules[i].base = kept ? kept->base : bd_screen_cell_sum(arena, rules[i].cell);
    }
}
