/* SPDX-License-Identifier: BSD-3-Clause */
#include "failures.h"

#include "word.h"

enum { LEVEL_BITS = 4, LEVEL_MAX = 15, TAG_BITS = 28 };
#define TAG_MASK ((1U << TAG_BITS) - 1)

typedef struct bd_failures_line line_t;

static uint64_t word_of(uint32_t until, unsigned level, uint32_t tag)
{
    return (uint64_t)until << 32 | (uint64_t)level << TAG_BITS | tag;
}

static uint32_t until_of(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static unsigned level_of(uint64_t word)
{
    return (unsigned)(word >> TAG_BITS) & LEVEL_MAX;
}

/* 0 is no tag: an empty word has it. */
static uint32_t tag_of(uint64_t key)
{
    uint32_t tag = (uint32_t)(key >> 32) & TAG_MASK;
    return tag ? tag : 1;
}

static line_t *line_of(const struct bd_failures *failures, uint64_t key)
{
    return (line_t *)(uintptr_t)&failures->line[key & (BD_FAILURES_LINES - 1)];
}

/* The key's place with its word; when it has none, the place of what is forgiven first. */
static _Atomic uint64_t *find(line_t *line, uint32_t tag, uint64_t *word, bool *found)
{
    _Atomic uint64_t *first = &line->word[0];
    *word = bd_word_get(first);
    for (unsigned i = 0; i < BD_FAILURES_WAYS; i++) {
        uint64_t seen = bd_word_get(&line->word[i]);
        *found = (seen & TAG_MASK) == tag;
        if (*found || seen < *word) {
            first = &line->word[i];
            *word = seen;
        }
        if (*found)
            break;
    }
    return first;
}

/* What a place says of its key. A clock that went back leaves nobody further ahead than his burst.
 */
static struct bd_failure_state state_of(uint64_t word, bool found, uint32_t now,
                                        const struct bd_failure_terms *terms)
{
    uint32_t until = found ? until_of(word) : now;
    uint32_t since = now > until ? now - until : 0;
    uint64_t latest = (uint64_t)now + terms->tolerance + terms->interval;
    if (until > latest)
        until = (uint32_t)latest;
    if (until < now)
        until = now;
    return (struct bd_failure_state){
        .found = found, .until = until, .since = since, .over = until - now > terms->tolerance};
}

struct bd_failure_state bd_failures_look(const struct bd_failures *failures, uint64_t key,
                                         uint32_t now, const struct bd_failure_terms *terms)
{
    bool found;
    uint64_t word;
    find(line_of(failures, key), tag_of(key), &word, &found);
    return state_of(word, found, now, terms);
}

struct bd_failure_state bd_failures_add(struct bd_failures *failures, uint64_t key, uint32_t now,
                                        const struct bd_failure_terms *terms)
{
    line_t *line = line_of(failures, key);
    struct bd_failure_state state = {0};
    /* As many tries as there are places: whoever else was first has counted a failure there. */
    for (unsigned i = 0; i < BD_FAILURES_WAYS; i++) {
        uint64_t word;
        _Atomic uint64_t *at = find(line, tag_of(key), &word, &state.found);
        state = state_of(word, state.found, now, terms);
        uint32_t until = state.over ? state.until : state.until + terms->interval;
        bool forgot = (uint64_t)until_of(word) + terms->forget < now;
        unsigned level = state.found && !forgot ? level_of(word) : 0;
        if (bd_word_swap(at, word, word_of(until, level, tag_of(key)))) {
            /* A worker that reads it late lets a guess through that has just been counted. */
            bd_word_raise(&failures->latest, until);
            break;
        }
    }
    return state;
}

unsigned bd_failures_raise(struct bd_failures *failures, uint64_t key)
{
    line_t *line = line_of(failures, key);
    unsigned level = 0;
    for (unsigned i = 0; i < BD_FAILURES_WAYS; i++) {
        bool found;
        uint64_t word;
        _Atomic uint64_t *at = find(line, tag_of(key), &word, &found);
        if (!found)
            break;
        level = level_of(word);
        unsigned higher = level < LEVEL_MAX ? level + 1 : level;
        if (bd_word_swap(at, word, word_of(until_of(word), higher, tag_of(key))))
            break;
    }
    return level;
}

void bd_failures_forgive(struct bd_failures *failures, uint64_t key)
{
    line_t *line = line_of(failures, key);
    bool found = true;
    while (found) {
        uint64_t word;
        _Atomic uint64_t *at = find(line, tag_of(key), &word, &found);
        if (found)
            bd_word_swap(at, word, 0);
    }
}

bool bd_failures_any(const struct bd_failures *failures, uint32_t now, uint32_t more)
{
    uint64_t latest = atomic_load_explicit(&failures->latest, memory_order_relaxed);
    return latest && now < latest + more;
}
