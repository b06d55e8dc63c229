/* SPDX-License-Identifier: BSD-3-Clause */
/* Passwords on their way into binderyctl: past the command line, which everybody on the machine can
 * read. */
#ifndef BD_CTL_SECRET_H
#define BD_CTL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* The first line of standard input; at a terminal after a prompt, unseen. False: there is none. */
bool bd_secret_read(char *line, size_t line_sz);

/* Blots out the passwords among the words of `subscriber add` and `subscriber set`: for whoever
 * wrote one on the command line all the same, the time until here is all that is left to see it. */
void bd_secret_blot(int cnt, char **words);

#endif
