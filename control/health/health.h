/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks each 100 ms whether everybody turns: verifier threads, the dataplane's main thread, its
 * workers. What stands still for a second is an alarm; so are requests that are shed, requests that
 * go through unscreened, and registrations that are refused for want of room.
 *
 *   verifier   turns --1 s without--> alarm --3 s without--> this process exits with status 1
 *                    <--turns again--
 *
 * A thread that is stuck cannot be ended safely: it may hold a lock, or be in the middle of a
 * write. So the whole process goes, at once and without clean-up (which would wait for that
 * thread), and whoever supervises it starts a new one. Bindings are in the arena; until the new one
 * serves, the dataplane answers 503 to what needs it.
 *
 * Time is counted in turns of this loop: when the process as a whole was stopped, nobody is blamed.
 * Event loop only. */
#ifndef BD_HEALTH_H
#define BD_HEALTH_H

#include "state.h"

struct bd_health;

/* After the verifiers and the peer. NULL with an error: no memory. */
struct bd_health *bd_health_new(struct bd_control *control, struct bd_error *error);
void bd_health_free(struct bd_health *health);

/* For how long a worker has not been seen to turn, to 100 ms; 0: it turns, or serves nobody. */
uint32_t bd_health_stalled_ms(const struct bd_health *health, unsigned worker);

#endif
