/* SPDX-License-Identifier: BSD-3-Clause */
/* The subscriber database locked, damaged or unreadable, its disk full: registration goes on with
 * the subscribers in memory, and what is missed is caught up with when the fault ends.
 *
 *   well --note--> ill (alarm) --each second: a write fails still--> ill
 *                              --one succeeds: all is read again--> well
 *                                                  |--a write fails meanwhile--> ill
 *                                                  \--fails--> ill; the next try later, up to 60 s
 *
 * Event loop only. */
#ifndef BD_RECOVERY_H
#define BD_RECOVERY_H

#include "state.h"

struct bd_recovery;

/* After the roster. NULL with an error: no memory. */
struct bd_recovery *bd_recovery_new(struct bd_control *control, struct bd_error *error);
void bd_recovery_free(struct bd_recovery *recovery);

/* An operation on the database has failed: raises the alarm. NULL is let pass (at start, where a
 * database that cannot be read ends the process). */
void bd_recovery_note(struct bd_recovery *recovery, const struct bd_error *error);

#endif
