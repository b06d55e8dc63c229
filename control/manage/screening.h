/* SPDX-License-Identifier: BSD-3-Clause */
/* What screening and bans tell of themselves, for commands and metrics. Event loop only. */
#ifndef BD_SCREENING_H
#define BD_SCREENING_H

#include <jansson.h>

#include "state.h"

/* Calls visit for each rule in force; they count from 1. */
typedef void bd_screening_fn(void *arg, unsigned number, const struct bd_config_rule *rule,
                             uint64_t hits);
void bd_screening_visit(struct bd_control *control, bd_screening_fn *visit, void *arg);

/* Sources that are banned now. Both walk the table, 1 MiB. */
uint64_t bd_bans_cnt(const struct bd_control *control);
json_t *bd_bans_json(const struct bd_control *control);

#endif
