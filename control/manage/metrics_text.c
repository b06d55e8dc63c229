/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_text.h"

void bd_metrics_family(struct evbuffer *out, const char *type, const char *name, const char *help)
{
    evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void bd_metrics_docs_row(FILE *out, const char *name, const char *labels, const char *type,
                         const char *help)
{
    fprintf(out, "| `%s` | %s | %s | %s |\n", name, labels, type, help);
}
