/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal for operators: `show info`, metrics, and the command `snapshot`. */
#include "journal_shown.h"

#include <inttypes.h>

#include "clock.h"
#include "commands.h"
#include "journaling.h"
#include "metrics_text.h"

struct view {
    struct bd_journaling_numbers n;
    uint64_t now_ms;
};

static struct view look(const struct bd_control *control)
{
    struct view view = {.now_ms = bd_clock_ms()};
    bd_journaling_read(control->journaling, &view.n);
    return view;
}

static uint64_t since_ms(const struct view *view, uint64_t at_ms)
{
    return at_ms && view->now_ms > at_ms ? view->now_ms - at_ms : 0;
}

/* --- show info -------------------------------------------------------------------------------- */

static const char *state_of(const struct bd_journaling_numbers *n)
{
    if (n->durability == BD_DURABILITY_NONE)
        return "off";
    if (!n->restored)
        return "waits for the dataplane to load it";
    if (n->failing)
        return "failing";
    return n->snapshot_done ? "writing" : "writing, first snapshot not complete";
}

static const char *const durability_text[] = {
    [BD_DURABILITY_ASYNC] = "async", [BD_DURABILITY_SYNC] = "sync", [BD_DURABILITY_NONE] = "none"};

json_t *bd_journal_shown(const struct bd_control *control)
{
    struct view v = look(control);
    const struct bd_journaling_numbers *n = &v.n;
    json_t *shown =
        json_pack("{s:s, s:s}", "durability", durability_text[n->durability], "state", state_of(n));
    if (n->durability == BD_DURABILITY_NONE)
        return shown;
    const struct {
        const char *name;
        uint64_t value;
    } row[] = {{"number", n->journal},
               {"bytes", n->journal_bytes},
               {"records", n->records},
               {"sync_age_ms", since_ms(&v, n->synced_ms)},
               {"sync_us", n->sync_us},
               {"sync_max_us", n->sync_max_us},
               {"lag_ms", since_ms(&v, n->settled_ms)},
               {"marks_pending", n->marks},
               {"failures", n->failures},
               {"load_problems", n->load_problems},
               {"load_lost", n->load_lost}};
    json_object_set_new(shown, "directory", json_string(bd_journaling_path(control->journaling)));
    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        json_object_set_new(shown, row[i].name, json_integer((json_int_t)row[i].value));
    return shown;
}

json_t *bd_snapshot_shown(const struct bd_control *control)
{
    struct view v = look(control);
    const struct bd_journaling_numbers *n = &v.n;
    return json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "complete", (int)n->snapshot_done,
                     "under_way", (int)n->snapshotting, "number", (json_int_t)n->snapshot, "age_s",
                     n->snapshot ? (json_int_t)since_ms(&v, n->snapshot_at_ms) / 1000 : 0,
                     "took_ms", (json_int_t)n->snapshot_ms, "bindings",
                     (json_int_t)n->snapshot_bindings, "bytes", (json_int_t)n->snapshot_bytes,
                     "failures", (json_int_t)n->snapshot_failures);
}

/* --- metrics ---------------------------------------------------------------------------------- */

/* X(type, name, help, value) with the view `v`. */
#define ROWS(X)                                                                                    \
    X(gauge, journal_failing, "1 while the journal cannot be written", v->n.failing)               \
    X(gauge, journal_number, "number of the open journal", v->n.journal)                           \
    X(gauge, journal_bytes, "size of the open journal", v->n.journal_bytes)                        \
    X(counter, journal_records_total, "records on disk", v->n.records)                             \
    X(counter, journal_written_bytes_total, "bytes written to journals", v->n.bytes)               \
    X(counter, journal_syncs_total, "sweeps that put records on disk", v->n.turns)                 \
    X(counter, journal_failures_total, "journals that could not be begun or failed",               \
      v->n.failures)                                                                               \
    X(gauge, journal_sync_seconds, "what the last sweep took until it was on disk",                \
      (double)v->n.sync_us / 1e6)                                                                  \
    X(gauge, journal_sync_age_seconds, "time since records were last put on disk",                 \
      (double)since_ms(v, v->n.synced_ms) / 1000)                                                  \
    X(gauge, journal_lag_seconds, "age of the newest moment up to which all is on disk",           \
      (double)since_ms(v, v->n.settled_ms) / 1000)                                                 \
    X(gauge, journal_marks_pending, "changed slots that a failed sweep could not put on disk",     \
      v->n.marks)                                                                                  \
    X(gauge, journal_load_problems, "damaged places met when the journal was loaded",              \
      v->n.load_problems)                                                                          \
    X(gauge, journal_load_lost_records, "records known to be lost then", v->n.load_lost)           \
    X(gauge, snapshot_complete, "1 when a snapshot of this arena is on disk", v->n.snapshot_done)  \
    X(gauge, snapshot_number, "number of the last snapshot of this process", v->n.snapshot)        \
    X(gauge, snapshot_age_seconds, "time since it, or since the start of control",                 \
      (double)since_ms(v, v->n.snapshot_at_ms) / 1000)                                             \
    X(gauge, snapshot_seconds, "what it took", (double)v->n.snapshot_ms / 1000)                    \
    X(gauge, snapshot_bytes, "its size", v->n.snapshot_bytes)                                      \
    X(gauge, snapshot_bindings, "bindings in it", v->n.snapshot_bindings)                          \
    X(counter, snapshots_total, "snapshots completed", v->n.snapshots)                             \
    X(counter, snapshot_failures_total, "snapshots that failed", v->n.snapshot_failures)

#define X(type, name, help, value)                                                                 \
    static double read_##name(const struct view *v)                                                \
    {                                                                                              \
        return (double)(value);                                                                    \
    }
ROWS(X)
#undef X

static const struct {
    const char *type, *name, *help;
    double (*read)(const struct view *v);
} rows[] = {
#define X(type, name, help, value) {#type, "bindery_" #name, help, read_##name},
    ROWS(X)
#undef X
};
enum { ROW_CNT = sizeof(rows) / sizeof(rows[0]) };

void bd_journal_metrics_write(const struct bd_control *control, struct evbuffer *out)
{
    struct view view = look(control);
    for (unsigned i = 0; i < ROW_CNT; i++) {
        bd_metrics_family(out, rows[i].type, rows[i].name, rows[i].help);
        evbuffer_add_printf(out, "%s %.17g\n", rows[i].name, rows[i].read(&view));
    }
}

void bd_journal_metrics_docs(FILE *out)
{
    for (unsigned i = 0; i < ROW_CNT; i++)
        bd_metrics_docs_row(out, rows[i].name, "", rows[i].type, rows[i].help);
}

/* --- snapshot --------------------------------------------------------------------------------- */

static void on_snapshot(void *arg, const struct bd_journaling_numbers *n,
                        const struct bd_error *error)
{
    struct bd_answer *answer = arg;
    if (error) {
        bd_answer_error(answer, "%s", error->text);
        return;
    }
    bd_answer_done(
        answer,
        "%s/snapshot-%" PRIu64 ": %" PRIu64 " bindings of %" PRIu64 " addresses of record, %" PRIu64
        " bytes, in %" PRIu64 " ms; journal-%" PRIu64 " goes on from it",
        bd_journaling_path(bd_answer_control(answer)->journaling), n->snapshot,
        n->snapshot_bindings, n->snapshot_aors, n->snapshot_bytes, n->snapshot_ms, n->snapshot);
}

void bd_command_snapshot(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    bd_journaling_snapshot(bd_answer_control(answer)->journaling, on_snapshot, answer);
}
