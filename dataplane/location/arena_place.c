/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena_place.h"

#include <errno.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SHM_DIR         "/dev/shm"
#define HUGE_PAGE_USUAL (2ULL << 20)

int bd_place_of(int fd, const char *path, struct bd_place *place, struct bd_error *error)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return bd_fail(error, "arena %s: statfs: %s", path, strerror(errno));
    place->huge = (unsigned long)fs.f_type == HUGETLBFS_MAGIC;
    place->memory = place->huge || (unsigned long)fs.f_type == TMPFS_MAGIC;
    place->page_sz = place->huge ? (uint64_t)fs.f_bsize : (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

static uint64_t huge_counter(uint64_t page_sz, const char *what)
{
    char path[128];
    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%llukB/%s",
             (unsigned long long)page_sz / 1024, what);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    unsigned long long value = 0;
    if (fscanf(file, "%llu", &value) != 1)
        value = 0;
    fclose(file);
    return value;
}

uint64_t bd_place_huge_free(uint64_t page_sz)
{
    uint64_t free_cnt = huge_counter(page_sz, "free_hugepages");
    uint64_t reserved = huge_counter(page_sz, "resv_hugepages");
    uint64_t overcommit = huge_counter(page_sz, "nr_overcommit_hugepages");
    uint64_t surplus = huge_counter(page_sz, "surplus_hugepages");
    uint64_t had = free_cnt > reserved ? free_cnt - reserved : 0;
    return had + (overcommit > surplus ? overcommit - surplus : 0);
}

static bool has_room(const char *dir, uint64_t total_sz)
{
    struct statfs fs;
    if (access(dir, W_OK | X_OK) != 0 || statfs(dir, &fs) != 0 || fs.f_bsize <= 0)
        return false;
    uint64_t page_sz = (uint64_t)fs.f_bsize;
    uint64_t pages = (total_sz + page_sz - 1) / page_sz;
    /* A mount with a size limit tells its own free blocks, one without tells none at all. */
    if (fs.f_blocks != 0 && fs.f_bfree < pages)
        return false;
    return bd_place_huge_free(page_sz) >= pages;
}

static bool join_path(char *path, size_t path_sz, const char *dir, const char *name)
{
    int n = snprintf(path, path_sz, "%s/%s", dir, name);
    return n > 0 && (size_t)n < path_sz;
}

/* Whether one kind of pages serves an arena better than another: the larger, but none that the
 * arena would not fill: others on the machine want the large ones too. */
static bool is_better(uint64_t page_sz, uint64_t than, uint64_t total_sz)
{
    if (than == 0)
        return true;
    return page_sz > than ? page_sz <= total_sz : than > total_sz && page_sz < than;
}

/* Walks the hugetlbfs mounts; true when `path` was set to an existing file, or with `create` to the
 * best place with room, of several alike the first. */
static bool find_on_huge(const char *name, uint64_t total_sz, bool create, char *path,
                         size_t path_sz)
{
    FILE *mounts = setmntent("/proc/mounts", "re");
    if (!mounts)
        return false;
    uint64_t best = 0;
    struct mntent entry;
    struct statfs fs;
    char text[1024], candidate[256];
    while ((create || !best) && getmntent_r(mounts, &entry, text, sizeof(text))) {
        if (strcmp(entry.mnt_type, "hugetlbfs") != 0 || statfs(entry.mnt_dir, &fs) != 0 ||
            !join_path(candidate, sizeof(candidate), entry.mnt_dir, name))
            continue;
        bool usable = create ? has_room(entry.mnt_dir, total_sz) : access(candidate, F_OK) == 0;
        if (usable && is_better((uint64_t)fs.f_bsize, best, total_sz)) {
            best = (uint64_t)fs.f_bsize;
            snprintf(path, path_sz, "%s", candidate);
        }
    }
    endmntent(mounts);
    return best != 0;
}

void bd_place_choose(const char *name, uint64_t total_sz, char *path, size_t path_sz,
                     uint64_t *short_of_huge)
{
    *short_of_huge = 0;
    if (find_on_huge(name, total_sz, false, path, path_sz))
        return;
    if (join_path(path, path_sz, SHM_DIR, name) && access(path, F_OK) == 0) {
        *short_of_huge = (total_sz + HUGE_PAGE_USUAL - 1) / HUGE_PAGE_USUAL;
        return;
    }
    if (find_on_huge(name, total_sz, true, path, path_sz))
        return;
    join_path(path, path_sz, SHM_DIR, name);
    *short_of_huge = (total_sz + HUGE_PAGE_USUAL - 1) / HUGE_PAGE_USUAL;
}
