/* SPDX-License-Identifier: BSD-3-Clause */
#include "pending.h"

void bd_pending_init(struct bd_pending *pending)
{
    pending->free_cnt = BD_PENDING_MAX;
    for (unsigned i = 0; i < BD_PENDING_MAX; i++) {
        pending->free[i] = (uint16_t)(BD_PENDING_MAX - 1 - i);
        pending->entry[i].waiting = false;
        pending->entry[i].sequence = 0;
        pending->entry[i].parsed = &pending->spare[i];
    }
    pending->oldest = pending->newest = BD_PENDING_NONE;
}

static void swap(struct bd_parsed **a, struct bd_parsed **b)
{
    struct bd_parsed *one = *a;
    *a = *b;
    *b = one;
}

uint16_t bd_pending_take(struct bd_pending *pending, const struct bd_datagram *datagram,
                         struct bd_parsed **parsed, uint64_t received_tsc, uint64_t deadline_ms)
{
    if (pending->free_cnt == 0)
        return BD_PENDING_NONE;
    uint16_t slot = pending->free[--pending->free_cnt];
    struct bd_pending_entry *e = &pending->entry[slot];
    e->datagram = *datagram;
    swap(&e->parsed, parsed);
    e->deadline_ms = deadline_ms;
    e->received_tsc = received_tsc;
    e->sequence++;
    e->waiting = true;
    e->older = pending->newest;
    e->newer = BD_PENDING_NONE;
    if (pending->newest != BD_PENDING_NONE)
        pending->entry[pending->newest].newer = slot;
    else
        pending->oldest = slot;
    pending->newest = slot;
    return slot;
}

static void take_out(struct bd_pending *pending, uint16_t slot, struct bd_parsed **parsed,
                     struct bd_pending_entry *out)
{
    struct bd_pending_entry *e = &pending->entry[slot];
    *out = *e;
    swap(&e->parsed, parsed);
    e->waiting = false;
    if (e->older != BD_PENDING_NONE)
        pending->entry[e->older].newer = e->newer;
    else
        pending->oldest = e->newer;
    if (e->newer != BD_PENDING_NONE)
        pending->entry[e->newer].older = e->older;
    else
        pending->newest = e->older;
    pending->free[pending->free_cnt++] = slot;
}

bool bd_pending_claim(struct bd_pending *pending, uint32_t slot, uint32_t sequence,
                      struct bd_parsed **parsed, struct bd_pending_entry *out)
{
    if (slot >= BD_PENDING_MAX || !pending->entry[slot].waiting ||
        pending->entry[slot].sequence != sequence)
        return false;
    take_out(pending, (uint16_t)slot, parsed, out);
    return true;
}

bool bd_pending_next_overdue(struct bd_pending *pending, uint64_t now_ms, struct bd_parsed **parsed,
                             struct bd_pending_entry *out)
{
    if (pending->oldest == BD_PENDING_NONE || pending->entry[pending->oldest].deadline_ms > now_ms)
        return false;
    take_out(pending, pending->oldest, parsed, out);
    return true;
}
