/* SPDX-License-Identifier: BSD-3-Clause */
#include "render.h"

#include <stdio.h>
#include <stdlib.h>

enum { LABEL_MAX = 128, CELL_MAX = 64, COLUMNS_MAX = 24 };

static bool is_clean(struct bd_str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    }
    return true;
}

/* Returns the columns written. */
static uint32_t add_escaped(struct evbuffer *out, struct bd_str s)
{
    if (is_clean(s)) {
        evbuffer_add(out, s.p, s.len);
        return s.len;
    }
    uint32_t columns = 0;
    for (uint32_t i = 0; i < s.len; i++) {
        struct bd_str one = {s.p + i, 1};
        if (is_clean(one))
            evbuffer_add(out, one.p, 1);
        else
            evbuffer_add_printf(out, "\\x%02x", (unsigned)(unsigned char)*one.p);
        columns += is_clean(one) ? 1 : 4;
    }
    return columns;
}

void bd_render_cell(struct evbuffer *out, struct bd_str s, uint32_t width)
{
    if (s.len == 0)
        s = BD_STR("-");
    uint32_t columns = add_escaped(out, s);
    if (width > 0)
        evbuffer_add_printf(out, "%*s", (int)(columns < width ? width - columns : 0) + 1, "");
}

json_t *bd_json_str(struct bd_str s)
{
    json_t *text = json_stringn(s.len ? s.p : "", s.len);
    if (text)
        return text;
    struct evbuffer *escaped = evbuffer_new();
    add_escaped(escaped, s);
    size_t len = evbuffer_get_length(escaped);
    text = json_stringn((const char *)evbuffer_pullup(escaped, -1), len);
    evbuffer_free(escaped);
    return text;
}

/* The text of a scalar: strings as they are, everything else through `scratch`. */
static struct bd_str scalar_text(const json_t *value, char scratch[CELL_MAX])
{
    int n = 0;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return (struct bd_str){json_string_value(value), (uint32_t)json_string_length(value)};
    case JSON_INTEGER:
        n = snprintf(scratch, CELL_MAX, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        n = snprintf(scratch, CELL_MAX, "%.3f", json_real_value(value));
        break;
    case JSON_TRUE:
        return BD_STR("yes");
    case JSON_FALSE:
        return BD_STR("no");
    default:
        return BD_STR("-");
    }
    return (struct bd_str){scratch, (uint32_t)n};
}

/* --- labels ----------------------------------------------------------------------------------- */

struct label_walk {
    struct evbuffer *out; /* NULL: only measure */
    enum bd_render_style style;
    uint32_t width;
};

static void walk_value(struct label_walk *walk, const char *label, const json_t *value);

static void one_label(struct label_walk *walk, const char *label, struct bd_str text)
{
    uint32_t len = (uint32_t)strlen(label);
    if (!walk->out) {
        walk->width = len > walk->width ? len : walk->width;
        return;
    }
    evbuffer_add_printf(walk->out, "%*s%s: ", (int)(walk->width - len), "", label);
    bd_render_cell(walk->out, text, 0);
    evbuffer_add(walk->out, "\n", 1);
}

static void walk_object(struct label_walk *walk, const char *prefix, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        char label[LABEL_MAX];
        snprintf(label, sizeof(label), "%s%s%s", prefix, *prefix ? " " : "", key);
        for (char *p = label; *p; p++)
            *p = *p == '_' ? ' ' : *p;
        walk_value(walk, label, value);
    }
}

/* "contacts" and 2 give "contact 2". */
static void block_label(char out[LABEL_MAX], const char *plural, size_t number)
{
    size_t len = strlen(plural);
    if (len > 1 && plural[len - 1] == 's')
        len--;
    snprintf(out, LABEL_MAX, "%.*s %zu", (int)len, plural, number);
}

static void walk_array(struct label_walk *walk, const char *label, const json_t *array)
{
    struct evbuffer *joined = evbuffer_new();
    bool objects = false;
    size_t i;
    json_t *value;
    json_array_foreach(array, i, value)
    {
        char text[LABEL_MAX];
        objects = json_is_object(value);
        if (objects && walk->style == BD_RENDER_BLOCKS) {
            block_label(text, label, i + 1);
            walk_object(walk, text, value);
        } else if (!objects) {
            struct bd_str s = scalar_text(value, text);
            evbuffer_add_printf(joined, "%s%.*s", i ? ", " : "", BD_STR_ARG(s));
        }
    }
    struct bd_str text = {(const char *)evbuffer_pullup(joined, -1),
                          (uint32_t)evbuffer_get_length(joined)};
    if (!objects && (i > 0 || walk->style == BD_RENDER_BLOCKS))
        one_label(walk, label, text);
    evbuffer_free(joined);
}

static void walk_value(struct label_walk *walk, const char *label, const json_t *value)
{
    char scratch[CELL_MAX];
    if (json_is_object(value))
        walk_object(walk, label, value);
    else if (json_is_array(value))
        walk_array(walk, label, value);
    else
        one_label(walk, label, scalar_text(value, scratch));
}

/* --- tables ----------------------------------------------------------------------------------- */

static void measure_columns(const json_t *rows, uint32_t width[COLUMNS_MAX])
{
    size_t i;
    json_t *row, *value;
    const char *key;
    json_array_foreach(rows, i, row)
    {
        unsigned column = 0;
        json_object_foreach(row, key, value)
        {
            char scratch[CELL_MAX];
            uint32_t len = scalar_text(value, scratch).len;
            uint32_t head = (uint32_t)strlen(key);
            len = len > head ? len : head;
            if (column < COLUMNS_MAX && len > width[column])
                width[column] = len;
            column++;
        }
    }
}

/* Numbers stand right, text left; the last column is not padded. */
static void table_cell(struct evbuffer *out, struct bd_str text, bool number, uint32_t width,
                       bool last)
{
    if (number)
        evbuffer_add_printf(out, "%*.*s%s", (int)width, BD_STR_ARG(text), last ? "" : "  ");
    else
        bd_render_cell(out, text, last ? 0 : width + 1);
}

static void table_row(struct evbuffer *out, const json_t *row, const uint32_t width[COLUMNS_MAX],
                      bool heading)
{
    const char *key;
    json_t *value;
    unsigned column = 0, cnt = (unsigned)json_object_size(row);
    json_object_foreach((json_t *)row, key, value)
    {
        char scratch[CELL_MAX];
        struct bd_str text = scalar_text(value, scratch);
        if (heading) {
            text.p = scratch;
            text.len = (uint32_t)snprintf(scratch, sizeof(scratch), "%s", key);
            for (char *p = scratch; *p; p++)
                *p = *p == '_' ? '-' : (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        }
        if (column < COLUMNS_MAX)
            table_cell(out, text, json_is_number(value), width[column], column + 1 == cnt);
        column++;
    }
    evbuffer_add(out, "\n", 1);
}

static void render_table(struct evbuffer *out, const json_t *rows)
{
    uint32_t width[COLUMNS_MAX] = {0};
    measure_columns(rows, width);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (i == 0)
            table_row(out, row, width, true);
        table_row(out, row, width, false);
    }
}

void bd_render(struct evbuffer *out, const json_t *document, enum bd_render_style style)
{
    struct label_walk walk = {.out = NULL, .style = style};
    walk_object(&walk, "", document);
    walk.out = out;
    walk_object(&walk, "", document);
    if (style == BD_RENDER_BLOCKS)
        return;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)document, key, value)
    {
        if (json_is_array(value) && json_is_object(json_array_get(value, 0)))
            render_table(out, value);
    }
}
