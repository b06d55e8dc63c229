/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_show.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "journal_files.h"
#include "journal_print.h"
#include "journal_reader.h"
#include "render.h"

static const char *const type_text[] = {
    [BD_JOURNAL_PUT] = "put",       [BD_JOURNAL_STATE] = "state", [BD_JOURNAL_EMPTY] = "empty",
    [BD_JOURNAL_COMMIT] = "commit", [BD_JOURNAL_END] = "end",
};
enum { TYPES = sizeof(type_text) / sizeof(type_text[0]) };

struct show {
    FILE *out;
    bool json;
    bool records; /* each is shown, not only counted */
    struct bd_journal_dir dir;
    struct bd_str aor; /* len 0: all */
    /* Slots that hold the AoR, of one geometry. */
    uint64_t geometry;
    uint64_t *slot;
    unsigned slots;
    unsigned shown;   /* records of the AoR */
    unsigned damaged; /* places, and files that cannot be read */
    unsigned files;
    /* Of the present file: */
    uint64_t cnt[TYPES];
    unsigned in_list; /* elements of the JSON list so far */
    json_t *problems;
};

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Takes the reference. */
static void dump(struct show *show, json_t *value)
{
    json_dumpf(value, show->out, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
}

/* --- records ---------------------------------------------------------------------------------- */

static bool holds(const struct show *show, uint64_t slot, unsigned *at)
{
    for (*at = 0; *at < show->slots; (*at)++) {
        if (show->slot[*at] == slot)
            return true;
    }
    return false;
}

/* Whether a record says something of the AoR; keeps account of the slots that hold it. */
static bool is_of_aor(struct show *show, const struct bd_journal_record *record)
{
    unsigned at;
    if (record->type > BD_JOURNAL_EMPTY)
        return false;
    bool held = holds(show, record->slot, &at);
    bool named = record->type == BD_JOURNAL_PUT && bd_str_eq(record->aor, show->aor);
    if (held && record->type != BD_JOURNAL_STATE && !named)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what is held is in an array */
        show->slot[at] = show->slot[--show->slots];
    if (named && !held) {
        uint64_t *slot = realloc(show->slot, (show->slots + 1) * sizeof(*slot));
        if (!slot)
            abort();
        show->slot = slot;
        show->slot[show->slots++] = record->slot;
    }
    return named || (held && record->type != BD_JOURNAL_PUT);
}

static json_t *contact_json(const struct bd_journal_record *record, unsigned c)
{
    const struct bd_journal_contact *contact = &record->contact[c];
    json_t *json = json_pack("{s:I, s:I}", "cseq", (json_int_t)contact->cseq, "expires_ms",
                             (json_int_t)contact->expires_ms);
    if (record->type != BD_JOURNAL_PUT)
        return json;
    const struct bd_binding *binding = &record->binding[c];
    json_object_set_new(json, "created_ms", number(record->created_ms[c]));
    json_object_set_new(json, "uri", bd_json_str(binding->text[BD_TEXT_URI]));
    json_object_set_new(json, "call_id", bd_json_str(binding->text[BD_TEXT_CALL_ID]));
    return json;
}

static json_t *record_json(const struct bd_journal_record *record)
{
    json_t *json = json_pack("{s:I, s:I, s:s}", "offset", (json_int_t)record->off, "sequence",
                             (json_int_t)record->seq, "type", type_text[record->type]);
    if (record->type <= BD_JOURNAL_EMPTY)
        json_object_set_new(json, "slot", number(record->slot));
    if (record->type == BD_JOURNAL_PUT)
        json_object_set_new(json, "aor", bd_json_str(record->aor));
    if (record->type <= BD_JOURNAL_STATE) {
        json_t *contacts = json_array();
        for (unsigned c = 0; c < record->cnt; c++)
            json_array_append_new(contacts, contact_json(record, c));
        json_object_set_new(json, "contacts", contacts);
    }
    if (record->type >= BD_JOURNAL_COMMIT) {
        json_object_set_new(json, "wall_ms", number(record->wall_ms));
        json_object_set_new(json, "records", number(record->records));
    }
    if (record->type == BD_JOURNAL_END)
        json_object_set_new(json, "next", number(record->next));
    return json;
}

static void show_record(struct show *show, const struct bd_journal_record *record)
{
    show->cnt[record->type]++;
    if (show->aor.len && !is_of_aor(show, record))
        return;
    show->shown++;
    if (!show->records)
        return;
    if (!show->json) {
        bd_journal_print_record(show->out, record);
        return;
    }
    fputs(show->in_list++ ? ",\n" : "\n", show->out);
    dump(show, record_json(record));
}

/* --- damage ----------------------------------------------------------------------------------- */

/* A journal without END is what a kill leaves, and what the open one looks like. A snapshot gets
 * its name after its END. */
static bool is_damage(const struct bd_journal_problem *problem)
{
    return bd_journal_trouble_keeps(problem->trouble) ||
           (problem->trouble == BD_JOURNAL_NO_END_TROUBLE &&
            strncmp(problem->file, "snapshot-", 9) == 0 && !strstr(problem->file, ".tmp"));
}

static void show_problem(struct show *show, const char *name, struct bd_journal_problem *problem)
{
    problem->file = name;
    show->damaged += is_damage(problem);
    if (!show->json) {
        bd_journal_print_problem(show->out, problem);
        return;
    }
    json_array_append_new(show->problems,
                          json_pack("{s:I, s:I, s:I, s:I, s:b, s:s}", "offset",
                                    (json_int_t)problem->off, "bytes", (json_int_t)problem->bytes,
                                    "after", (json_int_t)problem->after, "lost",
                                    (json_int_t)problem->lost, "damage", (int)is_damage(problem),
                                    "what", bd_journal_trouble_text(problem->trouble)));
}

/* --- files ------------------------------------------------------------------------------------ */

static json_t *header_json(const struct bd_journal_header *header)
{
    char geometry[24];
    snprintf(geometry, sizeof(geometry), "%016" PRIx64, header->geometry);
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:I}", "kind",
                     header->kind == BD_JOURNAL_FILE_SNAPSHOT ? "snapshot" : "journal", "number",
                     (json_int_t)header->number, "previous", (json_int_t)header->previous, "format",
                     (json_int_t)header->version, "geometry", geometry, "slots",
                     (json_int_t)header->slots, "made_ms", (json_int_t)header->made.wall_ms);
}

static void begin_file(struct show *show, const char *name, const struct bd_journal_header *header)
{
    memset(show->cnt, 0, sizeof(show->cnt));
    show->in_list = 0;
    if (header && header->geometry != show->geometry) {
        show->geometry = header->geometry;
        show->slots = 0;
    }
    if (!show->json) {
        if (!header)
            return;
        fprintf(show->out, "%s: ", name);
        bd_journal_print_header(show->out, header);
        return;
    }
    show->problems = json_array();
    fprintf(show->out, "%s{\"file\":", show->files++ ? ",\n" : "");
    dump(show, bd_json_str(bd_str_from(name)));
    if (header) {
        fputs(",\"header\":", show->out);
        dump(show, header_json(header));
    }
    fputs(",\"records\":[", show->out);
}

static void end_file(struct show *show, const char *name)
{
    if (!show->json) {
        fprintf(show->out, "%s:", name);
        for (unsigned i = BD_JOURNAL_PUT; i < TYPES; i++)
            fprintf(show->out, " %s %" PRIu64, type_text[i], show->cnt[i]);
        fputc('\n', show->out);
        return;
    }
    json_t *counts = json_object();
    for (unsigned i = BD_JOURNAL_PUT; i < TYPES; i++)
        json_object_set_new(counts, type_text[i], number(show->cnt[i]));
    fputs("],\"counts\":", show->out);
    dump(show, counts);
    fputs(",\"problems\":", show->out);
    dump(show, show->problems);
    fputc('}', show->out);
}

static int show_file(struct show *show, const char *name, struct bd_error *error)
{
    struct bd_journal_reader reader;
    struct bd_journal_record record;
    struct bd_journal_problem problem;
    enum bd_journal_step step;
    int rc = bd_journal_reader_open(&reader, &show->dir, name, &problem, error);
    if (rc < 0)
        return -1;
    begin_file(show, name, rc == 0 ? &reader.header : NULL);
    if (rc > 0) {
        show_problem(show, name, &problem);
    } else {
        while (!ferror(show->out) &&
               (step = bd_journal_reader_next(&reader, &record, &problem)) != BD_JOURNAL_EOF) {
            if (step == BD_JOURNAL_RECORD)
                show_record(show, &record);
            else
                show_problem(show, name, &problem);
        }
        bd_journal_reader_close(&reader);
    }
    end_file(show, name);
    return 0;
}

static int show_directory(struct show *show, struct bd_error *error)
{
    struct bd_journal_files files;
    if (bd_journal_files_list(&files, &show->dir, error) < 0)
        return -1;
    unsigned cnt = files.cnt + files.bad_cnt;
    int rc = cnt ? 0 : bd_fail(error, "journal %s: no journal in it", show->dir.path);
    for (unsigned i = 0; i < cnt && rc == 0; i++)
        rc = show_file(show, files.file[i].name, error);
    bd_journal_files_free(&files);
    return rc;
}

/* --- the command ------------------------------------------------------------------------------ */

static int show_path(struct show *show, const char *path, struct bd_error *error)
{
    char directory[BD_JOURNAL_PATH_MAX], name[BD_JOURNAL_PATH_MAX];
    struct stat st;
    if (strlen(path) >= sizeof(name))
        return bd_fail(error, "%s: the path is too long", path);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        show->dir = (struct bd_journal_dir){&bd_journal_io_posix, path};
        show->records = show->aor.len > 0;
        return show_directory(show, error);
    }
    strcpy(directory, path);
    strcpy(name, path);
    show->dir = (struct bd_journal_dir){&bd_journal_io_posix, dirname(directory)};
    show->records = true;
    return show_file(show, basename(name), error);
}

/* The document stays one, also where a file in its middle cannot be read. */
static void tell_error(struct show *show, const struct bd_error *error)
{
    if (!show->json) {
        fprintf(stderr, "error: %s\n", error->text);
        return;
    }
    fputs("],\"error\":", show->out);
    dump(show, bd_json_str(bd_str_from(error->text)));
}

int bd_journal_show(FILE *out, const char *path, const char *aor, bool json)
{
    struct show show = {.out = out, .json = json, .aor = bd_str_from(aor ? aor : "")};
    struct bd_error error;
    if (aor && strncmp(aor, "sip:", 4) == 0)
        show.aor = bd_str_from(aor + 4);
    if (json)
        fputs("{\"files\":[", out);
    int rc = show_path(&show, path, &error);
    if (rc == 0 && aor && show.shown == 0)
        rc = bd_fail(&error, "%s: nothing of %s in it", path, aor);
    if (rc < 0)
        tell_error(&show, &error);
    else if (json)
        fputc(']', out);
    if (json)
        fputs("}\n", out);
    free(show.slot);
    return rc < 0 || show.damaged > 0;
}
