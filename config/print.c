/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration in force, the annotated default file, the table for the docs. */
#include <stdlib.h>

#include "load.h"

/* --- in force --------------------------------------------------------------------------------- */

struct printer {
    FILE *out;
    const char *indent, *first; /* before each key, and before the first one of a map */
};

static void print_row(const struct bd_group *group, const struct bd_row *row, void *base, void *arg)
{
    struct printer *p = arg;
    /* An empty list that is left out would be inherited. */
    if (!row->kind->is_set(row, base) && !(group->inherited && row->kind->list))
        return;
    fprintf(p->out, "%s%s: ", p->first, row->name);
    p->first = p->indent;
    if (row->secret)
        fputs("\"***\"", p->out);
    else
        row->kind->print(row, base, p->out);
    fputc('\n', p->out);
}

void bd_config_print(const struct bd_config *config, FILE *out)
{
    for (unsigned s = 0; s < bd_section_cnt; s++) {
        const struct bd_section *section = &bd_sections[s];
        struct printer p = {.out = out, .indent = "", .first = ""};
        if (section->shape == BD_SHAPE_ROW) {
            bd_rows_visit(section, (void *)(uintptr_t)config, print_row, &p);
            continue;
        }
        fprintf(out, "%s:\n", section->name);
        if (section->shape == BD_SHAPE_MAP) {
            p.indent = p.first = "  ";
            bd_rows_visit(section, (void *)(uintptr_t)config, print_row, &p);
            continue;
        }
        unsigned cnt;
        char *items = bd_section_items(section, config, &cnt);
        p.indent = "    ";
        for (unsigned i = 0; i < cnt; i++) {
            p.first = "  - ";
            bd_rows_visit(section, items + i * section->item_sz, print_row, &p);
        }
    }
}

/* --- default file ----------------------------------------------------------------------------- */

/* Writes words as comment lines of at most 100 characters. */
static void print_comment(FILE *out, const char *indent, const char *text)
{
    size_t room = 98 - strlen(indent);
    while (*text) {
        size_t len = strlen(text);
        if (len > room) {
            for (len = room; text[len] != ' '; len--)
                ;
        }
        fprintf(out, "%s# %.*s\n", indent, (int)len, text);
        text += len + (text[len] == ' ');
    }
}

/* Text that YAML could read as something else stands in quotes. */
static bool wants_quotes(const struct bd_row *row)
{
    const struct bd_kind *kind = row->kind->element ? row->kind->element : row->kind;
    return !row->choices && !kind->plain;
}

static void print_default_value(FILE *out, const struct bd_row *row)
{
    const char *value = row->fallback ? row->fallback : row->example;
    const char *quote = wants_quotes(row) ? "\"" : "";
    fprintf(out, "%s%s%s%s%s", row->kind->list ? "[" : "", quote, value, quote,
            row->kind->list ? "]" : "");
}

static void print_range(FILE *out, const struct bd_row *row, const char *indent)
{
    char *allowed = bd_row_allowed(row);
    char line[512];
    snprintf(line, sizeof(line), "%s: %s (%s%s)", row->kind->list ? "List of" : "Value", allowed,
             row->required ? "required, " : "", row->restart ? "restart" : "reload");
    print_comment(out, indent, line);
    free(allowed);
}

static void print_default_row(const struct bd_group *group, const struct bd_row *row, void *base,
                              void *arg)
{
    struct printer *p = arg;
    bool live = row->shown || (row->fallback && !group->inherited && !row->hidden);
    if (!group->inherited) {
        print_comment(p->out, p->indent, row->help);
        print_range(p->out, row, p->indent);
    }
    fprintf(p->out, "%s%s%s: ", live ? p->first : p->indent, live ? "" : "# ", row->name);
    print_default_value(p->out, row);
    fputs(group->inherited ? "\n" : "\n\n", p->out);
    if (live)
        p->first = p->indent;
}

static void print_default_section(FILE *out, const struct bd_section *section)
{
    static const char *const indents[] = {
        [BD_SHAPE_MAP] = "  ", [BD_SHAPE_MAPS] = "    ", [BD_SHAPE_ROW] = ""};
    struct printer p = {.out = out, .indent = indents[section->shape]};
    p.first = section->shape == BD_SHAPE_MAPS ? "  - " : p.indent;
    if (section->shape != BD_SHAPE_ROW) {
        fputs("# ---------------------------------------------------------------------------\n",
              out);
        print_comment(out, "", section->help);
        fprintf(out, "%s:\n", section->name);
    }
    bd_rows_visit(section, NULL, print_default_row, &p);
    if (section->groups[section->group_cnt - 1].inherited)
        fputc('\n', out);
}

void bd_config_print_default(FILE *out)
{
    print_comment(out, "",
                  "Bindery: every key with its default, its range and what it does. A key "
                  "that is commented out is absent by default and shows an example.");
    print_comment(out, "",
                  "Check a file: bindery-control -t -c FILE. Unknown keys, wrong types and "
                  "values out of range are errors. A change of a key marked (reload) takes "
                  "effect with SIGHUP or `binderyctl reload`, of one marked (restart) when the "
                  "processes start again.");
    fputc('\n', out);
    for (unsigned i = 0; i < bd_section_cnt; i++)
        print_default_section(out, &bd_sections[i]);
}

/* --- docs ------------------------------------------------------------------------------------- */

static void print_docs_row(const struct bd_group *group, const struct bd_row *row, void *base,
                           void *arg)
{
    FILE *out = arg;
    if (group->inherited)
        return;
    char *allowed = bd_row_allowed(row);
    fprintf(out, "| `%s` | %s | %s | ", row->name, row->kind->name, allowed);
    if (row->fallback)
        fprintf(out, "`%s%s%s`", row->kind->list ? "[" : "",
                *row->fallback ? row->fallback : "\"\"", row->kind->list ? "]" : "");
    else
        fputs(row->required ? "required" : "-", out);
    fprintf(out, " | %s | %s |\n", row->restart ? "restart" : "reload", row->help);
    free(allowed);
}

static void print_docs_section(FILE *out, const struct bd_section *section)
{
    static const char *const shapes[] = {
        [BD_SHAPE_MAP] = "a map", [BD_SHAPE_MAPS] = "a list of maps", [BD_SHAPE_ROW] = "a list"};
    fprintf(out, "\n## %s (%s)\n\n%s\n\n", section->name, shapes[section->shape], section->help);
    fputs("| key | type | allowed | default | change by | meaning |\n", out);
    fputs("| --- | --- | --- | --- | --- | --- |\n", out);
    bd_rows_visit(section, NULL, print_docs_row, out);
    for (unsigned g = 0; g < section->group_cnt; g++) {
        if (section->groups[g].inherited)
            fputs("\nEvery key of `registrar` from `auth` on may stand here too, for this one.\n",
                  out);
    }
}

void bd_config_print_docs(FILE *out)
{
    fputs("# Configuration\n\n"
          "One YAML file for both processes. It is strict: an unknown key, a wrong type, a value "
          "out\n"
          "of range, a key that stands twice, YAML anchors, aliases and tags are errors, and all\n"
          "errors are told at once, each with line, column and key. `bindery-control -t -c FILE`\n"
          "checks a file. `configs/bindery.yaml` has every key with its default.\n\n"
          "This page is written from the table in `config/schema.c`; a test holds the two equal.\n",
          out);
    for (unsigned i = 0; i < bd_section_cnt; i++)
        print_docs_section(out, &bd_sections[i]);
}
