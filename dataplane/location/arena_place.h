/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an arena can lie: hugetlbfs mounts and their free pages. Private to this folder. */
#ifndef BD_ARENA_PLACE_H
#define BD_ARENA_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

/* What a file lies on. */
struct bd_place {
    bool huge;   /* hugetlbfs */
    bool memory; /* hugetlbfs or tmpfs */
    uint64_t page_sz;
};

/* Of an open file. -1 with an error when the system does not say. */
int bd_place_of(int fd, const char *path, struct bd_place *place, struct bd_error *error);

/* Pages of this size that can still be had on the whole machine. */
uint64_t bd_place_huge_free(uint64_t page_sz);

/* Chooses the path of an arena: an existing file `name` on any hugetlbfs mount or in /dev/shm, else
 * the writable hugetlbfs mount with room for total_sz whose pages are the largest that it fills,
 * else /dev/shm. `short_of_huge` tells that it had to be /dev/shm, and how many pages of 2 MiB
 * would have served. */
void bd_place_choose(const char *name, uint64_t total_sz, char *path, size_t path_sz,
                     uint64_t *short_of_huge);

#endif
