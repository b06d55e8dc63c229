/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>

#include "journal_load_private.h"

/* --- problems --------------------------------------------------------------------------------- */

static void add_problem(struct bd_journal_load *l, const struct bd_journal_problem *problem)
{
    if (l->told < BD_JOURNAL_PROBLEMS_MAX)
        l->problem[l->told++] = *problem;
    if (problem->trouble == BD_JOURNAL_NO_END_TROUBLE)
        l->report->unended++;
    else
        l->report->problems++;
    l->report->lost += problem->lost;
    l->losses = l->losses || problem->trouble != BD_JOURNAL_ONE_HEADER_TROUBLE;
}

static bool is_snapshot(const struct bd_journal_load *l, unsigned i)
{
    return l->files.file[i].kind == BD_JOURNAL_FILE_SNAPSHOT;
}

void bd_journal_load_note(struct bd_journal_load *l, unsigned i, struct bd_journal_problem *problem)
{
    struct bd_journal_scanned *s = &l->scanned[i];
    problem->file = l->files.file[i].name;
    if (is_snapshot(l, i) && problem->trouble == BD_JOURNAL_NO_END_TROUBLE)
        problem->trouble = BD_JOURNAL_CUT_TROUBLE; /* none gets its name without END */
    s->keep = s->keep || bd_journal_trouble_keeps(problem->trouble);
    s->whole = s->whole && problem->trouble == BD_JOURNAL_ONE_HEADER_TROUBLE;
    s->problems++;
    add_problem(l, problem);
}

static void note_orphan(struct bd_journal_load *l, unsigned i,
                        const struct bd_journal_record *record)
{
    l->report->unmatched++;
    /* Where all is whole, a snapshot was walked ahead of the sweep: it has the newer record. */
    if (!l->losses)
        return;
    add_problem(l, &(struct bd_journal_problem){.trouble = BD_JOURNAL_ORPHAN_TROUBLE,
                                                .file = l->files.file[i].name,
                                                .off = record->off,
                                                .after = record->seq});
}

static void note_missing(struct bd_journal_load *l, unsigned i, enum bd_journal_trouble trouble)
{
    add_problem(l, &(struct bd_journal_problem){.trouble = trouble, .file = l->files.file[i].name});
}

/* --- records ---------------------------------------------------------------------------------- */

static struct bd_journal_index *index_for(struct bd_journal_load *l,
                                          const struct bd_journal_header *header)
{
    struct bd_journal_index *last = l->spaces ? &l->space[l->spaces - 1] : NULL;
    if (last && last->geometry == header->geometry && last->slots == header->slots)
        return last;
    /* A later table has no snapshot yet: it has not lived for long. */
    bool full = l->spaces == 0;
    if (bd_journal_index_open(&l->space[l->spaces], header->geometry, header->slots, full) < 0) {
        bd_fail(l->error, "journal %s: no memory for an index of %" PRIu64 " slots",
                l->params->dir.path, header->slots);
        return NULL;
    }
    return &l->space[l->spaces++];
}

static int note_record(struct bd_journal_load *l, unsigned i,
                       const struct bd_journal_record *record)
{
    struct bd_journal_scanned *s = &l->scanned[i];
    l->report->records++;
    int rc = 0;
    switch (record->type) {
    case BD_JOURNAL_PUT:
        l->report->puts++;
        bd_journal_index_put(s->index, &l->cells, record, bd_journal_place(i, record->off));
        break;
    case BD_JOURNAL_STATE:
        l->report->states++;
        rc = bd_journal_index_state(s->index, &l->cells, record);
        if (rc > 0)
            note_orphan(l, i, record);
        if (rc < 0)
            return bd_fail(l->error, "journal %s: no memory for the states of refreshed contacts",
                           l->params->dir.path);
        break;
    case BD_JOURNAL_EMPTY:
        l->report->empties++;
        bd_journal_index_empty(s->index, &l->cells, record->slot);
        break;
    case BD_JOURNAL_COMMIT:
    case BD_JOURNAL_END:
        l->report->committed_wall_ms = record->wall_ms;
        bd_journal_boots_note(
            &l->boots,
            &(struct bd_journal_time){record->wall_ms, record->clock_ms, s->header.made.boot});
        break;
    }
    return 0;
}

/* --- one file --------------------------------------------------------------------------------- */

static bool journal_there(const struct bd_journal_load *l, uint64_t number)
{
    for (unsigned i = l->first; i < l->files.cnt; i++) {
        if (l->files.file[i].number == number && !is_snapshot(l, i))
            return true;
    }
    return false;
}

/* A journal goes on from one that is there, or is the one of the snapshot begun with, or says that
 * nothing was before it. */
static bool goes_on(const struct bd_journal_load *l, unsigned i)
{
    const struct bd_journal_header *header = &l->scanned[i].header;
    return header->previous == 0 || journal_there(l, header->previous) ||
           (is_snapshot(l, l->first) && header->number == l->files.file[l->first].number);
}

static int open_file(struct bd_journal_load *l, unsigned i, struct bd_journal_reader *reader)
{
    struct bd_journal_problem problem;
    struct bd_journal_scanned *s = &l->scanned[i];
    const struct bd_journal_file *file = &l->files.file[i];
    *s = (struct bd_journal_scanned){.whole = true};
    int rc = bd_journal_reader_open(reader, &l->params->dir, file->name, &problem, l->error);
    if (rc == 0 && (reader->header.number != file->number || reader->header.kind != file->kind)) {
        bd_journal_reader_close(reader);
        return bd_fail(l->error, "journal %s/%s: was made as %s %" PRIu64 "; rename it",
                       l->params->dir.path, file->name,
                       reader->header.kind == BD_JOURNAL_FILE_JOURNAL ? "journal" : "snapshot",
                       reader->header.number);
    }
    if (rc > 0)
        bd_journal_load_note(l, i, &problem);
    if (rc == 0)
        s->header = reader->header;
    return rc;
}

static int scan_records(struct bd_journal_load *l, unsigned i, struct bd_journal_reader *reader)
{
    struct bd_journal_scanned *s = &l->scanned[i];
    struct bd_journal_problem problem;
    s->index = index_for(l, &s->header);
    if (!s->index)
        return -1;
    s->last = bd_journal_boots_note(&l->boots, &s->header.made);
    if (!is_snapshot(l, i) && !goes_on(l, i))
        note_missing(l, i, BD_JOURNAL_MISSING_TROUBLE);
    for (;;) {
        switch (bd_journal_reader_next(reader, &l->record, &problem)) {
        case BD_JOURNAL_RECORD:
            if (note_record(l, i, &l->record) < 0)
                return -1;
            break;
        case BD_JOURNAL_PROBLEM:
            bd_journal_load_note(l, i, &problem);
            break;
        case BD_JOURNAL_EOF:
            s->read = true;
            if (reader->next && !journal_there(l, reader->next))
                note_missing(l, i, BD_JOURNAL_MISSING_NEXT_TROUBLE);
            l->report->files++;
            l->report->bytes += reader->off;
            return 0;
        }
    }
}

static int scan_file(struct bd_journal_load *l, unsigned i)
{
    struct bd_journal_reader reader;
    int rc = open_file(l, i, &reader);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = scan_records(l, i, &reader);
    bd_journal_reader_close(&reader);
    return rc;
}

/* --- which files ------------------------------------------------------------------------------ */

void bd_journal_load_free_index(struct bd_journal_load *l)
{
    for (unsigned i = 0; i < l->spaces; i++)
        bd_journal_index_close(&l->space[i]);
    bd_journal_cells_free(&l->cells);
    l->spaces = 0;
}

/* What the scan of a damaged snapshot found: another one is begun with. */
static void forget(struct bd_journal_load *l)
{
    bd_journal_load_free_index(l);
    l->boots.cnt = 0;
    l->told = 0;
    l->losses = false;
    *l->report = (struct bd_journal_report){0};
}

/* The newest snapshot before file `end`; 0, the oldest file, when there is none. */
static unsigned snapshot_before(const struct bd_journal_load *l, unsigned end)
{
    while (end-- > 1) {
        if (is_snapshot(l, end))
            return end;
    }
    return 0;
}

/* Finds the file to begin with, and scans it. */
static int scan_first(struct bd_journal_load *l)
{
    l->first = snapshot_before(l, l->files.cnt);
    while (scan_file(l, l->first) == 0) {
        if (l->scanned[l->first].whole || l->first == 0)
            return 0;
        l->first = snapshot_before(l, l->first);
        forget(l);
    }
    return -1;
}

int bd_journal_scan(struct bd_journal_load *l)
{
    if (scan_first(l) < 0)
        return -1;
    for (unsigned i = l->first + 1; i < l->files.cnt; i++) {
        if (scan_file(l, i) < 0)
            return -1;
        if (!is_snapshot(l, i) && l->scanned[i].read)
            l->report->last_number = l->files.file[i].number;
    }
    if (is_snapshot(l, l->first)) {
        l->report->snapshot = l->files.file[l->first].number;
        l->report->snapshot_damaged = !l->scanned[l->first].whole;
    } else {
        l->report->last_number = l->files.file[l->files.cnt - 1].number;
    }
    return 0;
}
