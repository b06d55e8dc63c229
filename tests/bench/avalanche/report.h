/* SPDX-License-Identifier: BSD-3-Clause */
/* What became of the phones: one line of key=value on stdout. */
#ifndef AVALANCHE_REPORT_H
#define AVALANCHE_REPORT_H

#include "crowd.h"

/* Whether all were registered and no reply was wrong. */
bool report(struct crowd *crowd, uint32_t cnt, uint32_t now, uint64_t worker_wait_ns);

#endif
