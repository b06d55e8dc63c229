/* SPDX-License-Identifier: BSD-3-Clause */
/* Which list a source is on: limits.allow and limits.deny, thousands of prefixes of any lengths,
 * the longest that covers it decides.
 *
 * Control flattens the prefixes into ranges that do not overlap, sorted by where they begin, in one
 * piece of memory without pointers; it becomes part of the policy block. So a worker takes up new
 * lists by the number of the block, as it does all policy, and has nothing to build. DPDK's rte_lpm
 * and rte_fib would have each worker allocate and fill tables at a reload (a worker allocates
 * nothing after its start, and this code knows no EAL), 64 MiB and more of them for IPv4 in four
 * slots. Here 16,384 prefixes take 160 KB (IPv4) or 560 KB (IPv6).
 *
 *   bd_prefix_map | v4 starts, 32 bits each | v6 starts, 128 bits each | v4 lists | v6 lists,
 *                                                                        a byte each
 *
 * A look-up is a binary search for the last range that does not begin behind the source. Of IPv4
 * the first 12 bits tell between which two places of the array to search. */
#ifndef BD_PREFIX_MAP_H
#define BD_PREFIX_MAP_H

#include "ip.h"

enum bd_prefix_list { BD_PREFIX_NONE, BD_PREFIX_ALLOW, BD_PREFIX_DENY };

enum { BD_PREFIX_MAP_BITS = 12, BD_PREFIX_MAP_PARTS = 1 << BD_PREFIX_MAP_BITS };

struct bd_prefix_map {
    uint32_t v4_cnt, v6_cnt;
    uint32_t v6_starts_off, v4_lists_off, v6_lists_off, size; /* from here */
    /* The range that holds the first address of each part of IPv4, and the last range. */
    uint32_t v4_part[BD_PREFIX_MAP_PARTS + 1];
    uint32_t v4_start[];
};

struct bd_prefixes {
    const struct bd_prefix *prefix;
    unsigned cnt;
};

/* Flattens lists; one prefix may not be on both. The caller frees. NULL: out of memory. */
struct bd_prefix_map *bd_prefix_map_make(const struct bd_prefixes *allow, unsigned allow_cnt,
                                         const struct bd_prefixes *deny, unsigned deny_cnt);

/* Any number of steps up to log2 of the ranges; touches nothing else. */
enum bd_prefix_list bd_prefix_map_find(const struct bd_prefix_map *map, const struct bd_ip *ip);

#endif
