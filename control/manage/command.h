/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of the stats socket: one table gives dispatch, `help` and docs/commands.md.
 *
 *   [json] NAME ARGUMENTS
 *
 * Event loop only. */
#ifndef BD_COMMAND_H
#define BD_COMMAND_H

#include <stdio.h>

#include "answer.h"
#include "words.h"

/* What a socket lets its clients do; each level includes those before it. */
enum bd_level { BD_LEVEL_USER, BD_LEVEL_OPERATOR, BD_LEVEL_ADMIN };
const char *bd_level_name(enum bd_level level);

typedef void (*bd_command_fn)(struct bd_answer *answer, const struct bd_str *args, unsigned cnt);

struct bd_command_row {
    const char *name;      /* one or two words */
    const char *arguments; /* as in `usage:` */
    enum bd_level level;
    unsigned args_min, args_max;
    bd_command_fn run;
    const char *help;
};

/* Runs one line. *slot is set to the answer before the command gets it, so that the caller can
 * abandon it; the caller clears it when told `finished`. Never fails: what is wrong is answered.
 * An empty line gets an empty answer. */
void bd_command_line(struct bd_control *control, enum bd_level level, char *line, size_t len,
                     const struct bd_answer_sink *sink, struct bd_answer **slot);

/* Rows in the order of the table; NULL at the end. */
const struct bd_command_row *bd_command_row(unsigned i);

/* The commands as a Markdown table, for docs/commands.md. */
void bd_command_print_docs(FILE *out);

#endif
