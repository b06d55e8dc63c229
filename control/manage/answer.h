/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to one command of the stats socket, as text or as one JSON document.
 *
 *   begun --> document | done | error | usage        --> finished
 *        \--> stream: more, more, ... (as the reader drains it) --> finished
 *        \--> deferred: a task or a report calls one of the above later
 *
 * A command calls exactly one of them, at once or later. The connection may go away in between: it
 * abandons the answer, whose command then finds out nothing and finishes into the void. Event loop
 * only. */
#ifndef BD_ANSWER_H
#define BD_ANSWER_H

#include <event2/buffer.h>
#include <jansson.h>

#include "log.h"
#include "render.h"
#include "str.h"

struct bd_control;
struct bd_answer;

/* A long answer made slice by slice, so that it costs bounded memory and never holds the loop. */
struct bd_stream {
    const char *name;    /* JSON member that holds the array */
    const char *heading; /* first text line */
    /* Adds rows; false when there are no more. Must come back within a millisecond or so. */
    bool (*more)(void *state, struct bd_answer *answer);
    void (*close)(void *state);
};

/* Called once when the answer is whole and ended. */
typedef void (*bd_answer_finished_fn)(void *arg);
/* Called when a stream has begun: whoever drains `out` then calls bd_answer_pump. */
typedef void (*bd_answer_streams_fn)(void *arg);

struct bd_answer_sink {
    struct evbuffer *out;
    bd_answer_finished_fn finished;
    bd_answer_streams_fn streams;
    void *arg;
};

struct bd_answer *bd_answer_new(struct bd_control *control, bool json,
                                const struct bd_answer_sink *sink);
/* The reader is gone. Frees the answer now, or when its command finishes it. */
void bd_answer_abandon(struct bd_answer *answer);

struct bd_control *bd_answer_control(const struct bd_answer *answer);
bool bd_answer_is_json(const struct bd_answer *answer);

/* Takes the reference of `document`. */
void bd_answer_document(struct bd_answer *answer, json_t *document, enum bd_render_style style);
/* One line, "error: ..." or {"error": ...}. */
void bd_answer_error(struct bd_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Several error lines, each ending with a newline; JSON gets them as one string. */
void bd_answer_errors(struct bd_answer *answer, struct bd_str lines);
void bd_answer_usage(struct bd_answer *answer, const char *usage);
/* One line that says what was done, or {"result": ...}. */
void bd_answer_done(struct bd_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Text that is a document of its own (metrics, YAML); JSON gets it as {name: text}. Empty lines
 * are left out. */
void bd_answer_text(struct bd_answer *answer, const char *name, struct bd_str text);

/* `state` belongs to the answer from here on: closed at the end or at abandonment. */
void bd_answer_stream(struct bd_answer *answer, const struct bd_stream *stream, void *state);
/* Adds slices until `out` holds `high_sz` bytes or `budget_ms` is spent. True while there is more.
 */
bool bd_answer_pump(struct bd_answer *answer, size_t high_sz, unsigned budget_ms);

/* For streams: begins a row as text (add cells to the buffer, end with a newline), or adds one as
 * JSON (takes the reference). */
struct evbuffer *bd_answer_row(struct bd_answer *answer);
void bd_answer_row_json(struct bd_answer *answer, json_t *row);
/* The stream ends before its time: a last line "error: ..." in text, a member in JSON. Called by
 * `more`, which returns false then. */
void bd_answer_cut_short(struct bd_answer *answer, const struct bd_error *why);

#endif
