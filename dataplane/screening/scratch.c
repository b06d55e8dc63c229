/* SPDX-License-Identifier: BSD-3-Clause */
#include "scratch.h"

enum { ALIGN = 64 };

/* Whose memory this thread's calls of Hyperscan take; there is no other way to tell it.
 * Initial-exec: no call finds it. */
static __thread struct bd_scratch *current __attribute__((tls_model("initial-exec")));

static void *take(size_t size)
{
    size_t whole = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!current || whole < size || whole > BD_SCREEN_SCRATCH_MAX - current->used)
        return NULL;
    void *p = (char *)current->memory + current->used;
    current->used += (uint32_t)whole;
    return p;
}

/* All goes with the next make. */
static void let_go(void *p)
{
}

void bd_scratch_init(void)
{
    hs_set_scratch_allocator(take, let_go);
}

hs_scratch_t *bd_scratch_make(struct bd_scratch *scratch, const struct bd_screen *screen)
{
    hs_scratch_t *made = NULL;
    hs_error_t rc = HS_SUCCESS;
    current = scratch;
    scratch->used = 0;
    for (unsigned f = 0; f < BD_SCREEN_FIELD_CNT && rc == HS_SUCCESS; f++) {
        const hs_database_t *database = bd_screen_database(screen, (enum bd_screen_field)f);
        if (database)
            rc = hs_alloc_scratch(database, &made);
    }
    current = NULL;
    return rc == HS_SUCCESS ? made : NULL;
}
