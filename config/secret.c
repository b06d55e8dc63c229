/* SPDX-License-Identifier: BSD-3-Clause */
/* Secrets that stand in files of their own, so that the configuration may be readable to all. */
#include <errno.h>
#include <stdlib.h>

#include "load.h"

/* The first line of a file into out, without its end. 0, or an errno. */
static int first_line(const char *file, char *out, size_t out_sz)
{
    FILE *in = fopen(file, "re");
    if (!in)
        return errno;
    errno = 0;
    bool got = fgets(out, (int)out_sz, in) != NULL;
    int error = ferror(in) ? errno : 0;
    fclose(in);
    if (!got)
        out[0] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return error;
}

struct source {
    const char *key, *file_key;
    char *file;
    char **secret;
};

static void report(struct bd_errors *errors, struct bd_node *node, const struct source *source,
                   const char *what, const char *detail)
{
    char path[BD_PATH_MAX];
    bd_path_key(path, "auth", source->file_key);
    bd_errors_add(errors, node->line, node->col, path, what, detail);
    node->bad = true;
}

static void read_one(const struct source *source, const struct bd_node *auth,
                     struct bd_errors *errors)
{
    struct bd_node *node = bd_tree_get(auth, source->file_key);
    if (!source->file || !node || node->bad)
        return;
    if (bd_tree_get(auth, source->key)) {
        report(errors, node, source, "stands beside auth.%s; remove one", source->key);
        return;
    }
    char line[512];
    int error = first_line(source->file, line, sizeof(line));
    size_t len = error ? 0 : strlen(line);
    if (error)
        report(errors, node, source, "cannot be read: %s", strerror(error));
    else if (len < 16 || len > 256)
        report(errors, node, source, "the first line of %s must be 16..256 characters",
               source->file);
    else
        *source->secret = bd_need_text(line, len);
    explicit_bzero(line, sizeof(line));
}

void bd_secrets_read(struct bd_config *config, const struct bd_node *root, struct bd_errors *errors)
{
    const struct bd_node *auth = bd_tree_get(root, "auth");
    const struct source current = {"secret", "secret_file", config->secret_file, &config->secret};
    const struct source previous = {"secret_previous", "secret_previous_file",
                                    config->secret_previous_file, &config->secret_previous};
    read_one(&current, auth, errors);
    read_one(&previous, auth, errors);
}
