/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_load.h"

#include <inttypes.h>
#include <stdlib.h>

#include "journal_files.h"
#include "journal_index.h"

enum { PLACE_OFF_BITS = 48, SPACES_MAX = 64, BOOTS_MAX = 64 };
_Static_assert(BD_JOURNAL_FILES_MAX < 1 << (64 - PLACE_OFF_BITS), "a place has both");

/* What the first pass found out about a file. */
struct scanned {
    struct bd_journal_header header;
    struct bd_journal_index *index;
    bool read, whole, keep;
    uint64_t problems;
};

struct load {
    const struct bd_journal_load_params *params;
    struct bd_journal_report *report;
    struct bd_error *error;
    struct bd_journal_files files;
    unsigned first; /* file that the load begins with */
    struct scanned *scanned;
    struct bd_journal_index space[SPACES_MAX]; /* one after another in time */
    unsigned spaces;
    struct bd_journal_cells cells;
    struct bd_journal_time boot[BOOTS_MAX]; /* last moment known of each */
    unsigned boots;
    struct bd_journal_problem *problem;
    unsigned told;
    bool losses; /* something may be missing before this point */
    struct bd_journal_record record;
};

static void add_problem(struct load *l, const struct bd_journal_problem *problem)
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

/* --- times ------------------------------------------------------------------------------------ */

static struct bd_journal_time *find_boot(struct load *l, uint64_t boot)
{
    for (unsigned i = 0; i < l->boots; i++) {
        if (l->boot[i].boot == boot)
            return &l->boot[i];
    }
    return NULL;
}

static int note_time(struct load *l, const struct bd_journal_time *time)
{
    struct bd_journal_time *known = find_boot(l, time->boot);
    if (!known) {
        if (l->boots == BOOTS_MAX)
            return bd_fail(l->error, "journal %s: files of more than %u boots; move old ones away",
                           l->params->dir.path, BOOTS_MAX);
        known = &l->boot[l->boots++];
        *known = *time;
    }
    if (time->clock_ms >= known->clock_ms)
        *known = *time;
    return 0;
}

/* A time of the file in ms of now.clock_ms; negative: before this boot. */
static int64_t clock_of(struct load *l, const struct bd_journal_header *header, uint64_t file_ms)
{
    const struct bd_journal_time *now = &l->params->now;
    int64_t clock = (int64_t)(file_ms - header->made.wall_ms + header->made.clock_ms);
    if (header->made.boot == now->boot && now->boot != 0)
        return clock;
    const struct bd_journal_time *last = find_boot(l, header->made.boot);
    int64_t gone = (int64_t)(now->wall_ms - last->wall_ms);
    if (gone < 0) {
        l->report->clock_went_back = true;
        gone = 0;
    }
    return clock - (int64_t)last->clock_ms - gone + (int64_t)now->clock_ms;
}

static uint32_t seconds(int64_t clock_ms)
{
    if (clock_ms < 0)
        return 0;
    return clock_ms / 1000 < UINT32_MAX ? (uint32_t)(clock_ms / 1000) : UINT32_MAX - 1;
}

/* --- first pass ------------------------------------------------------------------------------- */

static struct bd_journal_index *index_for(struct load *l, const struct bd_journal_header *header)
{
    struct bd_journal_index *last = l->spaces ? &l->space[l->spaces - 1] : NULL;
    if (last && last->geometry == header->geometry && last->slots == header->slots)
        return last;
    if (l->spaces == SPACES_MAX) {
        bd_fail(l->error, "journal %s: files of more than %u tables; move old ones away",
                l->params->dir.path, SPACES_MAX);
        return NULL;
    }
    if (bd_journal_index_open(&l->space[l->spaces], header->geometry, header->slots) < 0) {
        bd_fail(l->error, "journal %s: no memory for an index of %" PRIu64 " slots",
                l->params->dir.path, header->slots);
        return NULL;
    }
    return &l->space[l->spaces++];
}

static void note_orphan(struct load *l, unsigned i, const struct bd_journal_record *record)
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

static int note_record(struct load *l, unsigned i, const struct bd_journal_record *record)
{
    struct scanned *s = &l->scanned[i];
    l->report->records++;
    int rc = 0;
    switch (record->type) {
    case BD_JOURNAL_PUT:
        l->report->puts++;
        bd_journal_index_put(s->index, &l->cells, record,
                             (uint64_t)i << PLACE_OFF_BITS | record->off);
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
        return note_time(
            l, &(struct bd_journal_time){record->wall_ms, record->clock_ms, s->header.made.boot});
    }
    return 0;
}

static void note_problem(struct load *l, unsigned i, struct bd_journal_problem *problem)
{
    struct scanned *s = &l->scanned[i];
    problem->file = l->files.file[i].name;
    bool snapshot = l->files.file[i].kind == BD_JOURNAL_FILE_SNAPSHOT;
    if (snapshot && problem->trouble == BD_JOURNAL_NO_END_TROUBLE)
        problem->trouble = BD_JOURNAL_CUT_TROUBLE; /* none gets its name without END */
    s->keep = s->keep || bd_journal_trouble_keeps(problem->trouble);
    s->whole = s->whole && problem->trouble == BD_JOURNAL_ONE_HEADER_TROUBLE;
    s->problems++;
    add_problem(l, problem);
}

static bool is_snapshot(const struct load *l, unsigned i)
{
    return l->files.file[i].kind == BD_JOURNAL_FILE_SNAPSHOT;
}

static bool journal_there(const struct load *l, uint64_t number)
{
    for (unsigned i = l->first; i < l->files.cnt; i++) {
        if (l->files.file[i].number == number && !is_snapshot(l, i))
            return true;
    }
    return false;
}

/* A journal goes on from one that is there, or is the one of the snapshot begun with, or says that
 * nothing was before it. */
static bool goes_on(const struct load *l, unsigned i)
{
    const struct bd_journal_header *header = &l->scanned[i].header;
    return header->previous == 0 || journal_there(l, header->previous) ||
           (is_snapshot(l, l->first) && header->number == l->files.file[l->first].number);
}

static void note_missing(struct load *l, unsigned i, enum bd_journal_trouble trouble)
{
    add_problem(l, &(struct bd_journal_problem){.trouble = trouble, .file = l->files.file[i].name});
}

static int open_file(struct load *l, unsigned i, struct bd_journal_reader *reader)
{
    struct bd_journal_problem problem;
    struct scanned *s = &l->scanned[i];
    const struct bd_journal_file *file = &l->files.file[i];
    *s = (struct scanned){.whole = true};
    int rc = bd_journal_reader_open(reader, &l->params->dir, file->name, &problem, l->error);
    if (rc == 0 && (reader->header.number != file->number || reader->header.kind != file->kind)) {
        bd_journal_reader_close(reader);
        return bd_fail(l->error, "journal %s/%s: was made as %s %" PRIu64 "; rename it",
                       l->params->dir.path, file->name,
                       reader->header.kind == BD_JOURNAL_FILE_JOURNAL ? "journal" : "snapshot",
                       reader->header.number);
    }
    if (rc > 0)
        note_problem(l, i, &problem);
    if (rc == 0)
        s->header = reader->header;
    return rc;
}

static int scan_records(struct load *l, unsigned i, struct bd_journal_reader *reader)
{
    struct scanned *s = &l->scanned[i];
    struct bd_journal_problem problem;
    s->index = index_for(l, &s->header);
    if (!s->index || note_time(l, &s->header.made) < 0)
        return -1;
    if (!is_snapshot(l, i) && !goes_on(l, i))
        note_missing(l, i, BD_JOURNAL_MISSING_TROUBLE);
    for (;;) {
        switch (bd_journal_reader_next(reader, &l->record, &problem)) {
        case BD_JOURNAL_RECORD:
            if (note_record(l, i, &l->record) < 0)
                return -1;
            break;
        case BD_JOURNAL_PROBLEM:
            note_problem(l, i, &problem);
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

static int scan_file(struct load *l, unsigned i)
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

static void forget(struct load *l)
{
    for (unsigned i = 0; i < l->spaces; i++)
        bd_journal_index_close(&l->space[i]);
    bd_journal_cells_free(&l->cells);
    l->spaces = 0;
    l->boots = 0;
    l->told = 0;
    l->losses = false;
    *l->report = (struct bd_journal_report){0};
}

/* The newest snapshot before file `end`; 0, the oldest file, when there is none. */
static unsigned snapshot_before(const struct load *l, unsigned end)
{
    while (end-- > 1) {
        if (is_snapshot(l, end))
            return end;
    }
    return 0;
}

/* Finds the file to begin with, and scans it. */
static int scan_first(struct load *l)
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

static int first_pass(struct load *l)
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

/* --- second pass ------------------------------------------------------------------------------ */

/* The contacts of the record that are not over, in `bindings`. */
static unsigned living(struct load *l, const struct bd_journal_header *header,
                       struct bd_binding *bindings)
{
    struct bd_journal_record *record = &l->record;
    unsigned cnt = 0;
    for (unsigned c = 0; c < record->cnt; c++) {
        uint32_t expires_at_s = seconds(clock_of(l, header, record->contact[c].expires_ms));
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
        binding->created_at_s = seconds(clock_of(l, header, record->created_ms[c]));
    }
    return cnt;
}

static int give(struct load *l, const struct bd_binding *bindings, unsigned cnt)
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

static int give_put(struct load *l, unsigned i)
{
    struct bd_binding bindings[BD_CONTACTS_PER_AOR_MAX];
    const struct scanned *s = &l->scanned[i];
    const struct bd_journal_record *record = &l->record;
    if (s->index->entry[record->slot].put != ((uint64_t)i << PLACE_OFF_BITS | record->off)) {
        /* Overridden. If the slot of a later table had it and lost it, the same AoR of an earlier
         * table is gone, too; nothing else would tell. */
        return s->index == l->space ? 0 : give(l, NULL, 0);
    }
    bd_journal_index_states(s->index, &l->cells, &l->record);
    return give(l, bindings, living(l, &s->header, bindings));
}

static void look_ahead(struct load *l, struct bd_journal_reader *reader)
{
    struct bd_str aor;
    while (l->params->on_ahead && bd_journal_reader_ahead(reader, &aor))
        l->params->on_ahead(l->params->arg, aor);
}

static int give_file(struct load *l, unsigned i, struct bd_journal_reader *reader)
{
    struct scanned *s = &l->scanned[i];
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
                note_problem(l, i, &problem);
            break;
        case BD_JOURNAL_EOF:
            return 0;
        }
    }
}

static int second_pass(struct load *l)
{
    for (unsigned i = l->first; i < l->files.cnt; i++) {
        struct bd_journal_reader reader;
        struct bd_journal_problem problem;
        if (!l->scanned[i].read)
            continue;
        int rc = bd_journal_reader_open(&reader, &l->params->dir, l->files.file[i].name, &problem,
                                        l->error);
        if (rc > 0)
            note_problem(l, i, &problem);
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

static int keep_damaged(struct load *l)
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

static void tell_problems(const struct load *l)
{
    for (unsigned i = 0; l->params->on_problem && i < l->told; i++)
        l->params->on_problem(l->params->arg, &l->problem[i]);
}

/* .tmp and .bad- are not for loading. */
static void drop_others(struct bd_journal_files *files)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < files->cnt; i++) {
        if (!files->file[i].tmp && !files->file[i].bad)
            files->file[cnt++] = files->file[i];
    }
    files->cnt = cnt;
}

static int load(struct load *l)
{
    if (bd_journal_files_list(&l->files, &l->params->dir, l->error) < 0)
        return -1;
    drop_others(&l->files);
    if (l->files.cnt == 0)
        return 0;
    l->scanned = calloc(l->files.cnt, sizeof(*l->scanned));
    l->problem = calloc(BD_JOURNAL_PROBLEMS_MAX, sizeof(*l->problem));
    if (!l->scanned || !l->problem)
        return bd_fail(l->error, "journal %s: no memory to load it", l->params->dir.path);
    if (first_pass(l) < 0 || second_pass(l) < 0)
        return -1;
    tell_problems(l);
    return l->params->keep ? keep_damaged(l) : 0;
}

int bd_journal_load(const struct bd_journal_load_params *params, struct bd_journal_report *report,
                    struct bd_error *error)
{
    struct load *l = calloc(1, sizeof(*l));
    *report = (struct bd_journal_report){0};
    if (!l)
        return bd_fail(error, "journal %s: no memory to load it", params->dir.path);
    l->params = params;
    l->report = report;
    l->error = error;
    int rc = load(l);
    for (unsigned i = 0; i < l->spaces; i++)
        bd_journal_index_close(&l->space[i]);
    bd_journal_cells_free(&l->cells);
    bd_journal_files_free(&l->files);
    free(l->scanned);
    free(l->problem);
    free(l);
    return rc;
}
