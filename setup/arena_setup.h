/* SPDX-License-Identifier: BSD-3-Clause */
/* What the configuration asks of the arena: one computation for both processes.
 *
 *   struct bd_config  -->  struct bd_arena_params  -->  bd_arena_join()
 *
 * Whichever process comes first makes the file, so both must come to the same sizes, and both must
 * be able to format every region. Knows the footprint of each region and nothing of its content. */
#ifndef BD_ARENA_SETUP_H
#define BD_ARENA_SETUP_H

#include "arena.h"
#include "config.h"

/* Bytes for the memory of nonce counts (RFC 7616 3.4: a count is used once): 64 a subscriber, and
 * never too few for a small lab under attack. Zero-filled means empty; its owner formats it. */
#define BD_NONCES_PER_SUBSCRIBER_SZ 64
#define BD_NONCES_MIN_SZ            (4ULL << 20)

/* The arena has channels and counters for at least so many workers, some 6 MiB each: the step from
 * one worker to two needs no new arena. */
#define BD_WORKER_ROOM_MIN 2

/* Fills params: the size of each region, the fingerprint, and the function that formats a new file.
 * `config` must live as long as params. -1 with an error when a size is out of range. */
int bd_arena_params_from(const struct bd_config *config, struct bd_arena_params *params,
                         struct bd_error *error);

/* Formats every region that is not to be left zero, for a file that nobody else uses yet. */
void bd_arena_format_regions(struct bd_arena *arena, const struct bd_config *config);

/* For `--arena`: prints whether there is an arena, and whether both this program and the
 * configuration fit it. Changes nothing. Returns the exit status: 0 fits or there is none, 3 does
 * not fit, 1 the configuration is wrong. */
int bd_arena_check_main(const char *config_file);

#endif
