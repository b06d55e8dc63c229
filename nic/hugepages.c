/* SPDX-License-Identifier: BSD-3-Clause */
#include "hugepages.h"

#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SMALL_KB = 2048, LARGE_KB = 1048576 };

static uint64_t free_mb(unsigned page_kb)
{
    char path[128];
    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%ukB/free_hugepages", page_kb);
    FILE *file = fopen(path, "re");
    unsigned long pages = 0;
    if (!file)
        return 0;
    if (fscanf(file, "%lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (page_kb / 1024);
}

struct bd_hugepages bd_hugepages_free(void)
{
    return (struct bd_hugepages){.small_mb = free_mb(SMALL_KB), .large_mb = free_mb(LARGE_KB)};
}

static bool is_small_and_ours(const struct mntent *mount)
{
    struct statfs fs;
    return strcmp(mount->mnt_type, "hugetlbfs") == 0 && statfs(mount->mnt_dir, &fs) == 0 &&
           fs.f_bsize == (long)SMALL_KB * 1024 && access(mount->mnt_dir, W_OK | X_OK) == 0;
}

bool bd_hugepages_small_dir(char *dir, size_t dir_sz)
{
    FILE *mounts = setmntent("/proc/mounts", "re");
    if (!mounts)
        return false;
    struct mntent entry;
    char text[1024];
    bool found = false;
    while (!found && getmntent_r(mounts, &entry, text, sizeof(text))) {
        if (is_small_and_ours(&entry))
            found = snprintf(dir, dir_sz, "%s", entry.mnt_dir) < (int)dir_sz;
    }
    endmntent(mounts);
    return found;
}
