/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of single values. */
#include <inttypes.h>
#include <stdlib.h>

#include "schema.h"

void bd_release_nothing(const struct bd_row *row, void *base)
{
}

static bool always_set(const struct bd_row *row, const void *base)
{
    return true;
}

/* --- numbers: decimal digits only; a leading zero would be octal to some readers of YAML ------ */

static bool read_number(struct bd_str s, uint64_t *value)
{
    if (s.len == 0 || s.len > 19 || (s.p[0] == '0' && s.len > 1))
        return false;
    uint64_t n = 0;
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    *value = n;
    return true;
}

static bool number_fits(const struct bd_row *row, struct bd_str text, uint64_t *n)
{
    return read_number(text, n) && *n >= row->min && *n <= row->max &&
           (!row->power_of_two || (*n & (*n - 1)) == 0);
}

static void number_allowed(const struct bd_row *row, FILE *out)
{
    fprintf(out, "%s%" PRIu64 "..%" PRIu64 "%s%s", row->power_of_two ? "a power of two " : "",
            row->min, row->max, row->unit ? " " : "", row->unit ? row->unit : "");
}

static enum bd_value_rc number_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    uint64_t n;
    if (!number_fits(row, text, &n))
        return BD_VALUE_REFUSED;
    *(uint32_t *)bd_row_field(row, base) = (uint32_t)n;
    return BD_VALUE_OK;
}

static void number_print(const struct bd_row *row, const void *base, FILE *out)
{
    fprintf(out, "%" PRIu32, *(const uint32_t *)bd_row_field(row, base));
}

static bool number_equal(const struct bd_row *row, const void *a, const void *b)
{
    return *(const uint32_t *)bd_row_field(row, a) == *(const uint32_t *)bd_row_field(row, b);
}

const struct bd_kind bd_kind_number = {.name = "integer",
                                       .plain = true,
                                       .size = sizeof(uint32_t),
                                       .parse = number_parse,
                                       .print = number_print,
                                       .equal = number_equal,
                                       .release = bd_release_nothing,
                                       .is_set = always_set,
                                       .allowed = number_allowed};

static enum bd_value_rc number64_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    return number_fits(row, text, bd_row_field(row, base)) ? BD_VALUE_OK : BD_VALUE_REFUSED;
}

static void number64_print(const struct bd_row *row, const void *base, FILE *out)
{
    fprintf(out, "%" PRIu64, *(const uint64_t *)bd_row_field(row, base));
}

static bool number64_equal(const struct bd_row *row, const void *a, const void *b)
{
    return *(const uint64_t *)bd_row_field(row, a) == *(const uint64_t *)bd_row_field(row, b);
}

const struct bd_kind bd_kind_number64 = {.name = "integer",
                                         .plain = true,
                                         .size = sizeof(uint64_t),
                                         .parse = number64_parse,
                                         .print = number64_print,
                                         .equal = number64_equal,
                                         .release = bd_release_nothing,
                                         .is_set = always_set,
                                         .allowed = number_allowed};

/* --- words: a bool or an int with names ------------------------------------------------------- */

const struct bd_choice *bd_choice_of_word(const struct bd_row *row, struct bd_str word)
{
    for (const struct bd_choice *c = row->choices; c->word; c++) {
        if (bd_str_eq(word, bd_str_from(c->word)))
            return c;
    }
    return NULL;
}

const char *bd_choice_word(const struct bd_row *row, int value)
{
    const struct bd_choice *c = row->choices;
    while (c->word && c->value != value)
        c++;
    return c->word ? c->word : "?";
}

void bd_choice_allowed(const struct bd_row *row, FILE *out)
{
    for (const struct bd_choice *c = row->choices; c->word; c++) {
        const char *between = c == row->choices ? "" : c[1].word ? ", " : " or ";
        fprintf(out, "%s%s", between, c->word);
    }
}

static enum bd_value_rc choice_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    const struct bd_choice *c = bd_choice_of_word(row, text);
    if (!c)
        return BD_VALUE_REFUSED;
    *(int *)bd_row_field(row, base) = c->value;
    return BD_VALUE_OK;
}

static void choice_print(const struct bd_row *row, const void *base, FILE *out)
{
    fputs(bd_choice_word(row, *(const int *)bd_row_field(row, base)), out);
}

const struct bd_kind bd_kind_choice = {.name = "word",
                                       .size = sizeof(int),
                                       .parse = choice_parse,
                                       .print = choice_print,
                                       .equal = number_equal,
                                       .release = bd_release_nothing,
                                       .is_set = always_set,
                                       .allowed = bd_choice_allowed};

static enum bd_value_rc truth_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    const struct bd_choice *c = bd_choice_of_word(row, text);
    if (!c)
        return BD_VALUE_REFUSED;
    *(bool *)bd_row_field(row, base) = c->value != 0;
    return BD_VALUE_OK;
}

static void truth_print(const struct bd_row *row, const void *base, FILE *out)
{
    fputs(bd_choice_word(row, *(const bool *)bd_row_field(row, base)), out);
}

static bool truth_equal(const struct bd_row *row, const void *a, const void *b)
{
    return *(const bool *)bd_row_field(row, a) == *(const bool *)bd_row_field(row, b);
}

const struct bd_kind bd_kind_truth = {.name = "word",
                                      .plain = true,
                                      .size = sizeof(bool),
                                      .parse = truth_parse,
                                      .print = truth_print,
                                      .equal = truth_equal,
                                      .release = bd_release_nothing,
                                      .is_set = always_set,
                                      .allowed = bd_choice_allowed};

/* Only the side that is not the default is worth a line. */
static bool side_is_set(const struct bd_row *row, const void *base)
{
    return *(const bool *)bd_row_field(row, base);
}

const struct bd_kind bd_kind_side = {.name = "word",
                                     .size = sizeof(bool),
                                     .parse = truth_parse,
                                     .print = truth_print,
                                     .equal = truth_equal,
                                     .release = bd_release_nothing,
                                     .is_set = side_is_set,
                                     .allowed = bd_choice_allowed};

/* --- texts ------------------------------------------------------------------------------------ */

static enum bd_value_rc text_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    if (text.len < row->min || text.len > row->max || !row->form->holds(text))
        return BD_VALUE_REFUSED;
    *(char **)bd_row_field(row, base) = bd_need_text(text.p, text.len);
    return BD_VALUE_OK;
}

/* As a double-quoted YAML scalar. */
static void text_print(const struct bd_row *row, const void *base, FILE *out)
{
    const char *text = *(char *const *)bd_row_field(row, base);
    fputc('"', out);
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fputc('\\', out);
        fputc(*p, out);
    }
    fputc('"', out);
}

static bool text_equal(const struct bd_row *row, const void *a, const void *b)
{
    const char *x = *(char *const *)bd_row_field(row, a), *y = *(char *const *)bd_row_field(row, b);
    return x && y ? strcmp(x, y) == 0 : x == y;
}

static void text_release(const struct bd_row *row, void *base)
{
    char **text = bd_row_field(row, base);
    if (*text && row->secret)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static bool text_is_set(const struct bd_row *row, const void *base)
{
    return *(char *const *)bd_row_field(row, base) != NULL;
}

static void text_allowed(const struct bd_row *row, FILE *out)
{
    fputs(row->form->what, out);
    if (row->min < row->max)
        fprintf(out, ", %" PRIu64 "..%" PRIu64 " characters", row->min, row->max);
}

const struct bd_kind bd_kind_text = {.name = "text",
                                     .size = sizeof(char *),
                                     .parse = text_parse,
                                     .print = text_print,
                                     .equal = text_equal,
                                     .release = text_release,
                                     .is_set = text_is_set,
                                     .allowed = text_allowed};

/* --- addresses -------------------------------------------------------------------------------- */

static enum bd_value_rc endpoint_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    bool ok = bd_endpoint_parse(text, bd_row_field(row, base));
    return ok ? BD_VALUE_OK : BD_VALUE_REFUSED;
}

static void endpoint_print(const struct bd_row *row, const void *base, FILE *out)
{
    char text[BD_ENDPOINT_TEXT_MAX];
    bd_endpoint_format(bd_row_field(row, base), text);
    fprintf(out, "\"%s\"", text);
}

static bool endpoint_equal(const struct bd_row *row, const void *a, const void *b)
{
    const struct bd_endpoint *x = bd_row_field(row, a), *y = bd_row_field(row, b);
    return x->port == y->port && bd_ip_eq(&x->ip, &y->ip);
}

static bool endpoint_is_set(const struct bd_row *row, const void *base)
{
    return ((const struct bd_endpoint *)bd_row_field(row, base))->port != 0;
}

static void endpoint_allowed(const struct bd_row *row, FILE *out)
{
    fputs("ADDRESS:PORT or [IPV6-ADDRESS]:PORT, port 1..65535", out);
}

const struct bd_kind bd_kind_endpoint = {.name = "endpoint",
                                         .size = sizeof(struct bd_endpoint),
                                         .parse = endpoint_parse,
                                         .print = endpoint_print,
                                         .equal = endpoint_equal,
                                         .release = bd_release_nothing,
                                         .is_set = endpoint_is_set,
                                         .allowed = endpoint_allowed};
