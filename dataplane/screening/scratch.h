/* SPDX-License-Identifier: BSD-3-Clause */
/* Hyperscan's working memory, out of memory that is there already.
 *
 * A scan needs a scratch that fits the database, and hs_alloc_scratch() makes it. New rules come
 * with a reload, while a worker serves and must not allocate; so it hands Hyperscan a piece of the
 * memory that it set aside at its start. The control process does the same before it publishes,
 * and refuses rules that would not fit.
 *
 * Any thread; a scratch belongs to one. */
#ifndef BD_SCRATCH_H
#define BD_SCRATCH_H

#include <hs_runtime.h>

#include "screen.h"

struct bd_scratch {
    void *memory; /* BD_SCREEN_SCRATCH_MAX bytes, 64-byte aligned */
    uint32_t used;
};

/* Once a process, before any other call. */
void bd_scratch_init(void);

/* A scratch for all databases of the rules, in place of the one that was made before. NULL: they
 * want more memory, or were made by another version of Hyperscan. */
hs_scratch_t *bd_scratch_make(struct bd_scratch *scratch, const struct bd_screen *screen);

#endif
