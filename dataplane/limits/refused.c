/* SPDX-License-Identifier: BSD-3-Clause */
#include "refused.h"

#define GET(word)        atomic_load_explicit(&(word), memory_order_relaxed)
#define PUT(word, value) atomic_store_explicit(&(word), value, memory_order_relaxed)

static void name_row(struct bd_refused_row *row, uint64_t key, struct bd_str aor)
{
    uint64_t text[BD_REFUSED_TEXT / 8] = {0};
    memcpy(text, aor.p, aor.len < BD_REFUSED_TEXT ? aor.len : BD_REFUSED_TEXT);
    PUT(row->key, 0);
    /* Release fence; pairs with the acquire fence of bd_refused_at: who reads any of the new text
     * does not find the old key behind it. */
    atomic_thread_fence(memory_order_release);
    for (unsigned i = 0; i < BD_REFUSED_TEXT / 8; i++)
        PUT(row->text[i], text[i]);
    PUT(row->cnt, 0);
    /* Release; pairs with the acquire load of bd_refused_at: who reads the key reads its text. */
    atomic_store_explicit(&row->key, key, memory_order_release);
}

/* The lowest gives way. */
static uint64_t rank(const struct bd_refused_row *row, uint32_t at_s, uint32_t now_s)
{
    bool old = (uint64_t)at_s + BD_REFUSED_LATELY_S < now_s;
    return GET(row->key) == 0 ? 0 : old ? 1 : 1 + GET(row->cnt);
}

void bd_refused_note(struct bd_refused *refused, struct bd_refused_times *times, uint64_t key,
                     struct bd_str aor, uint32_t now_s)
{
    unsigned place = BD_REFUSED_MAX;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < BD_REFUSED_MAX; i++) {
        struct bd_refused_row *row = &refused->row[i];
        uint64_t ranks = GET(row->key) == key ? 0 : 1 + rank(row, times->at_s[i], now_s);
        if (ranks < least) {
            least = ranks;
            place = i;
        }
    }
    struct bd_refused_row *row = &refused->row[place];
    if (GET(row->key) != key)
        name_row(row, key, aor);
    PUT(row->cnt, GET(row->cnt) + 1);
    times->at_s[place] = now_s;
}

bool bd_refused_at(const struct bd_refused *refused, unsigned i, uint64_t *cnt,
                   char text[BD_REFUSED_TEXT + 1])
{
    const struct bd_refused_row *row = &refused->row[i];
    uint64_t key = atomic_load_explicit(&row->key, memory_order_acquire);
    uint64_t word[BD_REFUSED_TEXT / 8];
    for (unsigned w = 0; w < BD_REFUSED_TEXT / 8; w++)
        word[w] = GET(row->text[w]);
    *cnt = GET(row->cnt);
    atomic_thread_fence(memory_order_acquire);
    memcpy(text, word, BD_REFUSED_TEXT);
    text[BD_REFUSED_TEXT] = '\0';
    return key && *cnt && key == GET(row->key);
}
