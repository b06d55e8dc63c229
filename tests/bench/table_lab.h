/* SPDX-License-Identifier: BSD-3-Clause */
/* A binding table to measure: an arena on pages of a chosen size, and bindings of typical texts. */
#ifndef BD_BENCH_TABLE_LAB_H
#define BD_BENCH_TABLE_LAB_H

#include <time.h>

#include "table.h"

enum { LAB_AOR_LEN = 24 };

struct lab {
    struct bd_arena arena;
    struct bd_table table;
    struct bd_memory *memory;
    uint64_t entries;
    unsigned workers;
    const char *pages; /* what it lies on: 4k, 2m, 1g */
};

/* Opens an empty table. `pages`: 4k, 2m, 1g; NULL: the largest to be had. Says on stderr what
 * failed. */
bool lab_open(struct lab *lab, uint64_t entries, unsigned workers, const char *pages);
void lab_close(struct lab *lab);
/* As after a restart of the dataplane. False: said why on stderr. */
bool lab_rebuild(struct lab *lab);

/* The text of AoR `number`, LAB_AOR_LEN bytes, no NUL. */
void lab_aor(uint64_t number, char *out);
static inline struct bd_str lab_aor_str(const char *aor)
{
    return (struct bd_str){aor, LAB_AOR_LEN};
}
/* One contact of typical texts. */
struct bd_binding lab_binding(uint32_t expires_at_s);

/* Bytes of arena a binding takes, everything included. Walks the table. */
double lab_bytes_per_binding(const struct lab *lab);

static inline uint64_t lab_clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

#endif
