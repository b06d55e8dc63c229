/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines to stderr, with the priority prefixes that journald reads ("<3>text") when stderr is
 * the journal, plain "bindery-control: error: text" otherwise. Never called per packet. */
#ifndef BD_LOG_H
#define BD_LOG_H

#include <stdarg.h>

enum bd_log_level {
    BD_LOG_ERROR = 3,
    BD_LOG_WARNING = 4,
    BD_LOG_NOTICE = 5,
    BD_LOG_INFO = 6,
    BD_LOG_DEBUG = 7
};

/* Names the program and the most verbose level that is written. Call once from main. */
void bd_log_init(const char *program, enum bd_log_level level);
void bd_log_set_level(enum bd_log_level level);

/* One line; a trailing newline is added. */
void bd_log(enum bd_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An error of an operation that the caller reports upwards: a text buffer in the caller's frame.
 * Functions that can fail for a reason an operator must read take one; the line says what, where
 * and the remedy. */
struct bd_error {
    char text[512];
};

/* Writes the text and returns -1, so a failing function can end with it. */
int bd_fail(struct bd_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Static analysis sees one file at a time, and would follow ways on which a failure returns 0. */
#if defined(__clang_analyzer__) || defined(__cppcheck__)
static inline int bd_minus_one(void)
{
    return -1;
}
#define bd_fail(...) (bd_fail(__VA_ARGS__), bd_minus_one())
#endif

#endif
