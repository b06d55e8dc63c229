/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills a new arena with what the journal's directory holds: after a power cut, a lost arena file,
 * or into another build's layout.
 *
 *   arena made (restored 0)  -->  load, through worker 0's writer  -->  marks forgotten, restored 1
 *
 * Before any worker runs, in the process that alone writes bindings; control neither writes nor
 * prunes before `restored`. Killed meanwhile, the successor loads again over what is there. */
#ifndef BD_RESTORE_H
#define BD_RESTORE_H

#include "config.h"
#include "table.h"

/* 0: the arena holds what it is to hold; nothing was to be done when it was restored before, or
 * with durability none. A directory that is not there is an empty one. Damage that was met is
 * logged, one line each with its place, and counted in bd_dirty_shared; the rest is loaded.
 * -1 with an error that says the remedy: the directory or a file cannot be read, a file is of
 * another version, or the arena is too small. Some seconds for 10 million bindings. */
int bd_restore(const struct bd_config *config, struct bd_table *table, struct bd_writer *writer,
               struct bd_error *error);

#endif
