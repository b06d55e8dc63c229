/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_boots.h"

const struct bd_journal_time *bd_journal_boots_note(struct bd_journal_boots *boots,
                                                    const struct bd_journal_time *time)
{
    unsigned end = boots->cnt; /* files come in order, so that the boot is nearly always the last */
    while (end > 0 && boots->last[end - 1].boot != time->boot)
        end--;
    struct bd_journal_time *last = end > 0 ? &boots->last[end - 1] : &boots->last[boots->cnt++];
    if (end == 0 || time->clock_ms >= last->clock_ms)
        *last = *time;
    return last;
}

int64_t bd_journal_boots_clock(const struct bd_journal_time *last,
                               const struct bd_journal_time *now,
                               const struct bd_journal_header *header, uint64_t file_ms,
                               bool *went_back)
{
    int64_t clock = (int64_t)(file_ms - header->made.wall_ms + header->made.clock_ms);
    if (header->made.boot == now->boot && now->boot != 0)
        return clock;
    int64_t gone = (int64_t)(now->wall_ms - last->wall_ms);
    if (gone < 0) {
        *went_back = true;
        gone = 0;
    }
    return clock - (int64_t)last->clock_ms - gone + (int64_t)now->clock_ms;
}
