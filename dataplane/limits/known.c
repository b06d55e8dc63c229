/* SPDX-License-Identifier: BSD-3-Clause */
#include "known.h"

/* A step is 1,024 s. It comes again after two years: then a source last seen in its twin is taken
 * for known, and read. */
enum { STEP_LOG2 = 10, STEPS_KNOWN = 86400 >> STEP_LOG2 };

static uint16_t step_of(uint32_t now_s)
{
    return (uint16_t)(now_s >> STEP_LOG2);
}

/* Never 0, so no word of an entry is. */
static uint32_t tag_of(uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 48);
    return tag ? tag : 1;
}

static uint16_t age_of(uint32_t word, uint16_t step)
{
    return (uint16_t)(step - (word >> 16));
}

static bool is_known(uint32_t word, uint16_t step)
{
    return word && age_of(word, step) <= STEPS_KNOWN;
}

static uint32_t load(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

void bd_known_note(struct bd_known *known, uint64_t hash, uint32_t now_s)
{
    struct bd_known_line *line = bd_known_line_of(known, hash);
    uint32_t tag = tag_of(hash), oldest = 0;
    uint16_t step = step_of(now_s);
    unsigned place = BD_KNOWN_WAYS;
    for (unsigned i = 0; i < BD_KNOWN_WAYS; i++) {
        uint32_t word = load(&line->word[i]), age = word ? age_of(word, step) : UINT16_MAX + 1;
        if ((uint16_t)word == tag) {
            place = i;
            oldest = age;
            break;
        }
        if (age > oldest) {
            oldest = age;
            place = i;
        }
    }
    if (oldest > 0)
        atomic_store_explicit(&line->word[place], (uint32_t)step << 16 | tag, memory_order_relaxed);
}

bool bd_known_has(struct bd_known *known, uint64_t hash, uint32_t now_s)
{
    const struct bd_known_line *line = bd_known_line_of(known, hash);
    uint32_t tag = tag_of(hash);
    for (unsigned i = 0; i < BD_KNOWN_WAYS; i++) {
        uint32_t word = load(&line->word[i]);
        if ((uint16_t)word == tag)
            return is_known(word, step_of(now_s));
    }
    return false;
}

uint32_t bd_known_cnt(const struct bd_known *known, uint32_t now_s)
{
    uint32_t cnt = 0;
    for (uint32_t line = 0; line < BD_KNOWN_LINES; line++) {
        for (unsigned i = 0; i < BD_KNOWN_WAYS; i++)
            cnt += is_known(load(&known->line[line].word[i]), step_of(now_s));
    }
    return cnt;
}
