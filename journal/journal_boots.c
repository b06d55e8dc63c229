/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_boots.h"

/* boots->cnt: it is not known. */
static unsigned find(const struct bd_journal_boots *boots, uint64_t boot)
{
    unsigned i = 0;
    while (i < boots->cnt && boots->last[i].boot != boot)
        i++;
    return i;
}

int bd_journal_boots_note(struct bd_journal_boots *boots, const struct bd_journal_time *time)
{
    unsigned i = find(boots, time->boot);
    if (i == BD_JOURNAL_BOOTS_MAX)
        return -1;
    if (i == boots->cnt)
        boots->last[boots->cnt++] = *time;
    else if (time->clock_ms >= boots->last[i].clock_ms)
        boots->last[i] = *time;
    return 0;
}

int64_t bd_journal_boots_clock(const struct bd_journal_boots *boots,
                               const struct bd_journal_time *now,
                               const struct bd_journal_header *header, uint64_t file_ms,
                               bool *went_back)
{
    int64_t clock = (int64_t)(file_ms - header->made.wall_ms + header->made.clock_ms);
    if (header->made.boot == now->boot && now->boot != 0)
        return clock;
    const struct bd_journal_time *last = &boots->last[find(boots, header->made.boot)];
    int64_t gone = (int64_t)(now->wall_ms - last->wall_ms);
    if (gone < 0) {
        *went_back = true;
        gone = 0;
    }
    return clock - (int64_t)last->clock_ms - gone + (int64_t)now->clock_ms;
}
