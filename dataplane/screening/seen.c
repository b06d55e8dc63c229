/* SPDX-License-Identifier: BSD-3-Clause */
#include "seen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE_SZ = BD_SEEN_WAYS * sizeof(uint32_t), HUGE_PAGE_SZ = 2 << 20 };

bool bd_seen_init(struct bd_seen *seen, uint64_t phones)
{
    /* Twice the room: then hardly a line has more phones than places. */
    uint64_t lines = 64;
    while (lines * BD_SEEN_WAYS < 2 * phones)
        lines *= 2;
    size_t size = (lines * LINE_SZ + HUGE_PAGE_SZ - 1) & ~(size_t)(HUGE_PAGE_SZ - 1);
    void *tags = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (tags == MAP_FAILED)
        return false;
    madvise(tags, size, MADV_HUGEPAGE); /* each look-up is a random one */
    *seen = (struct bd_seen){.tags = tags, .line_mask = lines - 1, .size = size};
    return true;
}

void bd_seen_free(struct bd_seen *seen)
{
    if (seen->tags)
        munmap(seen->tags, seen->size);
}

void bd_seen_add(struct bd_seen *seen, uint64_t hash)
{
    uint32_t *line = bd_seen_line(seen, hash);
    unsigned place = seen->turn++ % BD_SEEN_WAYS;
    for (unsigned i = 0; i < BD_SEEN_WAYS; i++) {
        if (line[i] == 0) {
            place = i;
            break;
        }
    }
    line[place] = bd_seen_tag(hash);
}
