/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAP_MIN = 64 };

static const char *const kind_name[] = {
    [BD_JOURNAL_FILE_JOURNAL] = "journal",
    [BD_JOURNAL_FILE_SNAPSHOT] = "snapshot",
};

void bd_journal_name(enum bd_journal_kind kind, uint64_t number, char out[BD_JOURNAL_NAME_MAX])
{
    snprintf(out, BD_JOURNAL_NAME_MAX, "%s-%" PRIu64, kind_name[kind], number);
}

/* "17", then the end or '.'. NULL for anything else. */
static const char *read_number(const char *p, uint64_t *number)
{
    *number = 0;
    if (*p < '1' || *p > '9')
        return NULL;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*p - '0'), number))
            return NULL;
    }
    return *p == '\0' || *p == '.' ? p : NULL;
}

static bool parse(const char *name, struct bd_journal_file *file)
{
    *file = (struct bd_journal_file){.kind = BD_JOURNAL_FILE_JOURNAL};
    if (strncmp(name, "snapshot-", 9) == 0)
        file->kind = BD_JOURNAL_FILE_SNAPSHOT;
    else if (strncmp(name, "journal-", 8) != 0)
        return false;
    size_t len = strlen(name);
    if (len >= sizeof(file->name))
        return false;
    memcpy(file->name, name, len + 1);
    const char *end = read_number(strchr(name, '-') + 1, &file->number);
    if (!end)
        return false;
    file->tmp = strcmp(end, ".tmp") == 0 && file->kind == BD_JOURNAL_FILE_SNAPSHOT;
    file->bad = strncmp(end, ".bad-", 5) == 0;
    return *end == '\0' || file->tmp || file->bad;
}

/* Room for one more. */
static bool grow(struct bd_journal_files *files)
{
    if (files->cnt + files->bad_cnt < files->cap)
        return true;
    unsigned cap = files->cap ? 2 * files->cap : CAP_MIN;
    struct bd_journal_file *file = realloc(files->file, cap * sizeof(*file));
    if (!file)
        return false;
    files->file = file;
    files->cap = cap;
    return true;
}

struct listing {
    struct bd_journal_files *files;
    bool no_memory;
};

static void add(void *context, const char *name)
{
    struct listing *listing = context;
    struct bd_journal_files *files = listing->files;
    struct bd_journal_file file;
    if (!parse(name, &file))
        return;
    if (!grow(files)) {
        listing->no_memory = true;
        return;
    }
    files->file[files->cnt + files->bad_cnt] = file;
    files->cnt += !file.bad;
    files->bad_cnt += file.bad;
}

static int rank(const struct bd_journal_file *file)
{
    return file->tmp * 2 + (file->kind == BD_JOURNAL_FILE_JOURNAL);
}

static int compare(const void *left, const void *right)
{
    const struct bd_journal_file *a = left, *b = right;
    if (a->bad != b->bad)
        return a->bad ? 1 : -1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return rank(a) - rank(b);
}

int bd_journal_files_list(struct bd_journal_files *files, const struct bd_journal_dir *dir,
                          struct bd_error *error)
{
    *files = (struct bd_journal_files){0};
    struct listing listing = {.files = files};
    int rc;
    do {
        files->cnt = files->bad_cnt = 0;
        rc = dir->io->list(dir->io->arg, dir->path, add, &listing);
    } while (rc == -EINTR);
    if (rc == 0 && !listing.no_memory && files->cnt <= BD_JOURNAL_FILES_MAX) {
        if (files->file)
            qsort(files->file, files->cnt + files->bad_cnt, sizeof(*files->file), compare);
        return 0;
    }
    bd_journal_files_free(files);
    if (listing.no_memory)
        return bd_fail(error, "journal %s: no memory for the list of its files", dir->path);
    if (rc < 0)
        return bd_fail(error, "journal %s: cannot read the directory: %s", dir->path,
                       strerror(-rc));
    return bd_fail(error,
                   "journal %s: more than %u files; no snapshot has succeeded for long: look for "
                   "an alarm in `show info`",
                   dir->path, BD_JOURNAL_FILES_MAX);
}

void bd_journal_files_free(struct bd_journal_files *files)
{
    free(files->file);
    *files = (struct bd_journal_files){0};
}

static uint64_t highest_number(const struct bd_journal_files *files)
{
    uint64_t highest = files->cnt ? files->file[files->cnt - 1].number : 0;
    uint64_t bad = files->bad_cnt ? files->file[files->cnt + files->bad_cnt - 1].number : 0;
    return highest > bad ? highest : bad;
}

uint64_t bd_journal_next_number(const struct bd_journal_dir *dir, struct bd_error *error)
{
    struct bd_journal_files files;
    if (bd_journal_files_list(&files, dir, error) < 0)
        return 0;
    uint64_t highest = highest_number(&files);
    bd_journal_files_free(&files);
    if (highest == UINT64_MAX) {
        bd_fail(error, "journal %s: a file has the last possible number; move it away", dir->path);
        return 0;
    }
    return highest + 1;
}

int bd_journal_prune(const struct bd_journal_dir *dir, uint64_t number, struct bd_error *error)
{
    struct bd_journal_files files;
    int rc = bd_journal_files_list(&files, dir, error);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < files.cnt; i++) {
        const struct bd_journal_file *file = &files.file[i];
        if (file->number > number || (file->number == number && !file->tmp))
            continue;
        int gone = bd_journal_unlink(dir, file->name);
        if (gone < 0 && gone != -ENOENT && rc == 0)
            rc =
                bd_fail(error, "journal %s/%s: cannot be removed: %s; remove it, it is superfluous",
                        dir->path, file->name, strerror(-gone));
    }
    bd_journal_files_free(&files);
    return rc;
}

int bd_journal_keep(const struct bd_journal_dir *dir, const char *name, uint64_t made_wall_ms,
                    struct bd_error *error)
{
    char kept[2 * BD_JOURNAL_NAME_MAX];
    snprintf(kept, sizeof(kept), "%s.bad-%" PRIu64, name, made_wall_ms);
    int rc = bd_journal_link(dir, name, kept);
    if (rc == 0)
        rc = bd_journal_sync_dir(dir);
    /* The same file by an earlier load: no number is given twice. */
    if (rc == 0 || rc == -EEXIST)
        return 0;
    return bd_fail(error, "journal %s/%s: is damaged and cannot be kept as %s: %s; copy it by hand",
                   dir->path, name, kept, strerror(-rc));
}
