/* SPDX-License-Identifier: BSD-3-Clause */
/* What operators see of the journal: `show info` and the metrics. Event loop only. */
#ifndef BD_JOURNAL_SHOWN_H
#define BD_JOURNAL_SHOWN_H

#include <event2/buffer.h>
#include <jansson.h>
#include <stdio.h>

#include "state.h"

/* Two objects of `show info`. */
json_t *bd_journal_shown(const struct bd_control *control);
json_t *bd_snapshot_shown(const struct bd_control *control);

void bd_journal_metrics_write(const struct bd_control *control, struct evbuffer *out);
/* Rows of docs/metrics.md. */
void bd_journal_metrics_docs(FILE *out);

#endif
