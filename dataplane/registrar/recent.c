/* SPDX-License-Identifier: BSD-3-Clause */
#include "recent.h"

static bool counts(const struct bd_recent_entry *e, uint64_t transaction, uint64_t now_ms)
{
    return e->transaction == transaction && now_ms - (e->word >> 1) < BD_RECENT_LIFETIME_MS;
}

/* The entry of a transaction; when there is none, the oldest of its line, made into it. */
static struct bd_recent_entry *take(struct bd_recent *recent, uint64_t transaction, uint64_t now_ms)
{
    struct bd_recent_entry *way = recent->line[transaction % BD_RECENT_LINES].way;
    struct bd_recent_entry *oldest = way;
    for (unsigned i = 0; i < BD_RECENT_WAYS; i++) {
        if (counts(&way[i], transaction, now_ms))
            return &way[i];
        if (way[i].word < oldest->word)
            oldest = &way[i];
    }
    *oldest = (struct bd_recent_entry){transaction, now_ms << 1};
    return oldest;
}

uint64_t bd_recent_first_ms(struct bd_recent *recent, uint64_t transaction, uint64_t now_ms)
{
    return take(recent, transaction, now_ms)->word >> 1;
}

void bd_recent_set_done(struct bd_recent *recent, uint64_t transaction, uint64_t now_ms)
{
    take(recent, transaction, now_ms)->word |= 1;
}

bool bd_recent_is_done(const struct bd_recent *recent, uint64_t transaction, uint64_t now_ms)
{
    const struct bd_recent_entry *way = recent->line[transaction % BD_RECENT_LINES].way;
    for (unsigned i = 0; i < BD_RECENT_WAYS; i++) {
        if (counts(&way[i], transaction, now_ms))
            return way[i].word & 1;
    }
    return false;
}
