/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the configuration and the subscribers again: all of it comes into force, or none.
 *
 *   load the file, compile --errors--> told, nothing changed
 *     publish the policy (waits up to 2 s for workers to leave an old one)
 *       read the subscribers --failed--> the former policy is published again, the same way
 *         the new configuration is in force; keys that need a restart are named
 *
 * A thread loads and compiles, as many screening rules take seconds; the rest is the loop's. One at
 * a time: another one meanwhile is refused. Event loop only. */
#ifndef BD_RELOAD_H
#define BD_RELOAD_H

#include "state.h"
#include "str.h"

/* ok: text is one line without newline that says what is in force now. Else: every error, one a
 * line, each with its newline. */
typedef void (*bd_reload_done_fn)(void *arg, bool ok, struct bd_str text);

/* Always tells, maybe at once. */
void bd_reload(struct bd_control *control, bd_reload_done_fn done, void *arg);
/* At the end of the program, before tasks end and the roster is closed: gives up what is under way.
 * One that compiles ends with its task, which is waited for. */
void bd_reload_cancel(struct bd_control *control);

/* Publishes the policy of a configuration, for the start: waits for a free slot. */
int bd_reload_publish_now(struct bd_control *control, const struct bd_config *config,
                          struct bd_error *error);

#endif
