/* SPDX-License-Identifier: BSD-3-Clause */
#include "wheel.h"

#include <stdlib.h>
#include <string.h>

static uint32_t *slot_of(const struct wheel *wheel, uint32_t tick)
{
    return &wheel->slot[tick & (WHEEL_SLOTS - 1)];
}

struct wheel wheel_new(uint32_t cnt)
{
    struct wheel wheel = {.slot = malloc(WHEEL_SLOTS * sizeof(*wheel.slot)),
                          .link = malloc(cnt * sizeof(*wheel.link))};
    if (!wheel.slot || !wheel.link)
        abort();
    memset(wheel.slot, 0xff, WHEEL_SLOTS * sizeof(*wheel.slot));
    memset(wheel.link, 0xff, cnt * sizeof(*wheel.link));
    return wheel;
}

void wheel_free(struct wheel *wheel)
{
    free(wheel->slot);
    free(wheel->link);
}

static void take_out(struct wheel *wheel, uint32_t number)
{
    struct wheel_link *link = &wheel->link[number];
    if (link->due == WHEEL_NONE)
        return;
    if (link->prev == WHEEL_NONE)
        *slot_of(wheel, link->due) = link->next;
    else
        wheel->link[link->prev].next = link->next;
    if (link->next != WHEEL_NONE)
        wheel->link[link->next].prev = link->prev;
    link->due = WHEEL_NONE;
}

void wheel_set(struct wheel *wheel, uint32_t number, uint32_t due)
{
    struct wheel_link *link = &wheel->link[number];
    take_out(wheel, number);
    link->due = due < wheel->now ? wheel->now : due;
    uint32_t *first = slot_of(wheel, link->due);
    link->prev = WHEEL_NONE;
    link->next = *first;
    if (*first != WHEEL_NONE)
        wheel->link[*first].prev = number;
    *first = number;
}

uint32_t wheel_take(struct wheel *wheel, uint32_t now, uint32_t *due)
{
    for (; wheel->now <= now; wheel->now++) {
        uint32_t number = *slot_of(wheel, wheel->now);
        while (number != WHEEL_NONE && wheel->link[number].due != wheel->now)
            number = wheel->link[number].next;
        if (number != WHEEL_NONE) {
            *due = wheel->now;
            take_out(wheel, number);
            return number;
        }
    }
    return WHEEL_NONE;
}
