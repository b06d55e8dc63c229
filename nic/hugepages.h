/* SPDX-License-Identifier: BSD-3-Clause */
/* Which hugepages packet buffers lie in.
 *
 * Left to itself the EAL takes the largest pages there are for its pools: a whole page of 1 GiB for
 * 200 MiB of buffers, and one that an arena wants. The only way to keep it from them is to name a
 * mount of the others. */
#ifndef BD_HUGEPAGES_H
#define BD_HUGEPAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Free hugepages of 2 MiB and of 1 GiB, in MB. */
struct bd_hugepages {
    uint64_t small_mb, large_mb;
};

struct bd_hugepages bd_hugepages_free(void);

/* Finds a hugetlbfs mount of 2 MiB pages that this process may write to. False: there is none. */
bool bd_hugepages_small_dir(char *dir, size_t dir_sz);

#endif
