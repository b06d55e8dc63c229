/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_load.h"

#include <stdlib.h>

#include "journal_load_private.h"

/* --- second pass ------------------------------------------------------------------------------ */

/* A time of the file in seconds of now.clock_ms; 0: not within this boot. */
static uint32_t clock_s(struct bd_journal_load *l, const struct bd_journal_scanned *s,
                        uint64_t file_ms)
{
    int64_t clock_ms = bd_journal_boots_clock(s->last, &l->params->now, &s->header, file_ms,
                                              &l->report->clock_went_back);
    if (clock_ms < 0)
        return 0;
    return clock_ms / 1000 < UINT32_MAX ? (uint32_t)(clock_ms / 1000) : UINT32_MAX - 1;
}

/* The contacts of the record that are not over, in `bindings`. */
static unsigned living(struct bd_journal_load *l, const struct bd_journal_scanned *s,
                       struct bd_binding *bindings)
{
    struct bd_journal_record *record = &l->record;
    unsigned cnt = 0;
    for (unsigned c = 0; c < record->cnt; c++) {
        uint32_t expires_at_s = clock_s(l, s, record->contact[c].expires_ms);
        if (expires_at_s <= l->params->now.clock_ms / 1000) {
            l->report->expired++;
            if (l->params->on_expired)
                l->params->on_expired(l->params->arg, &record->binding[c]);
            continue;
        }
        struct bd_binding *binding = &bindings[cnt++];
        *binding = record->binding[c];
        binding->state = bd_state_make(record->contact[c].cseq, expires_at_s);
        binding->txn = record->contact[c].txn;
        binding->created_at_s = clock_s(l, s, record->created_ms[c]);
    }
    return cnt;
}

static int give(struct bd_journal_load *l, const struct bd_binding *bindings, unsigned cnt)
{
    int rc = l->params->on_binding_set(l->params->arg, l->record.aor, bindings, cnt);
    if (rc < 0)
        return bd_fail(l->error, "journal %s: loading was stopped at %.*s", l->params->dir.path,
                       BD_STR_ARG(l->record.aor));
    l->report->replaced += rc > 0;
    l->report->aors += cnt > 0;
    l->report->bindings += cnt;
    return 0;
}

static int give_put(struct bd_journal_load *l, unsigned i)
{
    struct bd_binding bindings[BD_CONTACTS_PER_AOR_MAX];
    const struct bd_journal_scanned *s = &l->scanned[i];
    const struct bd_journal_record *record = &l->record;
    if (s->index->entry[record->slot].put != bd_journal_place(i, record->off)) {
        /* Overridden. If the slot of a later table had it and lost it, the same AoR of an earlier
         * table is gone, too; nothing else would tell. */
        return s->index == l->space ? 0 : give(l, NULL, 0);
    }
    bd_journal_index_states(s->index, &l->cells, &l->record);
    return give(l, bindings, living(l, s, bindings));
}

static void look_ahead(struct bd_journal_load *l, struct bd_journal_reader *reader)
{
    struct bd_str aor;
    while (l->params->on_ahead && bd_journal_reader_ahead(reader, &aor))
        l->params->on_ahead(l->params->arg, aor);
}

static int give_file(struct bd_journal_load *l, unsigned i, struct bd_journal_reader *reader)
{
    struct bd_journal_scanned *s = &l->scanned[i];
    struct bd_journal_problem problem = {0};
    uint64_t problems = 0;
    for (;;) {
        switch (bd_journal_reader_next(reader, &l->record, &problem)) {
        case BD_JOURNAL_RECORD:
            look_ahead(l, reader);
            if (l->record.type == BD_JOURNAL_PUT && give_put(l, i) < 0)
                return -1;
            break;
        case BD_JOURNAL_PROBLEM:
            /* Known, unless the disk has got worse since. */
            if (++problems > s->problems)
                bd_journal_load_note(l, i, &problem);
            break;
        case BD_JOURNAL_EOF:
            return 0;
        }
    }
}

static int second_pass(struct bd_journal_load *l)
{
    for (unsigned i = l->first; i < l->files.cnt; i++) {
        struct bd_journal_reader reader;
        struct bd_journal_problem problem;
        if (!l->scanned[i].read)
            continue;
        int rc = bd_journal_reader_open(&reader, &l->params->dir, l->files.file[i].name, &problem,
                                        l->error);
        if (rc > 0)
            bd_journal_load_note(l, i, &problem);
        if (rc == 0) {
            rc = give_file(l, i, &reader);
            bd_journal_reader_close(&reader);
        }
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* --- after it --------------------------------------------------------------------------------- */

static int keep_damaged(struct bd_journal_load *l)
{
    for (unsigned i = l->first; i < l->files.cnt; i++) {
        if (!l->scanned[i].keep)
            continue;
        if (bd_journal_keep(&l->params->dir, l->files.file[i].name,
                            l->scanned[i].header.made.wall_ms, l->error) < 0)
            return -1;
        l->report->kept++;
    }
    return 0;
}

static void tell_problems(const struct bd_journal_load *l)
{
    for (unsigned i = 0; l->params->on_problem && i < l->told; i++)
        l->params->on_problem(l->params->arg, &l->problem[i]);
}

/* They are not for loading; nor is what is kept aside, behind cnt. */
static void drop_tmp(struct bd_journal_files *files)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < files->cnt; i++) {
        if (!files->file[i].tmp)
            files->file[cnt++] = files->file[i];
    }
    files->cnt = cnt;
}

static int load(struct bd_journal_load *l)
{
    if (bd_journal_files_list(&l->files, &l->params->dir, l->error) < 0)
        return -1;
    drop_tmp(&l->files);
    if (l->files.cnt == 0)
        return 0;
    l->scanned = calloc(l->files.cnt, sizeof(*l->scanned));
    l->problem = calloc(BD_JOURNAL_PROBLEMS_MAX, sizeof(*l->problem));
    l->space = calloc(l->files.cnt, sizeof(*l->space));
    l->boots.last = calloc(l->files.cnt, sizeof(*l->boots.last));
    if (!l->scanned || !l->problem || !l->space || !l->boots.last)
        return bd_fail(l->error, "journal %s: no memory to load it", l->params->dir.path);
    if (bd_journal_scan(l) < 0 || second_pass(l) < 0)
        return -1;
    tell_problems(l);
    return l->params->keep ? keep_damaged(l) : 0;
}

int bd_journal_load(const struct bd_journal_load_params *params, struct bd_journal_report *report,
                    struct bd_error *error)
{
    struct bd_journal_load *l = calloc(1, sizeof(*l));
    *report = (struct bd_journal_report){0};
    if (!l)
        return bd_fail(error, "journal %s: no memory to load it", params->dir.path);
    l->params = params;
    l->report = report;
    l->error = error;
    int rc = load(l);
    bd_journal_load_free_index(l);
    bd_journal_files_free(&l->files);
    free(l->scanned);
    free(l->problem);
    free(l->space);
    free(l->boots.last);
    free(l);
    return rc;
}
