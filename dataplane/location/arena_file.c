/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define REGION_ALIGN BD_ARENA_REGION_ALIGN

static uint64_t round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

uint64_t bd_arena_total(const struct bd_arena_params *params, uint64_t page_sz)
{
    uint64_t total = REGION_ALIGN;
    for (unsigned r = 0; r < BD_REGION_CNT; r++)
        total += round_up(params->region_sz[r], REGION_ALIGN);
    return round_up(total, page_sz);
}

/* --- an existing file ------------------------------------------------------------------------ */

bool bd_arena_peek(int fd, uint64_t page_sz, struct bd_arena_header *header)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < page_sz)
        return false;
    void *page = mmap(NULL, page_sz, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return false;
    memcpy(header, page, sizeof(*header));
    munmap(page, page_sz);
    return true;
}

static int check_header(const struct bd_arena *arena, const struct bd_arena_header *header,
                        const struct bd_arena_params *params, uint64_t file_sz,
                        struct bd_error *error)
{
    if (header->layout != BD_ARENA_LAYOUT)
        return bd_fail(error,
                       "arena %s: has layout %u, this version uses %u; start the version that "
                       "made it, or remove the file while both processes are stopped (bindings "
                       "come from the journal then)",
                       arena->path, header->layout, BD_ARENA_LAYOUT);
    bool same = header->fingerprint == params->fingerprint;
    for (unsigned r = 0; r < BD_REGION_CNT; r++)
        same = same && header->region_sz[r] == params->region_sz[r];
    if (!same)
        return bd_fail(error,
                       "arena %s: was made for other sizes (%" PRIu64 " MiB in all, now %" PRIu64
                       " MiB are asked for); restart with the former values or remove the file "
                       "while both processes are stopped (bindings come from the journal then)",
                       arena->path, header->total_sz >> 20,
                       bd_arena_total(params, header->page_sz) >> 20);
    if (header->total_sz != file_sz)
        return bd_fail(
            error,
            "arena %s: is damaged: %" PRIu64 " bytes long, should be %" PRIu64
            "; remove it while both processes are stopped (bindings come from the journal "
            "then)",
            arena->path, file_sz, header->total_sz);
    return 0;
}

/* A creator died before it wrote the magic: the file has our size and its header is ours as far as
 * it was written, or all zero. Any other file without magic is somebody else's. */
static bool half_made(const struct bd_arena_header *header, uint64_t file_sz, uint64_t total_sz)
{
    static const struct bd_arena_header zero;
    if (header->magic != 0 || file_sz != total_sz)
        return false;
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): its gaps are 0 too */
    return memcmp(header, &zero, sizeof(zero)) == 0 ||
           (header->layout == BD_ARENA_LAYOUT && header->total_sz == total_sz);
}

int bd_arena_judge(const struct bd_arena *arena, const struct bd_place *place,
                   const struct bd_arena_params *params, struct bd_error *error)
{
    struct stat st;
    if (fstat(arena->fd, &st) != 0)
        return bd_fail(error, "arena %s: %s", arena->path, strerror(errno));
    if (st.st_size == 0)
        return 1;
    struct bd_arena_header header = {0};
    bool whole = bd_arena_peek(arena->fd, place->page_sz, &header);
    /* A file on a disk outlives the machine's run, and with it the clock that its times are by. */
    if (whole && header.magic == BD_ARENA_MAGIC)
        return check_header(arena, &header, params, (uint64_t)st.st_size, error) < 0
                   ? -1
                   : header.boot != bd_clock_boot();
    if (whole && half_made(&header, (uint64_t)st.st_size, bd_arena_total(params, place->page_sz)))
        return 1;
    return bd_fail(error,
                   "arena %s: not a Bindery arena (magic %016" PRIx64
                   "); move it away or choose another arena.file",
                   arena->path, (uint64_t)header.magic);
}

int bd_arena_map(struct bd_arena *arena, int populate, struct bd_error *error)
{
    void *base =
        mmap(NULL, arena->size, PROT_READ | PROT_WRITE, MAP_SHARED | populate, arena->fd, 0);
    if (base == MAP_FAILED)
        return bd_fail(error, "arena %s: cannot map %" PRIu64 " MiB: %s", arena->path,
                       arena->size >> 20, strerror(errno));
    arena->base = base;
    arena->header = base;
    return 0;
}

/* --- a new file ------------------------------------------------------------------------------ */

static uint64_t memory_available(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file)
        return UINT64_MAX;
    char line[128];
    unsigned long long kib = UINT64_MAX >> 10;
    while (fgets(line, sizeof(line), file) && sscanf(line, "MemAvailable: %llu", &kib) != 1)
        continue;
    fclose(file);
    return (uint64_t)kib << 10;
}

/* Asked before anything is touched: a page that is missing later would be a SIGBUS. */
static int check_memory(const struct bd_arena *arena, const struct bd_place *place,
                        struct bd_error *error)
{
    if (!place->huge) {
        uint64_t available = memory_available();
        if (available >= arena->size)
            return 0;
        return bd_fail(error,
                       "arena %s: needs %" PRIu64 " MiB, %" PRIu64
                       " MiB of memory are available: lower arena.bindings_max",
                       arena->path, arena->size >> 20, available >> 20);
    }
    uint64_t needed = arena->size / place->page_sz;
    uint64_t available = bd_place_huge_free(place->page_sz);
    if (available >= needed)
        return 0;
    uint64_t kib = place->page_sz >> 10;
    return bd_fail(error,
                   "arena %s: needs %" PRIu64 " hugepages of %" PRIu64 " kB, %" PRIu64
                   " are free: add %" PRIu64 " to /sys/kernel/mm/hugepages/hugepages-%" PRIu64
                   "kB/nr_hugepages",
                   arena->path, needed, kib, available, needed - available, kib);
}

static void fill_header(struct bd_arena *arena, const struct bd_arena_params *params,
                        uint64_t page_sz, uint64_t seed)
{
    struct bd_arena_header *header = arena->header;
    header->layout = BD_ARENA_LAYOUT;
    header->page_sz = (uint32_t)page_sz;
    header->total_sz = arena->size;
    header->fingerprint = params->fingerprint;
    header->hash_seed = seed;
    header->created_wall_ms = bd_wall_ms();
    header->boot = bd_clock_boot();
    uint64_t off = REGION_ALIGN;
    for (unsigned r = 0; r < BD_REGION_CNT; r++) {
        header->region_off[r] = off;
        header->region_sz[r] = params->region_sz[r];
        off += round_up(params->region_sz[r], REGION_ALIGN);
    }
}

int bd_arena_make(struct bd_arena *arena, const struct bd_arena_params *params, uint64_t page_sz,
                  int populate, struct bd_error *error)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return bd_fail(error, "arena %s: no random numbers: %s", arena->path, strerror(errno));
    if (bd_arena_map(arena, populate, error) < 0)
        return -1;
    fill_header(arena, params, page_sz, seed);
    bd_hash_key_init(&arena->hash_key, seed);
    if (params->format)
        params->format(arena, params->format_arg);
    arena->created = true;
    /* Release; whoever reads the magic reads a whole arena. */
    atomic_store_explicit(&arena->header->magic, BD_ARENA_MAGIC, memory_order_release);
    return 0;
}

int bd_arena_create(struct bd_arena *arena, const struct bd_place *place,
                    const struct bd_arena_params *params, struct bd_error *error)
{
    arena->size = bd_arena_total(params, place->page_sz);
    /* What a predecessor left half made goes first, so its pages count as free again. */
    if (ftruncate(arena->fd, 0) != 0)
        return bd_fail(error, "arena %s: %s", arena->path, strerror(errno));
    if (check_memory(arena, place, error) < 0)
        return -1;
    if (ftruncate(arena->fd, (off_t)arena->size) != 0 ||
        fallocate(arena->fd, 0, 0, (off_t)arena->size) != 0) {
        int reason = errno;
        if (ftruncate(arena->fd, 0) != 0)
            reason = errno;
        return bd_fail(error, "arena %s: cannot take %" PRIu64 " MiB: %s", arena->path,
                       arena->size >> 20, strerror(reason));
    }
    return bd_arena_make(arena, params, place->page_sz, MAP_POPULATE, error);
}
