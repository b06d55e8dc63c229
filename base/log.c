/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *program_name = "bindery";
static enum bd_log_level max_level = BD_LOG_INFO;
static bool to_journal;

/* The variable is inherited; a shell below a service may have sent its errors elsewhere since. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

void bd_log_init(const char *program, enum bd_log_level level)
{
    program_name = program;
    max_level = level;
    to_journal = is_journal(STDERR_FILENO);
}

void bd_log_set_level(enum bd_log_level level)
{
    max_level = level;
}

static const char *level_word(enum bd_log_level level)
{
    switch (level) {
    case BD_LOG_ERROR:
        return "error: ";
    case BD_LOG_WARNING:
        return "warning: ";
    case BD_LOG_DEBUG:
        return "debug: ";
    default:
        return "";
    }
}

void bd_log(enum bd_log_level level, const char *format, ...)
{
    if (level > max_level)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    /* One write, so lines of two processes never mix. */
    char out[1200];
    int n = to_journal
                ? snprintf(out, sizeof(out), "<%d>%s\n", (int)level, line)
                : snprintf(out, sizeof(out), "%s: %s%s\n", program_name, level_word(level), line);
    if (n > 0 && write(STDERR_FILENO, out, (size_t)n) < 0)
        return; /* nowhere left to tell it */
}

int(bd_fail)(struct bd_error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -1;
}
