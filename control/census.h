/* SPDX-License-Identifier: BSD-3-Clause */
/* How much is in the table: bd_table_info in a thread, shared by all who ask meanwhile.
 *
 *   ask(max_age) --young enough--> told at once
 *              \--walk in a task--> all told whose age it satisfies
 *
 * It keeps the alarm `table`: by how much is in the table, and by registrations that are refused,
 * as memory may have no room for a record though less of it is taken: all of it may be cut for
 * records of other sizes.
 *
 * Event loop only. */
#ifndef BD_CENSUS_H
#define BD_CENSUS_H

#include "state.h"

struct bd_census;

struct bd_census_result {
    struct bd_table_info info;
    uint64_t began_ms, took_ms;
};

struct bd_census *bd_census_new(struct bd_control *control);
/* All tasks must be over. Tells all that wait. */
void bd_census_free(struct bd_census *census);

/* result is NULL when no walk could be made; error says why. */
typedef void (*bd_census_fn)(void *arg, const struct bd_census_result *result,
                             const struct bd_error *error);
/* Wants a walk begun at most max_age_ms ago (0: begun from now on). Always tells, maybe at once. */
void bd_census_ask(struct bd_census *census, uint64_t max_age_ms, bd_census_fn told, void *arg);

/* How many registrations have been refused for want of room so far: more than before raise the
 * alarm, until a minute after the last. To be told again and again. */
void bd_census_note_refused(struct bd_census *census, uint64_t refused, uint64_t now_ms);

/* An age for those who ask often: walks then take at most a twentieth of one core. */
uint64_t bd_census_fair_age_ms(const struct bd_census *census);

#endif
