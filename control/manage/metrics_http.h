/* SPDX-License-Identifier: BSD-3-Clause */
/* http://ADDRESS:PORT/metrics. Event loop only. */
#ifndef BD_METRICS_HTTP_H
#define BD_METRICS_HTTP_H

#include "state.h"

#define BD_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct bd_metrics_http;

/* Port 0 in `endpoint` asks the kernel for one (tests). NULL with an error when the port is taken
 * or the address is not ours. */
struct bd_metrics_http *bd_metrics_http_new(struct bd_control *control,
                                            const struct bd_endpoint *endpoint,
                                            struct bd_error *error);
void bd_metrics_http_free(struct bd_metrics_http *http);
uint16_t bd_metrics_http_port(const struct bd_metrics_http *http);

#endif
