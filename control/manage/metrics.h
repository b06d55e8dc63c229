/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics in the Prometheus text format: counters from the X-macro tables of base/, gauges from
 * the table of gauges.c. Names are bindery_*; RFC 6076 terms where they apply. Read from shared
 * memory with plain loads: no lock is shared with the data path. Event loop only. */
#ifndef BD_METRICS_H
#define BD_METRICS_H

#include <event2/buffer.h>
#include <stdio.h>

#include "state.h"

void bd_metrics_write(struct bd_control *control, const struct bd_table_info *info,
                      struct evbuffer *out);

/* What exists, as a Markdown table for docs/metrics.md. */
void bd_metrics_print_docs(FILE *out);

#endif
