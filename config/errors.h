/* SPDX-License-Identifier: BSD-3-Clause */
/* The errors of one file, collected while it is read and written out together in the order of the
 * file: "FILE:LINE:COL PATH: what is wrong, what is allowed". Private to config/. */
#ifndef BD_CONFIG_ERRORS_H
#define BD_CONFIG_ERRORS_H

#include <stdbool.h>
#include <stdio.h>

struct bd_error_line {
    unsigned line, col, order;
    char *text; /* "PATH: what" */
};

struct bd_errors {
    struct bd_error_line *lines;
    unsigned cnt;
    bool cut; /* the text is no YAML: what stands behind the error is not known */
};

/* Adds an error. line and col count from 1. */
void bd_errors_add(struct bd_errors *errors, unsigned line, unsigned col, const char *path,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Writes all, sorted by place (at one place as they were added), and frees them. */
void bd_errors_flush(struct bd_errors *errors, const char *file, FILE *out);

/* calloc, realloc and strndup for this library: they end the process with one line when memory is
 * out. A few kilobytes at start or reload are all that is asked for, and both processes survive a
 * restart. */
void *bd_need_zeroed(size_t cnt, size_t size);
void *bd_need_resized(void *p, size_t cnt, size_t size);
char *bd_need_text(const char *p, size_t len);

#endif
