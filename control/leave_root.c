/* SPDX-License-Identifier: BSD-3-Clause */
#include "leave_root.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORY_MODE = 0750, SOCKET_CNT = 3 };

/* The directory of a file; its text in `path`. */
static const char *folder_of(const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s", file);
    return dirname(path);
}

/* NULL: there is no such. */
static void sockets_of(const struct bd_config *config, const char *socket[SOCKET_CNT])
{
    socket[0] = config->stats_socket;
    socket[1] = config->stats_socket_admin;
    socket[2] = config->stats_socket_user;
}

static int hand_over_database(const struct bd_privileges *p, const char *database,
                              struct bd_error *error)
{
    static const char *const ending[] = {"", "-wal", "-shm", "-journal"};
    char path[PATH_MAX];
    int rc = bd_privileges_directory(p, folder_of(database, path), DIRECTORY_MODE, error);
    for (unsigned i = 0; rc == 0 && i < sizeof(ending) / sizeof(ending[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", database, ending[i]);
        rc = bd_privileges_hand_over(p, path, error);
    }
    return rc;
}

static int hand_over(const struct bd_control *control, struct bd_error *error)
{
    const struct bd_privileges *p = control->privileges;
    const struct bd_config *config = control->config;
    char path[PATH_MAX];
    const char *socket[SOCKET_CNT];
    sockets_of(config, socket);
    if (bd_privileges_hand_over_fd(p, control->arena.fd, control->arena.path, error) < 0 ||
        hand_over_database(p, config->database, error) < 0)
        return -1;
    if (config->durability != BD_DURABILITY_NONE &&
        bd_privileges_hand_over_directory(p, config->journal_dir, DIRECTORY_MODE, error) < 0)
        return -1;
    for (unsigned i = 0; i < SOCKET_CNT; i++) {
        if (socket[i] && (bd_privileges_directory(p, folder_of(socket[i], path), 0755, error) < 0 ||
                          bd_privileges_hand_over(p, socket[i], error) < 0))
            return -1;
    }
    return 0;
}

/* --- what the user reaches -------------------------------------------------------------------- */

static int check_folder(const struct bd_privileges *p, const char *what, const char *file,
                        struct bd_error *error)
{
    char path[PATH_MAX];
    const char *folder = folder_of(file, path);
    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 || errno == ENOENT)
        return 0; /* whoever makes the file tells that there is none */
    return bd_fail(
        error,
        "%s: user %s cannot write in %s: %s: `chown %s %s`, and each folder above it must "
        "let it through",
        what, p->user, folder, strerror(errno), p->user, folder);
}

static int check_folders(const struct bd_privileges *p, const struct bd_config *config,
                         struct bd_error *error)
{
    static const char *const key[] = {"control.stats_socket", "control.stats_socket_admin",
                                      "control.stats_socket_user"};
    const char *socket[SOCKET_CNT];
    sockets_of(config, socket);
    if (check_folder(p, "control.database", config->database, error) < 0)
        return -1;
    for (unsigned i = 0; i < SOCKET_CNT; i++) {
        if (socket[i] && check_folder(p, key[i], socket[i], error) < 0)
            return -1;
    }
    return 0;
}

static void check_readable(const struct bd_privileges *p, const char *file)
{
    if (file && faccessat(AT_FDCWD, file, R_OK, AT_EACCESS) != 0)
        bd_log(
            BD_LOG_WARNING,
            "%s: user %s cannot read it, so no reload will: %s: `chgrp %u %s && chmod g+r %s`, and "
            "each folder above it must let it through",
            file, p->user, strerror(errno), (unsigned)p->gid, file, file);
}

static void check_secret(const char *file)
{
    struct stat st;
    if (file && stat(file, &st) == 0 && (st.st_mode & S_IROTH))
        bd_log(BD_LOG_WARNING, "%s: has a secret that everybody can read: `chmod o-r %s`", file,
               file);
}

static void check_files(const struct bd_privileges *p, const struct bd_config *config)
{
    bool inside = (config->secret && !config->secret_file) ||
                  (config->secret_previous && !config->secret_previous_file);
    check_readable(p, config->file);
    check_readable(p, config->screening_rules);
    check_readable(p, config->allow.file);
    check_readable(p, config->deny.file);
    check_readable(p, config->secret_file);
    check_readable(p, config->secret_previous_file);
    check_secret(inside ? config->file : NULL);
    check_secret(config->secret_file);
    check_secret(config->secret_previous_file);
}

int bd_leave_root(struct bd_control *control, struct bd_error *error)
{
    const struct bd_privileges *p = control->privileges;
    if (hand_over(control, error) < 0 || bd_privileges_step_aside(p, error) < 0)
        return -1;
    if (p->leaves_root && check_folders(p, control->config, error) < 0)
        return -1;
    check_files(p, control->config);
    return 0;
}
