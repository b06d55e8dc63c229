/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena_place.h"
#include "clock.h"

#define REGION_ALIGN     (2ULL << 20)
#define ROLE_WAIT_MS     1000
#define CREATION_WAIT_MS 60000 /* zeroing hundreds of gigabytes takes a while */
#define RETRY_US         10000
/* Bytes of the file that stand for locks: one a role, then the creation. */
#define CREATION_BYTE BD_ROLE_CNT

_Static_assert(sizeof(struct bd_role_line) == 64, "kept in shared memory");
_Static_assert(sizeof(struct bd_arena_header) == 384, "kept in shared memory");
_Static_assert(offsetof(struct bd_arena_header, role) == 192, "kept in shared memory");

static const char *const role_name[BD_ROLE_CNT] = {"bindery-dataplane", "bindery-control"};

static uint64_t round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

static uint64_t total_of(const struct bd_arena_params *params, uint64_t page_sz)
{
    uint64_t total = REGION_ALIGN;
    for (unsigned r = 0; r < BD_REGION_CNT; r++)
        total += round_up(params->region_sz[r], REGION_ALIGN);
    return round_up(total, page_sz);
}

/* --- locks ----------------------------------------------------------------------------------- */

static struct flock lock_of(short type, unsigned byte)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

/* Tries for wait_ms. False when somebody else has it. */
static bool lock_byte(int fd, unsigned byte, unsigned wait_ms)
{
    uint64_t until = bd_clock_ms() + wait_ms;
    struct flock lock = lock_of(F_WRLCK, byte);
    while (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (bd_clock_ms() >= until)
            return false;
        usleep(RETRY_US);
    }
    return true;
}

static void unlock_byte(int fd, unsigned byte)
{
    struct flock lock = lock_of(F_UNLCK, byte);
    fcntl(fd, F_OFD_SETLK, &lock);
}

bool bd_arena_role_alive(const struct bd_arena *arena, enum bd_role role)
{
    if (role == arena->role)
        return true;
    struct flock lock = lock_of(F_WRLCK, role);
    return fcntl(arena->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* --- an existing file ------------------------------------------------------------------------ */

/* Copies the header of a file of unknown content. False when it is shorter than one. */
static bool peek_header(int fd, uint64_t page_sz, struct bd_arena_header *header)
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

static int running_already(struct bd_arena *arena, const struct bd_place *place,
                           struct bd_error *error)
{
    struct bd_arena_header header;
    unsigned pid = 0;
    if (peek_header(arena->fd, place->page_sz, &header) && header.magic == BD_ARENA_MAGIC)
        pid = header.role[arena->role].pid;
    return bd_fail(error, "arena %s: belongs to a running %s (pid %u); stop it first", arena->path,
                   role_name[arena->role], pid);
}

static int check_header(const struct bd_arena *arena, const struct bd_arena_header *header,
                        const struct bd_arena_params *params, uint64_t file_sz,
                        struct bd_error *error)
{
    if (header->layout != BD_ARENA_LAYOUT)
        return bd_fail(error,
                       "arena %s: has layout %u, this version uses %u; start the version that "
                       "made it, or remove the file while both processes are stopped (bindings "
                       "are lost)",
                       arena->path, header->layout, BD_ARENA_LAYOUT);
    bool same = header->fingerprint == params->fingerprint;
    for (unsigned r = 0; r < BD_REGION_CNT; r++)
        same = same && header->region_sz[r] == params->region_sz[r];
    if (!same)
        return bd_fail(error,
                       "arena %s: was made for other sizes (%" PRIu64 " MiB in all, now %" PRIu64
                       " MiB are asked for); restart with the former values or remove the file "
                       "while both processes are stopped (bindings are lost)",
                       arena->path, header->total_sz >> 20,
                       total_of(params, header->page_sz) >> 20);
    if (header->total_sz != file_sz)
        return bd_fail(error,
                       "arena %s: is damaged: %" PRIu64 " bytes long, should be %" PRIu64
                       "; remove it while both processes are stopped (bindings are lost)",
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
    return memcmp(header, &zero, sizeof(zero)) == 0 ||
           (header->layout == BD_ARENA_LAYOUT && header->total_sz == total_sz);
}

/* 0: an arena to join; 1: a file to fill. */
static int judge(const struct bd_arena *arena, const struct bd_place *place,
                 const struct bd_arena_params *params, struct bd_error *error)
{
    struct stat st;
    if (fstat(arena->fd, &st) != 0)
        return bd_fail(error, "arena %s: %s", arena->path, strerror(errno));
    if (st.st_size == 0)
        return 1;
    struct bd_arena_header header = {0};
    bool whole = peek_header(arena->fd, place->page_sz, &header);
    if (whole && header.magic == BD_ARENA_MAGIC)
        return check_header(arena, &header, params, (uint64_t)st.st_size, error);
    if (whole && half_made(&header, (uint64_t)st.st_size, total_of(params, place->page_sz)))
        return 1;
    return bd_fail(error,
                   "arena %s: not a Bindery arena (magic %016" PRIx64
                   "); move it away or choose another arena.file",
                   arena->path, (uint64_t)header.magic);
}

static int map(struct bd_arena *arena, int populate, struct bd_error *error)
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
    uint64_t off = REGION_ALIGN;
    for (unsigned r = 0; r < BD_REGION_CNT; r++) {
        header->region_off[r] = off;
        header->region_sz[r] = params->region_sz[r];
        off += round_up(params->region_sz[r], REGION_ALIGN);
    }
}

/* Maps a file that is empty or half made, and makes an arena of it. */
static int make(struct bd_arena *arena, const struct bd_arena_params *params, uint64_t page_sz,
                int populate, struct bd_error *error)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return bd_fail(error, "arena %s: no random numbers: %s", arena->path, strerror(errno));
    if (map(arena, populate, error) < 0)
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

static int create(struct bd_arena *arena, const struct bd_place *place,
                  const struct bd_arena_params *params, struct bd_error *error)
{
    arena->size = total_of(params, place->page_sz);
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
    return make(arena, params, place->page_sz, MAP_POPULATE, error);
}

/* --- joining --------------------------------------------------------------------------------- */

static void sign_in(struct bd_arena *arena)
{
    struct bd_role_line *line = &arena->header->role[arena->role];
    uint32_t generation = atomic_load(&line->generation) + 1;
    atomic_store(&line->serving, 0);
    atomic_store(&line->pid, (uint32_t)getpid());
    atomic_store(&line->started_ms, bd_clock_ms());
    atomic_store(&line->heartbeat_ms, bd_clock_ms());
    atomic_store(&line->generation, generation ? generation : 1);
}

static int open_file(struct bd_arena *arena, bool *fresh, struct bd_error *error)
{
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    arena->fd = open(arena->path, flags | O_EXCL, 0600);
    *fresh = arena->fd >= 0;
    if (!*fresh)
        arena->fd = open(arena->path, flags, 0600);
    if (arena->fd < 0)
        return bd_fail(error, "arena %s: cannot open: %s%s", arena->path, strerror(errno),
                       errno == EACCES ? "; run both processes as the user that made it" : "");
    struct stat st;
    if (fstat(arena->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return bd_fail(error, "arena %s: not a regular file; choose another arena.file",
                       arena->path);
    return 0;
}

/* Opens the file and takes the creation lock. Again when a creator that failed removed the file
 * between the two: then this process holds a file that nobody else can find. */
static int open_locked(struct bd_arena *arena, bool *fresh, struct bd_error *error)
{
    struct stat st;
    do {
        if (arena->fd >= 0)
            close(arena->fd);
        if (open_file(arena, fresh, error) < 0)
            return -1;
        if (!lock_byte(arena->fd, CREATION_BYTE, CREATION_WAIT_MS))
            return bd_fail(error,
                           "arena %s: another process has been creating it for %u s; stop it",
                           arena->path, CREATION_WAIT_MS / 1000);
    } while (fstat(arena->fd, &st) == 0 && st.st_nlink == 0);
    return 0;
}

/* Under the creation lock. */
static int join_or_create(struct bd_arena *arena, const struct bd_place *place,
                          const struct bd_arena_params *params, struct bd_error *error)
{
    int verdict = judge(arena, place, params, error);
    if (verdict < 0)
        return -1;
    if (!lock_byte(arena->fd, arena->role, ROLE_WAIT_MS))
        return running_already(arena, place, error);
    if (verdict == 1)
        return create(arena, place, params, error);
    arena->size = total_of(params, place->page_sz);
    if (map(arena, MAP_POPULATE, error) < 0)
        return -1;
    bd_hash_key_init(&arena->hash_key, arena->header->hash_seed);
    return 0;
}

static int join_path(struct bd_arena *arena, const struct bd_arena_params *params,
                     struct bd_error *error)
{
    struct bd_place place;
    bool fresh;
    if (open_locked(arena, &fresh, error) < 0 ||
        bd_place_of(arena->fd, arena->path, &place, error) < 0)
        return -1;
    arena->huge = place.huge;
    if (!place.memory)
        bd_log(BD_LOG_WARNING,
               "arena %s: lies on a disk file system: slow; put it on hugetlbfs or in /dev/shm",
               arena->path);
    int rc = join_or_create(arena, &place, params, error);
    if (rc == 0)
        sign_in(arena);
    else if (fresh)
        unlink(arena->path); /* made by this call, and empty */
    unlock_byte(arena->fd, CREATION_BYTE);
    return rc;
}

static void let_go(struct bd_arena *arena)
{
    if (arena->base)
        munmap(arena->base, arena->size);
    if (arena->fd >= 0)
        close(arena->fd);
    *arena = (struct bd_arena){.fd = -1};
}

int bd_arena_join(struct bd_arena *arena, const char *path, const char *name, enum bd_role role,
                  const struct bd_arena_params *params, struct bd_error *error)
{
    *arena = (struct bd_arena){.fd = -1, .role = role};
    uint64_t missing = 0;
    if (path)
        snprintf(arena->path, sizeof(arena->path), "%s", path);
    else
        bd_place_choose(name, total_of(params, REGION_ALIGN), arena->path, sizeof(arena->path),
                        &missing);
    if (missing)
        bd_log(BD_LOG_WARNING,
               "arena %s: no hugetlbfs mount has room: slower; for hugepages stop both processes, "
               "echo %" PRIu64 " > /proc/sys/vm/nr_hugepages, remove the file and start again",
               arena->path, missing);
    if (join_path(arena, params, error) == 0)
        return 0;
    let_go(arena);
    return -1;
}

int bd_arena_create_private(struct bd_arena *arena, const struct bd_arena_params *params,
                            struct bd_error *error)
{
    *arena = (struct bd_arena){.role = BD_ROLE_DATAPLANE, .path = "(private)"};
    uint64_t page_sz = (uint64_t)sysconf(_SC_PAGESIZE);
    arena->size = total_of(params, page_sz);
    arena->fd = memfd_create("bindery-arena", MFD_CLOEXEC);
    if (arena->fd < 0 || ftruncate(arena->fd, (off_t)arena->size) != 0) {
        bd_fail(error, "arena %s: %s", arena->path, strerror(errno));
    } else if (make(arena, params, page_sz, 0, error) == 0) {
        sign_in(arena);
        return 0;
    }
    let_go(arena);
    return -1;
}

void bd_arena_leave(struct bd_arena *arena)
{
    if (arena->base)
        let_go(arena);
}
