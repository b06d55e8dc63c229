/* SPDX-License-Identifier: BSD-3-Clause */
/* What became of the phones, and of the flood: one line of key=value on stdout. */
#ifndef ATTACK_REPORT_H
#define ATTACK_REPORT_H

#include "options.h"

/* Whether all phones were registered and no reply was wrong. */
bool report(const struct options *options, struct crowd *crowd, const struct flood *flood,
            double ran_s);

#endif
