/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rows of the schema are written with. Private to config/schema*.c. */
#ifndef BD_CONFIG_ROWS_H
#define BD_CONFIG_ROWS_H

#include "schema.h"

#define FIELD(type, field)       .off = offsetof(type, field)
#define LIST(type, field, count) .off = offsetof(type, field), .cnt_off = offsetof(type, count)
#define ROWS(array)              array, sizeof(array) / sizeof((array)[0])

/* A year: nobody means more, and 2^32 milliseconds are far from it. */
#define YEAR_S 31536000

extern const struct bd_choice bd_truth_words[3];

/* The groups of a section: its own keys, and such that it shares with another. */
extern const struct bd_group bd_arena_groups[1], bd_dataplane_groups[1], bd_port_groups[1],
    bd_listen_groups[1];
extern const struct bd_group bd_registrar_groups[2], bd_domain_groups[2], bd_profile_groups[1];
extern const struct bd_group bd_screening_groups[1], bd_limit_groups[1];
extern const struct bd_group bd_auth_groups[1], bd_journal_groups[1], bd_control_groups[1],
    bd_process_groups[1];

#endif
