/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of both processes: -c FILE [-t | -a], -h, --version. */
#ifndef BD_OPTIONS_H
#define BD_OPTIONS_H

#include <stdbool.h>

struct bd_options {
    const char *config_file;
    bool check_only; /* -t */
    bool arena_only; /* -a */
    int exit_status; /* when parse returned false */
};

/* False when the program should end at once with exit_status: 0 after help or version (on stdout),
 * 2 after a wrong usage (one line on stderr). */
bool bd_options_parse(struct bd_options *options, int argc, char **argv, const char *program);

#endif
