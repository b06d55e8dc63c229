/* SPDX-License-Identifier: BSD-3-Clause */
/* Which changed keys need a restart. */
#include "schema.h"
#include "tree.h"

struct difference {
    const char *path;
    const char *running, *loaded; /* the structs that are compared */
    char *out;
    size_t out_sz;
    unsigned cnt;
};

static void name(struct difference *d, const char *path)
{
    size_t len = strlen(d->out);
    if (len + 1 < d->out_sz)
        snprintf(d->out + len, d->out_sz - len, "%s%s", len ? ", " : "", path);
    d->cnt++;
}

static void compare_row(const struct bd_group *group, const struct bd_row *row, void *base,
                        void *arg)
{
    struct difference *d = arg;
    const char *loaded = d->loaded + ((const char *)base - d->running);
    if (!row->restart || row->kind->equal(row, base, loaded))
        return;
    char path[BD_PATH_MAX];
    bd_path_key(path, d->path, row->name);
    name(d, path);
}

static void compare_items(struct difference *d, const struct bd_section *section,
                          const struct bd_config *running, const struct bd_config *loaded)
{
    unsigned running_cnt, loaded_cnt;
    char *a = bd_section_items(section, running, &running_cnt);
    char *b = bd_section_items(section, loaded, &loaded_cnt);
    if (running_cnt != loaded_cnt && section->groups[0].rows[0].restart) {
        name(d, section->name);
        return;
    }
    unsigned cnt = running_cnt < loaded_cnt ? running_cnt : loaded_cnt;
    for (unsigned i = 0; i < cnt; i++) {
        char path[BD_PATH_MAX];
        bd_path_item(path, section->name, i);
        d->path = path;
        d->running = a + i * section->item_sz;
        d->loaded = b + i * section->item_sz;
        bd_rows_visit(section, a + i * section->item_sz, compare_row, d);
    }
}

unsigned bd_config_needs_restart(const struct bd_config *running, const struct bd_config *loaded,
                                 char *out, size_t out_sz)
{
    struct difference d = {.out = out, .out_sz = out_sz};
    if (out_sz)
        out[0] = '\0';
    for (unsigned i = 0; i < bd_section_cnt; i++) {
        const struct bd_section *section = &bd_sections[i];
        if (section->shape == BD_SHAPE_MAPS) {
            compare_items(&d, section, running, loaded);
            continue;
        }
        d.path = section->shape == BD_SHAPE_ROW ? "" : section->name;
        d.running = (const char *)running;
        d.loaded = (const char *)loaded;
        bd_rows_visit(section, (void *)(uintptr_t)running, compare_row, &d);
    }
    return d.cnt;
}
