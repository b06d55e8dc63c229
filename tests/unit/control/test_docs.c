/* SPDX-License-Identifier: BSD-3-Clause */
/* docs/commands.md and docs/metrics.md hold what the tables say.
 *
 *   test_docs DOCS_DIRECTORY            compares
 *   test_docs DOCS_DIRECTORY --write    brings the tables in the files up to date */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants those first */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "metrics.h"

static const char begin_mark[] = "<!-- made by test_docs: begin -->\n";
static const char end_mark[] = "<!-- made by test_docs: end -->\n";

static const char *docs_directory;

struct doc {
    const char *name;
    void (*print)(FILE *out);
};
static const struct doc docs[] = {{"commands.md", bd_command_print_docs},
                                  {"metrics.md", bd_metrics_print_docs}};

static void path_of(const struct doc *doc, char path[512])
{
    snprintf(path, 512, "%s/%s", docs_directory, doc->name);
}

static char *read_doc(const struct doc *doc)
{
    char path[512], *text = NULL;
    size_t len = 0;
    path_of(doc, path);
    FILE *in = fopen(path, "re");
    if (!in || getdelim(&text, &len, '\0', in) < 0)
        fail_msg("cannot read %s", path);
    fclose(in);
    return text;
}

/* The file with the table of the program between the marks. */
static char *wanted_of(const struct doc *doc, const char *text)
{
    const char *begin = strstr(text, begin_mark), *end = strstr(text, end_mark);
    assert_true(begin && end && begin < end);
    char *wanted = NULL;
    size_t len;
    FILE *out = open_memstream(&wanted, &len);
    fwrite(text, 1, (size_t)(begin - text), out);
    fputs(begin_mark, out);
    doc->print(out);
    fputs(end, out);
    fclose(out);
    return wanted;
}

static void files_are_current(void **state)
{
    for (unsigned i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
        char *text = read_doc(&docs[i]), *wanted = wanted_of(&docs[i], text);
        if (strcmp(text, wanted) != 0)
            fail_msg("%s/%s is not current: run this test with --write after the directory",
                     docs_directory, docs[i].name);
        free(text);
        free(wanted);
    }
}

static int write_docs(void)
{
    for (unsigned i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
        char path[512], *text = read_doc(&docs[i]), *wanted = wanted_of(&docs[i], text);
        path_of(&docs[i], path);
        FILE *out = fopen(path, "we");
        if (!out)
            return 1;
        fputs(wanted, out);
        fclose(out);
        free(text);
        free(wanted);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    docs_directory = argv[1];
    if (argc > 2 && strcmp(argv[2], "--write") == 0)
        return write_docs();
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_are_current)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
