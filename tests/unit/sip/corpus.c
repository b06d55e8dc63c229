/* SPDX-License-Identifier: BSD-3-Clause */
#include "corpus.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct bd_str read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        err(1, "%s", path);
    char *text = malloc(65536);
    if (!text)
        err(1, "malloc");
    size_t len = fread(text, 1, 65536, f);
    fclose(f);
    return (struct bd_str){text, (uint32_t)len};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct corpus_file *)a)->name, ((const struct corpus_file *)b)->name);
}

void corpus_load(struct corpus *corpus, const char *folder, const char *suffix)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", BD_CORPUS, folder);
    DIR *dir = opendir(path);
    if (!dir)
        err(1, "%s", path);
    unsigned before = corpus->cnt;
    for (struct dirent *d; (d = readdir(dir));) {
        size_t len = strlen(d->d_name);
        if (len < 4 || strcmp(d->d_name + len - 4, suffix) != 0)
            continue;
        struct corpus_file *file = &corpus->file[corpus->cnt++];
        snprintf(file->name, sizeof(file->name), "%.30s%.60s", folder, d->d_name);
        snprintf(path, sizeof(path), "%s/%s", BD_CORPUS, file->name);
        file->text = read_file(path);
    }
    closedir(dir);
    if (corpus->cnt == before)
        errx(1, "no %s in %s/%s", suffix, BD_CORPUS, folder);
    qsort(corpus->file + before, corpus->cnt - before, sizeof(corpus->file[0]), by_name);
}

void corpus_load_all(struct corpus *corpus)
{
    corpus_load(corpus, "", ".sip");
    corpus_load(corpus, "torture/rfc4475/", ".dat");
    corpus_load(corpus, "torture/rfc5118/", ".dat");
}

const struct corpus_file *corpus_find(const struct corpus *corpus, const char *name)
{
    for (unsigned i = 0; i < corpus->cnt; i++) {
        if (strcmp(corpus->file[i].name, name) == 0)
            return &corpus->file[i];
    }
    return NULL;
}

struct guarded guarded_new(uint32_t cap)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (cap + page - 1) / page * page;
    char *p = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + page, room, PROT_READ | PROT_WRITE) != 0)
        err(1, "guard pages");
    return (struct guarded){p + page, p + page + room};
}

void guarded_free(struct guarded *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(g->begin - page, (size_t)(g->end - g->begin) + 2 * page);
}

char *guarded_high(const struct guarded *g, struct bd_str text)
{
    return text.len ? memcpy(g->end - text.len, text.p, text.len) : g->end;
}

char *guarded_low(const struct guarded *g, struct bd_str text)
{
    return text.len ? memcpy(g->begin, text.p, text.len) : g->begin;
}
