/* SPDX-License-Identifier: BSD-3-Clause */
/* The screening rules of a configuration, compiled (screen.h).
 *
 * Of Hyperscan's flags all patterns have DOTALL, as a header field may be folded over lines and a
 * fold must hide nothing, and SINGLEMATCH; CASELESS unless the rule says otherwise. */
#ifndef BD_SCREEN_COMPILE_H
#define BD_SCREEN_COMPILE_H

#include "config.h"
#include "screen.h"

/* Compiles for this arena, whose current policy's rules keep their counters; the same rules are
 * copied from there, so that a reload of other things costs nothing. *screen is freed by
 * the caller; NULL with a size of 0: there are no rules. -1: Hyperscan does not take a pattern (the
 * error has its place, its message, and how many others it does not take either), the rules are
 * larger than BD_SCREEN_MAX, want more than BD_SCREEN_SCRATCH_MAX to scan, no memory. */
int bd_screen_compile(const struct bd_arena *arena, const struct bd_config *config, void **screen,
                      uint32_t *size, struct bd_error *error);

/* Only whether Hyperscan takes the patterns, for a check without an arena. */
int bd_screen_check(const struct bd_config *config, struct bd_error *error);

/* Gives each rule, whose identity is filled in, its cell and base. */
void bd_screen_assign_cells(const struct bd_arena *arena, const struct bd_screen *former,
                            struct bd_screen_rule *rules, unsigned cnt);
/* What all workers have counted in a cell. */
uint64_t bd_screen_cell_sum(const struct bd_arena *arena, unsigned cell);

#endif
