/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of an arena: what an existing one is worth, and how a new one is made. Private to this
 * folder; the caller (arena.c) holds the creation lock and has opened arena->fd. */
#ifndef BD_ARENA_FILE_H
#define BD_ARENA_FILE_H

#include "arena.h"
#include "arena_place.h"

#define BD_ARENA_REGION_ALIGN (2ULL << 20)

/* Size of the whole file. */
uint64_t bd_arena_total(const struct bd_arena_params *params, uint64_t page_sz);

/* Copies the header of a file of unknown content. False when it is shorter than one. */
bool bd_arena_peek(int fd, uint64_t page_sz, struct bd_arena_header *header);

/* 0: an arena to join. 1: a file to fill: empty, left half made by a creator that died, or of
 * times that are yet to come. -1: neither, with an error. */
int bd_arena_judge(const struct bd_arena *arena, const struct bd_place *place,
                   const struct bd_arena_params *params, struct bd_error *error);

/* Maps arena->size bytes; populate: MAP_POPULATE or 0. */
int bd_arena_map(struct bd_arena *arena, int populate, struct bd_error *error);

/* Takes the memory for the whole file, then makes it. Fails before anything is touched when there
 * is too little. */
int bd_arena_create(struct bd_arena *arena, const struct bd_place *place,
                    const struct bd_arena_params *params, struct bd_error *error);

/* Maps a file of the full size, without content, and makes an arena of it. */
int bd_arena_make(struct bd_arena *arena, const struct bd_arena_params *params, uint64_t page_sz,
                  int populate, struct bd_error *error);

#endif
