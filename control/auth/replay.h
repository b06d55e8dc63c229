/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of nonce counts: a request is never accepted twice (RFC 7616 3.4 nc, 5.6).
 *
 *   region:  header:64 | set | set | ...
 *   set:     floor_ms:64 reserved:192 | entry[7]                                  (256 bytes)
 *   entry:   id:64 (0 empty) | issued_ms:64 | last nc:32 reserved:32 | transaction:64
 *
 * A nonce's id chooses its set. Found there: its count must be above the last one (or be the last
 * one of the very same transaction: a retransmission). Not found: it is new, unless it was issued
 * no later than the set's floor; then it may have been pushed out, and counts as stale. A full set
 * pushes out its oldest nonce, and raises the floor to that nonce's time first. So however small
 * the memory and however great the load, a replay is never accepted; too little memory costs an
 * extra challenge.
 *
 * The region lives in the arena and outlives the process. At birth every floor is the wall clock:
 * what a predecessor (before a power cut, say) may have accepted is stale. Stores are ordered so
 * that after a kill between any two of them memory forgets nothing but by way of the floor.
 *
 * Only verifier threads of one control process write. They exclude each other by locks in private
 * memory; none is in shared memory. Nonces of other nodes are checked like ours, but each node
 * remembers alone.
 *
 * The wall clock set back: a floor ahead of it would refuse everybody until it is caught up, so it
 * is lowered to a moment ago (each set when it is next used: the nonce in hand must pass, or every
 * phone would have to try until it meets a set that somebody else has used), and the nonces of the
 * time ahead give way first. What was accepted while the clock was ahead, and has given way, could
 * be replayed when that time comes: slew, don't step.
 */
#ifndef BD_REPLAY_H
#define BD_REPLAY_H

#include "channel.h"
#include "log.h"

/* Clocks of two nodes that share the secret may differ by this much. */
#define BD_NONCE_DRIFT_MS 3000

/* Bytes for the memory of at least this many nonces. */
uint64_t bd_replay_footprint(uint64_t entries);

struct bd_replay; /* a process's handle */

/* Uses `size` bytes of (shared) memory, 64-byte aligned, and formats it when it never was.
 * NULL with an error: too small, of another layout or size, no memory. */
struct bd_replay *bd_replay_new(void *memory, uint64_t size, uint64_t wall_ms,
                                struct bd_error *error);
void bd_replay_free(struct bd_replay *replay);
/* Nonces it holds. */
uint64_t bd_replay_capacity(const struct bd_replay *replay);

/* Fetches what check will need: worth a cache miss when it is called some hundred ns before. */
void bd_replay_prefetch(const struct bd_replay *replay, uint64_t id);

/* One use of a nonce whose tag and response were found right. id is a keyed hash of its text; nc is
 * 0 for credentials without one, which gives a nonce one transaction. Any thread. Returns
 * BD_VERIFY_OK (and has recorded it), _REPLAYED or _STALE. Bounded time. */
enum bd_verify_rc bd_replay_check(struct bd_replay *replay, uint64_t id, uint64_t issued_ms,
                                  uint32_t nc, uint64_t transaction, uint64_t wall_ms);

#endif
