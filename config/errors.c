/* SPDX-License-Identifier: BSD-3-Clause */
#include "errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static void *need(void *p)
{
    if (!p) {
        bd_log(BD_LOG_ERROR,
               "out of memory while reading the configuration; free some and restart");
        abort();
    }
    return p;
}

void *bd_need_zeroed(size_t cnt, size_t size)
{
    return need(calloc(cnt ? cnt : 1, size));
}

void *bd_need_resized(void *p, size_t cnt, size_t size)
{
    return need(reallocarray(p, cnt, size));
}

char *bd_need_text(const char *p, size_t len)
{
    char *text = bd_need_zeroed(len + 1, 1);
    memcpy(text, p, len);
    return text;
}

void bd_errors_add(struct bd_errors *errors, unsigned line, unsigned col, const char *path,
                   const char *format, ...)
{
    char what[1024], text[1280];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(text, sizeof(text), "%.200s: %s", path, what);
    errors->lines = bd_need_resized(errors->lines, errors->cnt + 1U, sizeof(*errors->lines));
    errors->lines[errors->cnt] = (struct bd_error_line){
        .line = line, .col = col, .order = errors->cnt, .text = bd_need_text(text, strlen(text))};
    errors->cnt++;
}

static int by_place(const void *left, const void *right)
{
    const struct bd_error_line *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->col != b->col)
        return a->col < b->col ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

void bd_errors_flush(struct bd_errors *errors, const char *file, FILE *out)
{
    if (errors->cnt)
        qsort(errors->lines, errors->cnt, sizeof(*errors->lines), by_place);
    for (unsigned i = 0; i < errors->cnt; i++) {
        const struct bd_error_line *e = &errors->lines[i];
        fprintf(out, "%s:%u:%u %s\n", file, e->line, e->col, e->text);
        free(e->text);
    }
    free(errors->lines);
    *errors = (struct bd_errors){0};
}
