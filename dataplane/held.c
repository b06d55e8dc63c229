/* SPDX-License-Identifier: BSD-3-Clause */
#include "held.h"

#include <stdlib.h>

bool bd_held_init(struct bd_held *held, uint32_t max)
{
    *held = (struct bd_held){.max = max, .reply = calloc(BD_HELD_MAX, sizeof(*held->reply))};
    return held->reply != NULL;
}

void bd_held_free(struct bd_held *held)
{
    free(held->reply);
}

bool bd_held_takes_burst(struct bd_held *held, uint64_t durable)
{
    held->stuck = held->stuck && durable <= held->dropped;
    return !held->stuck && held->tail - held->head + BD_BURST <= held->max;
}

void bd_held_put(struct bd_held *held, const struct bd_held_reply *reply)
{
    held->reply[held->tail++ % BD_HELD_MAX] = *reply;
}

void bd_held_seal(struct bd_held *held, uint64_t ticket)
{
    while (held->sealed != held->tail)
        held->reply[held->sealed++ % BD_HELD_MAX].ticket = ticket;
}

const struct bd_held_reply *bd_held_next_durable(struct bd_held *held, uint64_t durable)
{
    const struct bd_held_reply *oldest = &held->reply[held->head % BD_HELD_MAX];
    if (held->head == held->sealed || durable <= oldest->ticket)
        return NULL;
    held->head++;
    return oldest;
}

const struct bd_held_reply *bd_held_next_overdue(struct bd_held *held, uint64_t now_ms)
{
    const struct bd_held_reply *oldest = &held->reply[held->head % BD_HELD_MAX];
    if (held->head == held->sealed || oldest->deadline_ms > now_ms)
        return NULL;
    held->dropped = oldest->ticket;
    held->stuck = true;
    held->head++;
    return oldest;
}
