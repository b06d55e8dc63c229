/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes of a message by chance, for worst.c: what makes more of the same rather than what is new.
 */
#ifndef BD_WORST_CHANGE_H
#define BD_WORST_CHANGE_H

#include <stdint.h>

#include "limits.h"

struct text {
    char p[BD_SIP_MESSAGE_MAX];
    uint32_t len;
    uint64_t cost;
};

/* 0..n-1, the same each time. */
unsigned worst_roll(unsigned n);

/* One to three changes; the text stays within max bytes. `other` is one to take slices from. */
void worst_change(struct text *t, uint32_t max, const struct text *other);

#endif
