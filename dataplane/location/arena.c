/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena_file.h"
#include "clock.h"

#define ROLE_WAIT_MS     1000
#define CREATION_WAIT_MS 60000 /* zeroing hundreds of gigabytes takes a while */
#define RETRY_US         10000
/* Bytes of the file that stand for locks: one a role, then the creation. */
#define CREATION_BYTE BD_ROLE_CNT

_Static_assert(sizeof(struct bd_role_line) == 64, "kept in shared memory");
_Static_assert(sizeof(struct bd_arena_header) == 448, "kept in shared memory");
_Static_assert(offsetof(struct bd_arena_header, role) == 256, "kept in shared memory");

static const char *const role_name[BD_ROLE_CNT] = {"bindery-dataplane", "bindery-control"};

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

/* --- joining --------------------------------------------------------------------------------- */

static int running_already(struct bd_arena *arena, const struct bd_place *place,
                           struct bd_error *error)
{
    struct bd_arena_header header;
    unsigned pid = 0;
    if (bd_arena_peek(arena->fd, place->page_sz, &header) && header.magic == BD_ARENA_MAGIC)
        pid = header.role[arena->role].pid;
    return bd_fail(error, "arena %s: belongs to a running %s (pid %u); stop it first", arena->path,
                   role_name[arena->role], pid);
}

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

static int open_file(struct bd_arena *arena, struct bd_error *error)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    bool vanished;
    do {
        arena->fd = open(arena->path, flags | O_CREAT | O_EXCL, 0600);
        arena->fresh = arena->fd >= 0;
        bool there = !arena->fresh && errno == EEXIST;
        /* Without O_CREAT: in a directory that is everybody's the kernel lets not even root open
         * another user's file with it (fs.protected_regular). */
        if (there)
            arena->fd = open(arena->path, flags);
        vanished = there && arena->fd < 0 && errno == ENOENT;
    } while (vanished);
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
static int open_locked(struct bd_arena *arena, struct bd_error *error)
{
    struct stat st = {0};
    do {
        if (arena->fd >= 0)
            close(arena->fd);
        if (open_file(arena, error) < 0)
            return -1;
        if (!lock_byte(arena->fd, CREATION_BYTE, CREATION_WAIT_MS))
            return bd_fail(error,
                           "arena %s: another process has been creating it for %u s; stop it",
                           arena->path, CREATION_WAIT_MS / 1000);
    } while (fstat(arena->fd, &st) == 0 && st.st_nlink == 0);
    /* Else another had the lock first, and has filled it. */
    arena->fresh = arena->fresh && st.st_size == 0;
    return 0;
}

/* Under the creation lock. */
static int join_or_create(struct bd_arena *arena, const struct bd_place *place,
                          const struct bd_arena_params *params, struct bd_error *error)
{
    int verdict = bd_arena_judge(arena, place, params, error);
    if (verdict < 0)
        return -1;
    if (!lock_byte(arena->fd, arena->role, ROLE_WAIT_MS))
        return running_already(arena, place, error);
    if (verdict == 1)
        return bd_arena_create(arena, place, params, error);
    arena->size = bd_arena_total(params, place->page_sz);
    if (bd_arena_map(arena, MAP_POPULATE, error) < 0)
        return -1;
    bd_hash_key_init(&arena->hash_key, arena->header->hash_seed);
    return 0;
}

static int join_path(struct bd_arena *arena, const struct bd_arena_params *params,
                     struct bd_error *error)
{
    struct bd_place place;
    if (open_locked(arena, error) < 0 || bd_place_of(arena->fd, arena->path, &place, error) < 0)
        return -1;
    arena->huge = place.huge;
    if (!place.memory)
        bd_log(BD_LOG_WARNING,
               "arena %s: lies on a disk file system: slow; put it on hugetlbfs or in /dev/shm",
               arena->path);
    int rc = join_or_create(arena, &place, params, error);
    if (rc == 0)
        sign_in(arena);
    else if (arena->fresh)
        unlink(arena->path); /* made by this call, and empty */
    unlock_byte(arena->fd, CREATION_BYTE);
    return rc;
}

static void let_go(struct bd_arena *arena)
{
    if (arena->base)
        munmap(arena->base, arena->size);
    if (arena->empties && ftruncate(arena->fd, 0) != 0)
        bd_log(BD_LOG_WARNING, "arena %s: cannot be emptied: %s", arena->path, strerror(errno));
    if (arena->fd >= 0)
        close(arena->fd);
    *arena = (struct bd_arena){.fd = -1};
}

/* Where the file is, or will be. */
static int name_file(struct bd_arena *arena, const char *path, const char *name,
                     const struct bd_arena_params *params, uint64_t *missing,
                     struct bd_error *error)
{
    *missing = 0;
    if (path && strlen(path) >= sizeof(arena->path))
        return bd_fail(error, "arena.file: longer than %zu bytes", sizeof(arena->path) - 1);
    if (path)
        snprintf(arena->path, sizeof(arena->path), "%s", path);
    else
        bd_place_choose(name, bd_arena_total(params, BD_ARENA_REGION_ALIGN), arena->path,
                        sizeof(arena->path), missing);
    return 0;
}

int bd_arena_join(struct bd_arena *arena, const char *path, const char *name, enum bd_role role,
                  const struct bd_arena_params *params, struct bd_error *error)
{
    *arena = (struct bd_arena){.fd = -1, .role = role};
    uint64_t missing;
    if (name_file(arena, path, name, params, &missing, error) < 0)
        return -1;
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

int bd_arena_look(struct bd_arena *arena, const char *path, const char *name,
                  const struct bd_arena_params *params, struct bd_error *error)
{
    struct bd_place place;
    uint64_t missing;
    *arena = (struct bd_arena){.fd = -1};
    if (name_file(arena, path, name, params, &missing, error) < 0)
        return -1;
    arena->fd = open(arena->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (arena->fd < 0)
        return errno == ENOENT
                   ? 1
                   : bd_fail(error, "arena %s: cannot open: %s", arena->path, strerror(errno));
    int rc = bd_place_of(arena->fd, arena->path, &place, error);
    if (rc == 0)
        rc = bd_arena_judge(arena, &place, params, error);
    close(arena->fd);
    arena->fd = -1;
    return rc;
}

int bd_arena_create_private(struct bd_arena *arena, const struct bd_arena_params *params,
                            struct bd_error *error)
{
    *arena = (struct bd_arena){.role = BD_ROLE_DATAPLANE, .path = "(private)", .nameless = true};
    uint64_t page_sz = (uint64_t)sysconf(_SC_PAGESIZE);
    unsigned flags = MFD_CLOEXEC;
    int populate = params->private_page_sz ? MAP_POPULATE : 0;
    arena->huge = params->private_page_sz > page_sz;
    if (arena->huge) {
        page_sz = params->private_page_sz;
        flags |= MFD_HUGETLB | (unsigned)__builtin_ctzll(page_sz) << MFD_HUGE_SHIFT;
    }
    arena->size = bd_arena_total(params, page_sz);
    arena->fd = memfd_create("bindery-arena", flags);
    if (arena->fd < 0 || ftruncate(arena->fd, (off_t)arena->size) != 0) {
        bd_fail(error, "arena %s: %s", arena->path, strerror(errno));
    } else if (bd_arena_make(arena, params, page_sz, populate, error) == 0) {
        sign_in(arena);
        return 0;
    }
    let_go(arena);
    return -1;
}

bool bd_arena_in_place(const struct bd_arena *arena)
{
    struct stat ours, there;
    if (arena->nameless || fstat(arena->fd, &ours) != 0)
        return true;
    if (stat(arena->path, &there) != 0)
        return errno != ENOENT;
    return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* Who waits for the creation lock meanwhile finds that the file has lost its name, or nothing in
 * it, and begins anew. It is emptied when this process uses it no more: until then nobody may join.
 */
void bd_arena_discard(struct bd_arena *arena)
{
    if (!arena->base || !arena->created || !lock_byte(arena->fd, CREATION_BYTE, ROLE_WAIT_MS))
        return;
    enum bd_role other = arena->role == BD_ROLE_CONTROL ? BD_ROLE_DATAPLANE : BD_ROLE_CONTROL;
    bool alone = atomic_load(&arena->header->role[other].generation) == 0;
    if (alone && arena->fresh)
        unlink(arena->path);
    arena->empties = alone && !arena->fresh;
    if (!arena->empties)
        unlock_byte(arena->fd, CREATION_BYTE);
}

void bd_arena_leave(struct bd_arena *arena)
{
    if (arena->base)
        let_go(arena);
}
