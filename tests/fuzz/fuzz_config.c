/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration file, and behind a byte 0x1e the screening rules it may name. What is refused is
 * told with its line; what is taken is printed by `show config` as a file that is taken again and
 * means the same, and holds no secret.
 *
 * No file system: fopen() (with Meson's 64-bit offsets, fopen64()) and realpath() are the target's
 * own (-Wl,--wrap) while it runs. */
#include "fuzz.h"

#include <errno.h>

#include "config.h"

enum { TEXT_MAX = 60000 };

static const char secret_line[] = "a secret in a file of its own\n";
static struct file {
    const char *p;
    size_t len;
} main_file, rules_file;
static bool running; /* the fuzzer opens files too */

FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
char *__real_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved);

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    struct file file = rules_file;
    if (!running)
        return __real_fopen64(path, mode);
    if (strcmp(path, "/bindery.yaml") == 0)
        file = main_file;
    else if (strstr(path, "secret"))
        file = (struct file){secret_line, sizeof(secret_line) - 1};
    errno = ENOENT;
    return file.len ? fmemopen((void *)(uintptr_t)file.p, file.len, "r") : NULL;
}

char *__wrap_realpath(const char *path, char *resolved)
{
    return running ? strdup(path) : __real_realpath(path, resolved);
}

static struct bd_config *load(const char *text, size_t len, char **errors)
{
    size_t errors_len;
    FILE *out = open_memstream(errors, &errors_len);
    main_file = (struct file){text, len};
    struct bd_config *config = bd_config_load("/bindery.yaml", out);
    fclose(out);
    return config;
}

/* Each line of them begins with a place. */
static void places(const char *errors)
{
    fuzz_judge(*errors, "refused without a word");
    for (const char *line = errors; *line;) {
        const char *end = strchr(line, '\n');
        fuzz_judge(*line == '/' && end, "no place in: %s", line);
        line = end + 1;
    }
}

static char *printed(const struct bd_config *config)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    bd_config_print(config, out);
    fclose(out);
    return text;
}

/* Takes the secrets' lines out: three asterisks are no secret. */
static void drop_secrets(char *text)
{
    static const char *const lines[] = {"\n  secret: \"***\"", "\n  secret_previous: \"***\""};
    for (unsigned i = 0; i < 2; i++) {
        char *at = strstr(text, lines[i]);
        size_t len = strlen(lines[i]);
        if (at)
            memmove(at, at + len, strlen(at + len) + 1);
    }
}

static void keeps_secrets(const struct bd_config *config, const char *text)
{
    fuzz_judge(!config->secret || !strstr(text, config->secret) ||
                   (config->server_header && strstr(config->server_header, config->secret)),
               "the secret is shown");
}

static void again(const struct bd_config *config)
{
    char *first = printed(config), *errors = NULL, names[1024] = "";
    keeps_secrets(config, first);
    drop_secrets(first);
    struct bd_config *back = load(first, strlen(first), &errors);
    fuzz_judge(back, "what is shown is not taken: %sof\n%s", errors, first);
    unsigned differ = bd_config_needs_restart(config, back, names, sizeof(names));
    char *second = printed(back);
    drop_secrets(second);
    fuzz_judge(differ == 0, "what is shown means something else: %s\n%s", names, first);
    fuzz_judge(strcmp(first, second) == 0, "shown once\n%s\nand again\n%s", first, second);
    free(first);
    free(second);
    free(errors);
    bd_config_free(back);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    const uint8_t *text, *rules;
    char *errors = NULL;
    if (size > TEXT_MAX)
        return -1;
    size_t len = fuzz_take_until(&in, 0x1e, &text);
    size_t rules_len = fuzz_take(&in, in.left, &rules);
    rules_file = (struct file){(const char *)rules, rules_len};
    running = true;
    struct bd_config *config = load((const char *)text, len, &errors);
    if (config)
        again(config);
    else
        places(errors);
    running = false;
    bd_config_free(config);
    free(errors);
    return 0;
}
