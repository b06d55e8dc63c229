/* SPDX-License-Identifier: BSD-3-Clause */
/* What each family of metrics begins with, in the Prometheus text format and in the docs. */
#ifndef BD_METRICS_TEXT_H
#define BD_METRICS_TEXT_H

#include <event2/buffer.h>
#include <stdio.h>

/* Its HELP and TYPE: the samples follow. */
void bd_metrics_family(struct evbuffer *out, const char *type, const char *name, const char *help);

/* Its row of docs/metrics.md. */
void bd_metrics_docs_row(FILE *out, const char *name, const char *labels, const char *type,
                         const char *help);

#endif
