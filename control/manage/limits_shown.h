/* SPDX-License-Identifier: BSD-3-Clause */
/* What `show limits` tells of rates and failed authentications. Event loop only. */
#ifndef BD_LIMITS_SHOWN_H
#define BD_LIMITS_SHOWN_H

#include <jansson.h>

#include "state.h"

/* Adds a row a key of section `limits` that is a number: what it is set to. */
void bd_limits_add_settings(json_t *list, const struct bd_config *config);

/* The sources that were refused most, heaviest first; each worker's table is walked, 256 KiB. */
/* From which somebody was registered within a day (known.h). */
uint32_t bd_known_sources_cnt(const struct bd_control *control);
json_t *bd_limited_sources_json(const struct bd_control *control);
/* The addresses of record that were refused most, as far as the workers remember their names. */
json_t *bd_refused_aors_json(const struct bd_control *control);
/* What all workers have counted of limits, failures and bans. */
json_t *bd_limit_counters_json(const struct bd_control *control);

#endif
