/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control process tells of overload control, which the workers do by themselves. */
#ifndef BD_SHEDDING_H
#define BD_SHEDDING_H

#include <event2/buffer.h>
#include <stdio.h>

#include "state.h"

/* Requests that were shed so far, by all workers. */
uint64_t bd_shedding_sum(const struct bd_control *control);
void bd_shedding_metrics_write(const struct bd_control *control, struct evbuffer *out);
void bd_shedding_metrics_docs(FILE *out);

#endif
