/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *program_name = "bindery";
static enum bd_log_level max_level = BD_LOG_INFO;
static bool to_journal;
/* Lines that nobody took, since the last one that somebody did. Relaxed: counts only. */
static _Atomic unsigned long lost;

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

/* Whether a line goes through without waiting: a pipe whose reader stands still, or the system's
 * log behind a disk that hangs, must not make a thread hang that has phones to serve. */
static bool is_read(void)
{
    struct pollfd log = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&log, 1, 0) == 1;
}

/* One write, so lines of two processes never mix. */
static void write_line(enum bd_log_level level, const char *line)
{
    char out[1200];
    int n = to_journal
                ? snprintf(out, sizeof(out), "<%d>%s\n", (int)level, line)
                : snprintf(out, sizeof(out), "%s: %s%s\n", program_name, level_word(level), line);
    if (n > 0 && write(STDERR_FILENO, out, (size_t)n) < 0)
        return; /* nowhere left to tell it */
}

static void tell_lost(void)
{
    char line[96];
    unsigned long cnt = atomic_exchange_explicit(&lost, 0, memory_order_relaxed);
    if (cnt == 0)
        return;
    snprintf(line, sizeof(line), "%lu lines of this log are lost: nobody read it", cnt);
    write_line(BD_LOG_WARNING, line);
}

void bd_log(enum bd_log_level level, const char *format, ...)
{
    if (level > max_level)
        return;
    if (!is_read()) {
        atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
        return;
    }
    tell_lost();
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    write_line(level, line);
}

int(bd_fail)(struct bd_error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -1;
}
