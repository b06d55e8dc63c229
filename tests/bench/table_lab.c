/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_lab.h"

#include <stdio.h>
#include <string.h>

#include "dirty.h"
#include "limiter.h"

enum { RECORD_AVG = 288 };

static const struct {
    const char *name;
    uint64_t bytes;
} sizes[] = {{"1g", 1ULL << 30}, {"2m", 2ULL << 20}, {"4k", 4096}};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void format(struct bd_arena *arena, const void *arg)
{
    bd_table_format(arena, *(const uint64_t *)arg);
}

static int create(struct lab *lab, uint64_t page_sz, struct bd_error *error)
{
    struct bd_arena_params params = {
        .region_sz = {[BD_REGION_LIMITS] = bd_limits_footprint(1),
                      [BD_REGION_TABLE] = bd_table_footprint(lab->entries),
                      [BD_REGION_RECORDS] = bd_records_footprint(lab->entries, RECORD_AVG, 1),
                      [BD_REGION_DIRTY] = bd_dirty_footprint(lab->entries)},
        .private_page_sz = page_sz,
        .format = format,
        .format_arg = &lab->entries};
    return bd_arena_create_private(&lab->arena, &params, error);
}

static bool create_on(struct lab *lab, const char *pages, struct bd_error *error)
{
    bd_fail(error, "--pages %s: 4k, 2m or 1g", pages ? pages : "");
    for (unsigned i = 0; i < SIZES; i++) {
        if (pages && strcmp(pages, sizes[i].name) != 0)
            continue;
        lab->pages = sizes[i].name;
        if (create(lab, sizes[i].bytes, error) == 0)
            return true;
    }
    return false;
}

bool lab_open(struct lab *lab, uint64_t entries, unsigned workers, const char *pages)
{
    struct bd_error error;
    *lab = (struct lab){.entries = entries, .workers = workers};
    if (create_on(lab, pages, &error) && bd_table_join(&lab->table, &lab->arena, &error) == 0)
        return lab_rebuild(lab);
    fprintf(stderr, "%s\n", error.text);
    return false;
}

void lab_close(struct lab *lab)
{
    bd_memory_free(lab->memory);
    bd_arena_leave(&lab->arena);
}

bool lab_rebuild(struct lab *lab)
{
    struct bd_error error;
    bd_memory_free(lab->memory);
    lab->memory = bd_memory_rebuild(&lab->table, lab->workers, &error);
    if (!lab->memory)
        fprintf(stderr, "%s\n", error.text);
    return lab->memory != NULL;
}

void lab_aor(uint64_t number, char *out)
{
    memcpy(out, "u00000000000@example.org", LAB_AOR_LEN);
    for (unsigned i = 11; number; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
}

struct bd_binding lab_binding(uint32_t expires_at_s)
{
    static const char text[64] = "sip:4711@198.18.200.200:50600;transport=udp;ob;line=abcdef0";
    return (struct bd_binding){.text = {[BD_TEXT_URI] = {text, 56},
                                        [BD_TEXT_CALL_ID] = {text, 36},
                                        [BD_TEXT_PARAMS] = {text, 40},
                                        [BD_TEXT_USER_AGENT] = {text, 32}},
                               .state = bd_state_make(1, expires_at_s),
                               .q_milli = BD_Q_NONE};
}

double lab_bytes_per_binding(const struct lab *lab)
{
    struct bd_table_info info;
    bd_table_info(&lab->table, bd_epoch_control(0), 1, &info);
    bd_epoch_offline(lab->table.epoch, bd_epoch_control(0));
    double table = (double)bd_table_footprint(lab->entries);
    return info.contacts ? ((double)info.record_bytes_carved + table) / (double)info.contacts : 0;
}
