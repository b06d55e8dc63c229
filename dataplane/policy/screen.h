/* SPDX-License-Identifier: BSD-3-Clause */
/* The screening rules as workers use them: compiled by control, part of the policy blob, so a
 * request is screened by the old rules or by the new ones, whole.
 *
 *   +-----------+---------+----------------------------------------------------------+
 *   | bd_screen | rules[] | a Hyperscan database for each field that a rule names ... |
 *   +-----------+---------+----------------------------------------------------------+
 *
 * Each begins at a multiple of 64 bytes, as the blob's slot does. Hyperscan's databases hold no
 * pointers, but where their bytecode begins depends on the address modulo 64 that they were
 * unpacked at; so control unpacks them at such a multiple, and they may be copied to any other.
 * They serve the processor and the version of Hyperscan that they were made with. The processor is
 * not asked for, as both processes run on one host; a worker that finds another version lets
 * requests through and counts that.
 *
 * A rule's hits are counted in a cell of each worker's counters. A rule that the former policy has
 * keeps its cell; a new one gets a cell that the former does not use, whose sum so far is its base.
 * The databases report a match by the rule's place in rules[]. */
#ifndef BD_SCREEN_H
#define BD_SCREEN_H

#include "policy.h"
#include "screen_words.h"

#define BD_SCREEN_ALIGN 64

struct bd_screen_rule {
    uint64_t identity; /* of field, pattern, case and action */
    uint64_t base;
    uint32_t seconds; /* ban */
    uint16_t code;    /* reject */
    uint16_t cell;
    uint8_t action; /* enum bd_screen_action */
    uint8_t unused[7];
};
_Static_assert(sizeof(struct bd_screen_rule) == 32, "kept in shared memory");

struct bd_screen {
    _Alignas(BD_SCREEN_ALIGN) uint64_t identity; /* of all rules: others, another one */
    uint32_t rule_cnt;
    uint32_t database_off[BD_SCREEN_FIELD_CNT]; /* from here; 0: no rule names the field */
};
_Static_assert(sizeof(struct bd_screen) == 64, "kept in shared memory");

static inline uint64_t bd_screen_align(uint64_t n)
{
    return (n + BD_SCREEN_ALIGN - 1) & ~(uint64_t)(BD_SCREEN_ALIGN - 1);
}

/* NULL: nothing is screened. */
static inline const struct bd_screen *bd_policy_screen(const struct bd_policy *policy)
{
    const char *p = (const char *)policy + policy->screen_off;
    return policy->screen_off ? (const struct bd_screen *)p : NULL;
}

static inline const struct bd_screen_rule *bd_screen_rules(const struct bd_screen *screen)
{
    return (const struct bd_screen_rule *)(screen + 1);
}

/* NULL: no rule names the field. A hs_database_t. */
static inline const void *bd_screen_database(const struct bd_screen *screen,
                                             enum bd_screen_field field)
{
    uint32_t off = screen->database_off[field];
    return off ? (const char *)screen + off : NULL;
}

#endif
