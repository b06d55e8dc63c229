/* SPDX-License-Identifier: BSD-3-Clause */
/* bindery-control's way from root to its user: once the arena is joined, which may lie where only
 * root makes files, and before there is anything else, so that journal, database and sockets are
 * the user's from their first byte. */
#ifndef BD_LEAVE_ROOT_H
#define BD_LEAVE_ROOT_H

#include "privileges.h"
#include "state.h"

/* Hands over what was made by root, acts as the user, and looks whether it reaches what it will
 * need: -1 with an error for a directory that it cannot write in; a line in the log for a file that
 * a reload could not read, and for secrets that everybody can. */
int bd_leave_root(struct bd_control *control, struct bd_error *error);

#endif
