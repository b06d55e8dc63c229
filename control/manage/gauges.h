/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of one sample without labels: what control can read at any moment, one table row each.
 * Event loop only. */
#ifndef BD_GAUGES_H
#define BD_GAUGES_H

#include <event2/buffer.h>
#include <stdio.h>

#include "state.h"

void bd_gauges_write(struct bd_control *control, const struct bd_table_info *info,
                     struct evbuffer *out);
/* Rows of docs/metrics.md. */
void bd_gauges_docs(FILE *out);

#endif
