/* SPDX-License-Identifier: BSD-3-Clause */
/* How many are registered over time, as CSV: series, seconds, percent, registered, sent, lost. A
 * line a step, but only where something has changed. */
#ifndef AVALANCHE_CURVE_H
#define AVALANCHE_CURVE_H

#include <stdio.h>

#include "crowd.h"

struct curve {
    FILE *file; /* NULL: nothing is written */
    const char *series;
    uint32_t cnt, step, next; /* ticks */
    uint64_t written;         /* registered and sent of the last line, added */
};

/* False, with a line on stderr: the file cannot be written. `path` may be NULL. */
bool curve_open(struct curve *curve, const char *path, const char *series, uint32_t cnt,
                double step_s);

/* Once a turn. */
void curve_note(struct curve *curve, uint32_t now, struct crowd *crowd);

/* The last point. False as above. */
bool curve_close(struct curve *curve, uint32_t now, struct crowd *crowd);

#endif
