/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefix_map.h"

#include <stdlib.h>

typedef unsigned __int128 address_t;

static address_t address_of(const struct bd_ip *ip)
{
    uint64_t half[2];
    memcpy(half, ip->b, sizeof(half));
    return (address_t)__builtin_bswap64(half[0]) << 64 | __builtin_bswap64(half[1]);
}

/* --- making ----------------------------------------------------------------------------------- */

/* A prefix as what it covers. */
struct span {
    address_t start, end;
    uint8_t list;
};

struct range {
    address_t start;
    uint8_t list;
};

/* Ranges of one family. Enclosing prefixes wait on the stack, one a length at most. */
struct sweep {
    struct range *range;
    uint32_t cnt;
    const struct span *open[130];
    unsigned depth;
};

static struct span span_of(const struct bd_prefix *prefix, enum bd_prefix_list list)
{
    address_t start = address_of(&prefix->ip);
    address_t rest = prefix->len ? ((address_t)1 << (128 - prefix->len)) - 1 : ~(address_t)0;
    return (struct span){start, start | rest, (uint8_t)list};
}

/* By where they begin; the wider first. */
static int compare(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->end == y->end ? 0 : x->end > y->end ? -1 : 1;
}

static void begin_range(struct sweep *s, address_t start, uint8_t list)
{
    if (s->cnt && s->range[s->cnt - 1].start == start)
        s->range[s->cnt - 1].list = list;
    else if (s->cnt == 0 || s->range[s->cnt - 1].list != list)
        s->range[s->cnt++] = (struct range){start, list};
}

/* Behind the innermost prefix, what encloses it holds again. */
static void close_one(struct sweep *s, address_t last)
{
    const struct span *inner = s->open[--s->depth];
    uint8_t outer = s->depth ? s->open[s->depth - 1]->list : BD_PREFIX_NONE;
    if (inner->end != last)
        begin_range(s, inner->end + 1, outer);
}

/* All of them from `first` to `last`, of one family. */
static void sweep_family(struct sweep *s, const struct span *span, size_t cnt, address_t first,
                         address_t last)
{
    s->cnt = s->depth = 0;
    begin_range(s, first, BD_PREFIX_NONE);
    for (size_t i = 0; i < cnt; i++) {
        if (i && span[i].start == span[i - 1].start && span[i].end == span[i - 1].end)
            continue; /* twice in one list */
        while (s->depth && s->open[s->depth - 1]->end < span[i].start)
            close_one(s, last);
        s->open[s->depth++] = &span[i];
        begin_range(s, span[i].start, span[i].list);
    }
    while (s->depth)
        close_one(s, last);
}

static void put_v4(struct bd_prefix_map *map, const struct range *range)
{
    uint8_t *lists = (uint8_t *)map + map->v4_lists_off;
    uint32_t at = 0;
    for (uint32_t i = 0; i < map->v4_cnt; i++) {
        map->v4_start[i] = (uint32_t)range[i].start;
        lists[i] = range[i].list;
    }
    for (uint32_t part = 0; part < BD_PREFIX_MAP_PARTS; part++) {
        while (at + 1 < map->v4_cnt && map->v4_start[at + 1] <= part << (32 - BD_PREFIX_MAP_BITS))
            at++;
        map->v4_part[part] = at;
    }
    map->v4_part[BD_PREFIX_MAP_PARTS] = map->v4_cnt - 1;
}

static void put_v6(struct bd_prefix_map *map, const struct range *range)
{
    uint8_t *lists = (uint8_t *)map + map->v6_lists_off;
    address_t *starts = (address_t *)((char *)map + map->v6_starts_off);
    for (uint32_t i = 0; i < map->v6_cnt; i++) {
        starts[i] = range[i].start;
        lists[i] = range[i].list;
    }
}

static struct bd_prefix_map *map_of(const struct sweep *v4, const struct sweep *v6)
{
    size_t starts = sizeof(struct bd_prefix_map) + v4->cnt * sizeof(uint32_t);
    size_t v6_starts = (starts + 15) & ~(size_t)15;
    size_t lists = v6_starts + v6->cnt * sizeof(address_t);
    size_t size = (lists + v4->cnt + v6->cnt + 15) & ~(size_t)15;
    struct bd_prefix_map *map = aligned_alloc(16, size);
    if (!map)
        return NULL;
    memset(map, 0, size);
    map->v4_cnt = v4->cnt;
    map->v6_cnt = v6->cnt;
    map->v6_starts_off = (uint32_t)v6_starts;
    map->v4_lists_off = (uint32_t)lists;
    map->v6_lists_off = (uint32_t)lists + v4->cnt;
    map->size = (uint32_t)size;
    put_v4(map, v4->range);
    put_v6(map, v6->range);
    return map;
}

/* Takes the spans of one family out of all lists. Returns how many. */
static size_t collect(struct span *out, const struct bd_prefixes *lists, unsigned cnt,
                      enum bd_prefix_list list, bool v4)
{
    size_t n = 0;
    for (unsigned l = 0; l < cnt; l++) {
        for (unsigned i = 0; i < lists[l].cnt; i++) {
            if (bd_ip_is_v4(&lists[l].prefix[i].ip) == v4)
                out[n++] = span_of(&lists[l].prefix[i], list);
        }
    }
    return n;
}

static size_t total(const struct bd_prefixes *lists, unsigned cnt)
{
    size_t n = 0;
    for (unsigned l = 0; l < cnt; l++)
        n += lists[l].cnt;
    return n;
}

struct bd_prefix_map *bd_prefix_map_make(const struct bd_prefixes *allow, unsigned allow_cnt,
                                         const struct bd_prefixes *deny, unsigned deny_cnt)
{
    static const struct bd_ip v4_first = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    size_t most = total(allow, allow_cnt) + total(deny, deny_cnt);
    struct span *span = calloc(most + 1, sizeof(*span));
    struct sweep family[2] = {{.range = calloc(2 * most + 1, sizeof(struct range))},
                              {.range = calloc(2 * most + 1, sizeof(struct range))}};
    struct bd_prefix_map *map = NULL;
    if (span && family[0].range && family[1].range) {
        for (unsigned v4 = 0; v4 < 2; v4++) {
            size_t n = collect(span, allow, allow_cnt, BD_PREFIX_ALLOW, v4);
            n += collect(span + n, deny, deny_cnt, BD_PREFIX_DENY, v4);
            qsort(span, n, sizeof(*span), compare);
            address_t first = v4 ? address_of(&v4_first) : 0;
            sweep_family(&family[v4], span, n, first, v4 ? first | 0xffffffff : ~(address_t)0);
        }
        map = map_of(&family[1], &family[0]);
    }
    free(span);
    free(family[0].range);
    free(family[1].range);
    return map;
}

/* --- looking up ------------------------------------------------------------------------------- */

static enum bd_prefix_list find_v4(const struct bd_prefix_map *map, uint32_t address)
{
    const uint32_t *part = &map->v4_part[address >> (32 - BD_PREFIX_MAP_BITS)];
    uint32_t low = part[0], high = part[1];
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        bool behind = map->v4_start[middle] > address;
        low = behind ? low : middle;
        high = behind ? middle - 1 : high;
    }
    return ((const uint8_t *)map + map->v4_lists_off)[low];
}

static enum bd_prefix_list find_v6(const struct bd_prefix_map *map, address_t address)
{
    const address_t *starts = (const address_t *)((const char *)map + map->v6_starts_off);
    uint32_t low = 0, high = map->v6_cnt - 1;
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        bool behind = starts[middle] > address;
        low = behind ? low : middle;
        high = behind ? middle - 1 : high;
    }
    return ((const uint8_t *)map + map->v6_lists_off)[low];
}

enum bd_prefix_list bd_prefix_map_find(const struct bd_prefix_map *map, const struct bd_ip *ip)
{
    uint32_t v4;
    memcpy(&v4, ip->b + 12, sizeof(v4));
    return bd_ip_is_v4(ip) ? find_v4(map, __builtin_bswap32(v4)) : find_v6(map, address_of(ip));
}
