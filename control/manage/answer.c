/* SPDX-License-Identifier: BSD-3-Clause */
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

struct bd_answer {
    struct bd_control *control;
    struct bd_answer_sink sink; /* out is NULL once abandoned */
    bool json;
    const struct bd_stream *stream;
    void *stream_state;
    uint64_t rows;
    struct bd_error cut_short; /* "": it was not */
};

struct bd_answer *bd_answer_new(struct bd_control *control, bool json,
                                const struct bd_answer_sink *sink)
{
    struct bd_answer *answer = calloc(1, sizeof(*answer));
    if (answer)
        *answer = (struct bd_answer){.control = control, .sink = *sink, .json = json};
    return answer;
}

static void free_answer(struct bd_answer *answer)
{
    if (answer->stream)
        answer->stream->close(answer->stream_state);
    free(answer);
}

void bd_answer_abandon(struct bd_answer *answer)
{
    answer->sink.out = NULL;
    if (answer->stream)
        free_answer(answer);
}

struct bd_control *bd_answer_control(const struct bd_answer *answer)
{
    return answer->control;
}

bool bd_answer_is_json(const struct bd_answer *answer)
{
    return answer->json;
}

/* The empty line that ends every answer; then the sink is told. */
static void finish(struct bd_answer *answer)
{
    struct bd_answer_sink sink = answer->sink;
    free_answer(answer);
    if (!sink.out)
        return;
    evbuffer_add(sink.out, "\n", 1);
    sink.finished(sink.arg);
}

static void add_json(struct evbuffer *out, const json_t *document, size_t flags)
{
    char *text = json_dumps(document, flags | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    if (text)
        evbuffer_add(out, text, strlen(text));
    evbuffer_add(out, "\n", 1);
    free(text);
}

void bd_answer_document(struct bd_answer *answer, json_t *document, enum bd_render_style style)
{
    if (answer->sink.out && answer->json)
        add_json(answer->sink.out, document, JSON_INDENT(2));
    else if (answer->sink.out)
        bd_render(answer->sink.out, document, style);
    json_decref(document);
    finish(answer);
}

/* `member` in JSON, `prefix` before the text otherwise. */
static void one_line(struct bd_answer *answer, const char *member, const char *prefix,
                     struct bd_str text)
{
    struct evbuffer *out = answer->sink.out;
    if (out && answer->json) {
        json_t *document = json_pack("{s:o}", member, bd_json_str(text));
        add_json(out, document, JSON_COMPACT);
        json_decref(document);
    } else if (out) {
        evbuffer_add(out, prefix, strlen(prefix));
        bd_render_cell(out, text, 0);
        evbuffer_add(out, "\n", 1);
    }
    finish(answer);
}

static struct bd_str format_line(char *line, size_t line_sz, const char *format, va_list args)
{
    int n = vsnprintf(line, line_sz, format, args);
    size_t len = n < 0 ? 0 : (size_t)n;
    return (struct bd_str){line, (uint32_t)(len < line_sz ? len : line_sz - 1)};
}

void bd_answer_error(struct bd_answer *answer, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    struct bd_str text = format_line(line, sizeof(line), format, args);
    va_end(args);
    one_line(answer, "error", "error: ", text);
}

void bd_answer_errors(struct bd_answer *answer, struct bd_str lines)
{
    struct evbuffer *out = answer->sink.out;
    if (!out || answer->json) {
        one_line(answer, "error", "error: ", lines);
        return;
    }
    const char *p = lines.p, *end = lines.p + lines.len;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        evbuffer_add_printf(out, "error: ");
        bd_render_cell(out, (struct bd_str){p, (uint32_t)(stop - p)}, 0);
        evbuffer_add(out, "\n", 1);
        p = newline ? newline + 1 : end;
    }
    finish(answer);
}

void bd_answer_usage(struct bd_answer *answer, const char *usage)
{
    one_line(answer, "usage", "usage: ", bd_str_from(usage));
}

void bd_answer_done(struct bd_answer *answer, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    struct bd_str text = format_line(line, sizeof(line), format, args);
    va_end(args);
    one_line(answer, "result", "", text);
}

static void add_without_empty_lines(struct evbuffer *out, struct bd_str text)
{
    const char *p = text.p, *end = text.p + text.len;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *next = newline ? newline + 1 : end;
        if (*p != '\n')
            evbuffer_add(out, p, (size_t)(next - p));
        if (!newline)
            evbuffer_add(out, "\n", 1);
        p = next;
    }
}

void bd_answer_text(struct bd_answer *answer, const char *name, struct bd_str text)
{
    if (answer->sink.out && answer->json) {
        json_t *document = json_pack("{s:o}", name, bd_json_str(text));
        add_json(answer->sink.out, document, JSON_COMPACT);
        json_decref(document);
    } else if (answer->sink.out) {
        add_without_empty_lines(answer->sink.out, text);
    }
    finish(answer);
}

/* --- streams ---------------------------------------------------------------------------------- */

void bd_answer_stream(struct bd_answer *answer, const struct bd_stream *stream, void *state)
{
    answer->stream = stream;
    answer->stream_state = state;
    struct evbuffer *out = answer->sink.out;
    if (!out) {
        free_answer(answer);
        return;
    }
    if (answer->json)
        evbuffer_add_printf(out, "{\"%s\": [\n", stream->name);
    else
        evbuffer_add_printf(out, "%s\n", stream->heading);
    answer->sink.streams(answer->sink.arg);
}

struct evbuffer *bd_answer_row(struct bd_answer *answer)
{
    answer->rows++;
    return answer->sink.out;
}

void bd_answer_row_json(struct bd_answer *answer, json_t *row)
{
    if (answer->rows++ > 0)
        evbuffer_add(answer->sink.out, ",", 1);
    add_json(answer->sink.out, row, JSON_COMPACT);
    json_decref(row);
}

void bd_answer_cut_short(struct bd_answer *answer, const struct bd_error *why)
{
    answer->cut_short = *why;
}

/* Whoever sees no rows must see that there may be some. */
static void end_rows(struct bd_answer *answer)
{
    struct evbuffer *out = answer->sink.out;
    struct bd_str why = bd_str_from(answer->cut_short.text);
    if (!answer->json && why.len == 0)
        return;
    if (!answer->json) {
        evbuffer_add_printf(out, "error: ");
        bd_render_cell(out, why, 0);
        evbuffer_add(out, "\n", 1);
        return;
    }
    evbuffer_add_printf(out, "], ");
    if (why.len > 0) {
        json_t *string = bd_json_str(why);
        char *text = json_dumps(string, JSON_ENCODE_ANY);
        evbuffer_add_printf(out, "\"error\": %s, ", text ? text : "\"\"");
        free(text);
        json_decref(string);
    }
    evbuffer_add_printf(out, "\"count\": %llu}\n", (unsigned long long)answer->rows);
}

bool bd_answer_pump(struct bd_answer *answer, size_t high_sz, unsigned budget_ms)
{
    struct evbuffer *out = answer->sink.out;
    uint64_t deadline_ms = bd_clock_ms() + budget_ms;
    while (evbuffer_get_length(out) < high_sz) {
        if (!answer->stream->more(answer->stream_state, answer)) {
            end_rows(answer);
            finish(answer);
            return false;
        }
        if (bd_clock_ms() >= deadline_ms)
            break;
    }
    return true;
}
