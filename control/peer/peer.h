/* SPDX-License-Identifier: BSD-3-Clause */
/* The other process, and our own sign of life.
 *
 *   absent --lock held, pid known--> present (pidfd watched) --pidfd readable--> absent
 *
 * Every BD_PEER_TICK_MS: writes control's heartbeat, and looks for a dataplane while there is none.
 * Its death is told by the pidfd at once: its epoch lines are buried, so that what control has
 * unlinked can be reused, and the sweeper pauses. Event loop only. */
#ifndef BD_PEER_H
#define BD_PEER_H

#include "state.h"

#define BD_PEER_TICK_MS 100

struct bd_peer;

/* Buries what a dead predecessor of this process, and a dead dataplane, have left in the epoch
 * lines; then watches. NULL with an error: no memory. */
struct bd_peer *bd_peer_new(struct bd_control *control, struct bd_error *error);
void bd_peer_free(struct bd_peer *peer);

/* Whether the dataplane is there, and whether it takes requests. */
bool bd_peer_alive(const struct bd_peer *peer);
bool bd_peer_serving(const struct bd_peer *peer);

#endif
