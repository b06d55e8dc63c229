/* SPDX-License-Identifier: BSD-3-Clause */
#include "restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "clock.h"
#include "dirty.h"
#include "journal_load.h"
#include "journal_print.h"
#include "limiter.h"
#include "race.h"
#include "source.h"

/* Puts between two quiescent states: nobody waits, but what they replaced must be given back. */
enum { PUTS_PER_TURN = 1024 };

struct restore {
    const struct bd_config *config;
    struct bd_table *table;
    struct bd_writer *writer;
    uint64_t puts;
    bool full;
    uint64_t source_mask[2];
    uint32_t now_s;
};

/* So that under a flood these phones are heard, though their registrations were in another arena,
 * and those whose bindings ran out while nothing ran. */
static void know(void *arg, const struct bd_binding *binding)
{
    const struct restore *r = arg;
    bd_limits_know(r->table->arena, r->source_mask, &binding->source.ip, r->now_s);
}

/* Alone with the table, so nobody is ever first. */
static int put(void *arg, struct bd_str aor, const struct bd_binding *bindings, unsigned cnt)
{
    struct restore *r = arg;
    struct bd_slot_ref ref;
    uint64_t seen[BD_CONTACTS_PER_AOR_MAX];
    bool there = bd_table_find(r->table, bd_table_hash(r->table, aor), aor, &ref);
    for (unsigned i = 0; there && i < bd_record_cnt(ref.record); i++)
        seen[i] = bd_record_state(ref.record, i);
    if (bd_table_put(r->writer, &ref, aor, seen, bindings, cnt) != BD_TABLE_OK) {
        r->full = true;
        return -1;
    }
    for (unsigned i = 0; i < cnt; i++)
        know(r, &bindings[i]);
    BD_RACE_POINT("restore: put");
    if (++r->puts % PUTS_PER_TURN == 0)
        bd_writer_quiescent(r->writer);
    return there;
}

/* Bucket and mark word are the misses of a put. */
static void prefetch(void *arg, struct bd_str aor)
{
    const struct restore *r = arg;
    bd_table_prefetch_bucket(r->table, bd_table_hash(r->table, aor));
}

static void log_problem(void *arg, const struct bd_journal_problem *problem)
{
    const struct restore *r = arg;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    bd_journal_print_problem(out, problem);
    fclose(out);
    bd_log(BD_LOG_WARNING, "journal %s: %.*s", r->config->journal_dir, (int)strcspn(text, "\n"),
           text);
    free(text);
}

static void tell(const struct restore *r, const struct bd_journal_report *report, uint64_t ms)
{
    struct bd_dirty_shared *shared = bd_dirty_of(r->table->arena);
    atomic_store(&shared->load_problems, report->problems);
    atomic_store(&shared->load_lost, report->lost);
    bd_log(BD_LOG_NOTICE,
           "journal %s: %llu bindings of %llu addresses of record loaded in %llu ms from %u files; "
           "%llu had expired",
           r->config->journal_dir, (unsigned long long)report->bindings,
           (unsigned long long)report->aors, (unsigned long long)ms, report->files,
           (unsigned long long)report->expired);
    if (report->clock_went_back)
        bd_log(BD_LOG_WARNING, "the wall clock is before the journal's last entry: bindings of the "
                               "time in between live longer than they should");
    if (report->problems)
        bd_log(BD_LOG_ERROR,
               "journal %s: %llu damaged places, %llu records are known to be lost; %u files were "
               "kept aside as *.bad-*",
               r->config->journal_dir, (unsigned long long)report->problems,
               (unsigned long long)report->lost, report->kept);
}

static int load(struct restore *r, struct bd_error *error)
{
    uint64_t begun_ms = bd_clock_ms();
    struct bd_journal_report report;
    struct bd_journal_load_params params = {
        .dir = {.io = &bd_journal_io_posix, .path = r->config->journal_dir},
        .now = bd_journal_time_read(),
        .on_binding_set = put,
        .on_expired = know,
        .on_ahead = prefetch,
        .on_problem = log_problem,
        .arg = r,
        .keep = true,
    };
    bd_writer_online(r->writer);
    int rc = bd_journal_load(&params, &report, error);
    bd_writer_offline(r->writer);
    if (rc < 0 && r->full)
        return bd_fail(error,
                       "journal %s: it holds more bindings than fit: raise arena.bindings_max "
                       "(%llu) and remove the arena's file",
                       r->config->journal_dir, (unsigned long long)r->config->bindings_max);
    if (rc == 0)
        tell(r, &report, bd_clock_ms() - begun_ms);
    return rc;
}

static bool is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 || errno != ENOENT;
}

int bd_restore(const struct bd_config *config, struct bd_table *table, struct bd_writer *writer,
               struct bd_error *error)
{
    struct restore r = {.config = config,
                        .table = table,
                        .writer = writer,
                        .source_mask = {bd_source_mask(config->source_prefix_ipv6),
                                        bd_source_mask_v4(config->source_prefix_ipv4)},
                        .now_s = (uint32_t)(bd_clock_ms() / 1000)};
    if (atomic_load(&bd_dirty_of(table->arena)->restored))
        return 0;
    bool none = config->durability == BD_DURABILITY_NONE;
    if (!none && !is_there(config->journal_dir))
        bd_log(BD_LOG_NOTICE, "journal %s: not there yet, so no bindings are loaded",
               config->journal_dir);
    else if (!none && load(&r, error) < 0)
        return -1;
    BD_RACE_POINT("restore: loaded");
    bd_dirty_set_restored(table);
    return 0;
}
