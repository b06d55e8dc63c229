/* SPDX-License-Identifier: BSD-3-Clause */
#include "rate.h"

#define GET(word)        atomic_load_explicit(&(word), memory_order_relaxed)
#define PUT(word, value) atomic_store_explicit(&(word), value, memory_order_relaxed)

static unsigned nearest_to_full(const struct bd_rate_line *line)
{
    unsigned best = 0;
    for (unsigned i = 1; i < BD_RATE_WAYS; i++)
        best = GET(line->at[i]) < GET(line->at[best]) ? i : best;
    return best;
}

/* The place of a key, made when there is none. */
static unsigned place_of(struct bd_rate_line *line, uint64_t key)
{
    for (unsigned i = 0; i < BD_RATE_WAYS; i++) {
        if (GET(line->key[i]) == key)
            return i;
    }
    unsigned i = nearest_to_full(line);
    PUT(line->key[i], key);
    PUT(line->at[i], 0);
    PUT(line->over[i], 0);
    return i;
}

bool bd_rate_take(struct bd_rates *rates, uint64_t hash, uint64_t key, uint64_t now,
                  const struct bd_rate_terms *terms)
{
    struct bd_rate_line *line = bd_rate_line_of(rates, hash);
    unsigned i = place_of(line, key);
    uint64_t latest = now + terms->tolerance, at = GET(line->at[i]);
    at = at < now ? now : at;
    if (at > latest) {
        if (at > latest + terms->interval)
            PUT(line->at[i], latest + terms->interval);
        PUT(line->over[i], GET(line->over[i]) + 1);
        return false;
    }
    PUT(line->at[i], at + terms->interval);
    return true;
}

bool bd_rate_refused_at(const struct bd_rates *rates, unsigned i, uint64_t since, uint64_t *key,
                        uint32_t *over)
{
    const struct bd_rate_line *line = &rates->line[i / BD_RATE_WAYS];
    *key = GET(line->key[i % BD_RATE_WAYS]);
    *over = GET(line->over[i % BD_RATE_WAYS]);
    return *over > 0 && GET(line->at[i % BD_RATE_WAYS]) >= since;
}
