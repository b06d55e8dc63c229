/* SPDX-License-Identifier: BSD-3-Clause */
/* How a process stops being root.
 *
 *   begin        main()'s first step, before there is a thread: no new privileges from here on, and
 *                nothing to be won by an exec
 *   hand_over    what the process needs later and root has, or had made, becomes the user's
 *   step_aside   for a start that goes on: files are made and opened as the user; one that fails
 *                may step back and take away what root has made
 *   drop         all threads become the user for good, with the capabilities that are named alone
 *   bd_seccomp_* the lists of calls (calls.h)
 *
 * A process that another user started stays that user, and one told to be root stays root with all
 * its capabilities (for labs): all but `begin` change nothing then. Main thread only. */
#ifndef BD_PRIVILEGES_H
#define BD_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "log.h"

struct bd_privileges {
    uid_t uid;
    gid_t gid;
    bool leaves_root; /* it is root, and will be another */
    bool core_dumps;
    char user[33];
};

/* Looks the user up; `group` NULL: the user's own. -1 with an error that names the remedy when
 * there is none. */
int bd_privileges_begin(struct bd_privileges *privileges, const char *user, const char *group,
                        bool core_dumps, struct bd_error *error);

/* For a file that was found where the process would have made it, in a folder that may be
 * everybody's: -1 unless it is root's or the user's, as whoever made it may hold it open. Nobody
 * else may read or write it from then on. */
int bd_privileges_own(const struct bd_privileges *privileges, int fd, const char *path,
                      struct bd_error *error);

/* Gives an open file to the user. */
int bd_privileges_hand_over_fd(const struct bd_privileges *privileges, int fd, const char *path,
                               struct bd_error *error);
/* The same by name, for a file or socket of root's that has no second name and is no symbolic link;
 * 0 as well when it is not there, or belongs to another than root. */
int bd_privileges_hand_over(const struct bd_privileges *privileges, const char *path,
                            struct bd_error *error);
/* Makes a directory of the user's where there is none. One that is there is left as it is. */
int bd_privileges_directory(const struct bd_privileges *privileges, const char *path, mode_t mode,
                            struct bd_error *error);
/* The directory too, whoever made it, and all files in it: for one that is the process's own. */
int bd_privileges_hand_over_directory(const struct bd_privileges *privileges, const char *path,
                                      mode_t mode, struct bd_error *error);

/* All threads act as the user, and could be root again; and are. */
int bd_privileges_step_aside(const struct bd_privileges *privileges, struct bd_error *error);
void bd_privileges_step_back(const struct bd_privileges *privileges);

/* Gives up root, from either, and looks that no thread has kept anything: of capabilities the
 * calling thread keeps `keep_cnt`, all others none. Then nobody of the same user can trace the
 * process or have its memory dumped, as it holds secrets; `core_dumps` allows both. */
int bd_privileges_drop(const struct bd_privileges *privileges, const int *keep, unsigned keep_cnt,
                       struct bd_error *error);

#endif
