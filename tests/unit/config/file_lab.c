/* SPDX-License-Identifier: BSD-3-Clause */
#include "file_lab.h"

#include <unistd.h>

static char folder[] = "/tmp/bindery-config-XXXXXX";
char file_lab_config[64], file_lab_other[64];

int file_lab_open(const char *other)
{
    assert_non_null(mkdtemp(folder));
    snprintf(file_lab_config, sizeof(file_lab_config), "%s/bindery.yaml", folder);
    snprintf(file_lab_other, sizeof(file_lab_other), "%s/%s", folder, other);
    return 0;
}

int file_lab_close(void **state)
{
    unlink(file_lab_config);
    unlink(file_lab_other);
    return rmdir(folder);
}

static void put(const char *file, const char *text)
{
    FILE *out = fopen(file, "we");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

struct bd_config *file_lab_load(const char *config, const char *other, char **errors)
{
    size_t len;
    FILE *out = open_memstream(errors, &len);
    put(file_lab_config, config);
    unlink(file_lab_other);
    if (other)
        put(file_lab_other, other);
    struct bd_config *c = bd_config_load(file_lab_config, out);
    fclose(out);
    return c;
}

struct bd_config *file_lab_load_good(const char *config, const char *other)
{
    char *errors;
    struct bd_config *c = file_lab_load(config, other, &errors);
    assert_string_equal(errors, "");
    assert_non_null(c);
    free(errors);
    return c;
}
