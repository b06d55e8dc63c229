/* SPDX-License-Identifier: BSD-3-Clause */
/* A timing wheel: at most one time for each of `cnt` numbers. A slot a tick; what lies beyond a
 * turn of the wheel waits in its slot for its turn. Setting and clearing are O(1) and allocate
 * nothing. */
#ifndef AVALANCHE_WHEEL_H
#define AVALANCHE_WHEEL_H

#include <stdint.h>

enum { WHEEL_SLOTS = 1 << 20 };
#define WHEEL_NONE UINT32_MAX

struct wheel_link {
    uint32_t next, prev; /* in the slot; prev of its first: WHEEL_NONE */
    uint32_t due;        /* tick; WHEEL_NONE: not in the wheel */
};

struct wheel {
    uint32_t now; /* all before it has been due */
    uint32_t *slot;
    struct wheel_link *link;
};

/* Numbers 0 to cnt-1, none of them set. */
struct wheel wheel_new(uint32_t cnt);
void wheel_free(struct wheel *wheel);

/* Sets a number's time, or moves it. A time that has passed is due at once. */
void wheel_set(struct wheel *wheel, uint32_t number, uint32_t due);

/* One that is due by `now`, which is in the wheel no more, with its time in *due; WHEEL_NONE: no
 * other. */
uint32_t wheel_take(struct wheel *wheel, uint32_t now, uint32_t *due);

#endif
